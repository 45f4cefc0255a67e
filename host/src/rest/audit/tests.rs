use axum::Router;
use axum::body::Body;
use axum::middleware;
use axum::routing::{any, get};
use serde_json::{Value, json};
use tower::ServiceExt as _;

use super::*;
use crate::config::Props;

/// A server that writes an audit log.
struct Audited {
    router: Router,
    file: std::path::PathBuf,
    _dir: tempfile::TempDir,
}

impl Audited {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("audit.jsonl");
        Self::to(file, dir)
    }

    fn to(file: std::path::PathBuf, dir: tempfile::TempDir) -> Self {
        let audit = Arc::new(Audit::new(&AuditLog::File(file.clone())).unwrap());
        let change = async |note: Note| {
            note.user(Some("ann"));
            let before = Props::from([("same", "1"), ("gone", "2"), ("password", "old")]);
            let wanted = Props::from([("same", "1"), ("password", "sesame"), ("a.new", "3")]);
            note.changes(Some(&before), &wanted, false);
        };
        let router = Router::new()
            .route("/connectors", any(async |note: Note| note.connector("made")))
            .route("/connectors/{connector}", any(change))
            .route("/refused", any(async || StatusCode::FORBIDDEN))
            .route("/never", any(std::future::pending::<()>))
            .route(VALIDATE, get(async || ()).put(async || ()))
            .route_layer(middleware::from_fn_with_state(audit, record));
        Self { router, file, _dir: dir }
    }

    fn ask(&self, call: &str) -> impl Future<Output = u16> + use<> {
        let (method, path) = call.split_once(' ').unwrap();
        let address = "[::ffff:10.0.0.1]:7".parse().unwrap();
        let origin = Origin { scheme: "http", local: address, remote: address, subject: None, gate: None };
        let request = Request::builder().method(method).uri(path).header(REQUEST_ID, "r-1").extension(Arc::new(origin));
        let answer = self.router.clone().oneshot(request.body(Body::empty()).unwrap());
        async { answer.await.unwrap().status().as_u16() }
    }

    /// The records, without what time makes of them.
    fn records(&self) -> Vec<Value> {
        let text = std::fs::read_to_string(&self.file).unwrap_or_default();
        let record = |line: &str| {
            let mut record: Value = serde_json::from_str(line).unwrap();
            let fields = record.as_object_mut().unwrap();
            let time: Timestamp = fields.remove("time").unwrap().as_str().unwrap().parse().unwrap();
            assert!(Timestamp::now().duration_since(time).as_secs() < 60);
            assert!(fields.remove("millis").unwrap().is_u64());
            record
        };
        text.lines().filter(|line| !line.is_empty()).map(record).collect()
    }
}

#[tokio::test]
async fn changes_are_told_with_keys_and_without_values() {
    let audited = Audited::new();
    for call in
        ["GET /connectors", "HEAD /connectors/a", "OPTIONS /connectors", "PUT /connector-plugins/P/config/validate"]
    {
        audited.ask(call).await;
        assert_eq!(audited.records(), Vec::<Value>::new(), "{call} changes nothing");
    }
    audited.ask("POST /connectors?x=secret").await;
    audited.ask("PUT /connectors/a%20b").await;
    let wanted = [
        json!({"user": null, "remote": "10.0.0.1", "request_id": "r-1", "method": "POST", "path": "/connectors",
               "connector": "made", "status": 200}),
        json!({"user": "ann", "remote": "10.0.0.1", "request_id": "r-1", "method": "PUT", "path": "/connectors/a%20b",
               "connector": "a b", "keys": ["a.new", "gone", "password"], "status": 200}),
    ];
    assert_eq!(audited.records(), wanted);
    let text = std::fs::read_to_string(&audited.file).unwrap();
    assert!(!text.contains("sesame") && !text.contains("old") && !text.contains("secret"), "{text}");
}

#[tokio::test]
async fn refusals_are_told_but_do_not_fill_the_disk() {
    let audited = Audited::new();
    for _ in 0..100 {
        assert_eq!(audited.ask("GET /refused").await, 403);
    }
    let records = audited.records();
    assert_eq!(records[0]["status"], 403);
    assert!(records.len() < 50, "{} records", records.len());
}

#[tokio::test]
async fn a_client_that_goes_away_leaves_its_record() {
    let audited = Audited::new();
    let asked = audited.ask("DELETE /never");
    assert!(tokio::time::timeout(Duration::from_millis(20), asked).await.is_err());
    let records = audited.records();
    assert_eq!((records.len(), &records[0]["method"], &records[0]["status"]), (1, &json!("DELETE"), &Value::Null));
}

#[tokio::test]
async fn a_file_that_was_moved_away_is_made_again_and_one_that_cannot_be_written_stops_nothing() {
    use std::os::unix::fs::PermissionsExt as _;

    let audited = Audited::new();
    assert!(!audited.file.exists(), "nothing is made before there is something to write");
    audited.ask("POST /connectors").await;
    assert_eq!(std::fs::metadata(&audited.file).unwrap().permissions().mode() & 0o777, 0o600);
    let moved = audited.file.with_extension("1");
    std::fs::rename(&audited.file, &moved).unwrap();
    std::fs::create_dir(&audited.file).unwrap();
    assert_eq!(audited.ask("POST /connectors").await, 200);
    std::fs::remove_dir(&audited.file).unwrap();
    assert_eq!(audited.ask("DELETE /connectors/a").await, 200);
    assert_eq!(audited.records().iter().map(|it| it["method"].as_str().unwrap()).collect::<Vec<_>>(), ["DELETE"]);
    let full = Audited::to("/dev/full".into(), tempfile::tempdir().unwrap());
    for _ in 0..2 {
        assert_eq!(full.ask("POST /connectors").await, 200, "a full disk");
    }
    let error = Audit::new(&AuditLog::File("/nowhere/audit".into())).err().unwrap();
    assert!(error.message().contains("rest.audit.log") && error.message().contains("cannot be written"), "{error}");
}

#[test]
fn a_network_of_ipv6_counts_as_one_place() {
    let place = |text: &str| network(text.parse().unwrap()).to_string();
    assert_eq!(place("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::");
    assert_eq!(place("10.1.2.3"), "10.1.2.3");
}
