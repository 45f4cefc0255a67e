//! Keeps the threads of librdkafka's producers from asking without a pause whether they may send.
//!
//! An idempotent producer sends nothing more to a partition while five records are on their way to it
//! (`rd_kafka_toppar_producer_serve`: `RD_KAFKA_IDEMP_MAX_INFLIGHT - inflight`). If others have lingered long enough
//! meanwhile, its broker thread is told all the same to wake up "now", finds that it may not send, and asks again. A
//! broker that takes seconds to answer, after a restart for instance, then costs a processor for each task; with a
//! thousand tasks on the machine of the broker, neither recovers. librdkafka 2.12 to 2.15 do so (its issues 2565 and
//! 3692); it has no setting against it.
//!
//! So the linker puts this module's function in front of the one that computes the time of waking (`--wrap`, see
//! `build.rs`). "Now" becomes "soon": what lets a producer send again, an acknowledgement, wakes its thread anyway.
//!
//! Only the program is linked so, since the linker's argument reaches no other crate; and only on Linux, whose linkers
//! all know the argument.

use std::ffi::c_void;

/// What librdkafka counts time in: microseconds of a monotonic clock.
type Microseconds = i64;

/// Long enough to cost nothing with a thousand threads, short enough not to be noticed where a producer has no other
/// reason to wake up.
const SOON: Microseconds = 100_000;

unsafe extern "C" {
    fn __real_rd_kafka_msgq_allow_wakeup_at(
        queue: *mut c_void,
        sending: *const c_void,
        next_wakeup: *mut Microseconds,
        now: Microseconds,
        linger: Microseconds,
        batch_records: i32,
        batch_bytes: i64,
    ) -> u8;
}

/// Tells whether a batch is ready, and brings `next_wakeup`, where given, forward to when it will be. Called by
/// librdkafka's broker threads.
///
/// # Safety
/// The pointers are those that librdkafka gives; `next_wakeup` is null or points to a number of the calling thread.
#[unsafe(no_mangle)]
unsafe extern "C" fn __wrap_rd_kafka_msgq_allow_wakeup_at(
    queue: *mut c_void,
    sending: *const c_void,
    next_wakeup: *mut Microseconds,
    now: Microseconds,
    linger: Microseconds,
    batch_records: i32,
    batch_bytes: i64,
) -> u8 {
    // SAFETY: the arguments are handed on as they came.
    let ask = |next_wakeup| unsafe {
        __real_rd_kafka_msgq_allow_wakeup_at(queue, sending, next_wakeup, now, linger, batch_records, batch_bytes)
    };
    // SAFETY: null, or a number that belongs to the calling thread.
    let Some(next_wakeup) = (unsafe { next_wakeup.as_mut() }) else {
        return ask(next_wakeup);
    };
    let mut wanted = *next_wakeup;
    let ready = ask(&raw mut wanted);
    if wanted <= now {
        wanted = now + SOON;
    }
    *next_wakeup = wanted.min(*next_wakeup);
    ready
}
