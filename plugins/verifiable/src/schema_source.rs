//! Numbered structs, of two schema versions if told to.

use crate::console::Lines;
use crate::sequence::{self, NAME, Sequence};
use ferroconnect_plugin_sdk::{
    Batch, Config, ConfigDef, ConnectorContext, Data, Description, Error, Key, Plugin, Result, Schema, SchemaBuilder,
    Shared, SourceConnector, SourceContext, SourceRecord, SourceTask, Value, info,
};
use std::time::Duration;

const MESSAGES: &str = "num.messages";
const MULTIPLE: &str = "multiple.schema";
const PARTITIONS: &str = "partition.count";
/// The most records of one poll.
const BATCH: usize = 500;

/// The connector: as many tasks as it may have, each with its own numbers.
#[derive(Debug, Default)]
pub struct SchemaSource {
    config: Config,
}

impl Plugin for SchemaSource {
    fn describe() -> Description {
        let def = ConfigDef::new()
            .key(sequence::topic_key())
            .key(Key::long(MESSAGES).required().high().doc("How many records each task makes after a start."))
            .key(sequence::throughput_key())
            .key(
                Key::boolean(MULTIPLE)
                    .default_value("false")
                    .doc("Whether every second record has version 2 of the schema."),
            )
            .key(
                Key::int(PARTITIONS).default_value("1").at_least(1).doc("The field 'partitioning' counts up to this."),
            );
        Description::new("org.apache.kafka.connect.tools.SchemaSourceConnector", crate::VERSION)
            .alias("SchemaSourceConnector")
            .alias("SchemaSource")
            .task_class("org.apache.kafka.connect.tools.SchemaSourceTask")
            .doc("Makes a number of structs that use most types of schemas.")
            .config(def)
    }
}

impl SourceConnector for SchemaSource {
    type Task = SchemaSourceTask;

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
pub struct SchemaSourceTask {
    maker: Option<Maker>,
}

impl SourceTask for SchemaSourceTask {
    fn start(&mut self, context: SourceContext, config: Config) -> Result<()> {
        let maker = Maker::new(context, &config)?;
        let Sequence { id, topic, next, .. } = &maker.sequence;
        let name = config.get(NAME).unwrap_or_default();
        info!("Started SchemaSourceTask {name}-{id} producing to topic {topic} resuming from seqno {next}");
        self.maker = Some(maker);
        Ok(())
    }

    fn poll(&mut self, batch: &mut Batch<'_>) -> Result<()> {
        self.maker.as_mut().ok_or_else(|| Error::fatal("poll was called before start"))?.make(batch);
        Ok(())
    }

    fn stop(&mut self) -> Result<()> {
        self.maker = None;
        Ok(())
    }
}

#[derive(Debug)]
struct Maker {
    context: SourceContext,
    sequence: Sequence,
    key_schema: Shared<Schema>,
    first_schema: Shared<Schema>,
    second_schema: Shared<Schema>,
    multiple: bool,
    partitions: i64,
    count: i64,
    messages: i64,
}

impl Maker {
    fn new(context: SourceContext, config: &Config) -> Result<Maker> {
        Ok(Maker {
            sequence: Sequence::resume(&context, config)?,
            context,
            key_schema: SchemaBuilder::string().build(),
            first_schema: schema(1),
            second_schema: schema(2),
            multiple: config.flag(MULTIPLE)?,
            partitions: config.parse(PARTITIONS)?,
            count: 0,
            messages: config.parse(MESSAGES)?,
        })
    }

    fn make(&mut self, batch: &mut Batch<'_>) {
        let left = usize::try_from(self.messages - self.count).unwrap_or(0);
        if left == 0 {
            self.context.stop().wait_or_stop(Duration::from_secs(1));
            return;
        }
        let mut lines = Lines::default();
        for _ in 0..self.sequence.due(left.min(BATCH)) {
            let seqno = self.sequence.take();
            lines.push(&format!(r#"{{"task": {}, "seqno": {seqno}}}"#, self.sequence.id));
            let record = SourceRecord::new(self.sequence.topic.clone(), self.value(seqno))
                .key(Data::new(self.key_schema.clone(), "key"))
                .partition(self.sequence.id)
                .position(&self.sequence.partition, Sequence::offset(seqno));
            batch.push(record);
            self.count += 1;
        }
        lines.print();
    }

    fn value(&self, seqno: i64) -> Data {
        let partitioning = i32::try_from(seqno % self.partitions).expect("the divisor was read as 32 bits");
        let mut fields: Vec<Value> =
            vec![true.into(), 12i32.into(), 12i64.into(), 12.2f32.into(), 12.2f64.into(), partitioning.into()];
        let second = self.multiple && self.count % 2 == 1;
        if second {
            fields.push("def".into());
        }
        fields.push(self.sequence.id.into());
        fields.push(seqno.into());
        let schema = if second { &self.second_schema } else { &self.first_schema };
        Data::new(schema.clone(), Value::structure(schema.clone(), fields))
    }
}

fn schema(version: i32) -> Shared<Schema> {
    let mut builder = SchemaBuilder::structure()
        .name("record")
        .version(version)
        .field("boolean", SchemaBuilder::boolean().build())
        .field("int", SchemaBuilder::int32().build())
        .field("long", SchemaBuilder::int64().build())
        .field("float", SchemaBuilder::float32().build())
        .field("double", SchemaBuilder::float64().build())
        .field("partitioning", SchemaBuilder::int32().build());
    if version == 2 {
        builder = builder.field("string", SchemaBuilder::string().default_value("abc").build());
    }
    builder.field("id", SchemaBuilder::int32().build()).field("seqno", SchemaBuilder::int64().build()).build()
}
