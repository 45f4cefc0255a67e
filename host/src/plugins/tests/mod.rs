//! Tests with real libraries, loaded into this process.
//!
//! What a library does to a worker as a whole, and libraries that must not be loaded here, are tested end to end
//! (`plugin_loading`, `isolation`).

mod ages;
mod hanging;
mod panics;
mod stages;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use ferroconnect_plugin_abi::record::{OffsetMap, PartitionOffset, TopicPartition};

use super::api::{ConnectorContext, Scope, SinkTaskContext, SourceTaskContext};
use super::{Finder, Plugins};
use crate::config::{PluginSettings, Props};
use crate::error::{ConnectError, Result};
use crate::telemetry::LogContext;

/// Builds a fixture of the workspace, as this test was built, and answers its library.
fn fixture(name: &str) -> PathBuf {
    let test = std::env::current_exe().unwrap();
    // A test lies in TARGET/PROFILE/deps.
    let build = test.ancestors().nth(2).unwrap();
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.args(["build", "--quiet", "--locked", "-p", &format!("ferroconnect-fixture-{name}")]);
    if build.ends_with("release") {
        command.arg("--release");
    }
    command.arg("--target-dir").arg(build.parent().unwrap()).current_dir(env!("CARGO_MANIFEST_DIR"));
    assert!(command.status().unwrap().success(), "{command:?} failed");
    let stem = format!("ferroconnect_fixture_{}", name.replace('-', "_"));
    build.join(format!("{}{stem}{}", std::env::consts::DLL_PREFIX, std::env::consts::DLL_SUFFIX))
}

/// Loads libraries into this process, in this order.
fn load(libraries: &[&Path]) -> Plugins {
    let settings = PluginSettings {
        path: libraries.iter().map(|path| path.to_path_buf()).collect(),
        digests: None,
        allow_symlinks: true,
        probe_timeout: Duration::from_secs(10),
    };
    Finder::new(&settings, &Props::new()).without_probe().find().unwrap()
}

/// A worker that has nothing to offer.
struct NoWorker;

impl NoWorker {
    fn scope() -> Arc<Scope> {
        Arc::new(Scope::new(&LogContext::task("test", 0), None))
    }
}

impl ConnectorContext for NoWorker {
    fn scope(&self) -> Arc<Scope> {
        NoWorker::scope()
    }

    fn request_task_reconfiguration(&self) {}

    fn raise_error(&self, _error: ConnectError) {}

    fn source_offsets(&self, partitions: &[OffsetMap]) -> Result<Vec<Option<OffsetMap>>> {
        Ok(vec![None; partitions.len()])
    }
}

impl SourceTaskContext for NoWorker {
    fn scope(&self) -> Arc<Scope> {
        NoWorker::scope()
    }

    fn configs(&self) -> Props {
        Props::new()
    }

    fn source_offsets(&self, partitions: &[OffsetMap]) -> Result<Vec<Option<OffsetMap>>> {
        Ok(vec![None; partitions.len()])
    }
}

impl SinkTaskContext for NoWorker {
    fn scope(&self) -> Arc<Scope> {
        NoWorker::scope()
    }

    fn configs(&self) -> Props {
        Props::new()
    }

    fn assignment(&self) -> Vec<TopicPartition> {
        Vec::new()
    }

    fn rewind(&self, _offsets: Vec<PartitionOffset>) {}

    fn pause(&self, _partitions: Vec<TopicPartition>) {}

    fn resume(&self, _partitions: Vec<TopicPartition>) {}

    fn timeout(&self, _milliseconds: u64) {}

    fn request_commit(&self) {}
}
