//! What columns become in records: schemas and values.

use super::times::Clock;
use crate::db::{Column, Decimal, SqlValue, TypeClass};
use crate::dialect::{Database, OPEN_SCALE};
use ferroconnect_plugin_sdk::{Schema, SchemaBuilder, Shared, Text, Value};
use num_bigint::BigInt;

/// The parameter of decimals with the number of digits of the column.
const PRECISION: &str = "connect.decimal.precision";
/// The most digits that a 64-bit integer always holds.
const MOST_DIGITS: u32 = 18;
/// The least scale of NUMERIC columns that `best_fit` takes for integers.
const LEAST_SCALE: i32 = -84;

/// `timestamp.granularity`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Granularity {
    /// Connect's Timestamp.
    Logical,
    /// Microseconds since 1970.
    Micros(Form),
    /// Nanoseconds since 1970.
    Nanos(Form),
}

/// How a fine timestamp is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// As a number.
    Long,
    /// As the number's digits.
    Digits,
    /// As date and time in the zone of the database.
    Iso,
}

/// `numeric.mapping`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NumericMapping {
    /// Decimals.
    None,
    /// Integers where there are no digits behind the point.
    PrecisionOnly,
    /// Also doubles, where there are few digits.
    BestFit,
    /// Doubles wherever there are digits behind the point.
    BestFitEagerDouble,
}

/// Everything that decides what a column becomes.
#[derive(Debug, Clone)]
pub(super) struct ValueRules {
    pub(super) database: Database,
    pub(super) clock: Clock,
    pub(super) granularity: Granularity,
    pub(super) numeric: NumericMapping,
    /// Whether `numeric` is for DECIMAL too.
    pub(super) decimals: bool,
}

/// What a field of a record holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum FieldKind {
    Boolean,
    /// Up to 8 bits, as they are, in an `int8`.
    Bits,
    /// 8, 16, 32 or 64 bits.
    Integer(u8),
    Float32,
    Float64,
    Decimal(i32),
    Text,
    Bytes,
    Date,
    Time,
    Timestamp(Granularity),
}

impl ValueRules {
    /// None for a type that no schema fits.
    fn kind(&self, column: &Column) -> Option<FieldKind> {
        Some(match column.class {
            TypeClass::Bool => FieldKind::Boolean,
            TypeClass::Bit(1) if self.database == Database::Postgres => FieldKind::Boolean,
            TypeClass::Bit(..=8) => FieldKind::Bits,
            TypeClass::Bit(_) | TypeClass::Bytes => FieldKind::Bytes,
            TypeClass::Integer { bits, unsigned } => {
                FieldKind::Integer(if unsigned { (bits * 2).min(64) } else { bits })
            }
            TypeClass::Real => FieldKind::Float32,
            TypeClass::Double => FieldKind::Float64,
            TypeClass::Numeric => self.numeric_kind(column),
            TypeClass::Decimal if self.decimals => self.numeric_kind(column),
            TypeClass::Decimal => FieldKind::Decimal(column.scale.unwrap_or(OPEN_SCALE)),
            TypeClass::Text => FieldKind::Text,
            TypeClass::Date => FieldKind::Date,
            TypeClass::Time => FieldKind::Time,
            TypeClass::Timestamp | TypeClass::TimestampWithZone => FieldKind::Timestamp(self.granularity),
            TypeClass::Other => return None,
        })
    }

    fn numeric_kind(&self, column: &Column) -> FieldKind {
        let Some(scale) = column.scale else { return FieldKind::Decimal(OPEN_SCALE) };
        let digits = column.precision.unwrap_or(u32::MAX);
        let few = digits <= MOST_DIGITS;
        let whole = match self.numeric {
            NumericMapping::None => false,
            NumericMapping::PrecisionOnly => scale == 0,
            NumericMapping::BestFit | NumericMapping::BestFitEagerDouble => (LEAST_SCALE..1).contains(&scale),
        };
        match self.numeric {
            _ if whole && few => FieldKind::Integer(match digits {
                10.. => 64,
                5..=9 => 32,
                3..=4 => 16,
                _ => 8,
            }),
            NumericMapping::BestFit if scale > 0 && few => FieldKind::Float64,
            NumericMapping::BestFitEagerDouble if scale > 0 => FieldKind::Float64,
            _ => FieldKind::Decimal(scale),
        }
    }

    fn value(&self, kind: FieldKind, value: SqlValue) -> Option<Value> {
        Some(match kind {
            FieldKind::Boolean => Value::boolean(integer(&value)? != 0),
            // Eight bits have no sign, a TINYINT(1) has one.
            FieldKind::Bits => {
                let bits = integer(&value)?;
                Value::int8(i8::try_from(bits).ok().or_else(|| Some(u8::try_from(bits).ok()? as i8))?)
            }
            FieldKind::Integer(8) => Value::int8(integer(&value)?.try_into().ok()?),
            FieldKind::Integer(16) => Value::int16(integer(&value)?.try_into().ok()?),
            FieldKind::Integer(32) => Value::int32(integer(&value)?.try_into().ok()?),
            FieldKind::Integer(_) => Value::int64(integer(&value)?),
            FieldKind::Float32 => Value::float32(match value {
                SqlValue::Float(value) => value,
                value => double(&value)? as f32,
            }),
            FieldKind::Float64 => Value::float64(double(&value)?),
            FieldKind::Decimal(scale) => {
                Value::decimal(self.decimal(&value, scale)?.unscaled.to_signed_bytes_be(), scale)
            }
            FieldKind::Text => Value::string(text(value)?),
            FieldKind::Bytes => Value::bytes(match value {
                SqlValue::Bytes(bytes) => bytes,
                SqlValue::Text(text) => text.into_bytes(),
                _ => return None,
            }),
            FieldKind::Date => Value::date(self.clock.record_day(match value {
                SqlValue::Date(day) => day,
                SqlValue::DateTime(time) => time.date(),
                _ => return None,
            })),
            FieldKind::Time => Value::time(match value {
                SqlValue::Time(nanos) => self.clock.record_time(nanos)?,
                _ => return None,
            }),
            FieldKind::Timestamp(granularity) => self.timestamp(granularity, &value)?,
        })
    }

    /// A decimal of this scale. SQLite keeps decimals as doubles, whose last digits mean nothing: they are rounded.
    fn decimal(&self, value: &SqlValue, scale: i32) -> Option<Decimal> {
        let rounded = || {
            let digits = usize::try_from(scale).ok().filter(|_| self.database == Database::Sqlite)?;
            Decimal::parse(&format!("{:.digits$}", double(value)?))?.rescale(scale)
        };
        decimal(value, scale).or_else(rounded)
    }

    fn timestamp(&self, granularity: Granularity, value: &SqlValue) -> Option<Value> {
        let (form, per_nano, digits) = match granularity {
            Granularity::Logical => return Some(Value::timestamp(self.clock.record_instant(value)?.millis())),
            Granularity::Micros(form) => (form, 1000, 6),
            Granularity::Nanos(form) => (form, 1, 9),
        };
        let number = || Some(self.clock.record_instant(value)?.nanos().div_euclid(per_nano));
        Some(match form {
            // The years 1678 to 2261 fit as nanoseconds.
            Form::Long => Value::int64(number()?.try_into().ok()?),
            Form::Digits => Value::string(number()?.to_string()),
            Form::Iso => {
                let local = self.clock.civil(self.clock.instant(value)?);
                let fraction = format!("{:09}", local.subsec_nanosecond());
                Value::string(format!("{}.{}", local.strftime("%Y-%m-%dT%H:%M:%S"), &fraction[..digits]))
            }
        })
    }
}

/// An integer of any type that holds one exactly.
pub(super) fn integer(value: &SqlValue) -> Option<i64> {
    match value {
        SqlValue::Bool(value) => Some(i64::from(*value)),
        SqlValue::Int(value) => Some(*value),
        SqlValue::UInt(value) => i64::try_from(*value).ok(),
        SqlValue::Decimal(value) => i64::try_from(value.rescale(0)?.unscaled).ok(),
        SqlValue::Double(value) if value.fract() == 0.0 && value.abs() < 9e18 => Some(*value as i64),
        SqlValue::Text(text) => text.trim().parse().ok(),
        _ => None,
    }
}

fn double(value: &SqlValue) -> Option<f64> {
    match value {
        SqlValue::Double(value) => Some(*value),
        SqlValue::Float(value) => Some(f64::from(*value)),
        SqlValue::Int(value) => Some(*value as f64),
        SqlValue::UInt(value) => Some(*value as f64),
        SqlValue::Decimal(value) => value.to_string().parse().ok(),
        SqlValue::Text(text) => text.trim().parse().ok(),
        _ => None,
    }
}

fn decimal(value: &SqlValue, scale: i32) -> Option<Decimal> {
    let whole = |unscaled: BigInt| Decimal { unscaled, scale: 0 }.rescale(scale);
    match value {
        SqlValue::Decimal(value) => value.rescale(scale),
        SqlValue::Int(value) => whole((*value).into()),
        SqlValue::UInt(value) => whole((*value).into()),
        SqlValue::Double(value) => Decimal::parse(&value.to_string())?.rescale(scale),
        SqlValue::Text(text) => Decimal::parse(text.trim())?.rescale(scale),
        _ => None,
    }
}

/// A value as text, as databases print it.
pub(super) fn text(value: SqlValue) -> Option<String> {
    Some(match value {
        SqlValue::Text(text) => text,
        SqlValue::Bool(value) => value.to_string(),
        SqlValue::Int(value) => value.to_string(),
        SqlValue::UInt(value) => value.to_string(),
        SqlValue::Float(value) => value.to_string(),
        SqlValue::Double(value) => value.to_string(),
        SqlValue::Decimal(value) => value.to_string(),
        SqlValue::Bytes(bytes) => String::from_utf8(bytes).ok()?,
        SqlValue::Date(day) => day.to_string(),
        SqlValue::DateTime(time) => time.strftime("%Y-%m-%d %H:%M:%S%.f").to_string(),
        SqlValue::Instant(instant) => instant.to_string(),
        SqlValue::Null | SqlValue::Time(_) | SqlValue::Array(_) => return None,
    })
}

/// What the rows of a result become.
#[derive(Debug)]
pub(super) struct RowShape {
    schema: Shared<Schema>,
    name: Option<String>,
    fields: Vec<Field>,
    texts: Texts,
    /// The columns that no schema fits, with the names of their types.
    pub(super) dropped: Vec<String>,
}

#[derive(Debug)]
struct Field {
    column: usize,
    name: String,
    kind: FieldKind,
    precision: Option<u32>,
    optional: bool,
}

impl RowShape {
    /// For the columns of a result, as records of a schema of this name.
    pub(super) fn new(name: Option<&str>, columns: &[Column], rules: &ValueRules) -> RowShape {
        let mut fields = Vec::with_capacity(columns.len());
        let mut dropped = Vec::new();
        for (index, column) in columns.iter().enumerate() {
            match rules.kind(column) {
                Some(kind) => fields.push(Field {
                    column: index,
                    name: column.name.clone(),
                    kind,
                    precision: column.precision,
                    optional: column.nullable,
                }),
                None => dropped.push(format!("{} ({})", column.name, column.type_name)),
            }
        }
        let name = name.map(str::to_owned);
        RowShape { schema: schema_of(name.as_deref(), &fields), name, fields, texts: Texts::default(), dropped }
    }

    /// The schema of the records.
    pub(super) fn schema(&self) -> &Shared<Schema> {
        &self.schema
    }

    /// A row as a struct. A NULL in a column that should have none (a zero date read as NULL, a column of a join) makes its
    /// field optional from here on. The error names the column.
    pub(super) fn convert(&mut self, row: &mut [SqlValue], rules: &ValueRules) -> Result<Value, String> {
        let mut values = Vec::with_capacity(self.fields.len());
        let mut texts = std::mem::take(&mut self.texts);
        let mut loosened = false;
        for field in &mut self.fields {
            let value = match (field.kind, row.get_mut(field.column)) {
                (_, None | Some(SqlValue::Null)) => {
                    loosened |= !std::mem::replace(&mut field.optional, true);
                    Value::NULL
                }
                // The text stays there, for the next row's to take over its memory.
                (FieldKind::Text, Some(SqlValue::Text(text))) if texts.take(values.len(), text) => Value::NULL,
                (kind, Some(value)) => rules.value(kind, std::mem::take(value)).ok_or_else(|| misfit(field))?,
            };
            values.push(value);
        }
        texts.give(&mut values);
        self.texts = texts;
        if loosened {
            self.schema = schema_of(self.name.as_deref(), &self.fields);
        }
        Ok(Value::structure(self.schema.clone(), values))
    }
}

/// The texts of a row on their way into one allocation: what is allocated here is freed by the task's thread, and the
/// fewer of these there are the less the two threads wait for each other.
#[derive(Debug, Default)]
struct Texts {
    all: String,
    /// The fields they belong to, and where each ends.
    ends: Vec<(usize, usize)>,
}

impl Texts {
    /// A longer text keeps the allocation it came in.
    const LONGEST: usize = 4096;

    /// Adds the text of a field, unless it is too long.
    fn take(&mut self, field: usize, text: &str) -> bool {
        if text.len() > Self::LONGEST {
            return false;
        }
        self.all.push_str(text);
        self.ends.push((field, self.all.len()));
        true
    }

    /// Puts them into the values where they belong, and is empty again.
    fn give(&mut self, values: &mut [Value]) {
        let all = Text::copy_from(&self.all);
        let mut start = 0;
        for (field, end) in self.ends.drain(..) {
            values[field] = Value::string(all.slice(start..end).expect("the ends are those of whole texts"));
            start = end;
        }
        self.all.clear();
    }
}

fn misfit(field: &Field) -> String {
    let (name, kind) = (&field.name, field.kind);
    let wanted = match kind {
        FieldKind::Time => "a time of day (00:00 to 24:00); to read it as text, cast it in a query".to_owned(),
        FieldKind::Decimal(scale) => format!("a decimal with {scale} digits behind the point"),
        FieldKind::Integer(bits) => format!("a signed integer of {bits} bits"),
        FieldKind::Timestamp(Granularity::Nanos(Form::Long)) => "nanoseconds since 1970 in 64 bits".to_owned(),
        kind => format!("{kind:?}").to_lowercase(),
    };
    format!("Column {name:?} has a value that does not fit {wanted}")
}

fn schema_of(name: Option<&str>, fields: &[Field]) -> Shared<Schema> {
    let mut schema = SchemaBuilder::structure();
    if let Some(name) = name {
        schema = schema.name(name);
    }
    for field in fields {
        schema = schema.field(field.name.as_str(), field_schema(field));
    }
    schema.build()
}

fn field_schema(field: &Field) -> Shared<Schema> {
    let schema = match field.kind {
        FieldKind::Boolean => SchemaBuilder::boolean(),
        FieldKind::Bits | FieldKind::Integer(8) => SchemaBuilder::int8(),
        FieldKind::Integer(16) => SchemaBuilder::int16(),
        FieldKind::Integer(32) => SchemaBuilder::int32(),
        FieldKind::Integer(_) => SchemaBuilder::int64(),
        FieldKind::Float32 => SchemaBuilder::float32(),
        FieldKind::Float64 => SchemaBuilder::float64(),
        FieldKind::Decimal(scale) => {
            let decimal = SchemaBuilder::decimal(scale);
            field.precision.map(|precision| decimal_precision(scale, precision)).unwrap_or(decimal)
        }
        FieldKind::Text => SchemaBuilder::string(),
        FieldKind::Bytes => SchemaBuilder::bytes(),
        FieldKind::Date => SchemaBuilder::date(),
        FieldKind::Time => SchemaBuilder::time(),
        FieldKind::Timestamp(Granularity::Logical) => SchemaBuilder::timestamp(),
        FieldKind::Timestamp(Granularity::Micros(Form::Long) | Granularity::Nanos(Form::Long)) => {
            SchemaBuilder::int64()
        }
        FieldKind::Timestamp(_) => SchemaBuilder::string(),
    };
    if field.optional { schema.optional().build() } else { schema.build() }
}

fn decimal_precision(scale: i32, precision: u32) -> SchemaBuilder {
    SchemaBuilder::decimal(scale).parameter(PRECISION, precision.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::Instant;
    use jiff::civil::{date, datetime};
    use jiff::tz::TimeZone;

    fn rules(database: Database, numeric: NumericMapping, granularity: Granularity) -> ValueRules {
        let clock = Clock::new(TimeZone::get("Europe/Rome").unwrap(), true);
        ValueRules { database, clock, granularity, numeric, decimals: false }
    }

    fn plain() -> ValueRules {
        rules(Database::MySql, NumericMapping::None, Granularity::Logical)
    }

    fn column(class: TypeClass, precision: Option<u32>, scale: Option<i32>) -> Column {
        Column {
            name: "c".into(),
            class,
            type_name: "t".into(),
            precision,
            scale,
            nullable: false,
            auto_increment: false,
            has_default: false,
            key_position: None,
        }
    }

    fn convert(class: TypeClass, value: SqlValue, rules: &ValueRules) -> Result<Value, String> {
        let columns = [column(class, Some(9), Some(2))];
        let mut shape = RowShape::new(Some("s"), &columns, rules);
        let record = shape.convert(&mut [value], rules)?;
        ferroconnect_plugin_sdk::validate(shape.schema(), &record).unwrap();
        let ferroconnect_plugin_sdk::ValueRef::Struct(record) = record.view() else { panic!("no struct") };
        Ok(record.fields[0].clone())
    }

    #[test]
    fn each_field_has_its_own_text() {
        let rules = plain();
        let columns: Vec<Column> = [TypeClass::Text, TypeClass::Integer { bits: 8, unsigned: false }]
            .into_iter()
            .cycle()
            .take(8)
            .map(|class| Column { nullable: true, ..column(class, None, None) })
            .collect();
        let mut shape = RowShape::new(Some("s"), &columns, &rules);
        let long = "ü".repeat(Texts::LONGEST);
        let mut texts = |texts: [&str; 4], number: i64| {
            let mut row: Vec<SqlValue> =
                texts.iter().flat_map(|text| [SqlValue::Text((*text).into()), SqlValue::Int(number)]).collect();
            let record = shape.convert(&mut row, &rules)?;
            let ferroconnect_plugin_sdk::ValueRef::Struct(record) = record.view() else { panic!("no struct") };
            Ok::<_, String>(record.fields.iter().step_by(2).cloned().collect::<Vec<Value>>())
        };
        let values = |texts: [&str; 4]| texts.map(|text| Value::string(text.to_owned()));
        for row in [["a", "", "grüße", "z"], [&long, "b", &long, ""], ["", "", "", ""]] {
            assert_eq!(texts(row, 1).unwrap(), values(row));
        }
        // What a row had before its error is in no other.
        assert!(texts(["of the bad row"; 4], 1000).is_err());
        assert_eq!(texts(["1", "2", "3", "4"], 1).unwrap(), values(["1", "2", "3", "4"]));
    }

    #[test]
    fn values_keep_what_they_are() {
        let rules = plain();
        let integer = |bits, unsigned| TypeClass::Integer { bits, unsigned };
        for (class, value, expected) in [
            (TypeClass::Bool, SqlValue::Bool(true), Value::boolean(true)),
            (TypeClass::Bit(1), SqlValue::Int(1), Value::int8(1)),
            (TypeClass::Bit(1), SqlValue::Int(-128), Value::int8(-128)),
            (TypeClass::Bit(8), SqlValue::Int(255), Value::int8(-1)),
            (TypeClass::Bit(9), SqlValue::Bytes(vec![1, 255]), Value::bytes(vec![1, 255])),
            (integer(8, false), SqlValue::Int(-128), Value::int8(-128)),
            (integer(8, true), SqlValue::Int(255), Value::int16(255)),
            (integer(16, true), SqlValue::Int(65_535), Value::int32(65_535)),
            (integer(32, true), SqlValue::Int(4_294_967_295), Value::int64(4_294_967_295)),
            (integer(64, true), SqlValue::Int(i64::MAX), Value::int64(i64::MAX)),
            (TypeClass::Real, SqlValue::Float(0.1), Value::float32(0.1)),
            (TypeClass::Double, SqlValue::Double(0.1), Value::float64(0.1)),
            (
                TypeClass::Decimal,
                SqlValue::Decimal(Decimal::parse("-1.5").unwrap()),
                Value::decimal(vec![0xff, 0x6a], 2),
            ),
            (TypeClass::Text, SqlValue::Text("é".into()), Value::string("é")),
            (TypeClass::Text, SqlValue::Int(5), Value::string("5")),
            (TypeClass::Bytes, SqlValue::Bytes(vec![]), Value::bytes(vec![])),
            (TypeClass::Date, SqlValue::Date(date(1970, 1, 2)), Value::date(1)),
            (TypeClass::Time, SqlValue::Time(3_600_000_999_999), Value::time(0)),
            (TypeClass::Timestamp, SqlValue::DateTime(datetime(1970, 1, 1, 1, 0, 0, 5_999_999)), Value::timestamp(5)),
            (TypeClass::TimestampWithZone, SqlValue::Instant(Instant::from_millis(0)), Value::timestamp(0)),
        ] {
            assert_eq!(convert(class, value.clone(), &rules).unwrap(), expected, "{class:?} {value:?}");
            assert_eq!(convert(class, SqlValue::Null, &rules).unwrap(), Value::NULL, "{class:?}");
        }
    }

    #[test]
    fn what_does_not_fit_names_the_column() {
        let integer = TypeClass::Integer { bits: 64, unsigned: true };
        for (class, value, part) in [
            (integer, SqlValue::UInt(u64::MAX), "\"c\" has a value that does not fit a signed integer of 64 bits"),
            (TypeClass::Time, SqlValue::Time(-1), "a time of day"),
            (TypeClass::Decimal, SqlValue::Decimal(Decimal::parse("0.001").unwrap()), "2 digits behind"),
            (TypeClass::Decimal, SqlValue::Text("NaN".into()), "2 digits behind"),
        ] {
            let error = convert(class, value, &plain()).unwrap_err();
            assert!(error.contains(part), "{error}");
        }
        let nanos = rules(Database::MySql, NumericMapping::None, Granularity::Nanos(Form::Long));
        let never = SqlValue::DateTime(datetime(9999, 12, 31, 0, 0, 0, 0));
        assert!(convert(TypeClass::Timestamp, never, &nanos).unwrap_err().contains("nanoseconds"));
    }

    #[test]
    fn fine_timestamps_have_many_forms() {
        let time = SqlValue::DateTime(datetime(2026, 7, 1, 2, 0, 0, 1_234_567));
        let of = |granularity| {
            let rules = rules(Database::Postgres, NumericMapping::None, granularity);
            convert(TypeClass::Timestamp, time.clone(), &rules).unwrap()
        };
        assert_eq!(of(Granularity::Micros(Form::Long)), Value::int64(1_782_864_000_001_234));
        assert_eq!(of(Granularity::Micros(Form::Digits)), Value::string("1782864000001234"));
        assert_eq!(of(Granularity::Micros(Form::Iso)), Value::string("2026-07-01T02:00:00.001234"));
        assert_eq!(of(Granularity::Nanos(Form::Long)), Value::int64(1_782_864_000_001_234_567));
        assert_eq!(of(Granularity::Nanos(Form::Digits)), Value::string("1782864000001234567"));
        assert_eq!(of(Granularity::Nanos(Form::Iso)), Value::string("2026-07-01T02:00:00.001234567"));
    }

    #[test]
    fn numbers_are_mapped_by_their_digits() {
        use FieldKind::{Decimal, Float64, Integer};
        let kinds = |precision, scale| {
            [
                NumericMapping::None,
                NumericMapping::PrecisionOnly,
                NumericMapping::BestFit,
                NumericMapping::BestFitEagerDouble,
            ]
            .map(|mapping| {
                let rules = rules(Database::Postgres, mapping, Granularity::Logical);
                rules.kind(&column(TypeClass::Numeric, precision, scale)).unwrap()
            })
        };
        assert_eq!(kinds(Some(18), Some(0)), [Decimal(0), Integer(64), Integer(64), Integer(64)]);
        assert_eq!(kinds(Some(9), Some(0)), [Decimal(0), Integer(32), Integer(32), Integer(32)]);
        assert_eq!(kinds(Some(4), Some(0)), [Decimal(0), Integer(16), Integer(16), Integer(16)]);
        assert_eq!(kinds(Some(2), Some(0)), [Decimal(0), Integer(8), Integer(8), Integer(8)]);
        assert_eq!(kinds(Some(19), Some(0)), [Decimal(0); 4]);
        assert_eq!(kinds(Some(5), Some(-2)), [Decimal(-2), Decimal(-2), Integer(32), Integer(32)]);
        assert_eq!(kinds(Some(10), Some(2)), [Decimal(2), Decimal(2), Float64, Float64]);
        assert_eq!(kinds(Some(30), Some(2)), [Decimal(2), Decimal(2), Decimal(2), Float64]);
        assert_eq!(kinds(None, None), [Decimal(127); 4]);
        let mut mapped = rules(Database::MySql, NumericMapping::BestFit, Granularity::Logical);
        let price = column(TypeClass::Decimal, Some(10), Some(2));
        assert_eq!(mapped.kind(&price), Some(Decimal(2)));
        mapped.decimals = true;
        assert_eq!(mapped.kind(&price), Some(Float64));
    }

    #[test]
    fn columns_without_a_schema_are_left_out() {
        let rules = plain();
        let mut other = column(TypeClass::Other, None, None);
        other.name = "shape".into();
        let mut shape = RowShape::new(None, &[other, column(TypeClass::Text, None, None)], &rules);
        assert_eq!((shape.dropped.as_slice(), shape.schema().fields.len()), (&["shape (t)".to_owned()][..], 1));
        let record = shape.convert(&mut [SqlValue::Null, SqlValue::Text("x".into())], &rules).unwrap();
        assert!(matches!(record.view(), ferroconnect_plugin_sdk::ValueRef::Struct(it) if it.fields.len() == 1));
    }

    #[test]
    fn a_null_where_none_should_be_makes_the_field_optional() {
        let rules = plain();
        let mut shape = RowShape::new(Some("s"), &[column(TypeClass::Date, None, None)], &rules);
        assert!(!shape.schema().fields[0].schema.optional);
        shape.convert(&mut [SqlValue::Null], &rules).unwrap();
        assert!(shape.schema().fields[0].schema.optional);
        assert_eq!(shape.schema().name_str(), Some("s"));
    }

    #[test]
    fn decimals_of_sqlite_are_rounded() {
        let inexact = SqlValue::Decimal(Decimal::parse("0.30000000000000004").unwrap());
        let sqlite = rules(Database::Sqlite, NumericMapping::None, Granularity::Logical);
        assert_eq!(convert(TypeClass::Decimal, inexact.clone(), &sqlite).unwrap(), Value::decimal(vec![30], 2));
        assert!(convert(TypeClass::Decimal, inexact, &plain()).is_err());
    }

    #[test]
    fn one_bit_is_a_truth_in_postgres() {
        let rules = rules(Database::Postgres, NumericMapping::None, Granularity::Logical);
        assert_eq!(rules.kind(&column(TypeClass::Bit(1), None, None)), Some(FieldKind::Boolean));
        assert_eq!(plain().kind(&column(TypeClass::Bit(1), None, None)), Some(FieldKind::Bits));
    }
}
