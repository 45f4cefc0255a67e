//! The acceptance checks find what they are for: each kind of fault is tried.
#![cfg(feature = "testkit")]
#![allow(clippy::unwrap_used, reason = "tests")]

use ferroconnect_plugin_sdk::testkit::{self, Library, acceptance};
use ferroconnect_plugin_sdk::{
    Batch, Config, ConfigDef, ConnectorContext, Data, Description, Error, Key, PartitionOffset, Plugin, Record, Result,
    SinkConnector, SinkContext, SinkTask, SourceConnector, SourceContext, SourceRecord, SourceTask, Transform, Value,
    offset_map,
};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};

mod plugins {
    use super::*;

    ferroconnect_plugin_sdk::export! {
        sources: [Numbers, Undocumented],
        sinks: [Store],
        transforms: [Fault],
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
