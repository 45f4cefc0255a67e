//! Objects of plugin libraries as the host's own types, and the host's objects as plugins see them.

mod connector;
mod contexts;
mod convert;
pub(super) mod guard;
pub(super) mod provider;
pub(super) mod services;
pub(super) mod sink;
pub(super) mod source;
pub(super) mod stages;
mod whole;

pub(super) use convert::{abi_kind, config_def, config_values, from_pairs, kind, result, to_pairs};
pub use convert::{from_abi_error, is_stopping, to_abi_error};
