//! Dates, times and timestamps in text, told by their length and read as leniently as Java's `SimpleDateFormat`.

use ferroconnect_plugin_abi::builder::SchemaBuilder;
use ferroconnect_plugin_abi::{Data, Value};

use crate::stages::text::date::{CivilDate, MILLIS_PER_DAY};
use crate::stages::text::digits::digit;

/// Reads `yyyy-MM-dd`, `HH:mm:ss.SSS'Z'` or `yyyy-MM-dd'T'HH:mm:ss.SSS'Z'`, colons perhaps escaped; which one is
/// told by the length alone. What follows the last part is ignored, and parts may be out of their range.
pub(super) fn parse(text: &str) -> Option<Data> {
    let text = text.replace("\\:", ":");
    let mut reader = Reader { rest: &text };
    match text.encode_utf16().count() {
        10 => Some(Data::new(SchemaBuilder::date().build(), date(reader.date()? * MILLIS_PER_DAY))),
        13 => Some(Data::new(SchemaBuilder::time().build(), time(reader.time()?))),
        24 => {
            let days = reader.date()?;
            reader.literal('T')?;
            let millis = days.checked_mul(MILLIS_PER_DAY)?.checked_add(reader.time()?)?;
            Some(Data::new(SchemaBuilder::timestamp().build(), Value::timestamp(millis)))
        }
        _ => None,
    }
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

struct Reader<'a> {
    rest: &'a str,
}

impl Reader<'_> {
    /// `yyyy-MM-dd` as days since 1970.
    fn date(&mut self) -> Option<i64> {
        let year = self.number()?;
        self.literal('-')?;
        let month = self.number()?;
        self.literal('-')?;
        let day = self.number()?;
        Some(CivilDate::lenient_days(year, month, day))
    }

    /// `HH:mm:ss.SSS'Z'` as milliseconds.
    fn time(&mut self) -> Option<i64> {
        let hour = self.number()?;
        self.literal(':')?;
        let minute = self.number()?;
        self.literal(':')?;
        let second = self.number()?;
        self.literal('.')?;
        let millis = self.number()?;
        self.literal('Z')?;
        Some(((hour * 60 + minute) * 60 + second) * 1000 + millis)
    }

    fn literal(&mut self, character: char) -> Option<()> {
        self.rest = self.rest.strip_prefix(character)?;
        Some(())
    }

    /// A number of any length with an optional minus, after blanks. Fits 32 bits, as Java cuts it.
    fn number(&mut self) -> Option<i64> {
        let text = self.rest.trim_start_matches([' ', '\t']);
        let (negative, text) = match text.strip_prefix('-') {
            Some(text) => (true, text),
            None => (false, text),
        };
        let mut number = 0i64;
        let mut length = 0;
        for (index, character) in text.char_indices() {
            let Some(digit) = digit(character) else { break };
            number = number.saturating_mul(10).saturating_add(digit.into());
            length = index + character.len_utf8();
        }
        if length == 0 {
            return None;
        }
        self.rest = &text[length..];
        Some(i64::from(if negative { -number } else { number } as i32))
    }
}
