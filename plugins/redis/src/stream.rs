//! The source: entries of a stream, read as consumers of a group.
//!
//! Redis keeps the position: an entry stays pending for its consumer until it is acknowledged, which happens when the
//! worker has stored its offset. What is pending at a start is read again first.

mod entries;
mod orphans;

use crate::VERSION;
use crate::connection::{Connection, FINISHED_WITHIN};
use crate::keys;
use crate::preset::{Invalid, field_engineering_server};
use crate::server::{Server, login_advice, passes};
use entries::{Entry, Id};
use ferroconnect_plugin_sdk::{
    Acknowledgement, Batch, Config, ConfigValue, ConnectorContext, Data, Description, Error, ErrorKind, MapEntry,
    OffsetMap, Outcome, Plugin, Result, Schema, SchemaBuilder, Shared, SourceConnector, SourceContext,
    SourceOffsetChange, SourceRecord, SourceTask, StopSignal, Support, Value, info, offset_map, warn,
};
use redis::RedisError;
use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

/// The task's number and the number of tasks, in a task's configuration.
const TASK: &str = "task.id";
const TASKS: &str = "task.count";
/// In offsets.
const OFFSET: &str = "offset";
/// One call waits no longer than this, so that a stop is noticed soon.
const LONGEST_CALL: Duration = Duration::from_millis(500);
// A poll that is broken off leaves no connection for the last acknowledgements.
const _: () = assert!(LONGEST_CALL.as_millis() < FINISHED_WITHIN.as_millis());
/// So many entries are acknowledged at once.
const ACKNOWLEDGED_AT_ONCE: usize = 1_000;

/// The connector.
#[derive(Debug, Default)]
pub(crate) struct RedisStreamSource {
    config: Config,
}

/// What to read, and how.
#[derive(Debug, Clone)]
struct Options {
    server: Server,
    stream: String,
    topic: String,
    group: String,
    consumer: String,
    /// Where a group begins that has to be made before any entry was read.
    begin: String,
    /// Whether entries stay pending until Kafka has them.
    acknowledges: bool,
    block: Duration,
    batch_size: usize,
}

impl Options {
    fn parse(config: &Config) -> Result<Options, Invalid> {
        let stream = config.text(keys::STREAM)?.to_owned();
        let begin = config.text(keys::STREAM_OFFSET)?.to_owned();
        if begin != "$" && begin.parse::<Id>().is_err() {
            let message = format!("{begin} is neither the id of an entry such as 0-0 nor $");
            return Err(Invalid::key(keys::STREAM_OFFSET, message));
        }
        Ok(Options {
            server: field_engineering_server(config)?,
            topic: config.text(keys::TOPIC)?.replace(keys::STREAM_TOKEN, &stream),
            stream,
            group: config.text(keys::GROUP)?.to_owned(),
            consumer: consumer(config, config.get(TASK).unwrap_or("0"))?,
            begin,
            acknowledges: config.text(keys::DELIVERY)? == keys::AT_LEAST_ONCE,
            block: Duration::from_millis(config.parse(keys::BLOCK)?),
            batch_size: config.parse(keys::BATCH_SIZE)?,
        })
    }

    fn partition_of(&self, consumer: &str) -> OffsetMap {
        let text = |text: &str| Value::string(text);
        offset_map([("stream", text(&self.stream)), ("group", text(&self.group)), ("consumer", text(consumer))])
    }
}

/// How many tasks there are.
fn tasks(config: &Config) -> usize {
    config.get(TASKS).and_then(|count| count.parse().ok()).unwrap_or(1)
}

/// The name that a task has in the group.
fn consumer(config: &Config, task: &str) -> Result<String> {
    Ok(config.text(keys::CONSUMER)?.replace(keys::TASK_TOKEN, task))
}

impl Plugin for RedisStreamSource {
    fn describe() -> Description {
        Description::new("com.redis.kafka.connect.RedisStreamSourceConnector", VERSION)
            .alias("RedisStreamSourceConnector")
            .alias("RedisStreamSource")
            .task_class("com.redis.kafka.connect.source.RedisStreamSourceTask")
            .doc("Reads the entries of a Redis stream as a consumer group.")
            .config(keys::stream_source())
    }
}

impl SourceConnector for RedisStreamSource {
    type Task = RedisStreamTask;

    fn validate(&self, config: &Config) -> Result<Vec<ConfigValue>> {
        Ok(match Options::parse(config) {
            Ok(_) => Vec::new(),
            Err(invalid) => invalid.into_values(config),
        })
    }

    fn start(&mut self, _: ConnectorContext, config: Config) -> Result<()> {
        Options::parse(&config)?;
        self.config = config;
        Ok(())
    }

    fn task_configs(&mut self, maximum: usize) -> Result<Vec<Config>> {
        // Tasks under one name would take each other's entries for their own.
        let named = self.config.text(keys::CONSUMER)?.contains(keys::TASK_TOKEN);
        let count = if named { maximum } else { 1 };
        let task = |number| {
            let mut task = self.config.clone();
            task.set(TASK, number).set(TASKS, count);
            task
        };
        Ok((0..count).map(task).collect())
    }

    fn alter_offsets(&mut self, _: &Config, change: &SourceOffsetChange) -> Result<bool> {
        if change.named().any(|(_, offset)| offset.is_some()) {
            let message = "Redis keeps the position of a consumer group; change it there with XGROUP SETID";
            return Err(Error::new(ErrorKind::UNSUPPORTED, message));
        }
        Ok(false)
    }

    fn exactly_once_support(&self, _: &Config) -> Result<Support> {
        Ok(Support::UNSUPPORTED)
    }
}

/// The task.
#[derive(Debug, Default)]
pub(crate) struct RedisStreamTask {
    reader: Option<Reader>,
}

impl SourceTask for RedisStreamTask {
    const WANTS_ACKNOWLEDGEMENTS: bool = true;

    fn start(&mut self, context: SourceContext, config: Config) -> Result<()> {
        let mut options = Options::parse(&config)?;
        if let Some(stored) = stored(&context, &config, &options)? {
            options.begin = stored.to_string();
        }
        let mut reader = Reader::start(options, context.stop())?;
        if config.get(TASK).is_none_or(|task| task == "0") {
            reader.inherit(&config)?;
        }
        self.reader = Some(reader);
        Ok(())
    }

    fn poll(&mut self, batch: &mut Batch<'_>) -> Result<()> {
        self.reader.as_mut().ok_or_else(|| Error::fatal("poll was called before start"))?.poll(batch)
    }

    fn acknowledged(&mut self, acknowledgements: &[Acknowledgement]) -> Result<()> {
        if let Some(reader) = &mut self.reader {
            reader.acknowledged(acknowledgements);
        }
        Ok(())
    }

    fn commit(&mut self) -> Result<()> {
        self.reader.as_mut().map_or(Ok(()), Reader::commit)
    }

    fn stop(&mut self) -> Result<()> {
        self.reader = None;
        Ok(())
    }
}

/// Which entries to ask for next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    /// Those behind this one that were given to this consumer before and are not acknowledged.
    Pending(Id),
    /// Those that nobody has got yet.
    New,
}

#[derive(Debug)]
struct Reader {
    options: Options,
    stop: StopSignal,
    connection: Option<Connection>,
    next: Next,
    partition: Shared<OffsetMap>,
    /// By batch and place: what Kafka may not have yet.
    in_flight: HashMap<(u64, u32), Id>,
    /// What Kafka has and Redis has not been told of.
    delivered: Vec<Id>,
    /// The highest id that was read.
    highest: Option<Id>,
    schemas: Schemas,
}

#[derive(Debug)]
struct Schemas {
    key: Shared<Schema>,
    value: Shared<Schema>,
}

impl Reader {
    fn start(options: Options, stop: &StopSignal) -> Result<Reader> {
        let connection = options.server.connect_patiently(stop)?;
        let string = || SchemaBuilder::string().build();
        let value = SchemaBuilder::structure()
            .name("com.redis.kafka.connect.stream.Value")
            .field("id", string())
            .field("body", SchemaBuilder::map(string(), string()).build())
            .field("stream", string());
        let mut reader = Reader {
            partition: Shared::new(options.partition_of(&options.consumer)),
            options,
            stop: stop.clone(),
            connection: Some(connection),
            next: Next::New,
            in_flight: HashMap::new(),
            delivered: Vec::new(),
            highest: None,
            schemas: Schemas { key: string(), value: value.build() },
        };
        reader.join()?;
        Ok(reader)
    }

    /// Takes what is pending for tasks that are no more. One task does it for all, before it reads what is pending.
    fn inherit(&mut self, config: &Config) -> Result<()> {
        let Options { stream, group, consumer, .. } = self.options.clone();
        let names = config.text(keys::CONSUMER)?;
        let group = orphans::Group { stream: &stream, name: &group, consumer: names, tasks: tasks(config) };
        let inherited = self.with_connection(|connection| group.inherit(connection, &consumer));
        match inherited {
            Ok(0) => {}
            Ok(count) => info!("Took over {count} entries of stream {stream} from tasks that are no more"),
            // Whoever may read need not have the right to look for others; the next poll connects anew.
            Err(error) => warn!("Cannot take over what tasks that are no more have left in stream {stream}: {error}"),
        }
        Ok(())
    }

    /// Makes the group if there is none, and begins with what is pending.
    fn join(&mut self) -> Result<()> {
        let begin = self.begin();
        let Options { stream, group, .. } = &self.options;
        let mut create = redis::cmd("XGROUP");
        create.arg("CREATE").arg(stream).arg(group).arg(&begin).arg("MKSTREAM");
        let made = self.with_connection(|connection| connection.request(&create));
        let Options { stream, group, consumer, .. } = &self.options;
        match made {
            Ok(_) => info!("Made the group {group} of stream {stream}, which begins behind {begin}"),
            Err(error) if error.code() == Some("BUSYGROUP") => info!("Consumer {consumer} joins {group} of {stream}"),
            Err(error) => return Err(self.failed("joining its group", error)),
        }
        // What is given out without acknowledgement is never pending.
        self.next = if self.options.acknowledges { Next::Pending(Id::default()) } else { Next::New };
        Ok(())
    }

    /// Where a group begins that has to be made. One that was lost in the meantime begins before what Kafka may not have
    /// yet, so that this is pending again; it is not read twice, as it is known.
    fn begin(&self) -> String {
        let position = self.in_flight.values().min().map(|id| id.previous()).or(self.highest);
        position.map_or_else(|| self.options.begin.clone(), |id| id.to_string())
    }

    fn poll(&mut self, batch: &mut Batch<'_>) -> Result<()> {
        if self.connection.is_none() {
            self.connection = Some(self.reconnect()?);
            self.join()?;
        }
        let deadline = Instant::now() + self.options.block;
        loop {
            let entries = self.read(deadline.saturating_duration_since(Instant::now()))?;
            if !entries.is_empty() {
                self.give(entries, batch);
                return Ok(());
            }
            if self.next == Next::New && (Instant::now() >= deadline || self.stop.is_stopped()) {
                return Ok(());
            }
        }
    }

    /// Waits as long as between attempts at start if there is no server; the worker's own pause is much shorter.
    fn reconnect(&self) -> Result<Connection> {
        let (server, stop) = (&self.options.server, &self.stop);
        server.connect(stop).inspect_err(|error| {
            if error.kind() == ErrorKind::RETRIABLE {
                stop.wait_or_stop(server.delay);
            }
        })
    }

    /// Asks for entries once.
    fn read(&mut self, wait: Duration) -> Result<Vec<Entry>> {
        let Options { stream, group, consumer, acknowledges, batch_size, .. } = &self.options;
        let mut read = redis::cmd("XREADGROUP");
        read.arg("GROUP").arg(group).arg(consumer).arg("COUNT").arg(*batch_size);
        if self.next == Next::New {
            // 0 would be without end.
            let wait = wait.min(LONGEST_CALL).as_millis().max(1);
            read.arg("BLOCK").arg(u64::try_from(wait).expect("it is at most the longest call"));
        }
        if !acknowledges {
            read.arg("NOACK");
        }
        read.arg("STREAMS").arg(stream);
        match self.next {
            Next::Pending(id) => read.arg(id.to_string()),
            Next::New => read.arg(">"),
        };
        let answer = self.with_connection(|connection| connection.request(&read));
        let answer = answer.map_err(|error| self.failed("reading", error))?;
        let entries = entries::parse(answer).ok_or_else(|| Error::fatal("XREADGROUP got an answer of unknown form"))?;
        if let Next::Pending(_) = self.next {
            self.next = entries.last().map_or(Next::New, |last| Next::Pending(last.id));
        }
        Ok(self.unknown(entries))
    }

    /// After a new connection all is read again that is pending. These of it are not on their way to Kafka.
    fn unknown(&self, mut entries: Vec<Entry>) -> Vec<Entry> {
        if entries.first().is_none_or(|first| Some(first.id) > self.highest) {
            return entries;
        }
        let known: HashSet<Id> = self.in_flight.values().chain(&self.delivered).copied().collect();
        entries.retain(|entry| !known.contains(&entry.id));
        entries
    }

    fn give(&mut self, entries: Vec<Entry>, batch: &mut Batch<'_>) {
        batch.reserve(entries.len());
        for Entry { id, fields } in entries {
            self.highest = self.highest.max(Some(id));
            let Some(fields) = fields else {
                warn!("Entry {id} of stream {} was deleted before Kafka had it", self.options.stream);
                self.delivered.push(id);
                continue;
            };
            let mut record = self.record(id, fields);
            if self.options.acknowledges {
                let place = u32::try_from(batch.len()).expect("a batch is smaller than that");
                self.in_flight.insert((batch.id(), place), id);
                record = record.position(&self.partition, offset_map([(OFFSET, Value::string(id.to_string()))]));
            }
            batch.push(record);
        }
    }

    fn record(&self, id: Id, fields: Vec<(String, String)>) -> SourceRecord {
        let mut body: Vec<MapEntry> = Vec::with_capacity(fields.len());
        for (name, value) in fields {
            // Of a field that is there twice the last value counts; a map has each key once.
            match body.iter_mut().find(|entry| entry.key.as_text().is_some_and(|known| known.as_str() == name)) {
                Some(entry) => entry.value = Value::string(value),
                None => body.push(MapEntry { key: Value::string(name), value: Value::string(value) }),
            }
        }
        let stream = Value::string(self.options.stream.as_str());
        let fields = vec![Value::string(id.to_string()), Value::map(body), stream];
        let value = Value::structure(self.schemas.value.clone(), fields);
        SourceRecord::new(self.options.topic.as_str(), Data::new(self.schemas.value.clone(), value))
            .key(Data::new(self.schemas.key.clone(), Value::string(id.to_string())))
    }

    fn acknowledged(&mut self, acknowledgements: &[Acknowledgement]) {
        for Acknowledgement { batch, index, outcome, .. } in acknowledgements {
            let id = self.in_flight.remove(&(*batch, *index));
            // What was refused stays pending, and is read again at the next start.
            if matches!(*outcome, Outcome::ACKNOWLEDGED | Outcome::FILTERED) {
                self.delivered.extend(id);
            }
        }
    }

    /// Tells Redis of what Kafka has. What cannot be told now is told with the next commit.
    fn commit(&mut self) -> Result<()> {
        while !self.delivered.is_empty() && self.connection.is_some() {
            let count = self.delivered.len().min(ACKNOWLEDGED_AT_ONCE);
            let mut acknowledge = redis::cmd("XACK");
            acknowledge.arg(&self.options.stream).arg(&self.options.group);
            for id in &self.delivered[..count] {
                acknowledge.arg(id.to_string());
            }
            let told = self.with_connection(|connection| connection.request(&acknowledge));
            if let Err(error) = told {
                let error = self.failed("acknowledging entries", error);
                if error.kind() != ErrorKind::RETRIABLE {
                    return Err(error);
                }
                warn!("{error}; they are acknowledged with the next commit");
                return Ok(());
            }
            self.delivered.drain(..count);
        }
        Ok(())
    }

    /// Uses the connection. After an error there is none, and the next poll makes a new one.
    fn with_connection<T>(
        &mut self,
        work: impl FnOnce(&mut Connection) -> redis::RedisResult<T>,
    ) -> redis::RedisResult<T> {
        let mut connection = self.connection.take().expect("whoever asks has made sure that there is one");
        let result = work(&mut connection);
        let keep = result.as_ref().err().is_none_or(|error| error.code() == Some("BUSYGROUP"));
        self.connection = keep.then_some(connection);
        result
    }

    fn failed(&self, doing: &str, error: RedisError) -> Error {
        let Options { server, stream, group, .. } = &self.options;
        let message = format!("{doing} failed at {server} (stream {stream}, group {group}): {error}");
        if let Some(advice) = error.code().and_then(|code| server.redirected(code)) {
            return Error::fatal(message + &advice);
        }
        match error.code() {
            None if error.kind() == redis::ErrorKind::AuthenticationFailed => Error::fatal(message),
            // Someone deleted the group: the next poll makes it again.
            None | Some("NOGROUP") => Error::retriable(message),
            Some(code) if passes(code) => Error::retriable(message),
            Some(code) => Error::fatal(message + &login_advice(code).unwrap_or_default()),
        }
    }
}

/// Where all consumers of this connector were, by the worker's own offsets: the first of their last entries. None if one
/// of them has none. Only a group that Redis has lost begins there.
fn stored(context: &SourceContext, config: &Config, options: &Options) -> Result<Option<Id>> {
    let names: Result<Vec<String>> = (0..tasks(config)).map(|task| consumer(config, &task.to_string())).collect();
    let partitions = names?.iter().map(|name| options.partition_of(name)).collect();
    let id = |offset: Option<OffsetMap>| {
        let offset = offset?;
        let entry = offset.iter().find(|entry| entry.key.as_str() == OFFSET)?;
        entry.value.as_text()?.parse::<Id>().ok()
    };
    let ids: Option<Vec<Id>> = context.offsets(partitions)?.into_iter().map(id).collect();
    Ok(ids.and_then(|ids| ids.into_iter().min()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::servers::{Redis, cluster, command, until};
    use ferroconnect_plugin_sdk::abi::record::SourceBatch;

    /// A reader of the stream `s`.
    fn reader(server: Server, stop: &StopSignal) -> Reader {
        let text = |text: &str| text.to_owned();
        let options = Options {
            server,
            stream: text("s"),
            topic: text("t"),
            group: text("g"),
            consumer: text("c"),
            begin: text("0-0"),
            acknowledges: true,
            block: Duration::from_secs(60),
            batch_size: 10,
        };
        Reader::start(options, stop).unwrap()
    }

    #[test]
    fn what_kafka_has_is_acknowledged_though_the_task_should_end() {
        let (alone, nodes) = (Redis::start(), cluster());
        let owner = nodes.iter().position(|node| command(&["XLEN", "s"]).exec(&mut node.connection()).is_ok()).unwrap();
        let time = Duration::from_secs(10);
        let through_another = Server { cluster: true, ..Server::local(nodes[(owner + 1) % 3].port, time) };
        for (redis, server) in [(&alone, Server::local(alone.port, time)), (&nodes[owner], through_another)] {
            let server = Server { timeout: Some(Duration::from_secs(60)), ..server };
            let what = server.to_string();
            let stop = StopSignal::default();
            let mut reader = reader(server, &stop);
            (1..4).for_each(|id| redis.ask::<()>(&["XADD", "s", &format!("{id}-0"), "a", "1"]));
            let mut batch = SourceBatch::new(7);
            while batch.records.len() < 3 {
                reader.poll(&mut Batch::new(&mut batch)).unwrap();
            }
            let pending = || redis.ask::<Vec<redis::Value>>(&["XPENDING", "s", "g"]).swap_remove(0);
            assert_eq!(pending(), redis::Value::Int(3), "{what}");
            // A poll that waits comes to its end and keeps the connection, which is needed for what follows.
            let polling = std::thread::spawn(move || {
                let mut batch = SourceBatch::new(8);
                reader.poll(&mut Batch::new(&mut batch)).map(|()| (reader, batch.records.len()))
            });
            until("the poll waits", || redis.ask::<String>(&["INFO", "clients"]).contains("blocked_clients:1"));
            stop.stop();
            let (mut reader, more) = polling.join().unwrap().unwrap();
            assert_eq!(more, 0, "{what}");
            // As the worker does at the end, when Kafka has answered.
            let acknowledged = |index| Acknowledgement {
                batch: 7,
                index,
                outcome: Outcome::ACKNOWLEDGED,
                partition: 0,
                offset: 0,
                timestamp: 0,
                topic: Default::default(),
            };
            reader.acknowledged(&[0, 1, 2].map(acknowledged));
            reader.commit().unwrap();
            assert_eq!(pending(), redis::Value::Int(0), "{what}");
            if reader.options.server.cluster {
                // One that says nothing is not waited for as long as while the task goes on.
                redis.freeze();
                reader.delivered.push(Id::default());
                let began = Instant::now();
                reader.commit().unwrap();
                assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
                assert_eq!(reader.delivered, [Id::default()], "it may be told later");
            }
        }
    }
}
