//! A tokio runtime that lives and dies with a task (feature `tokio`).

use crate::error::{Error, Result};
use crate::stop::StopSignal;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::Notify;

/// Runs an author's futures on the task's own thread. Make it in `start`, keep it in the task.
pub struct TaskRuntime {
    runtime: Option<Runtime>,
    stopped: Arc<Notify>,
    stop: StopSignal,
}

impl TaskRuntime {
    /// A runtime on the calling thread; `stop` is the one of the task's context.
    pub fn new(stop: &StopSignal) -> Result<TaskRuntime> {
        TaskRuntime::build(Builder::new_current_thread(), stop)
    }

    /// A runtime with threads of its own, for tasks that must go on between calls.
    pub fn with_threads(threads: usize, stop: &StopSignal) -> Result<TaskRuntime> {
        let mut builder = Builder::new_multi_thread();
        builder.worker_threads(threads.max(1));
        TaskRuntime::build(builder, stop)
    }

    fn build(mut builder: Builder, stop: &StopSignal) -> Result<TaskRuntime> {
        let runtime = Some(builder.enable_all().build()?);
        let stopped = Arc::new(Notify::new());
        let notify = Arc::clone(&stopped);
        stop.on_stop(move || notify.notify_one());
        Ok(TaskRuntime { runtime, stopped, stop: stop.clone() })
    }

    /// Runs a future to its end. None = the task should end first; the future is dropped then.
    pub fn run<F: Future>(&self, future: F) -> Result<Option<F::Output>> {
        let runtime = self.runtime.as_ref().ok_or_else(|| Error::fatal("the task's runtime is closed"))?;
        if self.stop.is_stopped() {
            return Ok(None);
        }
        Ok(runtime.block_on(async {
            tokio::select! {
                output = future => Some(output),
                () = self.stopped.notified() => None,
            }
        }))
    }
}

impl Drop for TaskRuntime {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_timeout(Duration::from_secs(1));
        }
    }
}
