//! Which commands put a record into Redis.

use crate::commands::{Arguments, Commands};
use crate::keys;
use crate::value::{self, Values};
use ferroconnect_plugin_sdk::{Data, Error, Record, Value, ValueRef, warn};

/// What a record becomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Structure {
    /// A string under the record's key; `json` = values that are neither text nor bytes become JSON, else they are
    /// refused.
    String {
        /// Whether values of all types are taken.
        json: bool,
    },
    /// A JSON document under the record's key (RedisJSON).
    Json,
    /// A hash under the record's key, one field for each field of the value.
    Hash,
    /// An entry of a stream, one field for each field of the value.
    Stream,
    /// An element of a list: the record's key.
    List,
    /// A member of a set: the record's key.
    Set,
    /// A member of a sorted set: the record's key, with the value as its score.
    SortedSet,
    /// A sample of a time series: the record's key is the time, its value the value (RedisTimeSeries).
    TimeSeries,
}

impl Structure {
    /// The structure with this name in `redis.type`.
    pub(crate) fn named(name: &str) -> Option<Structure> {
        Some(match name {
            "STRING" => Structure::String { json: false },
            "JSON" => Structure::Json,
            "HASH" => Structure::Hash,
            "STREAM" => Structure::Stream,
            "LIST" => Structure::List,
            "SET" => Structure::Set,
            "ZSET" => Structure::SortedSet,
            "TIMESERIES" => Structure::TimeSeries,
            _ => return None,
        })
    }

    /// The command that writes it.
    fn command(self) -> &'static str {
        match self {
            Structure::String { .. } => "SET",
            Structure::Json => "JSON.SET",
            Structure::Hash => "HSET",
            Structure::Stream => "XADD",
            Structure::List => "RPUSH",
            Structure::Set => "SADD",
            Structure::SortedSet => "ZADD",
            Structure::TimeSeries => "TS.ADD",
        }
    }

    /// Whether all records of a keyspace share one key.
    pub(crate) fn is_collection(self) -> bool {
        !matches!(self, Structure::String { .. } | Structure::Json | Structure::Hash)
    }
}

/// The beginning of keys, or the whole of them: text with the record's topic in the places of `${topic}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Keyspace {
    /// What stands around the topics; never empty.
    parts: Vec<String>,
}

impl From<&str> for Keyspace {
    fn from(text: &str) -> Keyspace {
        Keyspace { parts: text.split(keys::TOPIC_TOKEN).map(str::to_owned).collect() }
    }
}

impl Keyspace {
    /// Whether it is the empty text.
    fn is_empty(&self) -> bool {
        self.parts == [""]
    }

    fn write(&self, out: &mut Vec<u8>, topic: &str) {
        for (number, part) in self.parts.iter().enumerate() {
            if number > 0 {
                out.extend_from_slice(topic.as_bytes());
            }
            out.extend_from_slice(part.as_bytes());
        }
    }
}

/// How records are laid out.
#[derive(Debug, Clone)]
pub(crate) struct Layout {
    /// What they become.
    pub(crate) structure: Structure,
    /// The beginning of keys. Empty = the record's key alone.
    pub(crate) keyspace: Keyspace,
    /// What stands between the two.
    pub(crate) separator: String,
    /// After how many seconds keys go away, unless a record says otherwise; none = never.
    pub(crate) ttl: Option<u64>,
}

/// Why a record has no commands. Always a data error.
type Result<T> = std::result::Result<T, Error>;

impl Layout {
    /// Adds the commands for a record to `out`, in order. None for a record that has nothing to write: a null value in a
    /// stream or time series.
    pub(crate) fn write(&self, values: &mut Values, record: &Record, out: &mut Commands) -> Result<()> {
        if record.value.value.is_null() {
            return self.remove(values, record, out);
        }
        let ttl = self.ttl_of(record);
        self.put(values, record, ttl, out)?;
        match ttl {
            // SET takes it along.
            Some(seconds) if !matches!(self.structure, Structure::String { .. }) => out.add("EXPIRE", |all| {
                self.key(values, record, all)?;
                all.add_number(seconds);
                Ok(())
            }),
            _ => Ok(()),
        }
    }

    /// Adds the key in Redis to a command.
    fn key(&self, values: &mut Values, record: &Record, all: &mut Arguments<'_>) -> Result<()> {
        if self.keyspace.is_empty() && !self.structure.is_collection() {
            let key = text_or_bytes("key", &record.key.value)?;
            if key.is_empty() {
                return Err(Error::data("The key of the record is empty"));
            }
            all.add(key);
            return Ok(());
        }
        let key = |out: &mut Vec<u8>| {
            self.keyspace.write(out, &record.topic);
            if self.structure.is_collection() {
                return Ok(());
            }
            if record.key.value.is_null() {
                return Err(Error::data("The record has no key to name its entry in Redis by"));
            }
            out.extend_from_slice(self.separator.as_bytes());
            values.text(out, &record.key)
        };
        all.write(key)?;
        Ok(())
    }

    fn remove(&self, values: &mut Values, record: &Record, out: &mut Commands) -> Result<()> {
        let member = || text_or_bytes("key", &record.key.value);
        let (name, between) = match self.structure {
            Structure::String { .. } | Structure::Json | Structure::Hash => {
                return out.add("DEL", |all| self.key(values, record, all));
            }
            Structure::Stream | Structure::TimeSeries => return Ok(()),
            Structure::List => ("LREM", Some(b"0")),
            Structure::Set => ("SREM", None),
            Structure::SortedSet => ("ZREM", None),
        };
        out.add(name, |all| {
            self.key(values, record, all)?;
            if let Some(between) = between {
                all.add(between);
            }
            all.add(member()?);
            Ok(())
        })
    }

    fn put(&self, values: &mut Values, record: &Record, ttl: Option<u64>, out: &mut Commands) -> Result<()> {
        let value = &record.value;
        out.add(self.structure.command(), |all| {
            // A sample's key is its time; all else is under the record's key, or named by it.
            self.key(values, record, all)?;
            let member = || text_or_bytes("key", &record.key.value);
            match self.structure {
                Structure::String { json } => {
                    if json {
                        all.write(|out| values.text(out, value))?;
                    } else {
                        all.add(text_or_bytes("value", &value.value)?);
                    }
                    if let Some(seconds) = ttl {
                        all.add(b"EX").add_number(seconds);
                    }
                }
                Structure::Json => {
                    all.add(b"$").write(|out| values.text(out, value))?;
                }
                Structure::Hash => fields(values, all, value)?,
                Structure::Stream => fields(values, all.add(b"*"), value)?,
                Structure::List | Structure::Set => {
                    all.add(member()?);
                }
                Structure::SortedSet => {
                    let score = number("value", &value.value)?;
                    all.add(score.to_string().as_bytes()).add(member()?);
                }
                Structure::TimeSeries => {
                    let time = time(&record.key.value)?;
                    let sample = number("value", &value.value)?;
                    all.add_number(time).add(sample.to_string().as_bytes());
                }
            }
            Ok(())
        })
    }

    /// The time to live that the record or else the configuration gives.
    fn ttl_of(&self, record: &Record) -> Option<u64> {
        let mut headers = record.headers.iter().filter(|header| header.key.as_str() == keys::TTL);
        let given = headers.find_map(|header| {
            let seconds = whole(&header.data.value);
            if seconds.is_none() {
                let header = shown(&header.data.value);
                warn!("The header {} is {header} in {}, which is no whole number", keys::TTL, place(record));
            }
            seconds
        });
        given.and_then(|seconds| u64::try_from(seconds).ok()).filter(|seconds| *seconds > 0).or(self.ttl)
    }
}

/// Where a record was read, for messages.
pub(crate) fn place(record: &Record) -> String {
    let origin = &record.origin;
    format!("topic {}, partition {}, offset {}", origin.topic, origin.partition, origin.offset)
}

/// Adds the fields of a struct or map with their values.
fn fields(values: &mut Values, all: &mut Arguments<'_>, data: &Data) -> Result<()> {
    let empty = match data.value.view() {
        ValueRef::Struct(value) => {
            for (place, field) in value.schema.fields.iter().enumerate() {
                let content = value.or_default(place);
                let data = || Data::new(field.schema.clone(), content.clone());
                all.add(field.name.as_bytes()).write(|out| values.field(out, content, data))?;
            }
            value.fields.is_empty()
        }
        ValueRef::Map(entries) => {
            for entry in entries {
                let data = |value: &Value| Data::schemaless(value.clone());
                all.write(|out| values.field(out, &entry.key, || data(&entry.key)))?;
                all.write(|out| values.field(out, &entry.value, || data(&entry.value)))?;
            }
            entries.is_empty()
        }
        _ => {
            let class = data.value.java_class();
            return Err(Error::data(format!("The value is a {class}; a struct or map is needed, for its fields")));
        }
    };
    if empty {
        return Err(Error::data("The value has no fields; a hash or stream entry needs one at least"));
    }
    Ok(())
}

fn text_or_bytes<'a>(what: &str, value: &'a Value) -> Result<&'a [u8]> {
    let wrong = || {
        let class = value.java_class();
        Error::data(format!(
            "The {what} of the record is a {class}; it must be text or bytes. Use StringConverter or ByteArrayConverter \
             for it, or a transform that makes it text"
        ))
    };
    value::plain(value).ok_or_else(wrong)
}

fn number(what: &str, value: &Value) -> Result<f64> {
    let wrong = || Error::data(format!("The {what} of the record is a {}; it must be a number", value.java_class()));
    value::number(value).filter(|number| !number.is_nan()).ok_or_else(wrong)
}

/// The time of a sample, in milliseconds since 1970.
fn time(value: &Value) -> Result<i64> {
    let wrong = || {
        let class = value.java_class();
        Error::data(format!("The key of the record is a {class}; it must be a time in milliseconds"))
    };
    value.as_integer().or_else(|| value.date_millis()).ok_or_else(wrong)
}

/// A value for messages: text as it is, of others the type.
fn shown(value: &Value) -> String {
    let text = value::plain(value).and_then(|bytes| std::str::from_utf8(bytes).ok());
    text.map_or_else(|| format!("a {}", value.java_class()), |text| format!("'{text}'"))
}

fn whole(value: &Value) -> Option<i64> {
    let text = || std::str::from_utf8(value::plain(value)?).ok()?.trim().parse().ok();
    value.as_integer().or_else(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ferroconnect_plugin_sdk::testkit::sink_record;
    use ferroconnect_plugin_sdk::{Header, MapEntry, SchemaBuilder};

    fn layout(name: &str) -> Layout {
        let structure = Structure::named(name).unwrap();
        Layout { structure, keyspace: "k-${topic}".into(), separator: ":".into(), ttl: None }
    }

    fn record(key: impl Into<Value>, value: impl Into<Value>) -> Record {
        let mut record = sink_record("t", 0, 7, Data::schemaless(value));
        record.key = Data::schemaless(key);
        record
    }

    fn words(command: &redis::Cmd) -> String {
        let text = |argument| match argument {
            redis::Arg::Simple(bytes) => String::from_utf8_lossy(bytes),
            _ => panic!("a cursor"),
        };
        command.args_iter().map(text).collect::<Vec<_>>().join(" ")
    }

    /// The commands as text, blanks between arguments.
    fn commands(layout: &Layout, record: &Record) -> Result<Vec<String>> {
        let mut all = Commands::default();
        layout.write(&mut Values::default(), record, &mut all)?;
        Ok(all.one_by_one().unwrap().iter().map(words).collect())
    }

    fn row() -> Value {
        let name = SchemaBuilder::string().optional().build();
        let schema = SchemaBuilder::structure().field("id", SchemaBuilder::int64().build()).field("name", name).build();
        Value::structure(schema, vec![Value::int64(1), Value::NULL])
    }

    fn map() -> Value {
        Value::map(vec![MapEntry { key: Value::string("a"), value: Value::float64(0.5) }])
    }

    #[test]
    fn each_structure_has_its_command() {
        for (name, key, value, expected) in [
            ("STRING", Value::string("a"), Value::string("v"), "SET k-t:a v"),
            ("STRING", Value::int32(5), Value::bytes(b"v".to_vec()), "SET k-t:5 v"),
            ("JSON", Value::string("a"), map(), r#"JSON.SET k-t:a $ {"a":0.5}"#),
            ("JSON", Value::string("a"), Value::string("[1]"), "JSON.SET k-t:a $ [1]"),
            ("HASH", Value::string("a"), row(), "HSET k-t:a id 1 name "),
            ("HASH", Value::string("a"), map(), "HSET k-t:a a 0.5"),
            ("STREAM", Value::NULL, row(), "XADD k-t * id 1 name "),
            ("LIST", Value::string("a"), Value::int32(1), "RPUSH k-t a"),
            ("SET", Value::bytes(b"a".to_vec()), map(), "SADD k-t a"),
            ("ZSET", Value::string("a"), Value::float64(1.5), "ZADD k-t 1.5 a"),
            ("TIMESERIES", Value::int64(1000), Value::int32(3), "TS.ADD k-t 1000 3"),
            ("TIMESERIES", Value::timestamp(1000), Value::float32(0.25), "TS.ADD k-t 1000 0.25"),
        ] {
            assert_eq!(commands(&layout(name), &record(key, value)).unwrap(), [expected]);
        }
    }

    #[test]
    fn a_null_value_removes_what_it_can_name() {
        for (name, expected) in [
            ("STRING", &["DEL k-t:a"][..]),
            ("JSON", &["DEL k-t:a"]),
            ("HASH", &["DEL k-t:a"]),
            ("LIST", &["LREM k-t 0 a"]),
            ("SET", &["SREM k-t a"]),
            ("ZSET", &["ZREM k-t a"]),
            ("STREAM", &[]),
            ("TIMESERIES", &[]),
        ] {
            let layout = Layout { ttl: Some(9), ..layout(name) };
            assert_eq!(commands(&layout, &record("a", Value::NULL)).unwrap(), expected, "{name}");
        }
    }

    #[test]
    fn without_a_keyspace_the_key_stands_alone() {
        let bare = Layout { keyspace: "".into(), ..layout("STRING") };
        assert_eq!(commands(&bare, &record("a", "v")).unwrap(), ["SET a v"]);
        for key in [Value::NULL, Value::int32(1), Value::string("")] {
            let error = commands(&bare, &record(key, "v")).unwrap_err();
            assert!(error.message().starts_with("The key of the record is "), "{error}");
        }
    }

    #[test]
    fn what_does_not_fit_is_a_data_error() {
        for (name, key, value, expected) in [
            ("STRING", Value::string("a"), row(), "The value of the record is a org.apache.kafka.connect.data.Struct"),
            ("STRING", Value::NULL, Value::string("v"), "The record has no key"),
            ("HASH", Value::string("a"), Value::string("v"), "The value is a java.lang.String; a struct or map"),
            ("HASH", Value::string("a"), Value::map(vec![]), "The value has no fields"),
            ("LIST", Value::NULL, Value::string("v"), "The key of the record is a null"),
            ("ZSET", Value::string("a"), Value::string("1"), "The value of the record is a java.lang.String"),
            ("ZSET", Value::string("a"), Value::float64(f64::NAN), "The value of the record is a java.lang.Double"),
            ("TIMESERIES", Value::string("1"), Value::int8(1), "The key of the record is a java.lang.String"),
        ] {
            let error = commands(&layout(name), &record(key, value)).unwrap_err();
            assert_eq!(error.kind(), ferroconnect_plugin_sdk::ErrorKind::DATA);
            assert!(error.message().starts_with(expected), "{error}");
        }
    }

    #[test]
    fn a_time_to_live_goes_with_the_key() {
        let lasting = Layout { ttl: Some(9), ..layout("STRING") };
        assert_eq!(commands(&lasting, &record("a", "v")).unwrap(), ["SET k-t:a v EX 9"]);
        let hash = Layout { ttl: Some(9), ..layout("HASH") };
        assert_eq!(commands(&hash, &record("a", map())).unwrap(), ["HSET k-t:a a 0.5", "EXPIRE k-t:a 9"]);
    }

    #[test]
    fn a_header_overrides_the_time_to_live() {
        let lasting = Layout { ttl: Some(9), ..layout("STRING") };
        for (header, expected) in [
            (Value::int64(5), "SET k-t:a v EX 5"),
            (Value::string("5"), "SET k-t:a v EX 5"),
            (Value::string("-1"), "SET k-t:a v EX 9"),
            (Value::string("soon"), "SET k-t:a v EX 9"),
        ] {
            let mut record = record("a", "v");
            record.headers.push(Header { key: keys::TTL.into(), data: Data::schemaless(header) });
            assert_eq!(commands(&lasting, &record).unwrap(), [expected]);
        }
    }
}
