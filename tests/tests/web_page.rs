//! The web page at `/ui`, used in a browser. Nothing here needs a Kafka: the worker has a broker inside.
#![allow(clippy::unwrap_used, reason = "a test ends at the first surprise")]

use ferroconnect_e2e::browser::{Browser, key};
use ferroconnect_e2e::wait::{until, until_equal};
use ferroconnect_e2e::worker::{Subject, Worker, WorkerSetup};
use serde_json::{Value, json};

/// A name that would take a page over that reads it as markup.
const NASTY: &str = "<img src=x onerror=document.title='taken'>";
const NASTY_IN_PATH: &str = "%3Cimg%20src=x%20onerror=document.title='taken'%3E";

const WIDE: (u32, u32) = (1280, 900);
const NARROW: (u32, u32) = (360, 740);

struct Scene {
    browser: Browser,
    worker: Worker,
    setup: WorkerSetup,
}

/// A worker and a browser that shows its page; `None` without a browser.
fn scene(size: (u32, u32), start: impl FnOnce(&mut WorkerSetup)) -> Option<Scene> {
    let scene = dark_scene(size, start)?;
    scene.browser.open(&format!("{}/ui", scene.worker.rest.base));
    scene.browser.await_true("document.querySelector('h1')");
    Some(scene)
}

/// As [`scene`], with a browser that shows nothing yet.
fn dark_scene((width, height): (u32, u32), start: impl FnOnce(&mut WorkerSetup)) -> Option<Scene> {
    if Subject::from_env() == Subject::Java {
        println!("SKIPPED: the Java worker has no web page");
        return None;
    }
    let browser = Browser::start(width, height)?;
    let mut setup = WorkerSetup::with_bootstrap(Subject::Ferroconnect, "127.0.0.1:1");
    setup.set("embedded.broker", "true");
    start(&mut setup);
    let worker = setup.start();
    Some(Scene { browser, worker, setup })
}

impl Scene {
    fn state_of(&self, path: &str) -> Value {
        let answer = self.worker.rest.get(&format!("/connectors/{path}/status"));
        if answer.status == 200 { answer.json()["connector"]["state"].take() } else { Value::from(answer.status) }
    }

    fn go(&self, view: &str) {
        self.browser.run("location.hash = arguments[0];", &[Value::from(view)]);
    }

    fn create(&self, name: &str, config: Value, state: &str) {
        let body = json!({"name": name, "config": config, "initial_state": state});
        let answer = self.worker.rest.post("/connectors", Some(&body));
        assert_eq!(answer.status, 201, "{answer:?}");
    }

    /// No script failed, and the policy forbade nothing that the page does. Browsers also complain about answers that
    /// are errors, which the page expects.
    fn assert_no_complaints(&self) {
        let complaints = self.browser.complaints();
        let unexpected = complaints.iter().filter(|it| !it.contains("Failed to load resource"));
        assert_eq!(unexpected.collect::<Vec<_>>(), Vec::<&String>::new());
    }
}

#[test]
fn a_connector_lives_its_life_by_keyboard_alone() {
    let Some(scene) = scene(WIDE, |_| ()) else { return };
    let Scene { browser, .. } = &scene;
    browser.await_text("There are no connectors yet.");
    browser.tab_to("New connector");
    browser.press(key::ENTER);
    browser.await_text("MockSourceConnector");
    browser.tab_to("MockSourceConnector");
    browser.press(key::ENTER);
    browser.await_text("Connector name");
    browser.tab_to("Connector name");
    browser.press(NASTY);
    browser.tab_to("Create");
    browser.press(key::ENTER);
    until_equal("the connector to run", &json!("RUNNING"), || scene.state_of(NASTY_IN_PATH));
    browser.await_true(
        "document.querySelector('h1').innerText.startsWith('<img') && document.querySelector('.badge.running')",
    );
    for (button, state) in [("Pause", "PAUSED"), ("Resume", "RUNNING")] {
        browser.tab_to(button);
        browser.press(key::ENTER);
        until_equal(button, &json!(state), || scene.state_of(NASTY_IN_PATH));
        browser.await_true(&format!("document.querySelector('.title .badge').innerText === '{state}'"));
    }
    browser.tab_to("Stop …");
    browser.press(key::ENTER);
    browser.await_true("document.querySelector('dialog[open]')");
    browser.press(key::ESCAPE);
    browser.await_true("!document.querySelector('dialog')");
    assert_eq!(scene.state_of(NASTY_IN_PATH), "RUNNING", "Esc calls nothing");
    assert_eq!(browser.focused(), "Stop …", "the focus is back where it was");
    browser.tab_to("Delete …");
    browser.press(key::ENTER);
    browser.await_true("document.querySelector('dialog[open] button.danger').disabled");
    browser.press("something else");
    browser.press(key::ENTER);
    assert_eq!(scene.state_of(NASTY_IN_PATH), "RUNNING", "another name deletes nothing");
    browser.run("const it = document.activeElement; it.value = ''; it.dispatchEvent(new Event('input'));", &[]);
    browser.press(NASTY);
    browser.picture("delete");
    browser.press(key::ENTER);
    until_equal("the connector to be gone", &json!(404), || scene.state_of(NASTY_IN_PATH));
    browser.await_text("There are no connectors yet.");
    assert_ne!(browser.value("document.title"), "taken");
    scene.assert_no_complaints();
}

#[test]
fn errors_stand_beside_their_fields() {
    let Some(scene) = scene(NARROW, |_| ()) else { return };
    let Scene { browser, .. } = &scene;
    scene.go("#/new/FileStreamSource");
    browser.await_text("Connector name");
    browser.tab_to("Connector name");
    browser.press("lines");
    browser.tab_to("Tasks max");
    browser.press("many");
    let field = |name: &str| format!("document.querySelector('[data-key=\"{name}\"]')");
    let errors = |name: &str| format!("{}.closest('.field').querySelector('.field-errors').innerText", field(name));
    browser.await_true(&format!("{}.includes('Not a number of type INT')", errors("tasks.max")));
    assert_eq!(browser.value(&errors("topic")), "", "nobody was at this field yet");
    browser.tab_to("Create");
    browser.press(key::ENTER);
    browser.await_true(&format!("{}.includes('Missing required configuration')", errors("topic")));
    assert_eq!(browser.value(&format!("{}.getAttribute('aria-invalid')", field("topic"))), "true");
    browser.await_true("document.activeElement.classList.contains('summary')");
    browser.picture("errors-narrow");
    browser.tab_to("topic");
    browser.press(key::ENTER);
    browser.await_true(&format!("document.activeElement === {}", field("topic")));
    browser.press("lines");
    browser.await_true(&format!("{} === ''", errors("topic")));
    browser.tab_to("Create");
    assert_eq!(scene.state_of("lines"), 404, "a wrong configuration creates nothing");
    scene.assert_no_complaints();
}

#[test]
fn a_configuration_is_edited_as_json_and_as_a_form() {
    let Some(scene) = scene(WIDE, |_| ()) else { return };
    let Scene { browser, worker, .. } = &scene;
    let config =
        json!({"connector.class": "MockSinkConnector", "topics": "t", "db.password": "sesame", "tasks.max": "1"});
    scene.create("edited", config, "STOPPED");
    scene.go("#/connectors/edited/config");
    browser.await_text("db.password");
    assert_eq!(browser.value("document.body.innerText.includes('sesame')"), false, "secrets are covered");
    browser.tab_to("Show the value of db.password");
    browser.press(key::ENTER);
    browser.await_text("sesame");
    scene.go("#/connectors/edited/edit");
    browser.await_text("Tasks max");
    browser.tab_to("JSON");
    browser.press(key::ENTER);
    let write = "const it = document.querySelector('.raw textarea'); it.value = arguments[0]; it.dispatchEvent(new Event('input'));";
    browser.run(write, &[Value::from("{\"tasks.max\": 2,")]);
    browser.tab_to("Save");
    browser.press(key::ENTER);
    browser.await_text("This is not JSON");
    browser.run(
        write,
        &[json!({"name": "edited", "connector.class": "MockSinkConnector", "topics": "t,u", "tasks.max": 2})
            .to_string()
            .into()],
    );
    browser.tab_to("Save");
    browser.press(key::ENTER);
    let saved = || worker.rest.get("/connectors/edited/config").json();
    let wanted = json!({"name": "edited", "connector.class": "MockSinkConnector", "topics": "t,u", "tasks.max": "2"});
    until("the configuration to be saved", || saved() == wanted);
    browser.await_true("location.hash === '#/connectors/edited'");
    scene.go("#/connectors/edited/edit");
    browser.await_text("Tasks max");
    browser.tab_to("Tasks max");
    browser.press("7");
    scene.go("#/plugins");
    browser.await_text("Leave without saving?");
    browser.press(key::ESCAPE);
    browser.await_true("location.hash === '#/connectors/edited/edit'");
    assert_eq!(browser.value("document.querySelector('[data-key=\"tasks.max\"]').value"), "7");
    scene.assert_no_complaints();
}

#[test]
fn offsets_are_changed_only_when_stopped_and_asked_twice() {
    let Some(scene) = scene(WIDE, |_| ()) else { return };
    let Scene { browser, worker, setup } = &scene;
    let file = setup.path("lines.txt");
    std::fs::write(&file, "one\ntwo\n").unwrap();
    let file = file.to_str().unwrap();
    scene.create("lines", json!({"connector.class": "FileStreamSource", "topic": "lines", "file": file}), "RUNNING");
    let position = || {
        let offsets = worker.rest.get("/connectors/lines/offsets").json();
        offsets.pointer("/offsets/0/offset/position").cloned().unwrap_or_default()
    };
    until_equal("the offset to be stored", &json!(8), position);
    scene.go("#/connectors/lines/offsets");
    browser.await_text("Offsets can be changed while the connector is stopped.");
    browser.await_text("Reset all …");
    browser.tab_to("Offset (JSON)");
    browser.run("document.activeElement.select();", &[]);
    browser.press(r#"{"position":4}"#);
    browser.tab_to("Apply changes …");
    browser.press(key::ENTER);
    browser.await_text("Stop the connector first");
    let stopped = worker.rest.put("/connectors/lines/stop", None);
    assert_eq!(stopped.status, 204);
    browser.await_true("!document.querySelector('.hint')");
    browser.press(key::ENTER);
    browser.await_true("document.querySelector('dialog[open] button.danger').disabled");
    browser.press("lines");
    browser.picture("offsets-dialog");
    browser.press(key::ENTER);
    until_equal("the offset to be changed", &json!(4), position);
    browser.await_text("have been altered successfully");
    browser.tab_to("Reset all …");
    browser.press(key::ENTER);
    browser.await_true("document.querySelector('dialog[open]')");
    browser.press("lines");
    browser.press(key::ENTER);
    browser.await_text("No offsets are stored yet.");
    assert_eq!(worker.rest.get("/connectors/lines/offsets").json(), json!({"offsets": []}));
    scene.assert_no_complaints();
}

#[test]
fn a_failure_is_told_and_restarted_and_a_lost_worker_is_said_plainly() {
    let Some(mut scene) = scene(WIDE, |_| ()) else { return };
    let folder = scene.setup.path("later");
    let file = folder.join(format!("{NASTY}.txt"));
    let config = json!({"connector.class": "FileStreamSink", "topics": "t", "file": file.to_str().unwrap()});
    scene.create("broken", config, "RUNNING");
    let failed = scene.worker.rest.await_task("broken", 0, "FAILED");
    scene.browser.await_text("1 failed");
    scene.go("#/connectors/broken");
    scene.browser.await_text("Task 0 failed");
    let trace = failed["tasks"][0]["trace"].as_str().unwrap();
    let shown = scene.browser.value("document.querySelector('.failure pre').textContent");
    assert_eq!(shown, trace);
    scene.browser.picture("failed");
    std::fs::create_dir(&folder).unwrap();
    scene.browser.tab_to("Restart what failed …");
    scene.browser.press(key::ENTER);
    scene.browser.await_true("document.querySelector('dialog[open]')");
    scene.browser.tab_to("Restart");
    scene.browser.press(key::ENTER);
    scene.worker.rest.await_task("broken", 0, "RUNNING");
    scene.browser.await_true("!document.querySelector('.failure') && document.querySelector('tbody .badge.running')");
    assert_eq!(scene.browser.value("document.querySelectorAll('main img').length"), 0);
    assert_ne!(scene.browser.value("document.title"), "taken");
    scene.assert_no_complaints();

    scene.worker.terminate();
    scene.browser.await_text("No connection to the worker");
    scene.browser.picture("lost");
    scene.worker = scene.setup.start();
    scene.browser.await_true("document.getElementById('lost').hidden");
    scene.browser.await_text("The worker has no connector of this name.");
}

#[test]
fn three_hundred_connectors_stay_quick_and_fit_a_narrow_window() {
    let Some(scene) = scene(NARROW, |_| ()) else { return };
    let Scene { browser, .. } = &scene;
    for number in 0..300 {
        let name = format!("connector-{number:03}-with-a-name-that-is-longer-than-a-narrow-window-is-wide");
        scene.create(&name, json!({"connector.class": "MockSourceConnector"}), "STOPPED");
    }
    browser.await_true("document.querySelectorAll('main tbody tr').length === 300");
    let filter = "const it = document.querySelector('input[type=search]'); const begin = performance.now(); \
                  it.value = arguments[0]; it.dispatchEvent(new Event('input')); document.body.offsetHeight; \
                  return [performance.now() - begin, document.querySelectorAll('main tbody tr').length];";
    // The best of some: what else runs on this machine says nothing about the page.
    let mut best = f64::INFINITY;
    for _ in 0..5 {
        for (text, rows) in [("connector-29", 10), ("nothing", 0), ("", 300)] {
            let answer = browser.run(filter, &[Value::from(text)]);
            assert_eq!(answer[1], rows, "{text}");
            best = if rows == 300 { best.min(answer[0].as_f64().unwrap()) } else { best };
        }
    }
    println!("300 rows came back after {best:.0} ms");
    assert!(best < 500.0, "300 rows came back after {best} ms");
    let name = "connector-000-with-a-name-that-is-longer-than-a-narrow-window-is-wide";
    let views = ["#/connectors", "#/new/FileStreamSource", "#/plugins", "#/plugins/FileStreamSink", "#/loggers"]
        .map(str::to_owned);
    let of_one = ["", "/offsets", "/topics", "/config", "/edit"].map(|part| format!("#/connectors/{name}{part}"));
    for dark in [false, true] {
        browser.set_dark(dark);
        for view in views.iter().chain(&of_one) {
            scene.go(view);
            browser.await_true("!document.body.innerText.includes('Asking the worker') && !document.body.innerText.includes('Checking')");
            let wide = browser.value("document.documentElement.scrollWidth").as_u64().unwrap();
            assert!(wide <= u64::from(NARROW.0), "{view} is {wide} pixels wide");
            let shade = if dark { "dark" } else { "light" };
            browser.picture(&format!("{}-{shade}", view.replace(['#', '/'], "_").replace(name, "one")));
        }
    }
    scene.assert_no_complaints();
}

#[test]
fn users_are_offered_what_they_may_do() {
    let start = |setup: &mut WorkerSetup| {
        setup.guard(&[("admin", "sesame"), ("ann", "sesame"), ("eve", "sesame")]);
        let (rights, audit) = (setup.path("rights.properties"), setup.path("audit.jsonl"));
        let text =
            "admin.change=*\nadmin.loggers=change\nann.change=orders-*\nann.see=*\nann.loggers=see\neve.see=bills\n";
        std::fs::write(&rights, text).unwrap();
        setup.set("rest.permissions.file", rights.to_str().unwrap());
        setup.set("rest.audit.log", audit.to_str().unwrap());
    };
    let Some(scene) = dark_scene(WIDE, start) else { return };
    let Scene { browser, worker, setup } = &scene;
    for name in ["orders-1", "bills"] {
        scene.create(name, json!({"connector.class": "MockSourceConnector"}), "RUNNING");
    }
    // The browser asks for the password and sends it along from then on.
    let sign_in = |browser: &Browser, user: &str| {
        let signed = worker.rest.base.replace("http://", &format!("http://{user}:sesame@"));
        browser.open(&format!("{signed}/ui/"));
        browser.open("about:blank");
        browser.open(&format!("{}/ui/", worker.rest.base));
    };
    let offers = |what: &str| {
        format!(
            "[...document.querySelectorAll('main button, main a.button')].some((it) => !it.hidden && it.innerText.startsWith('{what}'))"
        )
    };
    sign_in(browser, "ann");
    browser.await_text("orders-1");
    browser.await_true(&offers("New connector"));
    scene.go("#/connectors/orders-1");
    browser.await_true(&offers("Delete"));
    scene.go("#/connectors/bills");
    browser.await_text("You may look at this connector, but not change it.");
    browser.await_text("Task 0");
    for what in ["Pause", "Stop", "Restart", "Edit", "Delete"] {
        assert_eq!(browser.value(&offers(what)), false, "{what}");
    }
    browser.picture("rights");
    scene.go("#/connectors/bills/offsets");
    browser.await_true(&offers("Ask again"));
    assert_eq!(browser.value(&offers("Reset all")), false);
    scene.go("#/loggers");
    browser.await_text("root");
    assert_eq!(browser.value("document.querySelectorAll('main select').length"), 0);
    scene.assert_no_complaints();
    let delete = "return fetch('../connectors/bills', {method: 'DELETE'}).then((answer) => answer.status);";
    assert_eq!(browser.run(delete, &[]), 403);
    assert_eq!(scene.state_of("bills"), "RUNNING");
    let globs =
        "return import('./rights.js').then(({ matches }) => arguments[0].map(([glob, name]) => matches(glob, name)));";
    let pairs = json!([["a*", "a.b"], ["a.b", "axb"], ["*", ""], ["a$|*", "a$|\n"], ["a", "ab"]]);
    assert_eq!(browser.run(globs, &[pairs]), json!([true, false, true, true, false]));
    let Some(browser) = Browser::start(WIDE.0, WIDE.1) else { return };
    sign_in(&browser, "eve");
    browser.await_text("bills");
    assert_eq!(browser.value("document.body.innerText.includes('orders-1')"), false);
    assert_eq!(browser.value(&offers("New connector")), false);
    let audit = std::fs::read_to_string(setup.path("audit.jsonl")).unwrap();
    let records: Vec<Value> = audit.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let told = |user: &str, connector: &str, status: u16| {
        records.iter().any(|it| it["user"] == user && it["connector"] == connector && it["status"] == status)
    };
    assert!(told("admin", "bills", 201) && told("ann", "bills", 403), "{audit}");
}

#[test]
fn log_levels_are_set() {
    let Some(scene) = scene(WIDE, |_| ()) else { return };
    let Scene { browser, worker, .. } = &scene;
    scene.go("#/loggers");
    browser.await_text("root");
    browser.tab_to("Level of root");
    browser.press("D");
    let level = || worker.rest.get("/admin/loggers/root").json()["level"].take();
    until_equal("the level to be set", &json!("DEBUG"), level);
    browser.await_text("root logs at DEBUG now.");
    assert_eq!(browser.focused(), "Level of root", "the focus stays");
    scene.assert_no_complaints();
}

#[test]
fn figures_are_read_from_the_prometheus_text() {
    let Some(scene) = scene(WIDE, |_| ()) else { return };
    let script = "return import('./metrics.js').then(({ tasksIn, History }) => { \
                  const history = new History(); \
                  history.add(tasksIn(arguments[0]), 1000); \
                  history.add(tasksIn(arguments[1]), 3000); \
                  return [history.task('a\"b\\\\c', 1), history.of('s').at(-1), history.all().at(-1)]; });";
    let text = |read: u32, sent: u32| {
        format!(
            "# HELP x y\nkafka_connect_source_task_metrics_source_record_poll_total{{connector=\"a\\\"b\\\\c\",task=\"1\"}} {read}\n\
             kafka_connect_source_task_metrics_source_record_write_total{{connector=\"a\\\"b\\\\c\",task=\"1\",}} 7 1700000000000\n\
             kafka_connect_sink_task_sink_record_send_total{{task=\"0\",connector=\"s\"}} {sent}\n\
             kafka_connect_sink_task_sink_record_lag_max{{task=\"0\",connector=\"s\"}} 12\nother 5\n"
        )
    };
    let found = scene.browser.run(script, &[text(100, 50).into(), text(120, 40).into()]);
    assert_eq!(found[0], json!({"read": 10, "written": 0, "lag": null}));
    assert_eq!(
        found[1],
        json!({"at": 3000, "read": null, "written": null, "lag": 12}),
        "a total that fell gives no rate"
    );
    assert_eq!(found[2], json!({"at": 3000, "read": 10, "written": 0, "lag": 12}));
    let metrics = scene.worker.rest.call("GET", "/metrics", &[], None).unwrap();
    let word = "This worker serves no metrics";
    if metrics.status == 200 {
        scene.browser.await_true("!document.querySelector('.plots').hidden");
    } else {
        scene.browser.await_text(word);
    }
}
