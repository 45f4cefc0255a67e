//! Types of columns with values at their edges.

use super::place::Database;
use Form::{Bytes, Float, Plain, Text};

/// How the content of a column is shown, so that equal contents of columns of different types look the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// As the database prints it, without zeros at the end of a fraction.
    Plain,
    /// As a 64-bit float.
    Float,
    /// Every character, those at the ends too.
    Text,
    /// Every byte.
    Bytes,
}

/// A type as it is declared, how its content is shown, and literals of values. NULL is tried with each.
pub(crate) type Case = (&'static str, Form, &'static [&'static str]);

/// All types of a database that can be copied, or are left out.
pub(crate) fn of(database: Database) -> &'static [Case] {
    match database {
        Database::MariaDb => MARIADB,
        Database::Postgres => POSTGRES,
        Database::Sqlite => SQLITE,
    }
}

const MARIADB: &[Case] = &[
    ("TINYINT", Plain, &["-128", "127"]),
    ("TINYINT(1)", Plain, &["-128", "0", "1"]),
    ("TINYINT UNSIGNED", Plain, &["0", "255"]),
    ("BOOLEAN", Plain, &["TRUE", "FALSE"]),
    ("SMALLINT", Plain, &["-32768", "32767"]),
    ("SMALLINT UNSIGNED", Plain, &["65535"]),
    ("MEDIUMINT", Plain, &["-8388608", "8388607"]),
    ("MEDIUMINT UNSIGNED", Plain, &["16777215"]),
    ("INT", Plain, &["-2147483648", "2147483647"]),
    ("INT UNSIGNED", Plain, &["4294967295"]),
    ("BIGINT", Plain, &["-9223372036854775808", "9223372036854775807"]),
    ("BIGINT UNSIGNED", Plain, &["0", "9223372036854775807"]),
    ("FLOAT", Float, &["0.1", "-3.4028234e38", "1.1754944e-38"]),
    ("DOUBLE", Float, &["0.1", "1.7976931348623157e308", "-2.2250738585072014e-308", "1e23"]),
    ("DECIMAL(10,2)", Plain, &["-12345678.90", "0.01", "0"]),
    ("DECIMAL(20,0)", Plain, &["-99999999999999999999", "7"]),
    ("DECIMAL(65,30)", Plain, &["12345678901234567890123456789012345.123456789012345678901234567899", "0.5"]),
    ("DECIMAL(38,38)", Plain, &["0.00000000000000000000000000000000000001", "0.5"]),
    ("BIT(1)", Bytes, &["b'0'", "b'1'"]),
    ("BIT(8)", Bytes, &["b'00000001'", "b'10000001'"]),
    ("BIT(64)", Bytes, &["b'1000000000000000000000000000000000000000000000000000000000000001'"]),
    ("CHAR(3)", Text, &["'ab'", "'é'"]),
    ("VARCHAR(40)", Text, &["'größe 表 😀 \\\\ '''", "' x '", "''"]),
    ("TINYTEXT", Text, &["''"]),
    ("TEXT", Text, &["'one\\ntwo\\t\"three\"'"]),
    ("MEDIUMTEXT", Text, &["'x'"]),
    ("LONGTEXT", Text, &["'x'"]),
    ("BINARY(3)", Bytes, &["X'00FF'"]),
    ("VARBINARY(5)", Bytes, &["X'00FF5C27'", "X''"]),
    ("TINYBLOB", Bytes, &["X'00'"]),
    ("BLOB", Bytes, &["X'FF'"]),
    ("MEDIUMBLOB", Bytes, &["X'00'"]),
    ("LONGBLOB", Bytes, &["X'00'"]),
    ("ENUM('a','b')", Text, &["'b'"]),
    ("SET('a','b','c')", Text, &["'a,c'", "''"]),
    ("JSON", Text, &["'{\"a\": 1}'", "'null'"]),
    ("UUID", Text, &["'00112233-4455-6677-8899-aabbccddeeff'"]),
    ("INET4", Text, &["'10.0.0.1'"]),
    ("INET6", Text, &["'::1'"]),
    ("DATE", Plain, &["'1000-01-01'", "'1582-10-04'", "'1582-10-10'", "'1970-01-01'", "'9999-12-31'"]),
    ("TIME", Plain, &["'00:00:00'", "'23:59:59'"]),
    ("TIME(6)", Plain, &["'23:59:59.999'", "'23:59:59.999999'"]),
    ("DATETIME", Plain, &["'1000-01-01 00:00:00'", "'1969-12-31 23:59:59'", "'9999-12-31 23:59:59'"]),
    ("DATETIME(3)", Plain, &["'2024-02-29 01:02:03.004'"]),
    ("DATETIME(6)", Plain, &["'2024-02-29 01:02:03.000001'"]),
    ("TIMESTAMP", Plain, &["'1970-01-02 00:00:01'", "'2038-01-18 03:14:07'"]),
    ("TIMESTAMP(6)", Plain, &["'2024-02-29 01:02:03.004'", "'2024-02-29 01:02:03.004005'"]),
    ("YEAR", Plain, &["1901", "2155"]),
    ("POINT", Bytes, &["ST_GeomFromText('POINT(1 2)')"]),
];

const POSTGRES: &[Case] = &[
    ("boolean", Plain, &["true", "false"]),
    ("smallint", Plain, &["-32768", "32767"]),
    ("integer", Plain, &["-2147483648", "2147483647"]),
    ("bigint", Plain, &["-9223372036854775808", "9223372036854775807"]),
    ("oid", Plain, &["4294967295"]),
    ("positive", Plain, &["2147483647"]),
    ("real", Float, &["'0.1'", "'-3.4028235e38'", "'1.1754944e-38'"]),
    ("double precision", Float, &["'0.1'", "'1.7976931348623157e308'", "'-2.2250738585072014e-308'", "'1e23'"]),
    ("numeric(10,2)", Plain, &["-12345678.90", "0.01", "0"]),
    ("numeric(20,0)", Plain, &["-99999999999999999999", "7"]),
    ("numeric(40,20)", Plain, &["12345678901234567890.12345678901234567899"]),
    ("numeric(3,-3)", Plain, &["123456"]),
    ("numeric", Plain, &["-12345.6789", "0", "1e-30", "1e-40"]),
    ("money", Plain, &["'12.34'"]),
    ("bit", Plain, &["B'0'", "B'1'"]),
    ("bit(8)", Plain, &["B'00000001'", "B'10000001'"]),
    ("bit(9)", Plain, &["B'100000001'"]),
    ("varbit", Plain, &["B'101'"]),
    ("char(3)", Text, &["'ab'", "'é'"]),
    ("varchar(40)", Text, &["'größe 表 😀 \\ '''", "' x '", "''"]),
    ("text", Text, &["E'one\\ntwo\\t\"three\"'", "''"]),
    ("name", Text, &["'n'"]),
    ("\"char\"", Text, &["'x'"]),
    ("bytea", Bytes, &["'\\x00ff5c27'", "''"]),
    ("json", Text, &["'{\"a\":1}'", "'null'"]),
    ("jsonb", Text, &["'{\"a\": 1}'"]),
    ("uuid", Text, &["'00112233-4455-6677-8899-aabbccddeeff'"]),
    ("xml", Text, &["'<a/>'"]),
    ("mood", Text, &["'happy'"]),
    ("date", Plain, &["'1000-01-01'", "'1582-10-04'", "'1582-10-10'", "'1970-01-01'", "'9999-12-31'"]),
    ("time", Plain, &["'00:00:00'", "'23:59:59.999'", "'23:59:59.999999'"]),
    ("timetz", Plain, &["'01:00:00+02'"]),
    ("timestamp", Plain, &["'1000-01-01 00:00:00'", "'2024-02-29 01:02:03.004'", "'2024-02-29 01:02:03.000001'"]),
    ("timestamp(0)", Plain, &["'1969-12-31 23:59:59'", "'9999-12-31 23:59:59'"]),
    ("timestamptz", Plain, &["'2024-02-29 01:02:03.004+01'"]),
    ("interval", Plain, &["'1 day'"]),
    ("inet", Plain, &["'127.0.0.1'"]),
    ("cidr", Plain, &["'10.0.0.0/8'"]),
    ("macaddr", Plain, &["'08:00:2b:01:02:03'"]),
    ("integer[]", Plain, &["'{1,2}'"]),
    ("text[]", Plain, &["'{a,b}'"]),
    ("point", Plain, &["'(1,2)'"]),
    ("int4range", Plain, &["'[1,2)'"]),
    ("tsvector", Plain, &["'a b'"]),
];

const SQLITE: &[Case] = &[
    ("BOOLEAN", Plain, &["0", "1"]),
    ("TINYINT", Plain, &["-128", "127"]),
    ("SMALLINT", Plain, &["-32768", "32767"]),
    ("INT", Plain, &["-9223372036854775808"]),
    ("INTEGER", Plain, &["-9223372036854775808", "9223372036854775807"]),
    ("BIGINT", Plain, &["9223372036854775807"]),
    ("UNSIGNED BIG INT", Plain, &["9223372036854775807"]),
    ("REAL", Float, &["0.1", "1.7976931348623157e308", "-2.2250738585072014e-308", "1e23", "2.0"]),
    ("FLOAT", Float, &["0.1"]),
    ("DOUBLE PRECISION", Float, &["0.1"]),
    ("NUMERIC", Plain, &["12.5", "7", "9223372036854775807"]),
    ("NUMERIC(10,2)", Plain, &["-12345678.90", "0.01", "0"]),
    ("DECIMAL(20,5)", Plain, &["0.1", "123456789012345"]),
    ("CHARACTER(20)", Text, &["'ab '"]),
    ("VARCHAR(40)", Text, &["'größe 表 😀 \\ '''", "''"]),
    ("NVARCHAR(40)", Text, &["'é'"]),
    ("TEXT", Text, &["'5'", "'one' || char(10) || 'two'"]),
    ("CLOB", Text, &["'x'"]),
    ("JSON", Text, &["'{\"a\": 1}'"]),
    ("UUID", Text, &["'00112233-4455-6677-8899-aabbccddeeff'"]),
    ("BLOB", Bytes, &["X'00FF5C27'", "X''"]),
    ("DATE", Plain, &["'1000-01-01'", "'1582-10-10'", "'1970-01-01'", "'9999-12-31'"]),
    ("TIME", Plain, &["'00:00:00'", "'23:59:59.999'"]),
    ("DATETIME", Plain, &["'1969-12-31 23:59:59'", "'2024-02-29 01:02:03.004'", "'9999-12-31 23:59:59'"]),
    ("TIMESTAMP", Plain, &["'2024-02-29 01:02:03.000001'", "'2024-02-29T01:02:03Z'", "1709168523004"]),
];

/// Who cannot take a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refuser {
    /// The source that reads it.
    Source,
    /// The sink that writes to this database.
    SinkTo(Database),
}

/// Values that fail a task: the database, the type, the literal, and whose task it is.
pub(crate) const REFUSED: &[(Database, &str, &str, Refuser)] = &[
    (Database::MariaDb, "BIGINT UNSIGNED", "9223372036854775808", Refuser::Source),
    (Database::MariaDb, "TIME", "'-00:00:01'", Refuser::Source),
    (Database::MariaDb, "TIME", "'24:00:00'", Refuser::Source),
    (Database::MariaDb, "DATE", "'0000-00-00'", Refuser::Source),
    (Database::MariaDb, "VARCHAR(3)", "'a\\0b'", Refuser::SinkTo(Database::Postgres)),
    (Database::Postgres, "numeric", "'NaN'", Refuser::Source),
    (Database::Postgres, "date", "'infinity'", Refuser::Source),
    (Database::Postgres, "timestamp", "'-infinity'", Refuser::Source),
    (Database::Postgres, "timestamptz", "'10000-01-01 00:00:00+00'", Refuser::Source),
    (Database::Postgres, "time", "'24:00:00'", Refuser::Source),
    (Database::Postgres, "double precision", "'NaN'", Refuser::SinkTo(Database::MariaDb)),
    (Database::Postgres, "real", "'Infinity'", Refuser::SinkTo(Database::MariaDb)),
    (Database::Postgres, "numeric", "1e36", Refuser::SinkTo(Database::MariaDb)),
    (Database::Sqlite, "TINYINT", "128", Refuser::Source),
    (Database::Sqlite, "INTEGER", "'text'", Refuser::Source),
];
