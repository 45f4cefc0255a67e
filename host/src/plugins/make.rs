//! Making objects of plugins.

use ferroconnect_plugin_abi::library::PluginLibraryRef;

use super::foreign::{sink, source};
use super::load::Library;
use super::registry::{Origin, Plugin};
use crate::config::{ConfigValueInfo, PluginKind, Props};
use crate::error::{ConnectError, Result};
use ferroconnect_plugin_abi::containers::AbiStr;

use super::foreign;

impl Plugin {
    /// A fresh source connector.
    ///
    /// # Errors
    /// The plugin is not a source, or its library fails to make one.
    pub fn source_connector(&self) -> Result<source::SourceConnector> {
        let library = self.library_of(PluginKind::Source)?;
        library.make(PluginLibraryRef::source_connector, &self.class).map(source::SourceConnector::new)
    }

    /// A fresh task for this source connector.
    ///
    /// # Errors
    /// The plugin is not a source, or its library fails to make one.
    pub fn source_task(&self) -> Result<source::SourceTask> {
        let library = self.library_of(PluginKind::Source)?;
        library.make(PluginLibraryRef::source_task, &self.class).map(source::SourceTask::new)
    }

    /// A fresh sink connector.
    ///
    /// # Errors
    /// The plugin is not a sink, or its library fails to make one.
    pub fn sink_connector(&self) -> Result<sink::SinkConnector> {
        let library = self.library_of(PluginKind::Sink)?;
        library.make(PluginLibraryRef::sink_connector, &self.class).map(sink::SinkConnector::new)
    }

    /// A fresh task for this sink connector.
    ///
    /// # Errors
    /// The plugin is not a sink, or its library fails to make one.
    pub fn sink_task(&self) -> Result<sink::SinkTask> {
        let library = self.library_of(PluginKind::Sink)?;
        library.make(PluginLibraryRef::sink_task, &self.class).map(sink::SinkTask::new)
    }

    /// Lets a plugin that is not a connector check a configuration beyond its definition. Empty = nothing to add.
    /// Connectors are asked through their own `validate`.
    ///
    /// # Errors
    /// The library fails.
    pub fn validate(&self, props: &Props) -> Result<Vec<ConfigValueInfo>> {
        match &self.origin {
            Origin::Library(library) => {
                let (kind, class) = (foreign::abi_kind(self.kind), AbiStr::from(self.class.as_str()));
                let answer = library.root().validate()(kind, class, foreign::to_pairs(props));
                foreign::result(answer).map(foreign::config_values)
            }
        }
    }

    fn library_of(&self, kind: PluginKind) -> Result<&Library> {
        match &self.origin {
            Origin::Library(library) if self.kind == kind => Ok(library),
            _ => Err(ConnectError::connect(format!("Class {} is a {} plugin, not a {kind}", self.class, self.kind))),
        }
    }
}
