//! What a task's thread does first: put together everything its loop needs, from the configuration on.

use std::sync::{Arc, Weak};
use std::time::Duration;

use ferroconnect_plugin_abi::record::OffsetMap;

use parking_lot::Mutex;

use crate::config::{self, ConnectorConfig, ConnectorKind, Props, SinkConfig, SourceConfig, TopicSelection};
use crate::error::Result;
use crate::kafka::{Admin, BatchConsumer, ClientSettings, Producer};
use crate::pipeline::{DeadLetterForm, ErrorCounters, SinkPipeline, SourceLetters, SourcePipeline};
use crate::plugins::api::{Scope, SourceTaskContext};
use crate::storage::{StatusStore, TaskId};
use crate::telemetry::LogContext;
use crate::telemetry::metrics::TaskStage;
use crate::telemetry::rate_limit::RateLimiter;

use super::dead_letters::DeadLetterQueue;
use super::dead_letters::holds::Holds;
use super::errant::{ErrantReporter, Letters};
use super::metrics::{CommonMetrics, SinkMetrics, SourceMetrics};
use super::offset_reader::OffsetReader;
use super::opened::Opened;
use super::originals::Originals;
use super::sink_requests::SinkRequests;
use super::sink_task::{SinkParts, Subscription};
use super::source_delivery::SourceDelivery;
use super::source_task::{LetterTopic, SourceParts};
use super::task::TaskBody;
use super::topic_creation::TopicCreator;
use super::topic_tracking::TopicTracker;
use super::{Shared, Worker, build, clients, dead_letters, describe, kind_of, sink_task, source_task};

/// Runs a task to its end.
pub(super) fn run_task(
    shared: &Arc<Shared>,
    id: &TaskId,
    connector: &Props,
    task: &Props,
    body: &TaskBody<'_>,
) -> Result<()> {
    let mut opened = shared.open(LogContext::task(&id.connector, id.task), connector)?;
    body.lifecycle.uses(opened.fingerprint());
    // Connectors may give their tasks variables of their own.
    let resolved = opened.within(|| shared.config.transformer.resolve(task))?;
    opened.hide_too(&resolved.confidential);
    let start = TaskStart { shared, id, opened: &opened, task: &resolved.props, raw_task: task, body };
    opened.within(|| match kind_of(&opened.plugin) {
        ConnectorKind::Source => start.source(),
        ConnectorKind::Sink => start.sink(),
    })
}

struct TaskStart<'a> {
    shared: &'a Arc<Shared>,
    id: &'a TaskId,
    /// The connector's configuration.
    opened: &'a Opened,
    /// The task's own, variables replaced.
    task: &'a Props,
    /// As the connector made it, variables put back.
    raw_task: &'a Props,
    body: &'a TaskBody<'a>,
}

impl TaskStart<'_> {
    fn source(&self) -> Result<()> {
        let shared = self.shared;
        let config = SourceConfig::new(self.opened.props.clone(), &shared.config)?;
        let common = &config.common;
        shared.policy.admit(ConnectorKind::Source, common)?;
        let counters = Arc::new(ErrorCounters::default());
        let stages = build::stages(&shared.registry, &shared.config, common)?;
        let errors = build::task_errors(&common.errors, self.id, &counters, None);
        let cancel = errors.cancel();
        let tolerance = build::tolerance(&common.errors);
        let producer = Producer::new(&clients::source_producer(&shared.config, common, self.id)?)?;
        let skip_refused = common.errors.tolerate_all;
        let metrics = self.common_metrics(common, &counters, TaskStage::OF_SOURCE)?;
        let delivery =
            SourceDelivery::new(self.id, producer, skip_refused, Arc::clone(&counters), Arc::clone(&metrics));
        let delivery = Arc::new(delivery);
        let mut pipeline = SourcePipeline::new(stages.chain, stages.converters, errors);
        let mut letters = None;
        if let Some(queue) = &config.dead_letter_queue {
            self.ensure_dead_letter_topic(common, queue)?;
            pipeline = pipeline.with_dead_letters(SourceLetters::new(self.letter_form(queue))?);
            letters =
                Some(LetterTopic { topic: delivery.topic(&queue.topic)?, context_headers: queue.context_headers });
        }
        let rules = match config.topic_creation {
            Some(rules) => Some((rules, clients::task_admin(&shared.config, common, self.id)?)),
            None => None,
        };
        let offsets = OffsetReader::new(Arc::clone(&self.id.connector), Arc::clone(&shared.offsets));
        let context = SourceContext { scope: self.scope(), config: self.fresh_config(), offsets: offsets.clone() };
        let plugin = self.opened.plugin.source_task()?;
        self.body.lifecycle.attach(plugin.control());
        let given_up = Arc::clone(&delivery);
        // Whoever reads metrics must not keep the producer of a task that has ended.
        let weak = Arc::downgrade(&delivery);
        let queued_bytes = move || weak.upgrade().map_or(0, |delivery| delivery.queued_bytes());
        self.body.on_abandon(move || {
            given_up.give_up();
            offsets.close();
            cancel.cancel();
        });
        let parts = SourceParts {
            plugin,
            context: Arc::new(context),
            config: self.task.clone(),
            pipeline,
            letters,
            tolerance,
            metrics: SourceMetrics::new(&shared.metrics, self.id, metrics, queued_bytes),
            delivery,
            topics: TopicCreator::new(rules),
            tracker: self.tracker(),
            flusher: Arc::clone(&shared.flusher),
            flush_timeout: shared.config.offset_flush_timeout,
        };
        source_task::run(parts, self.body.lifecycle, self.body.reporter)
    }

    fn sink(&self) -> Result<()> {
        let shared = self.shared;
        let config = SinkConfig::new(self.opened.props.clone())?;
        let common = &config.common;
        shared.policy.admit(ConnectorKind::Sink, common)?;
        let counters = Arc::new(ErrorCounters::default());
        let stages = build::stages(&shared.registry, &shared.config, common)?;
        let holds: Arc<Holds> = Arc::default();
        let letters = match &config.dead_letter_queue {
            Some(queue) => Some(self.dead_letters(common, queue, &holds, &counters)?),
            None => None,
        };
        let errors = build::task_errors(&common.errors, self.id, &counters, letters.as_ref());
        let cancel = errors.cancel();
        let originals: Option<Arc<Originals>> = letters.is_some().then(Arc::default);
        let reporter = if config.has_errant_record_reporter() {
            let errors = build::task_errors(&common.errors, self.id, &counters, letters.as_ref());
            let letters = match (&letters, &originals) {
                (Some(queue), Some(originals)) => Some(Letters {
                    queue: Arc::clone(queue),
                    originals: Arc::clone(originals),
                    converters: Mutex::new(build::converters(&shared.registry, &shared.config, common)?),
                }),
                _ => None,
            };
            Some(ErrantReporter::new(errors, Arc::clone(&holds), letters))
        } else {
            None
        };
        let settings = clients::sink_consumer(&shared.config, common, self.id)?;
        let consumer = BatchConsumer::new(&settings)?;
        let metrics = self.common_metrics(common, &counters, TaskStage::OF_SINK)?;
        let requests = Arc::new(SinkRequests::new(self.scope(), self.fresh_config(), reporter));
        let plugin = self.opened.plugin.sink_task()?;
        self.body.lifecycle.attach(plugin.control());
        let given_up = letters.clone();
        self.body.on_abandon(move || {
            cancel.cancel();
            if let Some(letters) = &given_up {
                letters.give_up();
            }
        });
        let parts = SinkParts {
            plugin,
            requests,
            config: self.task.clone(),
            pipeline: SinkPipeline::new(stages.chain, stages.converters, errors),
            originals,
            holds,
            dead_letters: letters,
            put_errors: config.put_errors,
            subscription: match config.topics {
                TopicSelection::List(topics) => Subscription::Topics(topics),
                TopicSelection::Regex(pattern) => Subscription::Pattern(pattern),
            },
            commit_interval: shared.config.offset_flush_interval,
            commit_timeout: shared.config.offset_flush_timeout,
            max_records: settings.max_poll_records(),
            topics: self.tracker(),
            metrics: SinkMetrics::new(&shared.metrics, self.id, metrics, Arc::new(consumer.ends())),
        };
        sink_task::run(parts, &consumer, self.body.lifecycle, self.body.reporter)
    }

    /// The dead letters of a sink task, with their topic made sure of.
    fn dead_letters(
        &self,
        common: &ConnectorConfig,
        queue: &config::DeadLetterQueue,
        holds: &Arc<Holds>,
        counters: &Arc<ErrorCounters>,
    ) -> Result<Arc<DeadLetterQueue>> {
        self.ensure_dead_letter_topic(common, queue)?;
        let settings = clients::dead_letter_producer(&self.shared.config, common, self.id)?;
        let (holds, counters) = (Arc::clone(holds), Arc::clone(counters));
        let form = self.letter_form(queue);
        DeadLetterQueue::new(&settings, &queue.topic, form, holds, counters, self.body.lifecycle).map(Arc::new)
    }

    fn ensure_dead_letter_topic(&self, common: &ConnectorConfig, queue: &config::DeadLetterQueue) -> Result<()> {
        let admin = clients::dead_letter_admin(&self.shared.config, common, self.id)?;
        dead_letters::topic::ensure(&admin, &queue.topic, queue.replication_factor, self.body.lifecycle)
    }

    fn letter_form(&self, queue: &config::DeadLetterQueue) -> DeadLetterForm {
        DeadLetterForm::new(self.id.connector.to_string(), self.id.task, queue.context_headers)
    }

    fn scope(&self) -> Arc<Scope> {
        Arc::new(Scope::new(
            &self.opened.context,
            Some(self.shared.plugin_metrics(&self.id.connector, Some(self.id.task))),
        ))
    }

    fn tracker(&self) -> TopicTracker {
        let statuses: Option<Arc<dyn StatusStore>> =
            self.shared.config.topic_tracking.then(|| Arc::clone(&self.shared.statuses));
        TopicTracker::new(self.id, statuses)
    }

    fn common_metrics(
        &self,
        connector: &ConnectorConfig,
        counters: &Arc<ErrorCounters>,
        stages: &[TaskStage],
    ) -> Result<Arc<CommonMetrics>> {
        let metrics = Arc::new(CommonMetrics::new(&self.shared.metrics, self.id, counters, stages));
        describe::describe(self.shared, self.id, connector, &self.opened.plugin, &metrics)?;
        self.body.reporter.watch(Arc::clone(&metrics));
        Ok(metrics)
    }

    /// The task's configuration with its variables looked up again each time it is asked for.
    fn fresh_config(&self) -> Arc<dyn Fn() -> Props + Send + Sync> {
        let (shared, task, id) = (Arc::clone(self.shared), self.raw_task.clone(), self.id.clone());
        Arc::new(move || match shared.config.transformer.resolve(&task) {
            Ok(resolved) => resolved.props,
            Err(error) => {
                tracing::warn!("Could not look up the variables of task {id} again: {error}");
                task.clone()
            }
        })
    }
}

/// What a source task's plugin may ask for.
struct SourceContext {
    scope: Arc<Scope>,
    config: Arc<dyn Fn() -> Props + Send + Sync>,
    offsets: OffsetReader,
}

impl SourceTaskContext for SourceContext {
    fn scope(&self) -> Arc<Scope> {
        Arc::clone(&self.scope)
    }

    fn configs(&self) -> Props {
        (self.config)()
    }

    fn source_offsets(&self, partitions: &[OffsetMap]) -> Result<Vec<Option<OffsetMap>>> {
        self.offsets.read(partitions)
    }
}

/// How long one request for the cluster's id may take.
const CLUSTER_REQUEST: Duration = Duration::from_secs(5);

/// Asks for the cluster's id until a broker answers or the worker is gone.
pub(super) fn find_cluster(settings: &ClientSettings, brokers: &str, worker: &Weak<Worker>) {
    let admin = match Admin::new(settings) {
        Ok(admin) => admin,
        Err(error) => {
            tracing::error!("The worker's admin client cannot be made: {}", error.trace().trim_end());
            return;
        }
    };
    let complaints = RateLimiter::new(Duration::from_secs(30));
    loop {
        let answer = admin.cluster_id(CLUSTER_REQUEST);
        let Some(worker) = worker.upgrade() else { return };
        match answer {
            Ok(id) => {
                tracing::info!("Kafka cluster ID: {}", id.as_deref().unwrap_or("none"));
                worker.shared.info.write().kafka_cluster_id = id;
                return;
            }
            Err(error) => {
                if complaints.check("brokers").is_some() {
                    let why = admin.last_error().map(|why| format!(" ({why})")).unwrap_or_default();
                    tracing::warn!(
                        "No broker of bootstrap.servers={brokers} answers: {error}{why}. The worker keeps trying; connectors move records as soon as one does."
                    );
                }
            }
        }
    }
}
