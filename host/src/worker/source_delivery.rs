//! What a source task shares with the offset flush: its producer, the records under way, and what became of them.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use ferroconnect_plugin_abi::record::{Acknowledgement, Outcome, SourcePosition};
use ferroconnect_plugin_abi::{Record, Text};
use parking_lot::{Mutex, MutexGuard};

use crate::error::{ConnectError, Result};
use crate::kafka::{DeliveryReport, KafkaError, OutRecord, Producer, SendError, Topic};
use crate::pipeline::ErrorCounters;
use crate::storage::{OffsetEntry, TaskId};

use super::flush::FlushSource;
use super::metrics::CommonMetrics;
use super::positions;
use super::submitted::{Place, Submitted, Token};

/// How long one step of waiting for the last deliveries takes.
const DRAIN_STEP: Duration = Duration::from_millis(100);

/// How long the first record waits for a broker. Later it waits in the producer's queue.
const CONNECT_PATIENCE: Duration = Duration::from_millis(500);

/// A record that Kafka refused, for the task to decide about.
#[derive(Debug)]
pub(crate) struct Refused {
    pub(crate) error: KafkaError,
    /// The topic it was for.
    pub(crate) topic: Text,
    /// Whether it was a dead letter, which is never skipped.
    pub(crate) letter: bool,
    /// Where it was read.
    pub(crate) position: Option<SourcePosition>,
    /// As the connector gave it, where it was kept ([`Sending::keep`]).
    pub(crate) original: Option<Record>,
}

struct State {
    submitted: Submitted,
    /// Acknowledgements for the plugin, if it wants them.
    acknowledgements: Vec<Acknowledgement>,
    /// Topics of the records under way that want acknowledgements, by place.
    topics: HashMap<(u64, u32), Text>,
    refused: Vec<Refused>,
    /// Those under way that are dead letters.
    letters: HashSet<Token>,
    /// Those under way that a refusal must be able to show.
    originals: HashMap<Token, Record>,
}

impl State {
    /// Notes that Kafka refused a record. To be called before it is done.
    fn refuse(&mut self, token: Token, topic: &str, error: KafkaError, letter: bool) {
        let (position, original) = (self.submitted.position(token), self.originals.remove(&token));
        self.refused.push(Refused { error, topic: topic.into(), letter, position, original });
    }

    /// A record is done although its topic does not have it.
    fn finish_without_kafka(&mut self, token: Token, wants_acknowledgement: bool) {
        if let Some(place) = self.submitted.done(token)
            && wants_acknowledgement
        {
            self.topics.remove(&(place.batch, place.index));
            self.acknowledgements.push(acknowledgement(place, Outcome::FILTERED));
        }
    }
}

/// The delivery side of one source task. The task's thread sends; the flush may look at any time.
pub(crate) struct SourceDelivery {
    id: TaskId,
    producer: Producer,
    state: Mutex<State>,
    wants_acknowledgements: AtomicBool,
    /// Under `errors.tolerance=all` a refused record is skipped, and counts as done.
    skip_refused: bool,
    /// Flushes that the plugin has not been told of.
    commits_due: AtomicU64,
    written: AtomicU64,
    counters: Arc<ErrorCounters>,
    metrics: Arc<CommonMetrics>,
}

impl SourceDelivery {
    pub(crate) fn new(
        id: &TaskId,
        producer: Producer,
        skip_refused: bool,
        counters: Arc<ErrorCounters>,
        metrics: Arc<CommonMetrics>,
    ) -> SourceDelivery {
        SourceDelivery {
            id: id.clone(),
            producer,
            state: Mutex::new(State {
                submitted: Submitted::new(&id.connector),
                acknowledgements: Vec::new(),
                topics: HashMap::new(),
                refused: Vec::new(),
                letters: HashSet::new(),
                originals: HashMap::new(),
            }),
            wants_acknowledgements: AtomicBool::new(false),
            skip_refused,
            commits_due: AtomicU64::new(0),
            written: AtomicU64::new(0),
            counters,
            metrics,
        }
    }

    /// From now on acknowledgements are kept for the plugin.
    pub(crate) fn keep_acknowledgements(&self) {
        self.wants_acknowledgements.store(true, Ordering::Relaxed);
    }

    /// Lets the first records go out as soon as brokers can be reached.
    pub(crate) fn connect(&self) {
        self.producer.connect(CONNECT_PATIENCE);
    }

    /// A topic of this task's producer.
    pub(crate) fn topic(&self, name: &str) -> Result<Topic> {
        Ok(self.producer.topic(name)?)
    }

    /// Begins to give records to the producer. Held for a batch, so that there is one lock a batch, not one a record.
    pub(crate) fn sending(&self) -> Sending<'_> {
        Sending { delivery: self, state: self.state.lock() }
    }

    /// Fetches delivery reports, waiting so long for the first. Answers how many came.
    pub(crate) fn fetch_reports(&self, timeout: Duration) -> usize {
        let mut state = self.state.lock();
        self.producer.reports(timeout, &mut |report| self.note(&mut state, &report))
    }

    fn note(&self, state: &mut State, report: &DeliveryReport) {
        let token = Token::from_number(report.opaque);
        let wanted = self.wants_acknowledgements.load(Ordering::Relaxed);
        match &report.result {
            // A record whose dead letter has arrived is done.
            Ok(_) if state.letters.remove(&token) => state.finish_without_kafka(token, wanted),
            Ok((partition, offset)) => {
                self.written.fetch_add(1, Ordering::Relaxed);
                if !state.originals.is_empty() {
                    state.originals.remove(&token);
                }
                let Some(place) = state.submitted.done(token) else { return };
                if wanted {
                    state.acknowledgements.push(Acknowledgement {
                        partition: *partition,
                        offset: *offset,
                        timestamp: report.timestamp.unwrap_or(-1),
                        topic: state.topics.remove(&(place.batch, place.index)).unwrap_or_default(),
                        ..acknowledgement(place, Outcome::ACKNOWLEDGED)
                    });
                }
            }
            Err(error) => self.note_refusal(state, token, report.topic.as_deref().unwrap_or_default(), error.clone()),
        }
    }

    /// A refused record that is not skipped stays under way: nothing behind it may be stored (I1). So does one whose
    /// dead letter was refused, whatever is skipped; the task then fails.
    fn note_refusal(&self, state: &mut State, token: Token, topic: &str, error: KafkaError) {
        let letter = state.letters.remove(&token);
        state.refuse(token, topic, error, letter);
        if letter {
            self.counters.add_dead_letter_failure();
        } else if self.skip_refused {
            state.finish_without_kafka(token, self.wants_acknowledgements.load(Ordering::Relaxed));
        }
    }

    /// Takes the refusals that came since the last call.
    pub(crate) fn take_refused(&self) -> Vec<Refused> {
        let mut state = self.state.lock();
        if state.refused.is_empty() { Vec::new() } else { std::mem::take(&mut state.refused) }
    }

    /// Takes what the plugin is to be told.
    pub(crate) fn take_acknowledgements(&self) -> Vec<Acknowledgement> {
        std::mem::take(&mut self.state.lock().acknowledgements)
    }

    /// Whether offsets were stored since the last call.
    pub(crate) fn take_commit_due(&self) -> bool {
        self.commits_due.swap(0, Ordering::Relaxed) > 0
    }

    /// Records that are under way.
    pub(crate) fn under_way(&self) -> usize {
        self.state.lock().submitted.under_way()
    }

    /// Bytes of keys and values that were given to the producer and not reported on.
    pub(crate) fn queued_bytes(&self) -> u64 {
        self.producer.outbound_bytes()
    }

    /// Records that Kafka has acknowledged.
    pub(crate) fn written(&self) -> u64 {
        self.written.load(Ordering::Relaxed)
    }

    /// Sends what lingers and waits until nothing is under way, at most so long. False = something is, because time
    /// ran out or Kafka has refused a record that is not skipped.
    pub(crate) fn drain(&self, timeout: Duration) -> bool {
        let deadline = Instant::now() + timeout;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            // Whether records are left is asked below, of the ledger rather than of the client.
            let step = left.min(DRAIN_STEP);
            let _flushed = self.producer.flush(step, &mut |report| self.note(&mut self.state.lock(), &report));
            let state = self.state.lock();
            let refused = state.refused.iter().any(|refused| refused.letter || !self.skip_refused);
            if state.submitted.under_way() == 0 || refused || left.is_zero() {
                return state.submitted.under_way() == 0;
            }
        }
    }

    /// Gives up everything that is not sent. Called when the task is abandoned: what its thread still does must not
    /// reach Kafka behind the back of its successor.
    pub(crate) fn give_up(&self) {
        self.producer.purge();
    }

    /// The newest error of the client as a whole, such as an unreachable broker.
    pub(crate) fn client_error(&self) -> Option<KafkaError> {
        self.producer.last_error()
    }
}

/// A batch on its way to the producer. The flush waits meanwhile, except while this waits for room.
pub(crate) struct Sending<'a> {
    delivery: &'a SourceDelivery,
    state: MutexGuard<'a, State>,
}

impl Sending<'_> {
    /// Notes a record as under way; the token goes into [`OutRecord::opaque`].
    ///
    /// # Errors
    /// If the record's source partition cannot be stored.
    pub(crate) fn submit(&mut self, position: SourcePosition, place: Place, topic: &Text) -> Result<Token> {
        if self.wanted() {
            self.state.topics.insert((place.batch, place.index), topic.clone());
        }
        self.state.submitted.submit(position, place)
    }

    /// Gives a record to the producer.
    pub(crate) fn send(&self, record: &OutRecord<'_>) -> Result<(), SendError> {
        self.delivery.producer.send(record)
    }

    /// Where a record that is under way was read.
    pub(crate) fn position(&self, token: Token) -> Option<SourcePosition> {
        self.state.submitted.position(token)
    }

    /// A record that the producer did not take counts as refused, as if Kafka had answered so.
    pub(crate) fn refuse(&mut self, token: Token, topic: &str, error: KafkaError) {
        self.delivery.note_refusal(&mut self.state, token, topic, error);
    }

    /// A record is done without Kafka: filtered, or skipped.
    pub(crate) fn settle(&mut self, token: Token) {
        let wanted = self.wanted();
        self.state.finish_without_kafka(token, wanted);
    }

    /// The record of this token goes to the dead-letter topic; it is done once that has it.
    pub(crate) fn is_letter(&mut self, token: Token) {
        self.state.letters.insert(token);
    }

    /// Keeps a record as the connector gave it while it is under way, for [`Refused::original`].
    pub(crate) fn keep(&mut self, token: Token, original: Record) {
        self.state.originals.insert(token, original);
    }

    /// Waits so long for reports, which make room in the producer's queue, and lets the flush in between.
    pub(crate) fn wait_for_room(&mut self, timeout: Duration) {
        let delivery = self.delivery;
        delivery.producer.reports(timeout, &mut |report| delivery.note(&mut self.state, &report));
        MutexGuard::bump(&mut self.state);
    }

    fn wanted(&self) -> bool {
        self.delivery.wants_acknowledgements.load(Ordering::Relaxed)
    }
}

fn acknowledgement(place: Place, outcome: Outcome) -> Acknowledgement {
    Acknowledgement {
        batch: place.batch,
        index: place.index,
        outcome,
        partition: -1,
        offset: -1,
        timestamp: -1,
        topic: Text::default(),
    }
}

impl FlushSource for SourceDelivery {
    fn take_offsets(&self) -> Result<Vec<OffsetEntry>> {
        self.fetch_reports(Duration::ZERO);
        let committable = self.state.lock().submitted.take_committable();
        let entry = |c: super::submitted::Committable| Ok((c.key, positions::store_value(&c.offset)?));
        committable.into_iter().map(entry).collect()
    }

    fn offsets_stored(&self, took: Duration) {
        self.commits_due.fetch_add(1, Ordering::Relaxed);
        self.metrics.committed(took, true);
    }

    fn offsets_failed(&self, took: Duration, error: &ConnectError) {
        self.metrics.committed(took, false);
        tracing::error!(
            "{}: could not store source offsets; they are kept and tried again at the next flush: {}",
            self.id,
            error.trace().trim_end()
        );
    }
}
