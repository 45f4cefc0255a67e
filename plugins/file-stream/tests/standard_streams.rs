//! The connectors on standard input and output, by running this test's own binary as a child.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "tests")]

use ferroconnect_plugin_sdk::Data;
use ferroconnect_plugin_sdk::testkit::{self, SinkHarness, SourceHarness};
use std::io::{Read, Write};
use std::process::{Command, Stdio};

/// Copies three lines of standard input to standard output, then waits for more until input ends.
#[test]
#[ignore = "the other test runs it in a process of its own"]
fn child() {
    let library = testkit::library!(ferroconnect_file_stream);
    let mut source = SourceHarness::new(&library, "FileStreamSource", [("topic", "t")]);
    source.start().unwrap();
    let none: [(&str, &str); 0] = [];
    let mut sink = SinkHarness::new(&library, "FileStreamSink", none);
    sink.start().unwrap();
    for _ in 0..3 {
        let reads = source.poll_until(1).unwrap();
        assert!(reads.iter().all(|read| read.partition.is_none() && read.offset.is_none()));
        let values = reads.into_iter().map(|read| Data::schemaless(read.record.value.value)).collect();
        sink.put_values("t", 0, values).unwrap();
        sink.pre_commit().unwrap();
    }
    // The end of the input is not the end of the task, and does not complete a line.
    assert!(source.poll().unwrap().is_empty());
    source.commit().unwrap();
    assert!(source.offsets().is_empty());
}

#[test]
fn lines_pass_from_standard_input_to_standard_output() {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "child", "--ignored", "--nocapture"]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let (mut input, mut output) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    let mut seen = String::new();
    for line in ["first", "sécond", "third"] {
        input.write_all(format!("{line}\r\n").as_bytes()).unwrap();
        // Each line comes through before the next one is written.
        while !seen.contains(&format!("{line}\n")) {
            let mut bytes = [0; 1024];
            let count = output.read(&mut bytes).unwrap();
            assert!(count > 0, "standard output ended after {seen:?}");
            seen.push_str(&String::from_utf8_lossy(&bytes[..count]));
        }
    }
    input.write_all(b"not complete").unwrap();
    drop(input);
    output.read_to_string(&mut seen).unwrap();
    assert!(child.wait().unwrap().success(), "{seen}");
    assert!(!seen.contains("not complete"));
}
