//! Defaults of a registered schema as bytes, for fields that records do not have.

use std::cell::Cell;

use serde_json::Value as Json;

use super::binary::{put_bytes, put_long};
use super::defaults;
use super::planner::Planner;
use super::schema::{self, AvroSchema, Kind, TypeId};
use super::writer::{Misfit, block};

/// So many values may stand in one default: a record whose fields take defaults of their own may double it at each level.
const MOST_VALUES: usize = 100_000;

impl Planner<'_> {
    /// A default of the registered schema.
    pub(super) fn constant(&self, id: TypeId, json: &Json) -> Result<Vec<u8>, Misfit> {
        let (mut out, constant) = (Vec::new(), Constant { avro: self.avro, left: Cell::new(MOST_VALUES) });
        constant.write(id, json, 0, &mut out)?;
        Ok(out)
    }
}

/// A default that is being written.
struct Constant<'a> {
    avro: &'a AvroSchema,
    /// So many more values it may have.
    left: Cell<usize>,
}

impl Constant<'_> {
    /// Writes what stands `depth` levels within the default.
    fn write(&self, id: TypeId, json: &Json, depth: usize, out: &mut Vec<u8>) -> Result<(), Misfit> {
        // A record's default may be that of a field of its own type, and so on without end.
        if depth > schema::DEEPEST {
            return Err(Misfit::new("the registered schema has a default that nests without end"));
        }
        let left = self.left.get().checked_sub(1).ok_or_else(|| {
            Misfit::new(format!("the registered schema has a default of more than {MOST_VALUES} values"))
        })?;
        self.left.set(left);
        let wrong = || {
            Misfit::new(format!("the registered schema has the default {json} for {}", self.avro.get(id).kind.name()))
        };
        match &self.avro.get(id).kind {
            Kind::Null => json.is_null().then_some(()).ok_or_else(wrong)?,
            Kind::Boolean => out.push(json.as_bool().ok_or_else(wrong)?.into()),
            Kind::Int | Kind::Long => put_long(out, json.as_i64().ok_or_else(wrong)?),
            Kind::Float => out.extend((json.as_f64().ok_or_else(wrong)? as f32).to_le_bytes()),
            Kind::Double => out.extend(json.as_f64().ok_or_else(wrong)?.to_le_bytes()),
            Kind::String => put_bytes(out, json.as_str().ok_or_else(wrong)?.as_bytes()),
            Kind::Bytes => put_bytes(out, &json.as_str().and_then(defaults::bytes).ok_or_else(wrong)?),
            Kind::Fixed { size, .. } => {
                let bytes = json.as_str().and_then(defaults::bytes).filter(|bytes| bytes.len() == *size);
                out.extend(bytes.ok_or_else(wrong)?);
            }
            Kind::Enum(symbols) => {
                let at = symbols.symbols.iter().position(|symbol| json.as_str() == Some(symbol)).ok_or_else(wrong)?;
                put_long(out, at as i64);
            }
            Kind::Array(items) => {
                let values = json.as_array().ok_or_else(wrong)?;
                block(out, values, |value, out| self.write(*items, value, depth + 1, out))?;
            }
            Kind::Map(values) => {
                let entries: Vec<_> = json.as_object().ok_or_else(wrong)?.iter().collect();
                block(out, &entries, |(key, value), out| {
                    put_bytes(out, key.as_bytes());
                    self.write(*values, value, depth + 1, out)
                })?;
            }
            Kind::Union(branches) => {
                // A default is one of the first branch.
                put_long(out, 0);
                self.write(*branches.first().ok_or_else(wrong)?, json, depth + 1, out)?;
            }
            Kind::Record(record) => {
                for field in &record.fields {
                    let value = json.get(&field.name).or(field.default.as_ref()).ok_or_else(wrong)?;
                    self.write(field.kind, value, depth + 1, out)?;
                }
            }
        }
        Ok(())
    }
}
