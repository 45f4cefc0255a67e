//! What a process really writes to standard error: form, context, levels changed while it runs, and a closed standard
//! error. The test program starts itself again as the process that logs.

use std::process::{Command, Stdio};

use ferroconnect::telemetry::loggers::{self, LevelSpec};
use ferroconnect::telemetry::{LogContext, LogFormat, LogLevel, logging};

/// Says which part the process started by a test is to play.
const PART: &str = "FERROCONNECT_TEST_LOGGING_PART";

/// Starts this program again to play `part`; gives what it wrote to standard error.
fn play(part: &str) -> String {
    let output = process(part).output().expect("the test program can start itself");
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stderr).expect("log lines are UTF-8")
}

fn process(part: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("the test program has a path"));
    command.args(["--exact", "--nocapture", "the_process_that_logs"]).env(PART, part);
    command.env(loggers::LEVELS_VARIABLE, "warn,logging_process=info").env("TZ", "UTC");
    command
}

/// Not a test of its own: plays a part for the others.
#[test]
fn the_process_that_logs() {
    let Ok(part) = std::env::var(PART) else { return };
    let levels = LevelSpec::from_env().unwrap();
    logging::init(LogFormat::Text, &levels).unwrap();
    assert!(logging::init(LogFormat::Text, &levels).is_err(), "logging starts once");
    logging::install_panic_hook();
    match part.as_str() {
        "lines" => {
            let context = LogContext::task("file-source", 0);
            let scope = context.register();
            let _entered = context.enter();
            tracing::info!(records = 3, "Wrote a batch");
            logging::set_format(LogFormat::Json);
            tracing::warn!("Broker is away");
            let id = Some(scope.id());
            let plugin =
                move || logging::log_foreign(LogLevel::Info, "logging_process::plugin", "Hi", &[("k", "v")], id);
            std::thread::Builder::new().name("own".into()).spawn(plugin).unwrap().join().unwrap();
        }
        "levels" => {
            let say = |text: &str| {
                tracing::debug!("{text}");
                logging::log_foreign(LogLevel::Debug, "logging_process", text, &[], None);
            };
            say("too quiet");
            loggers::set_level("logging_process", LogLevel::Debug);
            say("loud enough");
            loggers::set_level("root", LogLevel::Error);
            say("quiet again");
        }
        "panic" => {
            let broken = std::thread::Builder::new().name("task-thread-x-0".into());
            broken.spawn(|| panic!("broken")).unwrap().join().unwrap_err();
        }
        "closed" => {
            let line = "x".repeat(1000);
            for _ in 0..1000 {
                tracing::info!("{line}");
            }
        }
        other => panic!("no such part: {other}"),
    }
}

#[test]
fn lines_have_form_and_context() {
    let written = play("lines");
    let lines: Vec<_> = written.lines().collect();
    assert_eq!(lines.len(), 3, "{written}");
    let (time, rest) = lines[0].split_at("[2026-11-21 09:00:00,123] ".len());
    assert!(time.starts_with("[20") && time.ends_with("] ") && time.contains(','), "{time}");
    assert!(rest.starts_with("INFO [file-source|task-0] Wrote a batch records=3 (logging_process:"), "{rest}");

    let json: serde_json::Value = serde_json::from_str(lines[1]).unwrap();
    assert_eq!((&json["level"], &json["message"]), (&"WARN".into(), &"Broker is away".into()));
    assert!(json["timestamp"].as_str().unwrap().ends_with('Z'));
    let json: serde_json::Value = serde_json::from_str(lines[2]).unwrap();
    assert_eq!(json["connector.context"], "[file-source|task-0]", "named by its number from another thread");
    assert_eq!((&json["thread"], &json["logger"]), (&"own".into(), &"logging_process::plugin".into()));
    assert_eq!(json["fields"]["k"], "v");
}

#[test]
fn levels_change_while_the_process_runs() {
    let written = play("levels");
    assert_eq!(written.matches("loud enough").count(), 2, "{written}");
    assert!(!written.contains("quiet"), "{written}");
}

#[test]
fn a_panic_is_a_line_in_the_log() {
    let written = play("panic");
    assert!(written.contains("ERROR Thread task-thread-x-0 panicked: broken at "), "{written}");
}

#[test]
fn a_closed_or_unread_standard_error_stops_nobody() {
    let mut gone = process("closed").stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    drop(gone.stderr.take());
    assert!(gone.wait().unwrap().success());
    let mut unread = process("closed").stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    assert!(unread.wait().unwrap().success(), "a pipe that nobody reads holds far less than was logged");
}
