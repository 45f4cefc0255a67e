//! A client of the registry's REST API.
//!
//! [`Client`] speaks of schemas; `http` sends its requests and tries again, `failure` says what an answer means for the
//! record, `rules` which schemas want more done than is done here; `auth`, `oauth` and `tls` are what a request needs to be
//! let in.

mod auth;
mod failure;
mod http;
mod oauth;
mod rules;
mod tls;

use std::sync::Arc;

use ferroconnect_plugin_sdk::{Config, ConfigDef, Error, Result, warn};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value as Json, json};

use crate::kept::Kept;
use crate::wire::SchemaKey;
use http::Http;
use rules::Rules;
pub(crate) use rules::Way;

/// A format of schemas.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Format {
    /// Apache Avro.
    Avro,
    /// Protocol Buffers.
    Protobuf,
    /// JSON Schema.
    Json,
}

impl Format {
    const ALL: [Format; 3] = [Format::Avro, Format::Protobuf, Format::Json];

    /// What the registry calls it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Format::Avro => "AVRO",
            Format::Protobuf => "PROTOBUF",
            Format::Json => "JSON",
        }
    }
}

/// A registered schema with all that it refers to.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Document {
    /// The schema.
    pub(crate) text: String,
    /// Schemas that it refers to, directly or not, each behind those that it needs itself; names are unique.
    pub(crate) imports: Vec<Import>,
}

/// A schema that another one refers to.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Import {
    /// What the referring schema calls it: a full name in Avro, a file in Protobuf, a URL in JSON Schema.
    pub(crate) name: String,
    /// The schema.
    pub(crate) text: String,
}

/// A registered schema and its number.
#[derive(Debug, Clone)]
pub(crate) struct Registered {
    /// The number that payloads begin with.
    pub(crate) id: i32,
    /// The schema.
    pub(crate) document: Arc<Document>,
}

/// A client of one registry, which may have several addresses. Remembers what was asked by number: schemas, and their
/// versions in subjects. Not shared among threads.
pub(crate) struct Client {
    http: Http,
    format: Format,
    documents: Kept<SchemaKey, (Arc<Document>, Rules)>,
    /// By the number of the schema and its subject; none where the subject does not have it.
    versions: Kept<(i32, String), Option<i32>>,
    /// Whether it was said that versions are not to be had.
    warned_of_versions: bool,
}

/// How far references may go: a registry that answers in circles must not hang a task.
const DEEPEST_REFERENCE: usize = 100;

/// Everything but letters, digits and what never has a meaning in a path.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

impl Client {
    /// Adds the keys of a client.
    pub(crate) fn keys(def: ConfigDef) -> ConfigDef {
        tls::keys(auth::keys(http::keys(def)))
    }

    /// The client of a configuration. Asks the registry nothing yet. `kept` = how many schemas it remembers, and how many
    /// versions.
    ///
    /// # Errors
    /// A config error that names the key; it shows no password.
    pub(crate) fn new(config: &Config, format: Format, kept: usize) -> Result<Client> {
        let (documents, versions) = (Kept::new(kept), Kept::new(kept));
        Ok(Client { http: Http::new(config)?, format, documents, versions, warned_of_versions: false })
    }

    /// Registers a schema, or finds it registered, and gives its number.
    ///
    /// # Errors
    /// A data error with the registry's reason where it refuses the schema, or where the schema has rules; a retriable one
    /// where the registry cannot be reached.
    pub(crate) fn register(&mut self, subject: &str, text: &str, normalize: bool) -> Result<i32> {
        let path = format!("/subjects/{}/versions?normalize={normalize}", segment(subject));
        let answer = self.http.post(&path, &self.body(text)).map_err(|failure| {
            failure.into_error(&format!("Registering the {} schema of subject {subject}", self.format.name()))
        })?;
        let id = integer(&answer, "id")?;
        // The registry may give a schema the rules of the version before it.
        Rules::of(&answer).check(Way::Write, &format!("schema {id} of subject {subject}"))?;
        Ok(id)
    }

    /// The number and the version of a schema that is registered under a subject.
    ///
    /// # Errors
    /// A data error with the registry's reason where it is not registered; as [`Client::register`].
    pub(crate) fn look_up(&mut self, subject: &str, text: &str, normalize: bool) -> Result<(i32, i32)> {
        let path = format!("/subjects/{}?normalize={normalize}", segment(subject));
        let answer = self.http.post(&path, &self.body(text)).map_err(|failure| {
            failure.into_error(&format!("Looking up the {} schema of subject {subject}", self.format.name()))
        })?;
        let id = integer(&answer, "id")?;
        Rules::of(&answer).check(Way::Write, &format!("schema {id} of subject {subject}"))?;
        Ok((id, integer(&answer, "version")?))
    }

    /// The version that the schema of a number has under a subject; none where the subject does not have it, or where the
    /// registry does not tell: records can be read without.
    ///
    /// # Errors
    /// A retriable error where the registry cannot be reached, a config error where it does not know the credentials.
    pub(crate) fn version(&mut self, subject: &str, id: i32) -> Result<Option<i32>> {
        let key = (id, subject.to_owned());
        if let Some(known) = self.versions.get(&key) {
            return Ok(*known);
        }
        let version = self.ask_version(subject, id)?;
        self.versions.insert(key, version);
        Ok(version)
    }

    fn ask_version(&mut self, subject: &str, id: i32) -> Result<Option<i32>> {
        let path = format!("/schemas/ids/{id}/versions");
        let what = || format!("Asking for the versions of schema {id}");
        let answer = match self.http.get(&path) {
            Ok(answer) => answer,
            Err(failure) if failure.is_not_found() => return Ok(None),
            Err(failure) if failure.is_lasting_refusal() => {
                if !std::mem::replace(&mut self.warned_of_versions, true) {
                    let error = failure.into_error(&what());
                    warn!("Connect schemas are without the versions of their subjects: {}", error.message());
                }
                return Ok(None);
            }
            Err(failure) => return Err(failure.into_error(&what())),
        };
        let uses = answer.as_array().ok_or_else(|| unexpected(&what(), "a list"))?;
        let own = uses.iter().find(|usage| usage.get("subject").and_then(Json::as_str) == Some(subject));
        own.map(|usage| integer(usage, "version")).transpose()
    }

    /// The latest schema of a subject.
    ///
    /// # Errors
    /// As [`Client::look_up`].
    pub(crate) fn latest(&mut self, subject: &str) -> Result<Registered> {
        let what = format!("Asking for the latest schema of subject {subject}");
        let answer = self.http.get(&format!("/subjects/{}/versions/latest", segment(subject)));
        let answer = answer.map_err(|failure| failure.into_error(&what))?;
        let id = integer(&answer, "id")?;
        Rules::of(&answer).check(Way::Write, &format!("schema {id} of subject {subject}"))?;
        Ok(Registered { id, document: Arc::new(self.document(&answer, &what)?) })
    }

    /// The schema of a number, for data that goes this way.
    ///
    /// # Errors
    /// A data error where the registry has none, one of another format or one with rules; a retriable one where it cannot be
    /// reached.
    pub(crate) fn by_key(&mut self, key: SchemaKey, way: Way) -> Result<Arc<Document>> {
        if let Some((document, rules)) = self.documents.get(&key) {
            rules.check(way, &format!("schema {key}"))?;
            return Ok(Arc::clone(document));
        }
        let what = format!("Asking for schema {key}");
        let path = match key {
            SchemaKey::Id(id) => format!("/schemas/ids/{id}"),
            SchemaKey::Guid(_) => format!("/schemas/guids/{key}"),
        };
        let answer = self.http.get(&path).map_err(|failure| failure.into_error(&what))?;
        let rules = Rules::of(&answer);
        let document = Arc::new(self.document(&answer, &what)?);
        self.documents.insert(key, (Arc::clone(&document), rules.clone()));
        rules.check(way, &format!("schema {key}"))?;
        Ok(document)
    }

    fn body(&self, text: &str) -> Json {
        match self.format {
            Format::Avro => json!({ "schema": text }),
            other => json!({ "schemaType": other.name(), "schema": text }),
        }
    }

    /// The schema of an answer, with what it refers to.
    fn document(&mut self, answer: &Json, what: &str) -> Result<Document> {
        let mut imports = Vec::new();
        let text = self.schema(answer, what, &mut imports, 0)?;
        Ok(Document { text, imports })
    }

    fn schema(&mut self, answer: &Json, what: &str, imports: &mut Vec<Import>, depth: usize) -> Result<String> {
        let name = answer.get("schemaType").and_then(Json::as_str).unwrap_or(Format::Avro.name());
        if !Format::ALL.into_iter().any(|format| format == self.format && format.name() == name) {
            let own = self.format.name();
            return Err(Error::data(format!("{what}: it is a schema of type {name}, and this converter reads {own}")));
        }
        let text = answer.get("schema").and_then(Json::as_str).ok_or_else(|| unexpected(what, "a schema"))?;
        let references = answer.get("references").and_then(Json::as_array).map_or(&[][..], Vec::as_slice);
        for reference in references {
            self.reference(reference, what, imports, depth)?;
        }
        Ok(text.to_owned())
    }

    fn reference(&mut self, reference: &Json, what: &str, imports: &mut Vec<Import>, depth: usize) -> Result<()> {
        let field = |name: &str| reference.get(name).and_then(Json::as_str);
        let (Some(name), Some(subject)) = (field("name"), field("subject")) else {
            return Err(unexpected(what, "references with name and subject"));
        };
        if imports.iter().any(|import| import.name == name) {
            return Ok(());
        }
        if depth == DEEPEST_REFERENCE {
            return Err(Error::data(format!("{what}: references go deeper than {DEEPEST_REFERENCE} schemas")));
        }
        let version = integer(reference, "version")?;
        let what = format!("{what}: its reference '{name}', version {version} of subject {subject}");
        let answer = self.http.get(&format!("/subjects/{}/versions/{version}?deleted=true", segment(subject)));
        let answer = answer.map_err(|failure| failure.into_error(&what))?;
        let text = self.schema(&answer, &what, imports, depth + 1)?;
        imports.push(Import { name: name.to_owned(), text });
        Ok(())
    }
}

fn segment(text: &str) -> impl std::fmt::Display {
    utf8_percent_encode(text, SEGMENT)
}

fn integer(answer: &Json, field: &str) -> Result<i32> {
    let number = answer.get(field).and_then(Json::as_i64).and_then(|number| i32::try_from(number).ok());
    number.ok_or_else(|| unexpected("An answer of the schema registry", &format!("a number '{field}'")))
}

/// What answers so is no registry, or one that is not well: that is no fault of the record.
fn unexpected(what: &str, missing: &str) -> Error {
    Error::retriable(format!("{what}: the answer of the schema registry has not {missing}. Is its address right?"))
}
