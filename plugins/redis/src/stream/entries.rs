//! Entries of a stream as Redis answers them.

use redis::Value;
use std::fmt;
use std::str::FromStr;

/// The id of an entry: milliseconds since 1970 and a number among those of one millisecond.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub(crate) struct Id {
    millis: u64,
    number: u64,
}

impl Id {
    /// The highest id below this one; 0-0 has none and stays.
    pub(crate) fn previous(self) -> Id {
        match (self.millis, self.number) {
            (0, 0) => self,
            (millis, 0) => Id { millis: millis - 1, number: u64::MAX },
            (millis, number) => Id { millis, number: number - 1 },
        }
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.millis, self.number)
    }
}

impl FromStr for Id {
    type Err = std::num::ParseIntError;

    /// The second number may be left out, as for Redis.
    fn from_str(text: &str) -> Result<Id, Self::Err> {
        let (millis, number) = text.split_once('-').unwrap_or((text, "0"));
        Ok(Id { millis: millis.parse()?, number: number.parse()? })
    }
}

/// An entry.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    /// Its id.
    pub(crate) id: Id,
    /// Its fields in order; none = it was deleted while it was pending.
    pub(crate) fields: Option<Vec<(String, String)>>,
}

/// The entries of an answer to a question about one stream. None if the answer has another form.
pub(crate) fn parse(answer: Value) -> Option<Vec<Entry>> {
    match answer {
        Value::Nil => Some(Vec::new()),
        Value::Array(streams) => match streams.into_iter().next() {
            None => Some(Vec::new()),
            Some(stream) => array(array(stream)?.pop()?)?.into_iter().map(entry).collect(),
        },
        _ => None,
    }
}

fn entry(value: Value) -> Option<Entry> {
    let [id, fields] = <[Value; 2]>::try_from(array(value)?).ok()?;
    let id = text(id)?.parse().ok()?;
    if matches!(fields, Value::Nil) {
        return Some(Entry { id, fields: None });
    }
    let mut texts = array(fields)?.into_iter().map(text);
    let mut fields = Vec::with_capacity(texts.len() / 2);
    while let Some(name) = texts.next() {
        fields.push((name?, texts.next()??));
    }
    Some(Entry { id, fields: Some(fields) })
}

fn array(value: Value) -> Option<Vec<Value>> {
    match value {
        Value::Array(values) => Some(values),
        _ => None,
    }
}

/// Bytes that are not UTF-8 become the replacement character, as in the Java connector.
fn text(value: Value) -> Option<String> {
    match value {
        Value::BulkString(bytes) => Some(match String::from_utf8(bytes) {
            Ok(text) => text,
            Err(error) => String::from_utf8_lossy(error.as_bytes()).into_owned(),
        }),
        Value::SimpleString(text) => Some(text),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bulk(text: &str) -> Value {
        Value::BulkString(text.as_bytes().to_vec())
    }

    #[test]
    fn ids_have_an_order() {
        let id = |text: &str| text.parse::<Id>().unwrap();
        assert!(id("9-9") < id("10-0") && id("10-2") < id("10-10"));
        assert_eq!(id("5").to_string(), "5-0");
        for (id, previous) in [("0-0", "0-0"), ("5-2", "5-1"), ("5-0", "4-18446744073709551615")] {
            assert_eq!(id.parse::<Id>().unwrap().previous().to_string(), previous);
        }
        assert!("x-1".parse::<Id>().is_err() && "".parse::<Id>().is_err());
    }

    #[test]
    fn answers_are_read() {
        let kept = Value::Array(vec![bulk("1-0"), Value::Array(vec![bulk("a"), bulk("1"), bulk("a"), bulk("2")])]);
        let gone = Value::Array(vec![bulk("2-0"), Value::Nil]);
        let answer = Value::Array(vec![Value::Array(vec![bulk("s"), Value::Array(vec![kept, gone])])]);
        let pair = |value: &str| ("a".to_owned(), value.to_owned());
        let kept = Entry { id: "1-0".parse().unwrap(), fields: Some(vec![pair("1"), pair("2")]) };
        assert_eq!(parse(answer), Some(vec![kept, Entry { id: "2-0".parse().unwrap(), fields: None }]));
        assert_eq!(parse(Value::Nil), Some(Vec::new()));
        assert_eq!(parse(Value::Int(1)), None);
        let odd = Value::Array(vec![bulk("1-0"), Value::Array(vec![bulk("a")])]);
        assert_eq!(parse(Value::Array(vec![Value::Array(vec![bulk("s"), Value::Array(vec![odd])])])), None);
    }
}
