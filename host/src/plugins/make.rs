//! Making objects of plugins, whether they come with the worker or from a library.

use std::sync::Arc;
use std::time::Duration;

use ferroconnect_plugin_abi::containers::AbiStr;
use ferroconnect_plugin_abi::library::PluginLibraryRef;

use super::api::{ClusterState, OverridePolicy, RestExtension, SinkConnector, SinkTask, SourceConnector, SourceTask};
use super::foreign;
use super::foreign::provider::{self, ForeignProvider};
use super::foreign::stages::{ForeignConverter, ForeignPredicate, ForeignTransform};
use super::load::Library;
use super::registry::{Origin, Plugin};
use crate::config::providers::ConfigProvider;
use crate::config::{ConfigValueInfo, PluginKind, Props, add_passwords};
use crate::error::{ConnectError, Result};
use crate::stages::{Converter, Factory, HeaderConverter, Predicate, Transform};
use crate::telemetry::Confidential;

impl Plugin {
    /// A fresh source connector.
    ///
    /// # Errors
    /// The plugin is not a source, or its library fails to make one.
    pub fn source_connector(&self) -> Result<SourceConnector> {
        let library = self.library_of(PluginKind::Source)?;
        library.make(PluginLibraryRef::source_connector, &self.class).map(SourceConnector::new)
    }

    /// A fresh task for this source connector.
    ///
    /// # Errors
    /// The plugin is not a source, or its library fails to make one.
    pub fn source_task(&self) -> Result<SourceTask> {
        let library = self.library_of(PluginKind::Source)?;
        library.make(PluginLibraryRef::source_task, &self.class).map(SourceTask::new)
    }

    /// A fresh sink connector.
    ///
    /// # Errors
    /// The plugin is not a sink, or its library fails to make one.
    pub fn sink_connector(&self) -> Result<SinkConnector> {
        let library = self.library_of(PluginKind::Sink)?;
        library.make(PluginLibraryRef::sink_connector, &self.class).map(SinkConnector::new)
    }

    /// A fresh task for this sink connector.
    ///
    /// # Errors
    /// The plugin is not a sink, or its library fails to make one.
    pub fn sink_task(&self) -> Result<SinkTask> {
        let library = self.library_of(PluginKind::Sink)?;
        library.make(PluginLibraryRef::sink_task, &self.class).map(SinkTask::new)
    }

    /// A converter for keys or values, configured. `converter.type` in `props` is `key` or `value`.
    ///
    /// # Errors
    /// The plugin is not a converter, or does not accept the configuration.
    pub fn converter(&self, props: &Props) -> Result<Box<dyn Converter>> {
        if let Origin::BuiltIn(Factory::Converter(make)) = self.origin {
            return make(props);
        }
        let object = self.library_of(PluginKind::Converter)?.make(PluginLibraryRef::converter, &self.class)?;
        Ok(Box::new(ForeignConverter::configured(object, props)?))
    }

    /// A converter for headers, configured. `converter.type` in `props` is `header`.
    ///
    /// # Errors
    /// The plugin is not a header converter, or does not accept the configuration.
    pub fn header_converter(&self, props: &Props) -> Result<Box<dyn HeaderConverter>> {
        if let Origin::BuiltIn(Factory::HeaderConverter(make)) = self.origin {
            return make(props);
        }
        let library = self.library_of(PluginKind::HeaderConverter)?;
        let object = library.make(PluginLibraryRef::header_converter, &self.class)?;
        Ok(Box::new(ForeignConverter::configured(object, props)?))
    }

    /// A transform, configured.
    ///
    /// # Errors
    /// The plugin is not a transform, or does not accept the configuration.
    pub fn transform(&self, props: &Props) -> Result<Box<dyn Transform>> {
        if let Origin::BuiltIn(Factory::Transform(make)) = self.origin {
            return make(props);
        }
        let object = self.library_of(PluginKind::Transformation)?.make(PluginLibraryRef::transform, &self.class)?;
        Ok(Box::new(ForeignTransform::configured(object, props)?))
    }

    /// A predicate, configured.
    ///
    /// # Errors
    /// The plugin is not a predicate, or does not accept the configuration.
    pub fn predicate(&self, props: &Props) -> Result<Box<dyn Predicate>> {
        if let Origin::BuiltIn(Factory::Predicate(make)) = self.origin {
            return make(props);
        }
        let object = self.library_of(PluginKind::Predicate)?.make(PluginLibraryRef::predicate, &self.class)?;
        Ok(Box::new(ForeignPredicate::configured(object, props)?))
    }

    /// A config provider, configured with its `param.` keys, that prefix cut off. May be asked from any thread; an
    /// answer that does not come within 30 seconds is an error.
    ///
    /// # Errors
    /// The plugin is not a config provider, or does not accept the configuration, or takes too long.
    pub fn config_provider(&self, props: &Props) -> Result<Arc<dyn ConfigProvider>> {
        self.config_provider_within(props, provider::PATIENCE)
    }

    /// As [`Plugin::config_provider`], with another time for each answer.
    pub(super) fn config_provider_within(&self, props: &Props, patience: Duration) -> Result<Arc<dyn ConfigProvider>> {
        let library = self.library_of(PluginKind::ConfigProvider)?;
        let object = library.make(PluginLibraryRef::config_provider, &self.class)?;
        let mut secrets = Confidential::default();
        add_passwords(&mut secrets, &self.config, props);
        Ok(Arc::new(ForeignProvider::configured(object, props, secrets, patience)?))
    }

    /// A REST extension, configured with the worker's properties.
    ///
    /// # Errors
    /// The plugin is not a REST extension, or does not accept the configuration.
    pub fn rest_extension(&self, state: Arc<dyn ClusterState>, props: &Props) -> Result<RestExtension> {
        let library = self.library_of(PluginKind::RestExtension)?;
        let object = library.make(PluginLibraryRef::rest_extension, &self.class)?;
        RestExtension::configured(object, state, props)
    }

    /// An override policy, configured with the worker's properties.
    ///
    /// # Errors
    /// The plugin is not an override policy, or does not accept the configuration.
    pub fn override_policy(&self, props: &Props) -> Result<OverridePolicy> {
        let library = self.library_of(PluginKind::OverridePolicy)?;
        let object = library.make(PluginLibraryRef::override_policy, &self.class)?;
        OverridePolicy::configured(object, props)
    }

    /// Lets a plugin that is not a connector check a configuration beyond its definition. Empty = nothing to add.
    /// Connectors are asked through their own `validate`.
    ///
    /// # Errors
    /// The library fails.
    pub fn validate(&self, props: &Props) -> Result<Vec<ConfigValueInfo>> {
        let Origin::Library(library) = &self.origin else { return Ok(Vec::new()) };
        let (kind, class) = (foreign::abi_kind(self.kind), AbiStr::from(self.class.as_str()));
        let answer = library.root().validate()(kind, class, foreign::to_pairs(props));
        foreign::result(answer).map(foreign::config_values)
    }

    fn library_of(&self, kind: PluginKind) -> Result<&Library> {
        match &self.origin {
            Origin::Library(library) if self.kind == kind => Ok(library),
            _ => Err(ConnectError::connect(format!("Class {} is a {} plugin, not a {kind}", self.class, self.kind))),
        }
    }
}
