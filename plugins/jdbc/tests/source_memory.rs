//! Results of any size are read in little memory. Alone in its process, whose memory it looks at.

use ferroconnect_plugin_sdk::Config;
use ferroconnect_plugin_sdk::testkit::{self, SourceHarness};
use ferroconnect_test_servers::{Kind, Server};

const ROWS: usize = 400_000;
/// Each row has a text of so many bytes: all together 200 MB.
const TEXT: usize = 500;
/// By how much the process may grow meanwhile.
const MOST_MEGABYTES: u64 = 40;

#[test]
fn large_results_are_read_in_little_memory() {
    for (kind, database, query) in [
        (
            Kind::Postgres,
            "postgres",
            format!("SELECT n AS id, repeat('x', {TEXT}) FROM generate_series(1, {ROWS}) AS n"),
        ),
        (Kind::MariaDb, "test", format!("SELECT seq AS id, REPEAT('x', {TEXT}) FROM seq_1_to_{ROWS}")),
    ] {
        let url = Server::shared(kind).url(database);
        let config = [("connection.url", url.as_str()), ("mode", "bulk"), ("query", &query), ("topic.prefix", "t")];
        let library = testkit::library!(ferroconnect_jdbc);
        let mut source = SourceHarness::new(&library, "JdbcSource", Config::from(config));
        source.start().unwrap();
        let mut rows = source.poll_until(1).unwrap().len();
        let before = peak();
        while rows < ROWS {
            rows += source.poll().unwrap().len();
            // The harness keeps what was not delivered.
            source.commit().unwrap();
        }
        let grown = peak() - before;
        assert!(grown < MOST_MEGABYTES, "{kind:?}: it took {grown} MB to read {ROWS} rows");
    }
}

/// The most memory that this process ever had, in megabytes.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("the process can be looked at");
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).expect("it has a peak");
    line.split_whitespace().nth(1).and_then(|number| number.parse::<u64>().ok()).expect("a number") / 1024
}
