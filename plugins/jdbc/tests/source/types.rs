//! What columns of each database become.

use super::{Db, poll, record};
use ferroconnect_plugin_sdk::{SchemaType, Value, validate};
use ferroconnect_test_servers::Kind;

/// A column's type, a literal, and what they become.
type Case = (&'static str, &'static str, SchemaType, Value);

/// Reads all cases as columns of one table, once with values and once with NULLs.
fn check(mut db: Db, url_more: &str, more: &[(&str, &str)], cases: &[Case]) {
    db.url.push_str(url_more);
    for suffix in ["NOT NULL", "NULL"] {
        let columns: Vec<_> =
            (0..cases.len()).map(|number| format!("c{number} {} {suffix}", cases[number].0)).collect();
        let literals: Vec<_> = cases.iter().map(|case| if suffix == "NULL" { "NULL" } else { case.1 }).collect();
        db.run("DROP TABLE IF EXISTS types");
        db.run(&format!("CREATE TABLE types ({})", columns.join(", ")));
        db.run(&format!("INSERT INTO types VALUES ({})", literals.join(", ")));
        let mut source = db.started(&[&[("mode", "bulk"), ("table.whitelist", "types")], more].concat());
        let reads = poll(&mut source, 1);
        let row = record(&reads[0]);
        validate(&row.schema, &reads[0].record.value.value).expect("it fits its schema");
        for (number, (kind, literal, schema_type, value)) in cases.iter().enumerate() {
            let name = format!("c{number}");
            let at = row.schema.field_index(&name).unwrap_or_else(|| panic!("{kind} is left out"));
            let schema = &row.schema.fields[at].schema;
            let expected = if suffix == "NULL" { &Value::NULL } else { value };
            assert_eq!(&row.fields[at], expected, "{kind} of {literal}");
            assert_eq!((schema.kind, schema.optional), (*schema_type, suffix == "NULL"), "{kind} {suffix}");
        }
    }
}

fn decimal(unscaled: i64, scale: i32) -> Value {
    Value::decimal(unscaled.to_be_bytes().to_vec(), scale)
}

const DAY: i32 = 19_783;
const MOMENT: i64 = 19_783 * 86_400_000 + 3_661_123;

#[test]
fn types_of_mariadb() {
    check(
        Db::on(Kind::MariaDb),
        "",
        &[],
        &[
            ("TINYINT", "-128", SchemaType::INT8, Value::int8(-128)),
            ("TINYINT UNSIGNED", "255", SchemaType::INT16, Value::int16(255)),
            ("BOOLEAN", "TRUE", SchemaType::INT8, Value::int8(1)),
            ("SMALLINT", "-32768", SchemaType::INT16, Value::int16(i16::MIN)),
            ("SMALLINT UNSIGNED", "65535", SchemaType::INT32, Value::int32(65_535)),
            ("MEDIUMINT", "-8388608", SchemaType::INT32, Value::int32(-8_388_608)),
            ("INT", "2147483647", SchemaType::INT32, Value::int32(i32::MAX)),
            ("INT UNSIGNED", "4294967295", SchemaType::INT64, Value::int64(4_294_967_295)),
            ("BIGINT", "-9223372036854775808", SchemaType::INT64, Value::int64(i64::MIN)),
            ("BIGINT UNSIGNED", "9223372036854775807", SchemaType::INT64, Value::int64(i64::MAX)),
            ("FLOAT", "1.5", SchemaType::FLOAT32, Value::float32(1.5)),
            ("DOUBLE", "1e300", SchemaType::FLOAT64, Value::float64(1e300)),
            ("DECIMAL(10,2)", "-12345678.90", SchemaType::BYTES, decimal(-1_234_567_890, 2)),
            ("DECIMAL(5,0)", "99999", SchemaType::BYTES, decimal(99_999, 0)),
            ("BIT(1)", "b'1'", SchemaType::INT8, Value::int8(1)),
            ("BIT(8)", "b'11111111'", SchemaType::INT8, Value::int8(-1)),
            ("BIT(12)", "b'100000000001'", SchemaType::BYTES, Value::bytes(vec![8, 1])),
            ("CHAR(3)", "'é'", SchemaType::STRING, Value::string("é")),
            ("VARCHAR(20)", "'😀 \\\\ \\''", SchemaType::STRING, Value::string("😀 \\ '")),
            ("TEXT", "''", SchemaType::STRING, Value::string("")),
            ("JSON", "'{\"a\": 1}'", SchemaType::STRING, Value::string("{\"a\": 1}")),
            ("ENUM('a','b')", "'b'", SchemaType::STRING, Value::string("b")),
            ("SET('a','b')", "'a,b'", SchemaType::STRING, Value::string("a,b")),
            ("BINARY(2)", "x'00ff'", SchemaType::BYTES, Value::bytes(vec![0, 255])),
            ("VARBINARY(5)", "x''", SchemaType::BYTES, Value::bytes(vec![])),
            ("LONGBLOB", "x'0001'", SchemaType::BYTES, Value::bytes(vec![0, 1])),
            ("DATE", "'2024-03-01'", SchemaType::INT32, Value::date(DAY)),
            ("DATE", "'9999-12-31'", SchemaType::INT32, Value::date(2_932_896)),
            ("TIME(3)", "'01:01:01.123'", SchemaType::INT32, Value::time(3_661_123)),
            ("DATETIME(6)", "'2024-03-01 01:01:01.123456'", SchemaType::INT64, Value::timestamp(MOMENT)),
            ("DATETIME", "'9999-12-31 23:59:59'", SchemaType::INT64, Value::timestamp(253_402_300_799_000)),
            ("YEAR", "2024", SchemaType::INT32, Value::date(19_723)),
        ],
    );
}

#[test]
fn zero_dates_of_mariadb_can_be_null() {
    let mut db = Db::on(Kind::MariaDb);
    db.run("CREATE TABLE zeros (day DATE NOT NULL, at DATETIME NOT NULL)");
    db.run("SET sql_mode = ''; INSERT INTO zeros VALUES ('0000-00-00', '0000-00-00 00:00:00')");
    db.url.push_str("&zeroDateTimeBehavior=convertToNull");
    let reads = poll(&mut db.started(&[("mode", "bulk"), ("table.whitelist", "zeros")]), 1);
    assert_eq!(record(&reads[0]).fields.to_vec(), [Value::NULL, Value::NULL]);
    validate(&record(&reads[0]).schema, &reads[0].record.value.value).unwrap();
}

#[test]
fn types_of_postgres() {
    check(
        Db::on(Kind::Postgres),
        "",
        &[],
        &[
            ("SMALLINT", "-32768", SchemaType::INT16, Value::int16(i16::MIN)),
            ("INTEGER", "2147483647", SchemaType::INT32, Value::int32(i32::MAX)),
            ("BIGINT", "-9223372036854775808", SchemaType::INT64, Value::int64(i64::MIN)),
            ("REAL", "1.5", SchemaType::FLOAT32, Value::float32(1.5)),
            ("DOUBLE PRECISION", "'NaN'", SchemaType::FLOAT64, Value::float64(f64::NAN)),
            ("NUMERIC(10,2)", "-12345678.90", SchemaType::BYTES, decimal(-1_234_567_890, 2)),
            ("NUMERIC(5)", "99999", SchemaType::BYTES, decimal(99_999, 0)),
            ("BOOLEAN", "true", SchemaType::BOOLEAN, Value::boolean(true)),
            ("BIT(1)", "B'1'", SchemaType::BOOLEAN, Value::boolean(true)),
            ("BIT(8)", "B'10000001'", SchemaType::INT8, Value::int8(-127)),
            ("CHAR(3)", "'é'", SchemaType::STRING, Value::string("é  ")),
            ("VARCHAR(20)", "'😀'", SchemaType::STRING, Value::string("😀")),
            ("TEXT", "''", SchemaType::STRING, Value::string("")),
            ("JSON", "'{\"a\": 1}'", SchemaType::STRING, Value::string("{\"a\": 1}")),
            ("JSONB", "'{\"a\":1}'", SchemaType::STRING, Value::string("{\"a\": 1}")),
            (
                "UUID",
                "'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'",
                SchemaType::STRING,
                Value::string("a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"),
            ),
            ("BYTEA", "'\\x00ff'", SchemaType::BYTES, Value::bytes(vec![0, 255])),
            ("DATE", "'2024-03-01'", SchemaType::INT32, Value::date(DAY)),
            ("TIME", "'01:01:01.123456'", SchemaType::INT32, Value::time(3_661_123)),
            ("TIMESTAMP", "'2024-03-01 01:01:01.123456'", SchemaType::INT64, Value::timestamp(MOMENT)),
            ("TIMESTAMP", "'1969-12-31 23:59:59.9995'", SchemaType::INT64, Value::timestamp(-1)),
            ("TIMESTAMPTZ", "'2024-03-01 03:01:01.123+02'", SchemaType::INT64, Value::timestamp(MOMENT)),
            ("TIMESTAMPTZ", "'9999-12-31 23:59:59Z'", SchemaType::INT64, Value::timestamp(253_402_300_799_000)),
        ],
    );
}

#[test]
fn numbers_of_postgres_can_be_mapped() {
    check(
        Db::on(Kind::Postgres),
        "",
        &[("numeric.mapping", "best_fit")],
        &[
            ("NUMERIC(18)", "-999999999999999999", SchemaType::INT64, Value::int64(-999_999_999_999_999_999)),
            ("NUMERIC(9)", "999999999", SchemaType::INT32, Value::int32(999_999_999)),
            ("NUMERIC(4)", "-9999", SchemaType::INT16, Value::int16(-9999)),
            ("NUMERIC(2)", "99", SchemaType::INT8, Value::int8(99)),
            ("NUMERIC(10,2)", "1.25", SchemaType::FLOAT64, Value::float64(1.25)),
            ("NUMERIC(30,2)", "1.25", SchemaType::BYTES, decimal(125, 2)),
        ],
    );
}

#[test]
fn columns_of_postgres_without_a_schema_are_left_out() {
    let mut db = Db::on(Kind::Postgres);
    db.run("CREATE TABLE odd (id INT, tags TEXT[], way POINT, span INTERVAL)");
    db.run("INSERT INTO odd VALUES (1, '{a}', '(1,2)', '1 day')");
    let mut source = db.started(&[("mode", "bulk"), ("table.whitelist", "odd")]);
    let reads = poll(&mut source, 1);
    assert_eq!(record(&reads[0]).fields.to_vec(), [Value::int32(1)]);
    let told = source.log().into_iter().find(|line| line.message.contains("left out")).expect("a warning");
    assert!(told.message.contains("tags") && told.message.contains("way"), "{}", told.message);
}

#[test]
fn types_of_sqlite() {
    check(
        Db::sqlite(),
        "",
        &[],
        &[
            ("INTEGER", "-9223372036854775808", SchemaType::INT64, Value::int64(i64::MIN)),
            ("SMALLINT", "-32768", SchemaType::INT16, Value::int16(i16::MIN)),
            ("BOOLEAN", "1", SchemaType::BOOLEAN, Value::boolean(true)),
            ("REAL", "1.5", SchemaType::FLOAT64, Value::float64(1.5)),
            ("DECIMAL(10,2)", "0.1 + 0.2", SchemaType::BYTES, decimal(30, 2)),
            ("VARCHAR(20)", "'😀'", SchemaType::STRING, Value::string("😀")),
            ("TEXT", "''", SchemaType::STRING, Value::string("")),
            ("BLOB", "x'00ff'", SchemaType::BYTES, Value::bytes(vec![0, 255])),
            ("DATE", "'2024-03-01'", SchemaType::INT32, Value::date(DAY)),
            ("TIME", "'01:01:01.123'", SchemaType::INT32, Value::time(3_661_123)),
            ("DATETIME", "'2024-03-01 01:01:01.123'", SchemaType::INT64, Value::timestamp(MOMENT)),
            ("TIMESTAMP", "1709254861123", SchemaType::INT64, Value::timestamp(MOMENT)),
        ],
    );
}

#[test]
fn names_are_never_read_as_sql() {
    for mut db in Db::all() {
        let quote = if db.kind == Some(Kind::MariaDb) { '`' } else { '"' };
        let quoted = |name: &str| format!("{quote}{}{quote}", name.replace(quote, &format!("{quote}{quote}")));
        for name in ["sélect ☃", "a-b.c", "x\"y`z", "order"] {
            let (table, column) = (quoted(name), quoted(&format!("{name} id")));
            db.run(&format!("CREATE TABLE {table} ({column} INTEGER NOT NULL PRIMARY KEY)"));
            db.run(&format!("INSERT INTO {table} VALUES (1), (2)"));
        }
        for name in ["sélect ☃", "a-b.c", "x\"y`z", "order"] {
            let column = format!("{name} id");
            let whitelist = if name == "order" { name.to_owned() } else { quoted(name) };
            let mut source = db.started(&[
                ("mode", "incrementing"),
                ("table.whitelist", &whitelist),
                ("incrementing.column.name", &column),
            ]);
            let reads = poll(&mut source, 2);
            assert_eq!(record(&reads[1]).get(&column).and_then(Value::as_integer), Some(2), "{name}");
            assert_eq!(reads[0].record.topic.as_str(), name);
        }
    }
}
