//! The connector and its tasks.

use fastrand::Rng;
use ferroconnect_plugin_sdk::{
    AbiVec, Batch, Config, ConfigDef, ConfigValue, ConnectorContext, Data, Description, Error, Key, OffsetMap, Plugin,
    Result, Schema, SchemaBuilder, Shared, SourceConnector, SourceContext, SourceRecord, SourceTask, Support, Text,
    Value, ValueRef, info, offset_map,
};
use std::time::Duration;

use crate::datasets;
use crate::make::Maker;
use crate::schema;

const TOPIC: &str = "kafka.topic";
const INTERVAL: &str = "max.interval";
const ITERATIONS: &str = "iterations";
const TEXT: &str = "schema.string";
const FILE: &str = "schema.filename";
const KEY_FIELD: &str = "schema.keyfield";
const NAMED: &str = "quickstart";
const SEED: &str = "random.seed";
/// The keys of which one says what to make.
const SOURCES: [&str; 3] = [TEXT, FILE, NAMED];

// Headers, and keys of partitions and offsets; a task's number is in its configuration too.
const TASK: &str = "task.id";
const GENERATION: &str = "task.generation";
const CURRENT: &str = "current.iteration";
const NEXT_SEED: &str = "random.seed";

/// The most records of one poll.
const BATCH: usize = 500;
/// How long one call waits at most when all is made.
const PAUSE: Duration = Duration::from_secs(1);

/// Makes up records of a named data set, or of any annotated Avro schema.
#[derive(Debug, Default)]
pub struct Datagen {
    config: Config,
}

impl Plugin for Datagen {
    fn describe() -> Description {
        let names = datasets::names();
        let def = ConfigDef::new()
            .key(Key::string(TOPIC).required().non_empty().high().doc("Topic to write to."))
            .key(
                Key::long(INTERVAL)
                    .default_value("500")
                    .high()
                    .doc("The longest pause between two records of a task, in milliseconds; 0 or less = no pause."),
            )
            .key(
                Key::int(ITERATIONS)
                    .default_value("-1")
                    .high()
                    .doc("How many records each task makes in all; less than 1 = no end."),
            )
            .key(Key::string(TEXT).default_value("").high().doc("An Avro schema with rules, as JSON."))
            .key(Key::string(FILE).default_value("").high().doc("A file with an Avro schema with rules."))
            .key(
                Key::string(KEY_FIELD)
                    .default_value("")
                    .high()
                    .doc("The field that becomes the record's key, too. Named data sets have one of their own."),
            )
            .key(
                Key::string(NAMED)
                    .default_value("")
                    .recommended(&names)
                    .high()
                    .doc("A named data set, in upper or lower case."),
            )
            .key(Key::long(SEED).low().doc(
                "With the same seed the same records are made. Each task of a connector makes others. Without a seed \
                 each start makes its own.",
            ));
        Description::new("io.confluent.kafka.connect.datagen.DatagenConnector", env!("CARGO_PKG_VERSION"))
            .alias("Datagen")
            .task_class("io.confluent.kafka.connect.datagen.DatagenTask")
            .doc("Makes records up: named data sets, or any Avro schema with rules.")
            .config(def)
    }
}

impl SourceConnector for Datagen {
    type Task = DatagenTask;

    fn validate(&self, config: &Config) -> Result<Vec<ConfigValue>> {
        let given: Vec<&str> = given(config).collect();
        let wrong = |key: &str, error: String| ConfigValue {
            name: key.into(),
            value: config.get(key).map(Into::into).into(),
            recommended: AbiVec::new(),
            errors: vec![error.into()].into(),
            visible: true,
        };
        let [key] = given.as_slice() else {
            let error = format!("Must set exactly one of {}", SOURCES.join(", "));
            let keys = if given.is_empty() { &SOURCES[..] } else { &given };
            return Ok(keys.iter().map(|key| wrong(key, error.clone())).collect());
        };
        let maker = match maker(config, 0) {
            Ok(maker) => maker,
            Err(error) => return Ok(vec![wrong(key, error)]),
        };
        let field = config.get(KEY_FIELD).unwrap_or_default();
        if !field.is_empty() && maker.schema.field_index(field).is_none() {
            let error = format!("The schema does not contain the field provided in '{KEY_FIELD}'");
            return Ok(vec![wrong(KEY_FIELD, error)]);
        }
        Ok(Vec::new())
    }

    fn start(&mut self, _: ConnectorContext, config: Config) -> Result<()> {
        self.config = config;
        Ok(())
    }

    fn task_configs(&mut self, maximum: usize) -> Result<Vec<Config>> {
        let task = |id| {
            let mut task = self.config.clone();
            task.set(TASK, id);
            task
        };
        Ok((0..maximum).map(task).collect())
    }

    /// Each record's offset says how to go on behind it.
    fn exactly_once_support(&self, _: &Config) -> Result<Support> {
        Ok(Support::SUPPORTED)
    }
}

/// The keys that say what to make and are set.
fn given(config: &Config) -> impl Iterator<Item = &'static str> {
    SOURCES.into_iter().filter(|key| config.get(key).is_some_and(|value| !value.is_empty()))
}

/// What makes the records; the error says what is wrong with the one key that names it.
fn maker(config: &Config, made: u64) -> std::result::Result<Maker, String> {
    let set = |key| config.get(key).filter(|value| !value.is_empty());
    if let Some(name) = set(NAMED) {
        let set = datasets::find(name);
        let set = set.ok_or_else(|| format!("{NAMED} must be one out of {}", datasets::names().join(",")))?;
        return schema::maker(set.schema, made);
    }
    if let Some(text) = set(TEXT) {
        return schema::maker(text, made);
    }
    let path = set(FILE).ok_or_else(|| format!("Must set exactly one of {}", SOURCES.join(", ")))?;
    let text = std::fs::read_to_string(path).map_err(|error| format!("The file {path} cannot be read: {error}"))?;
    schema::maker(&text, made).map_err(|error| format!("{path}: {error}"))
}

/// The task.
#[derive(Debug, Default)]
pub struct DatagenTask {
    stream: Option<Stream>,
}

impl SourceTask for DatagenTask {
    fn start(&mut self, context: SourceContext, config: Config) -> Result<()> {
        self.stream = Some(Stream::resume(context, &config)?);
        Ok(())
    }

    fn poll(&mut self, batch: &mut Batch<'_>) -> Result<()> {
        self.stream.as_mut().ok_or_else(|| Error::fatal("poll was called before start"))?.fill(batch);
        Ok(())
    }
}

/// The records of one task, from where it stopped the last time.
#[derive(Debug)]
struct Stream {
    context: SourceContext,
    topic: Text,
    interval: u64,
    /// How many records to make in all; none = no end.
    end: Option<u64>,
    task: i64,
    generation: i64,
    made: u64,
    /// The most records of one poll without pauses.
    batch: usize,
    maker: Maker,
    key: KeyMaker,
    partition: Shared<OffsetMap>,
    int64: Shared<Schema>,
    rng: Rng,
    /// For the pauses, which must not change what is made.
    clock: Rng,
}

/// Where keys come from.
#[derive(Debug)]
enum KeyMaker {
    Null(Shared<Schema>),
    Field { index: usize, schema: Shared<Schema> },
}

impl Stream {
    fn resume(context: SourceContext, config: &Config) -> Result<Stream> {
        let id: i32 = config.parse(TASK)?;
        let partition = offset_map([(TASK, Value::int32(id))]);
        let stored = Stored::read(context.offset(&partition)?)?;
        let (generation, made, rng) = match stored {
            Some(stored) => (stored.generation, stored.made, Rng::with_seed(stored.seed)),
            None => (0, 0, first_rng(config, id)?),
        };
        let maker = maker(config, made).map_err(Error::config)?;
        let iterations: i64 = config.parse(ITERATIONS)?;
        let interval: i64 = config.parse(INTERVAL)?;
        info!("Makes {} from record {made} on", maker.schema.name_str().unwrap_or("records"));
        Ok(Stream {
            context,
            topic: config.text(TOPIC)?.into(),
            interval: interval.try_into().unwrap_or(0),
            end: u64::try_from(iterations).ok().filter(|end| *end > 0),
            task: id.into(),
            generation,
            made,
            key: KeyMaker::new(config, &maker)?,
            // Not more memory for many large records than for one that is as large as may be.
            batch: usize::try_from(schema::LARGEST / maker.most().max(1)).unwrap_or(BATCH).clamp(1, BATCH),
            maker,
            partition: Shared::new(partition),
            int64: SchemaBuilder::int64().build(),
            rng,
            clock: Rng::new(),
        })
    }

    fn fill(&mut self, batch: &mut Batch<'_>) {
        let left = self.end.map_or(u64::MAX, |end| end.saturating_sub(self.made));
        let most = usize::try_from(left).unwrap_or(BATCH).min(if self.interval > 0 { 1 } else { self.batch });
        let pause = if most == 0 { PAUSE } else { Duration::from_millis(self.clock.u64(0..=self.interval)) };
        if !pause.is_zero() && self.context.stop().wait_or_stop(pause) {
            return;
        }
        batch.reserve(most);
        for _ in 0..most {
            let record = self.record();
            batch.push(record);
        }
        if most > 0 && self.end == Some(self.made) {
            info!("All {} records are made; the task makes no more", self.made);
        }
    }

    fn record(&mut self) -> SourceRecord {
        let value = self.maker.make(&mut self.rng);
        let key = self.key.of(&value);
        // The next record depends on this number alone, which the offset keeps.
        let seed = self.rng.u64(..);
        self.rng.seed(seed);
        let number = self.made as i64;
        self.made += 1;
        let offset = offset_map([
            (GENERATION, Value::int64(self.generation + 1)),
            (CURRENT, Value::int64(number + 1)),
            (NEXT_SEED, Value::int64(seed as i64)),
        ]);
        let header = |value| Data::new(self.int64.clone(), value);
        SourceRecord::new(self.topic.clone(), Data::new(self.maker.schema.clone(), value))
            .key(key)
            .header(GENERATION, header(self.generation))
            .header(TASK, header(self.task))
            .header(CURRENT, header(number))
            .position(&self.partition, offset)
    }
}

/// The numbers of a task that has no offset yet: those of the seed, others for each task.
fn first_rng(config: &Config, task: i32) -> Result<Rng> {
    if config.get(SEED).is_none_or(str::is_empty) {
        return Ok(Rng::new());
    }
    let mut rng = Rng::with_seed(config.parse::<i64>(SEED)? as u64);
    for _ in 0..task {
        rng = Rng::with_seed(rng.u64(..));
    }
    Ok(rng)
}

impl KeyMaker {
    fn new(config: &Config, maker: &Maker) -> Result<KeyMaker> {
        let set = |key| config.get(key).filter(|value| !value.is_empty());
        let own = || set(NAMED).and_then(datasets::find).map(|set| set.key);
        let Some(name) = set(KEY_FIELD).or_else(own) else {
            return Ok(KeyMaker::Null(SchemaBuilder::string().optional().build()));
        };
        let missing = || Error::config(format!("{KEY_FIELD}: the schema has no field {name}"));
        let index = maker.schema.field_index(name).ok_or_else(missing)?;
        Ok(KeyMaker::Field { index, schema: maker.schema.fields[index].schema.clone() })
    }

    fn of(&self, record: &Value) -> Data {
        match (self, record.view()) {
            (KeyMaker::Field { index, schema }, ValueRef::Struct(record)) => {
                Data::new(schema.clone(), record.fields[*index].clone())
            }
            (KeyMaker::Null(schema) | KeyMaker::Field { schema, .. }, _) => Data::new(schema.clone(), Value::NULL),
        }
    }
}

/// A stored offset.
struct Stored {
    generation: i64,
    made: u64,
    seed: u64,
}

impl Stored {
    fn read(offset: Option<OffsetMap>) -> Result<Option<Stored>> {
        let Some(offset) = offset else { return Ok(None) };
        let number = |key: &str| {
            let entry = offset.iter().find(|entry| entry.key.as_str() == key);
            let wrong = || Error::fatal(format!("The stored offset has no whole number '{key}'; alter or reset it"));
            entry.and_then(|entry| entry.value.as_integer()).ok_or_else(wrong)
        };
        let made = u64::try_from(number(CURRENT)?)
            .map_err(|_| Error::fatal(format!("The stored offset '{CURRENT}' is below zero; alter or reset it")))?;
        Ok(Some(Stored { generation: number(GENERATION)?, made, seed: number(NEXT_SEED)? as u64 }))
    }
}
