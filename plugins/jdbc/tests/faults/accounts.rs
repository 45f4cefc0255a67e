//! What a server lets a user do, changed in mid-run: passwords, numbers of connections, writing at all.

use super::targets::Target;
use super::{
    INCREMENTING, UPSERT, USERS, connect, failure_of_sink, failure_of_source, field, named, on_both, poll, sink,
    source, sql_of, told, until, user, users, with,
};
use ferroconnect_jdbc::dialect::Database;
use ferroconnect_plugin_sdk::testkit::LogLine;
use ferroconnect_plugin_sdk::{ErrorKind, Value};
use ferroconnect_test_servers::Server;

const OLD: &str = "0ld-s3cret";
const NEW: &str = "n3w-s3cret";

/// Makes a user who may do everything in the database of this name and nothing else.
fn account(target: &Target, user: &str) {
    target.run(&match target.database {
        Database::MySql => {
            format!("CREATE USER {user}@'%' IDENTIFIED BY '{OLD}'; GRANT ALL ON `{}`.* TO {user}@'%'", database(target))
        }
        _ => format!("CREATE ROLE {user} LOGIN PASSWORD '{OLD}'; GRANT ALL ON ALL TABLES IN SCHEMA public TO {user}"),
    });
}

fn database(target: &Target) -> &str {
    target.url.split(['/', '?']).nth(3).unwrap()
}

/// The URL for another user.
fn url_of(target: &Target, user: &str, password: &str) -> String {
    with(&format!("{}?user={user}", target.url.split('?').next().unwrap()), &format!("password={password}"))
}

/// Gives a user another password and cuts his connections.
fn rotate(target: &Target, user: &str) {
    match target.database {
        Database::MySql => {
            target.run(&format!("ALTER USER {user}@'%' IDENTIFIED BY '{NEW}'"));
            target.run(&format!("KILL CONNECTION USER {user}"));
        }
        _ => {
            target.run(&format!("ALTER ROLE {user} PASSWORD '{NEW}'"));
            target.rows(&format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{user}'"));
        }
    }
}

fn tells_no_password(log: &[LogLine]) {
    let secret = |line: &LogLine| [OLD, NEW].iter().any(|password| line.message.contains(password));
    assert!(!log.iter().any(secret), "{log:?}");
}

on_both! {
    fn a_rotated_password_is_told_and_the_new_one_taken(kind) {
        let target = Target::shared(kind, "rotated");
        target.run(USERS);
        account(&target, "rotating");
        let (old, new) = (url_of(&target, "rotating", OLD), url_of(&target, "rotating", NEW));
        let refusal = sql_of(&target, "Access denied for user 'rotating'", "password authentication failed for user");
        let mut writer = sink(&old, &[&UPSERT]);
        writer.put(&[user(1, "a")]).unwrap();
        let mut reader = source(&old, &[&INCREMENTING]);
        poll(&mut reader, 1);
        rotate(&target, "rotating");
        for error in [failure_of_sink(&mut writer, &[user(2, "b")]), failure_of_source(&mut reader)] {
            let text = format!("{error:?}");
            assert!(text.contains("Cannot connect to ") && text.contains(refusal), "{text}");
            assert!(!text.contains(OLD) && !text.contains(NEW), "{text}");
        }
        tells_no_password(&writer.log());
        tells_no_password(&reader.log());
        sink(&new, &[&UPSERT]).put(&[user(2, "b")]).unwrap();
        assert_eq!(users(&target), named(&[(1, "a"), (2, "b")]));
        assert_eq!(poll(&mut source(&new, &[&INCREMENTING]), 2).len(), 2);
    }

    fn too_many_connections_are_waited_out(kind) {
        let target = Target::shared(kind, "crowded");
        target.run(USERS);
        account(&target, "crowd");
        let limit = "ALTER USER crowd@'%' WITH MAX_USER_CONNECTIONS 2";
        target.run(sql_of(&target, limit, "ALTER ROLE crowd CONNECTION LIMIT 2"));
        let url = url_of(&target, "crowd", OLD);
        let (first, second) = (connect(&url), connect(&url));
        let mut writer = sink(&url, &[&UPSERT]);
        let error = writer.put(&[user(1, "a")]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::RETRIABLE, "{error}");
        drop(second);
        // A server needs a moment to see that a connection is closed.
        until("the row", || writer.put(&[user(1, "a")]).is_ok());
        writer.stop().unwrap();
        // The connector looks at the tables over the one that is free; the task waits for another.
        let mut reader = source(&url, &[&INCREMENTING]);
        let reason = sql_of(&target, "max_user_connections", "too many connections for role");
        until("the refusal", || reader.log().iter().any(|line| line.message.contains(reason)));
        drop(first);
        assert_eq!(field(&poll(&mut reader, 1)[0], "id"), &Value::int64(1));
    }

    fn a_server_that_only_reads_is_read_and_waited_for(kind) {
        let server = Server::start(kind);
        let target = Target::on(kind, &server, "frozen");
        target.run(USERS);
        target.run("INSERT INTO users VALUES (1, 'a')");
        account(&target, "reader");
        let url = url_of(&target, "reader", OLD);
        let on = "ALTER DATABASE frozen SET default_transaction_read_only = on";
        target.run(sql_of(&target, "SET GLOBAL read_only = 1", on));
        assert_eq!(poll(&mut source(&url, &[&INCREMENTING]), 1).len(), 1);
        let mut writer = sink(&url, &[&UPSERT]);
        let error = failure_of_sink(&mut writer, &[user(1, "b"), user(2, "b")]);
        assert!(error.message().contains("read"), "{error}");
        assert_eq!(told(&writer), [], "no record is to blame");
        let off = "ALTER DATABASE frozen RESET default_transaction_read_only";
        target.run(sql_of(&target, "SET GLOBAL read_only = 0", off));
        writer.put(&[user(1, "b"), user(2, "b")]).unwrap();
        assert_eq!(users(&target), named(&[(1, "b"), (2, "b")]));
    }
}
