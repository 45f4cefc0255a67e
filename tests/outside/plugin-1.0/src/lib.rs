//! A source, a sink and a transform, just large enough to show that a library of one age works on a worker of another.

use ferroconnect_plugin_sdk::{
    Batch, Config, ConfigDef, ConnectorContext, Data, Description, Key, OffsetMap, Plugin, Record, Result, Shared,
    SinkConnector, SinkContext, SinkTask, SourceConnector, SourceContext, SourceRecord, SourceTask, Transform, Value,
    export, offset_map,
};

export! {
    sources: [FixtureSource],
    sinks: [FixtureSink],
    transforms: [FixtureTransform],
}

/// The version that the classes claim, so that two ages of this library can be told apart.
const VERSION: &str = if cfg!(feature = "next-minor") { "1.1.0" } else { "1.0.0" };

#[derive(Default)]
struct FixtureSource {
    config: Config,
}

impl Plugin for FixtureSource {
    fn describe() -> Description {
        Description::new("test.FixtureSource", VERSION)
            .alias("org.example.FixtureSource")
            .doc("Makes numbers.")
            .config(ConfigDef::new().key(Key::string("topic").required().doc("The topic to write to.")))
    }
}

impl SourceConnector for FixtureSource {
    type Task = Numbers;

    fn start(&mut self, _context: ConnectorContext, config: Config) -> Result<()> {
        self.config = config;
        Ok(())
    }

    fn task_configs(&mut self, maximum: usize) -> Result<Vec<Config>> {
        Ok(vec![self.config.clone(); maximum])
    }
}

#[derive(Default)]
struct Numbers {
    topic: String,
    partition: Option<Shared<OffsetMap>>,
    next: i64,
}

impl SourceTask for Numbers {
    fn start(&mut self, context: SourceContext, config: Config) -> Result<()> {
        let partition = offset_map([("numbers", Value::string("all"))]);
        let stored = context.offset(&partition)?;
        let stored = stored.and_then(|offset| offset.iter().find_map(|entry| entry.value.as_integer()));
        self.next = stored.map_or(0, |last| last + 1);
        self.topic = config.text("topic")?.to_owned();
        self.partition = Some(Shared::new(partition));
        Ok(())
    }

    fn poll(&mut self, batch: &mut Batch<'_>) -> Result<()> {
        let Some(partition) = &self.partition else { return Ok(()) };
        for number in self.next..self.next + 3 {
            let record = SourceRecord::new(self.topic.as_str(), Data::schemaless(number));
            batch.push(record.position(partition, offset_map([("number", Value::int64(number))])));
        }
        self.next += 3;
        Ok(())
    }
}

#[derive(Default)]
struct FixtureSink;

impl Plugin for FixtureSink {
    fn describe() -> Description {
        Description::new("test.FixtureSink", VERSION).doc("Takes everything.")
    }
}

impl SinkConnector for FixtureSink {
    type Task = Taker;

    fn start(&mut self, _context: ConnectorContext, _config: Config) -> Result<()> {
        Ok(())
    }

    fn task_configs(&mut self, maximum: usize) -> Result<Vec<Config>> {
        Ok(vec![Config::default(); maximum])
    }
}

#[derive(Default)]
struct Taker;

impl SinkTask for Taker {
    fn start(&mut self, _context: SinkContext, _config: Config) -> Result<()> {
        Ok(())
    }

    fn put(&mut self, _records: &[Record]) -> Result<()> {
        Ok(())
    }
}

#[derive(Default)]
struct FixtureTransform;

impl Plugin for FixtureTransform {
    fn describe() -> Description {
        Description::new("test.FixtureTransform", VERSION).doc("Sends odd numbers to the topic `odd`, drops zero.")
    }
}

impl Transform for FixtureTransform {
    fn configure(&mut self, _config: &Config) -> Result<()> {
        Ok(())
    }

    fn apply(&mut self, record: &mut Record) -> Result<bool> {
        let number = record.value.value.as_integer().unwrap_or(0);
        if number % 2 != 0 {
            record.topic = "odd".into();
        }
        Ok(number != 0)
    }
}
