//! Reading without a tree: bytes straight into values, as long as the input is what a producer with the same schema
//! writes. Anything else is [`Unusual`] and left to [`super::slow`], so nothing here decides about leniency or words
//! an error.

use ferroconnect_json::{Plan, decimal};
use ferroconnect_plugin_abi::containers::AbiVec;
use ferroconnect_plugin_abi::logical::{Logical, check_time, decimal_scale, shortest};
use ferroconnect_plugin_abi::value::MapEntry;
use ferroconnect_plugin_abi::{Blob, Data, Schema, SchemaType, Text, Value};

use ::base64::Engine as _;
use ::base64::engine::general_purpose::STANDARD;

use super::Settings;
use super::lexer::{Lexer, StringToken, Syntax, float, unescape};
use super::read_schema::SchemaCache;

/// The message needs a closer look. Not an error: the slow way may well read it.
#[derive(Debug)]
pub(super) struct Unusual;

impl From<Syntax> for Unusual {
    fn from(_: Syntax) -> Unusual {
        Unusual
    }
}

type Fast<T> = Result<T, Unusual>;

/// Deeper data goes the slow way, which is rare enough to spend stack on it.
const MAX_FAST_DEPTH: usize = 64;

/// From this many entries on, looking for repeated names in a map goes through a sorted list.
const FEW_ENTRIES: usize = 12;

/// Reads a whole message.
pub(super) fn message(bytes: &Blob, settings: Settings, fixed: Option<&Plan>, cache: &mut SchemaCache) -> Fast<Data> {
    // A zero among the first bytes means UTF-16 or UTF-32; a byte order mark is no JSON and comes out below.
    if bytes.len() < 2 || bytes[..2].contains(&0) {
        return Err(Unusual);
    }
    let mut reader = Reader { lexer: Lexer::new(bytes), bytes, settings };
    if settings.schemas && fixed.is_none() {
        return reader.envelope(cache);
    }
    let plan = fixed.filter(|_| settings.schemas);
    let value = reader.top(plan)?;
    Ok(data(plan, value))
}

fn data(plan: Option<&Plan>, value: Value) -> Data {
    Data { schema: plan.map(|plan| plan.schema.clone()).into(), value }
}

struct Reader<'a> {
    lexer: Lexer<'a>,
    bytes: &'a Blob,
    settings: Settings,
}

impl Reader<'_> {
    /// `{"schema":…,"payload":…}` in either order, and nothing else in it.
    fn envelope(&mut self, cache: &mut SchemaCache) -> Fast<Data> {
        self.lexer.expect(b'{', "")?;
        let data = match self.name()? {
            b"schema" => {
                let plan = self.schema(cache)?;
                self.lexer.expect(b',', "")?;
                if self.name()? != b"payload" {
                    return Err(Unusual);
                }
                data(plan, self.value(plan, 1)?)
            }
            b"payload" => {
                let payload = self.lexer.skip(1)?;
                self.lexer.expect(b',', "")?;
                if self.name()? != b"schema" {
                    return Err(Unusual);
                }
                let plan = self.schema(cache)?;
                let end = std::mem::replace(&mut self.lexer.pos, payload.start);
                let value = self.value(plan, 1)?;
                self.lexer.pos = end;
                data(plan, value)
            }
            _ => return Err(Unusual),
        };
        self.lexer.expect(b'}', "")?;
        Ok(data)
    }

    fn name(&mut self) -> Fast<&[u8]> {
        let token = self.lexer.name()?;
        self.lexer.expect(b':', "")?;
        Ok(self.lexer.slice(token.range))
    }

    fn schema<'c>(&mut self, cache: &'c mut SchemaCache) -> Fast<Option<&'c Plan>> {
        if self.lexer.peek() == Some(b'n') {
            self.lexer.word(b"null")?;
            return Ok(None);
        }
        if let Some(length) = cache.recent_at(self.lexer.rest()) {
            self.lexer.pos += length;
            return Ok(cache.last());
        }
        let range = self.lexer.skip(1)?;
        cache.read(self.lexer.slice(range), self.settings).map(Some).ok_or(Unusual)
    }

    /// A value that is the whole message.
    fn top(&mut self, plan: Option<&Plan>) -> Fast<Value> {
        let first = self.lexer.peek();
        let value = self.value(plan, 0)?;
        if matches!(first, Some(b'-' | b'0'..=b'9')) {
            self.lexer.end_of_top_number()?;
        }
        Ok(value)
    }

    fn value(&mut self, plan: Option<&Plan>, depth: usize) -> Fast<Value> {
        let first = self.lexer.peek().ok_or(Unusual)?;
        match plan {
            None => self.natural(first, depth),
            Some(plan) if first == b'n' => {
                self.lexer.word(b"null")?;
                self.null(&plan.schema)
            }
            Some(plan) => match plan.logical {
                Some(kind) => self.logical(&plan.schema, kind, first),
                None => self.typed(plan, first, depth),
            },
        }
    }

    fn null(&self, schema: &Schema) -> Fast<Value> {
        match schema.default_value() {
            Some(default) if self.settings.format.replace_null_with_default => Ok(default.clone()),
            _ if schema.optional => Ok(Value::NULL),
            _ => Err(Unusual),
        }
    }

    fn typed(&mut self, plan: &Plan, first: u8, depth: usize) -> Fast<Value> {
        Ok(match plan.schema.kind {
            SchemaType::INT8 => Value::int8(self.whole()? as i8),
            SchemaType::INT16 => Value::int16(self.whole()? as i16),
            SchemaType::INT32 => Value::int32(self.whole()? as i32),
            SchemaType::INT64 => Value::int64(self.whole()?),
            SchemaType::FLOAT32 => Value::float32(float(self.number_text()?)),
            SchemaType::FLOAT64 => Value::float64(float(self.number_text()?)),
            SchemaType::BOOLEAN => self.boolean(first)?,
            SchemaType::STRING => Value::string(self.text()?),
            SchemaType::BYTES => Value::bytes(self.base64()?),
            _ => match plan.elsewhere() {
                None => self.nested(plan, first, depth)?,
                Some(plan) => self.nested(&plan, first, depth)?,
            },
        })
    }

    fn nested(&mut self, plan: &Plan, first: u8, depth: usize) -> Fast<Value> {
        Ok(match plan.schema.kind {
            SchemaType::ARRAY if first == b'[' => self.array(plan.values.as_deref(), depth)?,
            SchemaType::MAP if first == b'{' => {
                if plan.keys.as_deref().is_none_or(|keys| keys.schema.kind != SchemaType::STRING) {
                    return Err(Unusual);
                }
                self.map(plan.values.as_deref(), depth)?
            }
            SchemaType::MAP if first == b'[' => self.pairs(plan, depth)?,
            SchemaType::STRUCT if first == b'{' => self.structure(plan, depth)?,
            _ => return Err(Unusual),
        })
    }

    fn natural(&mut self, first: u8, depth: usize) -> Fast<Value> {
        Ok(match first {
            b'"' => Value::string(self.text()?),
            b'{' => self.map(None, depth)?,
            b'[' => self.array(None, depth)?,
            b't' | b'f' => self.boolean(first)?,
            b'n' => {
                self.lexer.word(b"null")?;
                Value::NULL
            }
            _ => {
                let token = self.lexer.number()?;
                let text = self.lexer.slice(token.range);
                if token.whole { Value::int64(parse_whole(text)?) } else { Value::float64(float(ascii(text)?)) }
            }
        })
    }

    fn boolean(&mut self, first: u8) -> Fast<Value> {
        let value = first == b't';
        self.lexer.word(if value { b"true" } else { b"false" })?;
        Ok(Value::boolean(value))
    }

    fn whole(&mut self) -> Fast<i64> {
        if let Some(number) = self.lexer.small_whole() {
            return Ok(number);
        }
        let token = self.lexer.number()?;
        if token.whole { parse_whole(self.lexer.slice(token.range)) } else { Err(Unusual) }
    }

    fn number_text(&mut self) -> Fast<&str> {
        let token = self.lexer.number()?;
        ascii(self.lexer.slice(token.range))
    }

    fn text(&mut self) -> Fast<Text> {
        let token = self.lexer.string()?;
        self.text_of(token)
    }

    /// The name of a map entry. Those with escapes are left to the slow way, which checks them.
    fn entry_name(&mut self) -> Fast<Text> {
        let token = self.lexer.name()?;
        if token.escaped { Err(Unusual) } else { self.text_of(token) }
    }

    /// Shares the bytes of the message, unless there are escapes.
    fn text_of(&self, token: StringToken) -> Fast<Text> {
        if token.escaped {
            return unescape(self.lexer.slice(token.range)).map(Text::from).map_err(|_| Unusual);
        }
        Text::from_blob(self.bytes.slice(token.range)).map_err(|_| Unusual)
    }

    fn base64(&mut self) -> Fast<Vec<u8>> {
        let token = self.lexer.string()?;
        if token.escaped {
            return Err(Unusual);
        }
        STANDARD.decode(self.lexer.slice(token.range)).map_err(|_| Unusual)
    }

    /// Consumes an opening bracket; true = there is at least one element.
    fn open(&mut self, close: u8, depth: usize) -> Fast<bool> {
        if depth >= MAX_FAST_DEPTH {
            return Err(Unusual);
        }
        self.lexer.enter(depth)?;
        Ok(!self.lexer.accept(close))
    }

    fn array(&mut self, elements: Option<&Plan>, depth: usize) -> Fast<Value> {
        let mut values = AbiVec::new();
        let mut more = self.open(b']', depth)?;
        while more {
            values.push(self.value(elements, depth + 1)?);
            more = self.lexer.next_of(b']')?;
        }
        Ok(Value::array(values))
    }

    fn map(&mut self, values: Option<&Plan>, depth: usize) -> Fast<Value> {
        let mut entries = AbiVec::new();
        let mut more = self.open(b'}', depth)?;
        while more {
            let key = Value::string(self.entry_name()?);
            self.lexer.expect(b':', "")?;
            entries.push(MapEntry { key, value: self.value(values, depth + 1)? });
            more = self.lexer.next_of(b'}')?;
        }
        if has_repeated_names(&entries) { Err(Unusual) } else { Ok(Value::map(entries)) }
    }

    /// A map whose keys are no text. Repeated keys are left to the slow way.
    fn pairs(&mut self, plan: &Plan, depth: usize) -> Fast<Value> {
        if plan.keys.as_deref().is_none_or(|keys| keys.schema.kind == SchemaType::STRING) {
            return Err(Unusual);
        }
        let mut entries: AbiVec<MapEntry> = AbiVec::new();
        let mut more = self.open(b']', depth)?;
        while more {
            self.lexer.expect(b'[', "")?;
            let key = self.value(plan.keys.as_deref(), depth + 2)?;
            self.lexer.expect(b',', "")?;
            let value = self.value(plan.values.as_deref(), depth + 2)?;
            self.lexer.expect(b']', "")?;
            if entries.len() >= FEW_ENTRIES || entries.iter().any(|entry| entry.key == key) {
                return Err(Unusual);
            }
            entries.push(MapEntry { key, value });
            more = self.lexer.next_of(b']')?;
        }
        Ok(Value::map(entries))
    }

    fn structure(&mut self, plan: &Plan, depth: usize) -> Fast<Value> {
        let mut fields: AbiVec<Value> = AbiVec::with_capacity(plan.fields.len());
        let mut more = self.open(b'}', depth)?;
        while more {
            // Producers write the fields in the schema's order, so the next one is nearly always the right one.
            let next = plan.fields.get(fields.len());
            match next.filter(|next| self.lexer.accept_bytes(&next.key)) {
                Some(field) => fields.push(self.value(Some(&field.plan), depth + 1)?),
                None => return self.structure_in_any_order(plan, fields, depth),
            }
            more = self.lexer.next_of(b'}')?;
        }
        for field in plan.fields.iter().skip(fields.len()) {
            fields.push(self.null(&field.plan.schema)?);
        }
        Ok(Value::structure(plan.schema.clone(), fields))
    }

    /// Goes on with a struct whose fields are not in the schema's order, or have blanks around their names, in front
    /// of a name. Unknown ones are skipped, repeated ones left to the slow way.
    fn structure_in_any_order(&mut self, plan: &Plan, mut fields: AbiVec<Value>, depth: usize) -> Fast<Value> {
        let schema = &plan.schema;
        let mut seen: Vec<bool> = (0..plan.fields.len()).map(|index| index < fields.len()).collect();
        fields.resize(seen.len(), Value::NULL);
        loop {
            let name = self.lexer.name()?;
            if name.escaped {
                return Err(Unusual);
            }
            let text = self.lexer.slice(name.range);
            self.lexer.expect(b':', "")?;
            match schema.fields.iter().position(|field| field.name.as_bytes() == text) {
                None => {
                    ascii(text)?;
                    self.lexer.skip(depth + 1)?;
                }
                Some(index) if seen[index] => return Err(Unusual),
                Some(index) => {
                    seen[index] = true;
                    fields[index] = self.value(Some(&plan.fields[index].plan), depth + 1)?;
                }
            }
            if !self.lexer.next_of(b'}')? {
                break;
            }
        }
        for (index, field) in schema.fields.iter().enumerate() {
            if !seen[index] {
                fields[index] = self.null(&field.schema)?;
            }
        }
        Ok(Value::structure(schema.clone(), fields))
    }

    fn logical(&mut self, schema: &Schema, kind: Logical, first: u8) -> Fast<Value> {
        if kind == Logical::Decimal {
            if first != b'"' {
                let (unscaled, scale) = decimal::parse(self.number_text()?).ok_or(Unusual)?;
                return Ok(Value::decimal(unscaled, scale));
            }
            let unscaled = self.base64()?;
            let scale = decimal_scale(schema).map_err(|_| Unusual)?;
            if unscaled.is_empty() {
                return Err(Unusual);
            }
            return Ok(Value::decimal(shortest(&unscaled.into()), scale));
        }
        let number = self.whole()?;
        let small = i32::try_from(number).map_err(|_| Unusual);
        match kind {
            Logical::Timestamp => Ok(Value::timestamp(number)),
            Logical::Time => check_time(small?).map(Value::time).map_err(|_| Unusual),
            _ => small.map(Value::date),
        }
    }
}

/// A whole number that fits.
fn parse_whole(text: &[u8]) -> Fast<i64> {
    ascii(text)?.parse().map_err(|_| Unusual)
}

fn ascii(text: &[u8]) -> Fast<&str> {
    std::str::from_utf8(text).map_err(|_| Unusual)
}

fn has_repeated_names(entries: &[MapEntry]) -> bool {
    // Lengths first: names that differ mostly differ in length too.
    let length = |entry: &MapEntry| entry.key.as_text().map_or(0, |name| name.len());
    let same = |a: &MapEntry, b: &MapEntry| length(a) == length(b) && a.key == b.key;
    if entries.len() <= FEW_ENTRIES {
        return (1..entries.len()).any(|index| entries[..index].iter().any(|entry| same(entry, &entries[index])));
    }
    let mut names: Vec<&str> = entries.iter().filter_map(|entry| Some(entry.key.as_text()?.as_str())).collect();
    names.sort_unstable();
    names.windows(2).any(|pair| pair[0] == pair[1])
}
