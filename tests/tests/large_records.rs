//! Records of 50 MB: they pass where the clients are told to let them pass, and say what stops them where not.
//!
//! `FERROCONNECT_LARGE_RECORDS` says how many of them go through (default 3).

#![allow(clippy::unwrap_used, reason = "a test ends at the first surprise")]

use ferroconnect_e2e::kafka::{Kafka, Record};
use ferroconnect_e2e::unique;
use ferroconnect_e2e::wait::{PATIENCE, until_some};
use ferroconnect_e2e::worker::{Subject, WorkerSetup};
use std::io::Write as _;
use std::path::Path;

const MB: usize = 1 << 20;
const LARGE: usize = 50 * MB;

fn ours() -> bool {
    Subject::from_env() == Subject::Ferroconnect
}

/// Text that is not the same everywhere, so that a part in the wrong place is found.
fn large_line(n: usize) -> String {
    let mut line: String = (0..).map(|word: usize| format!("{n}.{word} ")).take(LARGE / 8).collect();
    line.truncate(LARGE);
    assert_eq!(line.len(), LARGE);
    line
}

/// Small lines with large ones between them.
fn write_lines(path: &Path, count: usize) {
    let mut file = std::io::BufWriter::new(std::fs::File::create(path).unwrap());
    for n in 0..count {
        writeln!(file, "small {n}\n{}", large_line(n)).unwrap();
    }
    writeln!(file, "the last").unwrap();
}

fn source<'a>(input: &'a Path, topic: &'a str) -> Vec<(&'a str, &'a str)> {
    vec![
        ("connector.class", "org.apache.kafka.connect.file.FileStreamSourceConnector"),
        ("file", input.to_str().unwrap()),
        ("topic", topic),
    ]
}

/// Megabytes of memory from the line of `/proc/<pid>/status` that begins so.
fn memory(pid: u32, line: &str) -> usize {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let kilobytes = status.lines().find_map(|found| found.strip_prefix(line)).unwrap().trim().trim_end_matches(" kB");
    kilobytes.parse::<usize>().unwrap() / 1024
}

#[test]
fn large_records_pass_and_their_memory_comes_back() {
    let count = std::env::var("FERROCONNECT_LARGE_RECORDS").map_or(3, |count| count.parse().unwrap());
    let (kafka, topic, sink) = (Kafka::shared(), unique("large"), unique("large-sink"));
    kafka.create_topic_with(&topic, 1, &[("max.message.bytes", "60000000")]);
    let mut setup = WorkerSetup::new(Subject::from_env(), kafka);
    let (input, output) = (setup.path("in.txt"), setup.path("out.txt"));
    write_lines(&input, count);
    let mut config = source(&input, &topic);
    config
        .extend([("producer.override.max.request.size", "60000000"), ("producer.override.buffer.memory", "67108864")]);
    if ours() {
        // The Java source would leave the last lines in its buffer until the file grows.
        config.push(("batch.size", "1"));
    }
    setup.connector(&unique("large-source"), &config);
    let config = [
        ("connector.class", "org.apache.kafka.connect.file.FileStreamSinkConnector"),
        ("file", output.to_str().unwrap()),
        ("topics", &topic),
        ("consumer.override.max.partition.fetch.bytes", "60000000"),
    ];
    setup.connector(&sink, &config);
    let mut worker = setup.start();
    let length = |path: &Path| std::fs::metadata(path).map_or(0, |file| file.len());
    until_some("everything in the file of the sink", PATIENCE * 3, || {
        worker.assert_alive();
        let (done, wanted) = (length(&output), length(&input));
        if done >= wanted { Ok(()) } else { Err(format!("{done} of {wanted} bytes")) }
    });
    assert!(std::fs::read(&output).unwrap() == std::fs::read(&input).unwrap(), "the bytes differ");
    if ours() {
        let pid = worker.id();
        let peak = memory(pid, "VmHWM:");
        // What is held at rest: the small queues of the clients, not the records.
        let rest = until_some("the memory to come back", PATIENCE, || match memory(pid, "VmRSS:") {
            now if now < 200 => Ok(now),
            now => Err(format!("{now} MB")),
        });
        println!("{count} records of 50 MB: {peak} MB at most, {rest} MB afterwards");
        // A record is at most: the line that is read, the batch, the producer's queue, the message
        // fetched, the record for the sink and its line, some of them twice while they are copied.
        assert!(peak < 12 * LARGE / MB, "{peak} MB");
    }
    worker.terminate();
}

/// Without the settings the producer refuses the record, in Kafka's words, or the broker does; the place in the source is
/// named.
#[test]
fn who_refuses_a_large_record_says_so() {
    let (kafka, strict, skipping, sent) = (Kafka::shared(), unique("strict"), unique("skipping"), unique("sent"));
    let mut setup = WorkerSetup::new(Subject::from_env(), kafka);
    let input = setup.path("in.txt");
    write_lines(&input, 1);
    let with = |topic, more: &[(&'static str, &'static str)]| [source(&input, topic), more.to_vec()].concat();
    setup.connector(&strict, &with(&strict, &[]));
    setup.connector(&skipping, &with(&skipping, &[("errors.tolerance", "all"), ("errors.log.enable", "true")]));
    let sending = [("producer.override.max.request.size", "60000000"), ("producer.override.buffer.memory", "67108864")];
    setup.connector(&sent, &with(&sent, &sending));
    let mut worker = setup.start();

    let first =
        "org.apache.kafka.connect.errors.ConnectException: Unrecoverable exception from producer send callback\n";
    let producer = "The message is 52428888 bytes when serialized which is larger than 1048576, which is the value of the \
                    max.request.size configuration.";
    let broker =
        if ours() { "Message size too large" } else { "larger than the max message size the server will accept" };
    let place = |topic: &str| {
        let file = input.display();
        format!("topic '{topic}', source partition {{filename={file}}}, source offset {{position=52428809}}")
    };
    for (topic, says) in [(&strict, producer), (&sent, broker)] {
        let status = worker.rest.await_task(topic, 0, "FAILED");
        let trace = status["tasks"][0]["trace"].as_str().unwrap();
        assert!(trace.starts_with(first), "{trace}");
        assert!(trace.contains("org.apache.kafka.common.errors.RecordTooLargeException: "), "{trace}");
        assert!(trace.contains(says), "{trace}");
        assert!(!ours() || trace.contains(&place(topic)), "{} is not in: {trace}", place(topic));
    }
    let values: Vec<_> = kafka.read_at_least(&skipping, 2).iter().filter_map(Record::text).collect();
    assert_eq!(values, ["small 0", "the last"]);
    worker.terminate();
    assert!(!ours() || setup.logs().contains(&place(&skipping)), "the log is to name the record that was skipped");
}
