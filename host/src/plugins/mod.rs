//! Plugin libraries: found, tried out in a child process, loaded, listed, and refused where they do not fit.
//!
//! This is the only module that loads foreign code, and nothing it loads is ever unloaded.

pub mod api;
mod cache;
mod compat;
mod digests;
mod finder;
pub mod foreign;
pub mod host_services;
pub mod load;
mod make;
pub mod probe;
pub mod quarantine;
pub mod registry;
pub mod report;
mod scan;
#[cfg(test)]
mod tests;
pub mod version;

pub use finder::{Finder, Plugins, plugin_settings};
pub use load::{Build, Library};
pub use quarantine::{Reason, Refusal};
pub use registry::{Plugin, Registry};
pub use report::{KeyReport, LibraryReport, Outcome, PluginReport};
