//! What is moved: which connectors, converters and transforms, and how records look.

use clap::ValueEnum;

/// What records hold and what happens to them on the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// Lines of text with StringConverter.
    String,
    /// Lines of text with JsonConverter and schemas.
    Json,
    /// Structs with JsonConverter and schemas.
    Struct,
    /// As struct, with three transforms: InsertField, ReplaceField and TimestampConverter.
    Chain,
}

type Config = Vec<(&'static str, String)>;

/// The envelope of a struct record of ten fields, as JsonConverter writes it, up to the payload.
const HEAD: &str = concat!(
    r#"{"schema":{"type":"struct","fields":["#,
    r#"{"type":"int64","optional":false,"field":"id"},"#,
    r#"{"type":"string","optional":false,"field":"customer"},"#,
    r#"{"type":"string","optional":false,"field":"city"},"#,
    r#"{"type":"boolean","optional":false,"field":"paid"},"#,
    r#"{"type":"int32","optional":false,"field":"items"},"#,
    r#"{"type":"double","optional":false,"field":"total"},"#,
    r#"{"type":"float","optional":false,"field":"weight"},"#,
    r#"{"type":"string","optional":true,"field":"note"},"#,
    r#"{"type":"int64","optional":false,"name":"org.apache.kafka.connect.data.Timestamp","version":1,"field":"placed"},"#,
    r#"{"type":"int64","optional":false,"field":"changed"}],"optional":false,"name":"order"},"payload":"#,
);

impl Format {
    /// Name on the command line and in the tables.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::String => "string",
            Self::Json => "json",
            Self::Struct => "struct",
            Self::Chain => "chain",
        }
    }

    /// Whether values are lines of a file in both directions.
    pub(crate) fn is_text(self) -> bool {
        matches!(self, Self::String | Self::Json)
    }

    /// What the two directions are called.
    pub(crate) fn titles(self) -> [&'static str; 2] {
        match self {
            Self::String | Self::Json => ["File → topic", "Topic → file"],
            Self::Struct => ["SchemaSource (structs of 8 fields) → topic", "Topic (structs of 10 fields) → file"],
            Self::Chain => [
                "SchemaSource (structs of 8 fields) → three transforms → topic",
                "Topic (structs of 10 fields) → three transforms → file",
            ],
        }
    }

    /// Settings of the worker.
    pub(crate) fn settings(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::String => &[("value.converter", "org.apache.kafka.connect.storage.StringConverter")],
            Self::Json | Self::Struct | Self::Chain => &[
                ("value.converter", "org.apache.kafka.connect.json.JsonConverter"),
                ("value.converter.schemas.enable", "true"),
            ],
        }
    }

    /// The connector that makes so many records for a topic; from this file, where it reads one.
    pub(crate) fn source(self, topic: &str, file: &str, records: u64) -> Config {
        let mut config = vec![("topic", topic.to_owned())];
        if self.is_text() {
            config.extend([("connector.class", "FileStreamSource".to_owned()), ("file", file.to_owned())]);
        } else {
            let class = "org.apache.kafka.connect.tools.SchemaSourceConnector".to_owned();
            config.extend([("connector.class", class), ("tasks.max", "1".to_owned())]);
            config.extend([("num.messages", records.to_string()), ("throughput", "-1".to_owned())]);
        }
        config.extend(self.transforms("boolean", "double:total", "seqno"));
        config
    }

    /// The connector that writes a topic to a file, one line for each record; all lines have the same length.
    pub(crate) fn sink(self, topic: &str, file: &str) -> Config {
        let mut config = vec![
            ("connector.class", "FileStreamSink".to_owned()),
            ("topics", topic.to_owned()),
            ("file", file.to_owned()),
        ];
        config.extend(self.transforms("weight", "city:town", "placed"));
        config
    }

    fn transforms(self, exclude: &str, rename: &str, time: &str) -> Config {
        if self != Self::Chain {
            return Vec::new();
        }
        let class = |name: &str| format!("org.apache.kafka.connect.transforms.{name}$Value");
        vec![
            ("transforms", "insert,replace,convert".to_owned()),
            ("transforms.insert.type", class("InsertField")),
            ("transforms.insert.static.field", "origin".to_owned()),
            ("transforms.insert.static.value", "bench".to_owned()),
            ("transforms.replace.type", class("ReplaceField")),
            ("transforms.replace.exclude", exclude.to_owned()),
            ("transforms.replace.renames", rename.to_owned()),
            ("transforms.convert.type", class("TimestampConverter")),
            ("transforms.convert.field", time.to_owned()),
            ("transforms.convert.target.type", "string".to_owned()),
            ("transforms.convert.format", "yyyy-MM-dd'T'HH:mm:ss.SSS".to_owned()),
        ]
    }

    /// The record for a line of the input, which begins with its number, as the converter writes it.
    pub(crate) fn encode<'a>(self, line: &'a str, buffer: &'a mut String) -> &'a str {
        buffer.clear();
        match self {
            Self::String => return line,
            Self::Json => {
                // The lines of the input need no escaping.
                buffer.push_str(r#"{"schema":{"type":"string","optional":false},"payload":""#);
                buffer.push_str(line);
                buffer.push_str("\"}");
            }
            Self::Struct | Self::Chain => {
                let number: u64 = line[..12].parse().expect("a line begins with its number");
                let (id, millis) = (1_000_000_000 + number, 1_700_000_000_000 + number);
                buffer.push_str(HEAD);
                buffer.push_str(&format!(
                    r#"{{"id":{id},"customer":"Ada Lovelace","city":"London","paid":true,"items":12,"total":1234.5,"#
                ));
                buffer.push_str(&format!(r#""weight":2.25,"note":null,"placed":{millis},"changed":{millis}}}}}"#));
            }
        }
        buffer
    }
}
