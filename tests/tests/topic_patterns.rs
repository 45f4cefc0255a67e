//! Sinks that choose their topics by a Java regular expression (`topics.regex`).
#![allow(clippy::unwrap_used, reason = "a test ends at the first surprise")]

use ferroconnect_e2e::kafka::Kafka;
use ferroconnect_e2e::process::read_lossy;
use ferroconnect_e2e::unique;
use ferroconnect_e2e::wait::until_equal;
use ferroconnect_e2e::worker::{Subject, WorkerSetup};
use serde_json::json;
use std::path::Path;

/// The lines of a file, sorted: those of different topics come in any order.
fn lines(file: &Path) -> Vec<String> {
    let mut lines: Vec<String> = read_lossy(file).lines().map(str::to_owned).collect();
    lines.sort_unstable();
    lines
}

fn topic_with_itself(kafka: &Kafka, topic: &str) {
    kafka.create_topic(topic, 1);
    kafka.write(topic, 0, [topic]);
}

#[test]
fn java_patterns_choose_topics_and_new_ones_join() {
    let kafka = Kafka::shared();
    let p = unique("pattern");
    // A lookahead, a lookbehind, flags that end before it, a possessive quantifier that gives nothing back, and a back reference.
    let pattern = format!(
        "{p}-(?!not)[a-z]++-\\d{{1,2}}+|{p}-greedy-[a-z0-9]++1|{p}-([ab])\\1|(?i){}-LOUD(?-i)(?<!-loud)",
        p.to_uppercase()
    );
    let [wanted, later] = ["eu-12", "us-1"].map(|name| format!("{p}-{name}"));
    let doubled = format!("{p}-bb");
    let left_out = ["not-1", "notable-2", "eu-123", "eu-x", "greedy-a1", "ab", "loud"];
    for name in left_out {
        topic_with_itself(kafka, &format!("{p}-{name}"));
    }
    let loud = format!("{p}-Loud");
    for topic in [&wanted, &doubled, &loud] {
        topic_with_itself(kafka, topic);
    }

    let mut setup = WorkerSetup::new(Subject::from_env(), kafka);
    let out = setup.path("out.txt");
    let worker = setup.start();
    worker.rest.put_connector(
        &p,
        &[
            ("connector.class", "FileStreamSink"),
            ("topics.regex", &pattern),
            ("file", out.to_str().unwrap()),
            ("consumer.override.metadata.max.age.ms", "500"),
        ],
    );
    let sorted = |topics: &[&String]| {
        let mut topics: Vec<String> = topics.iter().map(|&topic| topic.clone()).collect();
        topics.sort_unstable();
        topics
    };
    until_equal("the lines of the topics that match", &sorted(&[&wanted, &doubled, &loud]), || lines(&out));

    topic_with_itself(kafka, &format!("{p}-not-2"));
    topic_with_itself(kafka, &later);
    until_equal("the line of the new topic", &sorted(&[&wanted, &doubled, &loud, &later]), || lines(&out));
}

#[test]
fn bad_patterns_are_refused_at_validation() {
    let setup = &mut WorkerSetup::new(Subject::from_env(), Kafka::shared());
    let worker = setup.start();
    let name = unique("bad-pattern");
    let config = |pattern: &str| json!({ "name": name, "connector.class": "FileStreamSink", "file": "out.txt", "topics.regex": pattern });
    let mut patterns = vec![
        ("(", "Invalid value ( for configuration topics.regex: Invalid regex: Unclosed group near index 1\n("),
        ("a{2,1}", "Invalid value a{2,1} for configuration topics.regex: Invalid regex: Illegal repetition range near"),
        (
            "*",
            "Invalid value * for configuration topics.regex: Invalid regex: Dangling meta character '*' near index 0",
        ),
    ];
    if setup.subject() == Subject::Ferroconnect {
        // What Java knows and we do not is refused as well, with the part named.
        patterns.push((r"a\N{LATIN SMALL LETTER B}", r"\N{"));
    }
    for (pattern, reason) in patterns {
        let answer =
            worker.rest.put("/connector-plugins/FileStreamSink/config/validate", Some(&config(pattern))).json();
        let configs = answer["configs"].as_array().unwrap();
        let value = &configs.iter().find(|config| config["value"]["name"] == "topics.regex").unwrap()["value"];
        let errors = value["errors"].as_array().unwrap();
        assert!(errors.len() == 1 && errors[0].as_str().unwrap().contains(reason), "{pattern}: {value}");
        assert_eq!(answer["error_count"], 1, "{pattern}");
        let refused = worker.rest.put(&format!("/connectors/{name}/config"), Some(&config(pattern)));
        assert_eq!(refused.status, 400, "{refused:?}");
        assert!(refused.json()["message"].as_str().unwrap().contains(reason), "{refused:?}");
    }
    assert_eq!(worker.rest.get(&format!("/connectors/{name}")).status, 404);
}
