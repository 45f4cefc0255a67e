//! Panics of the host stop here: one that unwound into a plugin would end the process.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use ferroconnect_plugin_abi::error::AbiResult;

use super::convert;
use crate::error::{ConnectError, Result};

/// Runs a callback that answers something. A panic becomes an error for the plugin and a line in the log.
pub(crate) fn answer<T>(what: &'static str, body: impl FnOnce() -> Result<T>) -> AbiResult<T> {
    convert::answer(catch_unwind(AssertUnwindSafe(body)).unwrap_or_else(|payload| Err(told(what, payload))))
}

/// Runs a callback that cannot fail. After a panic the plugin gets `otherwise`.
pub(crate) fn value<T>(what: &'static str, otherwise: T, body: impl FnOnce() -> T) -> T {
    match catch_unwind(AssertUnwindSafe(body)) {
        Ok(value) => value,
        Err(payload) => {
            told(what, payload);
            otherwise
        }
    }
}

fn told(what: &'static str, payload: Box<dyn Any + Send>) -> ConnectError {
    let text = payload
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| payload.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no text");
    tracing::error!("The worker panicked while a plugin called {what}: {text}. This is a fault of the worker");
    let error = ConnectError::panic(format!("The worker panicked in {what}: {text}"));
    // Dropping the payload could panic again, and there is no one left to catch that.
    std::mem::forget(payload);
    error
}

#[cfg(test)]
mod tests {
    use super::*;
    use ferroconnect_plugin_abi::ErrorKind;

    #[test]
    fn panics_become_errors() {
        let AbiResult::RErr(error) = answer::<()>("source_offsets", || panic!("no store")) else {
            panic!("an error was expected");
        };
        assert_eq!(error.kind(), ErrorKind::PANIC);
        assert!(error.to_string().contains("source_offsets: no store"), "{error}");
        assert_eq!(value("configs", 7, || panic!("{}", 5)), 7);
    }
}
