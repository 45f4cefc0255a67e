//! What a dead letter holds: the record that failed, and headers that say where, why and in which stage (KIP-298).
//!
//! What is not here: sending it, and waiting until Kafka has it, which are the worker's.

use ferroconnect_plugin_abi::containers::AbiOption;
use ferroconnect_plugin_abi::record::RawHeader;
use ferroconnect_plugin_abi::{Blob, Data, Record, Text};

use super::report::Failure;
use super::source::OutRecord;
use crate::config::Props;
use crate::error::Result;
use crate::stages::converters::json::JsonConverter;
use crate::stages::headers::simple::SimpleHeaderConverter;
use crate::stages::text::java_text;
use crate::stages::{Converter, HeaderConverter, RawMessage};

/// What every context header's name begins with.
const PREFIX: &str = "__connect.errors.";

/// How the dead letters of one task are written.
#[derive(Debug, Clone)]
pub struct DeadLetterForm {
    connector: String,
    task: u32,
    context_headers: bool,
}

impl DeadLetterForm {
    /// For a task. `context_headers` is `errors.deadletterqueue.context.headers.enable`.
    pub fn new(connector: impl Into<String>, task: u32, context_headers: bool) -> Self {
        Self { connector: connector.into(), task, context_headers }
    }

    /// The dead letter of a record from Kafka: its bytes, headers and timestamp as they were read.
    pub fn of_message(&self, failure: &Failure, message: &RawMessage) -> OutRecord {
        let mut headers = message.headers.clone();
        if self.context_headers {
            let partition = message.partition.to_string();
            self.add_place(&mut headers, &message.topic, Some(&partition), Some(&message.offset.to_string()));
            self.add_failure(&mut headers, failure);
        }
        OutRecord {
            key: message.key.clone(),
            value: message.value.clone(),
            headers,
            timestamp: message.timestamp.filter(|&millis| millis >= 0),
        }
    }

    fn add_place(&self, headers: &mut Vec<RawHeader>, topic: &Text, partition: Option<&str>, offset: Option<&str>) {
        headers.push(header("topic", Some(topic)));
        headers.extend(partition.map(|partition| header("partition", Some(partition))));
        headers.extend(offset.map(|offset| header("offset", Some(offset))));
    }

    /// In the order of Kafka Connect, which readers may rely on.
    fn add_failure(&self, headers: &mut Vec<RawHeader>, failure: &Failure) {
        let error = &failure.error;
        // An exception without message gives a null header.
        let message = Some(error.message()).filter(|message| !message.is_empty());
        headers.extend([
            header("connector.name", Some(&self.connector)),
            header("task.id", Some(&self.task.to_string())),
            header("stage", Some(failure.stage.as_str())),
            header("class.name", Some(&failure.class)),
            header("exception.class.name", Some(error.class_name())),
            header("exception.message", message),
            header("exception.stacktrace", Some(&error.trace())),
        ]);
    }
}

fn header(name: &str, value: Option<&str>) -> RawHeader {
    RawHeader {
        key: Text::from(format!("{PREFIX}{name}")),
        value: value.map(|value| Blob::copy_from(value.as_bytes())).into(),
    }
}

/// Writes dead letters of source records, which have no bytes yet: key and value as JSON with their schemas, as
/// JsonConverter writes and reads them; headers as text.
pub struct SourceLetters {
    form: DeadLetterForm,
    with_schema: JsonConverter,
    bare: JsonConverter,
    headers: SimpleHeaderConverter,
}

impl SourceLetters {
    /// For a task.
    ///
    /// # Errors
    /// None that a user could cause: the settings of the JSON are fixed.
    pub fn new(form: DeadLetterForm) -> Result<Self> {
        let json = |schemas: &str| {
            JsonConverter::configured(&Props::from([("converter.type", "value"), ("schemas.enable", schemas)]))
        };
        Ok(Self { form, with_schema: json("true")?, bare: json("false")?, headers: SimpleHeaderConverter })
    }

    /// The dead letter of a source record as the connector gave it.
    pub fn of_record(&mut self, failure: &Failure, record: &Record) -> OutRecord {
        let mut headers: Vec<RawHeader> = record
            .headers
            .iter()
            .map(|header| {
                let text = self.headers.from_connect_header(&record.topic, &header.key, &header.data);
                let value = text.unwrap_or_else(|_| Some(as_text(&header.data)));
                RawHeader { key: header.key.clone(), value: value.into() }
            })
            .collect();
        if self.form.context_headers {
            let partition = record.partition.into_option().map(|partition| partition.to_string());
            self.form.add_place(&mut headers, &record.topic, partition.as_deref(), None);
            self.form.add_failure(&mut headers, failure);
        }
        let timestamp = match record.timestamp {
            AbiOption::RSome(millis) if millis >= 0 => Some(millis),
            _ => None,
        };
        OutRecord {
            key: self.bytes(&record.topic, &record.key),
            value: self.bytes(&record.topic, &record.value),
            headers,
            timestamp,
        }
    }

    /// The best form that the data allows: data that does not fit its schema may be what the record failed of.
    fn bytes(&mut self, topic: &Text, data: &Data) -> Option<Blob> {
        let mut none = Default::default();
        let bare = Data::schemaless(data.value.clone());
        self.with_schema
            .from_connect(topic, &mut none, data)
            .or_else(|_| self.bare.from_connect(topic, &mut none, &bare))
            .unwrap_or_else(|_| Some(as_text(data)))
    }
}

fn as_text(data: &Data) -> Blob {
    java_text(&data.value).into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::super::testing;
    use super::*;
    use crate::error::{ConnectError, Stage};
    use ferroconnect_plugin_abi::builder::SchemaBuilder;

    fn failure(message: &'static str) -> Failure {
        Failure {
            stage: Stage::ValueConverter,
            class: "test.Converter".into(),
            error: ConnectError::data(message),
            attempts: 1,
            cancelled: false,
        }
    }

    fn texts(headers: &[RawHeader]) -> Vec<(String, Option<String>)> {
        let text = |header: &RawHeader| {
            let value = header.value.as_ref().map(|value| String::from_utf8_lossy(value).into_owned());
            (header.key.to_string(), value.into_option())
        };
        headers.iter().map(text).collect()
    }

    #[test]
    fn the_original_comes_first_and_then_why_it_failed() {
        let mut message = testing::message(7, "bytes");
        message.headers.push(RawHeader { key: "own".into(), value: AbiOption::RNone });
        let letter = DeadLetterForm::new("c", 2, true).of_message(&failure("bad"), &message);
        assert_eq!((letter.key, letter.value, letter.timestamp), (None, message.value, Some(1)));
        let wanted = [
            ("own", None),
            ("__connect.errors.topic", Some("t")),
            ("__connect.errors.partition", Some("3")),
            ("__connect.errors.offset", Some("7")),
            ("__connect.errors.connector.name", Some("c")),
            ("__connect.errors.task.id", Some("2")),
            ("__connect.errors.stage", Some("VALUE_CONVERTER")),
            ("__connect.errors.class.name", Some("test.Converter")),
            ("__connect.errors.exception.class.name", Some("org.apache.kafka.connect.errors.DataException")),
            ("__connect.errors.exception.message", Some("bad")),
            ("__connect.errors.exception.stacktrace", Some("org.apache.kafka.connect.errors.DataException: bad\n")),
        ];
        let wanted: Vec<_> = wanted.iter().map(|(k, v)| ((*k).to_owned(), v.map(str::to_owned))).collect();
        assert_eq!(texts(&letter.headers), wanted);
    }

    #[test]
    fn without_context_headers_nothing_is_added() {
        let letter = DeadLetterForm::new("c", 0, false).of_message(&failure(""), &testing::message(0, "v"));
        assert!(letter.headers.is_empty());
    }

    #[test]
    fn an_error_without_message_gives_a_null_header() {
        let letter = DeadLetterForm::new("c", 0, true).of_message(&failure(""), &testing::message(0, "v"));
        let message = texts(&letter.headers).into_iter().find(|(key, _)| key.ends_with("exception.message"));
        assert_eq!(message.expect("there").1, None);
    }

    #[test]
    fn source_records_are_written_as_json_or_as_text() {
        let mut letters = SourceLetters::new(DeadLetterForm::new("c", 0, true)).expect("fixed settings");
        let mut record = Record::new("t", Data::new(SchemaBuilder::int32().build(), 5i32));
        record.key = Data::new(SchemaBuilder::int32().build(), "no number");
        let letter = letters.of_record(&failure("bad"), &record);
        assert_eq!(letter.value, Some(Blob::copy_from(br#"{"schema":{"type":"int32","optional":false},"payload":5}"#)));
        assert_eq!(letter.key, Some(Blob::copy_from(br#""no number""#)));
        let keys: Vec<_> = letter.headers.iter().map(|header| header.key.to_string()).collect();
        assert_eq!(keys[..2], ["__connect.errors.topic", "__connect.errors.connector.name"]);
    }
}
