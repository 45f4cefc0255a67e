//! What somebody would write by hand who has nothing but a driver.

use super::row::{COLUMNS, ReadRow, Row, WIDTH, entry};
use ferroconnect_test_servers::{Kind, PASSWORD, Server, USER};
use futures_util::{SinkExt as _, TryStreamExt as _};
use mysql::prelude::Queryable as _;
use std::fmt::Write as _;
use std::pin::pin;
use std::time::SystemTime;
use tokio::runtime::Runtime;

const UP: &str = "the server answers";

/// A connection to a server's first database.
pub(super) enum Database {
    MariaDb(mysql::Conn),
    Postgres { runtime: Runtime, client: Box<tokio_postgres::Client> },
}

impl Database {
    pub(super) fn connect(kind: Kind, server: &Server) -> Database {
        match kind {
            Kind::MariaDb => {
                let options = mysql::OptsBuilder::new()
                    .ip_or_hostname(Some("127.0.0.1"))
                    .prefer_socket(false)
                    .tcp_port(server.port())
                    .user(Some(USER))
                    .pass(Some(PASSWORD))
                    .db_name(Some(server.database()));
                Database::MariaDb(mysql::Conn::new(options).expect(UP))
            }
            Kind::Postgres => {
                let runtime = tokio::runtime::Builder::new_multi_thread()
                    .worker_threads(1)
                    .enable_all()
                    .build()
                    .expect("threads can be made");
                let mut config = tokio_postgres::Config::new();
                config.host("127.0.0.1").port(server.port()).user(USER).password(PASSWORD).dbname(server.database());
                let (client, connection) = runtime.block_on(config.connect(tokio_postgres::NoTls)).expect(UP);
                runtime.spawn(connection);
                Database::Postgres { runtime, client: Box::new(client) }
            }
        }
    }

    fn run(&mut self, sql: &str) {
        match self {
            Database::MariaDb(connection) => connection.query_drop(sql).expect(UP),
            Database::Postgres { runtime, client } => runtime.block_on(client.batch_execute(sql)).expect(UP),
        }
    }

    fn number(&mut self, sql: &str) -> u64 {
        match self {
            Database::MariaDb(connection) => connection.query_first(sql).expect(UP).expect("there is a row"),
            Database::Postgres { runtime, client } => {
                runtime.block_on(client.query_one(sql, &[])).expect(UP).get::<_, i64>(0) as u64
            }
        }
    }

    /// Makes the table anew.
    pub(super) fn create(&mut self, table: &str) {
        self.run(&format!("DROP TABLE IF EXISTS {table}"));
        self.run(&format!("CREATE TABLE {table} ({COLUMNS})"));
    }

    /// The highest id, which is the number of rows as long as they arrive in their order.
    pub(super) fn highest(&mut self, table: &str) -> u64 {
        self.number(&format!("SELECT COALESCE(MAX(id), 0) FROM {table}"))
    }

    pub(super) fn count(&mut self, table: &str) -> u64 {
        self.number(&format!("SELECT COUNT(*) FROM {table}"))
    }

    /// Writes rows 1 to `rows`, each batch in a transaction of its own: by multi-row INSERT, or by COPY.
    pub(super) fn fill(&mut self, table: &str, rows: u64, batch: u64) {
        for begin in (1..=rows).step_by(batch as usize) {
            let numbers = begin..(begin + batch).min(rows + 1);
            match self {
                Database::MariaDb(connection) => insert(connection, table, numbers),
                Database::Postgres { runtime, client } => runtime.block_on(copy(client, table, numbers)),
            }
        }
    }

    /// Reads each column of each row.
    pub(super) fn read_all(&mut self, table: &str, each: impl FnMut(ReadRow)) {
        let sql = format!("SELECT * FROM {table}");
        match self {
            Database::MariaDb(connection) => read_mysql(connection, &sql, each),
            Database::Postgres { runtime, client } => runtime.block_on(read_postgres(client, &sql, each)),
        }
    }
}

fn insert(connection: &mut mysql::Conn, table: &str, numbers: std::ops::Range<u64>) {
    let row = format!("(?{})", ", ?".repeat(WIDTH - 1));
    let rows = vec![row; numbers.clone().count()].join(", ");
    // The driver keeps prepared statements.
    let statement = connection.prep(format!("INSERT INTO {table} VALUES {rows}")).expect(UP);
    let mut values: Vec<mysql::Value> = Vec::new();
    for row in numbers.map(Row::numbered) {
        let [day, hour, minute, second, millisecond] = row.changed;
        values.extend([row.id.into(), row.customer.into(), row.quantity.into(), row.price.into(), row.weight.into()]);
        values.extend([row.name.into(), row.city.into(), row.note.into(), row.active.into()]);
        let time = (hour as u8, minute as u8, second as u8, millisecond * 1000);
        values.push(mysql::Value::Date(2026, 1, day as u8, time.0, time.1, time.2, time.3));
    }
    connection.exec_drop(&statement, mysql::Params::Positional(values)).expect("the rows are taken");
}

async fn copy(client: &tokio_postgres::Client, table: &str, numbers: std::ops::Range<u64>) {
    let mut text = String::new();
    for Row { id, customer, quantity, price, weight, name, city, note, active, changed } in numbers.map(Row::numbered) {
        let [day, hour, minute, second, millisecond] = changed;
        writeln!(
            text,
            "{id}\t{customer}\t{quantity}\t{price}\t{weight}\t{name}\t{city}\t{note}\t{active}\t\
             2026-01-{day:02} {hour:02}:{minute:02}:{second:02}.{millisecond:03}"
        )
        .expect("text can be written to a string");
    }
    let mut sink = pin!(client.copy_in(&format!("COPY {table} FROM STDIN")).await.expect(UP));
    sink.send(bytes::Bytes::from(text)).await.expect(UP);
    sink.finish().await.expect("the rows are taken");
}

fn read_mysql(connection: &mut mysql::Conn, sql: &str, mut each: impl FnMut(ReadRow)) {
    type Columns = (i64, i64, i32, f64, Option<f64>, String, Option<String>, Option<String>, i16, mysql::Value);
    for row in connection.exec_iter(sql, ()).expect(UP) {
        let columns: Columns = mysql::from_row(row.expect(UP));
        let (id, customer, quantity, price, weight, name, city, note, active, changed) = columns;
        let mysql::Value::Date(_, _, day, hour, minute, second, micros) = changed else { panic!("a timestamp") };
        let seconds = i64::from(day - 1) * 86_400 + i64::from(hour) * 3600 + i64::from(minute) * 60 + i64::from(second);
        let changed = JANUARY_2026 + seconds * 1000 + i64::from(micros / 1000);
        each(ReadRow { id, customer, quantity, price, weight, name, city, note, active, changed });
    }
}

/// In milliseconds since 1970: all rows are of that month.
const JANUARY_2026: i64 = 1_767_225_600_000;

async fn read_postgres(client: &tokio_postgres::Client, sql: &str, mut each: impl FnMut(ReadRow)) {
    let none: [&str; 0] = [];
    let mut rows = pin!(client.query_raw(sql, none).await.expect(UP));
    while let Some(row) = rows.try_next().await.expect(UP) {
        let changed: SystemTime = row.get(9);
        each(ReadRow {
            id: row.get(0),
            customer: row.get(1),
            quantity: row.get(2),
            price: row.get(3),
            weight: row.get(4),
            name: row.get(5),
            city: row.get(6),
            note: row.get(7),
            active: row.get(8),
            changed: changed.duration_since(SystemTime::UNIX_EPOCH).expect("it is after 1970").as_millis() as i64,
        });
    }
}

/// A connection to Redis.
pub(super) struct RedisLoop(redis::Connection);

impl RedisLoop {
    pub(super) fn connect(port: u16) -> RedisLoop {
        let client = redis::Client::open(format!("redis://127.0.0.1:{port}/")).expect("the address is right");
        RedisLoop(client.get_connection().expect(UP))
    }

    /// Sets keys, each batch in a pipeline.
    pub(super) fn fill(&mut self, entries: u64, batch: u64) {
        for begin in (1..=entries).step_by(batch as usize) {
            let mut pipeline = redis::pipe();
            for n in begin..(begin + batch).min(entries + 1) {
                let (key, value) = entry(n);
                pipeline.set(&key, &value).ignore();
            }
            pipeline.exec(&mut self.0).expect("the entries are taken");
        }
    }

    pub(super) fn keys(&mut self) -> u64 {
        redis::cmd("DBSIZE").query(&mut self.0).expect(UP)
    }

    pub(super) fn empty(&mut self) {
        redis::cmd("FLUSHALL").exec(&mut self.0).expect(UP);
    }
}
