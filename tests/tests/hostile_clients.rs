//! Clients that are slow, silent, oversized, malformed or very many at once: the worker stays up, small and quick for the
//! others. What one request too much of is answered with is checked beside the server's code; here it is a real worker.
//!
//! Kafka Connect has other limits, so there is no control.
#![allow(clippy::unwrap_used, reason = "a test ends at the first surprise")]

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::{Duration, Instant};

use ferroconnect_e2e::kafka::Kafka;
use ferroconnect_e2e::wait::{PATIENCE, until_equal};
use ferroconnect_e2e::wire;
use ferroconnect_e2e::worker::{Subject, Worker, WorkerSetup};
use serde_json::{Value, json};

const MIB: usize = 1024 * 1024;

/// Time in which an operator expects an answer, whatever others do. A busy test machine is slow by itself.
const PATIENCE_OF_AN_OPERATOR: Duration = Duration::from_secs(20);

fn setup() -> WorkerSetup {
    WorkerSetup::new(Subject::Ferroconnect, Kafka::shared())
}

fn connect(port: u16) -> TcpStream {
    wire::connect(port, PATIENCE)
}

/// All that the server sends until it closes the connection.
fn read_all(stream: &mut TcpStream) -> String {
    wire::read_all(stream).unwrap().text
}

fn exchange(port: u16, request: &[u8]) -> String {
    wire::exchange(port, request, PATIENCE).unwrap().text
}

fn status(answer: &str) -> &str {
    answer.split(' ').nth(1).unwrap_or("none")
}

/// Asks as an operator does, by a connection of its own.
fn assert_answers_an_operator(port: u16) {
    let begun = Instant::now();
    let answer = exchange(port, b"GET /health HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
    assert_eq!(status(&answer), "200", "{answer}");
    assert!(begun.elapsed() < PATIENCE_OF_AN_OPERATOR, "an answer took {:?}", begun.elapsed());
}

/// The most memory the worker has had, in bytes.
fn peak_memory(worker: &Worker) -> usize {
    let status = std::fs::read_to_string(format!("/proc/{}/status", worker.id())).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<usize>().unwrap() * 1024
}

/// Sends `piece` again and again, a second apart, until the server ends the connection. Gives its answer and how long it
/// took.
fn drip(mut stream: TcpStream, head: &str, piece: &[u8]) -> (String, Duration) {
    let begun = Instant::now();
    stream.write_all(head.as_bytes()).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(1))).unwrap();
    let mut answer = Vec::new();
    let mut buffer = [0; 1024];
    loop {
        match stream.read(&mut buffer) {
            Ok(0) => break,
            Ok(n) => answer.extend_from_slice(&buffer[..n]),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                assert!(begun.elapsed() < Duration::from_secs(100), "the server lets this go on for ever");
                // It may be closed by now, which the next read tells.
                let _ = stream.write_all(piece);
            }
            Err(_) => break,
        }
    }
    (String::from_utf8_lossy(&answer).into_owned(), begun.elapsed())
}

#[test]
fn slow_requests_are_given_up_and_nobody_waits_for_them() {
    let mut setup = setup();
    let (port, worker) = (setup.port(), setup.start());
    let body_head = "POST /connectors HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\nConnection: close\r\n\
                     Content-Length: 1000\r\n\r\n{";
    let slow = |head: &'static str, piece: &'static [u8]| std::thread::spawn(move || drip(connect(port), head, piece));
    let heads: Vec<_> = (0..50).map(|_| slow("GET / HTTP/1.1\r\nX-Slow: ", b"x")).collect();
    let bodies: Vec<_> = (0..50).map(|_| slow(body_head, b" ")).collect();
    assert_answers_an_operator(port);
    worker.rest.put_connector("quick", &[("connector.class", "FileStreamSink"), ("topics", "hostile-none")]);
    for head in heads {
        let (answer, took) = head.join().unwrap();
        assert_eq!(answer, "", "an unfinished request has no answer");
        assert!((10..60).contains(&took.as_secs()), "{took:?}");
    }
    for body in bodies {
        let (answer, took) = body.join().unwrap();
        assert_eq!(status(&answer), "408", "{answer}");
        assert!((25..90).contains(&took.as_secs()), "{took:?}");
    }
    assert_answers_an_operator(port);
}

#[test]
fn hundreds_of_idle_connections_make_room() {
    let mut setup = setup();
    let (port, _worker) = (setup.port(), setup.start());
    let opened = |n: usize| {
        let mut stream = connect(port);
        // Some say nothing, some begin a request, some have had an answer, some end their side at once.
        match n % 4 {
            0 => {}
            1 => stream.write_all(b"GET /conn").unwrap(),
            2 => stream.write_all(b"GET /connectors HTTP/1.1\r\nHost: h\r\n\r\n").unwrap(),
            _ => stream
                .write_all(
                    b"POST /connectors HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\n\
                                    Content-Length: 9\r\n\r\n{",
                )
                .unwrap(),
        }
        stream
    };
    let held: Vec<_> = (0..600).map(opened).collect();
    for _ in 0..3 {
        assert_answers_an_operator(port);
    }
    // Clients that do not take their answers: far more than the buffers of both systems hold.
    let greedy: Vec<_> = (0..20)
        .map(|_| {
            let mut stream = connect(port);
            stream.set_nonblocking(true).unwrap();
            let request = b"GET /connector-plugins?connectorsOnly=false HTTP/1.1\r\nHost: h\r\n\r\n".repeat(100);
            // What does not fit is not needed.
            let _ = stream.write(&request);
            stream
        })
        .collect();
    assert_answers_an_operator(port);
    drop((held, greedy));
}

#[test]
fn hundreds_of_megabytes_are_refused_without_being_kept() {
    let mut setup = setup();
    let (port, worker) = (setup.port(), setup.start());
    let before = peak_memory(&worker);
    let head = "POST /connectors HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\nConnection: close\r\n";
    let blank = vec![b' '; MIB];

    let mut sized = connect(port);
    sized.write_all(format!("{head}Content-Length: {}\r\n\r\n", 100 * MIB).as_bytes()).unwrap();
    (0..100).for_each(|_| sized.write_all(&blank).unwrap());
    assert_eq!(status(&read_all(&mut sized)), "413");

    let mut chunked = connect(port);
    chunked.write_all(format!("{head}Transfer-Encoding: chunked\r\n\r\n").as_bytes()).unwrap();
    for _ in 0..100 {
        chunked.write_all(format!("{MIB:x}\r\n").as_bytes()).unwrap();
        chunked.write_all(&blank).unwrap();
        chunked.write_all(b"\r\n").unwrap();
    }
    chunked.write_all(b"0\r\n\r\n").unwrap();
    assert_eq!(status(&read_all(&mut chunked)), "413");

    // A length that promises more than comes, and one that promises less.
    let mut more = connect(port);
    more.write_all(format!("{head}Content-Length: {MIB}\r\n\r\n{{}}").as_bytes()).unwrap();
    more.shutdown(Shutdown::Write).unwrap();
    assert!(matches!(status(&read_all(&mut more)), "400" | "none"));
    let less = exchange(port, format!("{head}Content-Length: 2\r\n\r\n{{}}{{}}").as_bytes());
    assert_eq!((status(&less), less.matches("HTTP/1.1 ").count()), ("400", 1), "{less}");

    assert_answers_an_operator(port);
    let grown = peak_memory(&worker).saturating_sub(before);
    assert!(grown < 64 * MIB, "bodies took {} MiB", grown / MIB);
}

#[test]
fn odd_but_lawful_http_is_answered_and_the_rest_refused() {
    let mut setup = setup();
    let (port, _worker) = (setup.port(), setup.start());
    let get = "GET /connectors HTTP/1.1\r\nHost: h\r\n";
    let old = exchange(port, b"GET /connectors HTTP/1.0\r\n\r\n");
    assert!(old.ends_with("\r\n\r\n[]"), "{old}");
    let pipelined = exchange(port, format!("{get}\r\n{get}Connection: close\r\n\r\n").as_bytes());
    assert_eq!(pipelined.matches("\r\n\r\n[]").count(), 2, "{pipelined}");
    let upgrade = exchange(port, format!("{get}Upgrade: h2c\r\nConnection: Upgrade, close\r\n\r\n").as_bytes());
    assert_eq!(status(&upgrade), "200", "an upgrade that is not taken is ignored: {upgrade}");
    let post = "POST /connectors HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\n";
    let refused = [
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_owned(),
        "GET /connectors\r\n\r\n".to_owned(),
        "GET /connectors HTTP/1.1\r\n\r\n".to_owned(),
        format!("{get}X: a\x01b\r\n\r\n"),
        format!("{get}X : a\r\n\r\n"),
        format!("{get}X: a\r\n folded\r\n\r\n"),
        format!("{post}Content-Length: 2\r\nContent-Length: 3\r\n\r\n{{}}"),
        format!("{post}Content-Length: -2\r\n\r\n{{}}"),
        format!("{post}Content-Length: +2\r\n\r\n{{}}"),
        format!("{post}Content-Length: 99999999999999999999\r\n\r\n{{}}"),
        format!("{post}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n"),
        format!("{post}Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n{{}}\r\n0\r\n\r\n"),
        format!("{post}Transfer-Encoding: chunked\r\n\r\n-2\r\n{{}}\r\n0\r\n\r\n"),
        "\x16\x03\x01\x02\x00\x01\x00\x01\u{fc}\x03\x03\r\n\r\n".to_owned(),
    ];
    for request in refused {
        let mut stream = connect(port);
        stream.write_all(request.as_bytes()).unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
        let answer = read_all(&mut stream);
        assert!(matches!(status(&answer), "400" | "none"), "{request:?}: {answer}");
    }
    assert_answers_an_operator(port);
}

/// A request to create a connector.
fn create(name: &str) -> Vec<u8> {
    let config = json!({"connector.class": "FileStreamSink", "topics": "hostile-none"});
    let body = json!({"name": name, "config": config, "initial_state": "STOPPED"}).to_string();
    let head = "POST /connectors HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\nConnection: close\r\n";
    format!("{head}Content-Length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

#[test]
fn of_a_thousand_creates_of_one_name_one_wins() {
    let mut setup = setup();
    let (port, worker) = (setup.port(), setup.start());
    let request = create("contended");
    // All are sent before the first answer is looked at.
    let sent: Vec<TcpStream> = (0..1000)
        .map(|_| {
            let mut stream = connect(port);
            stream.write_all(&request).unwrap();
            stream
        })
        .collect();
    let statuses: Vec<String> = sent.into_iter().map(|mut stream| status(&read_all(&mut stream)).to_owned()).collect();
    let count = |wanted: &str| statuses.iter().filter(|status| *status == wanted).count();
    assert_eq!((count("201"), count("409")), (1, 999), "{statuses:?}");
    assert_eq!(worker.rest.get("/connectors").json(), json!(["contended"]));
}

#[test]
fn many_changes_at_once_leave_a_worker_in_order() {
    let mut setup = setup();
    let (port, worker) = (setup.port(), setup.start());
    let client = |n: usize| {
        let rest = worker.rest.clone();
        move || {
            for step in 0..20 {
                let name = format!("many-{}", (n + step) % 5);
                let answer = match (n * 7 + step) % 5 {
                    0 | 1 => status(&exchange(port, &create(&name))).to_owned(),
                    2 => rest.put(&format!("/connectors/{name}/pause"), None).status.to_string(),
                    3 => rest.put(&format!("/connectors/{name}/resume"), None).status.to_string(),
                    _ => rest.delete(&format!("/connectors/{name}")).status.to_string(),
                };
                assert!(["201", "202", "204", "404", "409"].contains(&&*answer), "{name}: {answer}");
            }
        }
    };
    let threads: Vec<_> = (0..20).map(|n| std::thread::spawn(client(n))).collect();
    threads.into_iter().for_each(|thread| thread.join().unwrap());

    let listed = worker.rest.get("/connectors?expand=status&expand=info").json();
    for (name, connector) in listed.as_object().unwrap() {
        assert_eq!(connector["info"]["name"], Value::from(name.as_str()));
        assert_eq!(worker.rest.delete(&format!("/connectors/{name}")).status, 204);
    }
    until_equal("the connectors", &json!([]), || worker.rest.get("/connectors").json());
    assert_answers_an_operator(port);
}
