//! A stand-in for the API server of OpenMLDB. It is a fake: it keeps the rules that the server's documentation states and
//! knows just the statements that a sink sends.
#![allow(dead_code, reason = "each of the test programs that share it uses a part")]
//!
//! | Rule of the server | Here |
//! | --- | --- |
//! | the HTTP status is always 200, failures are a `code` other than 0 | [`answer`] |
//! | `POST /dbs/{db}` needs `mode` and `sql`; `Invalid mode` otherwise | [`State::post`] |
//! | DDL shows after `POST /refresh` only | [`State::refresh`] |
//! | columns have the types of the documentation; integers must fit, text is no number | [`Kind::takes`] |
//! | null is refused where a column is NOT NULL; a column left out takes its default | [`State::insert`] |

mod sql;

use serde_json::{Value, json};
use sql::{Kind, Statement};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// A column: its name, its type, whether it is NOT NULL, its default.
pub(crate) type Column = (String, Kind, bool, Value);

#[derive(Default)]
struct Table {
    columns: Vec<Column>,
    rows: Vec<Vec<Value>>,
    /// How many refreshes it takes until it shows.
    hidden: u32,
}

#[derive(Default)]
struct State {
    tables: BTreeMap<String, Table>,
    statements: Vec<String>,
    /// How many refreshes of a new table show nothing yet.
    late: u32,
}

/// A running server with the database `kafka_test`.
pub(crate) struct Server {
    /// Where it listens, as `host:port`.
    pub(crate) address: String,
    state: Arc<Mutex<State>>,
}

impl Server {
    /// Starts one that ends with the test program.
    pub(crate) fn start() -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let state = Arc::<Mutex<State>>::default();
        let shared = Arc::clone(&state);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let state = Arc::clone(&shared);
                std::thread::spawn(move || serve(stream.unwrap(), &state));
            }
        });
        Server { address, state }
    }

    /// Makes new tables show themselves so many refreshes late.
    pub(crate) fn show_tables_late(&self, refreshes: u32) {
        self.state.lock().unwrap().late = refreshes;
    }

    /// Runs a statement as another client would, and makes its effect show.
    pub(crate) fn run(&self, sql: &str) {
        let mut state = self.state.lock().unwrap();
        state.execute(sql).unwrap();
        state.tables.values_mut().for_each(|table| table.hidden = 0);
    }

    /// The columns of a table: name and type.
    pub(crate) fn columns(&self, table: &str) -> Vec<(String, Kind)> {
        let state = self.state.lock().unwrap();
        state.tables[table].columns.iter().map(|(name, kind, ..)| (name.clone(), *kind)).collect()
    }

    /// The rows of a table.
    pub(crate) fn rows(&self, table: &str) -> Vec<Vec<Value>> {
        self.state.lock().unwrap().tables[table].rows.clone()
    }

    /// Whether the table is there and has rows.
    pub(crate) fn has_rows(&self, table: &str) -> bool {
        self.state.lock().unwrap().tables.get(table).is_some_and(|table| !table.rows.is_empty())
    }

    /// The statements that came.
    pub(crate) fn statements(&self) -> Vec<String> {
        self.state.lock().unwrap().statements.clone()
    }
}

fn serve(stream: TcpStream, state: &Mutex<State>) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut stream = stream;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).unwrap_or(0) == 0 {
            return;
        }
        let mut words = line.split_whitespace();
        let (method, path) = (words.next().unwrap().to_owned(), words.next().unwrap().to_owned());
        let mut length = 0;
        loop {
            let mut header = String::new();
            reader.read_line(&mut header).unwrap();
            if header.trim().is_empty() {
                break;
            }
            if let Some(value) = header.to_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).unwrap();
        let text = answer(&mut state.lock().unwrap(), &method, &path, &body).to_string();
        let head =
            format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n", text.len());
        stream.write_all((head + &text).as_bytes()).unwrap();
    }
}

fn answer(state: &mut State, method: &str, path: &str, body: &[u8]) -> Value {
    let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
    let outcome = match (method, parts.as_slice()) {
        ("GET", ["dbs"]) => Ok(json!({"dbs": ["other", "kafka_test"]})),
        ("GET", ["dbs", "kafka%5Ftest" | "kafka_test", "tables"]) => Ok(json!({"tables": state.list()})),
        ("POST", ["dbs", "kafka%5Ftest" | "kafka_test"]) => state.post(body).map(|()| json!({})),
        ("POST", ["refresh"]) => {
            state.refresh();
            Ok(json!({}))
        }
        _ => Err(format!("unsupported method or path {method} {path}")),
    };
    match outcome {
        Ok(mut answer) => {
            answer["code"] = 0.into();
            answer["msg"] = "ok".into();
            answer
        }
        Err(message) => json!({"code": -1, "msg": message}),
    }
}

impl State {
    fn refresh(&mut self) {
        self.tables.values_mut().for_each(|table| table.hidden = table.hidden.saturating_sub(1));
    }

    fn list(&self) -> Vec<Value> {
        let describe = |(name, kind, not_null, _): &Column| json!({"name": name, "data_type": kind.described(), "not_null": not_null});
        let shown = self.tables.iter().filter(|(_, table)| table.hidden == 0);
        let table = |(name, table): (&String, &Table)| json!({"name": name, "column_desc": table.columns.iter().map(describe).collect::<Vec<_>>()});
        shown.map(table).collect()
    }

    fn post(&mut self, body: &[u8]) -> Result<(), String> {
        let body: Value = serde_json::from_slice(body).map_err(|error| format!("Json parse failed, {error}"))?;
        match body["mode"].as_str() {
            Some("online" | "onsync" | "offsync" | "offasync") => {}
            mode => return Err(format!("Invalid mode {mode:?}")),
        }
        self.execute(body["sql"].as_str().ok_or("no sql")?)
    }

    fn execute(&mut self, text: &str) -> Result<(), String> {
        self.statements.push(text.to_owned());
        match sql::parse(text)? {
            Statement::Create { table, columns } => {
                if self.tables.contains_key(&table) {
                    return Err(format!("table {table} already exists"));
                }
                self.tables.insert(table, Table { columns, hidden: 1 + self.late, ..Table::default() });
                Ok(())
            }
            Statement::Insert { table, columns, rows } => self.insert(&table, &columns, rows),
        }
    }

    fn insert(&mut self, name: &str, columns: &[String], rows: Vec<Vec<Value>>) -> Result<(), String> {
        let table = self.tables.get_mut(name).filter(|table| table.hidden == 0);
        let table = table.ok_or_else(|| format!("table {name} not found"))?;
        let mut made = Vec::new();
        for values in rows {
            if values.len() != columns.len() {
                return Err("column size != schema size".to_owned());
            }
            let mut row: Vec<Value> = table.columns.iter().map(|(.., default)| default.clone()).collect();
            for (name, value) in columns.iter().zip(values) {
                let place = table.columns.iter().position(|column| column.0 == *name);
                row[place.ok_or_else(|| format!("column {name} not found"))?] = value;
            }
            for ((name, kind, not_null, _), value) in table.columns.iter().zip(&row) {
                if value.is_null() && *not_null || !value.is_null() && !kind.takes(value) {
                    return Err(format!("conversion failed on col {name} with value {value}"));
                }
            }
            made.push(row);
        }
        table.rows.extend(made);
        Ok(())
    }
}
