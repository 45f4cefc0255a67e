//! Whether whoever reads by one schema can read what is written by another one.

use crate::path::{Path, part};
use ferroconnect_plugin_sdk::{Error, Logical, MaybeShared, Result, Schema, SchemaType, Shared, decimal_scale};
use std::collections::HashSet;

/// Where those who read a decimal find its scale.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scales {
    /// In the schema: another scale there makes another number.
    InSchema,
    /// In the value itself.
    InValue,
}

/// Checks that values of `written` can be read as `read`: types are the same or wider, what is required is there.
///
/// # Errors
/// A data error with the first place that cannot.
pub(crate) fn check_readable(
    written: &Shared<Schema>,
    read: &Shared<Schema>,
    scales: Scales,
    at: &Path<'_>,
) -> Result<()> {
    Check { scales, begun: HashSet::new() }.schema(written, read, at)
}

struct Check {
    scales: Scales,
    /// The pairs of schemas, by address, that are being looked at or were: they may contain themselves.
    begun: HashSet<(usize, usize)>,
}

impl Check {
    fn schema(&mut self, written: &Shared<Schema>, read: &Shared<Schema>, at: &Path<'_>) -> Result<()> {
        if Shared::same(written, read) || !self.begun.insert((Shared::address(written), Shared::address(read))) {
            return Ok(());
        }
        let refuse = |reason: String| {
            Err(Error::data(format!(
                "{at}: the registered schema cannot take the place of the record's: {reason}. \
                 latest.compatibility.strict or id.compatibility.strict decide whether that counts"
            )))
        };
        let same = written.kind == read.kind && Logical::of(written) == Logical::of(read);
        if !same && !is_wider(written.kind, read.kind) {
            return refuse(format!("it has {} where the record has {}", label(read), label(written)));
        }
        if same && self.scales == Scales::InSchema && Logical::of(read) == Some(Logical::Decimal) {
            let scale = |schema: &Schema| decimal_scale(schema).map_err(Error::from_abi);
            let (own, other) = (scale(written)?, scale(read)?);
            if own != other {
                return refuse(format!("it has a decimal of scale {other} where the record has one of scale {own}"));
            }
        }
        if written.optional && !read.optional && read.default_value().is_none() {
            return refuse("it requires what the record may lack".to_owned());
        }
        match read.kind {
            SchemaType::ARRAY => self.part(&written.values, &read.values, &at.field("[]")),
            SchemaType::MAP => {
                self.part(&written.keys, &read.keys, &at.field("key"))?;
                self.part(&written.values, &read.values, &at.field("value"))
            }
            SchemaType::STRUCT => read.fields.iter().try_for_each(|field| {
                let at = at.field(&field.name);
                match written.fields.iter().find(|own| own.name == field.name) {
                    Some(own) => self.schema(&own.schema, &field.schema, &at),
                    None if field.schema.optional || field.schema.default_value().is_some() => Ok(()),
                    None => Err(Error::data(format!(
                        "{at}: the registered schema requires this field, and the record does not have it. \
                         latest.compatibility.strict or id.compatibility.strict decide whether that counts"
                    ))),
                }
            }),
            _ => Ok(()),
        }
    }

    fn part(&mut self, written: &MaybeShared<Schema>, read: &MaybeShared<Schema>, at: &Path<'_>) -> Result<()> {
        self.schema(part(written, at)?, part(read, at)?, at)
    }
}

/// Whether every number of one type is one of the other.
fn is_wider(written: SchemaType, read: SchemaType) -> bool {
    let rank = |kind| {
        let ranks = [SchemaType::INT8, SchemaType::INT16, SchemaType::INT32, SchemaType::INT64, SchemaType::FLOAT64];
        ranks.iter().position(|ranked| *ranked == kind)
    };
    let float = written == SchemaType::FLOAT32 && read == SchemaType::FLOAT64;
    float || rank(written).zip(rank(read)).is_some_and(|(written, read)| written < read)
}

fn label(schema: &Schema) -> String {
    Logical::of(schema).map_or_else(|| schema.kind.name().to_owned(), |logical| format!("{logical:?}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use ferroconnect_plugin_sdk::SchemaBuilder;

    fn refusal(written: SchemaBuilder, read: SchemaBuilder) -> String {
        let error = check_readable(&written.build(), &read.build(), Scales::InSchema, &Path::Root);
        error.err().map_or_else(String::new, |error| error.message().to_owned())
    }

    fn of(field: SchemaBuilder) -> SchemaBuilder {
        SchemaBuilder::structure().field("f", field.build())
    }

    #[test]
    fn wider_types_and_optional_fields_can_be_read() {
        for (written, read) in [
            (SchemaBuilder::int8(), SchemaBuilder::int64()),
            (SchemaBuilder::float32(), SchemaBuilder::float64()),
            (of(SchemaBuilder::string()), of(SchemaBuilder::string().optional())),
            (of(SchemaBuilder::string()), SchemaBuilder::structure()),
            (SchemaBuilder::structure(), of(SchemaBuilder::string().optional())),
            (SchemaBuilder::structure(), of(SchemaBuilder::string().default_value("x"))),
        ] {
            assert_eq!(refusal(written, read), "");
        }
    }

    #[test]
    fn the_place_of_what_cannot_be_read_is_named() {
        for (written, read, part) in [
            (of(SchemaBuilder::int64()), of(SchemaBuilder::int32()), "$.f: the registered schema"),
            (of(SchemaBuilder::int64()), of(SchemaBuilder::timestamp()), "it has Timestamp where the record has INT64"),
            (of(SchemaBuilder::string().optional()), of(SchemaBuilder::string()), "requires what the record may lack"),
            (SchemaBuilder::structure(), of(SchemaBuilder::string()), "requires this field"),
            (
                of(SchemaBuilder::decimal(4)),
                of(SchemaBuilder::decimal(2)),
                "scale 2 where the record has one of scale 4",
            ),
            (
                SchemaBuilder::array(SchemaBuilder::string().build()),
                SchemaBuilder::array(SchemaBuilder::bytes().build()),
                "$.[]: ",
            ),
        ] {
            let refusal = refusal(written, read);
            assert!(refusal.contains(part), "{refusal}");
        }
    }
}
