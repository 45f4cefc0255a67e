//! Runs plugins within a test, without a worker or Kafka (feature `testkit`).
//!
//! What is here: harnesses that drive a connector, stage or config provider through the same objects a worker uses, panic
//! guard included, with offsets, log lines and metrics kept in memory; and [`acceptance`], checks that every plugin of
//! a kind should pass.
//!
//! What is not here: converters, transforms and delivery of a worker. A test that needs those starts a worker.
//!
//! ```ignore
//! use ferroconnect_plugin_sdk::testkit::{self, SourceHarness};
//!
//! #[test]
//! fn counts() {
//!     let library = testkit::library!(my_plugin);
//!     let mut source = SourceHarness::new(&library, "Counter", [("topic", "numbers")]);
//!     source.start().unwrap();
//!     assert_eq!(source.poll_until(3).unwrap()[2].record.value.value.as_integer(), Some(2));
//! }
//! ```

pub mod acceptance;
mod host;
mod offsets;
mod provider;
mod sink;
mod source;
mod stage;

pub use crate::__testkit_library as library;
pub use host::LogLine;
pub use offsets::OffsetStore;
pub use provider::ProviderHarness;
pub use sink::{SinkHarness, SinkRequests, sink_record};
pub use source::{SourceHarness, SourceRead};
pub use stage::{ConverterHarness, HeaderConverterHarness, PredicateHarness, TransformHarness};

use crate::error::{Error, Result};
use ferroconnect_plugin_abi::__abi_stable::library::LibHeader;
use ferroconnect_plugin_abi::config::Pairs;
use ferroconnect_plugin_abi::containers::AbiStr;
use ferroconnect_plugin_abi::error::AbiResult;
use ferroconnect_plugin_abi::info::{PluginInfo, PluginKind};
use ferroconnect_plugin_abi::library::PluginLibraryRef;
use std::time::Duration;

/// How long a harness waits for something that should happen soon.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// A plugin library that is part of the test.
#[derive(Clone)]
pub struct Library {
    root: PluginLibraryRef,
    plugins: Vec<PluginInfo>,
}

/// The library of a crate that uses [`export!`](crate::export!), by the name of the crate: `library!(my_plugin)`.
#[doc(hidden)]
#[macro_export]
macro_rules! __testkit_library {
    ($package:ident) => {
        $crate::testkit::Library::of(&$package::__ferroconnect_export::LIBRARY_HEADER)
    };
}

impl Library {
    /// Takes a library into use, as a worker does after loading it; [`library!`](crate::testkit::library) calls this.
    ///
    /// # Panics
    /// If the library cannot be used.
    pub fn of(header: &'static LibHeader) -> Library {
        crate::glue::guard::leave_panics_of_tests();
        let root = header.init_root_module::<PluginLibraryRef>();
        let root = root.unwrap_or_else(|error| panic!("the library's root cannot be used: {error}"));
        let attached = into_result(root.attach()(host::services()));
        attached.unwrap_or_else(|error| panic!("the library refuses to be attached: {error}"));
        let plugins = into_result(root.describe()(Pairs::new()));
        let plugins = plugins.unwrap_or_else(|error| panic!("the library cannot list its plugins: {error}"));
        Library { root, plugins: plugins.into() }
    }

    /// What the library says of its plugins.
    pub fn plugins(&self) -> &[PluginInfo] {
        &self.plugins
    }

    /// The plugin of this kind with this class or alias.
    ///
    /// # Panics
    /// If there is none.
    pub fn plugin(&self, kind: PluginKind, name: &str) -> &PluginInfo {
        let named =
            |info: &&PluginInfo| info.class.as_str() == name || info.aliases.iter().any(|alias| alias.as_str() == name);
        let found = self.plugins.iter().filter(|info| info.kind == kind).find(named);
        found.unwrap_or_else(|| {
            let classes: Vec<_> = self.plugins.iter().map(|info| info.class.as_str()).collect();
            panic!("the library has no plugin {name} of that kind, only {classes:?}")
        })
    }

    fn make<T>(&self, factory: extern "C" fn(AbiStr<'_>) -> AbiResult<T>, info: &PluginInfo) -> Result<T> {
        into_result(factory(AbiStr::from(info.class.as_str())))
    }
}

fn into_result<T>(result: AbiResult<T>) -> Result<T> {
    result.into_result().map_err(Error::from_abi)
}
