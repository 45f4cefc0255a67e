//! Tables that are altered or dropped in mid-run.

use super::targets::Target;
use super::{
    INCREMENTING, UPSERT, USERS, failure_of_source, field, named, on_both, poll, row_of, sink, source, sql_of, told,
    until, user, users,
};
use ferroconnect_jdbc::db::SqlValue;
use ferroconnect_plugin_sdk::Value;
use ferroconnect_plugin_sdk::testkit::SourceRead;

/// The names of a record's fields.
fn names(read: &SourceRead) -> Vec<&str> {
    row_of(read).schema.fields.iter().map(|field| field.name.as_str()).collect()
}

on_both! {
    fn columns_come_go_and_change_under_a_source(kind) {
        let target = Target::shared(kind, "altered_source");
        target.run("CREATE TABLE users (id BIGINT PRIMARY KEY, size INT, name VARCHAR(20))");
        target.run("INSERT INTO users VALUES (1, 10, 'a')");
        let mut source = source(&target.url, &[&INCREMENTING]);
        let mut next = || poll(&mut source, 1).remove(0);
        assert_eq!(names(&next()), ["id", "size", "name"]);
        target.run("ALTER TABLE users ADD note VARCHAR(20)");
        target.run("INSERT INTO users VALUES (2, 20, 'b', 'more')");
        let read = next();
        assert_eq!(names(&read), ["id", "size", "name", "note"]);
        assert_eq!(field(&read, "note"), &Value::string("more"));
        target.run("ALTER TABLE users DROP COLUMN name");
        target.run("INSERT INTO users VALUES (3, 30, NULL)");
        assert_eq!(names(&next()), ["id", "size", "note"]);
        let text = "ALTER TABLE users ALTER COLUMN size TYPE VARCHAR(20)";
        target.run(sql_of(&target, "ALTER TABLE users MODIFY size VARCHAR(20)", text));
        target.run("INSERT INTO users VALUES (4, 'large', NULL)");
        let read = next();
        assert_eq!((field(&read, "id"), field(&read, "size")), (&Value::int64(4), &Value::string("large")));
    }

    fn a_dropped_column_that_is_tracked_is_named(kind) {
        let target = Target::shared(kind, "untracked");
        target.run(USERS);
        target.run("INSERT INTO users VALUES (1, 'a')");
        let mut source = source(&target.url, &[&INCREMENTING]);
        poll(&mut source, 1);
        target.run("ALTER TABLE users DROP COLUMN id");
        let error = failure_of_source(&mut source);
        assert!(error.message().contains("users") && error.message().contains("id"), "{error}");
    }

    fn a_dropped_table_is_named_and_read_again_when_it_is_back(kind) {
        let target = Target::shared(kind, "dropped_source");
        target.run(USERS);
        target.run("INSERT INTO users VALUES (1, 'a')");
        let mut source = source(&target.url, &[&INCREMENTING]);
        poll(&mut source, 1);
        target.run("DROP TABLE users");
        until("a word about it", || source.log().iter().any(|line| line.message.contains("users is not there")));
        target.run(USERS);
        target.run("INSERT INTO users VALUES (2, 'b')");
        assert_eq!(field(&poll(&mut source, 1)[0], "name"), &Value::string("b"));
    }

    fn columns_come_go_and_change_under_a_sink(kind) {
        let target = Target::shared(kind, "altered_sink");
        let mut sink = sink(&target.url, &[&UPSERT, &[("auto.create", "true"), ("auto.evolve", "true")]]);
        sink.put(&[user(1, "a")]).unwrap();
        target.run("ALTER TABLE users ADD extra INT");
        sink.put(&[user(2, "b")]).unwrap();
        target.run("ALTER TABLE users DROP COLUMN name");
        sink.put(&[user(3, "c")]).unwrap();
        assert_eq!(target.rows("SELECT name FROM users WHERE id = 3"), [[SqlValue::Text("c".to_owned())]]);
        let short = "ALTER TABLE users ALTER COLUMN name TYPE VARCHAR(3)";
        target.run(sql_of(&target, "ALTER TABLE users MODIFY name VARCHAR(3)", short));
        sink.put(&[user(4, "abc"), user(5, "abcd")]).unwrap();
        let bad = told(&sink);
        assert!(bad.len() == 1 && bad[0].0 == 5 && bad[0].1.contains("too long"), "{bad:?}");
        target.run("DELETE FROM users");
        let number = "ALTER TABLE users ALTER COLUMN name TYPE INT USING name::int";
        target.run(sql_of(&target, "ALTER TABLE users MODIFY name INT", number));
        sink.put(&[user(6, "12")]).unwrap();
        assert_eq!(target.rows("SELECT name FROM users"), [[SqlValue::Int(12)]]);
        target.run("DELETE FROM users");
        target.run("ALTER TABLE users ADD must INT NOT NULL");
        sink.put(&[user(7, "13")]).unwrap();
        let bad = told(&sink);
        assert!(bad.len() == 1 && bad[0].0 == 7 && bad[0].1.contains("must"), "{bad:?}");
    }

    fn a_table_that_may_not_be_made_again_is_named(kind) {
        let target = Target::shared(kind, "dropped_sink");
        target.run(USERS);
        let mut sink = sink(&target.url, &[&UPSERT]);
        sink.put(&[user(1, "a")]).unwrap();
        target.run("DROP TABLE users");
        sink.put(&[user(2, "b")]).unwrap();
        let bad = told(&sink);
        assert!(bad.len() == 1 && bad[0].1.contains("Table users is missing"), "{bad:?}");
        target.run(USERS);
        sink.put(&[user(3, "c")]).unwrap();
        assert_eq!(users(&target), named(&[(3, "c")]));
    }
}
