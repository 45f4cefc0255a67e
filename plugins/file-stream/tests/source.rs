//! The source task on real files.
#![allow(clippy::unwrap_used, reason = "tests")]

use ferroconnect_plugin_sdk::log::LogLevel;
use ferroconnect_plugin_sdk::testkit::{self, SourceHarness, SourceRead};
use ferroconnect_plugin_sdk::{Config, OffsetChange, SchemaType, Support, Value, offset_map};
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::PathBuf;
use std::time::{Duration, Instant};

struct Fixture {
    // Removes the files at the end.
    _directory: tempfile::TempDir,
    path: PathBuf,
}

impl Fixture {
    fn new() -> Fixture {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("test.txt");
        Fixture { _directory: directory, path }
    }

    fn config(&self) -> Config {
        Config::from([("file", self.path.to_str().unwrap()), ("topic", "connect-test")])
    }

    fn source(&self, more: &[(&str, &str)]) -> SourceHarness {
        let mut config = self.config();
        for (key, value) in more {
            config.set(key, value);
        }
        SourceHarness::new(&testkit::library!(ferroconnect_file_stream), "FileStreamSource", config)
    }

    fn started(&self, more: &[(&str, &str)]) -> SourceHarness {
        let mut source = self.source(more);
        source.start().unwrap();
        source
    }

    /// Rewrites the file in place, as the shell's `>` does.
    fn rewrite(&self, text: impl AsRef<[u8]>) {
        fs::write(&self.path, text).unwrap();
    }

    fn append(&self, text: &str) {
        let mut file = OpenOptions::new().create(true).append(true).open(&self.path).unwrap();
        file.write_all(text.as_bytes()).unwrap();
    }
}

fn lines(reads: &[SourceRead]) -> Vec<&str> {
    reads.iter().map(|read| read.record.value.value.as_text().unwrap().as_str()).collect()
}

fn positions(reads: &[SourceRead]) -> Vec<i64> {
    reads.iter().map(|read| read.offset.as_ref().unwrap()[0].value.as_integer().unwrap()).collect()
}

fn logged(source: &SourceHarness, level: LogLevel, text: &str) -> bool {
    source.log().iter().any(|line| line.level == level && line.message.contains(text))
}

#[test]
fn a_growing_and_rewritten_file_is_read_by_byte_positions() {
    let fixture = Fixture::new();
    fixture.rewrite("");
    let mut source = fixture.started(&[]);
    assert_eq!(source.poll().unwrap().len(), 0);

    fixture.append("aaa\nbbb\nccc\n");
    let reads = source.poll_until(3).unwrap();
    assert_eq!((lines(&reads), positions(&reads)), (vec!["aaa", "bbb", "ccc"], vec![4, 8, 12]));

    fixture.rewrite("aaa\nbbb\nccc_update\n");
    let reads = source.poll_until(1).unwrap();
    assert_eq!((lines(&reads), positions(&reads)), (vec!["update"], vec![19]));

    fixture.rewrite("aaa\nbbb\n");
    assert_eq!(source.poll().unwrap().len(), 0);
    assert!(logged(&source, LogLevel::WARN, "has 8 bytes, fewer than the position 19"));

    fixture.append("ddd\neee\nfff\nggg\n");
    let reads = source.poll_until(2).unwrap();
    assert_eq!((lines(&reads), positions(&reads)), (vec!["", "ggg"], vec![20, 24]));

    source.commit().unwrap();
    source.stop().unwrap();
    fixture.rewrite("");
    source.start().unwrap();
    assert_eq!(source.poll().unwrap().len(), 0);
    assert!(logged(&source, LogLevel::INFO, "Restored position 24 of file "));
    assert!(logged(&source, LogLevel::WARN, "has 0 bytes, fewer than the position 24"));
    fixture.append("hhh\niii\njjj\nkkk\nlll\nmmm\nnnn\nooo\n");
    assert_eq!(lines(&source.poll_until(2).unwrap()), ["nnn", "ooo"]);
}

#[test]
fn records_are_those_of_kafkas_connector() {
    let fixture = Fixture::new();
    fixture.rewrite("sdf\n");
    let mut source = fixture.started(&[]);
    let read = &source.poll_until(1).unwrap()[0];
    let record = &read.record;
    assert_eq!(record.topic.as_str(), "connect-test");
    assert!(record.key.value.is_null() && record.headers.is_empty() && record.partition.is_none());
    assert!(record.timestamp.unwrap_or(0) > 1_600_000_000_000);
    let schema = record.value.schema.get().unwrap();
    assert_eq!((schema.kind, schema.optional), (SchemaType::STRING, false));
    let file = fixture.path.to_str().unwrap().to_owned();
    assert_eq!(read.partition, Some(offset_map([("filename", Value::string(file))])));
    assert_eq!(read.offset, Some(offset_map([("position", Value::int64(4))])));
}

#[test]
fn a_line_without_an_end_is_held_back() {
    let fixture = Fixture::new();
    fixture.rewrite("done\nnot yet");
    let mut source = fixture.started(&[]);
    assert_eq!(lines(&source.poll_until(1).unwrap()), ["done"]);
    assert_eq!(source.poll().unwrap().len(), 0);
    fixture.append(", now\r");
    assert_eq!(source.poll().unwrap().len(), 0);
    fixture.append("\nx\n");
    let reads = source.poll_until(2).unwrap();
    assert_eq!((lines(&reads), positions(&reads)), (vec!["not yet, now", "x"], vec![19, 21]));
}

#[test]
fn lines_may_be_longer_than_the_buffer() {
    let fixture = Fixture::new();
    let long = "0123456789".repeat(200_000);
    fixture.rewrite(format!("{long}\nshort\n{long}{long}\n"));
    let mut source = fixture.started(&[]);
    let reads = source.poll_until(3).unwrap();
    assert_eq!(lines(&reads), [long.as_str(), "short", &long.repeat(2)]);
    assert_eq!(positions(&reads).last(), Some(&6_000_008));
}

#[test]
fn a_batch_is_never_larger_than_asked_and_never_waits_for_more() {
    let fixture = Fixture::new();
    fixture.rewrite("line\n".repeat(7));
    let mut source = fixture.started(&[("batch.size", "3")]);
    let began = Instant::now();
    let sizes: Vec<_> = (0..3).map(|_| source.poll().unwrap().len()).collect();
    assert_eq!(sizes, [3, 3, 1]);
    assert!(began.elapsed() < Duration::from_millis(900), "a poll waited although there were lines");
}

#[test]
fn a_large_file_is_read_whole_and_in_order() {
    let fixture = Fixture::new();
    let text: String = (0..100_000).map(|number| format!("line number {number}\n")).collect();
    fixture.rewrite(&text);
    let mut source = fixture.started(&[]);
    let reads = source.poll_until(100_000).unwrap();
    assert!(lines(&reads).iter().zip(text.lines()).all(|(got, expected)| *got == expected));
    assert_eq!(positions(&reads).last(), Some(&(text.len() as i64)));
}

#[test]
fn a_file_that_is_not_there_is_waited_for() {
    let fixture = Fixture::new();
    let mut source = fixture.started(&[]);
    let began = Instant::now();
    assert_eq!(source.poll().unwrap().len(), 0);
    assert!(began.elapsed() >= Duration::from_secs(1));
    assert!(logged(&source, LogLevel::WARN, "Couldn't find file "));
    fixture.rewrite("here\n");
    assert_eq!(lines(&source.poll_until(1).unwrap()), ["here"]);
}

#[test]
fn waiting_for_a_file_ends_with_the_task() {
    let fixture = Fixture::new();
    let mut source = fixture.started(&[]);
    assert!(source.stop_while_polling().unwrap() < Duration::from_millis(500));
}

#[test]
fn a_stored_position_of_the_wrong_type_is_refused() {
    let fixture = Fixture::new();
    fixture.rewrite("a\n");
    let mut source = fixture.source(&[]);
    let file = fixture.path.to_str().unwrap().to_owned();
    let partition = offset_map([("filename", Value::string(file))]);
    source.offsets().set(&partition, &offset_map([("position", Value::string("2"))]));
    source.start().unwrap();
    assert_eq!(source.poll().unwrap_err().message(), "Offset position is the incorrect type");
}

#[test]
fn offsets_can_be_altered_within_reason() {
    let fixture = Fixture::new();
    fixture.rewrite("aa\nbb\ncc\n");
    let mut source = fixture.source(&[]);
    let file = fixture.path.to_str().unwrap().to_owned();
    let partition = offset_map([("filename", Value::string(file))]);
    let good = offset_map([("position", Value::int64(3))]);
    let alter = |partition, offset| OffsetChange::Alter(vec![(partition, offset)]);
    assert!(source.alter_offsets(&alter(Some(partition.clone()), Some(good.clone()))).unwrap());
    source.start().unwrap();
    assert_eq!(lines(&source.poll_until(2).unwrap()), ["bb", "cc"]);
    let error = source.alter_offsets(&alter(None, Some(good))).unwrap_err();
    assert_eq!(error.message(), "Partition objects cannot be null");
    assert!(source.alter_offsets(&alter(Some(partition), None)).unwrap());
    assert!(source.offsets().is_empty());
}

#[test]
fn exactly_once_needs_a_file() {
    let fixture = Fixture::new();
    let source = fixture.source(&[]);
    let support = |config: Config| {
        let connector = source.connector().unwrap();
        connector.exactly_once_support(config.to_pairs()).into_result().unwrap()
    };
    assert_eq!(support(fixture.config()), Support::SUPPORTED);
    assert_eq!(support(Config::from([("topic", "t")])), Support::UNSUPPORTED);
    assert_eq!(support(Config::from([("topic", "t"), ("file", "")])), Support::UNSUPPORTED);
}

#[test]
fn the_one_task_gets_the_connectors_own_configuration() {
    let fixture = Fixture::new();
    let source = fixture.source(&[("tasks.max", "5")]).tasks_max(5);
    let mut expected = fixture.config();
    expected.set("tasks.max", 5);
    assert_eq!(source.task_configs().unwrap(), [expected]);
}

#[test]
fn a_directory_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let fixture = Fixture { path: directory.path().to_owned(), _directory: directory };
    let error = fixture.started(&[]).poll().unwrap_err();
    assert!(error.message().starts_with("Couldn't open "), "{error}");
}

#[test]
fn truncation_is_followed_when_asked_for() {
    let fixture = Fixture::new();
    fixture.rewrite("aaa\nbbb\nrest");
    let mut source = fixture.started(&[("file.change.detection", "truncate")]);
    source.poll_until(2).unwrap();
    assert_eq!(source.poll().unwrap().len(), 0);
    fixture.rewrite("new\n");
    let reads = source.poll_until(1).unwrap();
    assert_eq!((lines(&reads), positions(&reads)), (vec!["new"], vec![4]));
    source.commit().unwrap();
    source.stop().unwrap();
    fixture.rewrite("x\n");
    source.start().unwrap();
    assert_eq!(lines(&source.poll_until(1).unwrap()), ["x"]);
}

#[test]
fn a_replaced_file_is_followed_when_asked_for() {
    let fixture = Fixture::new();
    fixture.rewrite("one\n");
    let mut old = OpenOptions::new().append(true).open(&fixture.path).unwrap();
    let mut source = fixture.started(&[("file.change.detection", "replace")]);
    assert_eq!(lines(&source.poll_until(1).unwrap()), ["one"]);
    fs::rename(&fixture.path, fixture.path.with_extension("1")).unwrap();
    fixture.rewrite("three\n");
    // The writer has not noticed yet.
    old.write_all(b"two").unwrap();
    let reads = source.poll_until(2).unwrap();
    assert_eq!((lines(&reads), positions(&reads)), (vec!["two", "three"], vec![7, 6]));
}

#[test]
fn a_replaced_file_is_not_followed_by_default() {
    let fixture = Fixture::new();
    fixture.rewrite("one\n");
    let mut source = fixture.started(&[]);
    source.poll_until(1).unwrap();
    fs::rename(&fixture.path, fixture.path.with_extension("1")).unwrap();
    fixture.rewrite("two\nthree\n");
    assert_eq!(source.poll().unwrap().len(), 0);
}

#[cfg(unix)]
#[test]
fn a_pipe_is_read_as_it_comes() {
    let fixture = Fixture::new();
    let path = fixture.path.to_str().unwrap();
    rustix::fs::mknodat(rustix::fs::CWD, path, rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
    let mut source = fixture.started(&[]);
    // Without a writer there is nothing, and no waiting for one either.
    assert_eq!(source.poll().unwrap().len(), 0);
    let mut writer = File::options().write(true).open(&fixture.path).unwrap();
    writer.write_all(b"a\nb").unwrap();
    assert_eq!(lines(&source.poll_until(1).unwrap()), ["a"]);
    writer.write_all(b"c\n").unwrap();
    assert_eq!(lines(&source.poll_until(1).unwrap()), ["bc"]);
}
