//! Calls of connections: batches, transactions, errors, interruption, names, large values.

use crate::databases::{connect, new_database, on_each, refusal, rows, run, settings, text, with};
use ferroconnect_jdbc::db::{
    Column, Connection, DbErrorKind, Ended, Isolation, RowSink, SqlValue, TableFilter, TableKind,
};
use ferroconnect_jdbc::dialect::{ColumnKind, NewColumn, TableId};
use ferroconnect_jdbc::settings::keys;
use ferroconnect_plugin_sdk::StopSignal;
use ferroconnect_test_servers::{Kind, Server};
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

/// Counts rows and leaves after so many.
struct Counting {
    rows: usize,
    leave_after: usize,
}

impl RowSink for Counting {
    fn columns(&mut self, _: &[Column]) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }

    fn row(&mut self, _: &mut Vec<SqlValue>) -> ControlFlow<()> {
        self.rows += 1;
        if self.rows == self.leave_after { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }
}

fn column(name: &str, kind: ColumnKind, key: bool) -> NewColumn {
    NewColumn { name: name.to_owned(), kind, optional: !key, default: None, key }
}

/// A table `t` of a number and a text.
fn make_table(connection: &mut dyn Connection) -> TableId {
    let table = TableId::bare("t");
    let columns = [column("id", ColumnKind::Int64, true), column("name", ColumnKind::String, false)];
    let sql = connection.dialect().create_table(&table, &columns).unwrap();
    run(connection, &sql);
    table
}

fn row(id: i64, name: &str) -> Vec<SqlValue> {
    vec![SqlValue::Int(id), text(name)]
}

#[test]
fn rows_are_inserted_changed_and_deleted_in_batches() {
    on_each(|database, url| {
        let mut connection = connect(url);
        let table = make_table(connection.as_mut());
        let dialect = connection.dialect();
        let many: Vec<_> = (0..2500).map(|id| row(id, "old")).collect();
        let insert = dialect.insert(&table, &["id"], &["name"]);
        assert_eq!(connection.execute_batch(&insert, &many).unwrap(), 2500, "{database}");
        let upsert = dialect.upsert(&table, &["id"], &["name"]).unwrap();
        connection.execute_batch(&upsert, &[row(1, "new"), row(5000, "more")]).unwrap();
        let update = dialect.update(&table, &["id"], &["name"]);
        let changed = [vec![text("updated"), SqlValue::Int(2)], vec![text("nobody"), SqlValue::Int(-1)]];
        assert_eq!(connection.execute_batch(&update, &changed).unwrap(), 1, "{database}");
        let deleted: Vec<_> = (3..2499).map(|id| vec![SqlValue::Int(id)]).collect();
        assert_eq!(connection.execute_batch(&dialect.delete(&table, &["id"]), &deleted).unwrap(), 2496, "{database}");
        let left = [row(0, "old"), row(1, "new"), row(2, "updated"), row(2499, "old"), row(5000, "more")];
        assert_eq!(rows(connection.as_mut(), "SELECT id, name FROM t ORDER BY id"), left, "{database}");
    });
}

#[test]
fn transactions_are_kept_or_taken_back() {
    on_each(|database, url| {
        let mut connection = connect(url);
        let table = make_table(connection.as_mut());
        let insert = connection.dialect().insert(&table, &["id"], &["name"]);
        connection.begin(Isolation::ServerDefault).unwrap();
        connection.execute_batch(&insert, &[row(1, "a")]).unwrap();
        connection.rollback().unwrap();
        connection.begin(Isolation::Serializable).unwrap();
        connection.execute_batch(&insert, &[row(2, "b")]).unwrap();
        connection.commit().unwrap();
        connection.rollback().unwrap();
        assert_eq!(rows(connection.as_mut(), "SELECT id, name FROM t"), [row(2, "b")], "{database}");
    });
}

#[test]
fn errors_say_what_they_mean() {
    on_each(|database, url| {
        let mut connection = connect(url);
        let table = make_table(connection.as_mut());
        let insert = connection.dialect().insert(&table, &["id"], &["name"]);
        connection.execute_batch(&insert, &[row(1, "a")]).unwrap();
        let twice = connection.execute_batch(&insert, &[row(1, "a")]).unwrap_err();
        assert_eq!(twice.kind(), DbErrorKind::Data, "{database}: {twice}");
        assert!(database == "sqlite" || twice.sql_state().unwrap().starts_with("23"), "{twice}");
        for wrong in ["SELEC 1", "SELECT nothing FROM t", "SELECT * FROM nowhere"] {
            let error = connection.describe(wrong).unwrap_err();
            assert_eq!(error.kind(), DbErrorKind::Permanent, "{database}: {error}");
        }
        // After all that the connection still works.
        connection.ping().unwrap();
        assert_eq!(rows(connection.as_mut(), "SELECT id, name FROM t"), [row(1, "a")]);
    });
}

#[test]
fn values_that_do_not_fit_are_not_cut() {
    let server = Server::start(Kind::MariaDb);
    let url = server.url("test");
    let mut administrator = connect(&url);
    run(administrator.as_mut(), "SET GLOBAL sql_mode = ''");
    run(administrator.as_mut(), "CREATE TABLE short (name VARCHAR(3))");
    let insert = "INSERT INTO short VALUES ('long')";
    assert_eq!(connect(&url).execute(insert, &[]).unwrap_err().kind(), DbErrorKind::Data);
    connect(&with(&url, "jdbcCompliantTruncation=false")).execute(insert, &[]).unwrap();
    assert_eq!(rows(connect(&url).as_mut(), "SELECT name FROM short"), [[text("lon")]]);
}

#[test]
fn lock_waits_may_work_later() {
    on_each(|database, url| {
        let (mut first, mut second) = (connect(url), connect(&with(url, "busy_timeout=100")));
        let table = make_table(first.as_mut());
        let insert = first.dialect().insert(&table, &["id"], &["name"]);
        first.execute_batch(&insert, &[row(1, "a")]).unwrap();
        match database {
            "mysql" => run(second.as_mut(), "SET innodb_lock_wait_timeout = 1"),
            "postgres" => run(second.as_mut(), "SET lock_timeout = 100"),
            _ => {}
        }
        first.begin(Isolation::ServerDefault).unwrap();
        run(first.as_mut(), "UPDATE t SET name = 'x'");
        let error = second.execute("UPDATE t SET name = 'y'", &[]).unwrap_err();
        assert_eq!(error.kind(), DbErrorKind::Transient, "{database}: {error}");
        assert!(error.may_work_later());
    });
}

#[test]
fn a_changed_table_is_read_anew() {
    on_each(|database, url| {
        let (mut connection, mut other) = (connect(url), connect(url));
        let table = make_table(connection.as_mut());
        let insert = connection.dialect().insert(&table, &["id"], &["name"]);
        connection.execute_batch(&insert, &[row(1, "a")]).unwrap();
        let all = "SELECT * FROM t WHERE id = 1";
        assert_eq!(rows(connection.as_mut(), all), [row(1, "a")]);
        run(other.as_mut(), "ALTER TABLE t ADD more INT");
        // Some servers say once that the statement is out of date.
        let again = ferroconnect_jdbc::db::query_all(connection.as_mut(), all, &[]);
        if let Err(error) = &again {
            assert!(error.may_work_later(), "{database}: {error}");
        }
        assert_eq!(rows(connection.as_mut(), all)[0].len(), 3, "{database}");
    });
}

#[test]
fn a_silent_server_is_a_lost_connection() {
    let cases = [
        (Kind::MariaDb, "socketTimeout=500", "SELECT sleep(600)"),
        (Kind::Postgres, "socketTimeout=1", "SELECT pg_sleep(600)"),
    ];
    for (kind, limit, silence) in cases {
        let mut connection = connect(&with(&new_database(kind), limit));
        let start = Instant::now();
        let error = ferroconnect_jdbc::db::query_all(connection.as_mut(), silence, &[]).unwrap_err();
        assert_eq!(error.kind(), DbErrorKind::Connection, "{kind:?}: {error}");
        assert!(start.elapsed() < Duration::from_secs(30), "{kind:?}: {:?}", start.elapsed());
    }
}

/// A query of very many rows.
fn endless(database: &str) -> &'static str {
    match database {
        "postgres" => "SELECT generate_series(1, 100000000)",
        "mysql" => "SELECT seq FROM seq_1_to_100000000",
        _ => "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n",
    }
}

#[test]
fn a_query_of_endless_rows_can_be_left() {
    on_each(|database, url| {
        let mut connection = connect(url);
        let mut sink = Counting { rows: 0, leave_after: 1000 };
        let start = Instant::now();
        assert_eq!(connection.query(endless(database), &[], &mut sink).unwrap(), Ended::Early, "{database}");
        assert_eq!(sink.rows, 1000);
        assert!(start.elapsed() < Duration::from_secs(20), "{database} took {:?}", start.elapsed());
    });
}

#[test]
fn calls_are_broken_off_from_another_thread() {
    on_each(|database, url| {
        let mut connection = connect(url);
        let waiting = match database {
            "postgres" => "SELECT pg_sleep(600)",
            "mysql" => "SELECT sleep(600)",
            _ => "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n",
        };
        let interrupter = connection.interrupter();
        let start = Instant::now();
        std::thread::scope(|scope| {
            scope.spawn(|| {
                std::thread::sleep(Duration::from_millis(300));
                interrupter.interrupt();
            });
            let error = ferroconnect_jdbc::db::query_all(connection.as_mut(), waiting, &[]).unwrap_err();
            assert!(error.is_interrupted(), "{database}: {error}");
        });
        assert!(start.elapsed() < Duration::from_secs(30), "{database} took {:?}", start.elapsed());
        assert!(connection.ping().unwrap_err().is_interrupted(), "{database}");
    });
}

#[test]
fn a_killed_server_is_a_lost_connection() {
    for (kind, database) in [(Kind::MariaDb, "test"), (Kind::Postgres, "postgres")] {
        let mut server = Server::start(kind);
        let url = server.url(database);
        let mut connection = connect(&url);
        let table = make_table(connection.as_mut());
        let insert = connection.dialect().insert(&table, &["id"], &["name"]);
        connection.execute_batch(&insert, &[row(1, "a")]).unwrap();
        let endless = endless(if kind == Kind::MariaDb { "mysql" } else { "postgres" });
        std::thread::scope(|scope| {
            let reading = scope.spawn(|| connection.query(endless, &[], &mut Counting { rows: 0, leave_after: 0 }));
            std::thread::sleep(Duration::from_millis(300));
            server.kill();
            let error = reading.join().unwrap().unwrap_err();
            assert_eq!(error.kind(), DbErrorKind::Connection, "{kind:?}: {error}");
        });
        assert_eq!(refusal(&url).kind(), DbErrorKind::Connection);
        server.restart();
        assert_eq!(rows(connect(&url).as_mut(), "SELECT id, name FROM t"), [row(1, "a")], "{kind:?}");
    }
}

#[test]
fn names_of_any_kind_are_names() {
    on_each(|database, url| {
        let mut connection = connect(url);
        let dialect = connection.dialect();
        for name in [
            "select",
            "with blank",
            "a-b",
            "quo\"te",
            "tick`s",
            "it's",
            "größe",
            "表",
            "x; DROP TABLE y; --",
            "a.b",
            "a:b",
            "what?",
        ] {
            let table = TableId::bare(name);
            let columns = [column(name, ColumnKind::Int32, true), column("order", ColumnKind::String, false)];
            run(connection.as_mut(), &dialect.create_table(&table, &columns).unwrap());
            let added = dialect.add_columns(&table, &[column("group by", ColumnKind::Int32, false)]).unwrap();
            added.iter().for_each(|sql| run(connection.as_mut(), sql));
            let upsert = dialect.upsert(&table, &[name], &["order", "group by"]).unwrap();
            let values = vec![SqlValue::Int(1), text(name), SqlValue::Int(3)];
            connection.execute_batch(&upsert, std::slice::from_ref(&values)).unwrap();
            let read = rows(connection.as_mut(), &format!("SELECT * FROM {}", dialect.table(&table)));
            assert_eq!(read, [values], "{database} {name}");
            let columns = connection.columns(&table).unwrap();
            let names: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
            assert_eq!(names, [name, "order", "group by"], "{database}");
            assert_eq!(columns[0].key_position, Some(1), "{database} {name}");
        }
    });
}

#[test]
fn tables_are_found_and_listed() {
    on_each(|database, url| {
        let mut connection = connect(url);
        let table = make_table(connection.as_mut());
        run(connection.as_mut(), "CREATE VIEW v AS SELECT id FROM t");
        let mut list = |types: &[&str]| -> Vec<(String, TableKind)> {
            let types = types.iter().map(|&name| name.to_owned()).collect();
            let found = connection.tables(&TableFilter { types, ..TableFilter::default() }).unwrap();
            found.into_iter().map(|(table, kind)| (table.name, kind)).collect()
        };
        assert_eq!(list(&["table"]), [("t".to_owned(), TableKind::Table)], "{database}");
        assert_eq!(list(&["VIEW"]), [("v".to_owned(), TableKind::View)], "{database}");
        assert_eq!(list(&["ALIAS"]), [], "{database}");
        let (found, kind) = connection.find_table(&table).unwrap().unwrap();
        assert_eq!((found.name.as_str(), kind), ("t", TableKind::Table));
        assert_eq!(connection.find_table(&found).unwrap().unwrap().0, found, "{database}");
        assert_eq!(connection.find_table(&TableId::bare("nowhere")).unwrap(), None);
        assert_eq!(connection.columns(&TableId::bare("nowhere")).unwrap(), []);
        let schema = if database == "sqlite" { "main" } else { "public" };
        let elsewhere =
            TableId { catalog: Some("elsewhere".into()), schema: Some(schema.into()), name: found.name.clone() };
        assert_eq!(connection.find_table(&elsewhere).unwrap(), None, "{database}");
        // MySQL finds tables of other databases, but nothing by three parts.
        let here = TableId { catalog: found.catalog, ..elsewhere };
        assert_eq!(connection.find_table(&here).unwrap().is_some(), database != "mysql", "{database}");
    });
}

#[test]
fn columns_tell_keys_defaults_and_numbers() {
    on_each(|database, url| {
        let mut connection = connect(url);
        run(
            connection.as_mut(),
            match database {
                "postgres" => "CREATE TABLE c (b int NOT NULL, a serial, d text DEFAULT 'x', PRIMARY KEY (a, b))",
                "mysql" => {
                    "CREATE TABLE c (b int NOT NULL, a int AUTO_INCREMENT, d text DEFAULT 'x', PRIMARY KEY (a, b))"
                }
                _ => "CREATE TABLE c (b int NOT NULL, a INTEGER NOT NULL, d text DEFAULT 'x', PRIMARY KEY (a, b))",
            },
        );
        let columns = connection.columns(&TableId::bare("c")).unwrap();
        let seen: Vec<_> =
            columns.iter().map(|c| (c.name.as_str(), c.nullable, c.key_position, c.auto_increment)).collect();
        let counts = database != "sqlite";
        assert_eq!(
            seen,
            [("b", false, Some(2), false), ("a", false, Some(1), counts), ("d", true, None, false)],
            "{database}"
        );
        assert_eq!((columns[0].has_default, columns[2].has_default), (false, true), "{database}");
    });
    let mut connection = connect("jdbc:sqlite::memory:");
    run(connection.as_mut(), "CREATE TABLE c (id INTEGER PRIMARY KEY, name TEXT)");
    assert!(connection.columns(&TableId::bare("c")).unwrap()[0].auto_increment);
}

#[test]
fn large_values_pass_whole() {
    on_each(|database, url| {
        let mut connection = connect(url);
        let table = TableId::bare("large");
        let columns = [column("t", ColumnKind::String, false), column("b", ColumnKind::Bytes, false)];
        let dialect = connection.dialect();
        run(connection.as_mut(), &dialect.create_table(&table, &columns).unwrap());
        let values =
            vec![text(&"äx".repeat(16 << 20 >> 1)), SqlValue::Bytes((0..16 << 20).map(|n| (n % 251) as u8).collect())];
        let insert = dialect.insert(&table, &[], &["t", "b"]);
        connection
            .execute_batch(
                &insert,
                &[
                    values.clone(),
                    row(1, "small")
                        .into_iter()
                        .rev()
                        .map(|v| match v {
                            SqlValue::Int(_) => SqlValue::Bytes(vec![1]),
                            other => other,
                        })
                        .collect(),
                ],
            )
            .unwrap();
        let read = rows(connection.as_mut(), "SELECT t, b FROM large");
        assert!(read.contains(&values), "{database}");
    });
}

#[test]
fn the_clock_is_the_one_that_columns_are_compared_with() {
    let zone = jiff::tz::TimeZone::get("Asia/Kolkata").unwrap();
    let mut connection = settings(&new_database(Kind::Postgres), &[(keys::ZONE, "Asia/Kolkata")])
        .connect(&StopSignal::default())
        .unwrap();
    let apart = jiff::Zoned::now().with_time_zone(zone).datetime().duration_since(connection.now().unwrap());
    assert!(apart.as_secs().abs() < 60, "{apart}");
    let mut connection = connect(&with(&new_database(Kind::MariaDb), "sessionVariables=time_zone='%2B05:30'"));
    let apart =
        jiff::Zoned::now().with_time_zone(jiff::tz::TimeZone::UTC).datetime().duration_since(connection.now().unwrap());
    assert!((apart.as_secs() + 19_800).abs() < 60, "{apart}");
}
