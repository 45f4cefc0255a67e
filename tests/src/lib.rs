//! The harness of the end-to-end tests.
//!
//! A test sets a worker up ([`worker::WorkerSetup`]), starts it as a process of its own, speaks to it over REST
//! ([`rest::RestClient`]) and counts what reached Kafka ([`kafka::Kafka`]) or a file. Conditions are waited for with a
//! deadline ([`wait`]), never slept for.
//!
//! Every scenario can run on the Java worker too ([`worker::Subject::Java`]): a test that the Java worker fails tests
//! something else than Kafka Connect.

pub mod browser;
pub mod flows;
pub mod golden;
pub mod kafka;
pub mod openapi;
pub mod process;
pub mod random;
pub mod redis;
pub mod rest;
pub mod sequences;
pub mod wait;
pub mod wire;
pub mod worker;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

/// The top folder of the repository.
pub fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the tests crate lies in a folder of the repository")
}

/// Panics unless `docs/differences.md` has these words: what differs on purpose is told to users.
#[cfg(test)]
fn assert_told(words: &str) {
    let page = std::fs::read_to_string(repository().join("docs/differences.md")).expect("the page is there");
    assert!(page.contains(words), "docs/differences.md does not say: {words}");
}

/// A name that no other test, process or earlier run uses: `<stem>-<8 or more hexadecimal digits>`.
pub fn unique(stem: &str) -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let nanos =
        std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("the clock is past 1970").as_nanos()
            as u32;
    format!("{stem}-{:x}{nanos:08x}{count:x}", std::process::id())
}

/// A port of the loopback address that nothing listens on now.
///
/// Taken from below the range of outgoing connections, so that none of those takes it before the worker does.
pub fn free_port() -> u16 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    // Test processes run one after the other, but begin at different places in case some do not.
    let start = std::process::id().wrapping_mul(97);
    for _ in 0..8_000 {
        let n = start.wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed));
        let port = 7_000 + (n % 8_000) as u16;
        if std::net::TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
    panic!("no free port between 7000 and 15000 on 127.0.0.1");
}

/// Folder with the programs of this build: `target/release` for tests built with `--release`.
pub fn build_dir() -> PathBuf {
    let program = std::env::current_exe().expect("a program knows its own path");
    let dir = program.parent().expect("a program lies in a folder");
    // Tests lie in target/<profile>/deps, programs beside that folder.
    let profile = if dir.ends_with("deps") { dir.parent().expect("deps lies in a folder") } else { dir };
    profile.to_path_buf()
}
