//! Connections that break at the worst moment: in a commit, of which nobody knows whether it was made, or while the keys
//! of rows are written down elsewhere.

use super::targets::Target;
use super::{INCREMENTING, USERS, field, named, on_both, poll, sink, source, user, users};
use ferroconnect_jdbc::db::SqlValue;
use ferroconnect_plugin_sdk::testkit::{PATIENCE, SourceRead};
use ferroconnect_plugin_sdk::{ErrorKind, Value, ValueRef};
use ferroconnect_test_servers::{Kind, Server};
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

const COMMIT: &[u8] = b"COMMIT";

/// Stands before the shared server and passes on what comes, unless it is told otherwise.
struct Between {
    port: u16,
    orders: Arc<Orders>,
}

#[derive(Default)]
struct Orders {
    /// Whether the answer to the next commit is lost, and the connection with it.
    loses: AtomicBool,
    /// Whether nothing is passed on.
    closed: AtomicBool,
}

impl Between {
    fn start(kind: Kind) -> Between {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let orders = Arc::<Orders>::default();
        let of_thread = Arc::clone(&orders);
        std::thread::spawn(move || {
            for client in listener.incoming() {
                let server = TcpStream::connect(("127.0.0.1", Server::shared(kind).port())).unwrap();
                pass_on(&client.unwrap(), &server, &of_thread);
            }
        });
        Between { port, orders }
    }

    /// The URL of the same database by way of this.
    fn url(&self, target: &Target, kind: Kind) -> String {
        let (there, here) = (format!(":{}/", Server::shared(kind).port()), format!(":{}/", self.port));
        assert!(target.url.contains(&there), "{}", target.url);
        target.url.replace(&there, &here)
    }

    /// The next commit is made, and the connection is gone before its answer has come.
    fn lose_the_next_answer(&self) {
        self.orders.loses.store(true, Ordering::SeqCst);
    }

    /// From now on no question passes, until it does again.
    fn close(&self, closed: bool) {
        self.orders.closed.store(closed, Ordering::SeqCst);
    }
}

fn pass_on(client: &TcpStream, server: &TcpStream, orders: &Arc<Orders>) {
    let (mut asks, mut answers) = (client.try_clone().unwrap(), server.try_clone().unwrap());
    let (mut client, mut server) = (client.try_clone().unwrap(), server.try_clone().unwrap());
    let (orders, lost) = (Arc::clone(orders), Arc::<AtomicBool>::default());
    let of_answers = Arc::clone(&lost);
    std::thread::spawn(move || {
        let mut bytes = vec![0; 1 << 16];
        while let Ok(count @ 1..) = asks.read(&mut bytes) {
            let asked = &bytes[..count];
            if asked.windows(COMMIT.len()).any(|some| some == COMMIT) && orders.loses.swap(false, Ordering::SeqCst) {
                lost.store(true, Ordering::SeqCst);
            }
            if orders.closed.load(Ordering::SeqCst) || server.write_all(asked).is_err() {
                break;
            }
        }
        // An end that is gone already is as good as closed.
        let _ = server.shutdown(Shutdown::Both);
    });
    std::thread::spawn(move || {
        let mut bytes = vec![0; 1 << 16];
        while let Ok(count @ 1..) = answers.read(&mut bytes) {
            if of_answers.load(Ordering::SeqCst) || client.write_all(&bytes[..count]).is_err() {
                break;
            }
        }
        let _ = client.shutdown(Shutdown::Both);
    });
}

/// Keys of `users` that are written down at this URL.
fn deletes(url: &str) -> [(&str, &str); 4] {
    let often = ("deletes.interval.ms", "1");
    [("name", "copy"), ("deletes.table", "kept_keys"), ("deletes.connection.url", url), often]
}

/// The id of a row that is told as deleted.
fn gone(read: &SourceRead) -> Option<i64> {
    let ValueRef::Struct(key) = read.record.key.value.view() else { panic!("{read:?}") };
    assert!(read.record.value.value.is_null(), "{read:?}");
    key.get("id").and_then(Value::as_integer)
}

on_both! {
    // They stand in the table of keys as if records of them were on their way.
    fn deletions_that_were_marked_and_not_told_are_told_later(kind) {
        let target = Target::shared(kind, "marks");
        target.run(USERS);
        target.run("INSERT INTO users VALUES (1, 'a'), (2, 'b'), (3, 'c')");
        let between = Between::start(kind);
        let mut source = source(&target.url, &[&INCREMENTING, &deletes(&between.url(&target, kind))]);
        poll(&mut source, 3);
        between.lose_the_next_answer();
        target.run("DELETE FROM users WHERE id = 2");
        assert_eq!(gone(&poll(&mut source, 1)[0]), Some(2));
        let lines = source.log();
        assert!(lines.iter().any(|line| line.message.contains("cannot be kept in kept_keys")), "{lines:?}");
        let marked = "SELECT removal_number FROM kept_keys WHERE removal_number IS NOT NULL";
        assert_eq!(target.rows(marked), [[SqlValue::Int(2)]], "the number that was marked first is not used again");
    }

    fn rows_wait_while_keys_cannot_be_written(kind) {
        let (target, apart) = (Target::shared(kind, "waiting"), Target::shared(kind, "waited_for"));
        target.run(USERS);
        target.run("INSERT INTO users VALUES (1, 'a'), (2, 'b')");
        let between = Between::start(kind);
        let mut source = source(&target.url, &[&INCREMENTING, &deletes(&between.url(&apart, kind))]);
        poll(&mut source, 2);
        source.commit().unwrap();
        between.close(true);
        target.run("INSERT INTO users VALUES (3, 'c')");
        target.run("DELETE FROM users WHERE id = 1");
        let deadline = Instant::now() + PATIENCE * 12;
        while !source.log().iter().any(|line| line.message.contains("cannot be kept in kept_keys")) {
            assert!(Instant::now() < deadline, "{:?}", source.log());
            assert!(source.poll().unwrap().is_empty(), "a row left without its key");
        }
        between.close(false);
        let reads = poll(&mut source, 2);
        assert_eq!((field(&reads[0], "id"), gone(&reads[1])), (&Value::int64(3), Some(1)));
    }

    fn rows_that_were_committed_unheard_are_written_once(kind) {
        let target = Target::shared(kind, "unheard");
        target.run("CREATE TABLE users (id BIGINT, name VARCHAR(20))");
        let between = Between::start(kind);
        let once = [("offsets.table", "sink_offsets"), ("name", "once")];
        let mut sink = sink(&between.url(&target, kind), &[&once]);
        sink.put(&[user(1, "a")]).unwrap();
        between.lose_the_next_answer();
        let error = sink.put(&[user(2, "b")]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::RETRIABLE, "{error}");
        assert_eq!(users(&target), named(&[(1, "a"), (2, "b")]), "it was committed all the same");
        sink.put(&[user(2, "b")]).unwrap();
        sink.put(&[user(3, "c")]).unwrap();
        assert_eq!(users(&target), named(&[(1, "a"), (2, "b"), (3, "c")]));
    }
}
