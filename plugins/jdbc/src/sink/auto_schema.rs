//! `auto.schema`: records without a schema get that of the table they are for.

use crate::db::{Column, TypeClass};
use ferroconnect_plugin_sdk::{Data, Error, Record, Result, Schema, SchemaBuilder, Shared, Value, ValueRef};
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use std::collections::HashMap;

const MILLIS_PER_DAY: i64 = 86_400_000;

/// The forms of a date or a moment in text, without a zone.
const FORMS: [&str; 7] = [
    "%Y-%m-%d",
    "%Y/%m/%d",
    "%Y-%m-%d %H:%M",
    "%Y/%m/%d %H:%M",
    "%Y-%m-%d %H:%M:%S",
    "%Y/%m/%d %H:%M:%S",
    "%Y-%m-%d %H:%M:%S%.f",
];

/// Makes structs of maps after the columns of tables.
#[derive(Debug)]
pub(crate) struct AutoSchema {
    /// The zone of moments in text that name none.
    zone: TimeZone,
    /// The schemas that were made, by table and by which of its columns are there. Rows with the same columns share one.
    made: HashMap<(String, Vec<bool>), Shared<Schema>>,
}

impl AutoSchema {
    pub(crate) fn new(zone: TimeZone) -> AutoSchema {
        AutoSchema { zone, made: HashMap::new() }
    }

    /// The record with a struct in place of its map: the columns that the map has, null where it has null. What the
    /// table does not have is left out.
    ///
    /// # Errors
    /// A data error that names the column whose value does not fit, or says what the value is if it is no map.
    pub(crate) fn apply(&mut self, table: &str, columns: &[Column], record: &Record) -> Result<Record> {
        let ValueRef::Map(entries) = record.value.value.view() else {
            return Err(Error::data(format!(
                "auto.schema=true takes maps without a schema (JsonConverter with schemas.enable=false), not a value of {}",
                record.value.value.java_class()
            )));
        };
        let mut there = vec![false; columns.len()];
        let mut fields = Vec::with_capacity(columns.len());
        for (place, column) in columns.iter().enumerate() {
            let named = |text: &str| text == column.name;
            let entry = entries.iter().find(|entry| entry.key.as_text().is_some_and(|key| named(key.as_str())));
            if let Some(entry) = entry {
                there[place] = true;
                fields.push(self.fit(&entry.value, column)?);
            }
        }
        let schema = self.made.entry((table.to_owned(), there)).or_insert_with_key(|(_, there)| {
            let present = columns.iter().zip(there).filter(|(_, there)| **there);
            let struct_ = SchemaBuilder::structure();
            present.fold(struct_, |made, (column, _)| made.field(column.name.as_str(), schema_of(column.class))).build()
        });
        let mut made = record.clone();
        made.value = Data::new(schema.clone(), Value::structure(schema.clone(), fields));
        Ok(made)
    }

    /// A value as its column needs it.
    fn fit(&self, value: &Value, column: &Column) -> Result<Value> {
        let number = match value.view() {
            ValueRef::Float32(number) => Some(f64::from(number)),
            ValueRef::Float64(number) => Some(number),
            _ => value.as_integer().map(|number| number as f64),
        };
        let fitted = match (column.class, value.view()) {
            (_, ValueRef::Null) => Some(Value::NULL),
            (TypeClass::Bool, ValueRef::Boolean(flag)) => Some(Value::boolean(flag)),
            (TypeClass::Integer { bits: 16, .. }, _) => narrow(value).map(Value::int16),
            (TypeClass::Integer { bits: 32, .. }, _) => narrow(value).map(Value::int32),
            (TypeClass::Integer { .. }, _) => narrow(value).map(Value::int64),
            (TypeClass::Real, _) => number.map(|number| Value::float32(number as f32)),
            (TypeClass::Double, _) => number.map(Value::float64),
            (TypeClass::Text, ValueRef::String(text)) => Some(Value::string(text.clone())),
            (TypeClass::Date, ValueRef::String(text)) => {
                self.moment(text).map(|millis| Value::date(millis.div_euclid(MILLIS_PER_DAY) as i32))
            }
            (TypeClass::Date, _) => narrow(value).map(Value::date),
            (TypeClass::Timestamp, ValueRef::String(text)) => self.moment(text).map(Value::timestamp),
            (TypeClass::Timestamp, _) => narrow(value).map(Value::timestamp),
            _ => None,
        };
        fitted.ok_or_else(|| {
            let (name, type_name) = (&column.name, &column.type_name);
            Error::data(format!("the column {name} is a {type_name}, which the value {value:?} does not fit"))
        })
    }

    /// Milliseconds since 1970.
    fn moment(&self, text: &str) -> Option<i64> {
        if let Ok(moment) = text.parse::<jiff::Timestamp>() {
            return Some(moment.as_millisecond());
        }
        let local = |form: &&str| {
            let date_time = DateTime::strptime(form, text).ok();
            date_time.or_else(|| Date::strptime(form, text).ok().map(|date| date.to_datetime(Default::default())))
        };
        let local = FORMS.iter().find_map(local)?;
        // A day is a day wherever it is written.
        let zone = if text.len() <= "yyyy-MM-dd".len() { TimeZone::UTC } else { self.zone.clone() };
        Some(local.to_zoned(zone).ok()?.timestamp().as_millisecond())
    }
}

/// An integer that fits.
fn narrow<T: TryFrom<i64>>(value: &Value) -> Option<T> {
    value.as_integer().and_then(|number| T::try_from(number).ok())
}

fn schema_of(class: TypeClass) -> Shared<Schema> {
    let schema = match class {
        TypeClass::Bool => SchemaBuilder::boolean(),
        TypeClass::Integer { bits: 16, .. } => SchemaBuilder::int16(),
        TypeClass::Integer { bits: 32, .. } => SchemaBuilder::int32(),
        TypeClass::Integer { .. } => SchemaBuilder::int64(),
        TypeClass::Real => SchemaBuilder::float32(),
        TypeClass::Double => SchemaBuilder::float64(),
        TypeClass::Date => SchemaBuilder::date(),
        TypeClass::Timestamp => SchemaBuilder::timestamp(),
        _ => SchemaBuilder::string(),
    };
    schema.optional().build()
}

#[cfg(test)]
mod tests {
    use super::*;
    use ferroconnect_plugin_sdk::MapEntry;

    fn columns() -> Vec<Column> {
        let column = |(name, class): (&str, TypeClass)| Column {
            name: name.to_owned(),
            class,
            type_name: format!("{class:?}"),
            precision: None,
            scale: None,
            nullable: true,
            auto_increment: false,
            has_default: false,
            key_position: None,
        };
        let integer = |bits| TypeClass::Integer { bits, unsigned: false };
        let all = [
            ("small", integer(16)),
            ("ratio", TypeClass::Real),
            ("day", TypeClass::Date),
            ("at", TypeClass::Timestamp),
            ("words", TypeClass::Text),
        ];
        all.into_iter().map(column).collect()
    }

    fn apply(zone: &str, pairs: &[(&str, Value)]) -> Result<Vec<(String, Value)>> {
        let entries: Vec<MapEntry> =
            pairs.iter().map(|(key, value)| MapEntry { key: (*key).into(), value: value.clone() }).collect();
        let record = Record::new("t", Data::schemaless(Value::map(entries)));
        let made = AutoSchema::new(TimeZone::get(zone).unwrap()).apply("t", &columns(), &record)?;
        let ValueRef::Struct(content) = made.value.value.view() else { panic!("{made:?}") };
        let names = content.schema.fields.iter().map(|field| field.name.to_string());
        Ok(names.zip(content.fields.iter().cloned()).collect())
    }

    #[test]
    fn values_become_what_the_columns_are() {
        let made = apply(
            "UTC",
            &[
                ("words", "x".into()),
                ("small", Value::int64(1)),
                ("ratio", Value::float64(4.5)),
                ("day", Value::int64(19_109)),
                ("at", Value::int64(1_651_051_906_000)),
                ("unknown", Value::int64(1)),
            ],
        );
        let expected = [
            ("small", Value::int16(1)),
            ("ratio", Value::float32(4.5)),
            ("day", Value::date(19_109)),
            ("at", Value::timestamp(1_651_051_906_000)),
            ("words", "x".into()),
        ];
        assert_eq!(made.unwrap(), expected.map(|(name, value)| (name.to_owned(), value)));
        // A column that is missing keeps its default, one that is null does not.
        let partly = apply("UTC", &[("at", Value::NULL)]).unwrap();
        assert_eq!(partly, [("at".to_owned(), Value::NULL)]);
    }

    #[test]
    fn moments_are_read_in_all_forms() {
        let at = |zone: &str, text: &str| apply(zone, &[("at", text.into())]).map(|made| made[0].1.clone());
        for text in
            ["2022-04-27 09:31:46", "2022/04/27 09:31:46", "2022-04-27 09:31:46.0", "2022-04-27T17:31:46.000+08:00"]
        {
            assert_eq!(at("UTC", text).unwrap(), Value::timestamp(1_651_051_906_000), "{text}");
        }
        assert_eq!(at("UTC", "2022-04-27 09:31").unwrap(), Value::timestamp(1_651_051_860_000));
        assert_eq!(at("Asia/Shanghai", "2022-04-27 17:31:46").unwrap(), Value::timestamp(1_651_051_906_000));
        assert!(at("UTC", "tomorrow").is_err());
        for day in ["2022-04-27", "2022/04/27"] {
            assert_eq!(apply("Asia/Shanghai", &[("day", day.into())]).unwrap()[0].1, Value::date(19_109));
        }
    }

    #[test]
    fn what_does_not_fit_is_named() {
        for (name, value) in [("small", Value::int64(70_000)), ("small", "1".into()), ("words", Value::int64(1))] {
            let error = apply("UTC", &[(name, value)]).unwrap_err();
            assert!(error.message().starts_with(&format!("the column {name} is a ")), "{error}");
        }
        let text = Record::new("t", Data::schemaless("x"));
        assert!(AutoSchema::new(TimeZone::UTC).apply("t", &columns(), &text).is_err());
    }
}
