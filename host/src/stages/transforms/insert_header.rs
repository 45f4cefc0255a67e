//! InsertHeader: adds a header with a fixed value.

use ferroconnect_plugin_abi::{Header, Record};

use super::config::parse;
use crate::config::{ConfigDef, ConfigKey, Importance, Props, Type, Validator};
use crate::error::{ConnectError, Result};
use crate::stages::Transform;
use crate::stages::headers::simple;

/// Adds the header to every record, behind those that are there.
pub(super) struct InsertHeader {
    header: Header,
}

impl InsertHeader {
    pub(super) fn config_def() -> ConfigDef {
        let key = |name, doc| ConfigKey::required(name, Type::String, Importance::High, doc).check(Validator::NonNull);
        ConfigDef::new().key(key("header", "The name of the header.")).key(key(
            "value.literal",
            "The value of the header. Numbers, dates, lists and maps are told by what they look like.",
        ))
    }

    pub(super) fn configured(props: &Props) -> Result<Self> {
        let config = parse(&Self::config_def(), props)?;
        let literal = config.str("value.literal");
        let data = simple::data_of(&literal.into())
            .map_err(|reason| ConnectError::invalid_value("value.literal", literal, reason))?;
        Ok(Self { header: Header { key: config.str("header").into(), data } })
    }
}

impl Transform for InsertHeader {
    fn apply(&mut self, record: &mut Record) -> Result<bool> {
        record.headers.push(self.header.clone());
        Ok(true)
    }
}
