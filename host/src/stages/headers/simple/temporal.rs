//! Dates, times and timestamps in text, told by their length and read as leniently as Java's `SimpleDateFormat`.

use ferroconnect_plugin_abi::builder::SchemaBuilder;
use ferroconnect_plugin_abi::{Data, Value};

use crate::stages::text::date::{Iso, MILLIS_PER_DAY};

/// Reads `yyyy-MM-dd`, `HH:mm:ss.SSS'Z'` or `yyyy-MM-dd'T'HH:mm:ss.SSS'Z'`, colons perhaps escaped; which one is
/// told by the length alone. What follows the last part is ignored, and parts may be out of their range.
pub(super) fn parse(text: &str) -> Option<Data> {
    let text = text.replace("\\:", ":");
    let form = Iso::of_length(text.encode_utf16().count())?;
    let millis = form.read(&text)?;
    Some(match form {
        Iso::Date => Data::new(SchemaBuilder::date().build(), date(millis)),
        Iso::Time => Data::new(SchemaBuilder::time().build(), time(millis)),
        Iso::Timestamp => Data::new(SchemaBuilder::timestamp().build(), Value::timestamp(millis)),
    })
}

/// Milliseconds as a date; those that are no whole day stay what they are.
pub(super) fn date(millis: i64) -> Value {
    match i32::try_from(millis / MILLIS_PER_DAY) {
        Ok(days) if millis % MILLIS_PER_DAY == 0 => Value::date(days),
        _ => Value::timestamp(millis),
    }
}

/// Milliseconds as a time; those that are too many stay what they are.
pub(super) fn time(millis: i64) -> Value {
    i32::try_from(millis).map_or(Value::timestamp(millis), Value::time)
}
