//! The messages that stand for Connect's logical types.

use ferroconnect_plugin_sdk::{Blob, Error, Logical, Result, Value, ValueRef};
use jiff::civil::{Date, Time, date};
use num_bigint::BigInt;
use prost_reflect::{DynamicMessage, MessageDescriptor, Value as Proto};

const NANOS_PER_MILLI: i32 = 1_000_000;

/// The logical type that a message stands for.
pub(super) fn logical(message: &str) -> Option<Logical> {
    Some(match message {
        "confluent.type.Decimal" => Logical::Decimal,
        "google.type.Date" => Logical::Date,
        "google.type.TimeOfDay" => Logical::Time,
        "google.protobuf.Timestamp" => Logical::Timestamp,
        _ => return None,
    })
}

/// The message for a value; `base` is the value as its base type.
///
/// # Errors
/// A data error where the message cannot hold the value.
pub(super) fn write(
    logical: Logical,
    value: &Value,
    base: &Value,
    descriptor: &MessageDescriptor,
) -> Result<DynamicMessage> {
    let mut message = DynamicMessage::new(descriptor.clone());
    let mut set = |field: &str, value: Proto| {
        let set = message.try_set_field_by_name(field, value);
        set.map_err(|error| Error::data(format!("{} is not what it is elsewhere: {error}", descriptor.full_name())))
    };
    match (logical, value.view(), base.view()) {
        (Logical::Decimal, ValueRef::Decimal { unscaled, scale }, _) => {
            let digits = BigInt::from_signed_bytes_be(unscaled).magnitude().to_string().len();
            set("value", Proto::Bytes(unscaled.to_vec().into()))?;
            set("precision", Proto::U32(u32::try_from(digits).unwrap_or(u32::MAX)))?;
            set("scale", Proto::I32(scale))?;
        }
        (Logical::Date, _, ValueRef::Int32(days)) => {
            let span = jiff::Span::new().try_days(days).ok();
            let day = span.and_then(|span| EPOCH.checked_add(span).ok()).filter(|day| day.year() > 0);
            let day = day.ok_or_else(|| Error::data(format!("the day {days} is not in the years 1 to 9999")))?;
            set("year", Proto::I32(day.year().into()))?;
            set("month", Proto::I32(day.month().into()))?;
            set("day", Proto::I32(day.day().into()))?;
        }
        (Logical::Time, _, ValueRef::Int32(millis)) => {
            set("hours", Proto::I32(millis / 3_600_000 % 24))?;
            set("minutes", Proto::I32(millis / 60_000 % 60))?;
            set("seconds", Proto::I32(millis / 1_000 % 60))?;
            set("nanos", Proto::I32(millis % 1_000 * NANOS_PER_MILLI))?;
        }
        (Logical::Timestamp, _, ValueRef::Int64(millis)) => {
            set("seconds", Proto::I64(millis.div_euclid(1_000)))?;
            set("nanos", Proto::I32(millis.rem_euclid(1_000) as i32 * NANOS_PER_MILLI))?;
        }
        _ => return Err(Error::data(format!("{} is no {logical:?}", value.java_class()))),
    }
    Ok(message)
}

const EPOCH: Date = date(1970, 1, 1);

/// The value of a message.
///
/// # Errors
/// A data error where it is no day, no time of a day, or too far away.
pub(super) fn read(logical: Logical, message: &DynamicMessage) -> Result<Value> {
    let number = |name: &str| {
        let field = message.get_field_by_name(name);
        field.and_then(|field| field.as_i64().or(field.as_i32().map(i64::from))).unwrap_or_default()
    };
    let small = |name: &str| i32::try_from(number(name)).unwrap_or(-1);
    Ok(match logical {
        Logical::Decimal => {
            let unscaled = message.get_field_by_name("value");
            let unscaled = unscaled.as_ref().and_then(|value| value.as_bytes()).cloned().unwrap_or_default();
            let scale = i32::try_from(number("scale")).unwrap_or_default();
            let unscaled = ferroconnect_plugin_sdk::abi::logical::shortest(&Blob::copy_from(&unscaled));
            Value::decimal(unscaled, scale)
        }
        Logical::Date => {
            let (year, month, day) = (number("year"), number("month"), number("day"));
            let parts = i16::try_from(year).ok().zip(i8::try_from(month).ok()).zip(i8::try_from(day).ok());
            let found = parts.and_then(|((year, month), day)| Date::new(year, month, day).ok());
            let found = found.filter(|day| day.year() > 0);
            let found = found.ok_or_else(|| Error::data(format!("{year}-{month}-{day} is no day")))?;
            Value::date(EPOCH.duration_until(found).as_hours() as i32 / 24)
        }
        Logical::Time => {
            let (hours, minutes, seconds, nanos) = (small("hours"), small("minutes"), small("seconds"), small("nanos"));
            let part = |number: i32| i8::try_from(number).ok();
            let parts = part(hours).zip(part(minutes)).zip(part(seconds));
            let found = parts.and_then(|((hours, minutes), seconds)| Time::new(hours, minutes, seconds, nanos).ok());
            found.ok_or_else(|| {
                Error::data(format!("{hours}:{minutes}:{seconds} and {nanos} ns is no time of a day"))
            })?;
            Value::time(((hours * 60 + minutes) * 60 + seconds) * 1_000 + nanos / NANOS_PER_MILLI)
        }
        Logical::Timestamp => {
            let (seconds, nanos) = (number("seconds"), number("nanos"));
            let millis =
                seconds.checked_mul(1_000).and_then(|it| it.checked_add(nanos.div_euclid(NANOS_PER_MILLI.into())));
            let millis =
                millis.ok_or_else(|| Error::data(format!("{seconds} seconds are too far away for a Timestamp")))?;
            Value::timestamp(millis)
        }
    })
}
