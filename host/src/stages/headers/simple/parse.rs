//! Text as values.
//!
//! The text is cut into tokens at the delimiters `: , [ ] { } "`, unless they are escaped. What an array or map
//! cannot be made of makes the whole text a string.

use ferroconnect_plugin_abi::builder::SchemaBuilder;
use ferroconnect_plugin_abi::value::MapEntry;
use ferroconnect_plugin_abi::{Data, Schema, SchemaType, Shared, Text, Value};

use super::merge::{Merger, Misfit, align};
use super::{number, temporal};
use crate::stages::text::digits::digit;

/// Deeper texts are not read: each level takes some stack.
const MAX_DEPTH: usize = 200;

/// Why a value could not be read.
enum Failed {
    /// No array or map, so perhaps a string.
    NoMatch,
    /// Nested too deeply to be looked at.
    TooDeep,
}

impl From<Misfit> for Failed {
    fn from(_: Misfit) -> Failed {
        Failed::NoMatch
    }
}

type Parsed = Result<Data, Failed>;

/// Reads a header value.
///
/// # Errors
/// The reason why the bytes have to stay bytes.
pub(super) fn parse(text: &Text) -> Result<Data, &'static str> {
    if text.is_empty() {
        return Ok(string(text.clone()));
    }
    let mut parser = Parser { tokens: Tokens { text, position: 0, next: None }, original: text };
    parser.value(false, 0).map_err(|failed| match failed {
        Failed::NoMatch => "it is no value",
        Failed::TooDeep => "it is nested more than 200 levels deep",
    })
}

fn string(text: impl Into<Text>) -> Data {
    Data::new(SchemaBuilder::string().build(), Value::string(text))
}

struct Parser<'a> {
    tokens: Tokens<'a>,
    original: &'a Text,
}

impl Parser<'_> {
    /// The next value; `nested` inside an array or map. Null is [`Data::NULL`].
    fn value(&mut self, nested: bool, depth: usize) -> Parsed {
        if depth > MAX_DEPTH {
            return Err(Failed::TooDeep);
        }
        if !self.tokens.has_next() {
            return Ok(Data::NULL);
        }
        if nested && self.tokens.accept("\"") {
            return Ok(self.quoted());
        }
        if self.word(nested, "null") {
            return Ok(Data::NULL);
        }
        for (word, value) in [("true", true), ("false", false)] {
            if self.word(nested, word) {
                return Ok(Data::new(SchemaBuilder::boolean().build(), value));
            }
        }
        let start = self.tokens.mark();
        let composed = if self.tokens.accept("[") {
            Some(self.array(depth))
        } else if self.tokens.accept("{") {
            Some(self.map(depth))
        } else {
            None
        };
        match composed {
            Some(Err(Failed::NoMatch)) => self.tokens.rewind(start),
            Some(done) => return done,
            None => {}
        }
        let token = self.tokens.next();
        if is_blank(token) { Ok(string(token)) } else { self.plain(nested, trim(token)) }
    }

    /// A word that stands alone, or in an array or map.
    fn word(&mut self, nested: bool, word: &str) -> bool {
        let start = self.tokens.mark();
        if self.tokens.accept(word) && (nested || !self.tokens.has_next()) {
            return true;
        }
        self.tokens.rewind(start);
        false
    }

    /// A date, time, number or string that begins with this token.
    fn plain(&mut self, nested: bool, token: &str) -> Parsed {
        let begins_with_digit = token.chars().next().is_some_and(|first| digit(first).is_some());
        if begins_with_digit && let Some(data) = self.temporal(token) {
            return Ok(data);
        }
        if (begins_with_digit || token.starts_with(['+', '-']))
            && let Some(data) = number::parse(token)
        {
            return Ok(data);
        }
        if nested { Err(Failed::NoMatch) } else { Ok(string(self.original.clone())) }
    }

    /// A date or time; colons are delimiters, so it may take five tokens.
    fn temporal(&mut self, token: &str) -> Option<Data> {
        let start = self.tokens.mark();
        if let Some(rest) = self.tokens.next_four()
            && let Some(data) = temporal::parse(&format!("{token}{rest}"))
        {
            return Some(data);
        }
        self.tokens.rewind(start);
        temporal::parse(token)
    }

    /// Text up to the closing quote. It may be a date, but nothing else.
    fn quoted(&mut self) -> Data {
        let mut content = String::new();
        while self.tokens.has_next() && !self.tokens.accept("\"") {
            content.push_str(self.tokens.next());
        }
        temporal::parse(&content).unwrap_or_else(|| string(content))
    }

    fn array(&mut self, depth: usize) -> Parsed {
        let mut values = Vec::new();
        let mut elements = Merger::default();
        while self.tokens.has_next() {
            if self.tokens.accept("]") {
                if let Some(schema) = elements.common() {
                    for value in &mut values {
                        *value = align(schema, std::mem::take(value))?;
                    }
                }
                let mut schema = Schema::new(SchemaType::ARRAY);
                schema.values = elements.into_schema();
                return Ok(Data::new(Shared::new(schema), Value::array(values)));
            }
            if self.tokens.accept(",") {
                return Err(Failed::NoMatch);
            }
            let element = self.value(true, depth + 1)?;
            elements.add(&element);
            values.push(element.value);
            let behind = self.tokens.mark();
            if self.tokens.accept("]") {
                self.tokens.rewind(behind);
            } else if !self.tokens.accept(",") {
                return Err(Failed::NoMatch);
            }
        }
        Err(Failed::NoMatch)
    }

    fn map(&mut self, depth: usize) -> Parsed {
        let mut entries: Vec<MapEntry> = Vec::new();
        let (mut keys, mut values) = (Merger::default(), Merger::default());
        while self.tokens.has_next() {
            if self.tokens.accept("}") {
                return finish_map(entries, keys, values);
            }
            if self.tokens.accept(",") {
                return Err(Failed::NoMatch);
            }
            let key = self.value(true, depth + 1)?;
            if key.value.is_null() || !self.tokens.accept(":") {
                return Err(Failed::NoMatch);
            }
            let value = self.value(true, depth + 1)?;
            // Commas between entries may be left out.
            self.tokens.accept(",");
            keys.add(&key);
            values.add(&value);
            put(&mut entries, key.value, value.value);
        }
        Err(Failed::NoMatch)
    }
}

fn finish_map(entries: Vec<MapEntry>, keys: Merger, values: Merger) -> Parsed {
    let mut schema = Schema::new(SchemaType::MAP);
    let entries = match keys.common() {
        None => entries,
        Some(key_schema) => {
            let mut aligned = Vec::with_capacity(entries.len());
            for MapEntry { key, value } in entries {
                let value = match values.common() {
                    Some(schema) => align(schema, value)?,
                    None => value,
                };
                put(&mut aligned, align(key_schema, key)?, value);
            }
            schema.values = values.into_schema();
            aligned
        }
    };
    schema.keys = keys.into_schema();
    Ok(Data::new(Shared::new(schema), Value::map(entries)))
}

fn put(entries: &mut Vec<MapEntry>, key: Value, value: Value) {
    match entries.iter_mut().find(|entry| entry.key == key) {
        Some(entry) => entry.value = value,
        None => entries.push(MapEntry { key, value }),
    }
}

/// Java's `trim`: everything up to the blank goes.
fn trim(text: &str) -> &str {
    text.trim_matches(|character| character <= ' ')
}

fn is_blank(text: &str) -> bool {
    trim(text).is_empty()
}

/// The tokens of a text, with one of look-ahead.
struct Tokens<'a> {
    text: &'a str,
    position: usize,
    /// The token that was looked at; it ends at `position`.
    next: Option<&'a str>,
}

impl<'a> Tokens<'a> {
    fn has_next(&self) -> bool {
        self.next.is_some() || self.position < self.text.len()
    }

    /// Where the next token begins.
    fn mark(&self) -> usize {
        self.position - self.next.map_or(0, str::len)
    }

    fn rewind(&mut self, mark: usize) {
        self.position = mark;
        self.next = None;
    }

    fn next(&mut self) -> &'a str {
        match self.next.take() {
            Some(token) => token,
            None => self.read(),
        }
    }

    /// The text of the next four tokens, or none of them.
    fn next_four(&mut self) -> Option<&'a str> {
        let start = self.mark();
        for _ in 0..4 {
            if !self.has_next() {
                self.rewind(start);
                return None;
            }
            self.next();
        }
        Some(&self.text[start..self.position])
    }

    /// Consumes the next token if it is this one, blanks around it and tokens of blanks before it aside.
    fn accept(&mut self, expected: &str) -> bool {
        let mut token = match self.next {
            Some(token) => token,
            None if self.has_next() => self.read(),
            None => return false,
        };
        while is_blank(token) && self.position < self.text.len() {
            token = self.read();
        }
        self.next = Some(token);
        let fits = trim(token) == expected;
        if fits {
            self.next = None;
        }
        fits
    }

    fn read(&mut self) -> &'a str {
        let start = self.position;
        let mut escaped = false;
        for (offset, byte) in self.text.as_bytes()[start..].iter().enumerate() {
            match byte {
                b'\\' => escaped = !escaped,
                b':' | b',' | b'{' | b'}' | b'[' | b']' | b'"' if !escaped => {
                    self.position = start + offset.max(1);
                    return &self.text[start..self.position];
                }
                _ => escaped = false,
            }
        }
        self.position = self.text.len();
        &self.text[start..]
    }
}
