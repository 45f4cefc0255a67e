//! What somebody would write by hand to bring a table into a topic: a loop over the driver's rows, an encoder for these
//! columns and no others, and librdkafka.

use super::Format;
use super::row::ReadRow;
use rdkafka::ClientConfig;
use rdkafka::error::KafkaError;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _};
use rdkafka::types::RDKafkaErrorCode;
use std::io::Write as _;
use std::time::Duration;

/// The envelope as JsonConverter writes it for these columns, up to the payload.
const HEAD: &str = concat!(
    r#"{"schema":{"type":"struct","fields":["#,
    r#"{"type":"int64","optional":false,"field":"id"},"#,
    r#"{"type":"int64","optional":false,"field":"customer"},"#,
    r#"{"type":"int32","optional":false,"field":"quantity"},"#,
    r#"{"type":"double","optional":false,"field":"price"},"#,
    r#"{"type":"double","optional":true,"field":"weight"},"#,
    r#"{"type":"string","optional":false,"field":"name"},"#,
    r#"{"type":"string","optional":true,"field":"city"},"#,
    r#"{"type":"string","optional":true,"field":"note"},"#,
    r#"{"type":"int16","optional":false,"field":"active"},"#,
    r#"{"type":"int64","optional":false,"name":"org.apache.kafka.connect.data.Timestamp","version":1,"field":"changed"}],"#,
    r#""optional":false,"name":"original"},"payload":"#,
);

/// Sends rows to a topic.
pub(super) struct Sender {
    producer: BaseProducer,
    topic: String,
    format: Format,
    payload: Vec<u8>,
}

impl Sender {
    /// A producer as reliable as the worker's.
    pub(super) fn new(bootstrap: &str, topic: &str, format: Format) -> Sender {
        let producer = ClientConfig::new()
            .set("bootstrap.servers", bootstrap)
            .set("acks", "all")
            .set("enable.idempotence", "true")
            .set("linger.ms", "20")
            .set("batch.size", "1000000")
            .set("queue.buffering.max.messages", "1000000")
            .create()
            .expect("these settings are good");
        Sender { producer, topic: topic.to_owned(), format, payload: Vec::new() }
    }

    /// Sends a row, and waits where the producer is full.
    pub(super) fn send(&mut self, row: &ReadRow) {
        self.payload.clear();
        match self.format {
            Format::Json => json(&mut self.payload, row),
            Format::Avro => avro(&mut self.payload, row),
        }
        let mut record = BaseRecord::<(), [u8]>::to(&self.topic).payload(&self.payload);
        while let Err((error, back)) = self.producer.send(record) {
            let full = matches!(error, KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull));
            assert!(full, "{}: {error}", self.topic);
            self.producer.poll(Duration::from_millis(10));
            record = back;
        }
    }

    /// Ends when the broker has acknowledged all rows.
    pub(super) fn finish(self) {
        self.producer.flush(Duration::from_secs(120)).expect("the broker takes everything");
    }
}

fn json(out: &mut Vec<u8>, row: &ReadRow) {
    const TEXT: &str = "memory takes text";
    let text = |out: &mut Vec<u8>, text: &Option<String>| serde_json::to_writer(out, text).expect(TEXT);
    out.extend_from_slice(HEAD.as_bytes());
    let ReadRow { id, customer, quantity, price, weight, name, city, note, active, changed } = row;
    write!(out, r#"{{"id":{id},"customer":{customer},"quantity":{quantity},"price":{price:?},"weight":"#).expect(TEXT);
    match weight {
        Some(weight) => write!(out, "{weight:?}").expect(TEXT),
        None => out.extend_from_slice(b"null"),
    }
    out.extend_from_slice(br#","name":"#);
    serde_json::to_writer(&mut *out, name).expect(TEXT);
    out.extend_from_slice(br#","city":"#);
    text(out, city);
    out.extend_from_slice(br#","note":"#);
    text(out, note);
    write!(out, r#","active":{active},"changed":{changed}}}}}"#).expect(TEXT);
}

/// As a registry's converter writes it; all rows are of the same schema.
fn avro(out: &mut Vec<u8>, row: &ReadRow) {
    out.extend_from_slice(&[0, 0, 0, 0, 1]);
    number(out, row.id);
    number(out, row.customer);
    number(out, row.quantity.into());
    out.extend_from_slice(&row.price.to_le_bytes());
    number(out, row.weight.is_some().into());
    out.extend(row.weight.into_iter().flat_map(f64::to_le_bytes));
    text(out, &row.name);
    for optional in [&row.city, &row.note] {
        number(out, optional.is_some().into());
        optional.iter().for_each(|content| text(out, content));
    }
    number(out, row.active.into());
    number(out, row.changed);
}

fn text(out: &mut Vec<u8>, text: &str) {
    number(out, text.len() as i64);
    out.extend_from_slice(text.as_bytes());
}

/// A number as Avro writes them: small ones take a byte.
fn number(out: &mut Vec<u8>, number: i64) {
    let mut rest = (number << 1 ^ number >> 63) as u64;
    while rest >= 0x80 {
        out.push(rest as u8 | 0x80);
        rest >>= 7;
    }
    out.push(rest as u8);
}
