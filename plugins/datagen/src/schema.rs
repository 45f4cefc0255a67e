//! An annotated Avro schema into makers of its values, and into the Connect schema that Avro converters give it.

use ferroconnect_plugin_sdk::abi::logical::MILLIS_PER_DAY;
use ferroconnect_plugin_sdk::abi::schema::Parameter;
use ferroconnect_plugin_sdk::{Error, Schema, SchemaBuilder, SchemaType, Shared, Value};
use num_bigint::BigInt;
use serde_json::Value as Json;
use std::collections::HashMap;

use crate::make::{Kind, Maker, Numbers, Text};
use crate::pattern::Pattern;
use crate::rules::{LONGEST, Problem, Rules};

mod options;

use options::Form;

/// What Avro converters name the parts of Avro that Connect's types lack.
const ENUM: &str = "io.confluent.connect.avro.Enum";
const UNION: &str = "io.confluent.connect.avro.Union";
const DOC: &str = "io.confluent.connect.avro.record.doc";
const FIELD_DOC: &str = "io.confluent.connect.avro.field.doc.";
const DEFAULT: &str = "io.confluent.connect.avro.field.default";
const FIXED_SIZE: &str = "connect.fixed.size";
const PRECISION: &str = "connect.decimal.precision";
/// So many characters, bytes and values a record may have in all. Far more than Kafka takes, and no danger for the worker.
pub(crate) const LARGEST: u64 = 10_000_000;
/// The precision that needs no telling.
const USUAL_PRECISION: u32 = 64;

/// The maker of the records that an annotated Avro schema describes. `made` = how many have been made already, for
/// iterations to go on behind them.
///
/// # Errors
/// What is wrong, with its place, such as `orders.address.zipcode`.
pub(crate) fn maker(schema: &str, made: u64) -> Result<Maker, Problem> {
    // The first value counts, and comments do not: Avro reads schemas so.
    let plain = without_comments(schema);
    let schema = serde_json::Deserializer::from_str(&plain).into_iter::<Json>().next();
    let schema = schema.ok_or("there is no schema")?.map_err(|error| format!("this is no JSON: {error}"))?;
    let mut compiler = Compiler { made, named: HashMap::new(), open: Vec::new() };
    let maker = compiler.maker(&schema, "", Place::of(""))?;
    if maker.schema.kind == SchemaType::STRUCT && !maker.schema.optional && maker.schema.name_str() != Some(UNION) {
        return Ok(maker);
    }
    Err("the schema is not that of a record".to_owned())
}

/// Where a type stands.
#[derive(Clone, Copy)]
struct Place<'a> {
    /// Names from the record to here, with dots.
    path: &'a str,
    /// Whether null may stand here, too.
    optional: bool,
    /// The default value of the field, as in Avro.
    default: Option<&'a Json>,
}

impl<'a> Place<'a> {
    /// A place for values that are never null.
    fn of(path: &'a str) -> Place<'a> {
        Place { path, optional: false, default: None }
    }
}

struct Compiler {
    made: u64,
    /// Records, enums and fixed types by full name, to be used again by name.
    named: HashMap<String, (Json, String)>,
    /// The records around the present place, outermost first.
    open: Vec<String>,
}

impl Compiler {
    fn maker(&mut self, schema: &Json, namespace: &str, place: Place<'_>) -> Result<Maker, Problem> {
        match schema {
            Json::String(name) => self.by_name(name, schema, namespace, place),
            Json::Array(branches) => self.union(branches, namespace, place),
            Json::Object(object) => match object.get("type") {
                Some(Json::String(name)) => self.by_name(name, schema, namespace, place),
                // {"type": {"type": …}}: the inner one is meant.
                Some(inner) => self.maker(inner, namespace, place),
                None => Err(wrong(place, "a type is missing")),
            },
            other => Err(wrong(place, &format!("{other} is no type"))),
        }
    }

    fn by_name(&mut self, name: &str, schema: &Json, namespace: &str, place: Place<'_>) -> Result<Maker, Problem> {
        let rules = Rules::of(schema, place.path)?;
        let (builder, kind) = match name {
            "null" => return Err(rules.wrong("null is no type by itself, only beside others")),
            "boolean" => (SchemaBuilder::boolean(), boolean(&rules)?),
            "int" | "long" => integer(name, schema, &rules)?,
            "float" => {
                (SchemaBuilder::float32(), float(&rules, f32::MAX.into(), |number| Value::float32(number as f32))?)
            }
            "double" => (SchemaBuilder::float64(), float(&rules, f64::MAX, Value::float64)?),
            "string" => (SchemaBuilder::string(), Kind::Text(text(&rules)?)),
            "bytes" => bytes(schema, &rules, None)?,
            "array" => {
                let items = schema.get("items").ok_or_else(|| rules.wrong("an array has no 'items'"))?;
                let items = self.inner(items, namespace, place, "items")?;
                (SchemaBuilder::array(items.schema.clone()), Kind::Array(Box::new(items), rules.length()?))
            }
            "map" => {
                let values = schema.get("values").ok_or_else(|| rules.wrong("a map has no 'values'"))?;
                let values = self.inner(values, namespace, place, "values")?;
                let keys = keys(&rules.keys()?)?;
                let builder = SchemaBuilder::map(SchemaBuilder::string().build(), values.schema.clone());
                (builder, Kind::Map { keys, values: Box::new(values), length: rules.length()? })
            }
            "record" | "enum" | "fixed" => return self.define(name, schema, namespace, place),
            reference => return self.refer(reference, namespace, place),
        };
        self.finish(builder, kind, schema, place)
    }

    fn inner(&mut self, schema: &Json, namespace: &str, place: Place<'_>, name: &str) -> Result<Maker, Problem> {
        let path = join(place.path, name);
        self.maker(schema, namespace, Place::of(&path))
    }

    /// The end of all types: options in place of the usual values, a default, null.
    fn finish(&self, builder: SchemaBuilder, kind: Kind, json: &Json, place: Place<'_>) -> Result<Maker, Problem> {
        let plain = try_build(builder, place)?;
        let kind = options::of(&Rules::of(json, place.path)?, &plain)?.map_or(kind, Kind::Options);
        let mut schema = Schema::clone(&plain);
        if let Some(default) = place.default {
            let value = options::value(default, &plain, Form::Default);
            let value = value.ok_or_else(|| wrong(place, &format!("the default {default} does not fit the type")))?;
            schema.default = Some(value).into();
            schema.parameters.push(Parameter { key: DEFAULT.into(), value: "true".into() });
        }
        schema.optional = place.optional;
        let schema = schema.checked().map_err(|error| wrong(place, Error::from_abi(error).message()))?;
        let maker = Maker::new(schema, kind, self.made);
        let most = maker.most();
        if most > LARGEST {
            let advice = "lower a 'length' or a 'size' here or within";
            let what = format!("one value may have {most} characters, bytes and values in all, of {LARGEST}; {advice}");
            return Err(wrong(place, &what));
        }
        Ok(maker)
    }

    fn define(&mut self, kind: &str, schema: &Json, namespace: &str, place: Place<'_>) -> Result<Maker, Problem> {
        let text = |key: &str| schema.get(key).and_then(Json::as_str);
        let name = text("name").ok_or_else(|| wrong(place, &format!("a type '{kind}' has no name")))?;
        let namespace = text("namespace").unwrap_or(namespace);
        let full = full_name(name, namespace);
        let namespace = full.rsplit_once('.').map_or("", |(namespace, _)| namespace).to_owned();
        if self.open.contains(&full) {
            return Err(wrong(place, &format!("{full} contains itself, so its values would never end")));
        }
        self.named.insert(full.clone(), (schema.clone(), namespace.clone()));
        let path = if place.path.is_empty() { name } else { place.path };
        let place = Place { path, ..place };
        match kind {
            "record" => {
                self.open.push(full.clone());
                let made = self.record(schema, &full, &namespace, place);
                self.open.pop();
                made
            }
            "enum" => self.symbols(schema, &full, place),
            _ => {
                let size = schema.get("size").and_then(Json::as_u64).and_then(|size| usize::try_from(size).ok());
                let size = size.ok_or_else(|| wrong(place, "a fixed type has no size"))?;
                if size > LONGEST {
                    return Err(wrong(
                        place,
                        &format!("the size is {size}; {LONGEST} is the longest that can be made"),
                    ));
                }
                let (builder, kind) = bytes(schema, &Rules::of(schema, place.path)?, Some(size))?;
                self.finish(builder.parameter(FIXED_SIZE, size.to_string()), kind, schema, place)
            }
        }
    }

    fn refer(&mut self, name: &str, namespace: &str, place: Place<'_>) -> Result<Maker, Problem> {
        let full = full_name(name, namespace);
        let found = self.named.get(&full).or_else(|| self.named.get(name)).cloned();
        let (schema, namespace) = found.ok_or_else(|| wrong(place, &format!("there is no type '{name}'")))?;
        self.maker(&schema, &namespace, place)
    }

    fn record(&mut self, schema: &Json, full: &str, namespace: &str, place: Place<'_>) -> Result<Maker, Problem> {
        let fields = schema.get("fields").and_then(Json::as_array);
        let fields = fields.ok_or_else(|| wrong(place, "a record has no 'fields'"))?;
        let mut builder = SchemaBuilder::structure().name(full);
        if let Some(doc) = schema.get("doc").and_then(Json::as_str) {
            builder = builder.parameter(DOC, doc);
        }
        let mut makers = Vec::with_capacity(fields.len());
        for field in fields {
            let text = |key: &str| field.get(key).and_then(Json::as_str);
            let name = text("name").ok_or_else(|| wrong(place, "a field has no name"))?;
            let path = join(place.path, name);
            let place = Place { default: field.get("default"), ..Place::of(&path) };
            // Rules may stand beside the name of a type, too: {"name": …, "type": "int", "arg.properties": …}.
            let kind = field.get("type").ok_or_else(|| wrong(place, "a field has no type"))?;
            let kind = if kind.is_string() && field.get("arg.properties").is_some() { field } else { kind };
            let maker = self.maker(kind, namespace, place)?;
            if let Some(doc) = text("doc") {
                builder = builder.parameter(format!("{FIELD_DOC}{name}"), doc);
            }
            builder = builder.field(name, maker.schema.clone());
            makers.push(maker);
        }
        self.finish(builder, Kind::Struct(makers), schema, place)
    }

    fn symbols(&mut self, schema: &Json, full: &str, place: Place<'_>) -> Result<Maker, Problem> {
        let symbols = schema.get("symbols").and_then(Json::as_array);
        let symbols: Option<Vec<&str>> = symbols.and_then(|symbols| symbols.iter().map(Json::as_str).collect());
        let symbols = symbols.filter(|symbols| !symbols.is_empty());
        let symbols = symbols.ok_or_else(|| wrong(place, "an enum has no symbols"))?;
        let mut builder = SchemaBuilder::string().name(full).parameter(ENUM, full);
        for symbol in &symbols {
            builder = builder.parameter(format!("{ENUM}.{symbol}"), *symbol);
        }
        let symbols = symbols.into_iter().map(Value::string).collect();
        self.finish(builder, Kind::Options(symbols), schema, place)
    }

    /// Null and one other is the other, optional; all else is a struct of which one field is filled. Avro converters drop
    /// the default of a union.
    fn union(&mut self, branches: &[Json], namespace: &str, place: Place<'_>) -> Result<Maker, Problem> {
        let is_null = |branch: &&Json| *branch == "null" || branch.get("type").is_some_and(|name| name == "null");
        let (nulls, others): (Vec<&Json>, Vec<&Json>) = branches.iter().partition(is_null);
        let nullable = !nulls.is_empty();
        let place = Place { optional: nullable || place.optional, default: None, ..place };
        if let [other] = others.as_slice() {
            let maker = self.maker(other, namespace, place)?;
            let schema = maker.schema.clone();
            let kind = if nullable { Kind::Nullable(Box::new(maker)) } else { return Ok(maker) };
            return Ok(Maker::new(schema, kind, self.made));
        }
        let mut builder = SchemaBuilder::structure().name(UNION);
        let mut makers = Vec::with_capacity(others.len());
        for other in others {
            let maker = self.maker(other, namespace, Place { optional: true, ..place })?;
            builder = builder.field(branch_name(other), maker.schema.clone());
            makers.push(maker);
        }
        if makers.is_empty() {
            return Err(wrong(place, "a union has no type beside null"));
        }
        let builder = if place.optional { builder.optional() } else { builder };
        Ok(Maker::new(try_build(builder, place)?, Kind::Union { branches: makers, nullable }, self.made))
    }
}

fn boolean(rules: &Rules<'_>) -> Result<Kind, Problem> {
    Ok(match rules.alternating()? {
        Some(start) => Kind::Alternating { start },
        None => Kind::Boolean { odds: rules.odds()?.unwrap_or(0.5) },
    })
}

/// An integer, or a date or time over one.
fn integer(name: &str, schema: &Json, rules: &Rules<'_>) -> Result<(SchemaBuilder, Kind), Problem> {
    let int = (i32::MIN.into(), i32::MAX.into());
    let long = (i64::MIN, i64::MAX);
    let logical = schema.get("logicalType").and_then(Json::as_str);
    let (builder, all, form): (_, _, fn(i64) -> Value) = match (name, logical) {
        ("int", Some("date")) => (SchemaBuilder::date(), int, |days| Value::date(days as i32)),
        ("int", Some("time-millis")) => (SchemaBuilder::time(), (0, MILLIS_PER_DAY), |ms| Value::time(ms as i32)),
        ("int", _) => (SchemaBuilder::int32(), int, |number| Value::int32(number as i32)),
        (_, Some("timestamp-millis")) => (SchemaBuilder::timestamp(), long, Value::timestamp),
        (_, _) => (SchemaBuilder::int64(), long, Value::int64),
    };
    let read = |json: &Json| json.as_i64().filter(|number| (all.0..=all.1).contains(number));
    Ok((builder, Kind::Integer(numbers(rules, read, all, [0, 1, -1], all)?, form)))
}

/// A floating-point number, from 0 to 1 where no rule says anything; `most` = the largest there is.
fn float(rules: &Rules<'_>, most: f64, form: fn(f64) -> Value) -> Result<Kind, Problem> {
    let all = (-most, most);
    let read = |json: &Json| json.as_f64().filter(|number| (all.0..=all.1).contains(number));
    Ok(Kind::Float(numbers(rules, read, all, [0.0, 1.0, -1.0], (0.0, 1.0))?, form))
}

/// `all` = what the type holds, `usual` = from what numbers are taken where no rule says anything.
fn numbers<T: PartialOrd + std::fmt::Display + Copy>(
    rules: &Rules<'_>,
    read: impl Fn(&Json) -> Option<T>,
    all: (T, T),
    units: [T; 3],
    usual: (T, T),
) -> Result<Numbers<T>, Problem> {
    if let Some(iteration) = rules.iteration(&read, all, units)? {
        return Ok(Numbers::Iteration(iteration));
    }
    let (least, below) = rules.range(read, all)?.unwrap_or(usual);
    Ok(Numbers::Range { least, below })
}

fn text(rules: &Rules<'_>) -> Result<Text, Problem> {
    let affix = |name| rules.text(name).map(|text| text.unwrap_or_default().to_owned());
    let (prefix, suffix) = (affix("prefix")?, affix("suffix")?);
    let read = |json: &Json| json.as_i64().filter(|number| i32::try_from(*number).is_ok());
    let all = (i32::MIN.into(), i32::MAX.into());
    if let Some(iteration) = rules.iteration(read, all, [0, 1, -1])? {
        return Ok(Text::Numbered { prefix, suffix, iteration });
    }
    let Some(pattern) = rules.text("regex")? else {
        return Ok(Text::Letters { prefix, suffix, length: rules.length()? });
    };
    // A plain number beside a pattern is the least length.
    let length = rules.given_length()?.map(|mut length| {
        if rules.get("length").is_some_and(Json::is_number) {
            length.below = usize::MAX;
        }
        length
    });
    let made = Pattern::new(pattern, length).map_err(|error| rules.wrong(&format!("'regex' {pattern}: {error}")))?;
    Ok(Text::Pattern { prefix, suffix, pattern: made })
}

/// The keys of a map: text by rules or out of options.
fn keys(rules: &Rules<'_>) -> Result<Text, Problem> {
    match rules.get("options") {
        None => text(rules),
        Some(options) => {
            let all = options.as_array().and_then(|all| all.iter().map(Json::as_str).collect::<Option<Vec<_>>>());
            let all = all.filter(|all| !all.is_empty());
            let all = all.ok_or_else(|| rules.wrong("'options' of keys are no list of texts"))?;
            Ok(Text::Options(all.into_iter().map(str::to_owned).collect()))
        }
    }
}

/// Bytes, or a decimal over them. `size` = that of a fixed type.
fn bytes(schema: &Json, rules: &Rules<'_>, size: Option<usize>) -> Result<(SchemaBuilder, Kind), Problem> {
    if schema.get("logicalType").is_some_and(|name| name == "decimal") {
        return decimal(schema, rules);
    }
    let length = match size {
        Some(size) => crate::rules::Length { least: size, below: size + 1 },
        None => rules.length()?,
    };
    Ok((SchemaBuilder::bytes(), Kind::Bytes(length)))
}

fn decimal(schema: &Json, rules: &Rules<'_>) -> Result<(SchemaBuilder, Kind), Problem> {
    let number = |key: &str| schema.get(key).and_then(Json::as_u64).and_then(|number| u32::try_from(number).ok());
    let precision = number("precision").filter(|precision| (1..=1_000).contains(precision));
    let precision = precision.ok_or_else(|| rules.wrong("a decimal has no precision from 1 to 1000"))?;
    let scale = number("scale").unwrap_or(0);
    if scale > precision {
        return Err(rules.wrong(&format!("the scale ({scale}) is above the precision ({precision})")));
    }
    let end = BigInt::from(10).pow(precision);
    let all = (-f64::MAX, f64::MAX);
    let (least, below) = match rules.range(Json::as_f64, all)? {
        None => (-end.clone() + 1, end),
        Some((min, max)) => {
            let unscaled = |bound: f64, other: BigInt| match bound {
                bound if bound == all.0 || bound == all.1 => Some(other),
                bound => num_bigint::ToBigInt::to_bigint(&(bound * 10f64.powi(scale as i32)).round()),
            };
            let bounds = unscaled(min, -end.clone() + 1).zip(unscaled(max, end.clone()));
            let fits = |(least, below): &(BigInt, BigInt)| *least > -&end && *below <= end && least < below;
            bounds.filter(fits).ok_or_else(|| rules.wrong("'range' does not fit the precision and scale"))?
        }
    };
    let mut builder = SchemaBuilder::decimal(scale as i32);
    if precision != USUAL_PRECISION {
        builder = builder.parameter(PRECISION, precision.to_string());
    }
    Ok((builder, Kind::Decimal { least, below, scale: scale as i32 }))
}

fn try_build(builder: SchemaBuilder, place: Place<'_>) -> Result<Shared<Schema>, Problem> {
    builder.try_build().map_err(|error| wrong(place, Error::from_abi(error).message()))
}

/// The name of a branch's field: that of a record or enum without its namespace, else the type's.
fn branch_name(schema: &Json) -> String {
    let kind = schema.as_str().or_else(|| schema.get("type").and_then(Json::as_str)).unwrap_or("record");
    let own = schema.get("name").and_then(Json::as_str).filter(|_| kind == "record" || kind == "enum");
    let name = own.unwrap_or(kind);
    name.rsplit('.').next().unwrap_or(name).to_owned()
}

/// The text with blanks in place of comments, lines kept.
fn without_comments(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    let mut in_string = false;
    while let Some(char) = rest.next() {
        match (char, rest.peek()) {
            ('"', _) => in_string = !in_string,
            ('\\', Some(escaped)) if in_string => {
                plain.extend([char, *escaped]);
                rest.next();
                continue;
            }
            ('/', Some('/')) if !in_string => {
                while rest.next_if(|char| *char != '\n').is_some() {}
                continue;
            }
            ('/', Some('*')) if !in_string => {
                rest.next();
                let mut last = ' ';
                for char in rest.by_ref() {
                    if (last, char) == ('*', '/') {
                        break;
                    }
                    plain.extend((char == '\n').then_some(char));
                    last = char;
                }
                continue;
            }
            _ => {}
        }
        plain.push(char);
    }
    plain
}

fn full_name(name: &str, namespace: &str) -> String {
    if name.contains('.') || namespace.is_empty() { name.to_owned() } else { format!("{namespace}.{name}") }
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

fn wrong(place: Place<'_>, what: &str) -> Problem {
    if place.path.is_empty() { what.to_owned() } else { format!("{}: {what}", place.path) }
}
