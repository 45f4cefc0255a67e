//! `ferroconnect connectors` looks after the connectors of a running worker, ours or Java's; `ferroconnect check` finds
//! what would keep a worker from starting.
#![allow(clippy::unwrap_used, reason = "a test ends at the first surprise")]

use std::fs::File;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use ferroconnect_e2e::kafka::Kafka;
use ferroconnect_e2e::process::{Process, read_lossy};
use ferroconnect_e2e::wait::{PATIENCE, until};
use ferroconnect_e2e::worker::{Subject, WorkerSetup, plugins, program};
use ferroconnect_e2e::{free_port, repository, unique};
use rustix::process::Signal;
use serde_json::Value;
use tempfile::TempDir;

/// What a command has written and how it has ended.
#[derive(Debug)]
struct Done {
    code: Option<i32>,
    out: String,
    err: String,
}

impl From<Output> for Done {
    fn from(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Self { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
    }
}

/// The commands for one worker, run in its folder.
struct Commands {
    url: String,
    dir: std::path::PathBuf,
}

impl Commands {
    fn of(setup: &WorkerSetup) -> Self {
        Self { url: format!("http://127.0.0.1:{}", setup.port()), dir: setup.dir().to_owned() }
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(program());
        command.arg("connectors").args(args).env("FERROCONNECT_URL", &self.url).current_dir(&self.dir);
        command
    }

    fn run(&self, args: &[&str]) -> Done {
        self.command(args).stdin(Stdio::null()).output().unwrap().into()
    }

    /// What a command that ends well writes.
    #[track_caller]
    fn good(&self, args: &[&str]) -> String {
        let done = self.run(args);
        assert_eq!((done.code, done.err.as_str()), (Some(0), ""), "{args:?}: {done:?}");
        done.out
    }

    /// What a command that ends with this code writes to standard error.
    #[track_caller]
    fn bad(&self, code: i32, args: &[&str]) -> String {
        let done = self.run(args);
        assert_eq!(done.code, Some(code), "{args:?}: {done:?}");
        assert!(done.err.starts_with("ferroconnect: ") || code == 1, "{done:?}");
        done.err
    }

    fn write(&self, file: &str, text: &str) {
        std::fs::write(self.dir.join(file), text).unwrap();
    }
}

fn setup() -> WorkerSetup {
    WorkerSetup::new(Subject::from_env(), Kafka::shared())
}

fn source(name: &str, topic: &str) -> String {
    format!("name={name}\nconnector.class=FileStreamSource\ntasks.max=1\ntopic={topic}\nfile=in.txt\n")
}

#[test]
fn a_connector_is_created_looked_after_and_deleted() {
    let mut setup = setup();
    let _worker = setup.start();
    let cli = Commands::of(&setup);
    let (name, topic) = ("an order, né 1", unique("cli"));
    let config = format!(r#"{{"connector.class":"FileStreamSource","topic":"{topic}","file":"in.txt"}}"#);
    cli.write("c.json", &format!(r#"{{"name":"{name}","config":{config}}}"#));
    assert_eq!(cli.good(&["list"]), "no connectors\n");
    assert_eq!(cli.good(&["create", "-f", "c.json"]), format!("{name} is created\n"));
    let again = cli.bad(4, &["create", "-f", "c.json"]);
    assert!(
        again.contains(&format!("Connector {name} already exists (409 for POST {}/connectors)", cli.url)),
        "{again}"
    );

    let shown = cli.good(&["status", name, "--wait", "60"]);
    assert_eq!(shown.matches("RUNNING").count(), 2, "{shown}");
    assert!(cli.good(&["list"]).lines().any(|line| line.starts_with(&format!("{name}  source  RUNNING  1 running"))));
    cli.good(&["pause", name]);
    cli.good(&["status", name, "--wait", "60", "--until", "paused"]);
    cli.good(&["resume", name]);
    cli.good(&["status", name, "--wait", "60"]);
    assert_eq!(
        cli.good(&["restart", name, "--include-tasks"]),
        format!("{name}: restarting the connector and task 0\n")
    );
    cli.good(&["status", name, "--wait", "60"]);
    assert_eq!(
        cli.good(&["restart", name, "--include-tasks", "--only-failed"]),
        format!("{name}: nothing to restart\n")
    );
    assert_eq!(cli.good(&["restart", name]), format!("{name} is restarted\n"));
    cli.good(&["status", name, "--wait", "60"]);
    assert_eq!(cli.good(&["restart", name, "--task", "0"]), format!("task 0 of {name} is restarted\n"));
    let late = cli.bad(5, &["status", name, "--wait", "1", "--until", "stopped"]);
    assert!(late.contains("after 1 s: "), "{late}");

    assert!(cli.bad(1, &["delete", name]).contains("add --yes"));
    assert!(cli.good(&["list"]).contains(name), "it was deleted without a yes");
    assert_eq!(cli.good(&["delete", name, "--yes"]), format!("{name} is deleted\n"));
    assert_eq!(cli.good(&["list"]), "no connectors\n");
    assert!(cli.bad(4, &["config", name]).contains(&format!("Connector {name} not found (404 ")));
}

#[test]
fn apply_changes_what_differs_and_nothing_else() {
    let mut setup = setup();
    let worker = setup.start();
    let cli = Commands::of(&setup);
    let topic = unique("cli");
    cli.write("a.properties", &source("a", &topic));
    cli.write("b.json", &format!(
        r#"{{"name":"b","config":{{"connector.class":"FileStreamSource","topic":"{topic}","file":"in.txt"}},"initial_state":"stopped"}}"#
    ));
    let files = ["-f", "a.properties", "b.json"];
    let apply = |more: &[&str]| cli.good(&[&["apply"], more, &files].concat());
    let dry = apply(&["--dry-run"]);
    assert!(dry.starts_with("a would be created\n  + connector.class = FileStreamSource\n"), "{dry}");
    assert_eq!(cli.good(&["list"]), "no connectors\n");
    assert_eq!(apply(&[]), "a is created\nb is created\n");
    worker.rest.await_connector("b", "STOPPED");
    assert_eq!(apply(&[]), "a is unchanged\nb is unchanged\n");
    assert_eq!(apply(&["--dry-run"]), "a is unchanged\nb is unchanged\n");

    cli.write(
        "a.properties",
        &(source("a", &topic).replace("tasks.max=1\n", "") + "batch.size=7\nmy.password=s3cret\n"),
    );
    let expected =
        "a would be changed\n  + batch.size = 7\n  + my.password = [hidden]\n  - tasks.max = 1\nb is unchanged\n";
    assert_eq!(apply(&["--dry-run"]), expected);
    let json = apply(&["--dry-run", "--json"]);
    let first: Value = serde_json::from_str(json.lines().next().unwrap()).unwrap();
    assert_eq!((&first["action"], &first["dry_run"]), (&"changed".into(), &true.into()));
    assert_eq!(first["changes"][0], serde_json::json!({ "key": "batch.size", "change": "added" }));
    assert_eq!(apply(&[]), "a is changed\nb is unchanged\n");
    let config = cli.good(&["config", "a"]);
    assert!(config.contains("batch.size = 7\n") && config.contains("my.password = [hidden]\n"), "{config}");
    assert_eq!(cli.good(&["config", "a", "--json"]), worker.rest.get("/connectors/a/config").text + "\n");

    // The worker refuses one; the other one still gets its turn.
    cli.write("a.properties", "name=a\nconnector.class=FileStreamSource\n");
    cli.write("b.json", &format!(r#"{{"name":"b","connector.class":"FileStreamSource","topic":"{topic}"}}"#));
    let done = cli.run(&[&["apply"][..], &files].concat());
    assert_eq!((done.code, done.out.as_str()), (Some(4), "b is changed\n"), "{done:?}");
    assert!(
        done.err.contains("Connector configuration is invalid and contains the following 1 error(s):\n"),
        "{done:?}"
    );
}

#[test]
fn what_has_failed_is_shown_and_decides_the_exit_code() {
    let mut setup = setup();
    let _worker = setup.start();
    let cli = Commands::of(&setup);
    let topic = unique("cli");
    Kafka::shared().create_topic(&topic, 1);
    cli.write(
        "bad.toml",
        &format!("name='bad'\nconnector.class='FileStreamSink'\ntopics='{topic}'\nfile='none/out'\n"),
    );
    cli.good(&["create", "-f", "bad.toml"]);
    let early = cli.bad(5, &["status", "bad", "--wait", "600"]);
    assert!(early.contains("task 0 of bad has failed"), "{early}");
    let done = cli.run(&["status", "--fail-on-failed"]);
    assert_eq!(done.code, Some(5), "{done:?}");
    assert!(done.out.contains("\nbad task 0:\n  org.apache.kafka.connect.errors.ConnectException: "), "{done:?}");
    assert!(cli.good(&["list"]).contains("1 failed"));
    assert!(cli.good(&["restart", "bad", "--include-tasks", "--only-failed"]).contains("restarting"));
    cli.bad(4, &["offsets", "reset", "bad", "--yes"]);
}

#[test]
fn files_are_checked_by_the_worker_key_by_key() {
    let mut setup = setup();
    let _worker = setup.start();
    let cli = Commands::of(&setup);
    cli.write("good.properties", &source("good", "t"));
    cli.write("bad.properties", "name=bad\nconnector.class=FileStreamSource\ntasks.max=many\n");
    assert_eq!(cli.good(&["validate", "-f", "good.properties"]), "good.properties: good is right\n");
    let wrong = cli.bad(2, &["validate", "-f", "bad.properties", "good.properties"]);
    assert!(wrong.contains("bad.properties: tasks.max: Invalid value many for configuration tasks.max"), "{wrong}");
    assert!(wrong.contains("bad.properties: topic: Missing required configuration \"topic\""), "{wrong}");
    assert_eq!(cli.good(&["list"]), "no connectors\n");
    cli.write("none.properties", "name=x\n");
    assert!(cli.bad(2, &["validate", "-f", "none.properties"]).contains("none.properties: connector.class is missing"));
}

#[test]
fn watching_goes_on_until_ctrl_c_even_without_the_worker() {
    let mut setup = setup();
    let mut worker = setup.start();
    let cli = Commands::of(&setup);
    let mut watching = Process::start(cli.command(&["list", "--watch=1"]), setup.dir(), "watch");
    until("two looks", || watching.output().matches("no connectors\n").count() >= 2);
    worker.kill();
    until("the worker to be missed", || watching.output().contains("cannot be reached"));
    assert!(watching.ended().is_none(), "it ended with the worker");
    assert!(!watching.output().contains('\u{1b}'), "colours or cursor movements in a file");
    watching.signal(Signal::INT);
    assert!(watching.wait(PATIENCE).success());
    assert_eq!(read_lossy(&watching.stderr), "");
}

#[test]
fn nobody_to_talk_to_wrong_arguments_and_wrong_files_have_their_exit_codes() {
    let dir = tempfile::tempdir().unwrap();
    let cli = Commands { url: format!("http://127.0.0.1:{}", free_port()), dir: dir.path().to_owned() };
    assert!(cli.bad(3, &["list"]).contains("cannot be reached"));
    assert!(cli.bad(3, &["pause", "a", "b"]).lines().count() == 1, "there is no point in asking twice");
    cli.bad(1, &["pause"]);
    cli.bad(1, &["list", "--no-such-option"]);
    assert!(cli.bad(1, &["list", "--url", "ftp://w"]).contains("http or https"));
    assert!(cli.bad(1, &["offsets", "reset", "a"]).contains("--yes"));
    assert!(cli.bad(2, &["apply", "-f", "none.json"]).contains("none.json: cannot be read"));
    assert!(cli.bad(2, &["list", "--user", "ann"]).contains("FERROCONNECT_PASSWORD"));
    cli.write("offsets.json", "{");
    assert!(cli.bad(2, &["offsets", "alter", "a", "-f", "offsets.json"]).contains("offsets.json: is not JSON"));
}

#[test]
fn a_name_with_a_slash_is_one_name() {
    let mut setup = WorkerSetup::new(Subject::Ferroconnect, Kafka::shared()); // Kafka Connect cannot address it
    let _worker = setup.start();
    let cli = Commands::of(&setup);
    cli.write("c.properties", &source("a/b?c", &unique("cli")));
    cli.good(&["apply", "-f", "c.properties"]);
    assert_eq!(cli.good(&["apply", "-f", "c.properties"]), "a/b?c is unchanged\n");
    assert_eq!(cli.good(&["delete", "a/b?c", "-y"]), "a/b?c is deleted\n");
}

fn check(dir: &Path, args: &[&str]) -> Done {
    Command::new(program()).arg("check").args(args).current_dir(dir).output().unwrap().into()
}

fn files_in(dir: &Path) -> Vec<std::ffi::OsString> {
    let mut files: Vec<_> = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    files.sort();
    files
}

#[test]
fn a_check_of_what_would_start_ends_well_and_changes_nothing() {
    let mut setup = WorkerSetup::new(Subject::Ferroconnect, Kafka::shared());
    let topic = unique("cli");
    setup.connector_file("c.properties", &source("c", &topic));
    let worker = setup.write_worker_file();
    let before = files_in(setup.dir());
    let done = check(setup.dir(), &[worker.to_str().unwrap(), "c.properties"]);
    assert_eq!(done.code, Some(0), "{done:?}");
    assert!(done.out.contains("ok       connector    c.properties: c can be created\n"), "{done:?}");
    assert!(done.out.contains("answer for cluster ") && done.out.ends_with("0 errors, 0 warnings\n"), "{done:?}");
    assert_eq!(files_in(setup.dir()), before);
    assert!(Kafka::shared().partitions(&topic).is_empty(), "the check has made a topic");
    // And so it is.
    let worker = setup.start();
    worker.rest.await_task("c", 0, "RUNNING");
}

#[test]
fn a_check_beside_a_running_worker_finds_its_port_and_offset_file_taken() {
    let mut setup = WorkerSetup::new(Subject::Ferroconnect, Kafka::shared());
    let worker = setup.start();
    let done = check(setup.dir(), &["worker.properties", "--json"]);
    assert_eq!(done.code, Some(2), "{done:?}");
    let json: Value = serde_json::from_str(&done.out).unwrap();
    let wrong: Vec<_> = json["findings"].as_array().unwrap().iter().filter(|found| found["level"] == "error").collect();
    let about: Vec<&str> = wrong.iter().map(|found| found["about"].as_str().unwrap()).collect();
    assert_eq!(about, ["REST", "offsets"], "{json:#}");
    let said = wrong[1]["message"].as_str().unwrap();
    assert!(said.contains(&format!("in use by another worker (process {})", worker.id())), "{said}");
    drop(worker);
    assert_eq!(check(setup.dir(), &["worker.properties"]).code, Some(0));
}

#[test]
fn a_check_tells_all_that_is_wrong_at_once() {
    let mut setup = WorkerSetup::with_bootstrap(Subject::Ferroconnect, &format!("127.0.0.1:{}", free_port()));
    setup.set("value.converter", "org.apache.kafka.connect.storage.NoSuchConverter");
    setup.set("offset.storage.file.filename", "no/such/folder/offsets");
    let listeners = format!("http://127.0.0.1:{},http://192.0.2.1:80,https://127.0.0.1:0", setup.port());
    setup.set("listeners", &listeners);
    setup.set("plugin.path", &format!("{},nowhere", plugins().display()));
    setup.write_worker_file();
    let dir = setup.dir();
    let secret = "s3cret-6f1d";
    for (file, text) in [
        ("a.properties", format!("name=a\nconnector.class=FileStreamSource\ntasks.max=0\nmy.password={secret}\n")),
        ("b.json", format!(r#"{{"name":"a","config":{{"password":"{secret}"}}}}"#)),
        ("c.toml", "name = ".to_owned()),
    ] {
        std::fs::write(dir.join(file), text).unwrap();
    }
    let done = check(dir, &["worker.properties", "a.properties", "b.json", "c.toml", "none.json"]);
    assert_eq!(done.code, Some(2), "{done:?}");
    for part in [
        "warning  plugins      worker.properties:",
        "error    converters   worker.properties:",
        "error    REST         Could not listen on http://192.0.2.1:80 (key `listeners`): ",
        "error    REST         https listeners: `ssl.keystore.location` is missing",
        "error    offsets      Offset file no/such/folder/offsets ",
        "error    brokers      127.0.0.1:",
        "error    connector    a.properties: tasks.max: Invalid value 0 ",
        "error    connector    a.properties: topic: Missing required configuration",
        "error    connector    b.json: name: Connector a is in a.properties too",
        "error    connector    b.json: connector.class: Missing required configuration",
        "error    connector    c.toml:1: ",
        "error    connector    none.json: cannot be read",
    ] {
        assert!(done.out.contains(part), "no {part:?} in\n{}", done.out);
    }
    assert!(!done.out.contains(secret) && !done.err.contains(secret), "{done:?}");
}

#[test]
fn a_wrong_worker_file_is_told_line_by_line_and_connectors_are_still_read() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("w.properties"), "offset.flush.interval.ms=soon\nlisteners=ftp://x:1\n").unwrap();
    std::fs::write(dir.path().join("c.json"), "{").unwrap();
    let done = check(dir.path(), &["w.properties", "c.json"]);
    assert_eq!(done.code, Some(2), "{done:?}");
    assert!(done.out.contains("error    worker file  w.properties:1: Invalid value soon for "), "{done:?}");
    assert!(done.out.contains("error    worker file  w.properties:2: Invalid value ftp://x:1 for "), "{done:?}");
    assert!(done.out.contains("error    connector    c.json:1: not valid JSON"), "{done:?}");
    assert_eq!(check(dir.path(), &["none.properties"]).code, Some(2));
    assert_eq!(check(dir.path(), &[]).code, Some(1));
}

#[test]
fn a_container_is_checked_by_its_environment() {
    let dir = tempfile::tempdir().unwrap();
    let string = "org.apache.kafka.connect.storage.StringConverter";
    let check = |converter: &str| -> Done {
        let mut command = Command::new(program());
        command.args(["container", "--check", "--base", "base.properties"]).current_dir(dir.path()).env_clear();
        command.env("CONNECT_KEY_CONVERTER", string).env("CONNECT_VALUE_CONVERTER", converter);
        command.env("CONNECT_LISTENERS", "http://127.0.0.1:0").output().unwrap().into()
    };
    std::fs::write(dir.path().join("base.properties"), "embedded.broker=true\noffset.storage.file.filename=o\n")
        .unwrap();
    let right = check(string);
    assert_eq!(right.code, Some(0), "{right:?}");
    let wrong = check("NoSuchConverter");
    assert_eq!(wrong.code, Some(2), "{wrong:?}");
    assert!(
        wrong.out.contains("error    converters   CONNECT_VALUE_CONVERTER (environment): Invalid value NoSuch"),
        "{wrong:?}"
    );
    assert_eq!(files_in(dir.path()), ["base.properties"]);
}

#[test]
fn a_check_shows_nothing_that_config_providers_gave() {
    let mut setup = WorkerSetup::with_bootstrap(Subject::Ferroconnect, "127.0.0.1:1");
    setup.set("config.providers", "file");
    setup.set("config.providers.file.class", "org.apache.kafka.common.config.provider.FileConfigProvider");
    setup.write_worker_file();
    let secrets = setup.path("secrets.properties");
    std::fs::write(&secrets, "tasks=hush-71aa\n").unwrap();
    let tasks = format!("tasks.max=${{file:{}:tasks}}", secrets.display());
    std::fs::write(setup.dir().join("c.properties"), source("c", "t").replace("tasks.max=1", &tasks)).unwrap();
    let done = check(setup.dir(), &["worker.properties", "c.properties", "--offline"]);
    assert_eq!(done.code, Some(2), "{done:?}");
    assert_eq!(done.out.matches("error    connector    c.properties: tasks.max: ").count(), 1, "{done:?}");
    assert!(!done.out.contains("hush") && !done.err.contains("hush"), "{done:?}");
}

#[test]
fn a_worker_that_is_still_starting_is_waited_for() {
    let mut setup = setup();
    setup.connector_file("c.properties", &source("c", &unique("cli")));
    let _worker = setup.spawn();
    let cli = Commands::of(&setup);
    assert!(cli.good(&["status", "c", "--wait", "120"]).contains("RUNNING"));
}

#[test]
fn a_check_reads_the_connector_directory_too() {
    let mut setup = WorkerSetup::with_bootstrap(Subject::Ferroconnect, "127.0.0.1:1");
    let followed = setup.path("followed");
    std::fs::create_dir(&followed).unwrap();
    setup.set("connectors.dir", followed.to_str().unwrap());
    setup.write_worker_file();
    std::fs::write(followed.join("a.properties"), source("a", "t") + "topic=u\n").unwrap();
    let check = || check(setup.dir(), &["worker.properties", "--offline"]);
    let right = check();
    assert_eq!(right.code, Some(0), "{right:?}");
    assert!(right.out.contains("a.properties:6: 'topic' is set a second time"), "{right:?}");
    std::fs::write(followed.join("b.properties"), "name=b\nconnector.class=FileStreamSource\n").unwrap();
    let wrong = check();
    assert_eq!(wrong.code, Some(2), "{wrong:?}");
    assert!(wrong.out.contains("b.properties: topic: Missing required configuration"), "{wrong:?}");
    std::fs::remove_dir_all(&followed).unwrap();
    let gone = check();
    assert_eq!(gone.code, Some(2), "{gone:?}");
    assert!(gone.out.contains(&format!("connectors.dir={}: cannot be read: ", followed.display())), "{gone:?}");
}

/// A folder in which the examples of the page can be run.
fn reader_of_the_page() -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    let library = format!("{}ferroconnect_file_stream{}", std::env::consts::DLL_PREFIX, std::env::consts::DLL_SUFFIX);
    std::fs::create_dir(dir.path().join("plugins")).unwrap();
    std::fs::copy(plugins().join("file-stream").join(&library), dir.path().join("plugins").join(&library)).unwrap();
    dir
}

/// Runs all examples of a page as one session and compares what they write. `cat FILE` shows the file that the reader is
/// to make. Ports of the page stand for those that are free here.
fn play(page: &str, dir: &Path, ports: &[(u16, u16)]) -> usize {
    let url = format!("http://127.0.0.1:{}", ports[0].1);
    let bin = program().parent().unwrap().to_owned();
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
    let page = ports.iter().fold(page.to_owned(), |page, (here, there)| {
        page.replace(&format!("127.0.0.1:{here}"), &format!("127.0.0.1:{there}"))
    });
    let mut steps = 0;
    for block in page.split("\n```console\n").skip(1) {
        let block = block.split_once("\n```").unwrap().0;
        for step in format!("\n{block}").split("\n$ ").skip(1) {
            let (line, expected) = step.split_once('\n').unwrap_or((step, ""));
            if let Some(file) = line.strip_prefix("cat ") {
                std::fs::write(dir.join(file), format!("{expected}\n")).unwrap();
                continue;
            }
            let written = dir.join("written");
            let both = File::create(&written).unwrap();
            let mut shell = Command::new("sh");
            shell.args(["-c", line]).current_dir(dir).env("PATH", &path).env("FERROCONNECT_URL", &url);
            shell.stdin(Stdio::null()).stdout(both.try_clone().unwrap()).stderr(both).status().unwrap();
            assert_eq!(read_lossy(&written).trim_end(), expected.trim_end(), "$ {line}");
            steps += 1;
        }
    }
    steps
}

#[test]
fn the_examples_of_the_page_show_what_is_shown() {
    let page = std::fs::read_to_string(repository().join("docs/cli.md")).unwrap();
    let mut setup = WorkerSetup::new(Subject::Ferroconnect, Kafka::shared());
    let _worker = setup.start();
    let reader = reader_of_the_page();
    let steps = play(&page, reader.path(), &[(8083, setup.port()), (8084, free_port())]);
    assert!(steps >= 20, "only {steps} examples were found");
}
