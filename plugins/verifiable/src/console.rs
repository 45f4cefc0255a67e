//! Lines on standard output.

use ferroconnect_plugin_sdk::{Value, ValueRef, debug};
use serde_json::{Map, Value as Json};
use std::io::{self, Write};
use std::time::{SystemTime, UNIX_EPOCH};

/// A pipe takes so many bytes in one piece (POSIX: at least 512; Linux: 4096), even if others write to it too.
const ATOMIC: usize = 4096;

/// Lines that are written together.
#[derive(Debug, Default)]
pub(crate) struct Lines {
    text: String,
}

impl Lines {
    /// Adds a line.
    pub(crate) fn push(&mut self, line: &str) {
        self.text.push_str(line);
        self.text.push('\n');
    }

    /// Writes them, in pieces of whole lines. A closed standard output is no reason to stop.
    pub(crate) fn print(self) {
        if let Err(error) = write_lines(&mut io::stdout().lock(), self.text.as_bytes()) {
            debug!("Cannot write to standard output: {error}");
        }
    }
}

fn write_lines(out: &mut impl Write, mut lines: &[u8]) -> io::Result<()> {
    while !lines.is_empty() {
        let fits = &lines[..lines.len().min(ATOMIC)];
        let end_in = |bytes: &[u8]| bytes.iter().rposition(|byte| *byte == b'\n').map(|index| index + 1);
        // A line longer than a piece is written as it is.
        let first_line = || lines.iter().position(|byte| *byte == b'\n').map(|index| index + 1);
        let end = end_in(fits).or_else(first_line).unwrap_or(lines.len());
        out.write_all(&lines[..end])?;
        out.flush()?;
        lines = &lines[end..];
    }
    Ok(())
}

/// Text as JSON.
pub(crate) fn json_text(text: &str) -> String {
    Json::from(text).to_string()
}

/// A value as JSON, without its schema.
pub(crate) fn json(value: &Value) -> Json {
    match value.view() {
        ValueRef::Boolean(value) => value.into(),
        ValueRef::Float32(value) => value.into(),
        ValueRef::Float64(value) => value.into(),
        ValueRef::String(text) => text.as_str().into(),
        ValueRef::Array(values) => values.iter().map(json).collect(),
        ValueRef::Map(entries) => {
            let name = |key: &Value| key.as_text().map_or_else(|| json(key).to_string(), |text| text.to_string());
            entries.iter().map(|entry| (name(&entry.key), json(&entry.value))).collect::<Map<_, _>>().into()
        }
        ValueRef::Struct(value) => {
            let fields = value.schema.fields.iter().zip(value.fields.iter());
            fields.map(|(field, value)| (field.name.to_string(), json(value))).collect::<Map<_, _>>().into()
        }
        ValueRef::Null => Json::Null,
        // Whole numbers of 8 to 64 bits; other kinds do not come from these connectors, and are told as text.
        other => value.as_integer().map_or_else(|| format!("{other:?}").into(), Json::from),
    }
}

/// Milliseconds since 1970.
pub(crate) fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_written_whole() {
        #[derive(Default)]
        struct Pieces(Vec<Vec<u8>>);
        impl Write for Pieces {
            fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
                self.0.push(bytes.to_vec());
                Ok(bytes.len())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let lines = [b"x".repeat(99), b"y".repeat(5000), b"z".repeat(1500)].map(|line| [line, b"\n".to_vec()].concat());
        let text = lines.concat().repeat(30);
        let mut pieces = Pieces::default();
        write_lines(&mut pieces, &text).unwrap();
        assert_eq!(pieces.0.concat(), text);
        assert!(pieces.0.iter().all(|piece| piece.ends_with(b"\n") && (piece.len() <= ATOMIC || piece.len() == 5001)));
    }

    #[test]
    fn values_are_plain_json() {
        assert_eq!(json(&Value::int32(7)).to_string(), "7");
        assert_eq!(json(&"a\"b".into()).to_string(), r#""a\"b""#);
        assert_eq!(json(&Value::NULL).to_string(), "null");
        assert_eq!(json(&Value::array(vec![1i64.into(), true.into()])).to_string(), "[1,true]");
    }
}
