//! A JSON Schema with those that it refers to, and what its `$ref`s mean.

use crate::client::Document;
use ferroconnect_plugin_sdk::{Error, Result};
use percent_encoding::percent_decode_str;
use serde_json::Value as Json;

/// A schema and the schemas that it refers to.
#[derive(Debug)]
pub(super) struct Documents {
    root: Json,
    /// By the name that a `$ref` uses.
    imports: Vec<(String, Json)>,
}

/// A schema within one of the documents.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<'a> {
    /// The document that it stands in, which its own references begin from.
    document: &'a Json,
    /// The schema itself.
    pub(super) node: &'a Json,
}

impl<'a> Place<'a> {
    /// A part of this schema.
    pub(super) fn part(self, node: &'a Json) -> Place<'a> {
        Place { node, ..self }
    }

    /// The part of this schema under a key.
    pub(super) fn get(self, key: &str) -> Option<Place<'a>> {
        Some(self.part(self.node.get(key)?))
    }

    /// The list under a key.
    pub(super) fn list(self, key: &str) -> Option<Vec<Place<'a>>> {
        Some(self.node.get(key)?.as_array()?.iter().map(|node| self.part(node)).collect())
    }

    /// The text under a key.
    pub(super) fn text(self, key: &str) -> Option<&'a str> {
        self.node.get(key)?.as_str()
    }

    /// What makes this schema the same as another one: its address while the documents live.
    pub(super) fn identity(self) -> *const Json {
        self.node
    }
}

/// How many references may lead from one to the next.
const LONGEST_CHAIN: usize = 100;

impl Documents {
    /// Parses a registered schema and those that it refers to.
    ///
    /// # Errors
    /// A data error where one of them is no JSON.
    pub(super) fn parse(document: &Document) -> Result<Documents> {
        let parse = |text: &str, name: &str| {
            serde_json::from_str(text).map_err(|error| Error::data(format!("{name} is no JSON: {error}")))
        };
        let import = |import: &crate::client::Import| {
            Ok((import.name.clone(), parse(&import.text, &format!("The referenced schema '{}'", import.name))?))
        };
        let imports = document.imports.iter().map(import).collect::<Result<_>>()?;
        Ok(Documents { root: parse(&document.text, "The schema")?, imports })
    }

    /// The schema itself.
    pub(super) fn root(&self) -> Place<'_> {
        Place { document: &self.root, node: &self.root }
    }

    /// Follows the references of a schema to one that has none.
    ///
    /// # Errors
    /// A data error where one leads nowhere, or in a circle.
    pub(super) fn follow<'a>(&'a self, mut place: Place<'a>) -> Result<Place<'a>> {
        for _ in 0..LONGEST_CHAIN {
            let Some(reference) = place.text("$ref") else { return Ok(place) };
            place = self.resolve(place.document, reference).ok_or_else(|| self.unresolved(reference))?;
        }
        Err(Error::data("The references of the schema lead in a circle"))
    }

    fn unresolved(&self, reference: &str) -> Error {
        let names: Vec<_> = self.imports.iter().map(|(name, _)| name.as_str()).collect();
        let names = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
        Error::data(format!(
            "The reference '{reference}' of the schema leads nowhere. The schemas that it was registered with: {names}"
        ))
    }

    fn resolve<'a>(&'a self, document: &'a Json, reference: &str) -> Option<Place<'a>> {
        let (name, fragment) = reference.split_once('#').unwrap_or((reference, ""));
        let document = if name.is_empty() { document } else { self.document(document, name)? };
        let fragment = percent_decode_str(fragment).decode_utf8().ok()?;
        let node = match &*fragment {
            "" => document,
            pointer if pointer.starts_with('/') => document.pointer(pointer)?,
            anchor => {
                let id = format!("#{anchor}");
                let is_it = |node: &Json| {
                    let text = |key: &str| node.get(key).and_then(Json::as_str);
                    text("$anchor") == Some(anchor) || text("$id") == Some(&id)
                };
                find(document, &is_it)?
            }
        };
        Some(Place { document, node })
    }

    /// The document or the part of one with this name: a name it was registered with, or its own.
    fn document<'a>(&'a self, from: &'a Json, name: &str) -> Option<&'a Json> {
        let own_id = |node: &Json| node.get("$id").and_then(Json::as_str).map(|id| id.trim_end_matches('#').to_owned());
        let absolute = own_id(from).map_or_else(|| name.to_owned(), |base| join(&base, name));
        let import = |name: &str| self.imports.iter().find(|(import, _)| import == name).map(|(_, json)| json);
        let named = |node: &Json| own_id(node).is_some_and(|id| id == name || id == absolute);
        import(name)
            .or_else(|| import(&absolute))
            .or_else(|| [from, &self.root].into_iter().find_map(|document| find(document, &named)))
            .or_else(|| self.imports.iter().find_map(|(_, document)| find(document, &named)))
    }
}

/// The first schema for which this is true, at any depth.
fn find<'a>(node: &'a Json, is_it: &impl Fn(&Json) -> bool) -> Option<&'a Json> {
    if is_it(node) {
        return Some(node);
    }
    match node {
        Json::Object(properties) => properties.values().find_map(|node| find(node, is_it)),
        Json::Array(items) => items.iter().find_map(|node| find(node, is_it)),
        _ => None,
    }
}

/// A name relative to a URL: it takes the place of what stands behind the last slash.
fn join(base: &str, name: &str) -> String {
    if name.contains("://") {
        return name.to_owned();
    }
    let start = base.find("://").map_or(0, |scheme| scheme + 3);
    let end = match name.strip_prefix('/') {
        Some(_) => base[start..].find('/').map_or(base.len(), |slash| start + slash),
        None => base.rfind('/').filter(|slash| *slash >= start).map_or(base.len(), |slash| slash + 1),
    };
    format!("{}{name}", &base[..end])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::Import;

    fn documents(root: &str, imports: &[(&str, &str)]) -> Documents {
        let import = |(name, text): &(&str, &str)| Import { name: (*name).to_owned(), text: (*text).to_owned() };
        let document = Document { text: root.to_owned(), imports: imports.iter().map(import).collect() };
        Documents::parse(&document).expect("JSON")
    }

    fn title(documents: &Documents) -> Result<String> {
        let place = documents.follow(documents.root())?;
        Ok(place.text("title").unwrap_or_default().to_owned())
    }

    #[test]
    fn references_lead_to_parts_anchors_and_other_schemas() {
        let parts = r##""definitions": {"a b": {"title": "T"}, "c": {"$id": "#c", "title": "C"}}"##;
        for (reference, imports, expected) in [
            ("#/definitions/a%20b", &[][..], "T"),
            ("#c", &[], "C"),
            ("other.json", &[("other.json", r#"{"title": "O"}"#)], "O"),
            ("other.json#/x", &[("other.json", r#"{"x": {"title": "X"}}"#)], "X"),
            ("other.json", &[("http://h/d/other.json", r#"{"title": "R"}"#)], "R"),
            ("/d/other.json", &[("n", r#"{"$id": "http://h/d/other.json", "title": "I"}"#)], "I"),
            // The reference of another schema begins from there.
            ("a", &[("b", r#"{"title": "B"}"#), ("a", r##"{"$ref": "#/y", "y": {"$ref": "b"}}"##)], "B"),
        ] {
            let root = format!(r#"{{"$id": "http://h/d/root.json", "$ref": "{reference}", {parts}}}"#);
            assert_eq!(title(&documents(&root, imports)).expect(reference), expected, "{reference}");
        }
    }

    #[test]
    fn what_leads_nowhere_is_named() {
        let error = title(&documents(r#"{"$ref": "x"}"#, &[("y", "{}")])).expect_err("nowhere");
        assert!(error.message().contains("'x'") && error.message().ends_with(": y"), "{error}");
        let circle = documents(r##"{"$ref": "#/a", "a": {"$ref": "#"}}"##, &[]);
        assert!(title(&circle).expect_err("a circle").message().contains("circle"));
        let odd = Document { text: "{".into(), imports: Vec::new() };
        assert!(Documents::parse(&odd).expect_err("no JSON").message().starts_with("The schema is no JSON"));
    }
}
