//! The raw producer: as fast as librdkafka goes with lines from a file.

use crate::format::Format;
use clap::Args;
use rdkafka::ClientConfig;
use rdkafka::error::KafkaError;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use rdkafka::types::RDKafkaErrorCode;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::time::Duration;

/// What to send, where to.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Broker, host:port.
    #[arg(long)]
    pub(crate) bootstrap: String,
    /// File with the lines.
    #[arg(long)]
    pub(crate) file: PathBuf,
    /// Topic to send to.
    #[arg(long)]
    pub(crate) topic: String,
    /// Switch the idempotent producer on, as the worker does.
    #[arg(long)]
    pub(crate) idempotent: bool,
    /// How values look.
    #[arg(long, value_enum, default_value_t = Format::String)]
    pub(crate) format: Format,
}

/// Sends every line and ends when the broker has acknowledged all of them.
pub(crate) fn run(options: &Options) {
    let producer: BaseProducer = ClientConfig::new()
        .set("bootstrap.servers", &options.bootstrap)
        .set("acks", "all")
        .set("linger.ms", "20")
        .set("batch.size", "1000000")
        .set("queue.buffering.max.messages", "1000000")
        .set("enable.idempotence", if options.idempotent { "true" } else { "false" })
        .create()
        .expect("these settings are good");
    let file = File::open(&options.file).unwrap_or_else(|e| panic!("{}: {e}", options.file.display()));
    let mut reader = BufReader::with_capacity(1 << 18, file);
    let mut line = String::new();
    let mut value = String::new();
    while reader.read_line(&mut line).expect("the input can be read") > 0 {
        let payload = options.format.encode(line.trim_end_matches('\n'), &mut value);
        send(&producer, &options.topic, payload);
        line.clear();
    }
    producer.flush(Duration::from_secs(120)).expect("the broker takes everything");
}

fn send(producer: &BaseProducer, topic: &str, payload: &str) {
    let mut record = BaseRecord::<(), str>::to(topic).payload(payload);
    loop {
        match producer.send(record) {
            Ok(()) => return,
            Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), back)) => {
                producer.poll(Duration::from_millis(10));
                record = back;
            }
            Err((error, _)) => panic!("{topic}: {error}"),
        }
    }
}
