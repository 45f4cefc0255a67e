//! Filter: drops records.

use ferroconnect_plugin_abi::Record;

use crate::config::{ConfigDef, Props};
use crate::error::Result;
use crate::stages::Transform;

/// Drops every record it sees (KIP-585).
pub(super) struct Filter;

impl Filter {
    pub(super) fn config_def() -> ConfigDef {
        ConfigDef::new()
    }

    pub(super) fn configured(_props: &Props) -> Result<Self> {
        Ok(Self)
    }
}

impl Transform for Filter {
    fn apply(&mut self, _record: &mut Record) -> Result<bool> {
        Ok(false)
    }
}
