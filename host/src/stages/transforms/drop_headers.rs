//! DropHeaders: removes headers by name.

use std::collections::HashSet;

use ferroconnect_plugin_abi::Record;

use super::config::parse;
use crate::config::{ConfigDef, ConfigKey, Importance, Props, Type, Validator};
use crate::error::Result;
use crate::stages::Transform;

/// Removes all headers that have one of these names.
pub(super) struct DropHeaders {
    names: HashSet<String>,
}

impl DropHeaders {
    pub(super) fn config_def() -> ConfigDef {
        ConfigDef::new().key(
            ConfigKey::required("headers", Type::List, Importance::High, "The names of the headers to remove.")
                .check(Validator::list(false, false)),
        )
    }

    pub(super) fn configured(props: &Props) -> Result<Self> {
        let config = parse(&Self::config_def(), props)?;
        Ok(Self { names: config.list("headers").iter().cloned().collect() })
    }
}

impl Transform for DropHeaders {
    fn apply(&mut self, record: &mut Record) -> Result<bool> {
        record.headers.retain(|header| !self.names.contains(header.key.as_str()));
        Ok(true)
    }
}
