//! Storing source offsets: every `offset.flush.interval.ms` for all tasks together, and at the end of each task.
//!
//! An offset that was taken from [`Submitted`](super::submitted::Submitted) stays here until the store has it, so a
//! store that fails (a full disk) loses nothing: the next flush tries again.

use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};

use crate::error::{ConnectError, Result};
use crate::storage::{OffsetEntry, OffsetStore};

/// A source task as the flush sees it. Any thread may call.
pub(crate) trait FlushSource: Send + Sync {
    /// What may be stored now; each offset is given out once.
    fn take_offsets(&self) -> Result<Vec<OffsetEntry>>;
    /// Everything taken before is stored; `took` is how long the store needed.
    fn offsets_stored(&self, took: Duration);
    /// The store failed, after this time; what was taken is tried again.
    fn offsets_failed(&self, took: Duration, error: &ConnectError);
}

struct Member {
    source: Arc<dyn FlushSource>,
    /// Taken from the task, not yet stored. A later offset of the same key takes the place of an earlier one.
    pending: Vec<OffsetEntry>,
}

#[derive(Default)]
struct State {
    members: Vec<Member>,
    closed: bool,
}

/// Flushes the offsets of all source tasks of a worker.
pub(crate) struct OffsetFlusher {
    store: Arc<dyn OffsetStore>,
    interval: Duration,
    /// Held during a flush, so that flushes of one key happen in order.
    state: Mutex<State>,
    close: Condvar,
}

impl OffsetFlusher {
    /// A flusher that starts its thread; end it with [`OffsetFlusher::close`].
    ///
    /// # Errors
    /// If the thread cannot be started.
    pub(crate) fn start(store: Arc<dyn OffsetStore>, interval: Duration) -> Result<Arc<OffsetFlusher>> {
        let flusher =
            Arc::new(OffsetFlusher { store, interval, state: Mutex::new(State::default()), close: Condvar::new() });
        let own = Arc::clone(&flusher);
        std::thread::Builder::new().name("offset-flush".to_owned()).spawn(move || own.run())?;
        Ok(flusher)
    }

    fn run(&self) {
        loop {
            let mut state = self.state.lock();
            let deadline = Instant::now() + self.interval;
            while !state.closed && !self.close.wait_until(&mut state, deadline).timed_out() {}
            if state.closed {
                return;
            }
            // Each task has been told, and says so in the log.
            let _told = self.flush_members(&mut state.members, |_| true);
            drop(state);
            // Here because nobody waits for this thread.
            crate::freed_memory::give_back();
        }
    }

    /// Takes part in the flushes from now on.
    pub(crate) fn add(&self, source: Arc<dyn FlushSource>) {
        self.state.lock().members.push(Member { source, pending: Vec::new() });
    }

    /// Flushes one task now.
    ///
    /// # Errors
    /// What the store said; the offsets stay pending.
    pub(crate) fn flush(&self, source: &Arc<dyn FlushSource>) -> Result<()> {
        let mut state = self.state.lock();
        self.flush_members(&mut state.members, |member| Arc::ptr_eq(&member.source, source))
    }

    /// Ends a task's part in the flushes; what is still pending is given up (it will be read again).
    pub(crate) fn remove(&self, source: &Arc<dyn FlushSource>) {
        self.state.lock().members.retain(|member| !Arc::ptr_eq(&member.source, source));
    }

    /// Ends the flusher's thread.
    pub(crate) fn close(&self) {
        self.state.lock().closed = true;
        self.close.notify_all();
    }

    fn flush_members(&self, members: &mut [Member], wanted: impl Fn(&Member) -> bool) -> Result<()> {
        let mut batch: Vec<OffsetEntry> = Vec::new();
        let mut taking_part: Vec<usize> = Vec::new();
        for (index, member) in members.iter_mut().enumerate() {
            if !wanted(member) {
                continue;
            }
            match member.source.take_offsets() {
                Ok(taken) => {
                    for (key, value) in taken {
                        match member.pending.iter_mut().find(|(known, _)| *known == key) {
                            Some(known) => known.1 = value,
                            None => member.pending.push((key, value)),
                        }
                    }
                    batch.extend(member.pending.iter().cloned());
                    taking_part.push(index);
                }
                Err(error) => member.source.offsets_failed(Duration::ZERO, &error),
            }
        }
        let begin = Instant::now();
        let result = if batch.is_empty() { Ok(()) } else { self.store.set(batch) };
        for index in taking_part {
            let member = &mut members[index];
            match &result {
                Ok(()) => {
                    member.pending.clear();
                    member.source.offsets_stored(begin.elapsed());
                }
                Err(error) => member.source.offsets_failed(begin.elapsed(), error),
            }
        }
        result
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::PartitionOffset;
    use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

    #[derive(Default)]
    struct Store {
        full: AtomicBool,
        entries: Mutex<Vec<OffsetEntry>>,
    }

    impl OffsetStore for Store {
        fn get(&self, keys: &[Vec<u8>]) -> Result<Vec<Option<Vec<u8>>>> {
            Ok(keys.iter().map(|_| None).collect())
        }

        fn set(&self, batch: Vec<OffsetEntry>) -> Result<()> {
            if self.full.load(Ordering::Relaxed) {
                return Err(ConnectError::io("No space left on device"));
            }
            *self.entries.lock() = batch;
            Ok(())
        }

        fn partitions(&self, _: &str) -> Result<Vec<PartitionOffset>> {
            Ok(Vec::new())
        }
    }

    #[derive(Default)]
    struct Source {
        offsets: Mutex<Vec<OffsetEntry>>,
        stored: AtomicUsize,
        failed: AtomicUsize,
    }

    impl FlushSource for Source {
        fn take_offsets(&self) -> Result<Vec<OffsetEntry>> {
            Ok(std::mem::take(&mut self.offsets.lock()))
        }

        fn offsets_stored(&self, _: Duration) {
            self.stored.fetch_add(1, Ordering::Relaxed);
        }

        fn offsets_failed(&self, _: Duration, _: &ConnectError) {
            self.failed.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn a_full_disk_loses_no_offset_and_the_newest_wins() {
        let store = Arc::new(Store::default());
        let flusher = OffsetFlusher::start(store.clone(), Duration::from_secs(3600)).unwrap();
        let source = Arc::new(Source::default());
        let member: Arc<dyn FlushSource> = source.clone();
        flusher.add(Arc::clone(&member));
        store.full.store(true, Ordering::Relaxed);
        *source.offsets.lock() = vec![(b"a".to_vec(), Some(b"1".to_vec())), (b"b".to_vec(), Some(b"1".to_vec()))];
        assert!(flusher.flush(&member).is_err());
        store.full.store(false, Ordering::Relaxed);
        *source.offsets.lock() = vec![(b"a".to_vec(), Some(b"2".to_vec()))];
        flusher.flush(&member).unwrap();
        let stored = store.entries.lock().clone();
        assert_eq!(stored, [(b"a".to_vec(), Some(b"2".to_vec())), (b"b".to_vec(), Some(b"1".to_vec()))]);
        assert_eq!((source.stored.load(Ordering::Relaxed), source.failed.load(Ordering::Relaxed)), (1, 1));
        flusher.close();
    }
}
