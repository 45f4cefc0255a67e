//! The sink task on real files.
#![allow(clippy::unwrap_used, reason = "tests")]

use ferroconnect_plugin_sdk::testkit::{self, SinkHarness, sink_record};
use ferroconnect_plugin_sdk::{Blob, Data, ErrorKind, Value};
use std::fs;
use std::path::{Path, PathBuf};

fn sink(file: &Path) -> SinkHarness {
    let library = testkit::library!(ferroconnect_file_stream);
    SinkHarness::new(&library, "FileStreamSink", [("file", file.to_str().unwrap())])
}

fn file_in(directory: &tempfile::TempDir) -> PathBuf {
    directory.path().join("out.txt")
}

#[test]
fn values_become_lines_behind_what_is_there() {
    let directory = tempfile::tempdir().unwrap();
    let file = file_in(&directory);
    fs::write(&file, "before\n").unwrap();
    let mut sink = sink(&file);
    sink.start().unwrap();
    let values =
        vec![Data::schemaless("é"), Data::NULL, Data::schemaless(1e7), Data::schemaless(Value::bytes(Blob::EMPTY))];
    sink.put_values("t", 0, values).unwrap();
    // Lines are there at once; the commit makes them durable.
    assert_eq!(fs::read_to_string(&file).unwrap(), "before\né\nnull\n1.0E7\n\n");
    assert_eq!(sink.pre_commit().unwrap(), sink.positions());
}

#[test]
fn a_large_batch_is_written_in_pieces_of_whole_lines() {
    let directory = tempfile::tempdir().unwrap();
    let file = file_in(&directory);
    let mut sink = sink(&file).tasks_max(3);
    sink.start().unwrap();
    assert_eq!(sink.tasks(), 3);
    let value = "x".repeat(99_999);
    for task in 0..3 {
        let records: Vec<_> =
            (0..40).map(|offset| sink_record("t", task, offset, Data::schemaless(value.as_str()))).collect();
        sink.put_task(task as usize, &records).unwrap();
    }
    let text = fs::read_to_string(&file).unwrap();
    assert_eq!(text.len(), 3 * 40 * 100_000);
    assert!(text.lines().all(|line| line == value));
}

#[test]
fn a_file_that_cannot_be_opened_fails_the_task() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("missing").join("out.txt");
    let error = sink(&file).start().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::FATAL);
    let expected = format!("Couldn't find or create file '{}' for FileStreamSinkTask", file.display());
    assert_eq!(error.message(), expected);
}
