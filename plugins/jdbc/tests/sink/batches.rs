//! Many rows at once: the same rows are there whichever way they were sent, and they were sent in few statements.

use crate::targets::Target;
use ferroconnect_jdbc::db::{Connection, DbErrorKind, Decimal, Instant, Isolation, SqlValue, query_all};
use ferroconnect_jdbc::dialect::{Dml, TableId};
use ferroconnect_plugin_sdk::testkit::{self, SinkHarness, sink_record};
use ferroconnect_plugin_sdk::{Config, Data, Record, SchemaBuilder, Value};
use ferroconnect_test_servers::Kind;
use jiff::civil::{Date, date};

/// Enough for COPY.
const MANY: i64 = 100;

fn text(text: &str) -> SqlValue {
    SqlValue::Text(text.to_owned())
}

fn decimal(text: &str) -> SqlValue {
    SqlValue::Decimal(Decimal::parse(text).unwrap())
}

/// Texts that mean something to one way or another of sending them.
fn texts() -> Vec<SqlValue> {
    let long = "x".repeat(100_000);
    let texts = [
        "",
        "NULL",
        "null",
        "\\N",
        "\\.",
        "\\",
        "\\\\",
        "a\tb",
        "a\nb\r\n",
        "'",
        "''",
        "\"",
        "{}",
        "{a,\"b\"}",
        ",",
        "$1",
        "?",
        " blanks ",
        "größe 漢 😀 \u{7f}\u{85}",
        long.as_str(),
    ];
    texts.into_iter().map(text).collect()
}

/// A column by its type, and values for it. Each has to come out the same whichever way it went in.
type Column = (&'static str, Vec<SqlValue>);

/// So many rows that each value of each column is in one of them: a number of its own, then the columns, NULL too.
fn rows(columns: &[Column]) -> Vec<Vec<SqlValue>> {
    let value = |id: i64, values: &[SqlValue]| {
        let place = usize::try_from(id).unwrap() % (values.len() + 1);
        values.get(place).cloned().unwrap_or_default()
    };
    let row = |id| [SqlValue::Int(id)].into_iter().chain(columns.iter().map(|(_, values)| value(id, values))).collect();
    (0..MANY).map(row).collect()
}

fn create(target: &Target, table: &str, columns: &[Column]) {
    let columns: Vec<String> =
        columns.iter().enumerate().map(|(place, (kind, _))| format!("c{place} {kind}")).collect();
    target.run(&format!("CREATE TABLE {table} (id BIGINT PRIMARY KEY, {})", columns.join(", ")));
}

fn insert(target: &Target, table: &str, columns: &[Column]) -> Dml {
    let names: Vec<String> = (0..columns.len()).map(|place| format!("c{place}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    target.dialect().insert(&TableId::bare(table), &["id"], &names)
}

fn write(connection: &mut dyn Connection, dml: &Dml, rows: &[Vec<SqlValue>]) {
    connection.execute_batch(dml, rows).unwrap_or_else(|error| panic!("{dml:?}: {error}"));
}

fn with(target: &Target, parameter: &str) -> Box<dyn Connection> {
    let other = Target::at(target.database, format!("{}&{parameter}", target.url));
    other.connect()
}

/// What `table` has that `other` has not, column by column: nothing but NULL may be unequal to itself.
fn assert_same(target: &Target, table: &str, other: &str, columns: &[Column]) {
    let count = |sql: String| target.rows(&sql)[0][0].clone();
    let joined = format!("{table} a JOIN {other} b ON a.id = b.id");
    assert_eq!(count(format!("SELECT count(*) FROM {joined}")), SqlValue::Int(MANY), "{other}");
    for (place, (kind, _)) in columns.iter().enumerate() {
        let (a, b) = match kind.starts_with("JSON") {
            true => (format!("CAST(a.c{place} AS CHAR(100))"), format!("CAST(b.c{place} AS CHAR(100))")),
            false => (format!("a.c{place}"), format!("b.c{place}")),
        };
        let same = format!("({a} = {b} OR ({a} IS NULL AND {b} IS NULL))");
        let differ = target.rows(&format!("SELECT a.id FROM {joined} WHERE NOT coalesce({same}, false)"));
        assert_eq!(differ, [[SqlValue::Null; 0]; 0], "column c{place} {kind} of {other}");
    }
}

fn days() -> Vec<Date> {
    vec![date(9999, 12, 31), date(1, 1, 1), date(0, 12, 31), date(-43, 3, 15), date(1582, 10, 10), date(2024, 2, 29)]
}

fn columns_of_postgresql() -> Vec<Column> {
    let floats = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, f64::MAX, 5e-324, -0.1, 1e300, 0.0];
    let narrow: Vec<f32> = vec![f32::NAN, f32::INFINITY, f32::MIN, 0.1, 1e-45];
    let moment = |day: Date| day.at(23, 59, 59, 999_999_999);
    let instants = ["0001-01-01T00:00:00.000001Z", "-000043-03-15T12:00:00Z", "1969-12-31T23:59:59.9999995Z"];
    let nanos = |text: &&str| text.parse::<jiff::Timestamp>().unwrap().as_nanosecond();
    let instants: Vec<_> = instants.iter().map(|text| SqlValue::Instant(Instant::from_nanos(nanos(text)))).collect();
    let moments: Vec<_> = days().into_iter().map(|day| SqlValue::DateTime(moment(day))).collect();
    vec![
        ("boolean", vec![SqlValue::Bool(true), SqlValue::Bool(false)]),
        ("int", vec![SqlValue::Bool(true), SqlValue::Int(i32::MIN.into())]),
        ("smallint", vec![SqlValue::Int(i16::MIN.into()), SqlValue::Int(i16::MAX.into())]),
        ("bigint", vec![SqlValue::Int(i64::MIN), SqlValue::Int(i64::MAX)]),
        ("real", narrow.iter().map(|&value| SqlValue::Float(value)).collect()),
        ("double precision", narrow.iter().map(|&value| SqlValue::Float(value)).collect()),
        ("double precision", floats.iter().map(|&value| SqlValue::Double(value)).collect()),
        ("double precision", vec![SqlValue::Int(i64::MAX), decimal("0.1")]),
        (
            "numeric",
            vec![decimal("-1234567890123456789012345678901234567890.000100"), decimal("0.00"), decimal("1e30")],
        ),
        ("numeric(10,2)", vec![decimal("1.005"), SqlValue::Int(7), SqlValue::Double(2.5), text("NaN")]),
        ("text", texts()),
        ("text", vec![SqlValue::Int(1), SqlValue::Double(1e300), SqlValue::Bool(true), SqlValue::Float(0.1)]),
        ("varchar(9)", vec![text("\\N"), text("nine chär "), text("")]),
        ("char(4)", vec![text("a"), text("")]),
        (
            "bytea",
            vec![SqlValue::Bytes(vec![]), SqlValue::Bytes((0..=255).collect()), SqlValue::Bytes(b"\\N\t".to_vec())],
        ),
        ("date", days().into_iter().map(SqlValue::Date).collect()),
        ("time", vec![SqlValue::Time(0), SqlValue::Time(86_399_999_999_999)]),
        ("time(3)", vec![SqlValue::Time(1_234_567_890)]),
        ("timestamp", moments.clone()),
        ("timestamp(3)", moments.clone()),
        ("timestamp", instants.clone()),
        ("timestamptz", [moments, instants].concat()),
        ("jsonb", vec![text("{\"a\": \"\\\\ \\n\"}"), text("null"), text("\"\"")]),
        ("uuid", vec![text("00112233-4455-6677-8899-AABBCCDDEEFF"), text("{00112233445566778899aabbccddeeff}")]),
        ("inet", vec![text("10.0.0.1")]),
        ("interval", vec![text("1 day 02:00:00")]),
        ("mood", vec![text("so, \"so\""), text("happy\\")]),
        ("positive", vec![SqlValue::Int(5)]),
        ("bit(3)", vec![text("101")]),
        ("int4range", vec![text("[1,5)")]),
    ]
}

/// Whether PostgreSQL stores such values in such a column as they are.
fn is_native((kind, values): &Column) -> bool {
    let kind = kind.split('(').next().unwrap();
    values.iter().all(|value| match value {
        SqlValue::Bool(_) => kind == "boolean",
        SqlValue::Int(_) => ["smallint", "bigint"].contains(&kind),
        SqlValue::Float(_) => ["real", "double precision"].contains(&kind),
        SqlValue::Double(_) => kind == "double precision",
        SqlValue::Text(_) => ["text", "varchar", "char"].contains(&kind),
        SqlValue::Bytes(_) => kind == "bytea",
        SqlValue::Date(_) => kind == "date",
        SqlValue::Time(_) => kind == "time",
        SqlValue::DateTime(_) | SqlValue::Instant(_) => kind == "timestamp",
        _ => false,
    })
}

#[test]
fn postgresql_takes_the_same_by_copy_by_arrays_and_one_by_one() {
    let target = Target::shared(Kind::Postgres, "ways");
    target.run("CREATE TYPE mood AS ENUM ('so, \"so\"', E'happy\\\\')");
    target.run("CREATE DOMAIN positive AS int CHECK (value > 0)");
    let columns = columns_of_postgresql();
    // Arrays of the type are arrays of arrays, which have no INSERT of arrays.
    let arrays: Column = (
        "text[]",
        vec![SqlValue::Array(vec![text("\\N"), text("a\"b\\c,{}\t"), SqlValue::Null]), SqlValue::Array(vec![])],
    );
    let binary: Vec<Column> = columns.iter().filter(|column| is_native(column)).cloned().collect();
    assert!(binary.len() > 12);
    for (name, columns) in
        [("plain", columns.clone()), ("nested", [columns, vec![arrays]].concat()), ("native", binary)]
    {
        let rows = rows(&columns);
        let table = |way: &str| format!("{name}_{way}");
        for way in ["single", "arrays", "copied", "begun"] {
            create(&target, &table(way), &columns);
        }
        let mut single = with(&target, "reWriteBatchedInserts=false");
        write(single.as_mut(), &insert(&target, &table("single"), &columns).with_copy(true), &rows);
        let mut joined = target.connect();
        write(joined.as_mut(), &insert(&target, &table("arrays"), &columns), &rows);
        write(joined.as_mut(), &insert(&target, &table("copied"), &columns).with_copy(true), &rows);
        // Within a transaction the form may be binary.
        joined.begin(Isolation::ServerDefault).unwrap();
        write(joined.as_mut(), &insert(&target, &table("begun"), &columns).with_copy(true), &rows);
        joined.commit().unwrap();
        let binary = "SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE 'COPY%begun%(FORMAT binary)'";
        let binary = query_all(joined.as_mut(), binary, &[]).unwrap().1;
        assert_eq!(binary, [[SqlValue::Int(i64::from(name == "native"))]], "{name}");
        for way in ["arrays", "copied", "begun"] {
            assert_same(&target, &table("single"), &table(way), &columns);
        }
    }
}

fn columns_of_mariadb() -> Vec<Column> {
    let moment = |day: Date| day.at(23, 59, 59, 999_999_000);
    let days: Vec<Date> = days().into_iter().filter(|day| day.year() > 0).collect();
    vec![
        ("TINYINT", vec![SqlValue::Bool(true), SqlValue::Bool(false)]),
        ("SMALLINT", vec![SqlValue::Int(-32_768)]),
        ("BIGINT", vec![SqlValue::Int(i64::MIN), SqlValue::Int(i64::MAX)]),
        ("BIGINT UNSIGNED", vec![SqlValue::Int(1), SqlValue::UInt(u64::MAX)]),
        ("FLOAT", vec![SqlValue::Float(0.1), SqlValue::Float(-1e30)]),
        ("DOUBLE", vec![SqlValue::Double(f64::MAX), SqlValue::Double(5e-324), SqlValue::Double(-0.1)]),
        ("DOUBLE", vec![SqlValue::Float(0.1), SqlValue::Double(0.1), SqlValue::Int(3)]),
        ("DECIMAL(65,30)", vec![decimal("-12345678901234567890123456789012345.5"), decimal("0.00")]),
        ("LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin", texts()),
        ("VARCHAR(20)", vec![SqlValue::Int(1), text("a"), SqlValue::Bool(true)]),
        (
            "LONGBLOB",
            vec![SqlValue::Bytes(vec![]), SqlValue::Bytes((0..=255).collect()), SqlValue::Bytes("ä\\".into())],
        ),
        ("DATE", days.iter().map(|&day| SqlValue::Date(day)).collect()),
        ("DATETIME(6)", days.iter().map(|&day| SqlValue::DateTime(moment(day))).collect()),
        ("DATETIME(3)", vec![SqlValue::DateTime(moment(date(2024, 2, 29)))]),
        ("TIME(6)", vec![SqlValue::Time(0), SqlValue::Time(-1_000), SqlValue::Time(838 * 3_600_000_000_000)]),
        ("JSON", vec![text("{\"a\": 1}")]),
        ("ENUM('x','y')", vec![text("y")]),
    ]
}

#[test]
fn mariadb_takes_the_same_in_bulk_joined_and_one_by_one() {
    let target = Target::shared(Kind::MariaDb, "ways");
    let all = columns_of_mariadb();
    // Columns with values of several kinds cannot go in bulk.
    let kinds = |values: &[SqlValue]| {
        values.windows(2).all(|two| std::mem::discriminant(&two[0]) == std::mem::discriminant(&two[1]))
    };
    let alike: Vec<Column> = all.iter().filter(|(_, values)| kinds(values)).cloned().collect();
    assert!(alike.len() < all.len());
    for (name, columns) in [("alike", alike), ("mixed", all)] {
        let rows = rows(&columns);
        let table = |way: &str| format!("{name}_{way}");
        for (way, parameter) in [
            ("single", "rewriteBatchedStatements=false"),
            ("joined", "useBulkStmts=false"),
            ("bulk", "useBulkStmts=true"),
        ] {
            create(&target, &table(way), &columns);
            write(with(&target, parameter).as_mut(), &insert(&target, &table(way), &columns), &rows);
        }
        for way in ["joined", "bulk"] {
            assert_same(&target, &table("single"), &table(way), &columns);
        }
    }
}

/// 3,000 rows for a table `t` of a number and a text; the first has a NULL, so that it does not tell the type.
fn plain_rows(text: &str) -> Vec<Vec<SqlValue>> {
    let name = |id| if id == 0 { SqlValue::Null } else { self::text(text) };
    (0..3000).map(|id| vec![SqlValue::Int(id), name(id)]).collect()
}

/// How many statements a connection of MariaDB has sent.
fn questions(connection: &mut dyn Connection) -> i64 {
    let sql = "SELECT CAST(VARIABLE_VALUE AS SIGNED) FROM information_schema.SESSION_STATUS \
               WHERE VARIABLE_NAME = 'QUESTIONS'";
    match query_all(connection, sql, &[]).unwrap().1[0][0] {
        SqlValue::Int(count) => count,
        ref other => panic!("{other:?}"),
    }
}

#[test]
fn mariadb_is_asked_seldom() {
    let target = Target::shared(Kind::MariaDb, "questions");
    target.run("CREATE TABLE t (id BIGINT PRIMARY KEY, name LONGTEXT)");
    let (table, dialect) = (TableId::bare("t"), target.dialect());
    let mut connection = target.connect();
    let insert = dialect.insert(&table, &["id"], &["name"]);
    let upsert = dialect.upsert(&table, &["id"], &["name"]).unwrap();
    let update = dialect.update(&table, &["id"], &["name"]);
    let swapped: Vec<Vec<SqlValue>> = plain_rows("u").into_iter().map(|row| row.into_iter().rev().collect()).collect();
    let delete = dialect.delete(&table, &["id"]);
    let keys: Vec<Vec<SqlValue>> = (0..3000).map(|id| vec![SqlValue::Int(id)]).collect();
    for (dml, rows, changed) in [
        (&insert, plain_rows("a"), 3000),
        (&upsert, plain_rows("b"), 2 * 2999),
        (&update, swapped, 2999),
        (&delete, keys, 3000),
    ] {
        let before = questions(connection.as_mut());
        assert_eq!(connection.execute_batch(dml, &rows).unwrap(), changed, "{dml:?}");
        let asked = questions(connection.as_mut()) - before;
        assert!(asked <= 5, "{asked} questions for {dml:?}");
    }
    assert_eq!(target.rows("SELECT count(*) FROM t"), [[SqlValue::Int(0)]]);
}

#[test]
fn small_packets_of_mariadb_are_kept_to() {
    let server = ferroconnect_test_servers::Server::start(Kind::MariaDb);
    let target = Target::on(Kind::MariaDb, &server, "packets");
    target.run("SET GLOBAL max_allowed_packet = 16384");
    target.run("CREATE TABLE t (id BIGINT PRIMARY KEY, name LONGTEXT)");
    let insert = target.dialect().insert(&TableId::bare("t"), &["id"], &["name"]);
    // The first of several packets has nothing but NULL in a column, the others have more.
    let mut rows = plain_rows("some text");
    rows[..2500].iter_mut().for_each(|row| row[1] = SqlValue::Null);
    write(Target::at(target.database, target.url.clone()).connect().as_mut(), &insert, &rows);
    assert_eq!(
        target.rows("SELECT count(*), count(name) FROM t WHERE name IS NULL OR name = 'some text'"),
        [[SqlValue::Int(3000), SqlValue::Int(500)]]
    );
}

#[test]
fn a_connection_outlives_a_copy_that_fails() {
    let target = Target::shared(Kind::Postgres, "failed_copy");
    target.run("CREATE TABLE t (id BIGINT PRIMARY KEY, name TEXT)");
    target.run("INSERT INTO t VALUES (1, 'there')");
    let copy = target.dialect().insert(&TableId::bare("t"), &["id"], &["name"]).with_copy(true);
    let mut connection = target.connect();
    // Refused when most of it is still to come.
    let many = plain_rows(&"x".repeat(2000));
    connection.begin(Isolation::ServerDefault).unwrap();
    let error = connection.execute_batch(&copy, &many).unwrap_err();
    assert_eq!(error.kind(), DbErrorKind::Data, "{error}");
    connection.rollback().unwrap();
    // Refused before anything of it was sent: by a lock.
    let mut other = target.connect();
    other.begin(Isolation::ServerDefault).unwrap();
    other.execute("LOCK TABLE t", &[]).unwrap();
    connection.execute("SET lock_timeout = 200", &[]).unwrap();
    connection.begin(Isolation::ServerDefault).unwrap();
    let error = connection.execute_batch(&copy, &many).unwrap_err();
    assert_eq!(error.kind(), DbErrorKind::Transient, "{error}");
    connection.rollback().unwrap();
    other.execute("DELETE FROM t", &[]).unwrap();
    other.commit().unwrap();
    assert_eq!(connection.execute_batch(&copy, &many).unwrap(), 3000);
    assert_eq!(count(&target, "t"), SqlValue::Int(3000));
}

#[test]
fn a_copy_that_waits_is_broken_off() {
    let target = Target::shared(Kind::Postgres, "waiting_copy");
    target.run("CREATE TABLE t (id BIGINT PRIMARY KEY, name TEXT)");
    let copy = target.dialect().insert(&TableId::bare("t"), &["id"], &["name"]).with_copy(true);
    let (mut connection, mut other) = (target.connect(), target.connect());
    // What is committed beside it at last keeps COPY waiting within its rows, not before them.
    other.begin(Isolation::ServerDefault).unwrap();
    other.execute("INSERT INTO t VALUES (7, 'theirs')", &[]).unwrap();
    let interrupter = connection.interrupter();
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| connection.execute_batch(&copy, &plain_rows("ours")));
        let waits = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'COPY%' AND wait_event_type = 'Lock'";
        while target.rows(waits) == [[SqlValue::Int(0)]] {
            std::thread::yield_now();
        }
        interrupter.interrupt();
        let error = waiting.join().unwrap().unwrap_err();
        assert!(error.is_interrupted(), "{error}");
    });
    other.commit().unwrap();
    assert_eq!(target.rows("SELECT id FROM t"), [[SqlValue::Int(7)]]);
}

pub(crate) const CLASS: &str = "io.confluent.connect.jdbc.JdbcSinkConnector";

/// A sink with these keys.
pub(crate) fn sink(target: &Target, pairs: &[(&str, &str)]) -> SinkHarness {
    let mut config = Config::from([("connection.url", target.url.as_str()), ("max.retries", "0")]);
    for (key, value) in pairs {
        config.set(key, value);
    }
    let mut sink = SinkHarness::new(&testkit::library!(ferroconnect_jdbc), CLASS, config);
    sink.start().unwrap();
    sink
}

/// So many records with an id and a name, from an id on.
pub(crate) fn records(topic: &str, ids: std::ops::Range<i64>) -> Vec<Record> {
    let schema = SchemaBuilder::structure()
        .field("id", SchemaBuilder::int64().build())
        .field("name", SchemaBuilder::string().optional().build())
        .build();
    let value = |id: i64| Data::new(schema.clone(), Value::structure(schema.clone(), vec![id.into(), "a".into()]));
    ids.map(|id| sink_record(topic, 0, id, value(id))).collect()
}

pub(crate) fn reported(sink: &SinkHarness) -> Vec<(i64, String)> {
    let reported = sink.take_requests().reported;
    reported.into_iter().map(|(record, error)| (record.origin.offset, error.to_string())).collect()
}

pub(crate) fn count(target: &Target, table: &str) -> SqlValue {
    target.rows(&format!("SELECT count(*) FROM {table}"))[0][0].clone()
}

/// A table that keeps what each statement that inserts into it was.
fn spied(target: &Target, table: &str, columns: &str) {
    target.run(&format!("CREATE TABLE {table} ({columns})"));
    target.run("CREATE TABLE IF NOT EXISTS spied (relation TEXT, sql TEXT)");
    target.run(
        "CREATE OR REPLACE FUNCTION spy() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
         INSERT INTO spied VALUES (TG_TABLE_NAME, current_query()); RETURN NULL; END $$",
    );
    target.run(&format!("CREATE TRIGGER spy AFTER INSERT ON {table} FOR EACH STATEMENT EXECUTE FUNCTION spy()"));
}

/// The first word of each statement that inserted into a table.
fn statements(target: &Target, table: &str) -> Vec<String> {
    let rows = target.rows(&format!("SELECT split_part(sql, ' ', 1) FROM spied WHERE relation = '{table}'"));
    let word = |row: Vec<SqlValue>| match &row[0] {
        SqlValue::Text(text) => text.trim().to_owned(),
        other => panic!("{other:?}"),
    };
    rows.into_iter().map(word).collect()
}

#[test]
fn postgresql_copies_unless_told_otherwise() {
    let target = Target::shared(Kind::Postgres, "copies");
    let columns = "id BIGINT PRIMARY KEY, name TEXT, more TEXT DEFAULT 'given'";
    for table in ["many", "few", "told", "upserted"] {
        spied(&target, table, columns);
    }
    let upsert = [("insert.mode", "upsert"), ("pk.mode", "record_value"), ("pk.fields", "id")];
    let put = |pairs: &[(&str, &str)], table: &str, rows: i64| {
        let mut sink = sink(&target, pairs);
        sink.put(&records(table, 0..rows)).unwrap();
        sink.pre_commit().unwrap();
    };
    put(&[], "many", 3000);
    put(&[], "few", 3);
    put(&[("copy.enabled", "false")], "told", 3000);
    put(&upsert, "upserted", 3000);
    assert_eq!(statements(&target, "many"), ["COPY"]);
    assert_eq!(count(&target, "spied WHERE relation = 'many' AND sql LIKE '%(FORMAT binary)'"), SqlValue::Int(1));
    assert_eq!(statements(&target, "few"), ["INSERT"]);
    assert_eq!(statements(&target, "told"), ["INSERT"; 3]);
    assert_eq!(statements(&target, "upserted"), ["INSERT"; 3]);
    for table in ["many", "told", "upserted"] {
        assert_eq!(
            count(&target, &format!("{table} WHERE name = 'a' AND more = 'given'")),
            SqlValue::Int(3000),
            "{table}"
        );
    }
}

#[test]
fn postgresql_is_not_copied_to_where_that_would_differ() {
    let mut target = Target::shared(Kind::Postgres, "differs");
    let put = |target: &Target, table: &str| {
        let mut sink = sink(target, &[("table.types", "TABLE,VIEW")]);
        sink.put(&records(table, 0..100)).unwrap();
        assert_eq!(reported(&sink), [], "{table}");
    };
    target.run("CREATE TABLE ruled (id BIGINT, name TEXT)");
    target.run("CREATE TABLE followed (id BIGINT)");
    target.run("CREATE RULE follow AS ON INSERT TO ruled DO ALSO INSERT INTO followed VALUES (new.id)");
    put(&target, "ruled");
    assert_eq!((count(&target, "ruled"), count(&target, "followed")), (SqlValue::Int(100), SqlValue::Int(100)));
    target.run("CREATE VIEW seen AS SELECT id, name FROM ruled");
    put(&target, "seen");
    assert_eq!(count(&target, "ruled"), SqlValue::Int(200));

    // What counts itself takes no numbers, though COPY would write them.
    target.run("CREATE TABLE counted (id BIGINT GENERATED ALWAYS AS IDENTITY, name TEXT)");
    let mut counting = sink(&target, &[]);
    counting.put(&records("counted", 0..60)).unwrap();
    assert_eq!(reported(&counting).len(), 60);
    assert_eq!(count(&target, "counted"), SqlValue::Int(0));

    target.run("CREATE TABLE guarded (id BIGINT, name TEXT)");
    target.run("CREATE ROLE limited LOGIN PASSWORD 'limited'");
    target.run("GRANT SELECT, INSERT ON guarded TO limited");
    target.run("ALTER TABLE guarded ENABLE ROW LEVEL SECURITY");
    target.run("CREATE POLICY small ON guarded FOR INSERT TO limited WITH CHECK (id < 70)");
    let owner = target.url.clone();
    target.url = format!("{}?user=limited&password=limited", owner.split('?').next().unwrap());
    let mut limited = sink(&target, &[]);
    limited.put(&records("guarded", 0..71)).unwrap();
    target.url = owner;
    assert_eq!(reported(&limited).into_iter().map(|(offset, _)| offset).collect::<Vec<_>>(), [70]);
    assert_eq!(count(&target, "guarded"), SqlValue::Int(70));
}

#[test]
fn a_column_that_was_altered_gets_the_right_values() {
    let target = Target::shared(Kind::Postgres, "altered");
    target.run("CREATE TABLE altered (id BIGINT, name TEXT)");
    let mut sink = sink(&target, &[]);
    sink.put(&records("altered", 0..60)).unwrap();
    // As wide as before, so that the bytes of one pass for the other.
    target.run("ALTER TABLE altered ALTER COLUMN id TYPE double precision");
    sink.put(&records("altered", 60..120)).unwrap();
    assert_eq!(reported(&sink), []);
    assert_eq!(target.rows("SELECT sum(id)::bigint FROM altered"), [[SqlValue::Int((0..120).sum())]]);
}

#[test]
fn one_bad_record_of_thousands_is_alone() {
    let upsert = [("insert.mode", "upsert"), ("pk.mode", "record_value"), ("pk.fields", "id")];
    let ways: [(Kind, &[(&str, &str)]); 4] = [
        (Kind::Postgres, &[]),
        (Kind::Postgres, &[("copy.enabled", "false")]),
        (Kind::Postgres, &upsert),
        (Kind::MariaDb, &[]),
    ];
    for (number, (kind, pairs)) in ways.into_iter().enumerate() {
        let target = Target::shared(kind, &format!("one_bad_{number}"));
        target.run("CREATE TABLE picky (id BIGINT PRIMARY KEY CHECK (id <> 2017), name VARCHAR(20))");
        let mut sink = sink(&target, pairs);
        sink.put(&records("picky", 0..3000)).unwrap();
        sink.pre_commit().unwrap();
        let bad = reported(&sink);
        assert_eq!(bad.len(), 1, "{kind:?} {pairs:?}");
        assert_eq!(bad[0].0, 2017, "{kind:?} {pairs:?}");
        assert!(bad[0].1.contains("picky"), "{bad:?}");
        assert_eq!(count(&target, "picky"), SqlValue::Int(2999), "{kind:?} {pairs:?}");
        sink.put(&records("picky", 3000..3100)).unwrap();
        assert_eq!(count(&target, "picky"), SqlValue::Int(3099), "{kind:?} {pairs:?}");
    }
}
