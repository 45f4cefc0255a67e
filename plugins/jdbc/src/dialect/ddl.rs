//! Tables made and altered after what records look like.

use super::{Database, Dialect, TableId};
use crate::db::SqlValue;

/// The scale of decimals whose column leaves it to each value.
pub(crate) const OPEN_SCALE: i32 = 127;
/// The most digits behind the point that MySQL has (MariaDB: 38).
const MYSQL_SCALE: i32 = 30;
/// The most digits that PostgreSQL lets a column declare.
const POSTGRES_DIGITS: i32 = 1000;

/// What a record's field holds, as far as column types depend on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ColumnKind {
    /// `int8`.
    Int8,
    /// `int16`.
    Int16,
    /// `int32`.
    Int32,
    /// `int64`.
    Int64,
    /// `float32`.
    Float32,
    /// `float64`.
    Float64,
    /// `boolean`.
    Boolean,
    /// `string`.
    String,
    /// `bytes`.
    Bytes,
    /// Connect's Decimal.
    Decimal {
        /// Digits behind the point.
        scale: i32,
    },
    /// Connect's Date.
    Date,
    /// Connect's Time.
    Time,
    /// Connect's Timestamp, in milliseconds.
    Timestamp,
    /// A field of `timestamp.fields.list`, with micro- or nanoseconds.
    FineTimestamp,
    /// An array of something; PostgreSQL only.
    Array(Box<ColumnKind>),
}

/// A column to be made.
#[derive(Debug, Clone, PartialEq)]
pub struct NewColumn {
    /// Its name.
    pub name: String,
    /// What it holds.
    pub kind: ColumnKind,
    /// Whether it may be NULL.
    pub optional: bool,
    /// Its default.
    pub default: Option<SqlValue>,
    /// Whether it is part of the primary key.
    pub key: bool,
}

impl Dialect {
    /// The type of a column that holds this; none where the database has no such type. Types of keys on MySQL have a
    /// length, for it indexes no other text.
    pub fn column_type(&self, kind: &ColumnKind, key: bool) -> Option<String> {
        let name = match self.database {
            Database::MySql => return mysql_type(kind, key),
            Database::Postgres => return postgres_type(kind),
            Database::Sqlite => return sqlite_type(kind),
            Database::OpenMldb => openmldb_type(kind)?,
        };
        Some(name.to_owned())
    }

    /// `CREATE TABLE`, with the keys as primary key. The error names a column that the database has no type for.
    pub fn create_table(&self, table: &TableId, columns: &[NewColumn]) -> Result<String, String> {
        let mut lines = columns.iter().map(|column| self.column_line(column)).collect::<Result<Vec<_>, _>>()?;
        let keys: Vec<&str> = columns.iter().filter(|column| column.key).map(|column| column.name.as_str()).collect();
        if !keys.is_empty() && self.database != Database::OpenMldb {
            lines.push(format!("PRIMARY KEY({})", self.list(&keys)));
        }
        Ok(format!("CREATE TABLE {} (\n{}\n)", self.table(table), lines.join(",\n")))
    }

    /// The statements that add these columns. The error names a column that the database has no type for.
    pub fn add_columns(&self, table: &TableId, columns: &[NewColumn]) -> Result<Vec<String>, String> {
        let added = |column| self.column_line(column).map(|line| format!("ADD {line}"));
        let added = columns.iter().map(added).collect::<Result<Vec<_>, _>>()?;
        let alter = |what: &str| format!("ALTER TABLE {} {what}", self.table(table));
        Ok(match self.database {
            Database::Sqlite => added.iter().map(|one| alter(one)).collect(),
            _ => vec![alter(&added.join(",\n"))],
        })
    }

    fn column_line(&self, column: &NewColumn) -> Result<String, String> {
        let Some(kind) = self.column_type(&column.kind, column.key) else {
            let (name, kind) = (&column.name, &column.kind);
            return Err(format!("Field {name:?} is {kind:?}, which {} has no column type for", self.database));
        };
        let line = format!("{} {kind}", self.name(&column.name));
        let null = match (&column.default, column.optional) {
            // A null default says no more than that the column may be null.
            (Some(default), _) if !default.is_null() => format!("DEFAULT {}", self.default_literal(column, default)?),
            (_, true) if self.database == Database::OpenMldb => return Ok(line),
            (_, true) => "NULL".to_owned(),
            (_, false) => "NOT NULL".to_owned(),
        };
        Ok(format!("{line} {null}"))
    }

    fn default_literal(&self, column: &NewColumn, value: &SqlValue) -> Result<String, String> {
        let name = &column.name;
        let literal = self.literal(value);
        let literal =
            literal.ok_or_else(|| format!("Field {name:?} has a default that SQL cannot write: {value:?}"))?;
        let large = matches!(column.kind, ColumnKind::String | ColumnKind::Bytes) && !column.key;
        // MySQL takes a default of a large type as an expression only.
        Ok(if self.database == Database::MySql && large { format!("({literal})") } else { literal })
    }

    /// A value written out in SQL; none for what cannot be (arrays, NaN where there is none).
    pub fn literal(&self, value: &SqlValue) -> Option<String> {
        let keyword = matches!(self.database, Database::Postgres | Database::OpenMldb);
        Some(match value {
            SqlValue::Null => "NULL".to_owned(),
            SqlValue::Bool(value) if keyword => value.to_string(),
            SqlValue::Bool(value) => u8::from(*value).to_string(),
            SqlValue::Int(value) => value.to_string(),
            SqlValue::UInt(value) => value.to_string(),
            SqlValue::Float(value) => self.float_literal(f64::from(*value), value.to_string())?,
            SqlValue::Double(value) => self.float_literal(*value, value.to_string())?,
            SqlValue::Decimal(value) => value.to_string(),
            SqlValue::Text(text) => self.text_literal(text)?,
            SqlValue::Bytes(bytes) => {
                let digits: String = bytes.iter().map(|byte| format!("{byte:02X}")).collect();
                match self.database {
                    Database::Postgres => format!("'\\x{digits}'"),
                    _ => format!("X'{digits}'"),
                }
            }
            SqlValue::Date(date) => format!("'{date}'"),
            SqlValue::Time(nanos) => format!("'{}'", time_text(*nanos, 6)),
            SqlValue::DateTime(time) => format!("'{}'", date_time_text(*time, 6)),
            SqlValue::Instant(instant) => format!("'{instant}'"),
            SqlValue::Array(_) => return None,
        })
    }

    fn float_literal(&self, value: f64, text: String) -> Option<String> {
        match (self.database, value.is_finite()) {
            (_, true) => Some(text),
            (Database::Postgres, false) => Some(format!("'{}'", text.replace("inf", "Infinity"))),
            _ => None,
        }
    }

    fn text_literal(&self, text: &str) -> Option<String> {
        let quoted = text.replace('\'', "''");
        match self.database {
            // Where backslashes escape or do not is a setting of the session; written as bytes no setting matters.
            Database::MySql if text.contains('\\') => {
                let digits: String = text.bytes().map(|byte| format!("{byte:02X}")).collect();
                Some(format!("CONVERT(X'{digits}' USING utf8mb4)"))
            }
            Database::Postgres if text.contains('\\') => Some(format!("E'{}'", quoted.replace('\\', "\\\\"))),
            Database::OpenMldb if text.contains('\\') => Some(format!("'{}'", quoted.replace('\\', "\\\\"))),
            // Neither can hold it.
            Database::Postgres | Database::Sqlite if text.contains('\0') => None,
            _ => Some(format!("'{quoted}'")),
        }
    }
}

/// `hh:mm:ss` with so many digits of the fraction of a second, at most 9.
pub(crate) fn time_text(nanos: i64, digits: usize) -> String {
    let sign = if nanos < 0 { "-" } else { "" };
    let nanos = nanos.unsigned_abs();
    let (seconds, fraction) = (nanos / 1_000_000_000, nanos % 1_000_000_000);
    let fraction = format!("{fraction:09}");
    format!("{sign}{:02}:{:02}:{:02}.{}", seconds / 3600, seconds / 60 % 60, seconds % 60, &fraction[..digits])
}

/// `yyyy-mm-dd hh:mm:ss` with so many digits of the fraction of a second, at most 9.
pub(crate) fn date_time_text(time: jiff::civil::DateTime, digits: usize) -> String {
    let fraction = format!("{:09}", time.subsec_nanosecond());
    format!("{} {}.{}", time.date(), time.strftime("%H:%M:%S"), &fraction[..digits])
}

fn mysql_type(kind: &ColumnKind, key: bool) -> Option<String> {
    let name = match kind {
        ColumnKind::Int8 | ColumnKind::Boolean => "TINYINT",
        ColumnKind::Int16 => "SMALLINT",
        ColumnKind::Int32 => "INT",
        ColumnKind::Int64 => "BIGINT",
        ColumnKind::Float32 => "FLOAT",
        ColumnKind::Float64 => "DOUBLE",
        // Keys that differ in case only are different keys, which they are not by the usual collations.
        ColumnKind::String if key => "VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin",
        ColumnKind::String => "LONGTEXT",
        ColumnKind::Bytes if key => "VARBINARY(255)",
        ColumnKind::Bytes => "LONGBLOB",
        ColumnKind::Decimal { scale } => return Some(format!("DECIMAL(65,{})", (*scale).clamp(0, MYSQL_SCALE))),
        ColumnKind::Date => "DATE",
        ColumnKind::Time => "TIME(3)",
        ColumnKind::Timestamp => "DATETIME(3)",
        ColumnKind::FineTimestamp => "DATETIME(6)",
        ColumnKind::Array(_) => return None,
    };
    Some(name.to_owned())
}

fn postgres_type(kind: &ColumnKind) -> Option<String> {
    let name = match kind {
        ColumnKind::Int8 | ColumnKind::Int16 => "SMALLINT",
        ColumnKind::Int32 => "INT",
        ColumnKind::Int64 => "BIGINT",
        ColumnKind::Float32 => "REAL",
        ColumnKind::Float64 => "DOUBLE PRECISION",
        ColumnKind::Boolean => "BOOLEAN",
        ColumnKind::String => "TEXT",
        ColumnKind::Bytes => "BYTEA",
        ColumnKind::Decimal { scale: OPEN_SCALE } => "DECIMAL",
        // With its scale, or whoever reads the column would not know it.
        ColumnKind::Decimal { scale } => {
            return Some(format!("DECIMAL({POSTGRES_DIGITS},{})", (*scale).clamp(0, POSTGRES_DIGITS)));
        }
        ColumnKind::Date => "DATE",
        ColumnKind::Time => "TIME",
        ColumnKind::Timestamp | ColumnKind::FineTimestamp => "TIMESTAMP",
        ColumnKind::Array(element) => return postgres_type(element).map(|element| format!("{element}[]")),
    };
    Some(name.to_owned())
}

/// SQLite stores a value in the same way in a column of any of NUMERIC, BOOLEAN, DATE, TIME and DATETIME; the name tells
/// whoever reads the column what the value is.
fn sqlite_type(kind: &ColumnKind) -> Option<String> {
    let name = match kind {
        ColumnKind::Int8 | ColumnKind::Int16 | ColumnKind::Int32 | ColumnKind::Int64 => "INTEGER",
        ColumnKind::Boolean => "BOOLEAN",
        ColumnKind::Float32 | ColumnKind::Float64 => "REAL",
        ColumnKind::String => "TEXT",
        ColumnKind::Bytes => "BLOB",
        ColumnKind::Decimal { scale: OPEN_SCALE } => "NUMERIC",
        ColumnKind::Decimal { scale } => return Some(format!("NUMERIC(65,{})", (*scale).max(0))),
        ColumnKind::Date => "DATE",
        ColumnKind::Time => "TIME",
        ColumnKind::Timestamp | ColumnKind::FineTimestamp => "DATETIME",
        ColumnKind::Array(_) => return None,
    };
    Some(name.to_owned())
}

fn openmldb_type(kind: &ColumnKind) -> Option<&'static str> {
    Some(match kind {
        ColumnKind::Int16 => "SMALLINT",
        ColumnKind::Int32 => "INT",
        ColumnKind::Int64 => "BIGINT",
        ColumnKind::Float32 => "FLOAT",
        ColumnKind::Float64 => "DOUBLE",
        ColumnKind::Boolean => "BOOL",
        ColumnKind::String => "VARCHAR",
        ColumnKind::Date => "DATE",
        ColumnKind::Timestamp => "TIMESTAMP",
        // It has no type for times of day: in a DATE nothing would be left of them.
        ColumnKind::Time
        | ColumnKind::Int8
        | ColumnKind::Bytes
        | ColumnKind::Decimal { .. }
        | ColumnKind::FineTimestamp
        | ColumnKind::Array(_) => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::super::quoting;
    use super::*;

    fn column(name: &str, kind: ColumnKind, key: bool) -> NewColumn {
        NewColumn { name: name.into(), kind, optional: !key, default: None, key }
    }

    #[test]
    fn a_text_key_of_mysql_has_a_length() {
        let columns = [column("id", ColumnKind::String, true), column("a", ColumnKind::String, false)];
        let sql = quoting(Database::MySql).create_table(&TableId::bare("t"), &columns).unwrap();
        assert_eq!(
            sql,
            "CREATE TABLE `t` (\n`id` VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,\n`a` LONGTEXT NULL,\nPRIMARY KEY(`id`)\n)"
        );
    }

    #[test]
    fn defaults_cannot_leave_their_quotes() {
        let mut text = column("a", ColumnKind::String, false);
        text.default = Some(SqlValue::Text("it's \\' x".into()));
        let sql = quoting(Database::Postgres).add_columns(&TableId::bare("t"), &[text.clone()]).unwrap();
        assert_eq!(sql, ["ALTER TABLE \"t\" ADD \"a\" TEXT DEFAULT E'it''s \\\\'' x'"]);
        text.default = Some(SqlValue::Text("it's".into()));
        let sql = quoting(Database::MySql).add_columns(&TableId::bare("t"), &[text]).unwrap();
        assert_eq!(sql, ["ALTER TABLE `t` ADD `a` LONGTEXT DEFAULT ('it''s')"]);
    }

    #[test]
    fn decimals_keep_their_scale_as_far_as_the_database_has_it() {
        let types = |database| {
            [2, 127, -3, 40].map(|scale| quoting(database).column_type(&ColumnKind::Decimal { scale }, false).unwrap())
        };
        assert_eq!(types(Database::MySql), ["DECIMAL(65,2)", "DECIMAL(65,30)", "DECIMAL(65,0)", "DECIMAL(65,30)"]);
        let postgres = ["DECIMAL(1000,2)", "DECIMAL", "DECIMAL(1000,0)", "DECIMAL(1000,40)"];
        assert_eq!(types(Database::Postgres), postgres);
        assert_eq!(types(Database::Sqlite), ["NUMERIC(65,2)", "NUMERIC", "NUMERIC(65,0)", "NUMERIC(65,40)"]);
    }

    #[test]
    fn a_missing_type_names_the_field() {
        let columns = [column("small", ColumnKind::Int8, false)];
        let error = quoting(Database::OpenMldb).create_table(&TableId::bare("t"), &columns).unwrap_err();
        assert!(error.contains("\"small\"") && error.contains("OpenMLDB"), "{error}");
    }

    #[test]
    fn times_as_text() {
        assert_eq!(time_text(-3_661_000_000_001, 9), "-01:01:01.000000001");
        assert_eq!(
            date_time_text(jiff::civil::datetime(2024, 2, 29, 1, 2, 3, 4_000_000), 3),
            "2024-02-29 01:02:03.004"
        );
    }
}
