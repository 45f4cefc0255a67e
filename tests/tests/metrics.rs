//! What the worker tells Prometheus is true: records are counted, failures are seen, the lag of a sink that hangs grows.
#![allow(clippy::unwrap_used, reason = "a test ends at the first surprise")]

use ferroconnect_e2e::kafka::Kafka;
use ferroconnect_e2e::rest::RestClient;
use ferroconnect_e2e::unique;
use ferroconnect_e2e::wait::{PATIENCE, until_some};
use ferroconnect_e2e::worker::{Subject, WorkerSetup};
use prometheus_parse::{Sample, Scrape, Value};
use serde_json::json;
use std::fs;
use std::path::Path;

/// The page, read by a parser that is not ours.
fn scrape(rest: &RestClient) -> Scrape {
    let answer = rest.call("GET", "/metrics", &[("accept", "text/plain;version=0.0.4;q=0.5,*/*;q=0.1")], None).unwrap();
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    Scrape::parse(answer.text.lines().map(|line| Ok(line.to_owned()))).unwrap()
}

type Labels<'a> = &'a [(&'a str, &'a str)];

fn sample<'a>(scrape: &'a Scrape, name: &str, labels: Labels<'_>) -> Option<&'a Sample> {
    let fits = |sample: &&Sample| {
        sample.metric == name && labels.iter().all(|(key, value)| sample.labels.get(key) == Some(value))
    };
    scrape.samples.iter().find(fits)
}

fn value(scrape: &Scrape, name: &str, labels: Labels<'_>) -> Option<f64> {
    match sample(scrape, name, labels)?.value {
        Value::Counter(number) | Value::Gauge(number) | Value::Untyped(number) => Some(number),
        ref other => panic!("{name}: {other:?}"),
    }
}

/// Waits until all these metrics have these values at the same time.
fn until_values(rest: &RestClient, wanted: &[(&str, Labels<'_>, f64)]) -> Scrape {
    until_some("the metrics", PATIENCE, || {
        let scrape = scrape(rest);
        let wrong = wanted.iter().find_map(|(name, labels, number)| {
            let found = value(&scrape, name, labels);
            (found != Some(*number)).then(|| format!("{name}{labels:?} is {found:?}, not {number}"))
        });
        wrong.map_or(Ok(scrape), Err)
    })
}

fn setup() -> Option<WorkerSetup> {
    if Subject::from_env() == Subject::Java {
        eprintln!("skipped: the Java worker does not tell its metrics over HTTP");
        return None;
    }
    Some(WorkerSetup::new(Subject::Ferroconnect, Kafka::shared()))
}

#[test]
fn records_failures_and_stages_are_counted() {
    let Some(mut setup) = setup() else { return };
    let (topic, sink) = (unique("metrics"), unique("metrics-sink"));
    Kafka::shared().create_topic(&topic, 1);
    let (input, output) = (setup.path("in.txt"), setup.path("out.txt"));
    fs::write(&input, "a\nb\nc\n").unwrap();
    let file = |path: &Path| path.to_str().unwrap().to_owned();
    setup.connector(
        "source",
        &[
            ("connector.class", "FileStreamSource"),
            ("file", &file(&input)),
            ("topic", &topic),
            ("transforms", "drop"),
            ("transforms.drop.type", "org.apache.kafka.connect.transforms.DropHeaders"),
            ("transforms.drop.headers", "none"),
        ],
    );
    let worker = setup.start();
    worker
        .rest
        .put_connector(&sink, &[("connector.class", "FileStreamSink"), ("file", &file(&output)), ("topics", &topic)]);
    let (source, sink_task) = ([("connector", "source"), ("task", "0")], [("connector", sink.as_str()), ("task", "0")]);
    let partition = [sink_task[0], sink_task[1], ("topic", topic.as_str()), ("partition", "0")];
    let running = [source[0], source[1], ("status", "running")];
    let scrape = until_values(
        &worker.rest,
        &[
            ("kafka_connect_source_task_source_record_poll_total", &source, 3.0),
            ("kafka_connect_source_task_source_record_write_total", &source, 3.0),
            ("kafka_connect_source_task_source_record_active_count", &source, 0.0),
            ("ferroconnect_producer_queue_bytes", &source, 0.0),
            ("kafka_connect_connector_status", &running, 1.0),
            ("kafka_connect_sink_task_sink_record_read_total", &sink_task, 3.0),
            ("kafka_connect_sink_task_sink_record_send_total", &sink_task, 3.0),
            ("kafka_connect_sink_task_sink_record_active_count", &sink_task, 0.0),
            ("kafka_connect_sink_task_partition_count", &sink_task, 1.0),
            ("kafka_connect_sink_task_sink_record_lag_max", &sink_task, 0.0),
            ("ferroconnect_sink_partition_lag_records", &partition, 0.0),
            ("kafka_connect_worker_connector_count", &[], 2.0),
            ("kafka_connect_worker_task_count", &[], 2.0),
            ("kafka_connect_worker_connector_startup_success_total", &[], 2.0),
            ("kafka_connect_worker_task_startup_success_total", &[], 2.0),
            ("kafka_connect_worker_task_startup_failure_total", &[], 0.0),
            ("kafka_connect_connect_worker_connector_running_task_count", &source[..1], 1.0),
        ],
    );
    let stages = [("poll", source), ("transform", source), ("convert", source), ("send", source), ("poll", sink_task)];
    for (stage, task) in stages.into_iter().chain([("put", sink_task), ("commit", sink_task)]) {
        let labels = [task[0], task[1], ("stage", stage)];
        let Some(Value::Histogram(buckets)) =
            sample(&scrape, "ferroconnect_stage_duration_seconds", &labels).map(|sample| &sample.value)
        else {
            panic!("no histogram of {labels:?}");
        };
        assert!(buckets.last().unwrap().count >= 1.0, "{labels:?}: {buckets:?}");
    }
    let info = sample(&scrape, "kafka_connect_connector_task_info", &source).unwrap();
    assert_eq!(info.labels.get("key_converter_class"), Some("org.apache.kafka.connect.storage.StringConverter"));
    assert!(info.labels.get("connector_class").unwrap().contains("FileStreamSource"), "{info:?}");
    let info = sample(&scrape, "kafka_connect_connector_transform_info", &source).unwrap();
    assert!(info.labels.get("transform_class").unwrap().contains("DropHeaders"), "{info:?}");
    assert!(value(&scrape, "process_resident_memory_bytes", &[]).unwrap() > 1e6);

    // A sink that cannot read the records fails, and is still seen until it is gone.
    let bad = unique("metrics-bad");
    let of_bad = [("connector", bad.as_str())];
    worker.rest.put_connector(
        &bad,
        &[
            ("connector.class", "FileStreamSink"),
            ("file", &file(&setup.path("bad.txt"))),
            ("topics", &topic),
            ("value.converter", "org.apache.kafka.connect.json.JsonConverter"),
        ],
    );
    let failed = [of_bad[0], ("status", "failed")];
    until_values(
        &worker.rest,
        &[
            ("kafka_connect_connector_status", &failed, 1.0),
            ("kafka_connect_task_error_total_record_errors", &of_bad, 1.0),
            ("kafka_connect_connect_worker_connector_failed_task_count", &of_bad, 1.0),
            ("kafka_connect_worker_task_count", &[], 3.0),
        ],
    );
    assert_eq!(worker.rest.delete(&format!("/connectors/{bad}")).status, 204);
    let scrape = until_values(&worker.rest, &[("kafka_connect_worker_task_count", &[], 2.0)]);
    let left: Vec<_> = scrape.samples.iter().filter(|sample| sample.labels.get("connector") == Some(&bad)).collect();
    assert!(left.is_empty(), "{left:?}");
}

type Fits = fn(f64) -> bool;

/// Waits until all these metrics have values that fit.
fn until_fit(rest: &RestClient, wanted: &[(&str, Labels<'_>, Fits)]) -> Scrape {
    until_some("the metrics", PATIENCE, || {
        let scrape = scrape(rest);
        let wrong = wanted.iter().find_map(|(name, labels, fits)| {
            let found = value(&scrape, name, labels);
            (!found.is_some_and(*fits)).then(|| format!("{name}{labels:?} is {found:?}"))
        });
        wrong.map_or(Ok(scrape), Err)
    })
}

#[test]
fn what_kafka_connect_measures_of_tasks_moves() {
    let Some(mut setup) = setup() else { return };
    setup.load_fixtures(&["misbehaving"]);
    let kafka = Kafka::shared();
    let (topic, letters, name) = (unique("moves"), unique("moves-dlq"), unique("moves-sink"));
    kafka.create_topic(&topic, 1);
    kafka.write(&topic, 0, ["{\"a\":1}", "broken", "{\"a\":2}"]);
    let (input, output) = (setup.path("in.txt"), setup.path("out.txt"));
    fs::write(&input, "a\nb\n").unwrap();
    let worker = setup.start();
    worker.rest.put_connector(
        &name,
        &[
            ("connector.class", "FileStreamSink"),
            ("file", output.to_str().unwrap()),
            ("topics", &topic),
            ("value.converter", "org.apache.kafka.connect.json.JsonConverter"),
            ("value.converter.schemas.enable", "false"),
            ("errors.tolerance", "all"),
            ("errors.log.enable", "true"),
            ("errors.deadletterqueue.topic.name", &letters),
            ("errors.deadletterqueue.topic.replication.factor", "1"),
            ("transforms", "drop"),
            ("transforms.drop.type", "org.apache.kafka.connect.transforms.DropHeaders"),
            ("transforms.drop.headers", "none"),
            ("transforms.drop.predicate", "tomb"),
            ("predicates", "tomb"),
            ("predicates.tomb.type", "org.apache.kafka.connect.transforms.predicates.RecordIsTombstone"),
        ],
    );
    let source = &[("connector.class", "FileStreamSource"), ("file", input.to_str().unwrap()), ("topic", &topic)];
    worker.rest.put_connector("moves-source", source);
    let fails = json!({"connector.class": "test.MisbehavingSource", "topic": topic, "fail.in": "connector.start"});
    assert_eq!(worker.rest.put("/connectors/fails/config", Some(&fails)).status, 500);
    let sink = [("connector", name.as_str()), ("task", "0")];
    let from = [("connector", "moves-source"), ("task", "0")];
    let some: Fits = |it| it > 0.0;
    let known: Fits = |it| it >= 0.0;
    let none: Fits = |it| it == 0.0;
    let share: Fits = |it| it > 0.0 && it <= 1.0;
    let recent: Fits = |it| it > 1.7e12;
    let three: Fits = |it| it == 3.0; // "broken", and the source's lines, which are no JSON either
    let scrape = until_fit(
        &worker.rest,
        &[
            ("kafka_connect_task_error_total_record_failures", &sink, three),
            ("kafka_connect_task_error_total_record_errors", &sink, three),
            ("kafka_connect_task_error_total_records_skipped", &sink, three),
            ("kafka_connect_task_error_total_errors_logged", &sink, three),
            ("kafka_connect_task_error_deadletterqueue_produce_requests", &sink, three),
            ("kafka_connect_task_error_deadletterqueue_produce_failures", &sink, none),
            ("kafka_connect_task_error_last_error_timestamp", &sink, recent),
            ("kafka_connect_sink_task_sink_record_read_rate", &sink, some),
            ("kafka_connect_sink_task_sink_record_send_rate", &sink, some),
            ("kafka_connect_sink_task_sink_record_active_count_avg", &sink, known),
            ("kafka_connect_sink_task_offset_commit_completion_rate", &sink, some),
            ("kafka_connect_sink_task_offset_commit_skip_rate", &sink, none),
            ("kafka_connect_sink_task_put_batch_avg_time_ms", &sink, some),
            ("kafka_connect_connector_task_batch_size_max", &sink, some),
            ("kafka_connect_connector_task_offset_commit_avg_time_ms", &sink, some),
            ("kafka_connect_connector_task_running_ratio", &sink, share),
            ("kafka_connect_connector_task_pause_ratio", &sink, none),
            ("ferroconnect_consumer_queue_records", &sink, none),
            ("kafka_connect_source_task_source_record_write_rate", &from, some),
            ("kafka_connect_source_task_source_record_active_count_avg", &from, known),
            ("kafka_connect_worker_connector_startup_attempts_total", &[], three),
            ("kafka_connect_worker_connector_startup_failure_total", &[], |it| it == 1.0),
            ("kafka_connect_worker_task_startup_success_percentage", &[], |it| it == 1.0),
            ("kafka_connect_connect_worker_connector_unassigned_task_count", &sink[..1], none),
            ("kafka_connect_connect_worker_connector_destroyed_task_count", &sink[..1], none),
            ("kafka_connect_connect_worker_connector_restarting_task_count", &sink[..1], none),
        ],
    );
    let labels = |name: &str, labels: Labels<'_>, wanted: &[&str]| {
        let info = sample(&scrape, name, labels).unwrap_or_else(|| panic!("no {name}"));
        for key in wanted {
            assert!(info.labels.get(key).is_some_and(|text| !text.is_empty()), "{key}: {info:?}");
        }
    };
    let versions = ["connector_version", "connector_type", "task_class", "task_version", "value_converter_class"];
    labels("kafka_connect_connector_task_info", &sink, &versions);
    let versions = ["key_converter_version", "value_converter_version", "header_converter_version"];
    labels("kafka_connect_connector_task_info", &sink, &versions);
    labels("kafka_connect_connector_info", &sink[..1], &["connector_type", "connector_version", "connector_class"]);
    labels("kafka_connect_connector_transform_info", &sink, &["transform_version"]);
    labels("kafka_connect_connector_predicate_info", &sink, &["predicate_class", "predicate_version"]);
    labels("kafka_connect_info", &[], &["commit_id", "start_time_ms", "version"]);
    assert_eq!(worker.rest.put(&format!("/connectors/{name}/pause"), None).status, 202);
    until_fit(
        &worker.rest,
        &[
            ("kafka_connect_connector_task_pause_ratio", &sink, share),
            ("kafka_connect_connect_worker_connector_paused_task_count", &sink[..1], |it| it == 1.0),
        ],
    );
}

#[test]
fn the_lag_of_a_sink_that_hangs_grows() {
    let Some(mut setup) = setup() else { return };
    setup.load_fixtures(&["misbehaving"]).set("task.shutdown.graceful.timeout.ms", "1000");
    let kafka = Kafka::shared();
    let (topic, name) = (unique("lag"), unique("lag-sink"));
    kafka.create_topic(&topic, 1);
    kafka.write(&topic, 0, ["1", "2"]);
    let worker = setup.start();
    worker.rest.put_connector(
        &name,
        &[
            ("connector.class", "test.MisbehavingSink"),
            ("topics", &topic),
            ("hang.in", "put"),
            ("after.calls", "0"),
            ("consumer.override.max.poll.records", "1"),
        ],
    );
    let task = [("connector", name.as_str()), ("task", "0")];
    let partition = [task[0], task[1], ("topic", topic.as_str()), ("partition", "0")];
    let lag = |records| {
        [
            ("kafka_connect_sink_task_sink_record_lag_max", &task[..], records),
            ("ferroconnect_sink_partition_lag_records", &partition[..], records),
        ]
    };
    until_values(&worker.rest, &lag(2.0));
    kafka.write(&topic, 0, ["3", "4", "5"]);
    until_values(&worker.rest, &lag(5.0));
    assert_eq!(worker.rest.delete(&format!("/connectors/{name}")).status, 204);
    until_values(&worker.rest, &[("ferroconnect_abandoned_threads_total", &[], 1.0)]);
}
