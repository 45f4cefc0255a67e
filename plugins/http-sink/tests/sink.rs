//! What arrives at a server, also at one that answers badly.
#![allow(clippy::unwrap_used, reason = "tests")]

mod server;

use ferroconnect_plugin_sdk::log::LogLevel;
use ferroconnect_plugin_sdk::testkit::{self, SinkHarness, sink_record};
use ferroconnect_plugin_sdk::{Config, Data, ErrorKind, MapEntry, Record, SchemaBuilder, Value};
use server::{Reply, Seen, Server, proxy, status};
use std::time::Duration;

const AIVEN: &str = "io.aiven.kafka.connect.http.HttpSinkConnector";
const CONFLUENT: &str = "io.confluent.connect.http.HttpSinkConnector";

fn harness(class: &str, config: &[(&str, &str)]) -> SinkHarness {
    let mut all = Config::default();
    for (key, value) in config {
        all.set(key, value);
    }
    SinkHarness::new(&testkit::library!(ferroconnect_http_sink), class, all)
}

/// A task with the keys of Aiven's connector.
fn started(server: &Server, more: &[(&str, &str)]) -> SinkHarness {
    let url = server.url("/in");
    let mut config = vec![("http.url", url.as_str())];
    if !more.iter().any(|(key, _)| *key == "http.authorization.type") {
        config.push(("http.authorization.type", "none"));
    }
    config.extend(more);
    let mut sink = harness(AIVEN, &config);
    sink.start().unwrap();
    sink
}

fn records(values: &[&str]) -> Vec<Record> {
    (0..).zip(values).map(|(offset, value)| sink_record("t", 0, offset, Data::schemaless(*value))).collect()
}

fn numbered(count: usize) -> Vec<Record> {
    let texts: Vec<_> = (0..count).map(|number| number.to_string()).collect();
    records(&texts.iter().map(String::as_str).collect::<Vec<_>>())
}

/// Gives a batch again until it is taken, as a worker does; says how often that took, and the pauses asked for.
fn put_until_taken(sink: &mut SinkHarness, records: &[Record]) -> Vec<Duration> {
    let mut pauses = Vec::new();
    while let Err(error) = sink.put(records) {
        assert_eq!(error.kind(), ErrorKind::RETRIABLE, "{error}");
        assert!(pauses.len() < 20, "it is never taken: {error}");
        pauses.push(sink.take_requests().retry_after.expect("a retry says when"));
    }
    pauses
}

/// A server that answers its requests in turn so, and takes everything behind.
fn answering(replies: Vec<Reply>) -> Server {
    let mut replies = replies.into_iter();
    Server::start(move |_| replies.next().unwrap_or_else(|| status(200)))
}

#[test]
fn each_record_is_a_request_on_one_connection_in_order() {
    let server = Server::accepting();
    let mut sink = started(
        &server,
        &[
            ("http.authorization.type", "static"),
            ("http.headers.authorization", "Bearer of bad news"),
            ("http.headers.content.type", "text/plain"),
            ("http.headers.additional", "x-one: 1, X-Two:a:b"),
        ],
    );
    sink.put(&numbered(50)).unwrap();
    let seen = server.seen();
    let bodies: Vec<_> = (0..50).map(|number| number.to_string()).collect();
    assert_eq!(server.bodies(), bodies);
    assert!(seen.iter().all(|seen| seen.connection == 0 && seen.method == "POST" && seen.path == "/in"));
    let header = |name| seen[7].header(name);
    assert_eq!(header("authorization"), Some("Bearer of bad news"));
    assert_eq!(header("content-type"), Some("text/plain"));
    assert_eq!((header("x-one"), header("x-two")), (Some("1"), Some("a:b")));
}

#[test]
fn values_are_text_or_json() {
    let server = Server::accepting();
    let mut sink = started(&server, &[("decimal.format", "numeric")]);
    let schema = SchemaBuilder::structure()
        .field("name", SchemaBuilder::string().build())
        .field("price", SchemaBuilder::decimal(2).build())
        .build();
    let row = Value::structure(schema.clone(), vec![Value::string("é\""), Value::decimal(vec![4, 0xd2], 2)]);
    let map = Value::map(vec![MapEntry { key: Value::string("a"), value: Value::array(vec![Value::int64(1)]) }]);
    let values = vec![
        Data::new(schema, row),
        Data::schemaless(map),
        Data::schemaless("plain \"text\""),
        Data::schemaless(Value::bytes(b"raw".to_vec())),
        Data::schemaless(Value::float64(1.5)),
    ];
    sink.put_values("t", 0, values).unwrap();
    assert_eq!(server.bodies(), [r#"{"name":"é\"","price":12.34}"#, r#"{"a":[1]}"#, "plain \"text\"", "raw", "1.5"]);
}

#[test]
fn batches_have_their_size_and_marks() {
    let server = Server::accepting();
    let mut sink = started(&server, &[("batching.enabled", "true"), ("batch.max.size", "2")]);
    sink.put(&numbered(5)).unwrap();
    assert_eq!(server.bodies(), ["0\n1\n", "2\n3\n", "4\n"]);
    let marks = [("batch.prefix", "[ "), ("batch.separator", " , "), ("batch.suffix", "]\t")];
    let mut sink = started(&server, &[&marks[..], &[("batching.enabled", "true")]].concat());
    sink.put(&numbered(3)).unwrap();
    assert_eq!(server.bodies()[3..], ["[ 0 , 1 , 2]\t"]);
}

#[test]
fn a_request_holds_records_of_one_url_and_tombstones_delete() {
    let server = Server::accepting();
    let mut sink = harness(
        CONFLUENT,
        &[
            ("http.api.url", &server.url("/${topic}/${key}")),
            ("request.method", "put"),
            ("request.body.format", "json"),
            ("batch.json.as.array", "true"),
            ("batch.max.size", "10"),
            ("behavior.on.null.values", "delete"),
            ("headers", "a: 1|b:2"),
            ("auth.type", "basic"),
            ("connection.user", "me"),
            ("connection.password", "secret"),
        ],
    );
    sink.start().unwrap();
    let record = |offset, key: &str, value| {
        let mut record = sink_record("t", 0, offset, value);
        record.key = Data::schemaless(key);
        record
    };
    let text = Data::schemaless;
    sink.put(&[
        record(0, "k 1", text("a")),
        record(1, "k 1", text("b")),
        record(2, "k2", text("c")),
        record(3, "k2", Data::NULL),
        record(4, "k2", text("d")),
    ])
    .unwrap();
    let seen = server.seen();
    let told: Vec<_> = seen.iter().map(|s| (s.method.as_str(), s.path.as_str(), s.body.as_str())).collect();
    assert_eq!(
        told,
        [
            ("PUT", "/t/k%201", r#"["a","b"]"#),
            ("PUT", "/t/k2", r#"["c"]"#),
            ("DELETE", "/t/k2", ""),
            ("PUT", "/t/k2", r#"["d"]"#),
        ]
    );
    assert_eq!(seen[0].header("authorization"), Some("Basic bWU6c2VjcmV0"));
    assert_eq!((seen[0].header("b"), seen[0].header("content-type")), (Some("2"), Some("application/json")));
}

#[test]
fn what_fails_for_now_is_sent_again_and_nothing_else_is() {
    for failure in [status(503), status(500), status(429), status(408), Reply::Reset, Reply::Half, Reply::Silence] {
        let server = answering(vec![status(200), status(200), failure]);
        let mut sink = started(&server, &[("http.timeout", "1"), ("retry.backoff.ms", "1000")]);
        let pauses = put_until_taken(&mut sink, &numbered(5));
        assert_eq!(server.bodies(), ["0", "1", "2", "2", "3", "4"]);
        assert_eq!(pauses.len(), 1);
        assert!(pauses[0] <= Duration::from_secs(1) && pauses[0] >= Duration::from_millis(750), "{pauses:?}");
        assert_eq!(sink.pre_commit().unwrap()[0].offset, 5);
    }
}

#[test]
fn what_arrived_of_a_partition_that_stays_is_not_sent_again() {
    let server = answering(vec![status(200), status(200), status(503)]);
    let mut sink = started(&server, &[]);
    let of = |partition, offset, value: &str| sink_record("t", partition, offset, Data::schemaless(value));
    sink.put(&[of(0, 0, "stays"), of(1, 0, "goes"), of(1, 1, "fails"), of(0, 1, "last")]).unwrap_err();
    sink.close("t", 1).unwrap();
    sink.put(&[of(0, 0, "stays"), of(0, 1, "last")]).unwrap();
    // Where the partition comes back, offsets are those that were committed.
    sink.put(&[of(1, 0, "goes")]).unwrap();
    assert_eq!(server.bodies(), ["stays", "goes", "fails", "last", "goes"]);
}

#[test]
fn a_server_that_is_not_there_is_tried_again() {
    let config = [("http.url", "http://localhost:1/"), ("http.authorization.type", "none"), ("max.retries", "2")];
    let mut sink = harness(AIVEN, &config);
    sink.start().unwrap();
    for _ in 0..2 {
        assert_eq!(sink.put(&numbered(1)).unwrap_err().kind(), ErrorKind::RETRIABLE);
    }
    let error = sink.put(&numbered(1)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::FATAL);
    assert!(error.message().contains("POST http://localhost:1/ failed"), "{error}");
    assert!(error.message().ends_with("sending failed 3 times and no retries remain"), "{error}");
}

#[test]
fn the_servers_own_wish_for_a_pause_is_obeyed() {
    let wait = |status| Reply::Answer(status, vec![("Retry-After", "17".to_owned())], String::new());
    let server = answering(vec![wait(429), wait(503), status(503)]);
    let mut sink = started(&server, &[("max.retries", "3"), ("retry.backoff.ms", "100")]);
    let pauses = put_until_taken(&mut sink, &numbered(1));
    assert_eq!(pauses[..2], [Duration::from_secs(17); 2]);
    assert!(pauses[2] <= Duration::from_millis(400), "{pauses:?}");
    assert_eq!(server.seen().len(), 4);
}

#[test]
fn retries_may_begin_anew_for_ever() {
    let server = answering((0..7).map(|_| status(502)).collect());
    let mut sink = started(&server, &[("retry.backoff.ms", "10"), ("kafka.retry.backoff.ms", "2000")]);
    let pauses = put_until_taken(&mut sink, &numbered(2));
    let long: Vec<_> = pauses.iter().map(|pause| *pause == Duration::from_secs(2)).collect();
    assert_eq!(long, [false, true, false, true, false, true, false]);
    assert_eq!(server.seen().len(), 9);
}

#[test]
fn records_that_are_refused_are_reported_one_by_one() {
    let refuses_odd = |seen: &Seen| match seen.body.as_str() {
        "[3]" => status(413),
        body if body.contains(['1', '3']) => status(422),
        _ => status(200),
    };
    let server = Server::start(refuses_odd);
    let marks = [("batch.prefix", "["), ("batch.separator", ","), ("batch.suffix", "]")];
    let mut sink = started(&server, &[&marks[..], &[("batching.enabled", "true"), ("batch.max.size", "4")]].concat());
    sink.put(&numbered(9)).unwrap();
    assert_eq!(server.bodies(), ["[0,1,2,3]", "[0]", "[1]", "[2]", "[3]", "[4,5,6,7]", "[8]"]);
    let reported = sink.take_requests().reported;
    let offsets: Vec<_> = reported.iter().map(|(record, _)| record.origin.offset).collect();
    assert_eq!(offsets, [1, 3]);
    let error = &reported[0].1;
    assert_eq!(error.kind(), ErrorKind::DATA);
    assert!(error.message().ends_with("/in: the server replied with status code 422 and body this is 422"), "{error}");
}

#[test]
fn a_record_that_is_refused_fails_the_task_where_reports_go_nowhere() {
    let server = Server::start(|seen| if seen.body.contains('2') { status(400) } else { status(200) });
    let config = |most| {
        let url = server.url("/in?key=hush");
        let config = [
            ("http.url", url.as_str()),
            ("http.authorization.type", "none"),
            ("batching.enabled", "true"),
            ("batch.max.size", most),
        ];
        let mut sink = harness(AIVEN, &config).without_reports();
        sink.start().unwrap();
        sink
    };
    let said = "/in: the server replied with status code 400 and body this is 400";
    for (most, sent, place) in [("2", 2, "(records from t-0@2 to t-0@3)"), ("1", 3, "(record t-0@2)")] {
        let before = server.seen().len();
        let error = config(most).put(&numbered(5)).unwrap_err();
        assert!(error.message().ends_with(&format!("{said} {place}")), "{error}");
        assert!(!error.message().contains("hush"), "{error}");
        assert_eq!(server.seen().len() - before, sent);
    }
    let error = config("9").put_values("t", 0, vec![Data::NULL]).unwrap_err();
    assert_eq!(error.message(), "Record value must not be null (record t-0@0)");
}

#[test]
fn a_batch_in_pieces_survives_a_retry() {
    let mut calls = 0;
    let server = Server::start(move |seen| {
        calls += 1;
        if seen.body.contains("2") && seen.body.len() > 2 {
            status(400)
        } else if calls == 3 {
            status(503)
        } else {
            status(200)
        }
    });
    let mut sink = started(&server, &[("batching.enabled", "true")]);
    put_until_taken(&mut sink, &numbered(4));
    assert_eq!(server.bodies(), ["0\n1\n2\n3\n", "0\n", "1\n", "1\n", "2\n", "3\n"]);
    assert!(sink.take_requests().reported.is_empty());
}

#[test]
fn a_report_that_fails_ends_a_batch_in_pieces() {
    let server = Server::start(|seen| if seen.body.contains('1') { status(422) } else { status(200) });
    let url = server.url("/in");
    let config = [("http.url", url.as_str()), ("http.authorization.type", "none"), ("batching.enabled", "true")];
    let mut sink = harness(AIVEN, &config).failing_reports();
    sink.start().unwrap();
    let error = sink.put(&numbered(4)).unwrap_err();
    assert_eq!(error.message(), "Tolerance exceeded in error handler");
    assert_eq!(server.bodies(), ["0\n1\n2\n3\n", "0\n", "1\n"]);
    assert!(sink.pre_commit().unwrap().is_empty());
}

#[test]
fn the_statuses_that_are_tried_again_can_be_set() {
    // None = the default.
    for (codes, again) in [
        (None, &[408, 429, 500, 503][..]),
        (Some("400-"), &[408, 429, 500, 503]),
        (Some("500-599"), &[500, 503]),
        (Some("400-500"), &[400, 401, 404, 408, 429, 500]),
        (Some("404,503"), &[404, 503]),
    ] {
        let tried = [400, 401, 404, 408, 429, 500, 503].into_iter().filter(|answer| {
            let server = answering(vec![status(*answer)]);
            let url = server.url("/in");
            let mut config = vec![("http.api.url", url.as_str())];
            config.extend(codes.map(|codes| ("retry.on.status.codes", codes)));
            let mut sink = harness(CONFLUENT, &config).without_reports();
            sink.start().unwrap();
            let kind = sink.put(&numbered(1)).unwrap_err().kind();
            if kind == ErrorKind::RETRIABLE {
                sink.put(&numbered(1)).unwrap();
                assert_eq!(server.bodies(), ["0", "0"]);
            }
            kind == ErrorKind::RETRIABLE
        });
        assert_eq!(tried.collect::<Vec<_>>(), again, "{codes:?}");
    }
}

#[test]
fn a_delete_that_found_nothing_is_tried_again_where_that_is_wanted() {
    let server = answering(vec![status(404), status(404), Reply::Half, status(404)]);
    let url = server.url("/${key}");
    let config = [("http.api.url", url.as_str()), ("behavior.on.null.values", "delete")];
    let mut sink = harness(CONFLUENT, &[&config[..], &[("retry.on.status.codes", "404")]].concat());
    sink.start().unwrap();
    let mut record = sink_record("t", 0, 0, Data::NULL);
    record.key = Data::schemaless("k");
    // The last 404 is the trace of the request whose answer broke off.
    assert_eq!(put_until_taken(&mut sink, &[record]).len(), 3);
    assert_eq!(server.seen().len(), 4);
}

#[test]
fn a_refused_record_is_left_out_where_that_is_wanted() {
    const NONE: (&str, &str) = ("errors.tolerance", "none");
    for (behaviour, warnings) in [("ignore", 0), ("log", 2)] {
        let server = Server::start(|seen| if seen.body.contains(['1', '3']) { status(422) } else { status(200) });
        let url = server.url("/in");
        let config = [("http.api.url", url.as_str()), ("behavior.on.error", behaviour), ("batch.max.size", "4")];
        let sink = |more: &[(&str, &str)]| harness(CONFLUENT, &[&config[..], more].concat());
        // Nothing takes reports, or one of them would fail the task (errors.log.enable without errors.tolerance).
        for mut sink in [sink(&[]).without_reports(), sink(&[]).failing_reports(), sink(&[NONE]).failing_reports()] {
            let before = server.seen().len();
            sink.start().unwrap();
            sink.put(&numbered(6)).unwrap();
            assert_eq!(server.bodies()[before..], ["0,1,2,3", "0", "1", "2", "3", "4,5"]);
            assert_eq!(sink.pre_commit().unwrap()[0].offset, 6);
            let said: Vec<_> = sink.log().into_iter().filter(|line| line.level == LogLevel::WARN).collect();
            assert_eq!(said.len(), warnings, "{said:?}");
            if let Some(first) = said.first() {
                let end = "status code 422 and body this is 422 (record t-0@1); the record is left out";
                assert!(first.message.ends_with(end), "{first:?}");
            }
        }
        // Where records are reported and the task goes on they still are.
        let mut sink = sink(&[("errors.tolerance", "ALL")]);
        sink.start().unwrap();
        sink.put(&numbered(6)).unwrap();
        assert_eq!(sink.take_requests().reported.len(), 2);
    }
}

#[test]
fn what_may_get_better_or_is_wrong_for_all_fails_the_task_whatever_becomes_of_refused_records() {
    for (reply, part) in [(status(503), "no retries remain"), (status(401), "401"), (status(302), "302")] {
        let server = answering(vec![reply]);
        let url = server.url("/in");
        let config = [("http.api.url", url.as_str()), ("behavior.on.error", "ignore"), ("max.retries", "0")];
        let mut sink = harness(CONFLUENT, &config).without_reports();
        sink.start().unwrap();
        let error = sink.put(&numbered(2)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::FATAL);
        assert!(error.message().contains(part), "{error}");
        assert_eq!(server.seen().len(), 1);
    }
}

#[test]
fn attempts_count_on_when_another_partition_goes_elsewhere() {
    let server = answering((0..3).map(|_| status(503)).collect());
    let mut sink = started(&server, &[("max.retries", "2")]);
    let of = |partition, value: &str| sink_record("t", partition, 0, Data::schemaless(value));
    sink.put(&[of(0, "stays"), of(1, "goes"), of(2, "goes too")]).unwrap_err();
    sink.close("t", 1).unwrap();
    sink.put(&[of(0, "stays"), of(2, "goes too")]).unwrap_err();
    sink.close("t", 2).unwrap();
    let error = sink.put(&[of(0, "stays")]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::FATAL, "{error}");
    assert!(error.message().ends_with("sending failed 3 times and no retries remain"), "{error}");
}

#[test]
fn a_token_that_lapsed_is_renewed_whatever_is_tried_again() {
    let mut tokens = 0;
    let mut calls = 0;
    let server = Server::start(move |seen| {
        if seen.path == "/token" {
            tokens += 1;
            return Reply::Answer(200, vec![], format!(r#"{{"access_token":"t{tokens}"}}"#));
        }
        calls += 1;
        if calls == 2 { status(401) } else { status(200) }
    });
    let (url, token) = (server.url("/in"), server.url("/token"));
    let oauth = [("auth.type", "OAUTH2"), ("oauth2.token.url", token.as_str()), ("oauth2.client.id", "me")];
    let more = [("http.api.url", url.as_str()), ("oauth2.client.secret", "x"), ("retry.on.status.codes", "400-500")];
    let mut sink = harness(CONFLUENT, &[&oauth[..], &more].concat());
    sink.start().unwrap();
    sink.put(&numbered(2)).unwrap();
    let seen = server.seen();
    let paths: Vec<_> = seen.iter().map(|seen| seen.path.as_str()).collect();
    assert_eq!(paths, ["/token", "/in", "/in", "/token", "/in"]);
    assert_eq!(seen[4].header("authorization"), Some("Bearer t2"));
}

#[test]
fn a_repeated_delete_that_finds_nothing_is_done() {
    for gone in [404, 410] {
        let server = answering(vec![Reply::Half, status(gone), status(gone)]);
        let url = server.url("/${key}");
        let mut sink = harness(CONFLUENT, &[("http.api.url", &url), ("behavior.on.null.values", "delete")]);
        sink.start().unwrap();
        let mut records = [0, 1].map(|offset| sink_record("t", 0, offset, Data::NULL));
        for record in &mut records {
            record.key = Data::schemaless("k");
        }
        put_until_taken(&mut sink, &records);
        assert_eq!(server.seen().len(), 3);
        // The second was not sent before, so its refusal is news.
        let reported = sink.take_requests().reported;
        assert_eq!(reported.iter().map(|(record, _)| record.origin.offset).collect::<Vec<_>>(), [1]);
    }
}

#[test]
fn values_that_cannot_be_sent_are_reported() {
    let server = Server::accepting();
    let mut sink = started(&server, &[("batching.enabled", "true")]);
    let text = Data::schemaless;
    let values = vec![text("a"), Data::NULL, text("b"), Data::schemaless(Value::date(1)), text("c")];
    sink.put_values("t", 0, values).unwrap();
    assert_eq!(server.bodies(), ["a\n", "b\n", "c\n"]);
    let reported = sink.take_requests().reported;
    assert_eq!(reported[0].1.message(), "Record value must not be null");
    assert_eq!(reported[1].1.message(), "Java class class java.util.Date does not have corresponding schema type.");
}

#[test]
fn records_without_value_are_left_out_where_that_is_wanted() {
    let server = Server::accepting();
    let mut sink = harness(CONFLUENT, &[("http.api.url", &server.url("/")), ("behavior.on.null.values", "log")]);
    sink.start().unwrap();
    sink.put_values("t", 3, vec![Data::schemaless("a"), Data::NULL, Data::schemaless("b")]).unwrap();
    assert_eq!(server.bodies(), ["a", "b"]);
    assert!(sink.log().iter().any(|line| line.message == "The record t-3@1 has no value and is left out"));
}

#[test]
fn what_is_wrong_for_all_records_fails_the_task() {
    let redirect = |status| Reply::Answer(status, vec![("Location", "/login?token=hush".to_owned())], String::new());
    for (reply, part) in [
        (status(401), "status code 401 and body this is 401"),
        (status(407), "status code 407"),
        (redirect(302), "status code 302, a redirection to /login, which is not followed"),
        (redirect(307), "status code 307, a redirection to /login, which is not followed"),
    ] {
        let server = answering(vec![reply]);
        let mut sink = started(&server, &[]);
        let error = sink.put(&numbered(2)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::FATAL);
        assert!(error.message().contains(part), "{error}");
        assert_eq!(server.seen().len(), 1);
        assert!(sink.take_requests().reported.is_empty());
    }
}

#[test]
fn a_request_under_way_does_not_hold_up_a_stop() {
    let server = answering(vec![Reply::Silence]);
    let mut sink = started(&server, &[("http.timeout", "3600")]);
    let took = sink.stop_while_putting(numbered(3), || server.wait_for_request()).unwrap();
    assert!(took < Duration::from_secs(2), "{took:?}");
    assert_eq!(server.seen().len(), 1);
}

#[test]
fn it_is_the_first_task_that_is_stopped_while_putting() {
    let server = answering(vec![status(200), status(200), Reply::Silence]);
    let url = server.url("/in");
    let mut sink = harness(AIVEN, &[("http.url", &url), ("http.authorization.type", "none")]).tasks_max(2);
    sink.start().unwrap();
    for task in 0..2 {
        sink.put_task(task, &numbered(1)).unwrap();
        server.wait_for_request();
    }
    sink.stop_while_putting(numbered(1), || server.wait_for_request()).unwrap();
    // Each task keeps a connection of its own.
    assert_eq!(server.seen().iter().map(|seen| seen.connection).collect::<Vec<_>>(), [0, 1, 0]);
    assert_eq!(sink.tasks(), 1);
}

#[test]
fn tokens_are_fetched_once_and_renewed_when_they_lapse() {
    let mut tokens = 0;
    let mut calls = 0;
    let server = Server::start(move |seen| {
        if seen.path == "/token" {
            tokens += 1;
            return Reply::Answer(200, vec![], format!(r#"{{"access_token":"t{tokens}","expires_in":60}}"#));
        }
        calls += 1;
        if calls == 3 { status(401) } else { status(200) }
    });
    let mut sink = started(
        &server,
        &[
            ("http.authorization.type", "oauth2"),
            ("oauth2.access.token.url", &server.url("/token")),
            ("oauth2.client.id", "me"),
            ("oauth2.client.secret", "hush&hush"),
            ("oauth2.client.scope", "all of it"),
            ("oauth2.client.authorization.mode", "url"),
            ("oauth2.request.client.id.property", "user"),
        ],
    );
    sink.put(&numbered(4)).unwrap();
    let seen = server.seen();
    let told: Vec<_> = seen.iter().map(|s| (s.body.as_str(), s.header("authorization").unwrap_or("-"))).collect();
    let form = "grant_type=client_credentials&scope=all%20of%20it&user=me&client_secret=hush%26hush";
    assert_eq!(
        told,
        [
            (form, "-"),
            ("0", "Bearer t1"),
            ("1", "Bearer t1"),
            ("2", "Bearer t1"),
            (form, "-"),
            ("2", "Bearer t2"),
            ("3", "Bearer t2"),
        ]
    );
}

#[test]
fn credentials_that_get_no_token_fail_the_task_without_showing_them() {
    for (reply, part) in [
        (status(403), "status code 403"),
        (Reply::Answer(200, vec![], "{\"token\":\"x\"}".to_owned()), "the answer has only"),
        (Reply::Answer(200, vec![], "x".to_owned()), "the answer is no JSON"),
    ] {
        let server = answering(vec![reply]);
        let mut sink = started(
            &server,
            &[
                ("http.authorization.type", "oauth2"),
                ("oauth2.access.token.url", &server.url("/token")),
                ("oauth2.client.id", "me"),
                ("oauth2.client.secret", "hush"),
            ],
        );
        let error = sink.put(&numbered(1)).unwrap_err();
        let shown = format!("{error:?} {:?}", sink.log());
        assert_eq!(error.kind(), ErrorKind::FATAL);
        assert!(shown.contains(part), "{shown}");
        assert!(!shown.contains("hush") && !shown.contains("bWU6aHVzaA"), "{shown}");
        assert_eq!(server.seen()[0].header("authorization"), Some("Basic bWU6aHVzaA=="));
    }
}

#[test]
fn a_token_server_that_is_down_is_tried_again() {
    let server = Server::start({
        let mut calls = 0;
        move |seen| {
            calls += 1;
            match seen.path.as_str() {
                "/token" if calls == 1 => status(503),
                "/token" => Reply::Answer(200, vec![], r#"{"id":"x","token_type":"Own"}"#.to_owned()),
                _ => status(200),
            }
        }
    });
    let mut sink = harness(
        CONFLUENT,
        &[
            ("http.api.url", &server.url("/in")),
            ("auth.type", "OAUTH2"),
            ("oauth2.token.url", &server.url("/token")),
            ("oauth2.client.id", "me"),
            ("oauth2.client.secret", "hush"),
            ("oauth2.token.property", "id"),
        ],
    );
    sink.start().unwrap();
    assert_eq!(put_until_taken(&mut sink, &numbered(2)).len(), 1);
    let seen = server.seen();
    assert_eq!(seen.iter().map(|s| s.path.as_str()).collect::<Vec<_>>(), ["/token", "/token", "/in", "/in"]);
    assert_eq!(seen[3].header("authorization"), Some("Own x"));
}

#[test]
fn requests_go_through_a_proxy() {
    let server = Server::accepting();
    let (port, asked) = proxy();
    let mut sink = harness(
        CONFLUENT,
        &[
            ("http.api.url", &server.url("/in")),
            ("http.proxy.host", "localhost"),
            ("http.proxy.port", &port.to_string()),
            ("http.proxy.user", "me"),
            ("http.proxy.password", "secret"),
        ],
    );
    sink.start().unwrap();
    sink.put(&numbered(3)).unwrap();
    assert_eq!(server.bodies(), ["0", "1", "2"]);
    let target = server.url("").trim_start_matches("http://").to_owned();
    assert_eq!(*asked.lock().unwrap(), [(target, Some("Basic bWU6c2VjcmV0".to_owned()))]);
}
