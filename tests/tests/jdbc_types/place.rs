//! The three databases, as the test fills them and looks into them.

use super::cases::Form;
use ferroconnect_test_servers::{Kind, Server};
use std::path::Path;

/// A kind of database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Database {
    MariaDb,
    Postgres,
    Sqlite,
}

impl Database {
    pub(crate) const ALL: [Database; 3] = [Database::MariaDb, Database::Postgres, Database::Sqlite];

    /// As people write it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Database::MariaDb => "MariaDB",
            Database::Postgres => "PostgreSQL",
            Database::Sqlite => "SQLite",
        }
    }

    /// As a part of names of tables.
    pub(crate) fn tag(self) -> &'static str {
        match self {
            Database::MariaDb => "mariadb",
            Database::Postgres => "postgres",
            Database::Sqlite => "sqlite",
        }
    }

    /// An expression for the content of a column: none for NULL, else a text that does not depend on the column's type
    /// more than [`Form`] says.
    fn shown(self, column: &str, form: Form) -> String {
        let text = match (self, form) {
            (Database::MariaDb, Form::Plain) => format!("CAST({column} AS CHAR)"),
            (Database::MariaDb, Form::Float) => format!("CAST({column} AS DOUBLE)"),
            (Database::MariaDb, Form::Text) => format!("HEX(CONVERT({column} USING utf8mb4))"),
            (Database::MariaDb, Form::Bytes) => format!("HEX({column})"),
            (Database::Postgres, Form::Plain) => format!("{column}::text"),
            (Database::Postgres, Form::Float) => format!("{column}::float8"),
            // A cast would cut off the blanks of a `char`.
            (Database::Postgres, Form::Text) => format!("encode(convert_to(format('%s', {column}), 'UTF8'), 'hex')"),
            (Database::Postgres, Form::Bytes) => format!("encode({column}, 'hex')"),
            (Database::Sqlite, Form::Plain) => format!("CAST({column} AS TEXT)"),
            (Database::Sqlite, Form::Float) => format!("printf('%!.17g', {column})"),
            (Database::Sqlite, Form::Text) => format!("hex(CAST({column} AS BLOB))"),
            (Database::Sqlite, Form::Bytes) => format!("hex({column})"),
        };
        // The sign tells an empty text from NULL.
        format!("CASE WHEN {column} IS NOT NULL THEN concat('=', {text}) END")
    }
}

/// A database of the test's own.
pub(crate) struct Place {
    pub(crate) database: Database,
    /// Its JDBC URL.
    pub(crate) url: String,
    reached: Reached,
}

enum Reached {
    Server(&'static Server, String),
    File(rusqlite::Connection),
}

impl Place {
    /// An empty database of this name; SQLite's is a file in the folder.
    pub(crate) fn new(database: Database, name: &str, folder: &Path) -> Place {
        let kind = match database {
            Database::MariaDb => Kind::MariaDb,
            Database::Postgres => Kind::Postgres,
            Database::Sqlite => {
                let file = folder.join(format!("{name}.db"));
                // Readers and writers do not wait for each other.
                let url = format!("jdbc:sqlite:{}?journal_mode=WAL&busy_timeout=20000", file.display());
                let reached = Reached::File(rusqlite::Connection::open(file).unwrap());
                return Place { database, url, reached };
            }
        };
        let server = Server::shared(kind);
        server.sql(if kind == Kind::Postgres { "postgres" } else { "test" }, &format!("CREATE DATABASE {name}"));
        let place = Place { database, url: server.url(name), reached: Reached::Server(server, name.to_owned()) };
        if kind == Kind::Postgres {
            place.run("CREATE DOMAIN positive AS int CHECK (value > 0); CREATE TYPE mood AS ENUM ('sad', 'happy')");
        }
        place
    }

    pub(crate) fn run(&self, sql: &str) {
        match &self.reached {
            Reached::Server(server, name) if self.database == Database::MariaDb => {
                drop(server.sql(name, &format!("SET NAMES utf8mb4; {sql}")));
            }
            Reached::Server(server, name) => drop(server.sql(name, sql)),
            Reached::File(file) => file.execute_batch(sql).unwrap_or_else(|error| panic!("{sql}: {error}")),
        }
    }

    /// The columns of a table; none where it is missing.
    pub(crate) fn columns(&self, table: &str) -> Vec<String> {
        let schema = match self.database {
            Database::MariaDb => "database()",
            Database::Postgres => "'public'",
            Database::Sqlite => {
                return self.lines(&format!("SELECT name FROM pragma_table_info('{table}')")).concat();
            }
        };
        let sql = format!(
            "SELECT column_name FROM information_schema.columns WHERE table_schema = {schema} AND table_name = '{table}'"
        );
        self.lines(&sql).concat()
    }

    /// How many rows a table has; none where it is missing.
    pub(crate) fn count(&self, table: &str) -> usize {
        if self.columns(table).is_empty() {
            return 0;
        }
        self.lines(&format!("SELECT CONCAT(count(*), '') FROM {table}"))[0][0].parse().unwrap()
    }

    /// What is in these columns of a table, row by row in the order of `id`; none is NULL.
    pub(crate) fn content(&self, table: &str, columns: &[(String, Form)]) -> Vec<Vec<Option<String>>> {
        let shown: Vec<String> = columns.iter().map(|(name, form)| self.database.shown(name, *form)).collect();
        let rows = self.lines(&format!("SELECT {} FROM {table} ORDER BY id", shown.join(", ")));
        let read =
            |(cell, (_, form)): (&String, &(String, Form))| cell.strip_prefix('=').map(|text| plain(text, *form));
        rows.iter().map(|row| row.iter().zip(columns).map(read).collect()).collect()
    }

    fn lines(&self, sql: &str) -> Vec<Vec<String>> {
        match &self.reached {
            Reached::Server(server, name) => {
                let text = server.sql(name, sql);
                text.lines().map(|line| line.split('\t').map(str::to_owned).collect()).collect()
            }
            Reached::File(file) => {
                let mut statement = file.prepare(sql).unwrap_or_else(|error| panic!("{sql}: {error}"));
                let columns = statement.column_count();
                let cell =
                    |row: &rusqlite::Row<'_>, at| row.get::<_, Option<String>>(at).map(Option::unwrap_or_default);
                let rows = statement.query_map([], |row| (0..columns).map(|at| cell(row, at)).collect()).unwrap();
                rows.collect::<Result<_, _>>().unwrap()
            }
        }
    }
}

/// The same text for the same content.
fn plain(text: &str, form: Form) -> String {
    match form {
        Form::Float | Form::Bytes => text.to_lowercase(),
        Form::Plain if text.contains('.') => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        Form::Plain => text.to_owned(),
        Form::Text => {
            let digits = |at| u8::from_str_radix(&text[at..at + 2], 16).unwrap();
            String::from_utf8((0..text.len()).step_by(2).map(digits).collect()).unwrap()
        }
    }
}
