use std::path::Path;
use std::sync::Arc;

use super::*;
use crate::herder::testing::{TestRuntime, config, standalone};

struct Fixture {
    dir: tempfile::TempDir,
    follower: Follower,
    handle: Handle,
    runtime: Arc<TestRuntime>,
}

impl Fixture {
    fn new() -> Self {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let (handle, runtime) = standalone();
        let settings = DirectorySettings { dir: dir.path().to_owned(), interval: Duration::ZERO };
        let follower = Follower::new(&settings, handle.clone()).expect("resources");
        Self { dir, follower, handle, runtime }
    }

    fn path(&self, file: &str) -> std::path::PathBuf {
        self.dir.path().join(file)
    }

    fn write(&self, file: &str, text: &str) {
        std::fs::write(self.path(file), text).expect("writable");
    }

    fn source(&self, file: &str, name: &str, more: &str) {
        self.write(file, &format!("name={name}\nconnector.class=TestSource\n{more}\n"));
    }

    fn remove(&self, file: &str) {
        std::fs::remove_file(self.path(file)).expect("there");
    }

    fn look(&mut self) {
        self.follower.look().expect("readable");
        self.follower.finish();
    }

    fn call<T>(&self, call: impl Future<Output = T>) -> T {
        self.follower.tokio.block_on(call)
    }

    fn names(&self) -> Vec<String> {
        let mut names = self.call(self.handle.connectors()).expect("answered");
        names.sort_unstable();
        names
    }

    fn value(&self, name: &str, key: &str) -> Option<String> {
        let connector = self.call(self.handle.connector(name)).expect("there");
        connector.config.get(key).map(str::to_owned)
    }

    fn failure(&self, name: &str) -> Option<&str> {
        self.follower.failures.get(name).map(|failure| failure.reason.as_str())
    }

    /// As if the pause after a failure were over.
    fn pass_pauses(&mut self) {
        for failure in self.follower.failures.values_mut() {
            failure.next = Instant::now();
        }
    }
}

impl Drop for Fixture {
    fn drop(&mut self) {
        self.handle.shutdown();
    }
}

#[test]
fn connectors_come_change_and_go_with_their_files() {
    let mut fixture = Fixture::new();
    fixture.source("a.properties", "a", "x=1");
    fixture.write(
        "b.json",
        r#"{"name":"b","config":{"connector.class":"TestSink","topics":"t"},"initial_state":"PAUSED"}"#,
    );
    fixture.look();
    assert_eq!(fixture.names(), ["a", "b"]);
    let paused = fixture.call(fixture.handle.status("b")).expect("there");
    assert_eq!(paused.connector.state.to_string(), "PAUSED");

    fixture.source("a.properties", "a", "x=22");
    fixture.look();
    assert_eq!(fixture.value("a", "x").as_deref(), Some("22"));

    fixture.remove("a.properties");
    fixture.look();
    assert_eq!(fixture.names(), ["a", "b"], "an editor may be at work");
    fixture.look();
    assert_eq!(fixture.names(), ["b"]);
}

#[test]
fn a_file_that_has_not_changed_asks_for_nothing() {
    let mut fixture = Fixture::new();
    fixture.source("a.properties", "a", "");
    fixture.look();
    fixture.runtime.take_calls();
    std::fs::rename(fixture.path("a.properties"), fixture.path("b.properties")).expect("writable");
    for _ in 0..3 {
        fixture.look();
    }
    assert_eq!(fixture.runtime.take_calls(), Vec::<String>::new());
}

#[test]
fn a_new_name_in_a_file_is_another_connector() {
    let mut fixture = Fixture::new();
    fixture.source("a.properties", "a", "");
    fixture.look();
    fixture.source("a.properties", "bb", "");
    fixture.look();
    assert_eq!(fixture.names(), ["bb"]);
}

#[test]
fn a_broken_file_and_a_refused_one_leave_the_connector_as_it_was() {
    let mut fixture = Fixture::new();
    fixture.source("a.properties", "a", "x=1");
    fixture.look();
    fixture.write("a.properties", "connector.class=TestSource\nx=nameless");
    fixture.look();
    fixture.look();
    assert_eq!(fixture.value("a", "x").as_deref(), Some("1"));
    fixture.write("a.properties", "name=a\nx=without a class");
    fixture.look();
    assert_eq!(fixture.value("a", "x").as_deref(), Some("1"));
    assert!(fixture.failure("a").is_some());
    fixture.source("a.properties", "a", "x=333");
    fixture.look();
    assert_eq!(fixture.value("a", "x").as_deref(), Some("333"), "a new content is tried at once");
    assert_eq!(fixture.failure("a"), None);
}

#[test]
fn two_files_of_one_name_are_not_used_until_one_goes() {
    let mut fixture = Fixture::new();
    fixture.source("a.properties", "a", "x=1");
    fixture.look();
    fixture.source("b.properties", "a", "x=2");
    fixture.look();
    assert_eq!(fixture.value("a", "x").as_deref(), Some("1"));
    assert_eq!(fixture.follower.clashes.len(), 1);
    fixture.remove("a.properties");
    fixture.look();
    fixture.look();
    assert_eq!(fixture.value("a", "x").as_deref(), Some("2"));
    assert!(fixture.follower.clashes.is_empty());
}

#[test]
fn connectors_of_others_are_left_alone() {
    let mut fixture = Fixture::new();
    let change = ConfigChange::Put(config("a", "TestSource", [("x", "rest")]));
    fixture.call(fixture.handle.configure("a", change)).expect("right");
    fixture.source("a.properties", "a", "x=file");
    fixture.look();
    assert!(fixture.failure("a").is_some_and(|reason| reason.contains("was not made from this directory")));
    fixture.remove("a.properties");
    fixture.look();
    fixture.look();
    assert_eq!(fixture.value("a", "x").as_deref(), Some("rest"));
    assert_eq!(fixture.failure("a"), None);

    fixture.source("a.properties", "a", "x=file");
    fixture.look();
    fixture.call(fixture.handle.delete("a")).expect("there");
    fixture.look();
    assert_eq!(fixture.names(), Vec::<String>::new(), "it is not tried at each look");
    fixture.pass_pauses();
    fixture.look();
    assert_eq!(fixture.value("a", "x").as_deref(), Some("file"));
}

#[test]
fn changes_by_other_means_stay_until_the_file_changes() {
    let mut fixture = Fixture::new();
    fixture.source("a.properties", "a", "x=1");
    fixture.source("b.properties", "b", "x=1");
    fixture.look();
    let change = ConfigChange::Put(config("a", "TestSource", [("x", "rest")]));
    fixture.call(fixture.handle.configure("a", change)).expect("right");
    fixture.call(fixture.handle.delete("b")).expect("there");
    fixture.look();
    assert_eq!(fixture.value("a", "x").as_deref(), Some("rest"));
    assert_eq!(fixture.names(), ["a"]);
    fixture.source("a.properties", "a", "x=22");
    fixture.source("b.properties", "b", "x=22");
    fixture.look();
    assert_eq!(fixture.value("a", "x").as_deref(), Some("22"));
    assert_eq!(fixture.value("b", "x").as_deref(), Some("22"));
}

#[test]
fn what_is_deleted_by_other_means_and_by_its_file_is_gone_quietly() {
    let mut fixture = Fixture::new();
    fixture.source("a.properties", "a", "");
    fixture.look();
    fixture.call(fixture.handle.delete("a")).expect("there");
    fixture.remove("a.properties");
    fixture.look();
    fixture.look();
    assert!(fixture.follower.made.is_empty() && fixture.follower.failures.is_empty());
}

#[test]
fn a_connector_that_does_not_start_is_there() {
    let mut fixture = Fixture::new();
    fixture.source("a.properties", "a", "behaviour=fail");
    fixture.look();
    assert_eq!(fixture.names(), ["a"]);
    assert_eq!(fixture.failure("a"), None, "its status says why; making it anew would not help");
    fixture.runtime.take_calls();
    fixture.pass_pauses();
    fixture.look();
    assert_eq!(fixture.runtime.take_calls(), Vec::<String>::new());
    fixture.remove("a.properties");
    fixture.look();
    fixture.look();
    assert_eq!(fixture.names(), Vec::<String>::new());
}

#[test]
fn a_connector_that_hangs_holds_up_no_other_and_is_taken_over_when_it_comes() {
    let mut fixture = Fixture::new();
    fixture.follower.handle = fixture.handle.clone().with_request_timeout(Duration::from_secs(2));
    fixture.source("a.properties", "a", "behaviour=hang");
    fixture.follower.look().expect("readable");
    fixture.source("b.properties", "b", "");
    let (_keep, mut never) = oneshot::channel();
    while !fixture.follower.made.contains_key("b") {
        fixture.follower.look().expect("readable");
        assert!(fixture.follower.wait(Duration::from_millis(10), &mut never));
    }
    assert_eq!(fixture.names(), ["a", "b"]);
    assert_eq!(fixture.follower.running.len(), 1, "it is asked for once");
    fixture.follower.finish();
    assert!(fixture.failure("a").is_some_and(|reason| reason.starts_with("Request timed out")));
    fixture.pass_pauses();
    fixture.look();
    assert!(fixture.follower.made.contains_key("a"), "{:?}", fixture.failure("a"));
}

#[test]
fn a_directory_that_goes_takes_no_connector_along() {
    let mut fixture = Fixture::new();
    fixture.source("a.properties", "a", "");
    fixture.look();
    let away = fixture.dir.path().with_extension("away");
    std::fs::rename(fixture.dir.path(), &away).expect("writable");
    for _ in 0..3 {
        assert!(fixture.follower.look().is_err());
    }
    assert_eq!(fixture.names(), ["a"]);
    std::fs::rename(&away, Path::new(fixture.dir.path())).expect("writable");
}

#[test]
fn a_stop_does_not_wait_for_a_connector_that_hangs() {
    let mut fixture = Fixture::new();
    fixture.source("a.properties", "a", "behaviour=hang");
    fixture.follower.look().expect("readable");
    let (stop, mut stopped) = oneshot::channel();
    stop.send(()).expect("somebody listens");
    assert!(!fixture.follower.wait(Duration::from_secs(3600), &mut stopped));
    assert_eq!(fixture.follower.running.len(), 1);
}
