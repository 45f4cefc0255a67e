//! How one log record is written: as text for people, or as one JSON object a line for programs.

use std::borrow::Cow;
use std::fmt::{self, Write as _};
use std::str::FromStr;
use std::sync::LazyLock;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::ser::{Serialize, SerializeMap, Serializer};

use super::context::LogContext;
use super::level::LogLevel;

/// The form of log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LogFormat {
    /// `[2026-11-21 09:00:00,123] INFO [X|task-0] message key=value (target:line)`, in local time, as Kafka Connect
    /// writes it.
    #[default]
    Text,
    /// One JSON object a line, in UTC.
    Json,
}

/// The environment variable that holds the form of log lines, unless the worker file says otherwise.
const FORMAT_VARIABLE: &str = "FERROCONNECT_LOG_FORMAT";

impl LogFormat {
    /// Reads the variable `FERROCONNECT_LOG_FORMAT`; unset or empty gives text.
    ///
    /// # Errors
    /// It holds something else than `text` or `json`.
    pub fn from_env() -> Result<Self, String> {
        match std::env::var_os(FORMAT_VARIABLE).filter(|text| !text.is_empty()) {
            None => Ok(Self::default()),
            Some(text) => {
                text.to_string_lossy().parse().map_err(|reason| format!("{FORMAT_VARIABLE} (environment): {reason}"))
            }
        }
    }
}

impl FromStr for LogFormat {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            other => Err(format!("Invalid value {other}: expected text or json")),
        }
    }
}

/// The value of a field that a message carries beside its text.
#[derive(Debug, Clone, PartialEq)]
pub enum FieldValue<'a> {
    /// A truth value.
    Bool(bool),
    /// A whole number.
    Int(i128),
    /// A floating-point number.
    Float(f64),
    /// Anything else, as text.
    Text(Cow<'a, str>),
}

impl fmt::Display for FieldValue<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool(value) => write!(f, "{value}"),
            Self::Int(value) => write!(f, "{value}"),
            Self::Float(value) => write!(f, "{value}"),
            Self::Text(value) => f.write_str(value),
        }
    }
}

impl Serialize for FieldValue<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Bool(value) => serializer.serialize_bool(*value),
            Self::Int(value) => match i64::try_from(*value) {
                Ok(value) => serializer.serialize_i64(value),
                Err(_) => serializer.collect_str(value),
            },
            Self::Float(value) => serializer.serialize_f64(*value),
            Self::Text(value) => serializer.serialize_str(value),
        }
    }
}

/// Everything a log line says.
pub(super) struct Record<'a> {
    pub(super) time: Timestamp,
    pub(super) level: LogLevel,
    /// The connector or task it is about.
    pub(super) context: Option<&'a LogContext>,
    pub(super) message: &'a str,
    pub(super) fields: &'a [(&'a str, FieldValue<'a>)],
    /// The logger's name.
    pub(super) target: &'a str,
    pub(super) line: Option<u32>,
    pub(super) thread: &'a str,
}

impl Record<'_> {
    /// The whole line, with its end.
    pub(super) fn render(&self, format: LogFormat, colour: bool) -> String {
        match format {
            LogFormat::Text => self.text(local_zone(), colour),
            LogFormat::Json => self.json(),
        }
    }

    fn text(&self, zone: &TimeZone, colour: bool) -> String {
        let mut out = String::with_capacity(96 + self.message.len());
        self.write_text(&mut out, zone, colour).expect("writing to a string cannot fail");
        out
    }

    fn write_text(&self, out: &mut String, zone: &TimeZone, colour: bool) -> fmt::Result {
        let time = self.time.to_zoned(zone.clone());
        write!(
            out,
            "[{:04}-{:02}-{:02} {:02}:{:02}:{:02},{:03}] ",
            time.year(),
            time.month(),
            time.day(),
            time.hour(),
            time.minute(),
            time.second(),
            time.millisecond()
        )?;
        match colour.then(|| colour_of(self.level)).flatten() {
            Some(code) => write!(out, "\x1b[{code}m{}\x1b[0m ", self.level)?,
            None => write!(out, "{} ", self.level)?,
        }
        out.push_str(self.context.map_or("", LogContext::as_str));
        out.push_str(self.message);
        for (key, value) in self.fields {
            write!(out, " {key}=")?;
            match value {
                FieldValue::Text(text) if needs_quotes(text) => write!(out, "{text:?}")?,
                other => write!(out, "{other}")?,
            }
        }
        match self.line {
            Some(line) => writeln!(out, " ({}:{line})", self.target),
            None => writeln!(out, " ({})", self.target),
        }
    }

    fn json(&self) -> String {
        let mut out = serde_json::to_string(self).expect("text keys and plain values always make a JSON object");
        out.push('\n');
        out
    }
}

impl Serialize for Record<'_> {
    /// Fields of the message are an object of their own, so that their names cannot collide with ours.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("timestamp", &format_args!("{:.3}", self.time))?;
        map.serialize_entry("level", self.level.as_str())?;
        map.serialize_entry("logger", self.target)?;
        if let Some(line) = self.line {
            map.serialize_entry("line", &line)?;
        }
        map.serialize_entry("thread", self.thread)?;
        if let Some(context) = self.context {
            map.serialize_entry("connector.context", context.as_str().trim_end())?;
            map.serialize_entry("connector", context.connector_name())?;
            if let Some(task) = context.task_number() {
                map.serialize_entry("task", &task)?;
            }
        }
        map.serialize_entry("message", self.message)?;
        if !self.fields.is_empty() {
            map.serialize_entry("fields", &Fields(self.fields))?;
        }
        map.end()
    }
}

struct Fields<'a>(&'a [(&'a str, FieldValue<'a>)]);

impl Serialize for Fields<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(key, value)| (key, value)))
    }
}

fn needs_quotes(text: &str) -> bool {
    text.is_empty() || text.contains(|c: char| c.is_whitespace() || c == '"' || c.is_control())
}

fn colour_of(level: LogLevel) -> Option<u8> {
    match level {
        LogLevel::Error => Some(31),
        LogLevel::Warn => Some(33),
        LogLevel::Debug | LogLevel::Trace => Some(2),
        LogLevel::Off | LogLevel::Info => None,
    }
}

fn local_zone() -> &'static TimeZone {
    static ZONE: LazyLock<TimeZone> = LazyLock::new(TimeZone::system);
    &ZONE
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record<'a>(fields: &'a [(&'a str, FieldValue<'a>)]) -> Record<'a> {
        static CONTEXT: LazyLock<LogContext> = LazyLock::new(|| LogContext::task("X", 0));
        Record {
            time: "2026-11-21T09:00:00.123456Z".parse().unwrap(),
            level: LogLevel::Info,
            context: Some(&CONTEXT),
            message: "Hello",
            fields,
            target: "ferroconnect::worker",
            line: Some(42),
            thread: "task-thread-X-0",
        }
    }

    #[test]
    fn text_has_the_shape_of_kafka_connect() {
        let fields = [
            ("count", FieldValue::Int(3)),
            ("file", FieldValue::Text("a b".into())),
            ("topic", FieldValue::Text("t".into())),
        ];
        assert_eq!(
            record(&fields).text(&TimeZone::UTC, false),
            "[2026-11-21 09:00:00,123] INFO [X|task-0] Hello count=3 file=\"a b\" topic=t (ferroconnect::worker:42)\n"
        );
    }

    #[test]
    fn colour_marks_the_level_only() {
        let mut warning = record(&[]);
        warning.level = LogLevel::Warn;
        warning.line = None;
        assert_eq!(
            warning.text(&TimeZone::UTC, true),
            "[2026-11-21 09:00:00,123] \x1b[33mWARN\x1b[0m [X|task-0] Hello (ferroconnect::worker)\n"
        );
    }

    #[test]
    fn text_follows_the_zone() {
        let zone = TimeZone::fixed(jiff::tz::offset(2));
        assert!(record(&[]).text(&zone, false).starts_with("[2026-11-21 11:00:00,123] "));
    }

    #[test]
    fn json_is_one_object_a_line() {
        let fields = [
            ("message", FieldValue::Text("line\nbreak".into())),
            ("ratio", FieldValue::Float(0.5)),
            ("done", FieldValue::Bool(true)),
        ];
        assert_eq!(
            record(&fields).json(),
            "{\"timestamp\":\"2026-11-21T09:00:00.123Z\",\"level\":\"INFO\",\"logger\":\"ferroconnect::worker\",\
             \"line\":42,\"thread\":\"task-thread-X-0\",\"connector.context\":\"[X|task-0]\",\"connector\":\"X\",\"task\":0,\
             \"message\":\"Hello\",\"fields\":{\"message\":\"line\\nbreak\",\"ratio\":0.5,\"done\":true}}\n"
        );
    }
}
