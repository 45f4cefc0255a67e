//! Every type of column of the three databases, at its edges, read and written.

use crate::databases::{columns_and_rows, connect, new_database, rows, run, text, try_connect};
use ferroconnect_jdbc::db::{Connection, Decimal, Instant, SqlValue, TypeClass, query_all};
use ferroconnect_jdbc::dialect::{ColumnKind, NewColumn, TableId};
use ferroconnect_test_servers::Kind;
use jiff::civil::{date, datetime};

fn integer(bits: u8) -> TypeClass {
    TypeClass::Integer { bits, unsigned: false }
}

fn unsigned(bits: u8) -> TypeClass {
    TypeClass::Integer { bits, unsigned: true }
}

fn decimal(digits: &str) -> SqlValue {
    SqlValue::Decimal(Decimal::parse(digits).unwrap())
}

fn seconds(seconds: i64) -> SqlValue {
    SqlValue::Time(seconds * 1_000_000_000)
}

/// Type, literal, class, value; each also as NULL.
type Case = (&'static str, &'static str, TypeClass, SqlValue);

fn check(connection: &mut dyn Connection, cases: Vec<Case>) {
    for (index, (declared, literal, class, value)) in cases.into_iter().enumerate() {
        run(connection, &format!("CREATE TABLE t{index} (n INT, v {declared} NULL)"));
        run(connection, &format!("INSERT INTO t{index} VALUES (1, {literal}), (2, NULL)"));
        let (columns, rows) = columns_and_rows(connection, &format!("SELECT v FROM t{index} ORDER BY n"));
        assert_eq!(columns[0].class, class, "{declared}");
        assert_eq!(rows, [[value], [SqlValue::Null]], "{declared} {literal}");
    }
}

#[test]
fn columns_of_mysql() {
    let mut connection = connect(&new_database(Kind::MariaDb));
    let last = datetime(9999, 12, 31, 23, 59, 59, 0);
    let cases = vec![
        ("TINYINT", "-128", integer(8), SqlValue::Int(-128)),
        ("TINYINT(1)", "1", TypeClass::Bit(1), SqlValue::Int(1)),
        ("TINYINT UNSIGNED", "255", unsigned(8), SqlValue::Int(255)),
        ("SMALLINT", "-32768", integer(16), SqlValue::Int(-32_768)),
        ("SMALLINT UNSIGNED", "65535", unsigned(16), SqlValue::Int(65_535)),
        ("MEDIUMINT", "-8388608", integer(32), SqlValue::Int(-8_388_608)),
        ("INT", "-2147483648", integer(32), SqlValue::Int(i64::from(i32::MIN))),
        ("INT UNSIGNED", "4294967295", unsigned(32), SqlValue::Int(i64::from(u32::MAX))),
        ("BIGINT", "-9223372036854775808", integer(64), SqlValue::Int(i64::MIN)),
        ("BIGINT UNSIGNED", "18446744073709551615", unsigned(64), SqlValue::UInt(u64::MAX)),
        ("FLOAT", "1.5", TypeClass::Real, SqlValue::Float(1.5)),
        ("DOUBLE", "1.7976931348623157e308", TypeClass::Double, SqlValue::Double(f64::MAX)),
        ("DECIMAL(10,2)", "-12345678.90", TypeClass::Decimal, decimal("-12345678.90")),
        (
            "DECIMAL(65,30)",
            "0.000000000000000000000000000001",
            TypeClass::Decimal,
            decimal("0.000000000000000000000000000001"),
        ),
        ("DECIMAL(20,0)", "99999999999999999999", TypeClass::Decimal, decimal("99999999999999999999")),
        ("BIT(1)", "b'1'", TypeClass::Bit(1), SqlValue::Int(1)),
        ("BIT(8)", "b'10000001'", TypeClass::Bit(8), SqlValue::Int(129)),
        ("BIT(10)", "b'1000000001'", TypeClass::Bit(10), SqlValue::Bytes(vec![2, 1])),
        ("DATE", "'1000-01-01'", TypeClass::Date, SqlValue::Date(date(1000, 1, 1))),
        ("DATE", "'9999-12-31'", TypeClass::Date, SqlValue::Date(date(9999, 12, 31))),
        ("DATETIME", "'9999-12-31 23:59:59'", TypeClass::Timestamp, SqlValue::DateTime(last)),
        (
            "DATETIME(6)",
            "'2024-02-29 01:02:03.000001'",
            TypeClass::Timestamp,
            SqlValue::DateTime(datetime(2024, 2, 29, 1, 2, 3, 1000)),
        ),
        (
            "TIMESTAMP(3)",
            "'2024-02-29 01:02:03.004'",
            TypeClass::Timestamp,
            SqlValue::DateTime(datetime(2024, 2, 29, 1, 2, 3, 4_000_000)),
        ),
        ("TIME", "'-838:59:59'", TypeClass::Time, seconds(-(838 * 3600 + 59 * 60 + 59))),
        ("TIME(6)", "'23:59:59.999999'", TypeClass::Time, SqlValue::Time(86_399_999_999_000)),
        ("YEAR", "2024", TypeClass::Date, SqlValue::Date(date(2024, 1, 1))),
        ("CHAR(3)", "'ab'", TypeClass::Text, text("ab")),
        ("VARCHAR(20)", "'größe 表 😀'", TypeClass::Text, text("größe 表 😀")),
        ("TINYTEXT", "''", TypeClass::Text, text("")),
        ("TEXT", "'a\\0b'", TypeClass::Text, text("a\0b")),
        ("LONGTEXT", "'x'", TypeClass::Text, text("x")),
        ("BINARY(3)", "'ab'", TypeClass::Bytes, SqlValue::Bytes(b"ab\0".to_vec())),
        ("VARBINARY(3)", "X'00FF'", TypeClass::Bytes, SqlValue::Bytes(vec![0, 255])),
        ("LONGBLOB", "X'00FF'", TypeClass::Bytes, SqlValue::Bytes(vec![0, 255])),
        ("ENUM('a','b')", "'b'", TypeClass::Text, text("b")),
        ("SET('a','b')", "'a,b'", TypeClass::Text, text("a,b")),
        ("JSON", "'{\"a\": 1}'", TypeClass::Text, text("{\"a\": 1}")),
        (
            "UUID",
            "'00112233-4455-6677-8899-aabbccddeeff'",
            TypeClass::Text,
            text("00112233-4455-6677-8899-aabbccddeeff"),
        ),
    ];
    check(connection.as_mut(), cases);
}

#[test]
fn columns_of_postgresql() {
    let mut connection = connect(&new_database(Kind::Postgres));
    run(connection.as_mut(), "CREATE TYPE mood AS ENUM ('sad', 'happy')");
    run(connection.as_mut(), "CREATE DOMAIN positive AS int CHECK (value > 0)");
    let instant = Instant::of_utc(datetime(2024, 2, 29, 0, 2, 3, 4000));
    let never = Instant::of_utc(datetime(9999, 12, 31, 23, 59, 59, 999_999_000));
    let cases = vec![
        ("boolean", "true", TypeClass::Bool, SqlValue::Bool(true)),
        ("smallint", "-32768", integer(16), SqlValue::Int(-32_768)),
        ("int", "2147483647", integer(32), SqlValue::Int(i64::from(i32::MAX))),
        ("bigint", "-9223372036854775808", integer(64), SqlValue::Int(i64::MIN)),
        ("positive", "5", integer(32), SqlValue::Int(5)),
        ("real", "'-0.1'", TypeClass::Real, SqlValue::Float(-0.1)),
        ("real", "'-Infinity'", TypeClass::Real, SqlValue::Float(f32::NEG_INFINITY)),
        ("double precision", "1.7976931348623157e308", TypeClass::Double, SqlValue::Double(f64::MAX)),
        ("numeric(10,2)", "-12345678.90", TypeClass::Numeric, decimal("-12345678.90")),
        ("numeric", "0.00000000000000000000000001", TypeClass::Numeric, decimal("0.00000000000000000000000001")),
        (
            "numeric",
            "123456789012345678901234567890.5",
            TypeClass::Numeric,
            decimal("123456789012345678901234567890.5"),
        ),
        ("numeric(6,0)", "120000", TypeClass::Numeric, decimal("120000")),
        ("numeric(3,-3)", "123456", TypeClass::Numeric, decimal("123000")),
        ("money", "'12.34'", TypeClass::Double, SqlValue::Double(12.34)),
        ("bit", "B'1'", TypeClass::Bool, SqlValue::Bool(true)),
        ("bit(8)", "B'10000001'", TypeClass::Bit(8), SqlValue::Int(129)),
        ("bit(3)", "B'101'", TypeClass::Bit(3), SqlValue::Int(5)),
        ("bit(9)", "B'100000001'", TypeClass::Bit(9), SqlValue::Bytes(vec![0x80, 0x80])),
        ("varbit", "B'1'", TypeClass::Bytes, SqlValue::Bytes(vec![0x80])),
        ("char(3)", "'ab'", TypeClass::Text, text("ab ")),
        ("varchar(20)", "'größe 表 😀'", TypeClass::Text, text("größe 表 😀")),
        ("text", "''", TypeClass::Text, text("")),
        ("name", "'n'", TypeClass::Text, text("n")),
        ("bytea", "'\\x00ff'", TypeClass::Bytes, SqlValue::Bytes(vec![0, 255])),
        ("json", "'{\"a\": 1}'", TypeClass::Text, text("{\"a\": 1}")),
        ("jsonb", "'{\"a\":1}'", TypeClass::Text, text("{\"a\": 1}")),
        (
            "uuid",
            "'00112233-4455-6677-8899-aabbccddeeff'",
            TypeClass::Text,
            text("00112233-4455-6677-8899-aabbccddeeff"),
        ),
        ("xml", "'<a/>'", TypeClass::Text, text("<a/>")),
        ("mood", "'happy'", TypeClass::Text, text("happy")),
        ("date", "'0001-01-01'", TypeClass::Date, SqlValue::Date(date(1, 1, 1))),
        ("date", "'9999-12-31'", TypeClass::Date, SqlValue::Date(date(9999, 12, 31))),
        ("time", "'23:59:59.999999'", TypeClass::Time, SqlValue::Time(86_399_999_999_000)),
        ("timetz", "'01:00:00+02'", TypeClass::Time, seconds(23 * 3600)),
        (
            "timestamp",
            "'1900-01-01 00:00:00.000001'",
            TypeClass::Timestamp,
            SqlValue::DateTime(datetime(1900, 1, 1, 0, 0, 0, 1000)),
        ),
        ("timestamptz", "'2024-02-29 01:02:03.000004+01'", TypeClass::TimestampWithZone, SqlValue::Instant(instant)),
        ("timestamptz", "'9999-12-31 23:59:59.999999+00'", TypeClass::TimestampWithZone, SqlValue::Instant(never)),
        ("interval", "'1 day'", TypeClass::Other, SqlValue::Null),
        ("inet", "'127.0.0.1'", TypeClass::Other, SqlValue::Null),
        ("text[]", "'{a,b}'", TypeClass::Other, SqlValue::Null),
        ("point", "'(1,2)'", TypeClass::Other, SqlValue::Null),
        ("int4range", "'[1,2)'", TypeClass::Other, SqlValue::Null),
    ];
    check(connection.as_mut(), cases);
    let (columns, _) = columns_and_rows(connection.as_mut(), "SELECT 1::numeric(10,2), 1::numeric(3,-3), 1::numeric");
    let scales: Vec<_> = columns.iter().map(|column| (column.precision, column.scale)).collect();
    assert_eq!(scales, [(Some(10), Some(2)), (Some(3), Some(-3)), (None, None)]);
    for unreadable in ["SELECT 'infinity'::timestamp", "SELECT 'NaN'::numeric", "SELECT 'infinity'::date AS d"] {
        assert!(query_all(connect(&new_database(Kind::Postgres)).as_mut(), unreadable, &[]).is_err(), "{unreadable}");
    }
}

#[test]
fn columns_of_sqlite() {
    let mut connection = connect("jdbc:sqlite::memory:");
    let at = SqlValue::DateTime(datetime(2024, 2, 29, 1, 2, 3, 4_000_000));
    let cases = vec![
        ("BOOLEAN", "1", TypeClass::Bool, SqlValue::Bool(true)),
        ("TINYINT", "-128", integer(8), SqlValue::Int(-128)),
        ("SMALLINT", "1", integer(16), SqlValue::Int(1)),
        ("INTEGER", "-9223372036854775808", integer(64), SqlValue::Int(i64::MIN)),
        ("REAL", "0.1", TypeClass::Double, SqlValue::Double(0.1)),
        ("DOUBLE PRECISION", "2", TypeClass::Double, SqlValue::Double(2.0)),
        ("NUMERIC(10,2)", "12.5", TypeClass::Numeric, decimal("12.5")),
        ("DECIMAL", "7", TypeClass::Decimal, decimal("7")),
        ("VARCHAR(9)", "'größe'", TypeClass::Text, text("größe")),
        ("TEXT", "'5'", TypeClass::Text, text("5")),
        ("BLOB", "X'00FF'", TypeClass::Bytes, SqlValue::Bytes(vec![0, 255])),
        ("DATE", "'2024-02-29'", TypeClass::Date, SqlValue::Date(date(2024, 2, 29))),
        ("DATETIME", "'2024-02-29 01:02:03.004'", TypeClass::Timestamp, at.clone()),
        ("TIMESTAMP", "'2024-02-29T01:02:03.004Z'", TypeClass::Timestamp, at.clone()),
        // As the JDBC driver writes it.
        ("TIMESTAMP", "1709168523004", TypeClass::Timestamp, at),
        ("TIME", "'01:02:03'", TypeClass::Time, seconds(3723)),
    ];
    check(connection.as_mut(), cases);
    let (columns, _) = columns_and_rows(connection.as_mut(), "SELECT 1 + 1, 'a' || 'b', 0.5, X'00'");
    let classes: Vec<_> = columns.iter().map(|column| column.class).collect();
    assert_eq!(classes, [integer(64), TypeClass::Text, TypeClass::Double, TypeClass::Bytes]);
}

#[test]
fn a_date_of_zeros_is_what_the_url_says() {
    let url = new_database(Kind::MariaDb);
    let mut connection = connect(&format!("{url}&sessionVariables=sql_mode=''"));
    run(connection.as_mut(), "CREATE TABLE z (d DATE, t DATETIME)");
    run(connection.as_mut(), "INSERT INTO z VALUES ('0000-00-00', '2024-00-00 00:00:00')");
    let error = query_all(connection.as_mut(), "SELECT * FROM z", &[]).unwrap_err();
    assert!(error.to_string().contains("zeroDateTimeBehavior"), "{error}");
    let read = |way: &str| rows(connect(&format!("{url}&zeroDateTimeBehavior={way}")).as_mut(), "SELECT * FROM z");
    assert_eq!(read("convertToNull"), [[SqlValue::Null, SqlValue::Null]]);
    let first = date(1, 1, 1);
    assert_eq!(read("ROUND"), [[SqlValue::Date(first), SqlValue::DateTime(first.at(0, 0, 0, 0))]]);
    assert!(try_connect(&format!("{url}&zeroDateTimeBehavior=never")).is_err());
}

/// Writes one value of each kind to a table made for it, and reads it back.
fn written(connection: &mut dyn Connection, kind: &ColumnKind, value: &SqlValue) -> SqlValue {
    let table = TableId::bare("w");
    let dialect = connection.dialect();
    let column = NewColumn { name: "v".into(), kind: kind.clone(), optional: true, default: None, key: false };
    run(connection, &dialect.create_table(&table, &[column]).unwrap());
    let done =
        connection.execute_batch(&dialect.insert(&table, &[], &["v"]), &[vec![value.clone()], vec![SqlValue::Null]]);
    done.unwrap_or_else(|error| panic!("{kind:?}: {error}"));
    let mut read = rows(connection, "SELECT v FROM w ORDER BY v IS NULL");
    assert_eq!(read.pop().unwrap(), [SqlValue::Null], "{kind:?}");
    run(connection, "DROP TABLE w");
    read.pop().unwrap().pop().unwrap()
}

#[test]
fn values_come_back_as_they_were_written() {
    let kinds = [
        (ColumnKind::Int8, SqlValue::Int(-128)),
        (ColumnKind::Int16, SqlValue::Int(-32_768)),
        (ColumnKind::Int32, SqlValue::Int(i64::from(i32::MIN))),
        (ColumnKind::Int64, SqlValue::Int(i64::MAX)),
        (ColumnKind::Float32, SqlValue::Float(1.5)),
        (ColumnKind::Float64, SqlValue::Double(5e-324)),
        (ColumnKind::String, text("'; \\ \" größe 表 😀")),
        (ColumnKind::Bytes, SqlValue::Bytes((0..=255).collect())),
        (ColumnKind::Decimal { scale: 4 }, decimal("-12345678901234567890.1234")),
        (ColumnKind::Date, SqlValue::Date(date(2024, 2, 29))),
        (ColumnKind::Time, SqlValue::Time(86_399_999_000_000)),
        (ColumnKind::Timestamp, SqlValue::DateTime(datetime(1969, 12, 31, 23, 59, 59, 999_000_000))),
        (ColumnKind::FineTimestamp, SqlValue::DateTime(datetime(2024, 2, 29, 1, 2, 3, 1000))),
    ];
    let mut mysql = connect(&new_database(Kind::MariaDb));
    let mut postgres = connect(&new_database(Kind::Postgres));
    for (kind, value) in &kinds {
        assert_eq!(written(mysql.as_mut(), kind, value), *value, "MySQL {kind:?}");
        assert_eq!(written(postgres.as_mut(), kind, value), *value, "PostgreSQL {kind:?}");
    }
    assert_eq!(written(mysql.as_mut(), &ColumnKind::Boolean, &SqlValue::Bool(true)), SqlValue::Int(1));
    assert_eq!(written(postgres.as_mut(), &ColumnKind::Boolean, &SqlValue::Bool(true)), SqlValue::Bool(true));
    let mut sqlite = connect("jdbc:sqlite::memory:");
    for (kind, value) in &kinds[..8] {
        let read = written(sqlite.as_mut(), kind, value);
        match kind {
            ColumnKind::Float32 => assert_eq!(read, SqlValue::Double(1.5)),
            _ => assert_eq!(read, *value, "SQLite {kind:?}"),
        }
    }
}

#[test]
fn postgresql_takes_text_for_any_type() {
    let mut connection = connect(&new_database(Kind::Postgres));
    run(connection.as_mut(), "CREATE TYPE mood AS ENUM ('sad', 'happy')");
    run(
        connection.as_mut(),
        "CREATE TABLE p (j jsonb, u uuid, m mood, i inet, n numeric, a text[], tz timestamptz, b bytea[])",
    );
    let table = TableId::bare("p");
    let insert = connection.dialect().insert(&table, &[], &["j", "u", "m", "i", "n", "a", "tz", "b"]);
    let values = vec![
        text("{\"a\": 1}"),
        text("00112233-4455-6677-8899-aabbccddeeff"),
        text("sad"),
        text("10.0.0.1"),
        SqlValue::Int(5),
        SqlValue::Array(vec![text("x,\"y\""), SqlValue::Null]),
        SqlValue::DateTime(datetime(2024, 1, 1, 0, 0, 0, 0)),
        SqlValue::Array(vec![SqlValue::Bytes(vec![0, 255])]),
    ];
    connection.execute_batch(&insert, &[values.clone(), values]).unwrap();
    let read = rows(connection.as_mut(), "SELECT j, u, m, i::text, n, a[1], tz = '2024-01-01 00:00:00Z', b[1] FROM p");
    let expected = [
        text("{\"a\": 1}"),
        text("00112233-4455-6677-8899-aabbccddeeff"),
        text("sad"),
        text("10.0.0.1/32"),
        decimal("5"),
        text("x,\"y\""),
        SqlValue::Bool(true),
        SqlValue::Bytes(vec![0, 255]),
    ];
    assert_eq!(read, [expected.clone(), expected]);
}
