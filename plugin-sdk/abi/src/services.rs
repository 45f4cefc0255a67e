//! Config providers, REST extensions and override policies: plugins of the worker itself.

use crate::bytes::{Blob, Text};
use crate::config::{Attribute, ConfigValue, Pairs};
use crate::containers::{AbiBox, AbiOption, AbiSlice, AbiStr, AbiString, AbiVec};
use crate::error::{AbiError, AbiResult};
use crate::host::ClusterStateObject;
use abi_stable::{StableAbi, sabi_trait};

/// What a config provider found.
#[repr(C)]
#[derive(StableAbi, Clone, Debug)]
pub struct ConfigData {
    /// The keys that were found; missing ones are left out.
    pub data: Pairs,
    /// How long the values hold, in milliseconds; absent = for ever.
    pub ttl: AbiOption<u64>,
    /// Reserved; empty in 1.0.
    pub attributes: AbiVec<Attribute>,
}

/// Looks up `${name:path:key}` (Java: ConfigProvider). May be called from several threads, one at a time.
#[sabi_trait]
pub trait ConfigProvider: Send + 'static {
    /// Called once, first, with the `config.providers.NAME.param.` keys.
    fn configure(&mut self, config: Pairs) -> AbiResult<()>;

    /// Looks up keys under a path; no keys = all there are.
    #[sabi(last_prefix_field)]
    fn get(&mut self, path: AbiStr<'_>, keys: AbiVec<AbiString>) -> AbiResult<ConfigData>;

    /// A named call for features that came after 1.0.
    fn extension(&mut self, name: AbiStr<'_>, data: AbiSlice<'_, u8>) -> AbiResult<AbiVec<u8>> {
        let _ = data;
        AbiResult::RErr(AbiError::unsupported(name.as_str()))
    }
}

/// An HTTP request as an extension sees it.
#[repr(C)]
#[derive(StableAbi, Clone, Debug)]
pub struct RestRequest {
    /// `GET`, `POST`, …
    pub method: Text,
    /// The path, percent-encoded, from the first slash.
    pub path: Text,
    /// The query without the question mark; may be empty.
    pub query: Text,
    /// The headers, names in lower case.
    pub headers: Pairs,
    /// The body.
    pub body: Blob,
    /// Reserved; empty in 1.0.
    pub attributes: AbiVec<Attribute>,
}

/// An extension's answer.
#[repr(C)]
#[derive(StableAbi, Clone, Debug)]
pub struct RestResponse {
    /// The status code.
    pub status: u16,
    /// The headers.
    pub headers: Pairs,
    /// The body.
    pub body: Blob,
    /// Reserved; empty in 1.0.
    pub attributes: AbiVec<Attribute>,
}

/// Adds routes to the REST API, or stands before it (Java: ConnectRestExtension). Called from several threads.
#[sabi_trait]
pub trait RestExtension: Send + Sync + 'static {
    /// Called once, first, with the worker's configuration.
    fn configure(&mut self, state: ClusterStateObject, config: Pairs) -> AbiResult<()>;

    /// Sees every request before the worker does: an answer ends the request, none lets it pass on.
    #[sabi(last_prefix_field)]
    fn handle(&self, request: RestRequest) -> AbiResult<AbiOption<RestResponse>>;

    /// A named call for features that came after 1.0.
    fn extension(&self, name: AbiStr<'_>, data: AbiSlice<'_, u8>) -> AbiResult<AbiVec<u8>> {
        let _ = data;
        AbiResult::RErr(AbiError::unsupported(name.as_str()))
    }
}

/// A connector's wish to override client settings.
#[repr(C)]
#[derive(StableAbi, Clone, Debug)]
pub struct OverrideRequest {
    /// The connector.
    pub connector: AbiString,
    /// Its class.
    pub class: AbiString,
    /// `producer`, `consumer` or `admin`.
    pub client: AbiString,
    /// The settings, without the override prefix.
    pub config: Pairs,
    /// Reserved; empty in 1.0.
    pub attributes: AbiVec<Attribute>,
}

/// Decides which client settings a connector may override (Java: ConnectorClientConfigOverridePolicy).
#[sabi_trait]
pub trait OverridePolicy: Send + 'static {
    /// Called once, first, with the worker's configuration.
    fn configure(&mut self, config: Pairs) -> AbiResult<()>;

    /// One answer per key of the request; a key with errors is not allowed.
    #[sabi(last_prefix_field)]
    fn validate(&mut self, request: OverrideRequest) -> AbiResult<AbiVec<ConfigValue>>;

    /// A named call for features that came after 1.0.
    fn extension(&mut self, name: AbiStr<'_>, data: AbiSlice<'_, u8>) -> AbiResult<AbiVec<u8>> {
        let _ = data;
        AbiResult::RErr(AbiError::unsupported(name.as_str()))
    }
}

/// An owned [`ConfigProvider`].
pub type ConfigProviderObject = ConfigProvider_TO<AbiBox<()>>;
/// An owned [`RestExtension`].
pub type RestExtensionObject = RestExtension_TO<AbiBox<()>>;
/// An owned [`OverridePolicy`].
pub type OverridePolicyObject = OverridePolicy_TO<AbiBox<()>>;
