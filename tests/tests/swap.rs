//! Drop-in: the same worker file, connector files, offset file and consumer groups, handed from the Java worker to ours
//! and back. Every line arrives once.

#![allow(clippy::unwrap_used, reason = "a test ends at the first surprise")]

use ferroconnect_e2e::kafka::{Kafka, Record};
use ferroconnect_e2e::process::read_lossy;
use ferroconnect_e2e::unique;
use ferroconnect_e2e::wait::until_equal;
use ferroconnect_e2e::worker::{Subject, WorkerSetup};
use std::fs::OpenOptions;
use std::io::Write as _;

fn hand_on(order: [Subject; 4]) {
    let kafka = Kafka::shared();
    let mut setup = WorkerSetup::new(order[0], kafka);
    let topic = unique("swap");
    kafka.create_topic(&topic, 1);
    let (input, output) = (setup.path("in.txt"), setup.path("out.txt"));
    let (from, to) = (input.to_str().unwrap(), output.to_str().unwrap());
    setup.connector("source", &[("connector.class", "FileStreamSource"), ("file", from), ("topic", &topic)]);
    // A consumer group of its own: groups are named after connectors, and this Kafka is shared.
    let sink = unique("sink");
    setup.connector(&sink, &[("connector.class", "FileStreamSink"), ("file", to), ("topics", &topic)]);

    let mut lines = String::new();
    for (n, subject) in order.into_iter().enumerate() {
        let mut worker = setup.hand_to(subject).start();
        let line = format!("line {n}, by {subject:?}: ä€😀\n");
        // Ours counts bytes. Java counts characters, so what it reads must be ASCII for its position to be right.
        let line = if order.contains(&Subject::Java) { line.replace(|c: char| !c.is_ascii(), "?") } else { line };
        OpenOptions::new().create(true).append(true).open(&input).unwrap().write_all(line.as_bytes()).unwrap();
        lines.push_str(&line);
        until_equal("the sink file", &lines, || read_lossy(&output));
        worker.terminate();
    }
    let values: String = kafka.read(&topic).iter().filter_map(Record::text).map(|v| v + "\n").collect();
    assert_eq!(values, lines, "in the topic");
}

#[test]
fn from_java_to_ours_and_back() {
    use Subject::{Ferroconnect, Java};
    hand_on([Java, Ferroconnect, Ferroconnect, Java]);
}

#[test]
fn from_ours_to_ours_with_text_beyond_ascii() {
    hand_on([Subject::from_env(); 4]);
}
