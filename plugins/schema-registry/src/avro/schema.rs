//! Avro schemas as the converter looks at them.
//!
//! Types stand in one list and name each other by their place in it, so that a record may contain itself. What Avro does
//! not know about a type is kept: the converter finds Connect's names and defaults there.

use std::collections::HashMap;
use std::fmt;

use serde_json::{Map, Value as Json};

use super::names;
use crate::client::Document;

/// The place of a type in its schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct TypeId(usize);

/// A parsed schema.
#[derive(Debug)]
pub(super) struct AvroSchema {
    types: Vec<Type>,
    root: TypeId,
}

/// One type.
#[derive(Debug)]
pub(super) struct Type {
    /// What it is.
    pub(super) kind: Kind,
    /// All attributes as they stand in the text; none for those written as a mere name.
    pub(super) attributes: Map<String, Json>,
}

/// What a type is.
#[derive(Debug)]
pub(super) enum Kind {
    Null,
    Boolean,
    Int,
    Long,
    Float,
    Double,
    Bytes,
    String,
    Array(TypeId),
    Map(TypeId),
    Union(Vec<TypeId>),
    Record(Record),
    Enum(Enum),
    Fixed { name: String, size: usize },
}

#[derive(Debug)]
pub(super) struct Record {
    /// The full name.
    pub(super) name: String,
    pub(super) fields: Vec<Field>,
}

#[derive(Debug)]
pub(super) struct Field {
    pub(super) name: String,
    pub(super) doc: Option<String>,
    pub(super) default: Option<Json>,
    pub(super) kind: TypeId,
}

#[derive(Debug)]
pub(super) struct Enum {
    /// The full name.
    pub(super) name: String,
    pub(super) symbols: Vec<String>,
    pub(super) default: Option<String>,
}

impl Kind {
    /// The full name of a record, enum or fixed; the type's name for others.
    pub(super) fn name(&self) -> &str {
        match self {
            Kind::Null => "null",
            Kind::Boolean => "boolean",
            Kind::Int => "int",
            Kind::Long => "long",
            Kind::Float => "float",
            Kind::Double => "double",
            Kind::Bytes => "bytes",
            Kind::String => "string",
            Kind::Array(_) => "array",
            Kind::Map(_) => "map",
            Kind::Union(_) => "union",
            Kind::Record(record) => &record.name,
            Kind::Enum(symbols) => &symbols.name,
            Kind::Fixed { name, .. } => name,
        }
    }
}

impl Type {
    /// An attribute that is text.
    pub(super) fn text(&self, attribute: &str) -> Option<&str> {
        self.attributes.get(attribute).and_then(Json::as_str)
    }

    /// The logical type, in lower case.
    pub(super) fn logical(&self) -> Option<String> {
        self.text("logicalType").map(str::to_ascii_lowercase)
    }
}

/// What is wrong with a schema's text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Invalid(String);

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the Avro schema is not valid: {}", self.0)
    }
}

impl AvroSchema {
    /// Reads a schema, the ones it refers to first.
    ///
    /// # Errors
    /// What is wrong, with the type's name.
    pub(super) fn parse(document: &Document) -> Result<AvroSchema, Invalid> {
        let mut parser = Parser { types: Vec::new(), named: HashMap::new() };
        for import in &document.imports {
            parser.text(&import.text)?;
        }
        let root = parser.text(&document.text)?;
        Depths { types: &parser.types, known: vec![None; parser.types.len()] }.of(root, 0)?;
        Ok(AvroSchema { types: parser.types, root })
    }

    /// The type at the top.
    pub(super) fn root(&self) -> TypeId {
        self.root
    }

    /// A type by its place.
    pub(super) fn get(&self, id: TypeId) -> &Type {
        &self.types[id.0]
    }

    /// Whether the type is null.
    pub(super) fn is_null(&self, id: TypeId) -> bool {
        matches!(self.get(id).kind, Kind::Null)
    }
}

/// How deep types may nest. All that goes through a schema calls itself for each level, and a thread's stack ends.
pub(super) const DEEPEST: usize = 100;

/// Finds schemas that nest too deep: by names they can do so without many brackets.
struct Depths<'a> {
    types: &'a [Type],
    /// The levels of each type that was looked at.
    known: Vec<Option<usize>>,
}

impl Depths<'_> {
    /// How many levels there are within a type that stands in `around` others. A type within itself counts once.
    fn of(&mut self, id: TypeId, around: usize) -> Result<usize, Invalid> {
        if let Some(known) = self.known[id.0] {
            return Ok(known);
        }
        self.known[id.0] = Some(0);
        let kind = &self.types[id.0].kind;
        let mut depth = 0;
        if around <= DEEPEST {
            let inner: Vec<TypeId> = match kind {
                Kind::Array(inner) | Kind::Map(inner) => vec![*inner],
                Kind::Union(branches) => branches.clone(),
                Kind::Record(record) => record.fields.iter().map(|field| field.kind).collect(),
                _ => Vec::new(),
            };
            for inner in inner {
                depth = depth.max(1 + self.of(inner, around + 1)?);
            }
        }
        if around.max(depth) > DEEPEST {
            return Err(Invalid(format!("{}: types nest deeper than {DEEPEST} levels", kind.name())));
        }
        self.known[id.0] = Some(depth);
        Ok(depth)
    }
}

struct Parser {
    types: Vec<Type>,
    named: HashMap<String, TypeId>,
}

impl Parser {
    fn text(&mut self, text: &str) -> Result<TypeId, Invalid> {
        // A schema that is a mere name, such as `string`, may stand without quotes.
        let json = serde_json::from_str(text).or_else(|error| {
            let plain = text.trim();
            if plain.bytes().all(|byte| byte.is_ascii_alphabetic()) { Ok(Json::from(plain)) } else { Err(error) }
        });
        let json = json.map_err(|error| Invalid(format!("it is no JSON: {error}")))?;
        self.parse(&json, "")
    }

    fn add(&mut self, kind: Kind, attributes: &Map<String, Json>) -> TypeId {
        self.types.push(Type { kind, attributes: attributes.clone() });
        TypeId(self.types.len() - 1)
    }

    fn parse(&mut self, json: &Json, namespace: &str) -> Result<TypeId, Invalid> {
        match json {
            Json::String(name) => self.by_name(name, namespace, &Map::new()),
            Json::Array(branches) => {
                let branches = branches.iter().map(|branch| self.parse(branch, namespace));
                let branches: Vec<TypeId> = branches.collect::<Result<_, _>>()?;
                Ok(self.add(Kind::Union(branches), &Map::new()))
            }
            Json::Object(attributes) => match attributes.get("type") {
                Some(Json::String(name)) => self.object(name, attributes, namespace),
                // {"type": {"type": …}}: the inner one is meant.
                Some(inner) => self.parse(inner, namespace),
                None => Err(Invalid("a type is missing".to_owned())),
            },
            other => Err(Invalid(format!("{other} is no type"))),
        }
    }

    fn by_name(&mut self, name: &str, namespace: &str, attributes: &Map<String, Json>) -> Result<TypeId, Invalid> {
        let kind = match name {
            "null" => Kind::Null,
            "boolean" => Kind::Boolean,
            "int" => Kind::Int,
            "long" => Kind::Long,
            "float" => Kind::Float,
            "double" => Kind::Double,
            "bytes" => Kind::Bytes,
            "string" => Kind::String,
            _ => {
                let found = self.named.get(&full_name(name, namespace)).or_else(|| self.named.get(name));
                return found.copied().ok_or_else(|| Invalid(format!("there is no type '{name}'")));
            }
        };
        Ok(self.add(kind, attributes))
    }

    fn object(&mut self, kind: &str, attributes: &Map<String, Json>, namespace: &str) -> Result<TypeId, Invalid> {
        let inner = |name: &str| {
            attributes.get(name).ok_or_else(|| Invalid(format!("a type '{kind}' has no attribute '{name}'")))
        };
        match kind {
            "array" => {
                let items = self.parse(inner("items")?, namespace)?;
                Ok(self.add(Kind::Array(items), attributes))
            }
            "map" => {
                let values = self.parse(inner("values")?, namespace)?;
                Ok(self.add(Kind::Map(values), attributes))
            }
            "record" | "error" | "enum" | "fixed" => {
                let name = inner("name")?.as_str().ok_or_else(|| Invalid("a name is no text".to_owned()))?;
                let namespace = attributes.get("namespace").and_then(Json::as_str).unwrap_or(namespace);
                self.define(kind, full_name(name, namespace), attributes)
            }
            name => self.by_name(name, namespace, attributes),
        }
    }

    fn define(&mut self, kind: &str, name: String, attributes: &Map<String, Json>) -> Result<TypeId, Invalid> {
        // The place is taken first, so that the type may name itself.
        let id = self.add(Kind::Null, attributes);
        if self.named.insert(name.clone(), id).is_some() {
            return Err(Invalid(format!("{name} is defined twice")));
        }
        let wrong = |what: &str| Invalid(format!("{name}: {what}"));
        let kind = match kind {
            "enum" => {
                let symbols = attributes.get("symbols").and_then(Json::as_array);
                let symbols: Option<Vec<String>> =
                    symbols.and_then(|all| all.iter().map(|symbol| symbol.as_str().map(str::to_owned)).collect());
                let symbols = symbols.ok_or_else(|| wrong("an enum has a list of symbols"))?;
                let default = attributes.get("default").and_then(Json::as_str).map(str::to_owned);
                Kind::Enum(Enum { name, symbols, default })
            }
            "fixed" => {
                let size = attributes.get("size").and_then(Json::as_u64).and_then(|size| usize::try_from(size).ok());
                let size = size.ok_or_else(|| wrong("a fixed type has a size"))?;
                Kind::Fixed { name, size }
            }
            _ => {
                let fields = attributes.get("fields").and_then(Json::as_array);
                let fields = fields.ok_or_else(|| wrong("a record has a list of fields"))?;
                let namespace = names::split(&name).0.to_owned();
                let fields = fields.iter().map(|field| self.field(field, &namespace, &name));
                let fields = fields.collect::<Result<_, _>>()?;
                Kind::Record(Record { name, fields })
            }
        };
        self.types[id.0].kind = kind;
        Ok(id)
    }

    fn field(&mut self, json: &Json, namespace: &str, record: &str) -> Result<Field, Invalid> {
        let text = |name: &str| json.get(name).and_then(Json::as_str).map(str::to_owned);
        let name = text("name").ok_or_else(|| Invalid(format!("{record}: a field has no name")))?;
        let kind = json.get("type").ok_or_else(|| Invalid(format!("{record}.{name}: the type is missing")))?;
        let kind = self.parse(kind, namespace)?;
        Ok(Field { name, doc: text("doc"), default: json.get("default").cloned(), kind })
    }
}

fn full_name(name: &str, namespace: &str) -> String {
    if name.contains('.') || namespace.is_empty() { name.to_owned() } else { format!("{namespace}.{name}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::Import;

    fn parse(text: &str) -> Result<AvroSchema, Invalid> {
        AvroSchema::parse(&Document { text: text.to_owned(), imports: Vec::new() })
    }

    #[test]
    fn names_are_found_in_their_namespace_and_a_record_may_contain_itself() {
        let schema = parse(
            r#"{"type":"record","name":"Node","namespace":"a.b","fields":[
                {"name":"next","type":["null","Node"]},
                {"name":"color","type":{"type":"enum","name":"Color","symbols":["RED"]}},
                {"name":"other","type":"a.b.Color"}]}"#,
        )
        .expect("valid");
        let Kind::Record(node) = &schema.get(schema.root()).kind else { panic!("a record") };
        assert_eq!(node.name, "a.b.Node");
        let Kind::Union(branches) = &schema.get(node.fields[0].kind).kind else { panic!("a union") };
        assert_eq!(branches[1], schema.root());
        assert_eq!(node.fields[1].kind, node.fields[2].kind);
    }

    #[test]
    fn imports_come_first() {
        let import = r#"{"type":"fixed","name":"Hash","namespace":"x","size":4}"#;
        let imports = vec![Import { name: "x.Hash".into(), text: import.into() }];
        let schema = AvroSchema::parse(&Document { text: r#""x.Hash""#.into(), imports }).expect("valid");
        assert!(matches!(schema.get(schema.root()).kind, Kind::Fixed { size: 4, .. }));
    }

    #[test]
    fn names_do_not_nest_without_end() {
        let record = |number: usize, inner: &str| {
            let text = format!(r#"{{"type":"record","name":"R{number}","fields":[{{"name":"f","type":{inner}}}]}}"#);
            Import { name: format!("R{number}"), text }
        };
        let chain = |length: usize| {
            let inner =
                |number: usize| if number == 0 { r#""int""#.to_owned() } else { format!(r#""R{}""#, number - 1) };
            let imports = (0..length).map(|number| record(number, &inner(number))).collect();
            // Looked at from the inside out first, and from the outside in.
            ["[%]", r#"["R0","R1","R2","R3",%]"#].map(|text| {
                let text = text.replace('%', &format!(r#""R{}""#, length - 1));
                AvroSchema::parse(&Document { text, imports: Vec::clone(&imports) }).map(drop)
            })
        };
        assert_eq!(chain(DEEPEST - 1), [Ok(()), Ok(())]);
        for refused in chain(5000) {
            let error = refused.expect_err("too deep").to_string();
            assert!(error.contains("types nest deeper than 100 levels"), "{error}");
        }
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (text, reason) in [
            ("{", "it is no JSON"),
            (r#"{"type":"record","name":"R"}"#, "R: a record has a list of fields"),
            (r#"{"type":"array"}"#, "a type 'array' has no attribute 'items'"),
            (r#"["null","Other"]"#, "there is no type 'Other'"),
            (r#"{"type":"fixed","name":"F","size":-1}"#, "F: a fixed type has a size"),
            ("7", "7 is no type"),
        ] {
            let error = parse(text).expect_err("not valid").to_string();
            assert!(error.contains(reason), "{error}");
        }
        assert!(matches!(parse("string").map(|s| s.types.len()), Ok(1)));
    }
}
