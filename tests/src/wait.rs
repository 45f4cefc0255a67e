//! Waiting for conditions with a deadline.

use std::time::{Duration, Instant};

/// Time that things may take on a busy machine before a test calls them broken.
pub const PATIENCE: Duration = Duration::from_secs(120);

const PAUSE: Duration = Duration::from_millis(20);

/// Asks `probe` until it gives a value.
///
/// # Panics
/// When it has given none within `patience`; the message is `what` and the last word of `probe`.
pub fn until_some<T>(what: &str, patience: Duration, probe: impl FnMut() -> Result<T, String>) -> T {
    within(patience, probe).unwrap_or_else(|last| panic!("waited {patience:?} in vain for {what}; at last: {last}"))
}

/// Asks `probe` until it gives a value. The error is its last word, when it has given none within `patience`.
pub fn within<T, E>(patience: Duration, mut probe: impl FnMut() -> Result<T, E>) -> Result<T, E> {
    let deadline = Instant::now() + patience;
    loop {
        match probe() {
            Err(_) if Instant::now() < deadline => std::thread::sleep(PAUSE),
            answer => return answer,
        }
    }
}

/// Waits until `value()` equals `want`; panics with both when it does not within [`PATIENCE`].
pub fn until_equal<T: PartialEq + std::fmt::Debug>(what: &str, want: &T, mut value: impl FnMut() -> T) {
    until_some(what, PATIENCE, || {
        let got = value();
        if got == *want { Ok(()) } else { Err(format!("got {got:?}, want {want:?}")) }
    });
}

/// Waits until `condition` holds; panics when it does not within [`PATIENCE`].
pub fn until(what: &str, mut condition: impl FnMut() -> bool) {
    until_some(what, PATIENCE, || if condition() { Ok(()) } else { Err("not so".to_owned()) });
}

/// Watches `value` for `span` and panics when it changes: the only way to see that something does *not* happen.
pub fn unchanged_for<T: PartialEq + std::fmt::Debug>(what: &str, span: Duration, mut value: impl FnMut() -> T) {
    let first = value();
    let end = Instant::now() + span;
    while Instant::now() < end {
        std::thread::sleep(PAUSE);
        let now = value();
        assert!(now == first, "{what} was to stay {first:?} but became {now:?}");
    }
}
