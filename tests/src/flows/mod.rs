//! Replays recorded REST flows against a worker and compares the answers.
//!
//! A recording holds calls, and what Kafka Connect 4.3.1 answered to each of them. Worker ids, versions, times and stack
//! traces after their first line are normalised away on both sides. Key order counts, as some clients print it; but not
//! inside config, offset and partition maps, which have none.

mod intended;

pub use intended::{How, INTENDED, Intended};

use crate::rest::{Answer, RestClient};
use crate::unique;
use serde_json::{Map, Value, json};
use std::collections::HashSet;
use std::io::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

/// A step that was answered otherwise than recorded.
#[derive(Debug)]
pub struct Difference {
    /// Number of the step in its flow, from 0.
    pub step: usize,
    /// `METHOD path`, as in the recording.
    pub call: String,
    /// What differs, one line each.
    pub details: Vec<String>,
}

/// Plays one flow of a recording. Files that it writes go into `dir`, which the worker can read too. The answers may
/// differ as `intended` says, and then have to.
///
/// Gives the number of calls made and the differences found.
pub fn play(flow: &Value, rest: &RestClient, dir: &Path, intended: &[Intended]) -> (usize, Vec<Difference>) {
    let variables = Variables::of(flow, rest, dir);
    let steps = flow["steps"].as_array().expect("a flow has steps");
    let mut differences = Vec::new();
    let mut calls = 0;
    for (n, step) in steps.iter().enumerate() {
        if step.get("write_file").is_some() {
            write_file(step, &variables);
            continue;
        }
        calls += 1;
        let mut got = await_answer(step, rest, &variables);
        let mine = intended.iter().filter(|intended| intended.flow == flow["flow"] && intended.step == n);
        let mut details: Vec<String> = mine.filter_map(|i| i.undo(&step["answer"], &mut got).err()).collect();
        details.extend(compare(step, &got));
        if !details.is_empty() {
            differences.push(Difference { step: n, call: text(&step["call"]).to_owned(), details });
        }
    }
    (calls, differences)
}

/// `${name}` and what stands for it in this run.
struct Variables(Vec<(String, String)>);

impl Variables {
    fn of(flow: &Value, rest: &RestClient, dir: &Path) -> Self {
        let id = unique("f");
        let mut all =
            Self(vec![("${dir}".to_owned(), dir.to_str().expect("a UTF-8 path").to_owned()), ("${id}".to_owned(), id)]);
        for (name, value) in flow["vars"].as_object().into_iter().flatten() {
            let value = all.fill(text(value));
            all.0.push((format!("${{{name}}}"), value));
        }
        // Longest first, so that a value that holds another one is put back whole.
        all.0.push(("${base}".to_owned(), rest.base.clone()));
        all.0.sort_by_key(|(_, value)| std::cmp::Reverse(value.len()));
        all
    }

    fn fill(&self, text: &str) -> String {
        self.0.iter().fold(text.to_owned(), |text, (name, value)| text.replace(name, value))
    }

    fn unfill(&self, text: &str) -> String {
        self.0.iter().fold(text.to_owned(), |text, (name, value)| text.replace(value, name))
    }
}

fn text(value: &Value) -> &str {
    value.as_str().expect("the recording has text here")
}

fn write_file(step: &Value, variables: &Variables) {
    let append = step.get("append").is_some_and(|v| v == &Value::Bool(true));
    let mut options = std::fs::OpenOptions::new();
    options.create(true).append(append).write(true).truncate(!append);
    let mut file =
        options.open(variables.fill(text(&step["write_file"]))).expect("the flow's folder can be written to");
    file.write_all(variables.fill(text(&step["data"])).as_bytes()).expect("the flow's file can be written");
}

fn await_answer(step: &Value, rest: &RestClient, variables: &Variables) -> Value {
    let deadline = Instant::now() + Duration::from_secs(step["within"].as_u64().unwrap_or(30));
    loop {
        let answer = match call(step, rest, variables) {
            Ok(answer) => normal_answer(&answer, variables),
            Err(error) => json!({"status": 0, "headers": {}, "text": error}),
        };
        if step.get("until").is_none_or(|until| holds(until, &answer)) || Instant::now() > deadline {
            return answer;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
}

fn holds(until: &Value, answer: &Value) -> bool {
    let status = until.get("status").is_none_or(|want| *want == answer["status"]);
    let body = until.get("at").is_none_or(|at| pick(&answer["body"], text(at)) == until["is"]);
    status && body
}

/// The value at `/a/0/b`; null when there is none.
fn pick(node: &Value, pointer: &str) -> Value {
    node.pointer(pointer).cloned().unwrap_or(Value::Null)
}

fn call(step: &Value, rest: &RestClient, variables: &Variables) -> Result<Answer, String> {
    let (method, path) = text(&step["call"]).split_once(' ').expect("a call is a method and a path");
    let body = match (step.get("raw"), step.get("json")) {
        (Some(raw), _) => Some(variables.fill(text(raw))),
        (None, Some(json)) => Some(variables.fill(&json.to_string())),
        (None, None) => None,
    };
    let mut headers = vec![("accept".to_owned(), Some("application/json".to_owned()))];
    if body.is_some() {
        headers.push(("content-type".to_owned(), Some("application/json".to_owned())));
    }
    for (name, value) in step.get("headers").and_then(Value::as_object).into_iter().flatten() {
        headers.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
        headers.push((name.to_ascii_lowercase(), value.as_str().map(ToOwned::to_owned)));
    }
    let headers: Vec<(&str, &str)> = headers.iter().filter_map(|(k, v)| Some((k.as_str(), v.as_deref()?))).collect();
    rest.call(method, &variables.fill(path), &headers, body.as_deref())
}

fn normal_answer(answer: &Answer, variables: &Variables) -> Value {
    let mut out = json!({"status": answer.status, "headers": {}});
    for name in ["content-type", "location", "allow"] {
        if let Some(value) = answer.header(name) {
            out["headers"][name] = variables.unfill(value).into();
        }
    }
    let text = variables.unfill(&answer.text);
    if !text.is_empty() {
        match serde_json::from_str(&text) {
            Ok(body) => out["body"] = normalise(body),
            Err(_) => out["text"] = text.into(),
        }
    }
    out
}

fn normalise(node: Value) -> Value {
    match node {
        Value::Array(items) => items.into_iter().map(normalise).collect(),
        Value::Object(fields) => {
            let fields = fields.into_iter().map(|(key, value)| {
                let value = normal_field(&key, normalise(value));
                (key, value)
            });
            Value::Object(fields.collect())
        }
        other => other,
    }
}

fn normal_field(key: &str, value: Value) -> Value {
    match (key, &value) {
        ("worker_id", _) => "<worker_id>".into(),
        ("kafka_cluster_id", _) => "<cluster>".into(),
        ("version" | "commit", Value::String(_)) => format!("<{key}>").into(),
        ("last_modified", v) if !v.is_null() => "<time>".into(),
        ("documentation", Value::String(text)) if !text.is_empty() => "<text>".into(),
        ("trace", Value::String(trace)) => trace.lines().next().unwrap_or_default().into(),
        _ => value,
    }
}

fn compare(step: &Value, got: &Value) -> Vec<String> {
    let list = |name: &str| step.get(name).and_then(Value::as_array).cloned().unwrap_or_default();
    let want = &step["answer"];
    let mut found = Vec::new();
    let mut leaf = |at: &str, want: &Value, got: &Value| {
        if want != got {
            found.push(format!("{at}: want {want}, got {got}"));
        }
    };
    leaf("status", &want["status"], &got["status"]);
    leaf("location", &want["headers"]["location"], &got["headers"]["location"]);
    let ignored: Vec<String> = list("ignore").iter().map(|v| text(v).to_owned()).collect();
    if !ignored.iter().any(|i| i == "body") {
        let body = |answer: &Value| answer.get("body").or_else(|| answer.get("text")).cloned().unwrap_or(Value::Null);
        Walk { ignored, found: &mut found }.node("", &body(want), &body(got));
    }
    found
}

struct Walk<'a> {
    ignored: Vec<String>,
    found: &'a mut Vec<String>,
}

impl Walk<'_> {
    fn node(&mut self, at: &str, want: &Value, got: &Value) {
        if self.ignored.iter().any(|i| at == i || at.starts_with(&format!("{i}/"))) {
            return;
        }
        match (want, got) {
            (Value::Object(want), Value::Object(got)) => self.object(at, want, got),
            (Value::Array(want), Value::Array(got)) => {
                if want.len() != got.len() {
                    self.found.push(format!("{at} length: want {}, got {}", want.len(), got.len()));
                }
                for (n, (want, got)) in want.iter().zip(got).enumerate() {
                    self.node(&format!("{at}/{n}"), want, got);
                }
            }
            _ if want == got => {}
            _ => self.found.push(format!("{at}: want {want}, got {got}")),
        }
    }

    fn object(&mut self, at: &str, want: &Map<String, Value>, got: &Map<String, Value>) {
        let unordered = ["/config", "/offset", "/partition"].iter().any(|end| at.ends_with(end))
            || self.ignored.iter().any(|i| i == "order");
        let same_keys = want.keys().collect::<HashSet<_>>() == got.keys().collect();
        if !unordered && same_keys && !want.keys().eq(got.keys()) {
            let keys = |of: &Map<String, Value>| of.keys().cloned().collect::<Vec<_>>();
            self.found.push(format!("{at} key order: want {:?}, got {:?}", keys(want), keys(got)));
        }
        for (key, value) in want {
            match got.get(key) {
                Some(other) => self.node(&format!("{at}/{key}"), value, other),
                None => self.found.push(format!("{at}/{key} missing (want {value})")),
            }
        }
        for (key, value) in got.iter().filter(|(key, _)| !want.contains_key(*key)) {
            self.found.push(format!("{at}/{key} not wanted (got {value})"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn differences(want: &str, got: &str) -> Vec<String> {
        let answer =
            |body: &str| json!({"status": 200, "headers": {}, "body": serde_json::from_str::<Value>(body).unwrap()});
        compare(&json!({"answer": answer(want), "ignore": ["/free"]}), &answer(got))
    }

    #[test]
    fn sees_what_differs() {
        assert!(differences(r#"{"a":1,"b":[1]}"#, r#"{"a":1,"b":[1]}"#).is_empty());
        assert_eq!(differences(r#"{"a":1,"b":2}"#, r#"{"b":2,"a":1}"#).len(), 1, "key order counts");
        assert!(differences(r#"{"config":{"a":1,"b":2}}"#, r#"{"config":{"b":2,"a":1}}"#).is_empty());
        assert!(differences(r#"{"free":{"a":1}}"#, r#"{"free":{"a":2}}"#).is_empty());
        assert_eq!(differences(r#"{"a":1}"#, r#"{"b":1}"#).len(), 2, "one missing, one not wanted");
        assert_eq!(differences("[1,2]", "[1]").len(), 1);
    }

    #[test]
    fn normalises_what_changes_from_run_to_run() {
        let got = normalise(json!({"worker_id": "h:1", "version": "4", "version_free": "x", "trace": "a\nb"}));
        assert_eq!(got, json!({"worker_id": "<worker_id>", "version": "<version>", "version_free": "x", "trace": "a"}));
    }
}
