use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode, header};
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::herder::Handle;
use crate::herder::testing::standalone;

use super::auth::Gate;
use super::resource::{Api, Origin, TopicTracking};
use super::router;

/// A server without sockets.
struct Client {
    router: Router,
    herder: Handle,
    /// Where requests seem to come from; none to pass every gate.
    origin: Option<Arc<Origin>>,
}

struct Reply {
    status: u16,
    headers: HeaderMap,
    text: String,
}

impl Reply {
    fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or(Value::Null)
    }

    fn header(&self, name: header::HeaderName) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }
}

impl Client {
    fn new() -> Self {
        Self::with_topics(TopicTracking { enabled: true, reset_allowed: true })
    }

    fn with_topics(topic_tracking: TopicTracking) -> Self {
        let (herder, _runtime) = standalone();
        let resources = router::main_resources().merge(router::admin_resources());
        let router = router::finish(resources, Api { herder: herder.clone(), topic_tracking }, None);
        Self { router, herder, origin: None }
    }

    /// A client whose certificate names `user`, of the same worker; `rights` is the text of a file.
    fn of_user(&self, user: &str, rights: &str) -> Self {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), rights).unwrap();
        let gate = Some(Arc::new(Gate::of_certificates(file.path())));
        let address = "127.0.0.1:1".parse().unwrap();
        let subject = Some(user.to_owned());
        let origin = Arc::new(Origin { scheme: "https", local: address, remote: address, subject, gate });
        Self { router: self.router.clone(), herder: self.herder.clone(), origin: Some(origin) }
    }

    async fn send(&self, mut request: Request<Body>) -> Reply {
        if let Some(origin) = &self.origin {
            request.extensions_mut().insert(Arc::clone(origin));
        }
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let bytes = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
        Reply { status, headers, text: String::from_utf8(bytes.to_vec()).unwrap() }
    }

    /// `call` is a method and a path.
    async fn call(&self, call: &str) -> Reply {
        let (method, path) = call.split_once(' ').unwrap();
        let request = Request::builder().method(method).uri(path).header(header::HOST, "connect:8083");
        self.send(request.body(Body::empty()).unwrap()).await
    }

    async fn put(&self, call: &str, body: Value) -> Reply {
        self.raw(call, "application/json; charset=utf-8", &body.to_string()).await
    }

    async fn raw(&self, call: &str, content_type: &str, body: &str) -> Reply {
        let (method, path) = call.split_once(' ').unwrap();
        let mut request = Request::builder().method(method).uri(path).header(header::HOST, "connect:8083");
        if !content_type.is_empty() {
            request = request.header(header::CONTENT_TYPE, content_type);
        }
        self.send(request.body(Body::from(body.to_owned())).unwrap()).await
    }

    async fn create(&self, name: &str, class: &str) -> Reply {
        let body = json!({"name": name, "config": {"connector.class": class, "topic": "t"}});
        self.put("POST /connectors", body).await
    }
}

fn assert_error(reply: &Reply, status: u16, message: &str) {
    assert_eq!(reply.json(), json!({"error_code": status, "message": message}));
    assert_eq!(reply.status, status);
}

#[tokio::test]
async fn the_worker_introduces_itself_and_says_how_it_does() {
    let client = Client::new();
    let root = client.call("GET /").await;
    assert_eq!(root.text, r#"{"version":"0.0.0","commit":"unknown","kafka_cluster_id":null}"#);
    assert_eq!(root.header(header::CONTENT_TYPE), Some("application/json"));
    assert_eq!(root.header(header::SERVER), Some("ferroconnect"));
    let health = client.call("GET /health").await;
    assert_eq!((health.status, &health.json()["status"]), (503, &json!("starting")));
    client.herder.set_ready();
    let health = client.call("GET /health").await;
    assert_eq!(
        health.text,
        r#"{"status":"healthy","message":"Worker has completed startup and is ready to handle requests."}"#
    );
    assert_eq!(health.status, 200);
}

#[tokio::test]
async fn what_does_not_reach_a_resource_is_json_without_a_type() {
    let client = Client::new();
    let cases = [
        ("GET /nope", 404, "HTTP 404 Not Found"),
        ("GET /admin", 404, "HTTP 404 Not Found"),
        ("GET /connectors/none/nope", 404, "HTTP 404 Not Found"),
        ("GET /connectors/a/tasks-config", 404, "HTTP 404 Not Found"),
        ("GET /connector-plugins/NoSuch", 404, "HTTP 404 Not Found"),
        ("POST /", 405, "HTTP 405 Method Not Allowed"),
        ("PUT /connectors", 405, "HTTP 405 Method Not Allowed"),
        ("DELETE /connectors", 405, "HTTP 405 Method Not Allowed"),
    ];
    for (call, status, message) in cases {
        let reply = client.call(call).await;
        assert_error(&reply, status, message);
        assert_eq!(reply.header(header::CONTENT_TYPE), None, "{call}");
    }
    for (content_type, answered) in [("", Some("application/json")), ("text/plain", None)] {
        let reply = client.raw("POST /connectors", content_type, "{}").await;
        assert_error(&reply, 415, "HTTP 415 Unsupported Media Type");
        assert_eq!(reply.header(header::CONTENT_TYPE), answered, "as in Kafka Connect");
    }
    let request = Request::get("/connectors").header(header::HOST, "h").header(header::ACCEPT, "text/plain");
    let request = request.body(Body::empty()).unwrap();
    assert_error(&client.send(request).await, 406, "HTTP 406 Not Acceptable");
}

#[tokio::test]
async fn head_and_options_work_on_resources() {
    let client = Client::new();
    let head = client.call("HEAD /connectors").await;
    assert_eq!((head.status, head.text.as_str()), (200, ""));
    assert_eq!(head.header(header::CONTENT_TYPE), Some("application/json"));
    let options = client.call("OPTIONS /connectors").await;
    assert_eq!((options.status, options.text.as_str()), (200, "HEAD, POST, GET, OPTIONS"));
    assert_eq!(options.header(header::CONTENT_TYPE), Some("text/plain"));
}

#[tokio::test]
async fn a_connector_is_created_shown_and_deleted() {
    let client = Client::new();
    let created = client.create("a b", "TestSource").await;
    assert_eq!(created.status, 201);
    assert_eq!(created.header(header::LOCATION), Some("http://connect:8083/connectors/a%20b"));
    let shown = client.call("GET /connectors/a%20b").await;
    assert_eq!(
        shown.text,
        concat!(
            r#"{"name":"a b","config":{"connector.class":"TestSource","topic":"t","name":"a b"},"#,
            r#""tasks":[{"connector":"a b","task":0}],"type":"source"}"#
        )
    );
    assert_eq!(created.text, shown.text);
    assert_error(&client.create("a b", "TestSource").await, 409, "Connector a b already exists");
    assert_eq!(
        client.call("GET /connectors/a%20b/status").await.text,
        concat!(
            r#"{"name":"a b","connector":{"state":"RUNNING","worker_id":"127.0.0.1:8083","version":"1.0"},"#,
            r#""tasks":[{"id":0,"state":"RUNNING","worker_id":"127.0.0.1:8083","version":"1.0"}],"type":"source"}"#
        )
    );
    assert_eq!(
        client.call("GET /connectors/a%20b/tasks/0/status").await.text,
        r#"{"id":0,"state":"RUNNING","worker_id":"127.0.0.1:8083","version":"1.0"}"#
    );
    let tasks = client.call("GET /connectors/a%20b/tasks").await.json();
    assert_eq!(tasks[0]["id"], json!({"connector": "a b", "task": 0}));
    assert_eq!(tasks[0]["config"]["task.class"], json!("test.TestTask"));
    let deleted = client.call("DELETE /connectors/a%20b").await;
    assert_eq!((deleted.status, deleted.text.as_str()), (204, ""));
    assert_error(&client.call("GET /connectors/a%20b").await, 404, "Connector a b not found");
}

#[tokio::test]
async fn names_with_a_slash_can_be_addressed() {
    let client = Client::new();
    assert_eq!(
        client.create("a/ö", "TestSource").await.header(header::LOCATION),
        Some("http://connect:8083/connectors/a/%C3%B6")
    );
    let config = client.call("GET /connectors/a%2F%C3%B6/config").await;
    assert_eq!((config.status, &config.json()["name"]), (200, &json!("a/ö")));
    assert_error(&client.call("GET /connectors/%FF/config").await, 404, "HTTP 404 Not Found");
}

#[tokio::test]
async fn configs_are_put_patched_and_refused() {
    let client = Client::new();
    let body = json!({"connector.class": "TestSink", "tasks.max": 2, "flag": true});
    let put = client.put("PUT /connectors/a/config", body.clone()).await;
    assert_eq!((put.status, put.header(header::LOCATION)), (201, Some("http://connect:8083/connectors/a")));
    assert_eq!(put.json()["config"]["tasks.max"], json!("2"));
    let put = client.put("PUT /connectors/a/config", body).await;
    assert_eq!((put.status, put.header(header::LOCATION)), (200, None));
    let patch = client.put("PATCH /connectors/a/config", json!({"flag": null, "tasks.max": "1"})).await;
    assert_eq!(patch.status, 200);
    assert_eq!(
        client.call("GET /connectors/a/config").await.text,
        r#"{"connector.class":"TestSink","name":"a","tasks.max":"1"}"#
    );
    let other = client.put("PUT /connectors/a/config", json!({"name": "b"})).await;
    assert_error(&other, 400, "Connector name configuration (b) doesn't match connector name in the URL (a)");
    let nameless = client.put("POST /connectors", json!({"config": {"connector.class": "TestSink"}})).await;
    assert_eq!(nameless.status, 400);
    assert!(nameless.text.contains("contains the following 1 error(s)"), "{}", nameless.text);
    let unknown = client.put("PATCH /connectors/b/config", json!({"a": "b"})).await;
    assert_error(&unknown, 404, "Connector b not found");
    assert_eq!(client.raw("POST /connectors", "application/json", "{not json").await.status, 400);
    let huge = format!(r#"{{"a":"{}"}}"#, "x".repeat(super::resource::MAX_BODY));
    assert_eq!(client.raw("PUT /connectors/a/config", "application/json", &huge).await.status, 413);
}

#[tokio::test]
async fn life_cycle_calls_have_the_statuses_of_kafka_connect() {
    let client = Client::new();
    client.create("a", "TestSource").await;
    let calls = [
        ("PUT /connectors/a/pause", 202),
        ("PUT /connectors/a/resume", 202),
        ("POST /connectors/a/restart", 204),
        ("POST /connectors/a/restart?includeTasks=false&onlyFailed=false", 204),
        ("POST /connectors/a/tasks/0/restart", 204),
        ("PUT /connectors/a/topics/reset", 202),
        ("PUT /connectors/a/stop", 204),
    ];
    for (call, status) in calls {
        let reply = client.call(call).await;
        assert_eq!((reply.status, reply.text.as_str()), (status, ""), "{call}");
    }
    let plan = client.call("POST /connectors/a/restart?onlyFailed=true").await;
    assert_eq!(plan.status, 202);
    assert_eq!(plan.json()["name"], json!("a"));
    let errors = [
        ("PUT /connectors/b/pause", 404, "Unknown connector b"),
        ("PUT /connectors/b/stop", 500, "No connector `b` configured"),
        ("POST /connectors/b/restart", 404, "Connector b not found"),
        ("POST /connectors/b/restart?includeTasks=true", 404, "Unknown connector: b"),
        ("POST /connectors/b/tasks/0/restart", 404, "Connector b not found"),
        ("GET /connectors/a/tasks/x/status", 404, "HTTP 404 Not Found"),
        ("GET /connectors/a/tasks/7/status", 404, "No status found for task a-7"),
    ];
    for (call, status, message) in errors {
        let reply = client.call(call).await;
        assert_error(&reply, status, message);
        assert_eq!(reply.header(header::CONTENT_TYPE), Some("application/json"), "{call}");
    }
}

#[tokio::test]
async fn a_worker_on_its_own_takes_no_calls_of_other_workers() {
    let client = Client::new();
    let text = "Kafka Connect in standalone mode does not support";
    for content_type in ["", "text/plain", "application/json"] {
        let tasks = client.raw("POST /connectors/a/tasks", content_type, r#"[{"a":"b"}]"#).await;
        assert_error(&tasks, 500, &format!("{text} externally setting task configurations."));
        let fence = client.raw("PUT /connectors/a/fence", content_type, "").await;
        assert_error(&fence, 500, &format!("{text} exactly-once source connectors."));
    }
    assert_eq!(client.raw("POST /connectors/a/tasks", "", "{}").await.status, 400);
    assert_eq!(client.call("GET /connectors/a/fence").await.status, 405);
    assert_eq!(client.call("OPTIONS /connectors/a/tasks").await.text, "HEAD, POST, GET, OPTIONS");
}

#[tokio::test]
async fn lists_expand_what_is_asked_for() {
    let client = Client::new();
    assert_eq!(client.call("GET /connectors").await.text, "[]");
    assert_eq!(client.call("GET /connectors?expand=nope").await.text, "{}");
    client.create("a", "TestSink").await;
    assert_eq!(client.call("GET /connectors").await.text, r#"["a"]"#);
    assert_eq!(client.call("GET /connectors?expand=nope").await.text, r#"{"a":{}}"#);
    let both = client.call("GET /connectors?expand=info&expand=status").await.json();
    assert_eq!(both["a"]["info"]["type"], json!("sink"));
    assert_eq!(both["a"]["status"]["connector"]["state"], json!("RUNNING"));
}

#[tokio::test]
async fn topics_can_be_hidden() {
    let client = Client::new();
    client.create("a", "TestSource").await;
    assert_eq!(client.call("GET /connectors/a/topics").await.text, r#"{"a":{"topics":["t"]}}"#);
    client.call("PUT /connectors/a/topics/reset").await;
    assert_eq!(client.call("GET /connectors/a/topics").await.text, r#"{"a":{"topics":[]}}"#);
    let off = Client::with_topics(TopicTracking { enabled: false, reset_allowed: true });
    assert_error(&off.call("GET /connectors/a/topics").await, 403, "Topic tracking is disabled.");
    let fixed = Client::with_topics(TopicTracking { enabled: true, reset_allowed: false });
    assert_error(&fixed.call("PUT /connectors/a/topics/reset").await, 403, "Topic tracking reset is disabled.");
}

#[tokio::test]
async fn offsets_are_shown_and_changed() {
    let client = Client::new();
    client.create("a", "TestSource").await;
    let offsets = json!({"offsets": [{"partition": {"filename": "f"}, "offset": {"position": 4}}]});
    let early = client.put("PATCH /connectors/a/offsets", offsets.clone()).await;
    assert_eq!(early.status, 400);
    assert!(early.text.contains("Connectors must be in the STOPPED state"), "{}", early.text);
    client.call("PUT /connectors/a/stop").await;
    let altered = client.put("PATCH /connectors/a/offsets", offsets.clone()).await;
    assert_eq!(altered.text, r#"{"message":"The offsets for this connector have been altered successfully"}"#);
    assert_eq!(client.call("GET /connectors/a/offsets").await.json(), offsets);
    for empty in [json!({}), json!({"offsets": []})] {
        let reply = client.put("PATCH /connectors/a/offsets", empty).await;
        assert_error(&reply, 400, "Partitions / offsets need to be provided for an alter offsets request");
    }
    assert_eq!(client.call("DELETE /connectors/a/offsets").await.status, 200);
    assert_error(&client.call("DELETE /connectors/nope/offsets").await, 404, "Connector nope not found");
}

#[tokio::test]
async fn plugins_are_listed_described_and_used_to_validate() {
    let client = Client::new();
    assert_eq!(
        client.call("GET /connector-plugins").await.text,
        r#"[{"class":"test.TestSink","type":"sink","version":"1.0"},{"class":"test.TestSource","type":"source"}]"#
    );
    let all = client.call("GET /connector-plugins?connectorsOnly=false").await.json();
    assert_eq!(all[2], json!({"class": "test.Change", "type": "transformation"}));
    assert_eq!(
        client.call("GET /connector-plugins/TestSource/config").await.text,
        concat!(
            r#"[{"name":"file","type":"STRING","required":true,"default_value":null,"importance":"HIGH","#,
            r#""documentation":"latest","group":null,"order_in_group":-1,"width":"NONE","#,
            r#""display_name":"file","dependents":[]}]"#
        )
    );
    let old = client.call("GET /connector-plugins/TestSource/config?version=1.0").await.json();
    assert_eq!(old[0]["documentation"], json!("1.0"));
    assert_error(&client.call("GET /connector-plugins/NoSuch/config").await, 404, "Unknown plugin NoSuch.");

    let valid = json!({"name": "a", "connector.class": "test.TestSource"});
    let answer = client.put("PUT /connector-plugins/TestSource/config/validate", valid).await;
    assert_eq!(answer.status, 200);
    let begin =
        r#"{"name":"test.TestSource","error_count":0,"groups":["Common"],"configs":[{"definition":{"name":"name""#;
    assert!(answer.text.starts_with(begin), "{}", answer.text);
    let end = r#""value":{"name":"name","value":"a","recommended_values":[],"errors":[],"visible":true}}]}"#;
    assert!(answer.text.ends_with(end), "{}", answer.text);
    let other =
        client.put("PUT /connector-plugins/TestSink/config/validate", json!({"connector.class": "TestSource"})).await;
    assert_error(&other, 400, "Included connector type TestSource does not match request type TestSink");
    let none = client.put("PUT /connector-plugins/TestSource/config/validate", json!({"file": "x"})).await;
    assert_error(
        &none,
        500,
        "org.apache.kafka.connect.runtime.rest.errors.BadRequestException: Connector config {file=x} contains no connector type",
    );
}

#[tokio::test]
async fn log_levels_are_changed_at_run_time() {
    let client = Client::new();
    assert_error(&client.call("GET /admin/loggers/no.such.logger").await, 404, "Logger no.such.logger not found.");
    let set = |call: &'static str, body: Value| client.put(call, body);
    assert_error(
        &set("PUT /admin/loggers/root", json!({})).await,
        400,
        "Desired 'level' parameter was not specified in request.",
    );
    assert_error(&set("PUT /admin/loggers/root", json!({"level": "LOUD"})).await, 404, "invalid log level 'LOUD'.");
    let changed = set("PUT /admin/loggers/rest.test.x", json!({"level": "debug"})).await;
    assert_eq!(changed.text, r#"["rest.test.x"]"#);
    let shown = client.call("GET /admin/loggers/rest.test.x").await.json();
    assert_eq!(shown["level"], json!("DEBUG"));
    assert!(shown["last_modified"].is_i64());
    assert_eq!(client.call("GET /admin/loggers").await.json()["rest.test.x"], shown);
    let cluster = set("PUT /admin/loggers/rest.test.x?scope=cluster", json!({"level": "INFO"})).await;
    assert_eq!((cluster.status, cluster.text.as_str()), (204, ""));
    let moon = set("PUT /admin/loggers/rest.test.x?scope=moon", json!({"level": "INFO"})).await;
    assert_eq!((moon.status, moon.text.as_str()), (200, "[]"));
    assert_eq!(StatusCode::OK.as_u16(), client.call("GET /admin/loggers/root").await.status);
}

#[tokio::test]
async fn everybody_sees_and_changes_only_what_is_theirs() {
    let everybody = Client::new();
    for name in ["orders-1", "bills"] {
        everybody.create(name, "TestSource").await;
    }
    let ann = everybody.of_user("ann", "ann.change=orders-*");
    assert_eq!(ann.call("GET /connectors").await.text, r#"["orders-1"]"#);
    let expanded = ann.call("GET /connectors?expand=info&expand=status").await.json();
    assert_eq!(expanded.as_object().unwrap().keys().collect::<Vec<_>>(), ["orders-1"]);
    let own = ann.create("orders-2", "TestSource").await;
    assert_eq!(own.status, 201);
    // Names that exist and names that do not are refused alike.
    for name in ["bills", "other", ""] {
        let refused = format!("User ann may not change connector {name} (rest.permissions.file).");
        assert_error(&ann.create(name, "TestSource").await, 403, &refused);
    }
    let put = ann.put("PUT /connectors/other/config", json!({"connector.class": "TestSource"})).await;
    assert_error(&put, 403, "User ann may not change connector other (rest.permissions.file).");
    assert_eq!(put.header(header::CONTENT_TYPE), Some("application/json"));
    let named = json!({"connector.class": "TestSource", "name": "bills"});
    assert_eq!(ann.put("PUT /connectors/orders-3/config", named).await.status, 400);
    let see = ann.call("GET /connectors/bills/status").await;
    assert_error(&see, 403, "User ann may not see connector bills (rest.permissions.file).");
    assert_eq!(everybody.call("GET /connectors").await.json().as_array().unwrap().len(), 3);
    let eve = everybody.of_user("eve", "ann.change=*");
    assert_error(&eve.call("GET /").await, 403, "User eve has no rights here (rest.permissions.file).");
    let bob = everybody.of_user("bob", "bob.see=bills");
    assert_eq!(bob.call("GET /connectors").await.text, r#"["bills"]"#);
    assert_error(
        &bob.put("PUT /connector-plugins/TestSource/config/validate", json!({"connector.class": "TestSource"})).await,
        403,
        "User bob may not validate configurations without the right to change a connector (rest.permissions.file).",
    );
}
