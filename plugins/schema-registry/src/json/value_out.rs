//! Connect values as JSON.

use super::options::{DecimalFormat, Options};
use super::{decimal, is_union};
use crate::path::{Path, part};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ferroconnect_plugin_sdk::{
    Error, Logical, MapEntry, Result, Schema, SchemaType, Shared, StructValue, Value, ValueRef,
};
use serde::Serialize;

/// Writes a value behind what is in `out` already.
///
/// # Errors
/// A data error with the place and what is wrong there.
pub(super) fn write(schema: &Shared<Schema>, value: &Value, options: &Options, out: &mut Vec<u8>) -> Result<()> {
    Output { options, out, depth: 0 }.value(schema, value, &Path::Root)
}

/// Whether the map is an object; otherwise it is an array of entries.
pub(super) fn is_object(map: &Schema) -> bool {
    map.keys.as_deref().is_some_and(|keys| keys.kind == SchemaType::STRING && !keys.optional)
}

/// How deep arrays and objects may stand in one another: ours and other readers go no deeper.
const DEEPEST: usize = 127;

struct Output<'a> {
    options: &'a Options,
    out: &'a mut Vec<u8>,
    /// How many arrays and objects are open.
    depth: usize,
}

impl Output<'_> {
    fn value(&mut self, mut schema: &Shared<Schema>, mut value: &Value, at: &Path<'_>) -> Result<()> {
        // The one branch that is not null. A loop, since unions in unions may go on for ever and show nowhere in JSON.
        while is_union(schema)
            && let ValueRef::Struct(content) = value.view()
        {
            check_schema(schema, content, at)?;
            match schema.fields.iter().zip(&content.fields).find(|(_, value)| !value.is_null()) {
                Some((branch, inner)) => (schema, value) = (&branch.schema, inner),
                None => return self.null(schema, at),
            }
        }
        if value.is_null() {
            return self.null(schema, at);
        }
        if let Some(logical) = Logical::of(schema) {
            return self.logical(logical, schema, value, at);
        }
        match (schema.kind, value.view()) {
            (SchemaType::INT8, ValueRef::Int8(_))
            | (SchemaType::INT16, ValueRef::Int16(_))
            | (SchemaType::INT32, ValueRef::Int32(_))
            | (SchemaType::INT64, ValueRef::Int64(_))
            | (SchemaType::FLOAT32, ValueRef::Float32(_))
            | (SchemaType::FLOAT64, ValueRef::Float64(_))
            | (SchemaType::BOOLEAN, ValueRef::Boolean(_))
            | (SchemaType::STRING, ValueRef::String(_))
            | (SchemaType::BYTES, ValueRef::Bytes(_)) => self.plain(value, at),
            (SchemaType::ARRAY, ValueRef::Array(items)) => self.array(schema, items, at),
            (SchemaType::MAP, ValueRef::Map(entries)) if is_object(schema) => self.object(schema, entries, at),
            (SchemaType::MAP, ValueRef::Map(entries)) => self.entries(schema, entries, at),
            (SchemaType::STRUCT, ValueRef::Struct(content)) => self.structure(schema, content, at),
            _ => Err(misfit(schema, value, at)),
        }
    }

    fn null(&mut self, schema: &Shared<Schema>, at: &Path<'_>) -> Result<()> {
        let ignored = schema.optional && self.options.ignore_default_for_nullables;
        match schema.default_value().filter(|_| !ignored) {
            Some(default) => self.value(schema, default, at),
            None if schema.optional => self.json(&()),
            None => {
                Err(Error::data(format!("{at}: null for a required {} that has no default value", schema.kind.name())))
            }
        }
    }

    fn logical(&mut self, logical: Logical, schema: &Shared<Schema>, value: &Value, at: &Path<'_>) -> Result<()> {
        let base = logical.encode(schema, value).map_err(|error| Error::data(format!("{at}: {error}")))?;
        match value.view() {
            ValueRef::Decimal { unscaled, scale } if self.options.decimal_format == DecimalFormat::Numeric => {
                self.out.extend_from_slice(decimal::text(unscaled, scale).as_bytes());
                Ok(())
            }
            _ => self.plain(&base, at),
        }
    }

    /// Numbers, booleans, text and bytes.
    fn plain(&mut self, value: &Value, at: &Path<'_>) -> Result<()> {
        match value.view() {
            ValueRef::Int8(number) => self.json(&number),
            ValueRef::Int16(number) => self.json(&number),
            ValueRef::Int32(number) => self.json(&number),
            ValueRef::Int64(number) => self.json(&number),
            ValueRef::Float32(number) if number.is_finite() => self.json(&number),
            ValueRef::Float64(number) if number.is_finite() => self.json(&number),
            ValueRef::Float32(number) => self.json(java_name(number.into())),
            ValueRef::Float64(number) => self.json(java_name(number)),
            ValueRef::Boolean(flag) => self.json(&flag),
            ValueRef::String(text) => self.json(text.as_str()),
            ValueRef::Bytes(bytes) => self.json(&STANDARD.encode(bytes)),
            _ => Err(Error::data(format!("{at}: {} is no plain value", value.java_class()))),
        }
    }

    fn json(&mut self, value: &(impl Serialize + ?Sized)) -> Result<()> {
        Ok(serde_json::to_writer(&mut *self.out, value)?)
    }

    fn array(&mut self, schema: &Schema, items: &[Value], at: &Path<'_>) -> Result<()> {
        let element = part(&schema.values, at)?;
        self.open(b'[', at)?;
        for (index, item) in items.iter().enumerate() {
            self.comma(index);
            self.value(element, item, &at.item(index))?;
        }
        self.close(b']');
        Ok(())
    }

    fn object(&mut self, schema: &Schema, entries: &[MapEntry], at: &Path<'_>) -> Result<()> {
        let values = part(&schema.values, at)?;
        self.open(b'{', at)?;
        for (index, entry) in entries.iter().enumerate() {
            let key = entry.key.as_text().ok_or_else(|| {
                Error::data(format!("{at}: a key of the map is {}, and not text", entry.key.java_class()))
            })?;
            self.comma(index);
            self.json(key.as_str())?;
            self.out.push(b':');
            self.value(values, &entry.value, &at.field(key))?;
        }
        self.close(b'}');
        Ok(())
    }

    /// A map whose keys are no required text.
    fn entries(&mut self, schema: &Schema, entries: &[MapEntry], at: &Path<'_>) -> Result<()> {
        let (keys, values) = (part(&schema.keys, at)?, part(&schema.values, at)?);
        self.open(b'[', at)?;
        for (index, entry) in entries.iter().enumerate() {
            self.comma(index);
            let at = at.item(index);
            self.open(b'{', &at)?;
            self.out.extend_from_slice(br#""key":"#);
            self.value(keys, &entry.key, &at.field("key"))?;
            self.out.extend_from_slice(br#","value":"#);
            self.value(values, &entry.value, &at.field("value"))?;
            self.close(b'}');
        }
        self.close(b']');
        Ok(())
    }

    fn structure(&mut self, schema: &Shared<Schema>, content: &StructValue, at: &Path<'_>) -> Result<()> {
        check_schema(schema, content, at)?;
        self.open(b'{', at)?;
        for (index, (field, value)) in schema.fields.iter().zip(&content.fields).enumerate() {
            self.comma(index);
            self.json(field.name.as_str())?;
            self.out.push(b':');
            self.value(&field.schema, value, &at.field(&field.name))?;
        }
        self.close(b'}');
        Ok(())
    }

    fn open(&mut self, bracket: u8, at: &Path<'_>) -> Result<()> {
        if self.depth == DEEPEST {
            let reason = "arrays and objects stand in one another deeper than readers of JSON go";
            return Err(Error::data(format!("{at}: {reason}, which is {DEEPEST} times")));
        }
        self.depth += 1;
        self.out.push(bracket);
        Ok(())
    }

    fn close(&mut self, bracket: u8) {
        self.depth -= 1;
        self.out.push(bracket);
    }

    fn comma(&mut self, index: usize) {
        if index > 0 {
            self.out.push(b',');
        }
    }
}

fn check_schema(schema: &Shared<Schema>, content: &StructValue, at: &Path<'_>) -> Result<()> {
    if content.schema != *schema || content.fields.len() != schema.fields.len() {
        return Err(Error::data(format!("{at}: the struct is of another schema than the one around it says")));
    }
    Ok(())
}

/// JSON has no such numbers; Kafka Connect writes their Java names as text.
fn java_name(number: f64) -> &'static str {
    match number {
        number if number.is_nan() => "NaN",
        number if number > 0.0 => "Infinity",
        _ => "-Infinity",
    }
}

fn misfit(schema: &Schema, value: &Value, at: &Path<'_>) -> Error {
    Error::data(format!(
        "{at}: {} does not fit the schema, which is of type {}",
        value.java_class(),
        schema.kind.name()
    ))
}
