//! `scripts/connect-standalone.sh`, for those who type Kafka's name of it, and what service managers are told.
#![allow(clippy::unwrap_used, reason = "a test ends at the first surprise")]

use ferroconnect_e2e::process::{Process, read_lossy};
use ferroconnect_e2e::repository;
use ferroconnect_e2e::rest::RestClient;
use ferroconnect_e2e::wait::{PATIENCE, until, until_some};
use ferroconnect_e2e::worker::{Subject, WorkerSetup, program};
use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::Command;

fn java() -> bool {
    Subject::from_env() == Subject::Java
}

/// A worker that needs no Kafka.
fn setup() -> WorkerSetup {
    let mut setup = WorkerSetup::with_bootstrap(Subject::Ferroconnect, "127.0.0.1:1");
    setup.unset("bootstrap.servers").set("embedded.broker", "true");
    setup
}

fn script(program: Option<&Path>) -> Command {
    let mut command = Command::new(repository().join("scripts/connect-standalone.sh"));
    for variable in ["EXTRA_ARGS", "LOG_DIR", "KAFKA_HEAP_OPTS"] {
        command.env_remove(variable);
    }
    if let Some(program) = program {
        command.env("FERROCONNECT_BIN", program);
    }
    command
}

fn await_ready(port: u16, alive: impl Fn()) {
    let rest = RestClient::new(&format!("http://127.0.0.1:{port}"));
    until_some("the worker to be ready", PATIENCE, || {
        alive();
        let answer = rest.call("GET", "/health", &[], None)?;
        if answer.status == 200 { Ok(()) } else { Err(answer.text) }
    });
}

#[test]
fn the_script_becomes_the_worker() {
    if java() {
        return;
    }
    let setup = setup();
    let mut command = script(Some(&program()));
    command
        .args(["-name", "x"])
        .arg(setup.write_worker_file())
        .env("KAFKA_HEAP_OPTS", "-Xmx1g")
        .env("EXTRA_ARGS", "-loggc");
    let mut process = Process::start(command, setup.dir(), "script");
    await_ready(setup.port(), || {});
    let executable = std::fs::read_link(format!("/proc/{}/exe", process.id())).unwrap();
    assert_eq!(executable, program().canonicalize().unwrap());
    process.signal(Signal::TERM);
    assert_eq!(process.wait(PATIENCE).code(), Some(0), "{}", process.log());
    let ignored = "ignored, because they are for a Java worker: -loggc KAFKA_HEAP_OPTS";
    assert!(process.log().lines().next().unwrap().ends_with(ignored), "{}", process.log());
}

#[test]
fn exit_statuses_are_the_workers() {
    if java() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let status = |arguments: &[&str], program: &Path| {
        let mut command = script(Some(program));
        command.args(arguments);
        let mut process = Process::start(command, dir.path(), "script");
        let status = process.wait(PATIENCE).code();
        (status, process.log())
    };
    assert_eq!(status(&["/no/such/worker.properties"], &program()).0, Some(2));
    for arguments in [&[][..], &["-name"], &["-unknown", "w.properties"]] {
        let (code, log) = status(arguments, &program());
        assert_eq!(code, Some(1), "{arguments:?}");
        assert!(log.contains("connect-standalone.sh [-daemon] [-name NAME] WORKER.properties"), "{log}");
    }
    let (code, log) = status(&["w.properties"], Path::new("/no/such/program"));
    assert_eq!(code, Some(1));
    assert!(log.contains("FERROCONNECT_BIN=/no/such/program"), "{log}");
}

#[test]
fn a_daemon_goes_on_and_writes_its_log() {
    if java() {
        return;
    }
    let setup = setup();
    let logs = setup.path("logs");
    let mut command = script(Some(&program()));
    command.args(["-daemon", "-name", "mine"]).arg(setup.write_worker_file()).env("LOG_DIR", &logs);
    let mut process = Process::start(command, setup.dir(), "daemon");
    assert!(process.wait(PATIENCE).success(), "{}", process.log());
    let said = process.output();
    let id = said.split(' ').nth(1).and_then(|id| id.parse().ok()).and_then(Pid::from_raw).expect("worker ID started");
    let log = logs.join("mine.out");
    await_ready(setup.port(), || assert!(test_kill_process(id).is_ok(), "{}", read_lossy(&log)));
    kill_process(id, Signal::TERM).unwrap();
    until("the log of the stop", || read_lossy(&log).contains("Kafka Connect stopped"));
    until("the end of the daemon", || test_kill_process(id).is_err() || is_zombie(id));
}

/// Whether a process has ended, where whoever adopts orphans has not asked for its status yet.
fn is_zombie(id: Pid) -> bool {
    read_lossy(Path::new(&format!("/proc/{}/stat", id.as_raw_nonzero()))).contains(") Z ")
}

#[test]
fn a_service_manager_is_told_of_the_start_of_life_and_of_the_stop() {
    if java() {
        return;
    }
    let mut setup = setup();
    let path = setup.path("notify");
    let socket = UnixDatagram::bind(&path).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let next = || {
        let mut buffer = [0; 512];
        let length = socket.recv(&mut buffer).unwrap();
        String::from_utf8_lossy(&buffer[..length]).into_owned()
    };
    setup.env("NOTIFY_SOCKET", path.to_str().unwrap()).env("WATCHDOG_USEC", "200000");
    let mut worker = setup.spawn();
    assert_eq!(next(), format!("READY=1\nSTATUS=REST at http://127.0.0.1:{}/", setup.port()));
    assert_eq!(worker.rest.get("/health").status, 200, "ready means ready");
    assert_eq!((next(), next()), ("WATCHDOG=1".to_owned(), "WATCHDOG=1".to_owned()));
    worker.terminate();
    let last = std::iter::repeat_with(next).find(|told| told != "WATCHDOG=1");
    assert_eq!(last.as_deref(), Some("STOPPING=1"));
}
