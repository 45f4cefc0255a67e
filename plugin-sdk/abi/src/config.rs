//! Configuration as it crosses the border: text pairs in, definitions and answers out. Nothing here is hot.

use crate::bytes::{Blob, Text};
use crate::containers::{AbiOption, AbiString, AbiVec};
use abi_stable::StableAbi;

/// A reserved, named piece of data on structs that cannot grow. Unknown keys are ignored.
#[repr(C)]
#[derive(StableAbi, Clone, PartialEq, Debug)]
pub struct Attribute {
    /// The key; `ferroconnect.*` belongs to the project.
    pub key: AbiString,
    /// The value.
    pub value: Blob,
}

impl Attribute {
    /// On every entry of `alter_offsets`: `true` where all offsets of the connector are to be forgotten, `false` where
    /// those of the named partitions change and no others. A host that is older than the key leaves it out.
    pub const RESET: &str = "ferroconnect.reset";

    /// The attribute [`Attribute::RESET`].
    pub fn reset(all: bool) -> Attribute {
        Attribute { key: Attribute::RESET.into(), value: Text::from(if all { "true" } else { "false" }).into_blob() }
    }

    /// What [`Attribute::RESET`] says among these; none where it is not there, or says what this version does not know.
    pub fn find_reset(attributes: &[Attribute]) -> Option<bool> {
        match attributes.iter().find(|attribute| attribute.key.as_str() == Attribute::RESET)?.value.as_slice() {
            b"true" => Some(true),
            b"false" => Some(false),
            _ => None,
        }
    }
}

/// One key of a configuration. `value` is absent where the user gave null.
#[repr(C)]
#[derive(StableAbi, Clone, PartialEq, Eq, Debug)]
pub struct Pair {
    /// The key.
    pub key: AbiString,
    /// The value, as text.
    pub value: AbiOption<AbiString>,
}

/// A configuration, in the user's order; keys are unique.
pub type Pairs = AbiVec<Pair>;

macro_rules! numbered {
    ($(#[$doc:meta])* $name:ident { $($(#[$item_doc:meta])* $item:ident = $number:literal),* $(,)? }) => {
        $(#[$doc])*
        #[repr(transparent)]
        #[derive(StableAbi, Clone, Copy, PartialEq, Eq, Hash, Debug)]
        pub struct $name(pub u8);

        impl $name {
            $($(#[$item_doc])* pub const $item: $name = $name($number);)*
        }
    };
}
pub(crate) use numbered;

numbered! {
    /// The type of a configuration key (Kafka's ConfigDef.Type). Unknown numbers are treated as text.
    ConfigType {
        /// `true` or `false`, any case.
        BOOLEAN = 0,
        /// Text.
        STRING = 1,
        /// 32-bit integer.
        INT = 2,
        /// 16-bit integer.
        SHORT = 3,
        /// 64-bit integer.
        LONG = 4,
        /// Floating point.
        DOUBLE = 5,
        /// Comma separated.
        LIST = 6,
        /// The name of a plugin class.
        CLASS = 7,
        /// Text that is never shown.
        PASSWORD = 8,
    }
}

numbered! {
    /// How much a key matters (ConfigDef.Importance).
    Importance {
        /// High.
        HIGH = 0,
        /// Medium.
        MEDIUM = 1,
        /// Low.
        LOW = 2,
    }
}

numbered! {
    /// How wide a form field should be (ConfigDef.Width).
    Width {
        /// Not said.
        NONE = 0,
        /// Short.
        SHORT = 1,
        /// Medium.
        MEDIUM = 2,
        /// Long.
        LONG = 3,
    }
}

numbered! {
    /// A check the host makes on a key. Unknown numbers are not checked by the host; a plugin that needs more
    /// checks in its own `validate`.
    Check {
        /// Number within `arguments` = [minimum, maximum]; an empty text means no bound on that side.
        RANGE = 0,
        /// One of `arguments`, exactly.
        ONE_OF = 1,
        /// One of `arguments` in any case.
        ONE_OF_ANY_CASE = 2,
        /// Text that is not empty.
        NON_EMPTY = 3,
        /// Text without control characters, not empty.
        NO_CONTROL_CHARACTERS = 4,
        /// A regular expression in Java's syntax.
        REGEX = 5,
        /// A list: `arguments` = allowed entries; none = any entry that is not empty.
        LIST_OF = 6,
    }
}

/// One check with its arguments.
#[repr(C)]
#[derive(StableAbi, Clone, PartialEq, Eq, Debug)]
pub struct Validator {
    /// Which check.
    pub check: Check,
    /// What its meaning says.
    pub arguments: AbiVec<AbiString>,
}

/// The definition of one configuration key.
#[repr(C)]
#[derive(StableAbi, Clone, PartialEq, Debug)]
pub struct ConfigKey {
    /// The key.
    pub name: AbiString,
    /// Its type.
    pub kind: ConfigType,
    /// Whether the user has to give it. Then there is no default.
    pub required: bool,
    /// The default as text; absent = null.
    pub default: AbiOption<AbiString>,
    /// Checks, all of which must pass.
    pub validators: AbiVec<Validator>,
    /// How much it matters.
    pub importance: Importance,
    /// For people.
    pub documentation: AbiString,
    /// The group it is shown in.
    pub group: AbiOption<AbiString>,
    /// Its place in the group, from 1; -1 without a group.
    pub order: i32,
    /// Form width.
    pub width: Width,
    /// Its title; empty = the key.
    pub display_name: AbiString,
    /// Keys whose meaning depends on this one.
    pub dependents: AbiVec<AbiString>,
    /// Recommended values that never change; changing ones come from `validate`.
    pub recommended: AbiVec<AbiString>,
    /// Reserved; empty in 1.0.
    pub attributes: AbiVec<Attribute>,
}

/// A configuration definition, in the order it is shown.
#[repr(C)]
#[derive(StableAbi, Clone, PartialEq, Debug, Default)]
pub struct ConfigDef {
    /// The keys.
    pub keys: AbiVec<ConfigKey>,
}

/// The validated state of one key, as `PUT /connector-plugins/{p}/config/validate` shows it.
#[repr(C)]
#[derive(StableAbi, Clone, PartialEq, Eq, Debug)]
pub struct ConfigValue {
    /// The key.
    pub name: AbiString,
    /// Its value as text.
    pub value: AbiOption<AbiString>,
    /// Values to offer.
    pub recommended: AbiVec<AbiString>,
    /// What is wrong with it; empty = nothing.
    pub errors: AbiVec<AbiString>,
    /// Whether a form should show it.
    pub visible: bool,
}
