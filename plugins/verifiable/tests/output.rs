//! What the connectors print, seen by running this test's own binary as a child.
#![allow(clippy::unwrap_used, reason = "tests")]

use ferroconnect_plugin_sdk::testkit::{self, SinkHarness, SourceHarness, sink_record};
use ferroconnect_plugin_sdk::{Data, SchemaBuilder};
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Stdio};

const DONE: &str = "VERIFIABLE_TEST_DONE";

/// Runs the connectors, and makes a file when all is well.
#[test]
#[ignore = "the other tests run it in a process of its own"]
fn child() {
    // Begins when standard input ends.
    std::io::stdin().read_to_end(&mut Vec::new()).unwrap();
    let library = testkit::library!(ferroconnect_verifiable);
    let config = [("topic", "verif-t"), ("name", "verifiable-source"), ("throughput", "1000")];
    let mut source = SourceHarness::new(&library, "VerifiableSource", config);
    source.start().unwrap();
    source.poll_until(1).unwrap();
    source.commit_first(1).unwrap();
    source.stop().unwrap();

    let mut sink = SinkHarness::new(&library, "VerifiableSink", [("name", "verifiable-sink")]);
    sink.start().unwrap();
    let mut record = sink_record("verif-t", 0, 4, Data::new(SchemaBuilder::int64().build(), 2i64));
    record.key = Data::new(SchemaBuilder::int32().build(), 1i32);
    sink.put(&[record]).unwrap();
    sink.pre_commit().unwrap();
    sink.stop().unwrap();

    let config = [("topic", "t"), ("num.messages", "1"), ("name", "s")];
    let mut source = SourceHarness::new(&library, "SchemaSource", config);
    source.start().unwrap();
    source.poll_until(1).unwrap();
    fs::write(std::env::var(DONE).unwrap(), "").unwrap();
}

/// Gives a sink more than it keeps, and makes a file when all is well.
#[test]
#[ignore = "the other tests run it in a process of its own"]
fn flooded_child() {
    let library = testkit::library!(ferroconnect_verifiable);
    let mut sink = SinkHarness::new(&library, "VerifiableSink", [("name", "verifiable-sink")]);
    sink.start().unwrap();
    let value = Data::new(SchemaBuilder::int64().build(), 2i64);
    let mut records: Vec<_> = (0..20_000).map(|offset| sink_record("verif-t", 0, offset, value.clone())).collect();
    let last = records.pop().unwrap();
    sink.put(&records).unwrap();
    assert!(!sink.take_requests().commit);
    sink.put(std::slice::from_ref(&last)).unwrap();
    assert!(sink.take_requests().commit);
    sink.pre_commit().unwrap();
    sink.put(&[last]).unwrap();
    assert!(!sink.take_requests().commit);
    fs::write(std::env::var(DONE).unwrap(), "").unwrap();
}

fn child_process(child: &str, done: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", child, "--ignored", "--nocapture"]).env(DONE, done);
    command
}

fn fresh(name: &str) -> String {
    let path = format!("{}/{name}", env!("CARGO_TARGET_TMPDIR"));
    let _was_there = fs::remove_file(&path);
    path
}

/// The line with its time replaced.
fn without_time(line: &str) -> String {
    let (before, rest) = line.split_once(r#""time_ms":"#).unwrap_or((line, ""));
    let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(0);
    if rest.is_empty() { before.to_owned() } else { format!(r#"{before}"time_ms":0{}"#, &rest[digits..]) }
}

#[test]
fn prints_the_lines_of_kafkas_tools() {
    let done = fresh("printed");
    let output = child_process("child", &done).stdin(Stdio::null()).output().unwrap();
    assert!(output.status.success() && fs::exists(done).unwrap());
    let text = String::from_utf8(output.stdout).unwrap();
    // libtest begins the first line.
    let lines = text.lines().filter_map(|line| line.find('{').map(|start| without_time(&line[start..])));
    let mut lines: Vec<_> = lines.collect();
    // How many records are due at once is a matter of time.
    lines.retain(|line| !line.contains(r#""task":0,"seqno":"#) || line.contains(r#""seqno":0,"#));
    assert_eq!(
        lines,
        [
            r#"{"task":0,"seqno":0,"time_ms":0,"name":"verifiable-source","topic":"verif-t"}"#,
            r#"{"committed":true,"task":0,"seqno":0,"time_ms":0,"name":"verifiable-source","topic":"verif-t"}"#,
            r#"{"task":1,"seqno":2,"offset":4,"time_ms":0,"name":"verifiable-sink","topic":"verif-t","sinkTask":0}"#,
            r#"{"task":1,"seqno":2,"offset":4,"time_ms":0,"name":"verifiable-sink","topic":"verif-t","sinkTask":0,"flushed":true}"#,
            r#"{"task": 0, "seqno": 0}"#,
        ]
    );
}

#[test]
fn asks_for_a_commit_before_it_keeps_too_many() {
    let done = fresh("asked");
    let output = child_process("flooded_child", &done).stdin(Stdio::null()).output().unwrap();
    assert!(output.status.success() && fs::exists(done).unwrap(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn goes_on_when_standard_output_is_closed() {
    let done = fresh("survived");
    let mut command = child_process("child", &done);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    // libtest prints before it runs the test, and would not begin with a closed output.
    let mut output = BufReader::new(child.stdout.take().unwrap());
    while !output.fill_buf().unwrap().starts_with(b"\nrunning") {
        let count = output.buffer().len();
        assert!(count > 0, "libtest prints nothing");
        output.consume(1);
    }
    drop(output);
    drop(child.stdin.take());
    // The exit code is libtest's, which cannot print its last line.
    child.wait().unwrap();
    assert!(fs::exists(done).unwrap());
}
