//! What the border between worker and plugin library costs a record.

use ferroconnect::config::{PluginSettings, Props};
use ferroconnect::error::Result;
use ferroconnect::plugins::Finder;
use ferroconnect::plugins::api::{SinkTaskContext, SourceTaskContext};
use ferroconnect::plugins::host_services::Scope;
use ferroconnect::telemetry::LogContext;
use ferroconnect_e2e::build_dir;
use ferroconnect_fixture_border::{BATCH, Maker, look_at};
use ferroconnect_plugin_sdk::Batch;
use ferroconnect_plugin_sdk::abi::record::{OffsetMap, PartitionOffset, SourceBatch, TopicPartition};
use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

const BATCHES: usize = 4_000;

/// Nanoseconds a record, in batches of [`BATCH`].
#[derive(Debug, Clone, Copy)]
pub(crate) struct Border {
    /// Making and dropping a batch of source records without a border.
    pub(crate) source_direct: f64,
    /// The same through `poll` of a library.
    pub(crate) source: f64,
    /// Looking at a batch without a border.
    pub(crate) sink_direct: f64,
    /// The same through `put` of a library.
    pub(crate) sink: f64,
}

/// Loads the library that is built for this purpose and measures.
pub(crate) fn measure() -> Border {
    let dir = tempfile::tempdir().expect("a temporary folder can be made");
    let file = format!("{}ferroconnect_fixture_border{}", std::env::consts::DLL_PREFIX, std::env::consts::DLL_SUFFIX);
    let built = build_dir().join(&file);
    std::fs::copy(&built, dir.path().join(&file)).unwrap_or_else(|e| panic!("{}: {e}", built.display()));
    let settings = PluginSettings {
        path: vec![dir.path().to_owned()],
        digests: None,
        allow_symlinks: false,
        probe_timeout: Duration::from_secs(10),
    };
    let props = Props::new();
    let found = Finder::new(&settings, &props).without_probe().cache(None).find().expect("the library is found");
    let plugin = |class| found.registry().connector(class, None).expect("the library has the class");
    let context = Arc::new(Context(Arc::new(Scope::new(&LogContext::connector("border"), None))));

    let mut source = plugin("test.BorderSource").source_task().expect("a task can be made");
    source.start(Arc::clone(&context) as Arc<dyn SourceTaskContext>, &props).expect("the task starts");
    let mut sink = plugin("test.BorderSink").sink_task().expect("a task can be made");
    sink.start(context, &props).expect("the task starts");

    let mut maker = Maker::new("border");
    let mut records = SourceBatch::new(0);
    maker.fill(&mut Batch::new(&mut records));
    Border {
        source_direct: nanoseconds(|| {
            let mut batch = SourceBatch::new(0);
            maker.fill(&mut Batch::new(&mut batch));
            black_box(batch);
        }),
        source: nanoseconds(|| {
            let mut batch = SourceBatch::new(0);
            source.poll(&mut batch).expect("the plugin answers");
            black_box(batch);
        }),
        sink_direct: nanoseconds(|| {
            black_box(look_at(black_box(&records.records)));
        }),
        sink: nanoseconds(|| sink.put(black_box(&records.records)).expect("the plugin answers")),
    }
}

/// The best of five series: what disturbs a series only ever makes it longer.
fn nanoseconds(mut batch: impl FnMut()) -> f64 {
    let mut series = || {
        let begun = Instant::now();
        (0..BATCHES).for_each(|_| batch());
        begun.elapsed().as_secs_f64() * 1e9 / (BATCHES * BATCH) as f64
    };
    (0..5).map(|_| series()).fold(f64::INFINITY, f64::min)
}

/// A worker that is asked for nothing.
struct Context(Arc<Scope>);

impl SourceTaskContext for Context {
    fn scope(&self) -> Arc<Scope> {
        Arc::clone(&self.0)
    }

    fn configs(&self) -> Props {
        Props::new()
    }

    fn source_offsets(&self, partitions: &[OffsetMap]) -> Result<Vec<Option<OffsetMap>>> {
        Ok(partitions.iter().map(|_| None).collect())
    }
}

impl SinkTaskContext for Context {
    fn scope(&self) -> Arc<Scope> {
        Arc::clone(&self.0)
    }

    fn configs(&self) -> Props {
        Props::new()
    }

    fn assignment(&self) -> Vec<TopicPartition> {
        Vec::new()
    }

    fn rewind(&self, _: Vec<PartitionOffset>) {}

    fn pause(&self, _: Vec<TopicPartition>) {}

    fn resume(&self, _: Vec<TopicPartition>) {}

    fn timeout(&self, _: u64) {}

    fn request_commit(&self) {}
}
