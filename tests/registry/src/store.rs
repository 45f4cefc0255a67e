//! Schemas, subjects and versions.

use std::collections::BTreeMap;

use apache_avro::Schema as Avro;
use apache_avro::schema_compatibility::SchemaCompatibility;
use serde_json::Value as Json;

/// Which changes of a schema are allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// All.
    None,
    /// New readers read old data.
    Backward,
    /// Old readers read new data.
    Forward,
    /// Both.
    Full,
}

impl Level {
    /// The level of a name; those that look at all versions are taken for those that look at the last.
    pub(crate) fn of(name: &str) -> Option<Level> {
        Some(match name.strip_suffix("_TRANSITIVE").unwrap_or(name) {
            "NONE" => Level::None,
            "BACKWARD" => Level::Backward,
            "FORWARD" => Level::Forward,
            "FULL" => Level::Full,
            _ => return None,
        })
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Level::None => "NONE",
            Level::Backward => "BACKWARD",
            Level::Forward => "FORWARD",
            Level::Full => "FULL",
        }
    }
}

/// A schema that another one refers to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// What it is called there.
    pub name: String,
    /// Its subject.
    pub subject: String,
    /// Its version in that subject.
    pub version: i32,
}

/// A refusal.
#[derive(Debug, Clone)]
pub(crate) struct Problem {
    pub(crate) status: u16,
    pub(crate) code: i32,
    pub(crate) message: String,
}

impl Problem {
    pub(crate) fn new(status: u16, code: i32, message: impl Into<String>) -> Problem {
        Problem { status, code, message: message.into() }
    }

    fn subject(subject: &str) -> Problem {
        Problem::new(404, 40401, format!("Subject '{subject}' not found."))
    }

    fn invalid(reason: impl std::fmt::Display) -> Problem {
        Problem::new(422, 42201, format!("Invalid schema: {reason}"))
    }
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Schema {
    pub(crate) kind: String,
    pub(crate) text: String,
    pub(crate) references: Vec<Reference>,
    pub(crate) guid: [u8; 16],
}

#[derive(Debug, Default)]
pub(crate) struct Store {
    /// The schema with id n stands at n - 1.
    schemas: Vec<Schema>,
    /// The ids of each subject's versions, from version 1.
    subjects: BTreeMap<String, Vec<i32>>,
    /// By id: what data contracts want done. Made by hand only.
    rules: BTreeMap<i32, Json>,
    levels: BTreeMap<String, Level>,
    level: Option<Level>,
}

impl Store {
    pub(crate) fn schema(&self, id: i32) -> Result<&Schema, Problem> {
        let index = usize::try_from(id - 1).ok();
        let schema = index.and_then(|index| self.schemas.get(index));
        schema.ok_or_else(|| Problem::new(404, 40403, format!("Schema {id} not found")))
    }

    pub(crate) fn by_guid(&self, guid: &str) -> Result<&Schema, Problem> {
        let own = |schema: &&Schema| dashed(&schema.guid) == guid;
        self.schemas.iter().find(own).ok_or_else(|| Problem::new(404, 40403, "Schema not found"))
    }

    pub(crate) fn subjects(&self) -> Vec<String> {
        self.subjects.keys().cloned().collect()
    }

    pub(crate) fn versions(&self, subject: &str) -> Result<&[i32], Problem> {
        self.subjects.get(subject).map(Vec::as_slice).ok_or_else(|| Problem::subject(subject))
    }

    pub(crate) fn texts(&self, subject: &str) -> Vec<String> {
        let ids = self.subjects.get(subject).map_or(&[][..], Vec::as_slice);
        ids.iter().filter_map(|id| self.schema(*id).ok()).map(|schema| schema.text.clone()).collect()
    }

    /// The id and version of a version's name: a number or `latest`.
    pub(crate) fn version(&self, subject: &str, version: &str) -> Result<(i32, i32), Problem> {
        let ids = self.versions(subject)?;
        let number = match version {
            "latest" | "-1" => ids.len() as i32,
            text => text.parse().ok().filter(|number| *number >= 1).ok_or_else(|| {
                Problem::new(422, 42202, format!("The specified version '{text}' is not a valid version id."))
            })?,
        };
        let id = ids.get(number as usize - 1);
        let id = id.ok_or_else(|| Problem::new(404, 40402, format!("Version {number} not found.")))?;
        Ok((*id, number))
    }

    /// Where a schema stands: subjects and versions.
    pub(crate) fn uses(&self, id: i32) -> Vec<(String, i32)> {
        let all = self.subjects.iter().flat_map(|(subject, ids)| {
            ids.iter().enumerate().map(move |(index, id)| (subject.clone(), index as i32 + 1, *id))
        });
        all.filter(|(_, _, own)| *own == id).map(|(subject, version, _)| (subject, version)).collect()
    }

    /// The id and version of a schema in a subject.
    pub(crate) fn look_up(
        &self,
        subject: &str,
        kind: &str,
        text: &str,
        references: &[Reference],
    ) -> Result<(i32, i32), Problem> {
        self.check(kind, text, references)?;
        let ids = self.versions(subject)?;
        let found = ids.iter().position(|id| self.schema(*id).is_ok_and(|own| same(own, kind, text, references)));
        let index = found.ok_or_else(|| Problem::new(404, 40403, "Schema not found"))?;
        Ok((ids[index], index as i32 + 1))
    }

    pub(crate) fn register(
        &mut self,
        subject: &str,
        kind: &str,
        text: &str,
        references: Vec<Reference>,
    ) -> Result<i32, Problem> {
        if let Ok((id, _)) = self.look_up(subject, kind, text, &references) {
            return Ok(id);
        }
        self.check(kind, text, &references)?;
        if let Some(last) = self.subjects.get(subject).and_then(|ids| ids.last()) {
            self.compatible(subject, *last, kind, text, &references)?;
        }
        let known = self.schemas.iter().position(|own| same(own, kind, text, &references));
        let id = match known {
            Some(index) => index as i32 + 1,
            None => {
                let mut guid = [0xab; 16];
                guid[12..].copy_from_slice(&(self.schemas.len() as u32 + 1).to_be_bytes());
                let (kind, text) = (kind.to_owned(), text.to_owned());
                self.schemas.push(Schema { kind, text, references, guid });
                self.schemas.len() as i32
            }
        };
        self.subjects.entry(subject.to_owned()).or_default().push(id);
        Ok(id)
    }

    pub(crate) fn set_rules(&mut self, id: i32, rules: Json) {
        self.rules.insert(id, rules);
    }

    /// The rules of a schema, where it has some.
    pub(crate) fn rules(&self, schema: &Schema) -> Option<&Json> {
        let index = self.schemas.iter().position(|own| own.guid == schema.guid)?;
        self.rules.get(&(index as i32 + 1))
    }

    pub(crate) fn set_level(&mut self, subject: Option<&str>, level: Level) {
        match subject {
            Some(subject) => drop(self.levels.insert(subject.to_owned(), level)),
            None => self.level = Some(level),
        }
    }

    pub(crate) fn level(&self, subject: Option<&str>) -> Level {
        let own = subject.and_then(|subject| self.levels.get(subject)).copied();
        own.or(self.level).unwrap_or(Level::Backward)
    }

    /// Whether a schema may follow version `last` of a subject. Only Avro's rules are known here.
    pub(crate) fn compatible(
        &self,
        subject: &str,
        last: i32,
        kind: &str,
        text: &str,
        references: &[Reference],
    ) -> Result<(), Problem> {
        let level = self.level(Some(subject));
        let old = self.schema(last)?;
        let incompatible = |reason: String| {
            let subject_text = format!("for subject \"{subject}\", details: [{reason}]");
            Problem::new(
                409,
                409,
                format!("Schema being registered is incompatible with an earlier schema {subject_text}"),
            )
        };
        if level == Level::None {
            return Ok(());
        }
        if old.kind != kind {
            return Err(incompatible(format!("the old type is {} and the new one {kind}", old.kind)));
        }
        if kind != "AVRO" {
            return Ok(());
        }
        let (old, new) = (self.avro(&old.text, &old.references)?, self.avro(text, references)?);
        let can_read = |writer: &Avro, reader: &Avro| {
            SchemaCompatibility::can_read(writer, reader).map_err(|error| incompatible(error.to_string()))
        };
        if matches!(level, Level::Backward | Level::Full) {
            can_read(&old, &new)?;
        }
        if matches!(level, Level::Forward | Level::Full) {
            can_read(&new, &old)?;
        }
        Ok(())
    }

    fn check(&self, kind: &str, text: &str, references: &[Reference]) -> Result<(), Problem> {
        for reference in references {
            self.version(&reference.subject, &reference.version.to_string())?;
        }
        match kind {
            "AVRO" => self.avro(text, references).map(drop),
            "JSON" => serde_json::from_str::<Json>(text).map(drop).map_err(Problem::invalid),
            "PROTOBUF" if !text.trim().is_empty() => Ok(()),
            "PROTOBUF" => Err(Problem::invalid("it is empty")),
            other => Err(Problem::invalid(format!("Invalid schema type {other}"))),
        }
    }

    fn avro(&self, text: &str, references: &[Reference]) -> Result<Avro, Problem> {
        let mut imports = Vec::new();
        self.imports(references, &mut imports)?;
        let (schema, _) = Avro::parse_str_with_list(text, imports).map_err(Problem::invalid)?;
        Ok(schema)
    }

    fn imports(&self, references: &[Reference], imports: &mut Vec<String>) -> Result<(), Problem> {
        for reference in references {
            let (id, _) = self.version(&reference.subject, &reference.version.to_string())?;
            let schema = self.schema(id)?;
            self.imports(&schema.references, imports)?;
            if !imports.contains(&schema.text) {
                imports.push(schema.text.clone());
            }
        }
        Ok(())
    }
}

/// Two texts are one schema where they differ in blanks only.
fn same(own: &Schema, kind: &str, text: &str, references: &[Reference]) -> bool {
    let plain = |text: &str| serde_json::from_str::<Json>(text).ok();
    own.kind == kind
        && own.references == references
        && (own.text == text || (kind != "PROTOBUF" && plain(&own.text) == plain(text)))
}

/// The usual form of a GUID.
pub(crate) fn dashed(guid: &[u8; 16]) -> String {
    let hex: String = guid.iter().map(|byte| format!("{byte:02x}")).collect();
    [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
}
