//! What parameters of URLs do, on real servers.

use crate::databases::{columns_and_rows, connect, new_database, refusal, rows, run, text, try_connect, with};
use ferroconnect_jdbc::db::{DbErrorKind, SqlValue, TypeClass};
use ferroconnect_test_servers::Kind;
use jiff::civil::{date, datetime};
use std::net::TcpListener;
use std::slice;

#[test]
fn parameters_of_postgresql() {
    let url = new_database(Kind::Postgres);
    run(connect(&url).as_mut(), "CREATE SCHEMA more");
    for (parameter, question, answer) in [
        ("currentSchema=more", "SELECT current_schema()::text", "more"),
        ("ApplicationName=shop", "SELECT current_setting('application_name')", "shop"),
        ("options=-c%20lock_timeout=300ms", "SELECT current_setting('lock_timeout')", "300ms"),
        ("readOnly=true", "SELECT current_setting('transaction_read_only')", "on"),
        ("targetServerType=primary", "SELECT pg_is_in_recovery()::text", "false"),
    ] {
        assert_eq!(rows(connect(&with(&url, parameter)).as_mut(), question), [[text(answer)]], "{parameter}");
    }
    let error = refusal(&with(&url, "targetServerType=secondary"));
    assert!(error.may_work_later() && error.to_string().contains("the server is not a secondary"), "{error}");
}

#[test]
fn a_login_to_postgresql_takes_no_longer_than_it_may() {
    // The system takes connections for whoever listens; nobody ever looks at them.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = silent.local_addr().unwrap();
    let error = refusal(&format!("jdbc:postgresql://{address}/x?user=u&loginTimeout=1"));
    assert_eq!(error.kind(), DbErrorKind::Connection, "{error}");
    assert!(error.to_string().ends_with(&format!("{address}: no login within 1 s")), "{error}");
}

#[test]
fn parameters_of_mysql() {
    let url = new_database(Kind::MariaDb);
    let shown = |parameter: &str, question: &str| rows(connect(&with(&url, parameter)).as_mut(), question);
    let compression = "SHOW STATUS LIKE 'Compression'";
    for (parameter, is_on) in [("useCompression=true", "ON"), ("useCompression=false", "OFF")] {
        assert_eq!(shown(parameter, compression)[0][1], text(is_on), "{parameter}");
    }
    let session = "SELECT CAST(@@wait_timeout AS CHAR), @@sql_auto_is_null";
    let set = shown("sessionVariables=wait_timeout=77,sql_auto_is_null=1", session);
    assert_eq!(set, [[text("77"), SqlValue::Int(1)]]);

    run(connect(&url).as_mut(), "CREATE TABLE t (flag TINYINT(1), year YEAR)");
    run(connect(&url).as_mut(), "INSERT INTO t VALUES (1, 2024)");
    let number = |bits| TypeClass::Integer { bits, unsigned: false };
    let (bit, one) = ((TypeClass::Bit(1), SqlValue::Int(1)), (number(8), SqlValue::Int(1)));
    let day = (TypeClass::Date, SqlValue::Date(date(2024, 1, 1)));
    for (parameter, flag, year) in [
        ("tinyInt1isBit=true&yearIsDateType=true", &bit, &day),
        ("tinyInt1isBit=false", &one, &day),
        ("tinyInt1isBit=false&transformedBitIsBoolean=true", &one, &day),
        ("transformedBitIsBoolean=true", &(TypeClass::Bool, SqlValue::Bool(true)), &day),
        ("yearIsDateType=false", &bit, &(number(16), SqlValue::Int(2024))),
    ] {
        let (columns, rows) = columns_and_rows(connect(&with(&url, parameter)).as_mut(), "SELECT * FROM t");
        let found: Vec<_> = columns.iter().map(|column| column.class).zip(rows[0].clone()).collect();
        assert_eq!(found.iter().collect::<Vec<_>>(), [flag, year], "{parameter}");
    }
}

#[test]
fn parameters_of_sqlite() {
    let folder = tempfile::TempDir::new().unwrap();
    let url = format!("jdbc:sqlite:{}", folder.path().join("test.db").display());
    assert!(try_connect(&with(&url, "mode=ro")).is_err(), "nothing is made");
    run(connect(&url).as_mut(), "CREATE TABLE t (at DATETIME)");
    for (parameter, question, answer) in [
        ("journal_mode=WAL", "PRAGMA journal_mode", text("wal")),
        ("synchronous=OFF", "PRAGMA synchronous", SqlValue::Int(0)),
        ("foreign_keys=true", "PRAGMA foreign_keys", SqlValue::Int(1)),
        ("busy_timeout=77", "PRAGMA busy_timeout", SqlValue::Int(77)),
    ] {
        assert_eq!(rows(connect(&with(&url, parameter)).as_mut(), question), [[answer]], "{parameter}");
    }
    let at = [SqlValue::DateTime(datetime(2024, 2, 29, 1, 2, 3, 4_000_000))];
    for (parameter, stored) in
        [("date_class=INTEGER", ["integer", "1709168523004"]), ("date_class=TEXT", ["text", "2024-02-29 01:02:03.004"])]
    {
        let mut connection = connect(&with(&url, parameter));
        connection.execute("INSERT INTO t VALUES (?)", &at).unwrap();
        let written = rows(connection.as_mut(), "SELECT typeof(at), CAST(at AS TEXT) FROM t");
        assert_eq!(written, [stored.map(text)], "{parameter}");
        // Both are read, whatever is written.
        assert_eq!(rows(connect(&url).as_mut(), "SELECT at FROM t"), slice::from_ref(&at), "{parameter}");
        run(connection.as_mut(), "DELETE FROM t");
    }
    let refused = connect(&with(&url, "mode=ro")).execute("INSERT INTO t VALUES (1)", &[]).unwrap_err();
    assert!(refused.to_string().contains("readonly"), "{refused}");
}
