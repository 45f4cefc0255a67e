//! The root of a plugin library.

use crate::config::{ConfigValue, Pairs};
use crate::containers::{AbiSlice, AbiStr, AbiVec};
use crate::error::AbiResult;
use crate::host::HostServicesObject;
use crate::info::{PluginInfo, PluginKind};
use crate::services::{ConfigProviderObject, OverridePolicyObject, RestExtensionObject};
use crate::sink::{SinkConnectorObject, SinkTaskObject};
use crate::source::{SourceConnectorObject, SourceTaskObject};
use crate::stages::{ConverterObject, PredicateObject, TransformObject};
use abi_stable::StableAbi;
use abi_stable::library::RootModule;
use abi_stable::package_version_strings;
use abi_stable::sabi_types::VersionStrings;

/// What a library exports: a table of functions that grows at its end.
///
/// `attach` comes first, once; then `describe`; then the others, from any thread. A factory makes a fresh, stopped
/// object of a class that `describe` named, or answers a not-found error. All objects are dropped by the host.
#[repr(C)]
#[derive(StableAbi)]
#[sabi(kind(Prefix(prefix_ref = PluginLibraryRef)))]
#[sabi(missing_field(panic))]
pub struct PluginLibrary {
    /// Hands over the host's services, before anything else.
    pub attach: extern "C" fn(HostServicesObject) -> AbiResult<()>,
    /// Lists the plugins, given the worker properties whose keys begin with `plugin.<library package>.`, prefix cut
    /// off. A library may find them out here, so this may take a while and may differ between workers.
    pub describe: extern "C" fn(Pairs) -> AbiResult<AbiVec<PluginInfo>>,
    /// Checks the configuration of a plugin that is not a connector, beyond its definition.
    pub validate: extern "C" fn(PluginKind, AbiStr<'_>, Pairs) -> AbiResult<AbiVec<ConfigValue>>,
    /// Makes a source connector.
    pub source_connector: extern "C" fn(AbiStr<'_>) -> AbiResult<SourceConnectorObject>,
    /// Makes a task for a source connector class; the connector itself may run elsewhere.
    pub source_task: extern "C" fn(AbiStr<'_>) -> AbiResult<SourceTaskObject>,
    /// Makes a sink connector.
    pub sink_connector: extern "C" fn(AbiStr<'_>) -> AbiResult<SinkConnectorObject>,
    /// Makes a task for a sink connector class.
    pub sink_task: extern "C" fn(AbiStr<'_>) -> AbiResult<SinkTaskObject>,
    /// Makes a converter.
    pub converter: extern "C" fn(AbiStr<'_>) -> AbiResult<ConverterObject>,
    /// Makes a header converter.
    pub header_converter: extern "C" fn(AbiStr<'_>) -> AbiResult<ConverterObject>,
    /// Makes a transform.
    pub transform: extern "C" fn(AbiStr<'_>) -> AbiResult<TransformObject>,
    /// Makes a predicate.
    pub predicate: extern "C" fn(AbiStr<'_>) -> AbiResult<PredicateObject>,
    /// Makes a config provider.
    pub config_provider: extern "C" fn(AbiStr<'_>) -> AbiResult<ConfigProviderObject>,
    /// Makes a REST extension.
    pub rest_extension: extern "C" fn(AbiStr<'_>) -> AbiResult<RestExtensionObject>,
    /// Makes an override policy.
    pub override_policy: extern "C" fn(AbiStr<'_>) -> AbiResult<OverridePolicyObject>,
    /// A named call for features that came after 1.0.
    #[sabi(last_prefix_field)]
    pub extension: extern "C" fn(AbiStr<'_>, AbiSlice<'_, u8>) -> AbiResult<AbiVec<u8>>,
    /// A function of the next minor release, for the tests of the compatibility promise.
    #[cfg(feature = "next-minor")]
    pub next_minor_probe: extern "C" fn() -> u32,
}

impl RootModule for PluginLibraryRef {
    abi_stable::declare_root_module_statics! {PluginLibraryRef}

    const BASE_NAME: &'static str = "ferroconnect_plugin";
    const NAME: &'static str = "ferroconnect plugin";
    const VERSION_STRINGS: VersionStrings = package_version_strings!();
}
