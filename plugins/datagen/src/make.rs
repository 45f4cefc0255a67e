//! Makes values up.

use fastrand::Rng;
use ferroconnect_plugin_sdk::{MapEntry, Schema, Shared, Value};
use num_bigint::BigInt;
use std::collections::HashSet;

use crate::pattern::Pattern;
use crate::rules::{Iteration, Length};

/// The longest whole number of 32 bits as text, with its sign.
const DIGITS: u64 = 11;

/// Makes the values of one schema.
#[derive(Debug, Clone)]
pub(crate) struct Maker {
    /// What the values are like.
    pub(crate) schema: Shared<Schema>,
    pub(crate) kind: Kind,
    /// How many values have been made, earlier lives included; iterations go on behind them.
    made: u64,
}

/// How values are made.
#[derive(Debug, Clone)]
pub(crate) enum Kind {
    /// One of these, each as likely as the others.
    Options(Vec<Value>),
    Boolean {
        odds: f64,
    },
    Alternating {
        start: bool,
    },
    /// Integers, and what type they are handed out as.
    Integer(Numbers<i64>, fn(i64) -> Value),
    Float(Numbers<f64>, fn(f64) -> Value),
    /// Unscaled numbers, the least one included.
    Decimal {
        least: BigInt,
        below: BigInt,
        scale: i32,
    },
    Text(Text),
    Bytes(Length),
    Array(Box<Maker>, Length),
    Map {
        keys: Text,
        values: Box<Maker>,
        length: Length,
    },
    /// One maker per field of the schema.
    Struct(Vec<Maker>),
    /// As often null as not.
    Nullable(Box<Maker>),
    /// A struct with one field per branch, of which one is filled.
    Union {
        branches: Vec<Maker>,
        nullable: bool,
    },
}

/// Which numbers.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Numbers<T> {
    /// From `least` on and below `below`.
    Range { least: T, below: T },
    /// One after the other.
    Iteration(Iteration<T>),
}

/// Which texts.
#[derive(Debug, Clone)]
pub(crate) enum Text {
    Letters { prefix: String, suffix: String, length: Length },
    Pattern { prefix: String, suffix: String, pattern: Pattern },
    Numbered { prefix: String, suffix: String, iteration: Iteration<i64> },
    Options(Vec<String>),
}

impl Maker {
    pub(crate) fn new(schema: Shared<Schema>, kind: Kind, made: u64) -> Maker {
        Maker { schema, kind, made }
    }

    /// How many characters, bytes and values one value has in all, at most.
    pub(crate) fn most(&self) -> u64 {
        let times = |length: &Length, each: u64| each.saturating_mul(length.below as u64 - 1);
        let sum = |makers: &[Maker]| makers.iter().map(Maker::most).fold(1, u64::saturating_add);
        match &self.kind {
            // Options are shared by all values that they become.
            Kind::Options(_)
            | Kind::Boolean { .. }
            | Kind::Alternating { .. }
            | Kind::Integer(..)
            | Kind::Float(..)
            | Kind::Decimal { .. } => 1,
            Kind::Text(text) => text.most(),
            Kind::Bytes(length) => times(length, 1),
            Kind::Array(items, length) => times(length, items.most()),
            Kind::Map { keys, values, length } => times(length, keys.most().saturating_add(values.most())),
            Kind::Struct(makers) | Kind::Union { branches: makers, .. } => sum(makers),
            Kind::Nullable(maker) => maker.most(),
        }
    }

    /// The next value.
    pub(crate) fn make(&mut self, rng: &mut Rng) -> Value {
        let made = self.made;
        self.made += 1;
        match &mut self.kind {
            Kind::Options(options) => options[rng.usize(..options.len())].clone(),
            Kind::Boolean { odds } => Value::boolean(rng.f64() < *odds),
            Kind::Alternating { start } => Value::boolean(*start ^ (made % 2 == 1)),
            Kind::Integer(Numbers::Range { least, below }, form) => form(rng.i64(*least..*below)),
            Kind::Integer(Numbers::Iteration(iteration), form) => form(iteration.at(made)),
            Kind::Float(Numbers::Range { least, below }, form) => form(between(rng, *least, *below)),
            Kind::Float(Numbers::Iteration(iteration), form) => form(iteration.at(made)),
            Kind::Decimal { least, below, scale } => {
                Value::decimal(decimal(rng, least, below).to_signed_bytes_be(), *scale)
            }
            Kind::Text(text) => Value::string(text.make(rng, made)),
            Kind::Bytes(length) => {
                let mut bytes = vec![0; length.draw(rng)];
                rng.fill(&mut bytes);
                Value::bytes(bytes)
            }
            Kind::Array(items, length) => {
                Value::array((0..length.draw(rng)).map(|_| items.make(rng)).collect::<Vec<_>>())
            }
            Kind::Map { keys, values, length } => map(rng, made, keys, values, *length),
            Kind::Struct(fields) => {
                let values: Vec<Value> = fields.iter_mut().map(|field| field.make(rng)).collect();
                Value::structure(self.schema.clone(), values)
            }
            Kind::Nullable(other) => match rng.bool() {
                true => other.make(rng),
                false => Value::NULL,
            },
            Kind::Union { branches, nullable } => {
                let chosen = rng.usize(..branches.len() + usize::from(*nullable));
                if chosen == branches.len() {
                    return Value::NULL;
                }
                let mut values: Vec<Value> = branches.iter().map(|_| Value::NULL).collect();
                values[chosen] = branches[chosen].make(rng);
                Value::structure(self.schema.clone(), values)
            }
        }
    }
}

impl Text {
    /// How many characters it has at most.
    fn most(&self) -> u64 {
        let (prefix, middle, suffix) = match self {
            Text::Letters { prefix, suffix, length } => (prefix, length.below as u64 - 1, suffix),
            Text::Pattern { prefix, suffix, pattern } => (prefix, pattern.longest(), suffix),
            Text::Numbered { prefix, suffix, .. } => (prefix, DIGITS, suffix),
            Text::Options(options) => return options.iter().map(|option| option.len() as u64).max().unwrap_or(0),
        };
        middle + prefix.len() as u64 + suffix.len() as u64
    }

    fn make(&self, rng: &mut Rng, made: u64) -> String {
        let (prefix, middle, suffix) = match self {
            Text::Letters { prefix, suffix, length } => {
                (prefix, (0..length.draw(rng)).map(|_| rng.alphanumeric()).collect(), suffix)
            }
            // That texts of the wanted length are found was tried when the pattern was read.
            Text::Pattern { prefix, suffix, pattern } => (prefix, pattern.text(rng).unwrap_or_default(), suffix),
            Text::Numbered { prefix, suffix, iteration } => (prefix, iteration.at(made).to_string(), suffix),
            Text::Options(options) => return options[rng.usize(..options.len())].clone(),
        };
        format!("{prefix}{middle}{suffix}")
    }
}

impl Length {
    fn draw(self, rng: &mut Rng) -> usize {
        rng.usize(self.least..self.below)
    }
}

impl Iteration<i64> {
    /// The number after so many others.
    fn at(&self, made: u64) -> i64 {
        let [start, restart, step, initial] = [self.start, self.restart, self.step, self.initial].map(i128::from);
        let gone = (initial - start).abs() + i128::from(made) * step.abs();
        let place = gone % (restart - start).abs();
        // Between start and restart, both of which are 64 bits wide.
        (start + place * step.signum()) as i64
    }
}

impl Iteration<f64> {
    /// The number after so many others.
    fn at(&self, made: u64) -> f64 {
        let gone = (self.initial - self.start).abs() + made as f64 * self.step.abs();
        let round = (self.restart - self.start).abs();
        // All numbers there are make a round without end.
        let place = if round.is_finite() { gone % round } else { gone };
        self.start + place * self.step.signum()
    }
}

/// Without the sum of both, which may be beyond all numbers.
fn between(rng: &mut Rng, least: f64, below: f64) -> f64 {
    let share = rng.f64();
    least * (1.0 - share) + below * share
}

fn decimal(rng: &mut Rng, least: &BigInt, below: &BigInt) -> BigInt {
    let room = below - least;
    // Eight bytes more than the room takes, so that no number is noticeably likelier than another.
    let mut bytes = vec![0; room.bits().div_ceil(8) as usize + 8];
    rng.fill(&mut bytes);
    least + BigInt::from_bytes_be(num_bigint::Sign::Plus, &bytes) % room
}

/// A map with as many entries as wanted, or as many keys as were found in a fair number of tries.
fn map(rng: &mut Rng, made: u64, keys: &Text, values: &mut Maker, length: Length) -> Value {
    let wanted = length.draw(rng);
    let mut entries: Vec<MapEntry> = Vec::with_capacity(wanted);
    let mut known = HashSet::with_capacity(wanted);
    for attempt in 0..wanted.saturating_mul(4) as u64 {
        if entries.len() == wanted {
            break;
        }
        let key = keys.make(rng, made.wrapping_add(attempt));
        let entry = Value::string(key.as_str());
        if known.insert(key) {
            entries.push(MapEntry { key: entry, value: values.make(rng) });
        }
    }
    Value::map(entries)
}
