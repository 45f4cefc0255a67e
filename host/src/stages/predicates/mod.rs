//! The predicates that come with the worker, one file each, with their class names.

use super::BuiltIn;

/// All predicates that come with the worker.
pub(super) fn builtins() -> Vec<BuiltIn> {
    Vec::new()
}
