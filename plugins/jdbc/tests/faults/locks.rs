//! Locks that others hold: deadlocks, waits, and a stop meanwhile.

use super::targets::Target;
use super::{
    INCREMENTING, UPSERT, USERS, failure_of_sink, field, named, on_both, poll, sink, source, sql_of, told, until, user,
    users, with,
};
use ferroconnect_jdbc::db::{Connection, Isolation};
use ferroconnect_plugin_sdk::{ErrorKind, Value};
use std::time::Duration;

/// Whether a session waits for a lock in this database.
fn is_waiting(target: &Target) -> bool {
    let waiting = sql_of(
        target,
        "SELECT p.ID FROM information_schema.PROCESSLIST p \
         LEFT JOIN information_schema.INNODB_TRX t ON t.trx_mysql_thread_id = p.ID \
         WHERE p.DB = database() AND (t.trx_state = 'LOCK WAIT' OR p.STATE LIKE 'Waiting for table%')",
        "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'",
    );
    !target.rows(waiting).is_empty()
}

/// A session that holds the row of user 1.
fn holder(target: &Target) -> Box<dyn Connection> {
    target.run(USERS);
    target.run("INSERT INTO users VALUES (1, 'old')");
    let mut holder = target.connect();
    holder.begin(Isolation::ServerDefault).unwrap();
    holder.execute("UPDATE users SET name = 'theirs' WHERE id = 1", &[]).unwrap();
    holder
}

on_both! {
    fn a_deadlock_is_tried_again(kind) {
        let target = Target::shared(kind, "deadlock");
        target.run("CREATE TABLE users (id BIGINT PRIMARY KEY, name VARCHAR(20), hits INT DEFAULT 0 NOT NULL)");
        let rows: Vec<String> = (1..=100).map(|id| format!("({id}, 'old')")).collect();
        target.run(&format!("INSERT INTO users (id, name) VALUES {}", rows.join(", ")));
        // PostgreSQL gives up the transaction that looks first, InnoDB the one that changed less.
        target.run(sql_of(&target, "DO 0", "ALTER DATABASE deadlock SET deadlock_timeout = '3s'"));
        let mut sink = sink(&target.url, &[&UPSERT, &[("max.retries", "1")]]);
        let mut other = target.connect();
        other.execute(sql_of(&target, "DO 0", "SET deadlock_timeout = '300s'"), &[]).unwrap();
        let records = [user(1, "ours"), user(2, "ours")];
        for kind in [ErrorKind::RETRIABLE, ErrorKind::FATAL] {
            other.begin(Isolation::ServerDefault).unwrap();
            other.execute("UPDATE users SET hits = hits + 1 WHERE id >= 2", &[]).unwrap();
            std::thread::scope(|scope| {
                let theirs = scope.spawn(|| {
                    until("the sink's wait", || is_waiting(&target));
                    other.execute("UPDATE users SET hits = hits + 1 WHERE id = 1", &[]).unwrap();
                    other.commit().unwrap();
                });
                let error = sink.put(&records).unwrap_err();
                assert_eq!(error.kind(), kind, "{error}");
                assert!(error.message().to_lowercase().contains("deadlock"), "{error}");
                theirs.join().unwrap();
            });
            assert_eq!(told(&sink), [], "no record is to blame");
        }
        sink.put(&records).unwrap();
        let both = target.rows("SELECT id FROM users WHERE name = 'ours' AND hits = 2 AND id IN (1, 2)");
        assert_eq!(both.len(), 2);
        assert_eq!(target.rows("SELECT id FROM users").len(), 100);
    }

    fn a_stop_does_not_wait_for_a_lock(kind) {
        let target = Target::shared(kind, "stopped");
        let mut holder = holder(&target);
        let mut sink = sink(&target.url, &[&UPSERT]);
        let records = vec![user(2, "ours"), user(1, "ours")];
        let took = sink.stop_while_putting(records, || until("the sink's wait", || is_waiting(&target))).unwrap();
        assert!(took < Duration::from_secs(5), "a worker would have given the task up after {took:?}");
        holder.commit().unwrap();
        assert_eq!(users(&target), named(&[(1, "theirs")]));
    }

    fn a_stop_lets_a_write_end_that_ends_soon(kind) {
        let target = Target::shared(kind, "graceful");
        let mut holder = holder(&target);
        let mut sink = sink(&target.url, &[&UPSERT]);
        let begun = || {
            until("the sink's wait", || is_waiting(&target));
            // It is let go after the stop, of which nothing is to be seen from here.
            std::thread::spawn(move || {
                std::thread::sleep(Duration::from_millis(300));
                holder.commit().unwrap();
            });
        };
        sink.stop_while_putting(vec![user(2, "ours"), user(1, "ours")], begun).unwrap();
        assert_eq!(users(&target), named(&[(1, "ours"), (2, "ours")]));
    }

    fn a_locked_table_is_waited_for(kind) {
        let target = Target::shared(kind, "tables_locked");
        target.run(USERS);
        // Without a limit of its own a server waits for a day (MariaDB), or for ever.
        let limit = sql_of(&target, "sessionVariables=lock_wait_timeout=1", "options=-c%20lock_timeout=300");
        let url = with(&target.url, limit);
        let mut writer = sink(&url, &[&UPSERT]);
        writer.put(&[user(1, "a")]).unwrap();
        let mut reader = source(&url, &[&INCREMENTING]);
        poll(&mut reader, 1);
        let mut other = target.connect();
        let (lock, unlock) = match sql_of(&target, "tables", "transaction") {
            "tables" => ("LOCK TABLES users WRITE", "UNLOCK TABLES"),
            _ => ("BEGIN; LOCK TABLE users IN ACCESS EXCLUSIVE MODE", "COMMIT"),
        };
        other.execute(lock, &[]).unwrap();
        let error = failure_of_sink(&mut writer, &[user(2, "b")]);
        assert!(error.message().to_lowercase().contains("lock"), "{error}");
        assert_eq!(told(&writer), [], "no record is to blame");
        let again = "Reading again on a new connection";
        until("another try", || reader.log().iter().any(|line| line.message.contains(again)));
        other.execute(unlock, &[]).unwrap();
        sink(&url, &[&UPSERT]).put(&[user(2, "b")]).unwrap();
        assert_eq!(users(&target), named(&[(1, "a"), (2, "b")]));
        assert_eq!(field(&poll(&mut reader, 1)[0], "id"), &Value::int64(2));
    }
}
