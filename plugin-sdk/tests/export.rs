//! A library's symbols as the worker finds them, within one process.
#![allow(clippy::unwrap_used, reason = "tests")]

use ferroconnect_plugin_sdk::abi::containers::AbiStr;
use ferroconnect_plugin_sdk::abi::info::{ABI_MAJOR, BUILD_INFO_MAGIC, PluginKind};
use ferroconnect_plugin_sdk::abi::library::PluginLibraryRef;
use ferroconnect_plugin_sdk::abi::record::SourceBatch;
use ferroconnect_plugin_sdk::{
    Batch, Config, ConfigDef, ConnectorContext, Data, Description, ErrorKind, Key, Plugin, Result, SourceConnector,
    SourceContext, SourceRecord, SourceTask, Value,
};

#[derive(Default)]
struct Counter;

impl Plugin for Counter {
    fn describe() -> Description {
        let def = ConfigDef::new().key(Key::string("topic").required().high().doc("Where to."));
        Description::new("test.Counter", "1.2.3").alias("Counter").config(def)
    }
}

impl SourceConnector for Counter {
    type Task = CounterTask;

    fn start(&mut self, _: ConnectorContext, _: Config) -> Result<()> {
        Ok(())
    }

    fn task_configs(&mut self, maximum: usize) -> Result<Vec<Config>> {
        Ok(vec![Config::from([("topic", "t")]); maximum.min(2)])
    }
}

#[derive(Default)]
struct CounterTask {
    next: i64,
}

impl SourceTask for CounterTask {
    fn start(&mut self, _: SourceContext, _: Config) -> Result<()> {
        Ok(())
    }

    fn poll(&mut self, batch: &mut Batch<'_>) -> Result<()> {
        assert!(self.next < 2, "counted to {}", self.next);
        batch.push(SourceRecord::new("t", Data::schemaless(Value::int64(self.next))));
        self.next += 1;
        Ok(())
    }
}

ferroconnect_plugin_sdk::export! { sources: [Counter] }

fn root() -> PluginLibraryRef {
    __ferroconnect_export::LIBRARY_HEADER.init_root_module::<PluginLibraryRef>().unwrap()
}

#[test]
fn build_info_tells_the_version_and_panic_strategy() {
    let info = &__ferroconnect_export::BUILD_INFO;
    assert_eq!(info.magic, BUILD_INFO_MAGIC);
    assert_eq!(info.abi_major, ABI_MAJOR);
    assert_eq!(info.panic, 1);
}

#[test]
fn describes_and_makes_its_plugins() {
    let root = root();
    let infos = root.describe()(Default::default()).into_result().unwrap();
    assert_eq!(infos.len(), 1);
    assert_eq!(infos[0].kind, PluginKind::SOURCE);
    assert_eq!(infos[0].task_class.as_str(), "test.CounterTask");
    let connector = root.source_connector()(AbiStr::from("test.Counter"));
    assert_eq!(connector.into_result().unwrap().task_configs(5).into_result().unwrap().len(), 2);
    let missing = root.sink_task()(AbiStr::from("test.Counter"));
    assert_eq!(missing.into_result().err().unwrap().kind(), ErrorKind::NOT_FOUND);
}

#[test]
fn a_panic_is_an_error_and_poisons_the_object() {
    let root = root();
    root.describe()(Default::default()).into_result().unwrap();
    let mut task = root.source_task()(AbiStr::from("test.Counter")).into_result().unwrap();
    for id in 0..2 {
        let mut batch = SourceBatch::new(id);
        task.poll(&mut batch).into_result().unwrap();
        assert_eq!(batch.records.len(), 1);
    }
    let error = task.poll(&mut SourceBatch::new(2)).into_result().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PANIC);
    assert_eq!(error.data().message.as_str(), "test.CounterTask.poll panicked: counted to 2");
    let again = task.poll(&mut SourceBatch::new(3)).into_result().unwrap_err();
    assert!(again.data().message.contains("panicked before"), "{again}");
}
