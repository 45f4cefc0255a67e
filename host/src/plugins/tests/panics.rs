//! A panic in any method of any kind of plugin, `drop` included, is an error of that one object.

use std::collections::BTreeSet;
use std::sync::{Arc, OnceLock};

use ferroconnect_plugin_abi::{Blob, Data, Record, Text};
use indexmap::IndexSet;

use super::{NoWorker, fixture, load};
use crate::config::{PluginKind, Props};
use crate::error::{ErrorKind, Result};
use crate::plugins::api::{ClusterState, RestRequest, SourceBatch};
use crate::plugins::{Plugin, Plugins};

fn plugin(kind: PluginKind, class: &str) -> Arc<Plugin> {
    static PLUGINS: OnceLock<Plugins> = OnceLock::new();
    let plugins = PLUGINS.get_or_init(|| load(&[&fixture("misbehaving")]));
    assert!(plugins.refused().is_empty(), "{:?}", plugins.refused());
    Arc::clone(plugins.registry().find(kind, class, None).unwrap())
}

fn props(panic_in: &str) -> Props {
    Props::from([("topic", "t"), ("interval.ms", "0"), ("panic.in", panic_in)])
}

/// The calls of an object's life, in order, with what came of each.
struct Calls(Vec<(&'static str, Result<()>)>);

impl Calls {
    fn make<T>(&mut self, name: &'static str, result: Result<T>) {
        self.0.push((name, result.map(drop)));
    }
}

/// Lives a life once without a panic, to learn its methods, and once with a panic in each of them and in `drop`.
fn each_method_may_panic(live: impl Fn(&Props, &mut Calls), prefix: &str) {
    let mut well = Calls(Vec::new());
    live(&props("nowhere"), &mut well);
    for (name, result) in &well.0 {
        assert!(result.is_ok(), "{name}: {result:?}");
    }
    let names: BTreeSet<&str> = well.0.iter().map(|(name, _)| *name).collect();
    for panics in names.into_iter().chain(["drop"]) {
        let mut calls = Calls(Vec::new());
        live(&props(&format!("{prefix}{panics}")), &mut calls);
        let first = calls.0.iter().position(|(name, _)| *name == panics);
        let end = first.unwrap_or(calls.0.len());
        for (name, result) in &calls.0[..end] {
            assert!(result.is_ok(), "{name} before a panic in {panics}: {result:?}");
        }
        for (name, result) in &calls.0[end..] {
            let error = result.as_ref().expect_err("an object that panicked is not used again");
            assert_eq!(error.kind(), ErrorKind::Panic, "{name} after a panic in {panics}: {error:?}");
        }
        if let Some((_, Err(error))) = calls.0.get(end) {
            let told = format!("told to panic in {prefix}{panics}");
            assert!(error.message().contains(&told), "{}", error.message());
            assert!(error.trace().contains("panicked at"), "the trace says where: {}", error.trace());
        }
    }
}

#[test]
fn source_connectors() {
    let plugin = plugin(PluginKind::Source, "test.MisbehavingSource");
    let live = |props: &Props, calls: &mut Calls| {
        let mut connector = plugin.source_connector().unwrap();
        calls.make("start", connector.start(Arc::new(NoWorker), props));
        calls.make("task_configs", connector.task_configs(2));
        calls.make("validate", connector.validate(props));
        calls.make("exactly_once_support", connector.exactly_once_support(props));
        calls.make("can_define_transactions", connector.can_define_transactions(props));
        calls.make("alter_offsets", connector.alter_offsets(props, Vec::new()));
        calls.make("stop", connector.stop());
    };
    each_method_may_panic(live, "connector.");
}

#[test]
fn source_tasks() {
    let plugin = plugin(PluginKind::Source, "test.MisbehavingSource");
    let live = |props: &Props, calls: &mut Calls| {
        let mut task = plugin.source_task().unwrap();
        calls.make("start", task.start(Arc::new(NoWorker), props));
        let mut batch = SourceBatch::new(1);
        calls.make("poll", task.poll(&mut batch));
        calls.make("acknowledged", task.acknowledge(Vec::new()));
        calls.make("commit", task.commit());
        task.control().stop();
        calls.make("stop", task.stop());
    };
    each_method_may_panic(live, "");
}

#[test]
fn sink_connectors() {
    let plugin = plugin(PluginKind::Sink, "MisbehavingSink");
    let live = |props: &Props, calls: &mut Calls| {
        let mut connector = plugin.sink_connector().unwrap();
        calls.make("start", connector.start(Arc::new(NoWorker), props));
        calls.make("task_configs", connector.task_configs(2));
        calls.make("validate", connector.validate(props));
        calls.make("alter_offsets", connector.alter_offsets(props, Vec::new()));
        calls.make("stop", connector.stop());
    };
    each_method_may_panic(live, "connector.");
}

#[test]
fn sink_tasks() {
    let plugin = plugin(PluginKind::Sink, "MisbehavingSink");
    let live = |props: &Props, calls: &mut Calls| {
        let mut task = plugin.sink_task().unwrap();
        calls.make("start", task.start(Arc::new(NoWorker), props));
        calls.make("open", task.open(Vec::new()));
        calls.make("put", task.put(&[Record::new("t", Data::NULL)]));
        calls.make("flush", task.pre_commit(Vec::new()));
        calls.make("close", task.close(Vec::new()));
        calls.make("stop", task.stop());
    };
    each_method_may_panic(live, "");
}

#[test]
fn converters() {
    let plugin = plugin(PluginKind::Converter, "test.MisbehavingConverter");
    let (topic, data) = (Text::from("t"), Data::schemaless("x"));
    let live = |props: &Props, calls: &mut Calls| {
        let mut converter = match plugin.converter(&props.clone().with("converter.type", "value")) {
            Ok(converter) => converter,
            Err(error) => return calls.make::<()>("configure", Err(error)),
        };
        calls.make("configure", Ok(()));
        let mut headers = Default::default();
        let bytes = converter.from_connect(&topic, &mut headers, &data);
        calls.make("to_bytes", bytes);
        calls.make("from_bytes", converter.to_connect(&topic, &[], Some(&Blob::from_static(b"x"))));
    };
    each_method_may_panic(live, "");
}

#[test]
fn header_converters() {
    let plugin = plugin(PluginKind::HeaderConverter, "test.MisbehavingHeaderConverter");
    let (topic, key, data) = (Text::from("t"), Text::from("k"), Data::schemaless("x"));
    let live = |props: &Props, calls: &mut Calls| {
        let mut converter = match plugin.header_converter(&props.clone().with("converter.type", "header")) {
            Ok(converter) => converter,
            Err(error) => return calls.make::<()>("configure", Err(error)),
        };
        calls.make("configure", Ok(()));
        calls.make("to_bytes", converter.from_connect_header(&topic, &key, &data));
        calls.make("from_bytes", converter.to_connect_header(&topic, &key, None));
    };
    each_method_may_panic(live, "");
}

#[test]
fn transforms_and_predicates() {
    let transform = plugin(PluginKind::Transformation, "test.MisbehavingTransform");
    let live = |props: &Props, calls: &mut Calls| {
        let mut transform = match transform.transform(props) {
            Ok(transform) => transform,
            Err(error) => return calls.make::<()>("configure", Err(error)),
        };
        calls.make("configure", Ok(()));
        calls.make("apply", transform.apply(&mut Record::new("t", Data::NULL)));
    };
    each_method_may_panic(live, "");
    let predicate = plugin(PluginKind::Predicate, "test.MisbehavingPredicate");
    let live = |props: &Props, calls: &mut Calls| {
        let mut predicate = match predicate.predicate(props) {
            Ok(predicate) => predicate,
            Err(error) => return calls.make::<()>("configure", Err(error)),
        };
        calls.make("configure", Ok(()));
        calls.make("test", predicate.test(&Record::new("t", Data::NULL)));
    };
    each_method_may_panic(live, "");
}

struct NoCluster;

impl ClusterState for NoCluster {
    fn connectors(&self) -> Result<Vec<String>> {
        Ok(Vec::new())
    }

    fn get(&self, _path: &str) -> Result<String> {
        Ok("{}".to_owned())
    }
}

#[test]
fn services_of_the_worker() {
    let provider = plugin(PluginKind::ConfigProvider, "test.MisbehavingProvider");
    let live = |props: &Props, calls: &mut Calls| {
        let provider = match provider.config_provider(props) {
            Ok(provider) => provider,
            Err(error) => return calls.make::<()>("configure", Err(error)),
        };
        calls.make("configure", Ok(()));
        let found = provider.get("p", &IndexSet::from(["k".to_owned()]));
        assert!(found.as_ref().is_err() || found.as_ref().unwrap().values["k"] == "k");
        calls.make("get", found);
    };
    each_method_may_panic(live, "");
    let extension = plugin(PluginKind::RestExtension, "test.MisbehavingExtension");
    let request = || RestRequest {
        method: "GET".into(),
        path: "/".into(),
        query: "".into(),
        headers: Default::default(),
        body: Blob::EMPTY,
        attributes: Default::default(),
    };
    let live = |props: &Props, calls: &mut Calls| {
        let extension = match extension.rest_extension(Arc::new(NoCluster), props) {
            Ok(extension) => extension,
            Err(error) => return calls.make::<()>("configure", Err(error)),
        };
        calls.make("configure", Ok(()));
        calls.make("handle", extension.handle(request()));
    };
    each_method_may_panic(live, "");
    let policy = plugin(PluginKind::OverridePolicy, "test.MisbehavingPolicy");
    let live = |props: &Props, calls: &mut Calls| {
        let mut policy = match policy.override_policy(props) {
            Ok(policy) => policy,
            Err(error) => return calls.make::<()>("configure", Err(error)),
        };
        calls.make("configure", Ok(()));
        calls.make("validate", policy.validate("c", "class", "producer", &Props::new()));
    };
    each_method_may_panic(live, "");
}

#[test]
fn a_class_of_another_kind_says_so() {
    let sink = plugin(PluginKind::Sink, "MisbehavingSink");
    let error = sink.source_task().err().unwrap();
    assert_eq!(error.message(), "Class test.MisbehavingSink is a sink plugin, not a source");
}
