//! Lines in the worker's log: they obey `/admin/loggers` and carry the connector's name.

use ferroconnect_plugin_abi::containers::{AbiSlice, AbiStr};
use ferroconnect_plugin_abi::host::{HostServicesObject, LogField};
use std::cell::Cell;
use std::fmt;
use std::sync::OnceLock;

pub use ferroconnect_plugin_abi::host::LogLevel;

static SERVICES: OnceLock<HostServicesObject> = OnceLock::new();

thread_local! {
    static SCOPE: Cell<u64> = const { Cell::new(0) };
}

/// Keeps the host's services. Only the first call counts: a library is attached once.
pub(crate) fn attach(services: HostServicesObject) {
    // A second attach keeps the first services, which work as well.
    let _first = SERVICES.set(services);
}

/// Whether there is a worker whose log takes lines.
pub(crate) fn is_attached() -> bool {
    SERVICES.get().is_some()
}

/// From now on lines of this thread belong to a connector or task. Gives back what was set before.
pub(crate) fn set_thread_scope(scope: u64) -> u64 {
    SCOPE.with(|cell| cell.replace(scope))
}

/// Whether a line of this level and target would be written.
pub fn enabled(level: LogLevel, target: &str) -> bool {
    SERVICES.get().is_some_and(|services| services.log_enabled(level, AbiStr::from(target)))
}

/// Writes a line; the macros call it.
pub fn write(level: LogLevel, target: &str, message: fmt::Arguments<'_>, fields: &[(&str, &dyn fmt::Display)]) {
    if !enabled(level, target) {
        return;
    }
    let message = message.to_string();
    let texts: Vec<(&str, String)> = fields.iter().map(|(key, value)| (*key, value.to_string())).collect();
    write_text(level, target, &message, &texts);
}

pub(crate) fn write_text(level: LogLevel, target: &str, message: &str, texts: &[(&str, String)]) {
    let Some(services) = SERVICES.get() else { return };
    let fields: Vec<LogField<'_>> = texts
        .iter()
        .map(|(key, value)| LogField { key: AbiStr::from(*key), value: AbiStr::from(value.as_str()) })
        .collect();
    let scope = SCOPE.with(Cell::get);
    services.log(scope, level, AbiStr::from(target), AbiStr::from(message), AbiSlice::from(fields.as_slice()));
}

/// Writes a line of some level: `log!(LogLevel::INFO, key = value, …; "message {}", …)`; the fields may be left out.
#[macro_export]
macro_rules! log {
    ($level:expr, $($key:ident = $value:expr),+ ; $($message:tt)+) => {
        $crate::log::write($level, ::core::module_path!(), ::core::format_args!($($message)+),
            &[$((::core::stringify!($key), &$value as &dyn ::core::fmt::Display)),+])
    };
    ($level:expr, $($message:tt)+) => {
        $crate::log::write($level, ::core::module_path!(), ::core::format_args!($($message)+), &[])
    };
}

/// Something failed.
#[macro_export]
macro_rules! error { ($($line:tt)+) => { $crate::log!($crate::log::LogLevel::ERROR, $($line)+) }; }
/// Something is odd.
#[macro_export]
macro_rules! warn { ($($line:tt)+) => { $crate::log!($crate::log::LogLevel::WARN, $($line)+) }; }
/// Something an operator wants to know.
#[macro_export]
macro_rules! info { ($($line:tt)+) => { $crate::log!($crate::log::LogLevel::INFO, $($line)+) }; }
/// For the author of the code.
#[macro_export]
macro_rules! debug { ($($line:tt)+) => { $crate::log!($crate::log::LogLevel::DEBUG, $($line)+) }; }
/// Everything.
#[macro_export]
macro_rules! trace { ($($line:tt)+) => { $crate::log!($crate::log::LogLevel::TRACE, $($line)+) }; }
