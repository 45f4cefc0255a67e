//! Numbered records, told on standard output when they are made and when Kafka has them.

use crate::console::{self, Lines};
use crate::sequence::{self, NAME, Sequence};
use ferroconnect_plugin_sdk::{
    Acknowledgement, Batch, Config, ConfigDef, ConnectorContext, Data, Description, Error, Key, Outcome, Plugin,
    Result, Schema, SchemaBuilder, Shared, SourceConnector, SourceContext, SourceRecord, SourceTask, Value, info,
};
use std::collections::HashMap;

const COMPLETE_RECORD_DATA: &str = "complete.record.data";
/// The most records of one poll.
const BATCH: usize = 500;

/// The connector: as many tasks as it may have, each with its own numbers.
#[derive(Debug, Default)]
pub struct VerifiableSource {
    config: Config,
}

impl Plugin for VerifiableSource {
    fn describe() -> Description {
        let def = ConfigDef::new().key(sequence::topic_key()).key(sequence::throughput_key()).key(
            Key::boolean(COMPLETE_RECORD_DATA)
                .default_value("false")
                .low()
                .doc("Whether the value is a struct of all that is told about the record, in place of its number."),
        );
        Description::new("org.apache.kafka.connect.tools.VerifiableSourceConnector", crate::VERSION)
            .alias("VerifiableSourceConnector")
            .alias("VerifiableSource")
            .task_class("org.apache.kafka.connect.tools.VerifiableSourceTask")
            .doc("Makes numbered records and tells on standard output which were made and which Kafka has.")
            .config(def)
    }
}

impl SourceConnector for VerifiableSource {
    type Task = VerifiableSourceTask;

    fn start(&mut self, _: ConnectorContext, config: Config) -> Result<()> {
        self.config = config;
        Ok(())
    }

    fn task_configs(&mut self, maximum: usize) -> Result<Vec<Config>> {
        Ok(sequence::numbered_tasks(&self.config, maximum))
    }
}

/// The task.
#[derive(Debug, Default)]
pub struct VerifiableSourceTask {
    maker: Option<Maker>,
}

impl SourceTask for VerifiableSourceTask {
    const WANTS_ACKNOWLEDGEMENTS: bool = true;

    fn start(&mut self, context: SourceContext, config: Config) -> Result<()> {
        let maker = Maker::new(&context, &config)?;
        let Sequence { id, topic, next, .. } = &maker.sequence;
        let name = config.get(NAME).unwrap_or_default();
        info!("Started VerifiableSourceTask {name}-{id} producing to topic {topic} resuming from seqno {next}");
        self.maker = Some(maker);
        Ok(())
    }

    fn poll(&mut self, batch: &mut Batch<'_>) -> Result<()> {
        self.maker()?.make(batch);
        Ok(())
    }

    fn acknowledged(&mut self, acknowledgements: &[Acknowledgement]) -> Result<()> {
        self.maker()?.tell_committed(acknowledgements);
        Ok(())
    }

    fn stop(&mut self) -> Result<()> {
        self.maker = None;
        Ok(())
    }
}

impl VerifiableSourceTask {
    fn maker(&mut self) -> Result<&mut Maker> {
        self.maker.as_mut().ok_or_else(|| Error::fatal("the task was used before start"))
    }
}

/// Records on their way to Kafka: the numbers from `first` on, of which so many have no answer yet.
#[derive(Debug)]
struct Made {
    first: i64,
    unanswered: usize,
}

#[derive(Debug)]
struct Maker {
    sequence: Sequence,
    key_schema: Shared<Schema>,
    value_schema: Shared<Schema>,
    complete: bool,
    // As JSON, for the lines.
    name: String,
    topic: String,
    made: HashMap<u64, Made>,
    // The name as text, for complete records.
    plain_name: Value,
}

impl Maker {
    fn new(context: &SourceContext, config: &Config) -> Result<Maker> {
        let sequence = Sequence::resume(context, config)?;
        let complete = config.flag(COMPLETE_RECORD_DATA)?;
        let name = config.get(NAME).unwrap_or_default();
        Ok(Maker {
            key_schema: SchemaBuilder::int32().build(),
            value_schema: if complete { complete_schema() } else { SchemaBuilder::int64().build() },
            complete,
            name: console::json_text(name),
            topic: console::json_text(&sequence.topic),
            plain_name: name.into(),
            made: HashMap::new(),
            sequence,
        })
    }

    fn make(&mut self, batch: &mut Batch<'_>) {
        let count = self.sequence.due(BATCH);
        if count == 0 {
            return;
        }
        self.made.insert(batch.id(), Made { first: self.sequence.next, unanswered: count });
        let mut lines = Lines::default();
        let now = console::now();
        for _ in 0..count {
            let seqno = self.sequence.take();
            lines.push(&self.line("", seqno, now));
            let record = SourceRecord::new(self.sequence.topic.clone(), self.value(seqno, now))
                .key(Data::new(self.key_schema.clone(), self.sequence.id))
                .position(&self.sequence.partition, Sequence::offset(seqno));
            batch.push(record);
        }
        lines.print();
    }

    fn line(&self, first: &str, seqno: i64, now: i64) -> String {
        let Maker { name, topic, sequence: Sequence { id, .. }, .. } = self;
        format!(r#"{{{first}"task":{id},"seqno":{seqno},"time_ms":{now},"name":{name},"topic":{topic}}}"#)
    }

    fn value(&self, seqno: i64, now: i64) -> Data {
        if !self.complete {
            return Data::new(self.value_schema.clone(), seqno);
        }
        let topic = Value::string(self.sequence.topic.clone());
        let fields = vec![self.plain_name.clone(), self.sequence.id.into(), topic, now.into(), seqno.into()];
        Data::new(self.value_schema.clone(), Value::structure(self.value_schema.clone(), fields))
    }

    /// Tells of records that are done: in Kafka, or dropped on purpose. As with Kafka's own connector both count.
    fn tell_committed(&mut self, acknowledgements: &[Acknowledgement]) {
        let mut lines = Lines::default();
        let now = console::now();
        for acknowledgement in acknowledgements {
            let Some(made) = self.made.get_mut(&acknowledgement.batch) else { continue };
            let seqno = made.first + i64::from(acknowledgement.index);
            made.unanswered = made.unanswered.saturating_sub(1);
            if made.unanswered == 0 {
                self.made.remove(&acknowledgement.batch);
            }
            if matches!(acknowledgement.outcome, Outcome::ACKNOWLEDGED | Outcome::FILTERED) {
                lines.push(&self.line(r#""committed":true,"#, seqno, now));
            }
        }
        lines.print();
    }
}

fn complete_schema() -> Shared<Schema> {
    SchemaBuilder::structure()
        .field("name", SchemaBuilder::string().build())
        .field("task", SchemaBuilder::int32().build())
        .field("topic", SchemaBuilder::string().build())
        .field("time_ms", SchemaBuilder::int64().build())
        .field("seqno", SchemaBuilder::int64().build())
        .build()
}
