//! OpenMLDB by its API server: tables looked up and created, rows inserted. There are no keys, no transactions and no
//! other changes of rows.
//!
//! What is here is written after the documentation of the API server (its REST interface always answers with HTTP status
//! 200 and tells failures by a `code` other than 0).

mod literal;

use crate::db::{
    Column, Connection, DbError, DbErrorKind, DbResult, Ended, Interrupter, Isolation, RowSink, SqlValue, TableFilter,
    TableKind, TypeClass,
};
use crate::dialect::{Dialect, Dml, TableId};
use crate::url::JdbcUrl;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};
use std::fmt::Display;
use std::time::{Duration, Instant};
use ureq::Agent;

/// The parameter of the URL that names the API server.
pub(crate) const API_SERVER: &str = "apiServer";
/// The key of the sink that does.
pub(crate) const API_SERVER_KEY: &str = "openmldb.api.server";

/// The longest wait for one answer.
const TIMEOUT: Duration = Duration::from_secs(60);
/// Within which time a table that was created shows.
const SHOWS_WITHIN: Duration = Duration::from_secs(5);
/// How long to wait from one look for it to the next.
const LOOK_AGAIN: Duration = Duration::from_millis(200);
/// About how long the text of one statement may be, in bytes.
const STATEMENT: usize = 1024 * 1024;
/// The longest answer that is read: a list of tables, in bytes.
const ANSWER: u64 = 256 * 1024 * 1024;

/// What is said where nobody says where the API server is.
pub(crate) fn missing_server() -> String {
    format!(
        "OpenMLDB is written to by its API server, which ZooKeeper does not list: add {API_SERVER_KEY}=host:port (the \
         usual ports are 9080 in a cluster and 8080 standalone)"
    )
}

/// An API server and one of its databases.
pub(crate) struct OpenMldbConnection {
    agent: Agent,
    server: String,
    database: String,
    dialect: Dialect,
    /// When this connection created a table last.
    created: Option<Instant>,
}

impl OpenMldbConnection {
    /// Asks the server for the database.
    pub(crate) fn open(url: &JdbcUrl, dialect: Dialect) -> DbResult<OpenMldbConnection> {
        let permanent = |why: String| DbError::new(DbErrorKind::Permanent, why);
        let server = url.parameters.get(&[API_SERVER]).ok_or_else(|| permanent(missing_server()))?;
        let server = if server.contains("://") { server.to_owned() } else { format!("http://{server}") };
        let config = Agent::config_builder().timeout_global(Some(TIMEOUT)).http_status_as_error(false).build();
        let connection = OpenMldbConnection {
            agent: config.new_agent(),
            server: server.trim_end_matches('/').to_owned(),
            database: url.name.clone(),
            dialect,
            created: None,
        };
        let answer = connection.get("/dbs")?;
        let known: Vec<&str> = answer["dbs"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        if !known.contains(&connection.database.as_str()) {
            let (name, known) = (&connection.database, known.join(", "));
            return Err(permanent(format!(
                "There is no database {name} on {}; it has {known}. Create it first: CREATE DATABASE {name}",
                connection.server
            )));
        }
        Ok(connection)
    }

    fn get(&self, path: &str) -> DbResult<Value> {
        let answer = self.agent.get(format!("{}{path}", self.server)).call();
        self.read(path, answer)
    }

    fn post(&self, path: &str, body: &Value) -> DbResult<Value> {
        let answer = self.agent.post(format!("{}{path}", self.server)).send_json(body);
        self.read(path, answer)
    }

    fn read(&self, path: &str, answer: Result<ureq::http::Response<ureq::Body>, ureq::Error>) -> DbResult<Value> {
        let lost = |error: &dyn Display| {
            let server = &self.server;
            DbError::new(DbErrorKind::Connection, format!("The API server {server} did not answer {path}: {error}"))
        };
        let mut answer = answer.map_err(|error| lost(&error))?;
        if !answer.status().is_success() {
            return Err(lost(&format_args!("status {}", answer.status())));
        }
        let body = answer.body_mut().with_config().limit(ANSWER).read_json::<Value>();
        let body = body.map_err(|error| lost(&error))?;
        match body["code"].as_i64() {
            Some(0) => Ok(body),
            _ => {
                let message = body["msg"].as_str().unwrap_or("an answer without code and message").to_owned();
                Err(DbError::new(kind_of(&message), message))
            }
        }
    }

    /// Runs SQL of any kind.
    fn run(&self, sql: &str) -> DbResult<()> {
        let database = utf8_percent_encode(&self.database, NON_ALPHANUMERIC);
        self.post(&format!("/dbs/{database}"), &json!({"mode": "online", "sql": sql})).map(|_| ())
    }

    /// The description of a table. A table that is new shows after a refresh.
    fn describe_table(&self, name: &str) -> DbResult<Option<Value>> {
        let database = utf8_percent_encode(&self.database, NON_ALPHANUMERIC);
        let path = format!("/dbs/{database}/tables");
        let look = || -> DbResult<Option<Value>> {
            let mut answer = self.get(&path)?;
            let tables = answer["tables"].as_array_mut().map(std::mem::take).unwrap_or_default();
            Ok(tables.into_iter().find(|table| table["name"].as_str() == Some(name)))
        };
        loop {
            if let Some(table) = look()? {
                return Ok(Some(table));
            }
            self.post("/refresh", &json!({}))?;
            let found = look()?;
            if found.is_some() || self.created.is_none_or(|created| created.elapsed() >= SHOWS_WITHIN) {
                return Ok(found);
            }
            std::thread::sleep(LOOK_AGAIN);
        }
    }
}

/// What the server says of values that it does not take, in lower case.
const OF_VALUES: [&str; 6] =
    ["conversion failed", "column size", "schema size", "not null", "type mismatch", "invalid value"];

/// What a failure is about. The server tells it in words only; what is not known to be about values may pass, for a server
/// behind the API server may be away.
fn kind_of(message: &str) -> DbErrorKind {
    let lower = message.to_lowercase();
    if OF_VALUES.iter().any(|words| lower.contains(words)) { DbErrorKind::Data } else { DbErrorKind::Permanent }
}

fn unsupported<T>(what: &str) -> DbResult<T> {
    Err(DbError::new(DbErrorKind::Permanent, format!("{what} is not possible with OpenMLDB")))
}

impl Connection for OpenMldbConnection {
    fn dialect(&self) -> Dialect {
        self.dialect
    }

    fn execute(&mut self, sql: &str, parameters: &[SqlValue]) -> DbResult<u64> {
        if !parameters.is_empty() {
            return unsupported("A statement with parameters");
        }
        self.run(sql)?;
        // Nothing but CREATE TABLE is run so.
        self.created = Some(Instant::now());
        Ok(0)
    }

    fn query(&mut self, _: &str, _: &[SqlValue], _: &mut dyn RowSink) -> DbResult<Ended> {
        unsupported("Reading")
    }

    fn describe(&mut self, _: &str) -> DbResult<Vec<Column>> {
        unsupported("Reading")
    }

    fn execute_batch(&mut self, dml: &Dml, rows: &[Vec<SqlValue>]) -> DbResult<u64> {
        // The statement without a row: `INSERT INTO table (columns) VALUES`.
        let head = dml.sql(0);
        let mut sql = String::new();
        for row in rows {
            sql.push_str(if sql.is_empty() { &head } else { "," });
            literal::push_row(&mut sql, row)?;
            if sql.len() >= STATEMENT {
                self.run(&sql)?;
                sql.clear();
            }
        }
        if !sql.is_empty() {
            self.run(&sql)?;
        }
        Ok(rows.len() as u64)
    }

    fn begin(&mut self, _: Isolation) -> DbResult<()> {
        // There are no transactions: each statement stands for itself.
        Ok(())
    }

    fn commit(&mut self) -> DbResult<()> {
        Ok(())
    }

    fn rollback(&mut self) -> DbResult<()> {
        Ok(())
    }

    fn tables(&mut self, _: &TableFilter) -> DbResult<Vec<(TableId, TableKind)>> {
        unsupported("Reading")
    }

    fn find_table(&mut self, table: &TableId) -> DbResult<Option<(TableId, TableKind)>> {
        if table.catalog.as_ref().is_some_and(|database| *database != self.database) {
            return unsupported("Writing to another database than that of connection.url");
        }
        let found = self.describe_table(&table.name)?;
        Ok(found.map(|_| (TableId::bare(&table.name), TableKind::Table)))
    }

    fn columns(&mut self, table: &TableId) -> DbResult<Vec<Column>> {
        let Some(table) = self.describe_table(&table.name)? else { return Ok(Vec::new()) };
        Ok(table["column_desc"].as_array().into_iter().flatten().map(column).collect())
    }

    fn now(&mut self) -> DbResult<jiff::civil::DateTime> {
        unsupported("Asking for the time")
    }

    fn ping(&mut self) -> DbResult<()> {
        self.get("/dbs").map(|_| ())
    }

    fn interrupter(&self) -> Interrupter {
        // Each call ends by its time-out.
        Interrupter::new(|| ())
    }
}

/// A column as the server describes it: `{"name": "c1", "data_type": "kInt", "not_null": false}`.
fn column(description: &Value) -> Column {
    let text = |key: &str| description[key].as_str().unwrap_or_default().to_owned();
    let type_name = text("data_type");
    let class = match type_name.strip_prefix('k').unwrap_or(&type_name).to_ascii_lowercase().as_str() {
        "bool" => TypeClass::Bool,
        "smallint" | "int16" => TypeClass::Integer { bits: 16, unsigned: false },
        "int" | "int32" => TypeClass::Integer { bits: 32, unsigned: false },
        "bigint" | "int64" => TypeClass::Integer { bits: 64, unsigned: false },
        "float" => TypeClass::Real,
        "double" => TypeClass::Double,
        "varchar" | "string" => TypeClass::Text,
        "date" => TypeClass::Date,
        "timestamp" => TypeClass::Timestamp,
        _ => TypeClass::Other,
    };
    Column {
        name: text("name"),
        class,
        type_name,
        precision: None,
        scale: None,
        nullable: !description["not_null"].as_bool().unwrap_or(false),
        auto_increment: false,
        has_default: description.get("default_value").is_some_and(|value| !value.is_null()),
        key_position: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_said_of_values_blames_them() {
        for (said, kind) in [
            ("Conversion failed on col c1, type kInt", DbErrorKind::Data),
            ("column size != schema size", DbErrorKind::Data),
            ("fail to insert row: tablet is offline", DbErrorKind::Permanent),
            ("Fail to get TableHandler: table t not found", DbErrorKind::Permanent),
        ] {
            assert_eq!(kind_of(said), kind, "{said}");
        }
    }
}
