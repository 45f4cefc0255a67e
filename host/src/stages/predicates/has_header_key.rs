//! HasHeaderKey: whether a record has a header of a name.

use ferroconnect_plugin_abi::Record;

use crate::config::{ConfigDef, ConfigKey, Importance, Props, Type, Validator};
use crate::error::Result;
use crate::stages::Predicate;
use crate::stages::transforms::config::parse;

const NAME: &str = "name";

/// True for records with at least one header of the name. Case counts.
pub(super) struct HasHeaderKey {
    name: String,
}

impl HasHeaderKey {
    pub(super) fn config_def() -> ConfigDef {
        ConfigDef::new().key(
            ConfigKey::required(NAME, Type::String, Importance::Medium, "The header name.").check(Validator::NonEmpty),
        )
    }

    pub(super) fn configured(props: &Props) -> Result<Self> {
        let config = parse(&Self::config_def(), props)?;
        Ok(Self { name: config.str(NAME).to_owned() })
    }
}

impl Predicate for HasHeaderKey {
    fn test(&mut self, record: &Record) -> Result<bool> {
        Ok(record.headers.iter().any(|header| header.key.as_str() == self.name))
    }
}
