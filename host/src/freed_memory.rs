//! Gives back to the operating system what ended tasks leave behind.
//!
//! The GNU C library keeps memory that is freed, in up to eight arenas for each processor, each until the block at its
//! very end is freed. Records and clients of a task lie scattered over them: after a flood of records the process stayed
//! at 600 MB, of which it used 50. Allocators that give memory back by themselves were measured in its place (mimalloc,
//! jemalloc): they keep twice as much for a worker with a thousand tasks, since they keep some for each of its threads.

use std::sync::atomic::{AtomicBool, Ordering};

static TASK_ENDED: AtomicBool = AtomicBool::new(false);

/// Takes note that there may be something to give back.
pub(crate) fn task_ended() {
    TASK_ENDED.store(true, Ordering::Relaxed);
}

/// Gives back what is free, if a task has ended since the last time. Takes milliseconds, in which other threads wait here
/// and there for memory: not for a thread that somebody waits for. With another C library nothing is done.
pub(crate) fn give_back() {
    if TASK_ENDED.swap(false, Ordering::Relaxed) {
        trim();
    }
}

#[cfg(all(target_os = "linux", target_env = "gnu"))]
fn trim() {
    // SAFETY: may be called at any time, and touches only what is free. See malloc_trim(3).
    unsafe { libc::malloc_trim(0) };
}

#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
fn trim() {}

#[cfg(all(test, target_os = "linux", target_env = "gnu"))]
mod tests {
    use super::*;
    use crate::telemetry::memory::process_usage;

    #[test]
    fn what_is_free_between_blocks_in_use_goes_back() {
        let resident_mib = || process_usage().unwrap().resident_bytes >> 20;
        let mut blocks: Vec<Option<Box<[u8; 1024]>>> = (0..200_000).map(|_| Some(Box::new([1; 1024]))).collect();
        let full = resident_mib();
        // One in a hundred stays.
        for (place, block) in blocks.iter_mut().enumerate() {
            block.take_if(|_| place % 100 != 0);
        }
        task_ended();
        give_back();
        let given = resident_mib();
        assert!(full.saturating_sub(given) > 100, "{full} MiB became {given}");
        assert!(blocks.iter().flatten().all(|block| block[0] == 1));
    }
}
