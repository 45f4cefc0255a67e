//! Logical types: schemas that are told by name and whose values have a form of their own (KIP-26). Plain code for
//! either side; nothing here crosses the border.

use crate::bytes::Blob;
use crate::error::{AbiError, Cause, ErrorKind};
use crate::schema::Schema;
use crate::value::{Value, ValueKind, ValueRef};

/// Milliseconds of a day.
pub const MILLIS_PER_DAY: i64 = 86_400_000;

/// What the names of all logical types begin with.
const PREFIX: &str = "org.apache.kafka.connect.data.";

/// A logical type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Logical {
    /// `unscaled * 10^-scale` over bytes, the scale in the parameter `scale`.
    Decimal,
    /// Days since 1970-01-01 over a 32-bit integer.
    Date,
    /// Milliseconds since midnight over a 32-bit integer; a whole day is allowed.
    Time,
    /// Milliseconds since 1970-01-01T00:00:00Z over a 64-bit integer.
    Timestamp,
}

impl Logical {
    /// The logical type of a schema. As in Kafka Connect the name alone decides, whatever the base type is.
    #[inline]
    pub fn of(schema: &Schema) -> Option<Logical> {
        match schema.name_str()?.strip_prefix(PREFIX)? {
            "Decimal" => Some(Logical::Decimal),
            "Date" => Some(Logical::Date),
            "Time" => Some(Logical::Time),
            "Timestamp" => Some(Logical::Timestamp),
            _ => None,
        }
    }

    /// The name that schemas of this type bear.
    pub fn schema_name(self) -> &'static str {
        match self {
            Logical::Decimal => "org.apache.kafka.connect.data.Decimal",
            Logical::Date => "org.apache.kafka.connect.data.Date",
            Logical::Time => "org.apache.kafka.connect.data.Time",
            Logical::Timestamp => "org.apache.kafka.connect.data.Timestamp",
        }
    }

    /// Whether a value is of the kind that this type demands. Dates, times and timestamps are one class in Java
    /// (`java.util.Date`), so each passes for the others; [`Logical::encode`] says whether it fits.
    #[inline]
    pub fn accepts(self, value: &Value) -> bool {
        match self {
            Logical::Decimal => value.kind() == ValueKind::DECIMAL,
            _ => matches!(value.kind(), ValueKind::DATE | ValueKind::TIME | ValueKind::TIMESTAMP),
        }
    }

    /// The value as its base type: bytes, a 32-bit or a 64-bit integer (Java: `fromLogical`).
    ///
    /// # Errors
    /// A data error with Kafka Connect's text: a decimal of another scale, a date with a time of day, a time beyond
    /// the day, a value of another kind.
    pub fn encode(self, schema: &Schema, value: &Value) -> Result<Value, AbiError> {
        if let ValueRef::Decimal { unscaled, scale } = value.view()
            && self == Logical::Decimal
        {
            let expected = decimal_scale(schema)?;
            return if scale == expected {
                Ok(Value::bytes(shortest(unscaled)))
            } else {
                Err(data_error(format!(
                    "Decimal value has mismatching scale for given Decimal schema. Schema has scale {expected}, value \
                     has scale {scale}."
                )))
            };
        }
        let Some(millis) = value.date_millis().filter(|_| self.accepts(value)) else {
            let class = value.java_class();
            return Err(data_error(format!("Invalid type for {self:?}: class {class}")));
        };
        let misfit = |what| {
            data_error(format!("Kafka Connect {self:?} type should not have any {what} fields set to non-zero values."))
        };
        match self {
            Logical::Date if millis % MILLIS_PER_DAY != 0 => Err(misfit("time")),
            // Days beyond 32 bits lose their upper bits, as in Java.
            Logical::Date => Ok(Value::int32((millis / MILLIS_PER_DAY) as i32)),
            Logical::Time if !(0..=MILLIS_PER_DAY).contains(&millis) => Err(misfit("date")),
            Logical::Time => Ok(Value::int32(millis as i32)),
            _ => Ok(Value::int64(millis)),
        }
    }

    /// The value that a base value stands for (Java: `toLogical`). `None` where the base type is not this type's own.
    ///
    /// # Errors
    /// A data error with Kafka Connect's text: no valid scale in the schema, a time outside the day.
    pub fn decode(self, schema: &Schema, base: &Value) -> Result<Option<Value>, AbiError> {
        Ok(match (self, base.view()) {
            (Logical::Decimal, ValueRef::Bytes(unscaled)) => {
                Some(Value::decimal(shortest(unscaled), decimal_scale(schema)?))
            }
            (Logical::Date, ValueRef::Int32(days)) => Some(Value::date(days)),
            (Logical::Time, ValueRef::Int32(millis)) => Some(Value::time(check_time(millis)?)),
            (Logical::Timestamp, ValueRef::Int64(millis)) => Some(Value::timestamp(millis)),
            _ => None,
        })
    }
}

/// The scale that a Decimal schema demands of its values.
///
/// # Errors
/// A data error where the parameter is missing or no number.
pub fn decimal_scale(schema: &Schema) -> Result<i32, AbiError> {
    let scale =
        schema.parameter("scale").ok_or_else(|| data_error("Invalid Decimal schema: scale parameter not found."))?;
    scale.parse().map_err(|_| {
        let mut error = data_error("Invalid scale parameter found in Decimal schema: ");
        let message = format!("For input string: \"{scale}\"").into();
        error.data_mut().causes.push(Cause { class: "java.lang.NumberFormatException".into(), message });
        error
    })
}

/// Lets milliseconds since midnight pass where a Time may have them.
///
/// # Errors
/// A data error for what lies outside the day.
pub fn check_time(millis: i32) -> Result<i32, AbiError> {
    if (0..=MILLIS_PER_DAY).contains(&i64::from(millis)) {
        return Ok(millis);
    }
    Err(data_error("Time values must use number of milliseconds greater than 0 and less than 86400000"))
}

/// A big-endian two's complement number without the leading bytes that only repeat its sign, as Java's
/// `BigInteger.toByteArray` gives it. No bytes are zero.
pub fn shortest(unscaled: &Blob) -> Blob {
    if unscaled.is_empty() {
        return Blob::from_static(&[0]);
    }
    unscaled.slice(sign_padding(unscaled)..unscaled.len())
}

/// How many leading bytes of a big-endian two's complement number only repeat its sign.
pub fn sign_padding(unscaled: &[u8]) -> usize {
    let repeats = |pair: &&[u8]| (pair[0] == 0 && pair[1] < 0x80) || (pair[0] == 0xff && pair[1] >= 0x80);
    unscaled.windows(2).take_while(repeats).count()
}

pub(crate) fn data_error(message: impl Into<String>) -> AbiError {
    AbiError::new(ErrorKind::DATA, message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::builder::SchemaBuilder;

    fn message(result: Result<Value, AbiError>) -> String {
        result.expect_err("does not fit").to_string()
    }

    #[test]
    fn values_go_to_their_base_type_and_back() {
        for (schema, value, base) in [
            (SchemaBuilder::decimal(2).build(), Value::decimal(vec![0, 0, 5], 2), Value::bytes(vec![5])),
            (SchemaBuilder::decimal(0).build(), Value::decimal(vec![], 0), Value::bytes(vec![0])),
            (SchemaBuilder::date().build(), Value::date(-3), Value::int32(-3)),
            (SchemaBuilder::time().build(), Value::time(86_400_000), Value::int32(86_400_000)),
            (SchemaBuilder::timestamp().build(), Value::timestamp(i64::MIN), Value::int64(i64::MIN)),
        ] {
            let logical = Logical::of(&schema).expect("a logical type");
            assert_eq!(logical.encode(&schema, &value), Ok(base.clone()));
            assert_eq!(logical.decode(&schema, &base).expect("fits"), Some(value));
            assert_eq!(schema.name_str(), Some(logical.schema_name()));
        }
    }

    #[test]
    fn dates_pass_for_each_other_where_they_fit() {
        let (date, time) = (SchemaBuilder::date().build(), SchemaBuilder::time().build());
        assert_eq!(Logical::Date.encode(&date, &Value::timestamp(2 * MILLIS_PER_DAY)), Ok(Value::int32(2)));
        assert_eq!(
            message(Logical::Date.encode(&date, &Value::timestamp(5))),
            "Kafka Connect Date type should not have any time fields set to non-zero values."
        );
        assert_eq!(
            message(Logical::Time.encode(&time, &Value::timestamp(-1))),
            "Kafka Connect Time type should not have any date fields set to non-zero values."
        );
        assert!(Logical::Date.encode(&date, &Value::int32(5)).is_err());
    }

    #[test]
    fn wrong_scales_are_named() {
        let schema = SchemaBuilder::decimal(2).build();
        assert_eq!(
            message(Logical::Decimal.encode(&schema, &Value::decimal(vec![1], 3))),
            "Decimal value has mismatching scale for given Decimal schema. Schema has scale 2, value has scale 3."
        );
        let nameless = SchemaBuilder::bytes().build();
        assert_eq!(
            decimal_scale(&nameless).expect_err("none").to_string(),
            "Invalid Decimal schema: scale parameter not found."
        );
        let wordy = SchemaBuilder::bytes().parameter("scale", "x").build();
        let error = decimal_scale(&wordy).expect_err("no number");
        assert_eq!(error.to_string(), "Invalid scale parameter found in Decimal schema: ");
        assert_eq!(error.data().causes[0].message.as_str(), "For input string: \"x\"");
        assert!(check_time(86_400_001).is_err());
    }
}
