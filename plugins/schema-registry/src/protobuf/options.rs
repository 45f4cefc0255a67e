//! The keys that Protobuf has beside the common ones.

use ferroconnect_plugin_sdk::{Config, ConfigDef, Key, Result};

const GROUP: &str = "Protobuf";

/// The user's choices.
#[derive(Debug, Clone, Default)]
pub(super) struct Options {
    /// Whether Connect schemas bear the full names of messages.
    pub(super) enhanced: bool,
    /// Whether characters that Protobuf's names lack are replaced.
    pub(super) scrub_names: bool,
    /// Whether enums are numbers and not text.
    pub(super) int_for_enums: bool,
    /// Whether `optional` says that a field may be null.
    pub(super) optional_for_nullables: bool,
    /// Whether `optional` of proto2 does, too.
    pub(super) optional_for_proto2: bool,
    /// Whether wrapper messages say that a field may be null.
    pub(super) wrapper_for_nullables: bool,
    /// Whether a wrapper message at the top is the plain value in it.
    pub(super) wrapper_for_raw_primitives: bool,
    /// Whether messages that are not there become structs of default values.
    pub(super) struct_for_nulls: bool,
    /// Whether the names of unions' fields end with their number.
    pub(super) index_for_unions: bool,
    /// Whether the branches of unions stand among the other fields.
    pub(super) flatten_unions: bool,
    /// Whether unions and enums bear the parameters that all formats share.
    pub(super) sum_types: bool,
    /// Whether null in an optional field stays null although the field has a default value.
    pub(super) ignore_default_for_nullables: bool,
}

/// Name, default and meaning of each key.
const FLAGS: [(&str, &str, &str); 10] = [
    ("enhanced.protobuf.schema.support", "false", "Whether schemas bear the full names of messages and enums."),
    (
        "scrub.invalid.names",
        "false",
        "Whether characters that names in Protobuf cannot have are replaced by underscores.",
    ),
    ("int.for.enums", "false", "Whether enums are read as numbers and not as text."),
    ("optional.for.nullables", "false", "Whether the keyword 'optional' says that a field may be null."),
    ("optional.for.proto2", "true", "Whether the keyword 'optional' of proto2 says that a field may be null."),
    ("wrapper.for.nullables", "false", "Whether fields that may be null are wrapper messages, such as StringValue."),
    ("wrapper.for.raw.primitives", "true", "Whether a wrapper message at the top is read as the plain value in it."),
    (
        "generate.struct.for.nulls",
        "false",
        "Whether messages that are not there are read as structs of default values.",
    ),
    (
        "generate.index.for.unions",
        "true",
        "Whether the names of the fields that hold unions end with the union's number.",
    ),
    ("flatten.unions", "false", "Whether the branches of unions are read as fields among the others."),
];

/// Adds the keys.
pub(super) fn keys(def: ConfigDef) -> ConfigDef {
    FLAGS.iter().zip(1..).fold(def, |def, ((name, default, doc), order)| {
        def.key(Key::boolean(name).default_value(default).group(GROUP, order).doc(doc))
    })
}

impl Options {
    /// The choices of a configuration.
    ///
    /// # Errors
    /// A config error that names the key.
    pub(super) fn new(config: &Config) -> Result<Options> {
        Ok(Options {
            enhanced: config.flag("enhanced.protobuf.schema.support")?,
            scrub_names: config.flag("scrub.invalid.names")?,
            int_for_enums: config.flag("int.for.enums")?,
            optional_for_nullables: config.flag("optional.for.nullables")?,
            optional_for_proto2: config.flag("optional.for.proto2")?,
            wrapper_for_nullables: config.flag("wrapper.for.nullables")?,
            wrapper_for_raw_primitives: config.flag("wrapper.for.raw.primitives")?,
            struct_for_nulls: config.flag("generate.struct.for.nulls")?,
            index_for_unions: config.flag("generate.index.for.unions")?,
            flatten_unions: config.flag("flatten.unions")?,
            sum_types: config.flag("generalized.sum.type.support")?,
            ignore_default_for_nullables: config.flag("ignore.default.for.nullables")?,
        })
    }
}
