//! Records of topics as lines of a file.

use crate::config::{self, SinkOptions};
use crate::output::Output;
use crate::text;
use ferroconnect_plugin_sdk::{
    Config, Description, Error, PartitionOffset, Plugin, Record, Result, SinkContext, SinkTask, UniformSink, info,
};

/// Lines are written when there are so many bytes of them, and at the end of each batch.
const PIECE: usize = 1024 * 1024;

/// The connector: its tasks all append to the same file.
#[derive(Debug, Default)]
pub struct FileStreamSink;

impl Plugin for FileStreamSink {
    fn describe() -> Description {
        Description::new("org.apache.kafka.connect.file.FileStreamSinkConnector", crate::VERSION)
            .alias("FileStreamSinkConnector")
            .alias("FileStreamSink")
            .task_class("org.apache.kafka.connect.file.FileStreamSinkTask")
            .doc("Appends the value of each record as a line to a file, or writes it to standard output.")
            .config(config::sink_def())
    }
}

impl UniformSink for FileStreamSink {
    type Task = FileStreamSinkTask;

    fn check(config: &Config) -> Result<()> {
        let options = SinkOptions::parse(config)?;
        info!("Starting file sink connector writing to {}", options.output_name());
        Ok(())
    }
}

/// The task.
#[derive(Default)]
pub struct FileStreamSinkTask {
    output: Option<Output>,
    lines: Vec<u8>,
}

impl SinkTask for FileStreamSinkTask {
    fn start(&mut self, _: SinkContext, config: Config) -> Result<()> {
        self.output = Some(Output::open(&SinkOptions::parse(&config)?)?);
        Ok(())
    }

    fn put(&mut self, records: &[Record]) -> Result<()> {
        let output = self.output.as_mut().ok_or_else(not_started)?;
        // What is left of a batch that failed comes again.
        self.lines.clear();
        for record in records {
            text::append(&record.value.value, &mut self.lines);
            self.lines.push(b'\n');
            if self.lines.len() >= PIECE {
                output.append(&self.lines)?;
                self.lines.clear();
            }
        }
        if !self.lines.is_empty() {
            output.append(&self.lines)?;
        }
        Ok(())
    }

    fn flush(&mut self, _: &[PartitionOffset]) -> Result<()> {
        self.output.as_mut().ok_or_else(not_started)?.sync()
    }

    fn stop(&mut self) -> Result<()> {
        self.output = None;
        Ok(())
    }
}

fn not_started() -> Error {
    Error::fatal("the task was used before start")
}
