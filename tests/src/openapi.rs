//! The description of the REST API (`docs/openapi.json`) as tests use it: its operations, and whether an answer is one of
//! those that are described.

use crate::repository;
use crate::wire::WireAnswer;
use serde_json::Value;

/// The document.
#[derive(Debug)]
pub struct Document(Value);

/// A method of a path.
#[derive(Debug, Clone, Copy)]
pub struct Operation<'a> {
    /// Upper case.
    pub method: &'static str,
    /// With `{…}` for its parameters.
    pub path: &'a str,
    description: &'a Value,
}

const METHODS: [(&str, &str); 5] =
    [("get", "GET"), ("post", "POST"), ("put", "PUT"), ("patch", "PATCH"), ("delete", "DELETE")];

impl Document {
    /// Reads the document of this repository.
    ///
    /// # Panics
    /// When it is not there or not JSON.
    pub fn load() -> Self {
        let path = repository().join("docs/openapi.json");
        let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        Self(serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display())))
    }

    /// All operations.
    pub fn operations(&self) -> Vec<Operation<'_>> {
        let paths = self.0["paths"].as_object().expect("the document has paths");
        let all = paths.iter().flat_map(|(path, item)| {
            METHODS.iter().filter_map(move |(key, method)| {
                let description = item.get(key)?;
                Some(Operation { method, path: path.as_str(), description })
            })
        });
        all.collect()
    }

    /// Parameters of an operation that stand in the query: name and schema.
    pub fn query<'a>(&'a self, operation: &Operation<'a>) -> Vec<(&'a str, &'a Value)> {
        let all = operation.description["parameters"].as_array().into_iter().flatten();
        let in_query = all.map(|parameter| self.resolve(parameter)).filter(|parameter| parameter["in"] == "query");
        in_query
            .map(|parameter| (parameter["name"].as_str().expect("parameters have names"), &parameter["schema"]))
            .collect()
    }

    /// An example of the operation's body and its schema, if it has one.
    pub fn body<'a>(&'a self, operation: &Operation<'a>) -> Option<(&'a Value, &'a Value)> {
        let content = operation.description.pointer("/requestBody/content/application~1json")?;
        Some((&content["example"], self.resolve(&content["schema"])))
    }

    /// Whether the answer is described: its status, and for that its body. The error says what is not.
    pub fn judge(&self, operation: &Operation<'_>, status: u16, answer: &WireAnswer) -> Result<(), String> {
        let Some(response) = operation.description["responses"].get(status.to_string()) else {
            return Err(format!("status {status} is not described"));
        };
        let Some(content) = self.resolve(response).get("content") else {
            return if answer.body().is_empty() { Ok(()) } else { Err("a body is not described".to_owned()) };
        };
        let Some(schema) = content.pointer("/application~1json/schema") else { return Ok(()) };
        let value = serde_json::from_str(answer.body()).map_err(|error| format!("the body is no JSON: {error}"))?;
        self.check(schema, &value).map_err(|problem| format!("the body is not as described: {problem}"))
    }

    fn resolve<'a>(&'a self, value: &'a Value) -> &'a Value {
        match value.get("$ref").and_then(Value::as_str) {
            Some(link) => {
                let target = self.0.pointer(link.trim_start_matches('#'));
                self.resolve(target.unwrap_or_else(|| panic!("{link} leads nowhere")))
            }
            None => value,
        }
    }

    /// Checks a value against a schema. Knows what our document uses, and refuses schemas that use more: a rule that is
    /// not looked at would hold nothing.
    ///
    /// # Panics
    /// When the schema has a rule that is not known here.
    pub fn check(&self, schema: &Value, value: &Value) -> Result<(), String> {
        let schema = self.resolve(schema);
        for (rule, operand) in schema.as_object().expect("a schema is an object") {
            let holds = match rule.as_str() {
                "description" | "default" | "format" => true,
                "type" => names(operand).any(|name| is_of_type(value, name)),
                "enum" => operand.as_array().is_some_and(|allowed| allowed.contains(value)),
                "oneOf" => {
                    let schemas = operand.as_array().into_iter().flatten();
                    schemas.filter(|schema| self.check(schema, value).is_ok()).count() == 1
                }
                "required" => value.as_object().is_none_or(|map| names(operand).all(|name| map.contains_key(name))),
                "properties" => {
                    let map = value.as_object().into_iter().flatten();
                    for (key, value) in map.filter(|(key, _)| operand.get(key.as_str()).is_some()) {
                        self.check(&operand[key], value).map_err(|problem| format!("{key}: {problem}"))?;
                    }
                    true
                }
                "additionalProperties" => {
                    let known = schema.get("properties");
                    let map = value.as_object().into_iter().flatten();
                    for (key, value) in
                        map.filter(|(key, _)| known.is_none_or(|known| known.get(key.as_str()).is_none()))
                    {
                        match operand {
                            Value::Bool(false) => return Err(format!("{key} is not described")),
                            schema => self.check(schema, value).map_err(|problem| format!("{key}: {problem}"))?,
                        }
                    }
                    true
                }
                "items" => {
                    for item in value.as_array().into_iter().flatten() {
                        self.check(operand, item)?;
                    }
                    true
                }
                other => panic!("this check does not know the rule {other}"),
            };
            if !holds {
                return Err(format!("{value} breaks {rule}: {operand}"));
            }
        }
        Ok(())
    }
}

fn names(value: &Value) -> impl Iterator<Item = &str> {
    let list = value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice);
    list.iter().filter_map(Value::as_str)
}

fn is_of_type(value: &Value, name: &str) -> bool {
    match name {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "string" => value.is_string(),
        "number" => value.is_number(),
        "integer" => value.is_i64() || value.is_u64(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => panic!("there is no type {other}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn values_are_checked_against_schemas() {
        let document = Document(json!({"components": {"schemas": {
            "Name": {"type": "string"},
            "Thing": {
                "type": "object",
                "required": ["name"],
                "properties": {
                    "name": {"$ref": "#/components/schemas/Name"},
                    "size": {"type": ["integer", "null"]},
                    "kind": {"enum": ["a", "b"]},
                    "parts": {"type": "array", "items": {"oneOf": [{"type": "string"}, {"type": "boolean"}]}},
                },
                "additionalProperties": false,
            },
            "Map": {"type": "object", "additionalProperties": {"type": "number"}},
        }}}));
        let check =
            |name: &str, value| document.check(&json!({"$ref": format!("#/components/schemas/{name}")}), &value);
        check("Thing", json!({"name": "x", "size": null, "kind": "b", "parts": ["x", true]})).unwrap();
        for wrong in [
            json!([]),
            json!({}),
            json!({"name": 1}),
            json!({"name": "x", "size": 1.5}),
            json!({"name": "x", "kind": "c"}),
            json!({"name": "x", "parts": [1]}),
            json!({"name": "x", "more": 1}),
        ] {
            check("Thing", wrong).unwrap_err();
        }
        check("Map", json!({"a": 1, "b": 2.5})).unwrap();
        check("Map", json!({"a": "1"})).unwrap_err();
    }
}
