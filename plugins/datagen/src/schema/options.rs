//! Values that stand in a schema themselves: options and defaults.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ferroconnect_plugin_sdk::{Logical, MapEntry, Schema, SchemaType, Shared, Value};
use serde_json::Value as Json;

use super::FIXED_SIZE;
use crate::rules::{Problem, Rules};

/// How values are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// In `options`: bytes in base64.
    Option,
    /// In `default`: bytes as the characters of those numbers, as Avro has it.
    Default,
}

/// The options among which values are chosen, if the rules have them: a list, or a file of JSON values.
pub(super) fn of(rules: &Rules<'_>, schema: &Shared<Schema>) -> Result<Option<Vec<Value>>, Problem> {
    let given = match rules.get("options") {
        None => return Ok(None),
        Some(Json::Array(list)) => list.clone(),
        Some(file @ Json::Object(_)) => read(rules, file)?,
        Some(other) => return Err(rules.wrong(&format!("'options' is {other}; a list or a file is wanted"))),
    };
    if given.is_empty() {
        return Err(rules.wrong("'options' has nothing to choose from"));
    }
    let fits = |option: &Json| {
        let value = value(option, schema, Form::Option);
        value.ok_or_else(|| rules.wrong(&format!("the option {option} does not fit the type")))
    };
    given.iter().map(fits).collect::<Result<_, _>>().map(Some)
}

/// JSON values one after the other, or one list of them.
fn read(rules: &Rules<'_>, file: &Json) -> Result<Vec<Json>, Problem> {
    let text = |key: &str| file.get(key).and_then(Json::as_str);
    let (Some(path), Some(encoding)) = (text("file"), text("encoding")) else {
        return Err(rules.wrong("'options' needs both 'file' and 'encoding' to read a file"));
    };
    if encoding != "json" {
        return Err(rules.wrong(&format!("'encoding' is {encoding}; only json is known")));
    }
    let text = std::fs::read_to_string(path)
        .map_err(|error| rules.wrong(&format!("the file of options {path} cannot be read: {error}")))?;
    let values = serde_json::Deserializer::from_str(&text).into_iter().collect::<Result<Vec<Json>, _>>();
    let values = values.map_err(|error| rules.wrong(&format!("the file of options {path} is no JSON: {error}")))?;
    match <[Json; 1]>::try_from(values) {
        Ok([Json::Array(list)]) => Ok(list),
        Ok([one]) => Ok(vec![one]),
        Err(many) => Ok(many),
    }
}

/// The value that JSON stands for under a schema; none if it does not fit.
pub(super) fn value(json: &Json, schema: &Shared<Schema>, form: Form) -> Option<Value> {
    if json.is_null() {
        return schema.optional.then_some(Value::NULL);
    }
    if let Some(logical) = Logical::of(schema) {
        return logical.decode(schema, &base(json, schema, form)?).ok()?;
    }
    base(json, schema, form)
}

fn base(json: &Json, schema: &Shared<Schema>, form: Form) -> Option<Value> {
    let integer = |json: &Json| json.as_i64();
    Some(match schema.kind {
        SchemaType::BOOLEAN => Value::boolean(json.as_bool()?),
        SchemaType::INT32 => Value::int32(integer(json)?.try_into().ok()?),
        SchemaType::INT64 => Value::int64(integer(json)?),
        SchemaType::FLOAT32 => Value::float32(json.as_f64()? as f32),
        SchemaType::FLOAT64 => Value::float64(json.as_f64()?),
        SchemaType::STRING => Value::string(json.as_str()?),
        SchemaType::BYTES => Value::bytes(bytes(json.as_str()?, schema, form)?),
        SchemaType::ARRAY => {
            let items = schema.values.get()?;
            let values = json.as_array()?.iter().map(|item| value(item, items, form));
            Value::array(values.collect::<Option<Vec<_>>>()?)
        }
        SchemaType::MAP => {
            let items = schema.values.get()?;
            let entry = |(key, item): (&String, &Json)| {
                Some(MapEntry { key: key.as_str().into(), value: value(item, items, form)? })
            };
            Value::map(json.as_object()?.iter().map(entry).collect::<Option<Vec<_>>>()?)
        }
        SchemaType::STRUCT => {
            let given = json.as_object()?;
            let field = |field: &ferroconnect_plugin_sdk::Field| match given.get(field.name.as_str()) {
                Some(json) => value(json, &field.schema, form),
                None => field.schema.default_value().cloned().or(field.schema.optional.then_some(Value::NULL)),
            };
            let fields = schema.fields.iter().map(field).collect::<Option<Vec<_>>>()?;
            Value::structure(schema.clone(), fields)
        }
        _ => return None,
    })
}

fn bytes(text: &str, schema: &Schema, form: Form) -> Option<Vec<u8>> {
    // Options of fixed types are written as defaults are.
    if form == Form::Option && schema.parameter(FIXED_SIZE).is_none() {
        return STANDARD.decode(text).ok();
    }
    text.chars().map(|char| u8::try_from(u32::from(char)).ok()).collect()
}
