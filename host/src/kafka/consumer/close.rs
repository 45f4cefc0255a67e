//! Leaving a group with a deadline.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rdkafka::bindings as rd;

use super::batch::RawBatch;
use crate::kafka::error::KafkaError;
use crate::kafka::native::{Handle, Queue};

/// How long one step of waiting takes; librdkafka ends it when the consumer is closed.
const STEP: Duration = Duration::from_millis(50);
/// How long the background waits before it lets go of a client that cannot be closed.
const BACKGROUND: Duration = Duration::from_secs(300);

/// A consumer that is leaving its group.
pub(super) struct Closing {
    // Before `handle`: the queue has to be given back before the client is destroyed.
    queue: Queue,
    handle: Arc<Handle>,
}

impl Closing {
    /// Begins to leave. None: there is no group to leave, or the client has failed for good.
    pub(super) fn begin(handle: &Arc<Handle>) -> Option<Closing> {
        let queue = Queue::new(handle);
        // SAFETY: handle and queue are valid; the error, if any, is ours.
        let begun = unsafe { KafkaError::take(rd::rd_kafka_consumer_close_queue(handle.as_ptr(), queue.as_ptr())) };
        begun.ok().map(|()| Closing { queue, handle: Arc::clone(handle) })
    }

    /// Serves rebalances on this thread, at most so long. True = the group is left.
    pub(super) fn serve(&self, timeout: Duration) -> bool {
        let deadline = Instant::now() + timeout;
        loop {
            // SAFETY: the handle is valid.
            if unsafe { rd::rd_kafka_consumer_closed(self.handle.as_ptr()) } != 0 {
                return true;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            // Records that still come are dropped: nobody takes them any more.
            RawBatch::with_capacity(1).fill(&self.queue, 1, left.min(STEP));
        }
    }

    /// Serves on, on a thread of its own; partitions are given back without asking anybody.
    pub(super) fn go_on_in_background(self) {
        let serve = move || {
            if !self.serve(BACKGROUND) {
                tracing::warn!("A consumer could not leave its group; its client is given up");
            }
        };
        if let Err(error) = std::thread::Builder::new().name("consumer-close".to_owned()).spawn(serve) {
            tracing::warn!("Could not start a thread to leave the group in: {error}");
        }
    }
}
