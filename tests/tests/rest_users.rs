//! Users of the REST interface of a running worker: what they may do, how that changes, and what is written of it.
#![allow(clippy::unwrap_used, reason = "a test ends at the first surprise")]

use ferroconnect_e2e::wait::until_equal;
use ferroconnect_e2e::worker::{Subject, WorkerSetup};
use serde_json::{Value, json};

/// A worker whose users are `admin` and `ann`; `None` for the Java worker, which knows no rights.
fn setup(rights: &str) -> Option<WorkerSetup> {
    if Subject::from_env() == Subject::Java {
        println!("SKIPPED: the Java worker has no rights and no audit log");
        return None;
    }
    let mut setup = WorkerSetup::with_bootstrap(Subject::Ferroconnect, "127.0.0.1:1");
    setup.set("embedded.broker", "true").guard(&[("admin", "sesame"), ("ann", "s:esame")]);
    let file = setup.path("rights.properties");
    std::fs::write(&file, rights).unwrap();
    setup.set("rest.permissions.file", file.to_str().unwrap());
    Some(setup)
}

#[test]
fn rights_can_change_while_the_worker_runs() {
    let Some(mut setup) = setup("admin.change=*\nann.see=a-*\n") else { return };
    let worker = setup.start();
    let ann = worker.rest.as_user("ann", "s:esame");
    for name in ["a-1", "b-1"] {
        worker.rest.put_connector(name, &[("connector.class", "MockSourceConnector")]);
    }
    assert_eq!(ann.get("/connectors").json(), json!(["a-1"]));
    assert_eq!(ann.put("/connectors/a-1/pause", None).status, 403);
    assert_eq!(worker.rest.as_user("ann", "wrong").get("/").status, 401);
    std::fs::write(setup.path("rights.properties"), "admin.change=*\nann.change=b-*\n").unwrap();
    until_equal("the new rights", &json!(["b-1"]), || ann.get("/connectors").json());
    assert_eq!(ann.put("/connectors/b-1/pause", None).status, 202);
    assert_eq!(ann.get("/connectors/a-1").status, 403);
}

#[test]
fn the_log_says_who_changed_what() {
    let Some(mut setup) = setup("admin.change=*\nadmin.loggers=change\n") else { return };
    setup.set("rest.audit.log", "log").set("log.format", "json");
    let worker = setup.start();
    let config = |password| [("connector.class", "MockSourceConnector"), ("db.password", password), ("note", "same")];
    worker.rest.put_connector("c", &config("open-sesame-1"));
    worker.rest.put_connector("c", &config("open-sesame-2"));
    let level = json!({"level": "INFO"});
    assert_eq!(worker.rest.put("/admin/loggers/root", Some(&level)).status, 200);
    assert_eq!(worker.rest.as_user("ann", "s:esame").get("/connectors").status, 403);
    assert_eq!(worker.rest.get("/connectors").status, 200);
    let log = setup.logs();
    let lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let records: Vec<Value> = lines.filter(|line| line["logger"] == "ferroconnect::rest::audit").collect();
    let told = records.iter().map(|it| {
        let fields = &it["fields"];
        let text = |key: &str| fields[key].as_str().unwrap_or("-").to_owned();
        (it["message"].as_str().unwrap().to_owned(), text("user"), text("keys"), fields["status"].as_u64().unwrap())
    });
    let record =
        |message: &str, user: &str, keys: &str, status| (message.to_owned(), user.to_owned(), keys.to_owned(), status);
    let wanted = [
        record("PUT /connectors/c/config", "admin", "connector.class,db.password,name,note", 201),
        record("PUT /connectors/c/config", "admin", "db.password", 200),
        record("PUT /admin/loggers/root", "admin", "-", 200),
        record("GET /connectors", "ann", "-", 403),
    ];
    assert_eq!(told.collect::<Vec<_>>(), wanted);
    assert!(!log.contains("sesame"), "a password is in the log");
}
