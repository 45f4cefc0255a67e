//! Libraries of one minor version of the contract on a host of another, in one process.
//!
//! The libraries are built outside the workspace; the end-to-end test `plugin_loading` does that, names them in an
//! environment variable in the order in which they are to be loaded, and runs this test for hosts of both ages.

use std::path::Path;
use std::sync::Arc;

use ferroconnect_plugin_abi::{ABI_MINOR, Data, Record};

use super::{NoWorker, load};
use crate::config::{PluginKind, Props};
use crate::plugins::api::SourceBatch;
use crate::plugins::{Plugin, Plugins, Reason};

/// The libraries, separated by commas. What each is stands in its file name.
const LIBRARIES: &str = "FERROCONNECT_TEST_LIBRARIES";

#[test]
fn libraries_of_other_ages_load_or_are_refused_with_type_and_field() {
    let Ok(list) = std::env::var(LIBRARIES) else {
        println!("skipped: {LIBRARIES} is not set; the end-to-end test plugin_loading sets it");
        return;
    };
    let files: Vec<&Path> = list.split(',').map(Path::new).collect();
    let plugins = load(&files);
    for file in files {
        let stem = file.file_stem().and_then(|stem| stem.to_str()).unwrap();
        match stem {
            "old" => works(&plugins, file, "1.0.0"),
            "newer" => works(&plugins, file, "1.1.0"),
            "changed_field" => refused(&plugins, file, &["field `protocol` of type `RestRequest`"]),
            "changed_type" => refused(&plugins, file, &["`index` in `Acknowledgement`", "u32", "u64"]),
            "changed_method" => refused(&plugins, file, &["wants_acknowledgements", "bool", "u32"]),
            other => panic!("{other} is not a library that this test knows"),
        }
    }
}

fn refused(plugins: &Plugins, file: &Path, parts: &[&str]) {
    let refusal = plugins.refused().iter().find(|refusal| refusal.path == file).expect("refused");
    assert_eq!(refusal.reason, Reason::Contract);
    for part in parts.iter().chain(&["ABI 1.0", "Build the plugin again with a released SDK"]) {
        let text = refusal.to_string();
        assert!(text.contains(part), "`{part}` is not in: {text}");
    }
}

fn works(plugins: &Plugins, file: &Path, version: &str) {
    let library = plugins.libraries().iter().find(|library| library.path == file);
    let library = library.unwrap_or_else(|| panic!("{} is not loaded: {:?}", file.display(), plugins.refused()));
    assert_eq!(library.older, library.build.abi.1.cmp(&ABI_MINOR).is_lt());
    let registry = plugins.registry();
    let source = registry.find(PluginKind::Source, "test.FixtureSource", Some(version)).unwrap();
    assert_eq!(source.location, file.display().to_string());
    moves_records(source);
    let transform = registry.find(PluginKind::Transformation, "test.FixtureTransform", Some(version)).unwrap();
    changes_records(transform);
}

fn moves_records(source: &Plugin) {
    let props = Props::from([("topic", "t")]);
    let mut connector = source.source_connector().unwrap();
    connector.start(Arc::new(NoWorker), &props).unwrap();
    let configs = connector.task_configs(2).unwrap();
    assert_eq!(configs, [props.clone(), props]);
    let mut task = source.source_task().unwrap();
    task.start(Arc::new(NoWorker), &configs[0]).unwrap();
    let mut numbers = Vec::new();
    for id in 0..2 {
        let mut batch = SourceBatch::new(id);
        task.poll(&mut batch).unwrap();
        numbers.extend(batch.records.iter().filter_map(|record| record.value.value.as_integer()));
    }
    assert_eq!(numbers, [0, 1, 2, 3, 4, 5]);
    #[cfg(feature = "next-minor")]
    assert_eq!(task.next_minor_probe(), 0, "the host's default body, which the SDK of neither age replaces");
    task.stop().unwrap();
    connector.stop().unwrap();
}

fn changes_records(transform: &Plugin) {
    let mut records: Vec<Record> = (0..3i64).map(|number| Record::new("t", Data::schemaless(number))).collect();
    let mut kept = Vec::new();
    transform.transform(&Props::new()).unwrap().apply_batch(&mut records, &mut kept);
    let kept: Vec<bool> = kept.into_iter().map(|keep| keep.unwrap()).collect();
    assert_eq!(kept, [false, true, true]);
    let topics: Vec<&str> = records.iter().map(|record| record.topic.as_str()).collect();
    assert_eq!(topics, ["t", "odd", "t"]);
}
