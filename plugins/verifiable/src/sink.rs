//! Tells on standard output which records came, and which of them can be forgotten.

use crate::console::{self, Lines};
use crate::sequence::{self, ID, NAME};
use ferroconnect_plugin_sdk::{
    Config, ConfigDef, ConnectorContext, Description, PartitionOffset, Plugin, Record, Result, SinkConnector,
    SinkContext, SinkTask, Text, TopicPartition,
};
use std::collections::HashMap;

/// With so many records kept until they are flushed, about 5 MB, a commit is asked for before its time.
const MANY: usize = 20_000;

/// The connector: as many tasks as it may have.
#[derive(Debug, Default)]
pub struct VerifiableSink {
    config: Config,
}

impl Plugin for VerifiableSink {
    fn describe() -> Description {
        Description::new("org.apache.kafka.connect.tools.VerifiableSinkConnector", crate::VERSION)
            .alias("VerifiableSinkConnector")
            .alias("VerifiableSink")
            .task_class("org.apache.kafka.connect.tools.VerifiableSinkTask")
            .doc("Tells on standard output which records it got and which of them are flushed.")
            .config(ConfigDef::new())
    }
}

impl SinkConnector for VerifiableSink {
    type Task = VerifiableSinkTask;

    fn start(&mut self, _: ConnectorContext, config: Config) -> Result<()> {
        self.config = config;
        Ok(())
    }

    fn task_configs(&mut self, maximum: usize) -> Result<Vec<Config>> {
        Ok(sequence::numbered_tasks(&self.config, maximum))
    }
}

/// A record that came and was not flushed yet.
#[derive(Debug)]
struct Came {
    offset: i64,
    // The beginning of its line.
    head: String,
    topic: Text,
}

/// The task.
#[derive(Debug, Default)]
pub struct VerifiableSinkTask {
    context: Option<SinkContext>,
    // As JSON.
    name: String,
    id: i32,
    unflushed: HashMap<TopicPartition, Vec<Came>>,
}

impl SinkTask for VerifiableSinkTask {
    fn start(&mut self, context: SinkContext, config: Config) -> Result<()> {
        self.context = Some(context);
        self.id = config.parse(ID)?;
        self.name = console::json_text(config.get(NAME).unwrap_or_default());
        Ok(())
    }

    fn put(&mut self, records: &[Record]) -> Result<()> {
        let mut lines = Lines::default();
        let now = console::now();
        for record in records {
            let (task, seqno) = (console::json(&record.key.value), console::json(&record.value.value));
            let offset = record.origin.offset;
            let head = format!(r#"{{"task":{task},"seqno":{seqno},"offset":{offset}"#);
            // Detached, so that what is kept for a while does not keep the batch it came with.
            let came = Came { offset, head, topic: Text::copy_from(&record.topic) };
            lines.push(&self.line(&came, now, ""));
            let origin =
                TopicPartition { topic: Text::copy_from(&record.origin.topic), partition: record.origin.partition };
            self.unflushed.entry(origin).or_default().push(came);
        }
        lines.print();
        if let Some(context) = &self.context
            && self.unflushed.values().map(Vec::len).sum::<usize>() >= MANY
        {
            context.request_commit();
        }
        Ok(())
    }

    fn flush(&mut self, offsets: &[PartitionOffset]) -> Result<()> {
        let mut lines = Lines::default();
        let now = console::now();
        for upto in offsets {
            let partition = TopicPartition { topic: upto.topic.clone(), partition: upto.partition };
            let Some(came) = self.unflushed.remove(&partition) else { continue };
            let (flushed, left): (Vec<_>, Vec<_>) = came.into_iter().partition(|came| came.offset < upto.offset);
            for came in flushed {
                lines.push(&self.line(&came, now, r#","flushed":true"#));
            }
            if !left.is_empty() {
                self.unflushed.insert(partition, left);
            }
        }
        lines.print();
        Ok(())
    }

    fn close(&mut self, partitions: &[TopicPartition]) -> Result<()> {
        // Whoever gets the partition next gets what was not committed again.
        for partition in partitions {
            self.unflushed.remove(partition);
        }
        Ok(())
    }
}

impl VerifiableSinkTask {
    fn line(&self, came: &Came, now: i64, last: &str) -> String {
        let (Came { head, topic, .. }, VerifiableSinkTask { name, id, .. }) = (came, self);
        let topic = console::json_text(topic);
        format!(r#"{head},"time_ms":{now},"name":{name},"topic":{topic},"sinkTask":{id}{last}}}"#)
    }
}
