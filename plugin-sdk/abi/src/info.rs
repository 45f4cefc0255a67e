//! Who made a library and what it holds.

use crate::config::{Attribute, ConfigDef, numbered};
use crate::containers::{AbiOption, AbiString, AbiVec};
use abi_stable::StableAbi;

/// The first number of the contract's version: libraries of another one are refused.
pub const ABI_MAJOR: u16 = 1;
/// The second number: libraries of a lower or equal one always load, of a higher one if they use nothing newer.
pub const ABI_MINOR: u16 = if cfg!(feature = "next-minor") { 1 } else { 0 };

/// The C symbol under which a library exports its [`BuildInfo`], readable before anything else is trusted.
pub const BUILD_INFO_SYMBOL: &str = "ferroconnect_plugin_build_info";

/// Text in static memory, C layout.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct StaticText {
    data: *const u8,
    length: usize,
}

// SAFETY: points to immutable static memory.
unsafe impl Sync for StaticText {}
// SAFETY: as above.
unsafe impl Send for StaticText {}

impl StaticText {
    /// Wraps a literal.
    pub const fn new(text: &'static str) -> StaticText {
        StaticText { data: text.as_ptr(), length: text.len() }
    }

    /// The text, with anything that is not UTF-8 replaced.
    ///
    /// # Safety
    /// The value must have been read from a library's [`BuildInfo`] whose `magic` and `size` were checked.
    pub unsafe fn read(&self) -> String {
        if self.data.is_null() || self.length == 0 || self.length > 4096 {
            return String::new();
        }
        // SAFETY: a library whose magic is right points to a literal of this length.
        let bytes = unsafe { std::slice::from_raw_parts(self.data, self.length) };
        String::from_utf8_lossy(bytes).into_owned()
    }
}

/// How a library was built. Plain C layout, exported as a static under [`BUILD_INFO_SYMBOL`]; later versions only
/// append fields and raise `size`.
#[repr(C)]
#[derive(Debug)]
pub struct BuildInfo {
    /// [`BUILD_INFO_MAGIC`].
    pub magic: [u8; 8],
    /// The size of this struct in the library, in bytes.
    pub size: u32,
    /// [`ABI_MAJOR`] of the library.
    pub abi_major: u16,
    /// [`ABI_MINOR`] of the library.
    pub abi_minor: u16,
    /// 1 = panics unwind, 2 = panics abort (refused).
    pub panic: u8,
    /// Name and version of the SDK.
    pub sdk: StaticText,
    /// The compiler.
    pub rustc: StaticText,
    /// The target triple.
    pub target: StaticText,
    /// The name of the library's crate.
    pub package: StaticText,
    /// The version of the library's crate.
    pub version: StaticText,
    /// Capabilities by name, separated by blanks; unknown ones are ignored.
    pub capabilities: StaticText,
}

/// The first bytes of every [`BuildInfo`].
pub const BUILD_INFO_MAGIC: [u8; 8] = *b"FERROCN1";

numbered! {
    /// The nine kinds of plugins, as in Kafka Connect. A host skips kinds it does not know.
    PluginKind {
        /// Reads from elsewhere into Kafka.
        SOURCE = 0,
        /// Writes from Kafka to elsewhere.
        SINK = 1,
        /// Turns keys and values to bytes and back.
        CONVERTER = 2,
        /// Turns header values to bytes and back.
        HEADER_CONVERTER = 3,
        /// Changes records one by one.
        TRANSFORM = 4,
        /// Decides whether a transform applies.
        PREDICATE = 5,
        /// Looks up `${name:path:key}`.
        CONFIG_PROVIDER = 6,
        /// Adds to the REST API.
        REST_EXTENSION = 7,
        /// Decides which client settings a connector may override.
        OVERRIDE_POLICY = 8,
    }
}

/// One plugin of a library, as the library describes it when asked.
#[repr(C)]
#[derive(StableAbi, Clone, Debug, PartialEq)]
pub struct PluginInfo {
    /// The kind.
    pub kind: PluginKind,
    /// The class name, unique among the plugins of this kind and version; what REST shows.
    pub class: AbiString,
    /// Further names it answers to, Java class names among them.
    pub aliases: AbiVec<AbiString>,
    /// Its version.
    pub version: AbiString,
    /// What it does, for people.
    pub documentation: AbiString,
    /// Its configuration.
    pub config: ConfigDef,
    /// For connectors: the name that stands in `task.class`.
    pub task_class: AbiString,
    /// Where it really lives, for libraries that bridge to another runtime; absent = the library itself.
    pub location: AbiOption<AbiString>,
    /// Reserved; empty in 1.0.
    pub attributes: AbiVec<Attribute>,
}
