//! What the reading thread hands to the task: batches, a bounded number of them ahead.

use super::deletes::{Entry, Ledger};
use super::reader::Trouble;
use ferroconnect_plugin_sdk::{Error, SourceRecord};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::{Duration, Instant};

/// The bytes that a batch is handed over at, however few its rows.
const FULL: usize = 1 << 19;
/// How long a row waits for the batch to become full.
const PATIENCE: Duration = Duration::from_millis(100);

/// What goes over.
pub(super) enum Message {
    /// A batch; never empty.
    Records(Vec<SourceRecord>),
    /// Reading has failed for good.
    Failed(Error),
    /// Nothing: wakes the task up.
    Wake,
}

/// The reading thread's end.
pub(super) struct Outlet {
    /// Where the keys of rows are written down before the rows leave; none where nobody wants that.
    pub(super) ledger: Option<Ledger>,
    sender: SyncSender<Message>,
    batch: Vec<SourceRecord>,
    most: usize,
    bytes: usize,
    since: Instant,
}

impl Outlet {
    /// With batches of at most `most` rows, `ahead` of them waiting.
    pub(super) fn new(most: usize, ahead: usize, ledger: Option<Ledger>) -> (Outlet, Receiver<Message>) {
        let (sender, receiver) = sync_channel(ahead);
        (Outlet { ledger, sender, batch: Vec::new(), most, bytes: 0, since: Instant::now() }, receiver)
    }

    /// What wakes the task up.
    pub(super) fn waker(&self) -> impl Fn() + Send + Sync + use<> {
        let sender = self.sender.clone();
        move || {
            // Where the queue is full the task has something to wake up for.
            let _ = sender.try_send(Message::Wake);
        }
    }

    /// Adds a row of about so many bytes, whose key may be one to write down. Waits while too many batches are ahead.
    pub(super) fn push(&mut self, record: SourceRecord, bytes: usize, key: Option<Entry>) -> Result<(), Trouble> {
        if self.batch.is_empty() {
            self.since = Instant::now();
        }
        if let (Some(ledger), Some(key)) = (&mut self.ledger, key) {
            ledger.add(key);
        }
        self.batch.push(record);
        self.bytes += bytes;
        if self.batch.len() >= self.most || self.bytes >= FULL || self.since.elapsed() >= PATIENCE {
            return self.flush();
        }
        Ok(())
    }

    /// Hands over what there is. What has to wait, since its keys cannot be written down now, is handed over the next time.
    pub(super) fn flush(&mut self) -> Result<(), Trouble> {
        if self.batch.is_empty() {
            return Ok(());
        }
        if let Some(ledger) = &mut self.ledger {
            ledger.write()?;
        }
        self.bytes = 0;
        let next = Vec::with_capacity(self.batch.len());
        let batch = std::mem::replace(&mut self.batch, next);
        self.sender.send(Message::Records(batch)).map_err(|_| Trouble::Stopped)
    }

    /// Says that reading has failed.
    pub(super) fn fail(&mut self, error: Error) {
        // What cannot be handed over is read again by the next task, and if this one is gone nobody needs to know.
        let _ = self.flush();
        let _ = self.sender.send(Message::Failed(error));
    }
}
