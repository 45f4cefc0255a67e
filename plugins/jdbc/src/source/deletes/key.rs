//! The key of a row: in records, in the ledger, and as a short number for comparisons.

use super::super::values::{RowShape, ValueRules};
use crate::db::{Column, Decimal, Instant, SqlValue};
use crate::dialect::TableId;
use ferroconnect_plugin_sdk::Data;
use openssl::sha::sha256;
use std::fmt::Write;
use std::sync::Arc;

/// Stands for a key of a table. Two keys of one table never share one but by an accident that 128 bits rule out.
pub(super) type RowId = [u8; 16];

/// A key as the ledger has it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(in super::super) struct Entry {
    /// Whose key it is.
    pub(super) subject: Arc<str>,
    pub(super) id: RowId,
    /// The key itself, see [`written`].
    pub(super) text: String,
}

/// What the keys of a table look like.
#[derive(Debug)]
pub(in super::super) struct KeyShape {
    /// The columns, in the order of the primary key.
    pub(in super::super) columns: Vec<String>,
    /// Stands for connector, table and columns: where the key of a table becomes another, its old keys mean nothing.
    pub(in super::super) subject: Arc<str>,
    shape: RowShape,
}

impl KeyShape {
    /// For a table with these columns. The error says what is wrong with them.
    pub(super) fn new(
        connector: &str,
        table: &TableId,
        columns: &[Column],
        rules: &ValueRules,
    ) -> Result<KeyShape, String> {
        let mut key: Vec<&Column> = columns.iter().filter(|column| column.key_position.is_some()).collect();
        key.sort_by_key(|column| column.key_position);
        if key.is_empty() {
            return Err("it has no primary key, by which rows could be told apart".to_owned());
        }
        let mut name = format!("{connector}\0{}", table.unquoted());
        for column in &key {
            name += &format!("\0{} {} {:?}", column.name, column.type_name, column.class);
        }
        let columns: Vec<Column> = key.into_iter().cloned().collect();
        let shape = RowShape::new(Some(&format!("{}.Key", table.name)), &columns, rules);
        if !shape.dropped.is_empty() {
            let dropped = shape.dropped.join(", ");
            return Err(format!("its primary key has columns whose types fit no schema: {dropped}"));
        }
        let columns = columns.into_iter().map(|column| column.name).collect();
        Ok(KeyShape { columns, subject: hex(&sha256(name.as_bytes())[..16]).into(), shape })
    }

    /// The entry of a key, whose values are in the order of the columns.
    pub(in super::super) fn entry(&self, values: &[SqlValue]) -> Result<Entry, String> {
        let text = written(values).ok_or("its key has a value that cannot be kept")?;
        Ok(Entry { subject: Arc::clone(&self.subject), id: row_id(&text), text })
    }

    /// The key of a record.
    pub(in super::super) fn data(&mut self, values: &mut [SqlValue], rules: &ValueRules) -> Result<Data, String> {
        let value = self.shape.convert(values, rules)?;
        Ok(Data::new(self.shape.schema().clone(), value))
    }

    /// The values of a key, from the ledger's text.
    pub(super) fn values(&self, text: &str) -> Result<Vec<SqlValue>, String> {
        let wrong = || format!("the ledger has a key that cannot be read: {text:?}");
        values(text).filter(|values| values.len() == self.columns.len()).ok_or_else(wrong)
    }

    /// The key of a record, from the ledger's text.
    pub(super) fn read(&mut self, text: &str, rules: &ValueRules) -> Result<Data, String> {
        let mut values = self.values(text)?;
        self.data(&mut values, rules)
    }
}

/// What stands for a key.
pub(super) fn row_id(text: &str) -> RowId {
    let hash = sha256(text.as_bytes());
    std::array::from_fn(|place| hash[place])
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let pairs = text.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).ok());
    pairs.map(|pair| u8::from_str_radix(pair.filter(|pair| pair.len() == 2)?, 16).ok()).collect()
}

/// A key as text: a JSON list with a string for each value, a letter for its kind in front. The same key is always the same
/// text. None for what is no value of a key.
fn written(values: &[SqlValue]) -> Option<String> {
    let texts = values.iter().map(value_text).collect::<Option<Vec<_>>>()?;
    serde_json::to_string(&texts).ok()
}

fn value_text(value: &SqlValue) -> Option<String> {
    Some(match value {
        SqlValue::Null => "-".to_owned(),
        SqlValue::Bool(value) => format!("b{value}"),
        SqlValue::Int(value) => format!("i{value}"),
        SqlValue::UInt(value) => format!("u{value}"),
        SqlValue::Float(value) => format!("f{:08x}", value.to_bits()),
        SqlValue::Double(value) => format!("g{:016x}", value.to_bits()),
        SqlValue::Decimal(value) => format!("n{value}"),
        SqlValue::Text(text) => format!("t{text}"),
        SqlValue::Bytes(bytes) => format!("x{}", hex(bytes)),
        SqlValue::Date(day) => format!("d{day}"),
        SqlValue::Time(nanos) => format!("c{nanos}"),
        SqlValue::DateTime(time) => format!("l{time}"),
        SqlValue::Instant(instant) => format!("z{}", instant.nanos()),
        SqlValue::Array(_) => return None,
    })
}

fn values(text: &str) -> Option<Vec<SqlValue>> {
    let texts: Vec<String> = serde_json::from_str(text).ok()?;
    texts.iter().map(|text| value(text)).collect()
}

fn value(text: &str) -> Option<SqlValue> {
    let kind = text.chars().next()?;
    let rest = &text[kind.len_utf8()..];
    Some(match kind {
        '-' => SqlValue::Null,
        'b' => SqlValue::Bool(rest.parse().ok()?),
        'i' => SqlValue::Int(rest.parse().ok()?),
        'u' => SqlValue::UInt(rest.parse().ok()?),
        'f' => SqlValue::Float(f32::from_bits(u32::from_str_radix(rest, 16).ok()?)),
        'g' => SqlValue::Double(f64::from_bits(u64::from_str_radix(rest, 16).ok()?)),
        'n' => SqlValue::Decimal(Decimal::parse(rest)?),
        't' => SqlValue::Text(rest.to_owned()),
        'x' => SqlValue::Bytes(unhex(rest)?),
        'd' => SqlValue::Date(rest.parse().ok()?),
        'c' => SqlValue::Time(rest.parse().ok()?),
        'l' => SqlValue::DateTime(rest.parse().ok()?),
        'z' => SqlValue::Instant(Instant::from_nanos(rest.parse().ok()?)),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::{date, datetime};

    #[test]
    fn keys_are_read_as_they_were_written() {
        let key = vec![
            SqlValue::Null,
            SqlValue::Bool(true),
            SqlValue::Int(-7),
            SqlValue::UInt(u64::MAX),
            SqlValue::Float(0.1),
            SqlValue::Double(-0.1),
            SqlValue::Decimal(Decimal::parse("-12.340").unwrap()),
            SqlValue::Text("a\"b,\\ \u{1F980}".to_owned()),
            SqlValue::Text(String::new()),
            SqlValue::Bytes(vec![0, 255]),
            SqlValue::Date(date(-1, 2, 3)),
            SqlValue::Time(-1),
            SqlValue::DateTime(datetime(2024, 2, 29, 1, 2, 3, 4)),
            SqlValue::Instant(Instant::from_nanos(-1)),
        ];
        let text = written(&key).unwrap();
        assert_eq!(values(&text), Some(key));
        assert_eq!(written(&[SqlValue::Array(Vec::new())]), None);
    }

    #[test]
    fn what_is_no_key_is_not_read() {
        for text in ["", "7", "[7]", "[\"\"]", "[\"?\"]", "[\"ix\"]", "[\"x0\"]", "[\"x\u{e9}\"]", "[\"d2024-13-01\"]"]
        {
            assert_eq!(values(text), None, "{text}");
        }
    }

    #[test]
    fn keys_that_differ_have_other_numbers() {
        let id = |values: &[SqlValue]| row_id(&written(values).unwrap());
        let text = |text: &str| SqlValue::Text(text.to_owned());
        assert_ne!(id(&[text("a"), text("bc")]), id(&[text("ab"), text("c")]));
        assert_ne!(id(&[text("1")]), id(&[SqlValue::Int(1)]));
        assert_eq!(id(&[text("a")]), id(&[text("a")]));
    }
}
