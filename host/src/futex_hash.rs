//! Makes waking one of thousands of threads as cheap as waking one of a few.
//!
//! Since version 6.16 Linux finds the threads that wait for a lock in a table of each process, of four slots for each
//! processor. Every task has a handful of threads, nearly all of which wait; with a thousand tasks on two processors a slot
//! has hundreds of them, and each wakeup looks at all, with their slot locked. Idle tasks then take three times the CPU
//! time, and every lock that is contended is slow. See `prctl(PR_FUTEX_HASH)` and `kernel/futex/core.c` of Linux.

/// `PR_FUTEX_HASH` of `linux/prctl.h`.
const FUTEX_HASH: libc::c_int = 78;
/// `PR_FUTEX_HASH_SET_SLOTS`.
const SET_SLOTS: libc::c_ulong = 1;

/// Four waiting threads for each slot with a thousand tasks; 64 KiB of the kernel's memory. A power of two.
const SLOTS: libc::c_ulong = 1024;

/// Gives this process a table of [`SLOTS`]. An older kernel has one table for all processes, which is larger; it refuses,
/// and nothing is to be done.
pub(crate) fn widen() {
    const NO_FLAGS: libc::c_ulong = 0;
    // SAFETY: the call takes numbers only, and touches nothing that the process can see.
    let result = unsafe { libc::prctl(FUTEX_HASH, SET_SLOTS, SLOTS, NO_FLAGS, NO_FLAGS) };
    tracing::debug!("Asked the kernel for {SLOTS} slots for waiting threads: {result}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_as_large_as_asked_for_where_the_kernel_has_one() {
        const GET_SLOTS: libc::c_ulong = 2;
        // SAFETY: as above.
        let slots = || unsafe { libc::prctl(FUTEX_HASH, GET_SLOTS, 0 as libc::c_ulong, 0 as libc::c_ulong) };
        let known = slots() >= 0;
        widen();
        assert_eq!(slots() == 1024, known);
    }
}
