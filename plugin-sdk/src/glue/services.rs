//! Config providers, REST extensions and override policies behind their guard.

use super::guard::Guarded;
use crate::config::{Config, ConfigDef};
use crate::service::{ClusterState, ConfigProvider, OverridePolicy, OverrideRequest, RestExtension};
use ferroconnect_plugin_abi::config::{ConfigValue, Pairs};
use ferroconnect_plugin_abi::containers::{AbiOption, AbiStr, AbiString, AbiVec};
use ferroconnect_plugin_abi::error::AbiResult;
use ferroconnect_plugin_abi::host::ClusterStateObject;
use ferroconnect_plugin_abi::services::{
    ConfigData, ConfigProvider as AbiConfigProvider, OverridePolicy as AbiOverridePolicy,
    OverrideRequest as AbiOverrideRequest, RestExtension as AbiRestExtension, RestRequest, RestResponse,
};

pub(crate) struct ProviderGlue<P> {
    provider: Guarded<P>,
    def: ConfigDef,
}

impl<P> ProviderGlue<P> {
    pub(crate) fn new(class: &str, def: ConfigDef, provider: P) -> ProviderGlue<P> {
        ProviderGlue { provider: Guarded::new(class, provider), def }
    }
}

impl<P: ConfigProvider> AbiConfigProvider for ProviderGlue<P> {
    fn configure(&mut self, config: Pairs) -> AbiResult<()> {
        let def = &self.def;
        self.provider.call("configure", |provider| provider.configure(&def.parse(&config)?))
    }

    fn get(&mut self, path: AbiStr<'_>, keys: AbiVec<AbiString>) -> AbiResult<ConfigData> {
        let keys: Vec<String> = keys.iter().map(ToString::to_string).collect();
        self.provider.call("get", |provider| {
            let (config, ttl) = provider.get(path.as_str(), &keys)?;
            let ttl = ttl.map(|ttl| u64::try_from(ttl.as_millis()).unwrap_or(u64::MAX));
            Ok(ConfigData { data: config.to_pairs(), ttl: ttl.into(), attributes: AbiVec::new() })
        })
    }
}

pub(crate) struct RestGlue<E> {
    extension: Guarded<E>,
    def: ConfigDef,
}

impl<E> RestGlue<E> {
    pub(crate) fn new(class: &str, def: ConfigDef, extension: E) -> RestGlue<E> {
        RestGlue { extension: Guarded::new(class, extension), def }
    }
}

impl<E: RestExtension> AbiRestExtension for RestGlue<E> {
    fn configure(&mut self, state: ClusterStateObject, config: Pairs) -> AbiResult<()> {
        let def = &self.def;
        self.extension
            .call("configure", |extension| extension.configure(ClusterState::new(state), &def.parse(&config)?))
    }

    fn handle(&self, request: RestRequest) -> AbiResult<AbiOption<RestResponse>> {
        self.extension.look("handle", |extension| Ok(extension.handle(&request)?.into()))
    }
}

pub(crate) struct PolicyGlue<P> {
    policy: Guarded<P>,
    def: ConfigDef,
}

impl<P> PolicyGlue<P> {
    pub(crate) fn new(class: &str, def: ConfigDef, policy: P) -> PolicyGlue<P> {
        PolicyGlue { policy: Guarded::new(class, policy), def }
    }
}

impl<P: OverridePolicy> AbiOverridePolicy for PolicyGlue<P> {
    fn configure(&mut self, config: Pairs) -> AbiResult<()> {
        let def = &self.def;
        self.policy.call("configure", |policy| policy.configure(&def.parse(&config)?))
    }

    fn validate(&mut self, request: AbiOverrideRequest) -> AbiResult<AbiVec<ConfigValue>> {
        let request = OverrideRequest {
            connector: request.connector.to_string(),
            class: request.class.to_string(),
            client: request.client.to_string(),
            config: Config::from_pairs(&request.config),
        };
        self.policy.call("validate", |policy| Ok(policy.validate(&request)?.into()))
    }
}
