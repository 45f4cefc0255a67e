//! Kafka Connect's own code reads the offset files we write, and we read the ones it writes.
//!
//! Needs `java` and, in the environment variable `FERROCONNECT_KAFKA_LIBS`, a directory with the jars of Kafka 4.3.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use ferroconnect::storage::{FileOffsetStore, OffsetEntry, OffsetStore};

const LIBS: &str = "FERROCONNECT_KAFKA_LIBS";
const JUDGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/java/OffsetFileJudge.java");

/// Runs the judge and gives what it prints; `None` if there are no jars to run it with.
fn judge(arguments: &[&Path]) -> Option<String> {
    let Some(libs) = std::env::var_os(LIBS) else {
        eprintln!("skipped: {LIBS} does not name a directory with Kafka's jars");
        return None;
    };
    let mut class_path = libs;
    class_path.push("/*");
    let output = Command::new("java").arg("-cp").arg(class_path).arg(JUDGE).args(arguments).output();
    let output = output.expect("java must be on the PATH");
    assert!(output.status.success(), "judge: {}", String::from_utf8_lossy(&output.stderr));
    Some(String::from_utf8(output.stdout).expect("the judge prints UTF-8"))
}

fn entries(count: usize) -> Vec<OffsetEntry> {
    (0..count)
        .map(|n| {
            let key = format!(r#"["c-{n:04}",{{"file":"/data/é😀 {n}.txt"}}]"#);
            (key.into_bytes(), Some(format!(r#"{{"position":{n}}}"#).into_bytes()))
        })
        .collect()
}

fn lines(entries: &[OffsetEntry]) -> String {
    entries.iter().fold(String::new(), |mut lines, (key, value)| {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("the test's entries are text");
        let value = value.as_deref().map_or("null".to_owned(), text);
        writeln!(lines, "{}\t{value}", text(key)).expect("writing to a string cannot fail");
        lines
    })
}

#[test]
fn java_reads_what_we_write() {
    let dir = tempfile::tempdir().unwrap();
    // Around the sizes at which Java's table grows: what it allots depends on what we say.
    for count in [1, 13, 1000] {
        let path = dir.path().join(format!("{count}.offsets"));
        let entries = entries(count);
        FileOffsetStore::open(&path).unwrap().set(entries.clone()).unwrap();
        let Some(read) = judge(&[Path::new("read"), &path]) else { return };
        assert_eq!(read, lines(&entries));
    }
}

#[test]
fn java_goes_on_with_our_file_and_we_with_java_s() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("connect.offsets");
    let more = dir.path().join("more");
    let mut entries = entries(20);
    FileOffsetStore::open(&path).unwrap().set(entries[..10].to_vec()).unwrap();
    // Java changes one, adds ten and stores a null.
    entries[0].1 = Some(br#"{"position":-1}"#.to_vec());
    std::fs::write(&more, lines(&entries[..1]) + &lines(&entries[10..]) + "[\"gone\",{}]\tnull\n").unwrap();
    let Some(_) = judge(&[Path::new("write"), &path, &more]) else { return };
    let store = FileOffsetStore::open(&path).unwrap();
    let (keys, values): (Vec<_>, Vec<_>) = entries.into_iter().unzip();
    assert_eq!(store.get(&keys).unwrap(), values);
    assert_eq!(store.get(&[b"[\"gone\",{}]".to_vec()]).unwrap(), [None]);
    let partitions = judge(&[Path::new("partitions"), &path, Path::new("c-0003")]);
    assert_eq!(partitions.as_deref(), Some("{file=/data/é😀 3.txt}\n"));
}
