//! Requests made from the description of the REST API: sensible ones, and such as went wrong in one place or several.

use ferroconnect_e2e::openapi::{Document, Operation};
use ferroconnect_e2e::random::Random;
use serde_json::{Map, Value, json};
use std::fmt::Write as _;

/// Names of connectors that requests may create, change and delete.
const CONNECTORS: [&str; 6] = ["fuzz-a", "fuzz-b", "fuzz-c", "fuzz d", "fuzz/e", "fuzz-ö"];

const CLASSES: [&str; 8] = [
    "VerifiableSource",
    "org.apache.kafka.connect.tools.VerifiableSinkConnector",
    "MockSource",
    "MockSink",
    "SchemaSource",
    "FileStreamSource",
    "NoSuchConnector",
    "org.apache.kafka.connect.transforms.Cast$Value",
];

/// Parts of paths, as they go over the wire.
const ODD_SEGMENTS: [&str; 24] = [
    "",
    ".",
    "..",
    "%2e%2e",
    "%2e%2e%2f%2e%2e%2fetc%2fpasswd",
    "%2F",
    "a%2fb",
    "%00",
    "%0d%0aX-Injected:%20yes",
    "%1b%5b31m",
    "%7f",
    "%FF%FE",
    "%c3",
    "%ed%a0%80",
    "%f0%9f%98%80",
    "%e2%80%ae",
    "%",
    "%zz",
    "%25",
    ";a=b",
    "{connector}",
    "$%7benv:HOME%7d",
    "'\"%3cscript%3e",
    "\u{f6}",
];

const HEADERS: [(&str, &str); 18] = [
    ("Accept", "application/json"),
    ("Accept", "text/plain"),
    ("Accept", "garbage"),
    ("Accept", "*/*;q=0"),
    ("Content-Encoding", "gzip"),
    ("Content-Type", "application/json; charset=utf-16"),
    ("Content-Type", "application/xml"),
    ("Content-Type", "/"),
    ("Authorization", "Basic Og=="),
    ("Authorization", "Bearer \u{1f600}"),
    ("Origin", "null"),
    ("Range", "bytes=1-0"),
    ("If-None-Match", "*"),
    ("Expect", "100-continue"),
    ("X-HTTP-Method-Override", "DELETE"),
    ("X-Forwarded-For", "127.0.0.1"),
    ("Cookie", "=;=;="),
    ("Upgrade", "websocket"),
];

/// JSON values to put in place of others; as text, since not all of it is JSON.
const ODD_JSON: [&str; 24] = [
    "null",
    "true",
    "0",
    "-0",
    "-1",
    "1.50",
    "1e999999",
    "99999999999999999999999999999999",
    "NaN",
    "\"\"",
    "\" \"",
    "\"\\u0000\"",
    "\"\\ud800\"",
    "\"\\u202e\"",
    "\"a\\nb\"",
    "\"${env:HOME}\"",
    "\"${file:/etc/passwd:root}\"",
    "\"${\"",
    "[]",
    "[[[]]]",
    "{}",
    "{\"a\":{}}",
    "{\"a\":1,\"a\":2}",
    "\"(a+)+$\"",
];

/// Makes requests.
pub(crate) struct Requests<'a> {
    random: Random,
    document: &'a Document,
    operations: Vec<Operation<'a>>,
    topic: &'a str,
    /// `${provider:path:key}` of a secret that no answer may show.
    secret: &'a str,
}

/// A request with the operation that it is about, if it can be told.
pub(crate) struct FuzzRequest<'a> {
    pub(crate) operation: Option<Operation<'a>>,
    pub(crate) bytes: Vec<u8>,
}

impl<'a> Requests<'a> {
    pub(crate) fn new(seed: u64, document: &'a Document, topic: &'a str, secret: &'a str) -> Self {
        Self { random: Random::new(seed), document, operations: document.operations(), topic, secret }
    }

    pub(crate) fn make(&mut self) -> FuzzRequest<'a> {
        let operation = self.random.one(&self.operations);
        let (path, mut known) = self.path(operation.path);
        let query = self.query(&operation);
        let mut method = operation.method;
        if self.random.percent(5) {
            method = self.random.one(&["HEAD", "OPTIONS", "TRACE", "PUT", "get", "DELETE", "CONNECT", "\u{7f}"]);
            known = false;
        }
        let body = self.request_body(&operation);
        let mut bytes = format!("{method} {path}{query} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n").into_bytes();
        for (name, value) in self.headers(body.is_some()) {
            bytes.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
        }
        if let Some(body) = &body {
            bytes.extend_from_slice(format!("Content-Length: {}\r\n", body.len()).as_bytes());
        }
        bytes.extend_from_slice(b"\r\n");
        bytes.extend(body.unwrap_or_default());
        FuzzRequest { operation: known.then_some(operation), bytes }
    }

    /// The path with its parameters filled in, and whether it still is the path of the operation.
    fn path(&mut self, template: &str) -> (String, bool) {
        let mut known = true;
        let mut segment = |part: &str| match part.strip_prefix('{').and_then(|part| part.strip_suffix('}')) {
            None => part.to_owned(),
            Some(name) => {
                let filled = self.segment(name);
                known &= !filled.is_empty() && !filled.contains(['/', '?', '#']);
                filled
            }
        };
        let path = template.split('/').map(&mut segment).collect::<Vec<_>>().join("/");
        (path, known)
    }

    fn segment(&mut self, parameter: &str) -> String {
        if self.random.percent(20) {
            return match self.random.percent(10) {
                true => "x".repeat(self.random.below(10_000)),
                false => self.random.one(&ODD_SEGMENTS).to_owned(),
            };
        }
        match parameter {
            "connector" => encoded(self.random.one(&CONNECTORS)),
            "plugin" => encoded(self.random.one(&CLASSES)),
            "task" => self.random.one(&["0", "1", "00", "-1", "2147483648", "1e3", "0x0"]).to_owned(),
            // Not `root`: the log of everything would fill the disk.
            "logger" => self.random.one(&["fuzz.logger", "ferroconnect::rest", "fuzz..", "org.example"]).to_owned(),
            "file" => self.random.one(&["main.js", "style.css", "index.html"]).to_owned(),
            other => panic!("no values are known for the parameter {other}"),
        }
    }

    fn query(&mut self, operation: &Operation<'a>) -> String {
        let mut query = String::new();
        for (name, schema) in self.document.query(operation) {
            let schema = schema.get("items").unwrap_or(schema);
            let listed = schema["enum"].as_array().into_iter().flatten().filter_map(Value::as_str);
            let mut values: Vec<&str> = listed.collect();
            if values.is_empty() {
                values = vec!["true", "false", "latest", "1.0", "[1,2)"];
            }
            values.extend(["", "TRUE", "%ff", "%zz", "a%00b", "[", "info,status"]);
            for _ in 0..self.random.below(3) {
                let separator = if query.is_empty() { '?' } else { '&' };
                write!(query, "{separator}{name}={}", self.random.one(&values)).expect("a text takes text");
            }
        }
        if self.random.percent(5) {
            query.push_str(self.random.one(&["?", "?&&&", "?=", "?forward=false", "?a[]=1", "?%00=%00"]));
        }
        query
    }

    fn headers(&mut self, has_body: bool) -> Vec<(String, String)> {
        let mut headers = Vec::new();
        if has_body && !self.random.percent(5) {
            headers.push(("Content-Type".to_owned(), "application/json".to_owned()));
        }
        while self.random.percent(15) {
            let (name, value) = self.random.one(&HEADERS);
            headers.push((name.to_owned(), value.to_owned()));
        }
        if self.random.percent(1) {
            headers.push(("X-Long".to_owned(), "y".repeat(self.random.below(40_000))));
        }
        headers
    }

    fn request_body(&mut self, operation: &Operation<'a>) -> Option<Vec<u8>> {
        let Some((example, _)) = self.document.body(operation) else {
            return self.random.percent(5).then(|| b"{}".to_vec());
        };
        let sensible = self.sensible(operation, example);
        let mut text = match self.random.percent(40) {
            true => self.with_one_odd_value(&sensible),
            false => sensible.to_string(),
        }
        .into_bytes();
        if self.random.percent(15) {
            self.damage(&mut text);
        }
        Some(text)
    }

    /// A body that could be right.
    fn sensible(&mut self, operation: &Operation<'a>, example: &Value) -> Value {
        match operation.path {
            "/connectors" => {
                let mut body = json!({"name": self.random.one(&CONNECTORS), "config": self.config()});
                if self.random.percent(50) {
                    body["initial_state"] = Value::from(self.random.one(&["running", "PAUSED", "Stopped"]));
                }
                body
            }
            path if path.ends_with("/config") || path.ends_with("/validate") => self.config(),
            path if path.ends_with("/tasks") => json!([self.config()]),
            path if path.ends_with("/offsets") => self.offsets(),
            path if path.starts_with("/admin/loggers") => {
                json!({"level": self.random.one(&["DEBUG", "info", "WARN", "FATAL", "OFF", "LOUD"])})
            }
            _ => example.clone(),
        }
    }

    fn config(&mut self) -> Value {
        let topic = self.topic;
        let choices: [(&str, &[&str]); 26] = [
            ("tasks.max", &["1", "2", "0", "-1", "many", "2147483648", ""]),
            ("topic", &[topic, "", "not a topic!", "."]),
            ("topics", &[topic, "", "a,,b", "not a topic!"]),
            ("topics.regex", &["fuzz-none-.*", "[", "(?<=a", "\\p{x", "(fuzz-none+)+$"]),
            ("name", &CONNECTORS),
            ("file", &["/nonexistent/file", ""]),
            ("id", &["1", "x"]),
            ("throughput", &["1", "x"]),
            ("max.messages", &["5", "x"]),
            ("mock_mode", &["connector-failure", "task-failure", "no-such-mode"]),
            ("delay_ms", &["0", "x"]),
            ("key.converter", &["org.apache.kafka.connect.json.JsonConverter", "NoSuchConverter", ""]),
            ("value.converter", &["StringConverter", "org.apache.kafka.connect.converters.LongConverter"]),
            ("value.converter.schemas.enable", &["false", "maybe"]),
            ("header.converter", &["SimpleHeaderConverter", "1"]),
            ("transforms", &["a", "a,b", "a,a", ",", "predicates"]),
            ("transforms.a.type", &["org.apache.kafka.connect.transforms.HoistField$Value", "Cast$Value", "No"]),
            ("transforms.a.field", &["f", "", "a.b.c", "`a"]),
            ("transforms.a.spec", &["int8", "a:int8,b", ":"]),
            ("transforms.a.predicate", &["p", "none"]),
            ("predicates", &["p", "p,p"]),
            ("predicates.p.type", &["org.apache.kafka.connect.transforms.predicates.RecordIsTombstone", "p"]),
            ("errors.tolerance", &["all", "none", "some"]),
            ("errors.retry.timeout", &["0", "-2", "9223372036854775808"]),
            ("producer.override.linger.ms", &["1", "x"]),
            ("odd key \u{1f980}\u{0}", &["v", "\u{0}", "\u{feff}"]),
        ];
        let mut config = Map::new();
        if !self.random.percent(3) {
            config.insert("connector.class".to_owned(), Value::from(self.random.one(&CLASSES)));
            config.insert("topic".to_owned(), topic.into());
            config.insert("topics".to_owned(), topic.into());
            // It is about requests, not about records.
            config.insert("throughput".to_owned(), "5".into());
        }
        for _ in 0..self.random.below(6) {
            let (key, values) = self.random.one(&choices);
            config.insert(key.to_owned(), Value::from(self.random.one(values)));
        }
        if self.random.percent(10) {
            config.insert("some.secret".to_owned(), self.secret.into());
        }
        config.into()
    }

    fn offsets(&mut self) -> Value {
        let entries = (0..self.random.below(3)).map(|_| {
            let partition = match self.random.below(3) {
                0 => json!({"kafka_topic": self.topic, "kafka_partition": self.random.below(2)}),
                1 => json!({"filename": "/nonexistent/file"}),
                _ => json!({"kafka_topic": 1, "kafka_partition": "x", "more": [null]}),
            };
            let offset = match self.random.below(4) {
                0 => Value::Null,
                1 => json!({"kafka_offset": self.random.below(10)}),
                2 => json!({"position": self.random.below(10)}),
                _ => json!({"kafka_offset": -1.5, "position": {"a": []}}),
            };
            json!({"partition": partition, "offset": offset})
        });
        json!({"offsets": entries.collect::<Vec<_>>()})
    }

    /// The value as text, with another one in one place.
    fn with_one_odd_value(&mut self, value: &Value) -> String {
        let mut places = Vec::new();
        collect_pointers(value, &mut String::new(), &mut places);
        let place = &places[self.random.below(places.len())];
        let mut changed = value.clone();
        *changed.pointer_mut(place).expect("it was found there") = Value::from(MARK);
        changed.to_string().replacen(&format!("\"{MARK}\""), self.random.one(&ODD_JSON), 1)
    }

    /// Damages the bytes of a body in one way.
    fn damage(&mut self, body: &mut Vec<u8>) {
        let at = self.random.below(body.len() + 1);
        match self.random.below(9) {
            0 => body.truncate(at),
            1 => body.insert(at, 0xff),
            2 => body.insert(at, 0),
            3 => *body = [b"\xef\xbb\xbf", body.as_slice()].concat(),
            4 => *body = String::from_utf8_lossy(body).encode_utf16().flat_map(u16::to_be_bytes).collect(),
            5 => *body = b"[".repeat(100_000),
            6 => *body = [b"{\"a\":".repeat(10_000), b"1".to_vec(), b"}".repeat(10_000)].concat(),
            7 => body.extend_from_slice(b" {}"),
            _ => *body = b"9".repeat(100_000),
        }
    }
}

const MARK: &str = "the-odd-value-goes-here";

fn collect_pointers(value: &Value, at: &mut String, places: &mut Vec<String>) {
    places.push(at.clone());
    let mut within = |key: &str, value: &Value| {
        let length = at.len();
        write!(at, "/{}", key.replace('~', "~0").replace('/', "~1")).expect("a text takes text");
        collect_pointers(value, at, places);
        at.truncate(length);
    };
    match value {
        Value::Object(map) => map.iter().for_each(|(key, value)| within(key, value)),
        Value::Array(list) => list.iter().enumerate().for_each(|(n, value)| within(&n.to_string(), value)),
        _ => {}
    }
}

/// The text as one part of a path.
pub(crate) fn encoded(text: &str) -> String {
    text.bytes().fold(String::new(), |mut out, byte| {
        match byte.is_ascii_alphanumeric() || b"-._~$".contains(&byte) {
            true => out.push(byte.into()),
            false => write!(out, "%{byte:02X}").expect("a text takes text"),
        }
        out
    })
}
