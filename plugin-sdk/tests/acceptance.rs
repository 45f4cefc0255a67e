//! The acceptance checks find what they are for: each kind of fault is tried.
#![cfg(feature = "testkit")]
#![allow(clippy::unwrap_used, reason = "tests")]

use ferroconnect_plugin_sdk::testkit::{self, Library, acceptance};
use ferroconnect_plugin_sdk::{
    Batch, Blob, Config, ConfigDef, ConfigProvider, ConnectorContext, Data, Description, Error, HeaderConverter, Key,
    PartitionOffset, Plugin, Record, Result, SinkConnector, SinkContext, SinkTask, SourceConnector, SourceContext,
    SourceRecord, SourceTask, Transform, Value, ValueRef, offset_map,
};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

mod plugins {
    use super::*;

    ferroconnect_plugin_sdk::export! {
        sources: [Numbers, Undocumented],
        sinks: [Store],
        header_converters: [Mirror],
        transforms: [Fault],
        config_providers: [Leaky],
    }
}

fn library() -> Library {
    use plugins::__ferroconnect_export::LIBRARY_HEADER;
    Library::of(&LIBRARY_HEADER)
}

/// A source whose key `fault` says what it does wrong.
#[derive(Debug, Default)]
struct Numbers {
    config: Config,
}

fn numbers_def() -> ConfigDef {
    ConfigDef::new()
        .key(Key::string("topic").required().doc("Where to."))
        .key(Key::string("fault").doc("What is wrong."))
}

impl Plugin for Numbers {
    fn describe() -> Description {
        Description::new("Numbers", "1").doc("Counts.").config(numbers_def())
    }
}

impl SourceConnector for Numbers {
    type Task = NumbersTask;

    fn start(&mut self, _: ConnectorContext, config: Config) -> Result<()> {
        self.config = config;
        Ok(())
    }

    fn task_configs(&mut self, maximum: usize) -> Result<Vec<Config>> {
        let more = usize::from(self.config.get("fault") == Some("tasks"));
        Ok(vec![self.config.clone(); maximum + more])
    }
}

#[derive(Debug, Default)]
struct NumbersTask {
    context: Option<SourceContext>,
    fault: String,
    next: i64,
}

impl SourceTask for NumbersTask {
    fn start(&mut self, context: SourceContext, config: Config) -> Result<()> {
        self.fault = config.get("fault").unwrap_or_default().to_owned();
        let stored = context.offset(&offset_map([]))?;
        let stored = stored.map_or(0, |offset| offset[0].value.as_integer().unwrap());
        self.next = match self.fault.as_str() {
            "repeats" => (stored - 1).max(0),
            "loses" if stored > 0 => stored + 1,
            _ => stored,
        };
        self.context = Some(context);
        Ok(())
    }

    fn poll(&mut self, batch: &mut Batch<'_>) -> Result<()> {
        assert!(self.context.is_some(), "polled too early");
        self.next += 1;
        let offset = offset_map([("next", Value::int64(self.next))]);
        let partition = ferroconnect_plugin_sdk::Shared::new(offset_map([]));
        batch.push(SourceRecord::new("t", Data::schemaless(self.next)).position(&partition, offset));
        Ok(())
    }

    fn stop(&mut self) -> Result<()> {
        assert!(self.fault != "stops once" || self.context.is_some(), "stopped twice");
        self.context = self.context.take().filter(|_| self.fault != "stops once");
        Ok(())
    }
}

/// A source without documentation.
#[derive(Debug, Default)]
struct Undocumented(Numbers);

impl Plugin for Undocumented {
    fn describe() -> Description {
        Description::new("Undocumented", "1").doc("Counts.").config(numbers_def().key(Key::int("size")))
    }
}

impl SourceConnector for Undocumented {
    type Task = NumbersTask;

    fn start(&mut self, context: ConnectorContext, config: Config) -> Result<()> {
        self.0.start(context, config)
    }

    fn task_configs(&mut self, maximum: usize) -> Result<Vec<Config>> {
        self.0.task_configs(maximum)
    }
}

static STORED: AtomicUsize = AtomicUsize::new(0);

/// A sink whose key `fault` says what it does wrong.
#[derive(Debug, Default)]
struct Store {
    config: Config,
    loses: bool,
    claims: bool,
}

impl Plugin for Store {
    fn describe() -> Description {
        let def = ConfigDef::new().key(Key::string("fault").doc("What is wrong."));
        Description::new("Store", "1").doc("Counts what it gets.").config(def)
    }
}

impl SinkConnector for Store {
    type Task = Store;

    fn start(&mut self, _: ConnectorContext, config: Config) -> Result<()> {
        self.config = config;
        Ok(())
    }

    fn task_configs(&mut self, _: usize) -> Result<Vec<Config>> {
        Ok(vec![self.config.clone()])
    }
}

impl SinkTask for Store {
    fn start(&mut self, _: SinkContext, config: Config) -> Result<()> {
        self.loses = config.get("fault") == Some("loses");
        self.claims = config.get("fault") == Some("claims");
        Ok(())
    }

    fn put(&mut self, records: &[Record]) -> Result<()> {
        STORED.fetch_add(records.len() - usize::from(self.loses && !records.is_empty()), Ordering::Relaxed);
        Ok(())
    }

    fn pre_commit(&mut self, mut offsets: Vec<PartitionOffset>) -> Result<Vec<PartitionOffset>> {
        for offset in &mut offsets {
            offset.offset += i64::from(self.claims);
        }
        Ok(offsets)
    }
}

/// A transform that panics on null and is fatal about numbers if told to.
#[derive(Debug, Default)]
struct Fault {
    fault: String,
}

impl Plugin for Fault {
    fn describe() -> Description {
        let def = ConfigDef::new().key(Key::string("fault").doc("What is wrong."));
        Description::new("Fault", "1").doc("Changes nothing.").config(def)
    }
}

impl Transform for Fault {
    fn configure(&mut self, config: &Config) -> Result<()> {
        self.fault = config.get("fault").unwrap_or_default().to_owned();
        Ok(())
    }

    fn apply(&mut self, record: &mut Record) -> Result<bool> {
        assert!(self.fault != "panics" || !record.value.value.is_null(), "null");
        if self.fault == "fatal" && record.value.value.as_text().is_none() {
            return Err(Error::fatal("no text"));
        }
        Ok(true)
    }
}

/// A header converter of bytes that forgets, panics or is fatal if told to.
#[derive(Debug, Default)]
struct Mirror {
    fault: String,
}

impl Plugin for Mirror {
    fn describe() -> Description {
        let def = ConfigDef::new().key(Key::string("fault").doc("What is wrong."));
        Description::new("Mirror", "1").doc("Passes bytes through.").config(def)
    }
}

impl HeaderConverter for Mirror {
    fn configure(&mut self, config: &Config) -> Result<()> {
        self.fault = config.get("fault").unwrap_or_default().to_owned();
        Ok(())
    }

    fn to_bytes(&mut self, _: &str, _: &str, data: &Data) -> Result<Option<Blob>> {
        match data.value.view() {
            ValueRef::Null => Ok(None),
            ValueRef::Bytes(bytes) => Ok(Some(bytes.clone())),
            _ if self.fault == "fatal" => Err(Error::fatal("no bytes")),
            _ => Err(Error::data("no bytes")),
        }
    }

    fn from_bytes(&mut self, _: &str, name: &str, bytes: Option<&Blob>) -> Result<Data> {
        assert!(self.fault != "panics" || !name.is_empty(), "no name");
        let bytes = bytes.filter(|_| self.fault != "forgets");
        Ok(bytes.map_or(Data::NULL, |bytes| Data::schemaless(bytes.clone())))
    }
}

/// A config provider with one value, which it tells in an error, invents keys or is stingy if told to.
#[derive(Debug, Default)]
struct Leaky {
    fault: String,
}

impl Plugin for Leaky {
    fn describe() -> Description {
        let def = ConfigDef::new().key(Key::string("fault").doc("What is wrong."));
        Description::new("Leaky", "1").doc("Has one value.").config(def)
    }
}

impl ConfigProvider for Leaky {
    fn configure(&mut self, config: &Config) -> Result<()> {
        self.fault = config.get("fault").unwrap_or_default().to_owned();
        Ok(())
    }

    fn get(&mut self, path: &str, keys: &[String]) -> Result<(Config, Option<Duration>)> {
        let mut found = Config::default();
        if path == "/" && self.fault == "leaks" {
            return Err(Error::config("the root has more than hush-hush"));
        }
        if path == "safe" && (keys.iter().any(|key| key == "key") || keys.is_empty() && self.fault != "stingy") {
            found.set("key", "hush-hush");
        }
        for key in keys.iter().filter(|_| self.fault == "invents") {
            found.set(key, "hush-hush");
        }
        Ok((found, None))
    }
}

/// What the checks have to say.
fn verdict(checks: impl FnOnce()) -> String {
    match catch_unwind(AssertUnwindSafe(checks)) {
        Ok(()) => String::new(),
        Err(panic) => panic.downcast_ref::<String>().unwrap().clone(),
    }
}

fn source(class: &str, fault: &str) -> String {
    verdict(|| acceptance::source(&library(), class, [("topic", "t"), ("fault", fault)], || {}))
}

// One test: the sink's count is shared.
#[test]
fn sinks_that_lose_or_claim_too_much_are_found() {
    let sink = |fault| {
        let values = ["a", "b", "c"].map(Data::schemaless).to_vec();
        verdict(|| acceptance::sink(&library(), "Store", [("fault", fault)], values, || STORED.load(Ordering::Relaxed)))
    };
    assert_eq!(sink("none"), "");
    let lost = sink("loses");
    assert!(lost.contains("commits what arrived: it says 3 arrived, and 2 did"), "{lost}");
    let claimed = sink("claims");
    assert!(claimed.contains("after 3 records"), "{claimed}");
}

#[test]
fn sources_that_lose_or_repeat_are_found() {
    let repeats = source("Numbers", "repeats");
    assert!(repeats.contains("goes on where it stopped: after 1 records it gives"), "{repeats}");
    let loses = source("Numbers", "loses");
    assert!(loses.contains("goes on where it stopped"), "{loses}");
}

#[test]
fn sources_that_break_rules_are_found() {
    let tasks = source("Numbers", "tasks");
    assert!(tasks.contains("it gives 2 tasks where it may have 1"), "{tasks}");
    // `poll` panics when it is called too early, whatever the fault.
    assert!(tasks.contains("poll without start panicked"), "{tasks}");
    let once = source("Numbers", "stops once");
    assert!(once.contains("the second stop panicked"), "{once}");
    let undocumented = source("Undocumented", "none");
    assert!(undocumented.contains("is documented: the key size has no doc"), "{undocumented}");
}

#[test]
fn transforms_that_panic_or_are_fatal_are_found() {
    let transform = |fault| {
        let records = vec![testkit::sink_record("t", 0, 0, Data::schemaless("a"))];
        verdict(|| acceptance::transform(&library(), "Fault", [("fault", fault)], records))
    };
    assert_eq!(transform("none"), "");
    let panics = transform("panics");
    assert!(panics.contains("survives odd values: apply to Null panicked"), "{panics}");
    let fatal = transform("fatal");
    assert!(fatal.contains("is no data error"), "{fatal}");
}

#[test]
fn header_converters_that_forget_panic_or_are_fatal_are_found() {
    let header_converter = |fault| {
        let headers = vec![("a", Data::schemaless(vec![1, 2])), ("b", Data::NULL)];
        verdict(|| acceptance::header_converter(&library(), "Mirror", [("fault", fault)], headers))
    };
    assert_eq!(header_converter("none"), "");
    let forgets = header_converter("forgets");
    assert!(forgets.contains("reads what it wrote: a: "), "{forgets}");
    let panics = header_converter("panics");
    assert!(panics.contains("survives odd bytes: reading None panicked"), "{panics}");
    let fatal = header_converter("fatal");
    assert!(fatal.contains("is no data error"), "{fatal}");
}

#[test]
fn config_providers_that_leak_invent_or_hold_back_are_found() {
    let provider = |fault| {
        verdict(|| {
            acceptance::config_provider(&library(), "Leaky", [("fault", fault)], "safe", [("key", "hush-hush")]);
        })
    };
    assert_eq!(provider("none"), "");
    let leaks = provider("leaks");
    assert!(leaks.contains("survives odd paths and keys: the error shows a value"), "{leaks}");
    let invents = provider("invents");
    assert!(invents.contains("leaves out what does not exist: "), "{invents}");
    let stingy = provider("stingy");
    assert!(stingy.contains("key is not among all keys"), "{stingy}");
}

/// Once a library is attached its panics go to the log, but not those of the test around it.
#[test]
fn a_failing_test_says_why() {
    let mut command = std::process::Command::new(std::env::current_exe().unwrap());
    let output = command.args(["--exact", "fails", "--ignored", "--nocapture"]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && said.contains("the reason why"), "{said}");
}

#[test]
#[ignore = "the test above runs it in a process of its own"]
fn fails() {
    library();
    panic!("the reason why");
}
