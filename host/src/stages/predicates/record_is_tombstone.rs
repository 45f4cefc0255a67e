//! RecordIsTombstone: whether the value of a record is null.

use ferroconnect_plugin_abi::Record;

use crate::config::{ConfigDef, Props};
use crate::error::Result;
use crate::stages::Predicate;

/// True for records whose value is null, whatever its schema.
pub(super) struct RecordIsTombstone;

impl RecordIsTombstone {
    pub(super) fn config_def() -> ConfigDef {
        ConfigDef::new()
    }

    pub(super) fn configured(_: &Props) -> Result<Self> {
        Ok(Self)
    }
}

impl Predicate for RecordIsTombstone {
    fn test(&mut self, record: &Record) -> Result<bool> {
        Ok(record.value.value.is_null())
    }
}
