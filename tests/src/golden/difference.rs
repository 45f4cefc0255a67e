//! Where two results in the notation of the recording differ.

use serde_json::Value as Json;

use super::notation::one;

/// Everything that differs between two records, by the path to it.
pub(super) fn records(expected: &Json, given: &Json) -> Vec<String> {
    let mut walk = Walk::default();
    for key in ["record", "topic", "partition", "offset", "timestamp", "timestampType"] {
        walk.at(key, |walk| walk.plain(&expected[key], &given[key]));
    }
    for key in ["key", "value"] {
        walk.at(key, |walk| walk.data(&expected[key], &given[key]));
    }
    walk.at("headers", |walk| {
        walk.lists(&expected["headers"], &given["headers"], |walk, expected, given| {
            walk.at("key", |walk| walk.plain(&expected["key"], &given["key"]));
            walk.data(expected, given);
        });
    });
    walk.found
}

/// Everything that differs between two values with their schemas, by the path to it.
pub(super) fn data(expected: &Json, given: &Json) -> Vec<String> {
    let mut walk = Walk::default();
    walk.data(expected, given);
    walk.found
}

#[derive(Default)]
struct Walk {
    path: String,
    found: Vec<String>,
}

impl Walk {
    fn at(&mut self, step: &str, compare: impl FnOnce(&mut Walk)) {
        let length = self.path.len();
        if !self.path.is_empty() && !step.starts_with('[') {
            self.path.push('.');
        }
        self.path.push_str(step);
        compare(self);
        self.path.truncate(length);
    }

    fn differ(&mut self, expected: &Json, given: &Json) {
        self.found.push(format!("{}: expected {}, got {}", self.path, short(expected), short(given)));
    }

    fn plain(&mut self, expected: &Json, given: &Json) {
        if expected != given {
            self.differ(expected, given);
        }
    }

    fn data(&mut self, expected: &Json, given: &Json) {
        self.at("schema", |walk| walk.schema(&expected["schema"], &given["schema"]));
        self.at("value", |walk| walk.value(&expected["value"], &given["value"]));
    }

    fn schema(&mut self, expected: &Json, given: &Json) {
        if !(expected.is_object() && given.is_object()) {
            return self.plain(expected, given);
        }
        // Absent is null, which no attribute is where it is written.
        for key in ["type", "optional", "name", "version", "doc", "parameters"] {
            self.at(key, |walk| walk.plain(&expected[key], &given[key]));
        }
        self.at("default", |walk| walk.value(&expected["default"], &given["default"]));
        for key in ["keys", "values"] {
            self.at(key, |walk| walk.schema(&expected[key], &given[key]));
        }
        self.at("fields", |walk| {
            walk.lists(&expected["fields"], &given["fields"], |walk, expected, given| {
                walk.at("name", |walk| walk.plain(&expected["name"], &given["name"]));
                walk.schema(&expected["schema"], &given["schema"]);
            });
        });
    }

    fn lists(&mut self, expected: &Json, given: &Json, compare: impl Fn(&mut Walk, &Json, &Json)) {
        match (expected.as_array(), given.as_array()) {
            (Some(left), Some(right)) if left.len() == right.len() => {
                for (index, (expected, given)) in left.iter().zip(right).enumerate() {
                    self.at(&format!("[{index}]"), |walk| compare(walk, expected, given));
                }
            }
            _ => self.plain(expected, given),
        }
    }

    /// Goes into what is nested, to name the part that differs.
    fn value(&mut self, expected: &Json, given: &Json) {
        match (kind(expected), kind(given)) {
            _ if same(expected, given) => {}
            (Some(("array", left)), Some(("array", right))) => self.lists(left, right, Walk::value),
            (Some(("struct", left)), Some(("struct", right))) => match by_name(left, right) {
                Some(fields) => fields.into_iter().for_each(|(name, left, right)| {
                    self.at(name, |walk| walk.value(left, right));
                }),
                None => self.differ(expected, given),
            },
            (Some(("map", left)), Some(("map", right))) => match by_key(left, right) {
                Some(entries) => entries.into_iter().for_each(|(key, left, right)| {
                    self.at(&format!("[{}]", short(key)), |walk| walk.value(left, right));
                }),
                None => self.differ(expected, given),
            },
            _ => self.differ(expected, given),
        }
    }
}

type Pairs<'a, K> = Vec<(K, &'a Json, &'a Json)>;

/// The values of two structs, if both have the same fields.
fn by_name<'a>(left: &'a Json, right: &'a Json) -> Option<Pairs<'a, &'a str>> {
    let (left, right) = (left.as_array()?, right.as_array()?);
    let fields = left.iter().zip(right);
    let pairs = fields.map(|(left, right)| (left[0] == right[0]).then_some((left[0].as_str()?, &left[1], &right[1])));
    pairs.collect::<Option<Vec<_>>>().filter(|_| left.len() == right.len())
}

/// The values of two maps, if both have the same keys.
fn by_key<'a>(left: &'a Json, right: &'a Json) -> Option<Pairs<'a, &'a Json>> {
    let (left, right) = (left.as_array()?, right.as_array()?);
    let pair = |entry: &'a Json| {
        let other = right.iter().find(|other| same(&entry[0], &other[0]))?;
        Some((&entry[0], &entry[1], &other[1]))
    };
    left.iter().map(pair).collect::<Option<Vec<_>>>().filter(|_| left.len() == right.len())
}

/// The one key of a value and what stands under it; `None` for null.
fn kind(value: &Json) -> Option<(&str, &Json)> {
    let (kind, content) = value.as_object()?.iter().next()?;
    Some((kind, content))
}

/// Whether two values are the same.
fn same(expected: &Json, given: &Json) -> bool {
    let (Some((kind, left)), Some((given_kind, right))) = (kind(expected), kind(given)) else {
        return expected.is_null() && given.is_null();
    };
    // Java has one class for the three kinds of date; the recording names it where no schema tells which it is.
    if kind == "javadate" {
        return left.as_str().map(str::to_owned) == date_millis(given_kind, right).map(|millis| millis.to_string());
    }
    kind == given_kind
        && match kind {
            "float32" => float::<f32>(left, right, |value| value.is_nan(), |value| u64::from(value.to_bits())),
            "float64" => float::<f64>(left, right, |value| value.is_nan(), |value| value.to_bits()),
            "array" => pairs(left, right, same),
            "struct" => pairs(left, right, |left, right| left[0] == right[0] && same(&left[1], &right[1])),
            "map" => maps(left, right),
            _ => left == right,
        }
}

fn float<F: std::str::FromStr>(left: &Json, right: &Json, nan: fn(&F) -> bool, bits: fn(&F) -> u64) -> bool {
    let parse = |json: &Json| json.as_str().and_then(|text| text.parse::<F>().ok());
    match (parse(left), parse(right)) {
        (Some(left), Some(right)) => bits(&left) == bits(&right) || (nan(&left) && nan(&right)),
        _ => false,
    }
}

fn pairs(left: &Json, right: &Json, same: impl Fn(&Json, &Json) -> bool) -> bool {
    match (left.as_array(), right.as_array()) {
        (Some(left), Some(right)) => left.len() == right.len() && left.iter().zip(right).all(|(l, r)| same(l, r)),
        _ => false,
    }
}

/// Maps in any order. Every entry has to find one of its own.
fn maps(left: &Json, right: &Json) -> bool {
    let (Some(left), Some(right)) = (left.as_array(), right.as_array()) else { return false };
    let mut open: Vec<&Json> = right.iter().collect();
    let found = |entry: &Json| {
        let place = open.iter().position(|other| same(&entry[0], &other[0]) && same(&entry[1], &other[1]));
        place.map(|place| open.swap_remove(place)).is_some()
    };
    left.len() == right.len() && left.iter().all(found)
}

fn date_millis(kind: &str, content: &Json) -> Option<i64> {
    match kind {
        "date" => content.as_i64().map(|days| days * 86_400_000),
        "time" => content.as_i64(),
        "timestamp" => content.as_str()?.parse().ok(),
        _ => None,
    }
}

/// A value with the short form of deep nesting written out.
pub(super) fn unfolded(value: &Json) -> Json {
    match value {
        Json::Array(items) => items.iter().map(unfolded).collect(),
        Json::Object(entries) => match value.get("nest") {
            Some(nest) if entries.len() == 1 => unfolded_nest(nest),
            _ => entries
                .iter()
                .map(|(key, value)| (key.clone(), unfolded(value)))
                .collect::<serde_json::Map<_, _>>()
                .into(),
        },
        plain => plain.clone(),
    }
}

fn unfolded_nest(nest: &Json) -> Json {
    let mut value = unfolded(&nest["inner"]);
    for _ in 0..nest["depth"].as_u64().unwrap_or_default() {
        value = match nest["of"].as_str() {
            Some("array") => one("array", Json::Array(vec![value])),
            _ => {
                let key = one("string", nest["key"].clone());
                one("map", Json::Array(vec![Json::Array(vec![key, value])]))
            }
        };
    }
    value
}

/// The text of something, cut where nobody would read on.
pub(super) fn short(json: &Json) -> String {
    const LONGEST: usize = 400;
    let text = json.to_string();
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}… ({} bytes)", &text[..end], text.len()),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn value(expected: Json, given: Json) -> Vec<String> {
        data(&json!({ "schema": null, "value": expected }), &json!({ "schema": null, "value": given }))
    }

    #[test]
    fn maps_have_no_order_and_no_entry_counts_twice() {
        let (a, b) = (json!([{ "string": "a" }, null]), json!([{ "string": "b" }, { "int8": 1 }]));
        assert!(value(json!({ "map": [a, b] }), json!({ "map": [b, a] })).is_empty());
        assert!(!value(json!({ "map": [a, b] }), json!({ "map": [a, a] })).is_empty());
    }

    #[test]
    fn floats_are_compared_by_their_bits() {
        assert!(value(json!({ "float64": "1.0E-4" }), json!({ "float64": "0.0001" })).is_empty());
        assert!(value(json!({ "float32": "NaN" }), json!({ "float32": "NaN" })).is_empty());
        assert!(value(json!({ "float32": "Infinity" }), json!({ "float32": "inf" })).is_empty());
        assert_eq!(value(json!({ "float64": "0.0" }), json!({ "float64": "-0.0" })).len(), 1);
    }

    #[test]
    fn dates_without_schema_may_be_of_any_kind_and_others_not() {
        assert!(value(json!({ "javadate": "86400000" }), json!({ "date": 1 })).is_empty());
        assert_eq!(value(json!({ "date": 1 }), json!({ "timestamp": "86400000" })).len(), 1);
    }

    #[test]
    fn the_path_leads_to_the_difference() {
        let given = value(
            json!({ "struct": [["f", { "array": [{ "int8": 1 }, { "int8": 2 }] }]] }),
            json!({ "struct": [["f", { "array": [{ "int8": 1 }, { "int16": 2 }] }]] }),
        );
        assert_eq!(given, [r#"value.f[1]: expected {"int8":2}, got {"int16":2}"#]);
        let (expected, given) = (json!({ "fields": [{ "name": "a", "schema": { "optional": true } }] }), json!({}));
        let differences = data(&json!({ "schema": expected }), &json!({ "schema": given }));
        assert_eq!(differences.len(), 1, "{differences:?}");
        assert!(differences[0].starts_with("schema.fields: expected"), "{differences:?}");
    }

    #[test]
    fn nests_are_written_out() {
        let nest = json!({ "nest": { "of": "map", "key": "k", "depth": 2, "inner": { "int8": 1 } } });
        let expected = json!({ "map": [[{ "string": "k" }, { "map": [[{ "string": "k" }, { "int8": 1 }]] }]] });
        assert_eq!(unfolded(&nest), expected);
    }
}
