//! Data without schema: maps whose keys are names of fields.

use ferroconnect_plugin_abi::containers::AbiVec;
use ferroconnect_plugin_abi::value::MapEntry;
use ferroconnect_plugin_abi::{Text, Value};

/// The place of a field; keys that are no text are never meant.
pub fn position(map: &[MapEntry], name: &str) -> Option<usize> {
    map.iter().position(|entry| entry.key.as_text().is_some_and(|key| key.as_str() == name))
}

/// The value of a field.
pub fn get<'a>(map: &'a [MapEntry], name: &str) -> Option<&'a Value> {
    position(map, name).map(|place| &map[place].value)
}

/// The value of a field, to be changed.
pub fn get_mut<'a>(map: &'a mut [MapEntry], name: &str) -> Option<&'a mut Value> {
    position(map, name).map(|place| &mut map[place].value)
}

/// Sets a field. One that was there keeps its place.
pub fn put(map: &mut AbiVec<MapEntry>, name: &Text, value: Value) {
    match get_mut(map, name) {
        Some(old) => *old = value,
        None => map.push(MapEntry { key: Value::string(name.clone()), value }),
    }
}

/// Takes a field out.
pub fn remove(map: &mut AbiVec<MapEntry>, name: &str) -> Option<Value> {
    position(map, name).map(|place| map.remove(place).value)
}
