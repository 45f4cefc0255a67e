//! Source partitions and offsets between the plugin's form and the form in which they are stored.

use ferroconnect_plugin_abi::containers::AbiVec;
use ferroconnect_plugin_abi::record::{OffsetEntry, OffsetMap};
use ferroconnect_plugin_abi::{Text, Value, ValueRef};
use serde_json::Value as Json;

use crate::error::{ConnectError, Result};
use crate::storage::{self, offset_json};

/// The stored form of a partition or offset.
///
/// # Errors
/// A data error that names the entry if it is not a primitive value.
pub(crate) fn to_json(map: &OffsetMap) -> Result<storage::OffsetMap> {
    map.iter().map(|entry| Ok((entry.key.to_string(), value_to_json(entry)?))).collect()
}

fn value_to_json(entry: &OffsetEntry) -> Result<Json> {
    Ok(match entry.value.view() {
        ValueRef::Null => Json::Null,
        ValueRef::Boolean(value) => Json::from(value),
        ValueRef::Int8(value) => Json::from(value),
        ValueRef::Int16(value) => Json::from(value),
        ValueRef::Int32(value) => Json::from(value),
        ValueRef::Int64(value) => Json::from(value),
        ValueRef::Float32(value) => offset_json::float32(value),
        ValueRef::Float64(value) => offset_json::float64(value),
        ValueRef::String(text) => Json::from(text.as_str()),
        ValueRef::Bytes(blob) => offset_json::bytes(blob),
        other => {
            let name = format!("{other:?}");
            let kind = name.split(['(', ' ', '{']).next().unwrap_or_default();
            return Err(ConnectError::data(format!(
                "Offsets may only contain primitive types as values, but field {} contains {kind}",
                entry.key
            )));
        }
    })
}

/// The plugin's form of a stored partition or offset: integers become 64 bits wide, as in Kafka Connect.
pub(crate) fn from_json(map: &storage::OffsetMap) -> OffsetMap {
    let entry = |(key, value): (&String, &Json)| OffsetEntry { key: Text::from(key.as_str()), value: value_of(value) };
    map.iter().map(entry).collect::<AbiVec<_>>()
}

fn value_of(json: &Json) -> Value {
    match json {
        Json::Null | Json::Array(_) | Json::Object(_) => Value::NULL,
        Json::Bool(value) => Value::boolean(*value),
        Json::Number(number) => match number.as_i64() {
            Some(integer) => Value::int64(integer),
            None => Value::float64(number.as_f64().unwrap_or(f64::NAN)),
        },
        Json::String(text) => Value::string(text.as_str()),
    }
}

/// What the offset store calls a source partition of a connector.
pub(crate) fn store_key(connector: &str, partition: &OffsetMap) -> Result<Vec<u8>> {
    offset_json::key(connector, &to_json(partition)?)
}

/// What the offset store keeps for an offset.
pub(crate) fn store_value(offset: &OffsetMap) -> Result<Option<Vec<u8>>> {
    offset_json::value(Some(&to_json(offset)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stores_what_java_stores() {
        let partition: OffsetMap =
            vec![OffsetEntry { key: Text::from_static("filename"), value: Value::string("/a.txt") }].into();
        let key = store_key("local-file-source", &partition).unwrap();
        assert_eq!(String::from_utf8(key).unwrap(), r#"["local-file-source",{"filename":"/a.txt"}]"#);
        let offset: OffsetMap =
            vec![OffsetEntry { key: Text::from_static("position"), value: Value::int64(14) }].into();
        assert_eq!(store_value(&offset).unwrap().unwrap(), br#"{"position":14}"#);
        assert_eq!(from_json(&to_json(&offset).unwrap()), offset);
    }

    #[test]
    fn refuses_what_is_not_primitive() {
        let bad: OffsetMap = vec![OffsetEntry { key: Text::from_static("a"), value: Value::array(vec![]) }].into();
        let error = to_json(&bad).unwrap_err();
        assert_eq!(error.message(), "Offsets may only contain primitive types as values, but field a contains Array");
    }
}
