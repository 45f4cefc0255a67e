//! What the Avro converter can be configured with beside the common keys.

use ferroconnect_plugin_sdk::{Config, ConfigDef, Key, Result, Schema, SchemaType};

use super::names;

/// The keys of Avro.
pub(super) fn keys(def: ConfigDef) -> ConfigDef {
    let flag = |name: &str, default: &str| Key::boolean(name).default_value(default);
    def.key(
        flag("enhanced.avro.schema.support", "false")
            .doc("Keeps enums as enums, and names the branches of a union in full."),
    )
    .key(
        flag("connect.meta.data", "true").low().doc(
            "Adds Connect's names, versions, documentation, parameters and defaults to Avro schemas, and reads them.",
        ),
    )
    .key(flag("scrub.invalid.names", "false").doc("Replaces what Avro does not allow in names of records and fields."))
    .key(
        flag("allow.optional.map.keys", "false")
            .low()
            .doc("Writes maps whose keys are optional text as maps, too. A null key is then an error."),
    )
    .key(flag("flatten.singleton.unions", "true").low().doc("Reads a union of one type as that type."))
    .key(
        flag("discard.type.doc.default", "false")
            .low()
            .doc("Takes documentation and default from fields, and not from their types."),
    )
}

/// What the keys say.
#[derive(Debug, Clone, Default)]
pub(crate) struct AvroSettings {
    /// Keeps enums as enums, and names the branches of unions in full.
    pub(super) enhanced: bool,
    /// Shows enums and unions as all formats do.
    pub(super) generalized: bool,
    /// Adds and reads what Avro has no words for.
    pub(super) metadata: bool,
    /// Replaces what Avro does not allow in names.
    pub(super) scrub_names: bool,
    /// Takes maps with keys of optional text for maps.
    pub(super) optional_map_keys: bool,
    /// Reads a union of one type as that type.
    pub(super) flatten_singletons: bool,
    /// Takes documentation and defaults from fields only.
    pub(super) discard_type_doc: bool,
    /// Writes null, and not the default, where the schema is optional.
    pub(super) null_outweighs_default: bool,
}

impl AvroSettings {
    pub(super) fn new(config: &Config) -> Result<AvroSettings> {
        Ok(AvroSettings {
            enhanced: config.flag("enhanced.avro.schema.support")?,
            generalized: config.flag("generalized.sum.type.support")?,
            metadata: config.flag("connect.meta.data")?,
            scrub_names: config.flag("scrub.invalid.names")?,
            optional_map_keys: config.flag("allow.optional.map.keys")?,
            flatten_singletons: config.flag("flatten.singleton.unions")?,
            discard_type_doc: config.flag("discard.type.doc.default")?,
            null_outweighs_default: config.flag("ignore.default.for.nullables")?,
        })
    }

    /// The parameter that makes a schema of text an enum, where enums are kept; its value is the enum's full name.
    pub(super) fn enum_parameter(&self, schema: &Schema) -> Option<&'static str> {
        let parameter = if self.generalized { names::GENERAL_ENUM } else { names::ENUM };
        let is_kept = schema.kind == SchemaType::STRING && (self.generalized || self.enhanced);
        (is_kept && schema.parameter(parameter).is_some()).then_some(parameter)
    }
}
