//! `ferroconnect transform`: what a user sees of a connector's chain, without Kafka.

#![allow(clippy::unwrap_used, reason = "a test ends at the first surprise")]

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use ferroconnect_e2e::worker::{plugins, program};
use serde_json::Value as Json;
use tempfile::TempDir;

/// A chain of a built-in transform, one from a library, and one more.
const SINK: &str = "name=payments
connector.class=FileStreamSink
topics=payments
file=out.txt
value.converter.schemas.enable=false
value.converter=org.apache.kafka.connect.json.JsonConverter
transforms=where,mask,wrap
transforms.where.type=org.apache.kafka.connect.transforms.InsertField$Value
transforms.where.offset.field=at
transforms.mask.type=MaskPattern
transforms.mask.field=card
transforms.mask.pattern=\\\\d{12}(\\\\d{4})
transforms.mask.replacement=****$1
transforms.wrap.type=org.apache.kafka.connect.transforms.HoistField$Value
transforms.wrap.field=payment
";

struct DryRun {
    dir: TempDir,
}

impl DryRun {
    fn new(connector: &str) -> DryRun {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("connector.properties"), connector).unwrap();
        DryRun { dir }
    }

    fn run(&self, more: &[&str], records: &str) -> Output {
        let mut command = Command::new(program());
        command.arg("transform").arg(self.dir.path().join("connector.properties")).args(more);
        finish(command, self.dir.path(), records)
    }

    fn with_plugins(&self, more: &[&str], records: &str) -> Output {
        let plugins = plugins();
        let path = ["--plugin-path", plugins.to_str().unwrap()];
        self.run(&[&path[..], more].concat(), records)
    }
}

fn finish(mut command: Command, dir: &Path, records: &str) -> Output {
    command.current_dir(dir).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // A program that ends over a wrong file does not read.
    let _unread = child.stdin.take().unwrap().write_all(records.as_bytes());
    child.wait_with_output().unwrap()
}

fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn err(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[test]
fn a_sink_shows_what_each_step_changes() {
    let record = r#"{"rawValue":"{\"card\":\"1234567890123456\"}","offset":7}"#;
    let output = DryRun::new(SINK).with_plugins(&[], &format!("{record}\n"));
    let text = out(&output);
    assert_eq!(output.status.code(), Some(0), "{text}{}", err(&output));
    for line in [
        "  value.converter (org.apache.kafka.connect.json.JsonConverter): converts",
        "      value.card: \"1234567890123456\"  (string)",
        "  transforms.where (org.apache.kafka.connect.transforms.InsertField$Value)",
        "    + value.at: 7  (int64)",
        "    - value.card: \"1234567890123456\"  (string)",
        "    + value.card: \"****3456\"  (string)",
        "    + value.payment.card: \"****3456\"  (string)",
        "  => goes to the connector",
        "1 passed, 0 dropped, 0 failed, 0 not read",
    ] {
        assert!(text.lines().any(|written| written == line), "no line {line:?} in\n{text}");
    }
}

#[test]
fn the_same_as_json_is_one_object_a_line() {
    let records = "{\"value\":{\"card\":\"1234567890123456\"}}\n\n{\"value\":{\"card\":5}}\n{\"valeu\":1}\n";
    let output = DryRun::new(SINK).with_plugins(&["--output", "json"], records);
    assert_eq!(output.status.code(), Some(1), "{}", err(&output));
    let lines: Vec<Json> = out(&output).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 3);
    assert_eq!((&lines[0]["line"], &lines[0]["outcome"]), (&1.into(), &"delivered".into()));
    assert_eq!(lines[0]["steps"][1]["changes"][0]["after"]["value"], "****3456");
    assert_eq!((&lines[1]["line"], &lines[1]["outcome"]), (&3.into(), &"failed".into()));
    let failed = &lines[1]["steps"][1];
    assert_eq!((&failed["step"], &failed["effect"]), (&"transforms.mask".into(), &"failed".into()));
    assert_eq!(failed["error"]["class"], "org.apache.kafka.connect.errors.DataException");
    assert_eq!(lines[2]["outcome"], "unreadable");
    assert!(err(&output).contains("line 4: unknown field `valeu`"), "{}", err(&output));
}

#[test]
fn a_source_shows_what_would_lie_in_kafka() {
    let source = "name=s\nconnector.class=FileStreamSource\ntopic=lines\n\
        transforms=wrap,gone\ntransforms.wrap.type=org.apache.kafka.connect.transforms.HoistField$Value\ntransforms.wrap.field=line\n";
    let keep = source.replace("wrap,gone", "wrap");
    let record = "{\"value\":\"a\",\"valueSchema\":{\"type\":\"string\"}}\n";
    let output = DryRun::new(&keep).with_plugins(&[], record);
    let text = out(&output);
    assert_eq!(output.status.code(), Some(0), "{text}{}", err(&output));
    let value = r#"{"schema":{"type":"struct","fields":[{"type":"string","optional":false,"field":"line"}],"optional":false},"payload":{"line":"a"}}"#;
    assert!(text.contains(&format!("      value: {}\n", Json::from(value))), "{text}");

    let dropped = format!("{source}transforms.gone.type=org.apache.kafka.connect.transforms.Filter\n");
    let output = DryRun::new(&dropped).with_plugins(&[], record);
    assert_eq!(output.status.code(), Some(0));
    assert!(out(&output).contains("transforms.gone (org.apache.kafka.connect.transforms.Filter): drops the record"));
    assert!(out(&output).ends_with("0 passed, 1 dropped, 0 failed, 0 not read\n"), "{}", out(&output));
}

/// Two transforms under one predicate, once negated, and one under another.
const CONDITIONS: &str = "name=orders
connector.class=FileStreamSink
topics=orders
file=out.txt
value.converter=org.apache.kafka.connect.json.JsonConverter
value.converter.schemas.enable=false
transforms=wrap,drop,mark
transforms.wrap.type=org.apache.kafka.connect.transforms.HoistField$Value
transforms.wrap.field=order
transforms.wrap.predicate=gone
transforms.wrap.negate=true
transforms.drop.type=org.apache.kafka.connect.transforms.Filter
transforms.drop.predicate=gone
transforms.mark.type=org.apache.kafka.connect.transforms.InsertHeader
transforms.mark.header=test
transforms.mark.value.literal=true
transforms.mark.predicate=ofTests
predicates=gone,ofTests,unused
predicates.gone.type=org.apache.kafka.connect.transforms.predicates.RecordIsTombstone
predicates.ofTests.type=org.apache.kafka.connect.transforms.predicates.TopicNameMatches
predicates.ofTests.pattern=(?i)test-.+(?<!-x)
predicates.unused.type=org.apache.kafka.connect.transforms.predicates.HasHeaderKey
predicates.unused.name=h
";

#[test]
fn predicates_are_shown_with_what_they_said() {
    let records = "{\"value\":1,\"topic\":\"TEST-a\"}\n{\"value\":null}\n{\"value\":2,\"topic\":\"test-x\"}\n";
    let run = DryRun::new(CONDITIONS);
    let output = run.with_plugins(&[], records);
    let text = out(&output);
    assert_eq!(output.status.code(), Some(0), "{text}{}", err(&output));
    let transforms = "org.apache.kafka.connect.transforms";
    let expected = [
        format!("  transforms.wrap ({transforms}.HoistField$Value), predicate gone does not hold, negated"),
        format!("  transforms.drop ({transforms}.Filter), predicate gone does not hold: not applied"),
        format!("  transforms.mark ({transforms}.InsertHeader), predicate ofTests holds"),
        "    + headers[0] test: true  (boolean)".to_owned(),
        format!("  transforms.wrap ({transforms}.HoistField$Value), predicate gone holds, negated: not applied"),
        format!("  transforms.drop ({transforms}.Filter), predicate gone holds: drops the record"),
        format!("  transforms.mark ({transforms}.InsertHeader), predicate ofTests does not hold: not applied"),
        "2 passed, 1 dropped, 0 failed, 0 not read".to_owned(),
    ];
    let mut rest = text.lines();
    for line in &expected {
        assert!(rest.any(|written| written == line), "no line {line:?}, or not in this order, in\n{text}");
    }

    let output = run.with_plugins(&["--output", "json"], records);
    let lines: Vec<Json> = out(&output).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines[1]["outcome"], "dropped");
    let class = "org.apache.kafka.connect.transforms.predicates.RecordIsTombstone";
    let said = |step: &Json, holds: bool, negate: bool| {
        assert_eq!(
            step["predicate"],
            serde_json::json!({ "name": "gone", "class": class, "holds": holds, "negate": negate })
        );
    };
    said(&lines[1]["steps"][0], true, true);
    said(&lines[1]["steps"][1], true, false);
    said(&lines[0]["steps"][1], false, false);
}

#[test]
fn predicates_that_are_wrong_are_told() {
    let wrong = CONDITIONS
        .replace("predicates=gone,ofTests,unused", "predicates=ofTests,unused")
        .replace("(?i)test-.+(?<!-x)", "(")
        .replace("predicates.unused.name=h\n", "");
    let output = DryRun::new(&wrong).with_plugins(&[], "{}\n");
    assert_eq!(output.status.code(), Some(2));
    let said = err(&output);
    assert!(said.contains("gone") && said.contains("ofTests, unused"), "{said}");
    let wrong = CONDITIONS.replace("(?i)test-.+(?<!-x)", "(");
    let output = DryRun::new(&wrong).with_plugins(&[], "{}\n");
    assert_eq!(output.status.code(), Some(2));
    assert!(err(&output).contains("predicates.ofTests"), "{}", err(&output));
}

/// The text between a line that begins a block of the page and the line that ends it.
fn blocks<'a>(page: &'a str, kind: &str) -> Vec<&'a str> {
    let opening = format!("\n```{kind}\n");
    page.split(&opening).skip(1).map(|rest| rest.split_once("\n```").unwrap().0).collect()
}

fn page(name: &str) -> String {
    std::fs::read_to_string(ferroconnect_e2e::repository().join("docs").join(name)).unwrap()
}

#[test]
fn the_example_of_the_page_shows_what_is_shown() {
    let page = page("dry-run.md");
    let [block] = blocks(&page, "console")[..] else { panic!("one example is on the page") };
    let (connector, rest) = block.strip_prefix("$ cat orders.properties\n").unwrap().split_once("\n$ echo '").unwrap();
    let (record, rest) =
        rest.split_once("' | ferroconnect transform orders.properties --plugin-path plugins\n").unwrap();
    let output = DryRun::new(connector).with_plugins(&[], &format!("{record}\n"));
    assert_eq!(out(&output).trim_end(), rest, "{}", err(&output));
    let [records] = blocks(&page, "json")[..] else { panic!("one example of records is on the page") };
    let output = DryRun::new(SINK).with_plugins(&[], &format!("{records}\n"));
    assert!(out(&output).ends_with(" 0 not read\n"), "{}{}", out(&output), err(&output));
}

#[test]
fn the_chains_of_the_page_are_right() {
    let page = page("transforms.md");
    let chains = blocks(&page, "properties");
    assert!(chains.len() >= 3, "{chains:?}");
    for chain in chains {
        let connector = format!("name=c\nconnector.class=FileStreamSink\ntopics=t\nfile=f\n{chain}\n");
        let output = DryRun::new(&connector).with_plugins(&[], "{\"value\":{\"password\":1}}\n");
        assert_eq!(output.status.code(), Some(0), "{chain}\n{}{}", out(&output), err(&output));
    }
}

#[test]
fn what_the_value_converter_cannot_read_fails_there() {
    let output = DryRun::new(SINK).with_plugins(&[], "{\"rawValue\":\"{\"}\n{\"rawValue\":null}\n");
    let text = out(&output);
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(
        text.contains("value.converter (org.apache.kafka.connect.json.JsonConverter): fails\n    ! org."),
        "{text}"
    );
    assert!(text.contains("=> failed: the task ends here (errors.tolerance=none)"), "{text}");
    assert!(text.ends_with("1 passed, 0 dropped, 1 failed, 0 not read\n"), "{text}");
}

#[test]
fn all_that_is_wrong_with_a_chain_is_told_at_once_and_nothing_is_run() {
    let wrong = "name=s\nconnector.class=FileStreamSource\ntopic=lines\ntransforms=a,b\n\
        transforms.a.type=org.apache.kafka.connect.transforms.HoistField$Value\ntransforms.b.type=NoSuchTransform\n";
    let output = DryRun::new(wrong).with_plugins(&[], "{\"value\":1}\n");
    assert_eq!(output.status.code(), Some(2));
    let said = err(&output);
    assert!(said.contains("connector.properties: transforms.a: Missing required configuration \"field\""), "{said}");
    assert!(said.contains("connector.properties: transforms.b: ") && said.contains("NoSuchTransform"), "{said}");
    assert_eq!(out(&output), "");
}

#[test]
fn files_that_are_not_there_are_named() {
    let run = DryRun::new(SINK);
    let output = run.run(&["--worker", "no-worker.properties"], "");
    assert_eq!(output.status.code(), Some(2));
    assert!(err(&output).contains("no-worker.properties"), "{}", err(&output));
    let mut command = Command::new(program());
    command.args(["transform", "no-connector.json"]);
    let output = finish(command, run.dir.path(), "");
    assert_eq!(output.status.code(), Some(2));
    assert!(err(&output).contains("no-connector.json"), "{}", err(&output));
}

#[test]
fn a_workers_file_gives_converters_secrets_and_plugins() {
    let run = DryRun::new(
        "name=s\nconnector.class=FileStreamSink\ntopics=lines\nfile=out.txt\n\
         transforms=mask\ntransforms.mask.type=MaskPattern\n\
         transforms.mask.pattern=${files:DIR/secrets.properties:pattern}\n",
    );
    let dir = run.dir.path();
    let connector = std::fs::read_to_string(dir.join("connector.properties")).unwrap();
    std::fs::write(dir.join("connector.properties"), connector.replace("DIR", dir.to_str().unwrap())).unwrap();
    std::fs::write(dir.join("secrets.properties"), "pattern=s3cret\n").unwrap();
    let worker = format!(
        "bootstrap.servers=127.0.0.1:1\noffset.storage.file.filename=o\nplugin.path={}\n\
         key.converter=org.apache.kafka.connect.storage.StringConverter\n\
         value.converter=org.apache.kafka.connect.storage.StringConverter\n\
         config.providers=files\nconfig.providers.files.class=FileConfigProvider\n",
        plugins().display()
    );
    std::fs::write(dir.join("worker.properties"), worker).unwrap();
    let output = run.run(&["--worker", "worker.properties"], "{\"rawValue\":\"a s3cret\"}\n");
    let text = out(&output);
    assert_eq!(output.status.code(), Some(0), "{text}{}", err(&output));
    assert!(text.contains("    + value: \"a ****\"  (optional string)"), "{text}");
}
