//! All plugins that can be used, and how a name in a configuration finds one.
//!
//! A plugin answers to its class name, to the aliases it gives itself, to its simple class name, and to that name
//! without the word for its kind at the end (`FileStreamSourceConnector`, `FileStreamSource`). A name that means two
//! classes means none. Of several versions of a class the highest is used unless one is asked for.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use ferroconnect_plugin_abi::info::PluginInfo;

use super::foreign;
use super::load::Library;
use super::report::PluginReport;
use super::version::{Version, VersionRange};
use crate::config::{ConfigDef, InstalledPlugin, PluginCatalog, PluginKind};
use crate::error::{ConnectError, Result};
use crate::stages::{BuiltIn, Factory, builtins};

/// Where a plugin comes from.
#[derive(Clone)]
pub(super) enum Origin {
    /// A library that is loaded.
    Library(Library),
    /// The worker itself.
    BuiltIn(Factory),
}

/// One plugin in one version.
pub struct Plugin {
    /// What it is.
    pub kind: PluginKind,
    /// Its class name.
    pub class: String,
    /// Its version.
    pub version: Version,
    /// Further names it gives itself.
    pub aliases: Vec<String>,
    /// What it does.
    pub documentation: String,
    /// Its configuration.
    pub config: ConfigDef,
    /// For connectors, the name that stands in `task.class`.
    pub task_class: String,
    /// Where it lives: the file, what a bridging library says, or `built-in`.
    pub location: String,
    pub(super) origin: Origin,
}

impl Plugin {
    /// The plugin that a library describes; `None` for a kind that this host does not know.
    ///
    /// # Errors
    /// Its configuration definition contradicts itself.
    pub(super) fn of_library(library: &Library, info: PluginInfo) -> Result<Option<Plugin>> {
        let Some(kind) = foreign::kind(info.kind) else { return Ok(None) };
        let config = foreign::config_def(&info.config)
            .map_err(|error| error.context(format!("The configuration definition of {} is wrong", info.class)))?;
        let location = info.location.into_option().map(String::from);
        Ok(Some(Plugin {
            kind,
            class: info.class.into(),
            version: Version::new(&info.version),
            aliases: info.aliases.into_iter().map(String::from).collect(),
            documentation: info.documentation.into(),
            config,
            task_class: info.task_class.into(),
            location: location.unwrap_or_else(|| library.path().display().to_string()),
            origin: Origin::Library(library.clone()),
        }))
    }

    /// What is wrong with the plugins that one library lists, if anything is.
    pub(super) fn fault_in(plugins: &[Plugin]) -> Option<String> {
        let same = |a: &Plugin, b: &Plugin| {
            (a.kind, &a.class, &a.version, &a.location) == (b.kind, &b.class, &b.version, &b.location)
        };
        plugins.iter().enumerate().find_map(|(index, plugin)| {
            let Plugin { kind, class, .. } = plugin;
            if class.trim().is_empty() {
                Some(format!("it has a {kind} without a class name"))
            } else if plugins[..index].iter().any(|other| same(plugin, other)) {
                Some(format!("it lists the {kind} {class} twice"))
            } else {
                None
            }
        })
    }

    /// A stage that comes with the worker.
    fn of_worker(stage: &BuiltIn) -> Plugin {
        Plugin {
            kind: stage.kind(),
            class: stage.class.to_owned(),
            version: Version::new(stage.version()),
            aliases: Vec::new(),
            documentation: stage.documentation.to_owned(),
            config: (stage.config)(),
            task_class: String::new(),
            location: "built-in".to_owned(),
            origin: Origin::BuiltIn(stage.factory),
        }
    }

    /// The library it is in; `None` for plugins that come with the worker.
    pub fn library(&self) -> Option<&Library> {
        match &self.origin {
            Origin::Library(library) => Some(library),
            Origin::BuiltIn(_) => None,
        }
    }

    /// What there is to say of it, as data.
    pub fn report(&self) -> PluginReport {
        PluginReport::new(self)
    }

    /// The class name without its package.
    pub fn simple_name(&self) -> &str {
        self.class.rsplit(['.', '$', ':']).next().unwrap_or(&self.class)
    }

    /// The simple name cut from the last occurrence of the word for the kind on.
    pub fn pruned_name(&self) -> &str {
        let simple = self.simple_name();
        let cut = |word: &str| simple.rfind(word).filter(|place| *place > 0).map(|place| &simple[..place]);
        let short = cut(suffix(self.kind));
        match self.kind {
            // Java's aliases do not ask for the kind, so that Json names the converter of headers, too.
            PluginKind::HeaderConverter => short.or_else(|| cut(suffix(PluginKind::Converter))),
            _ => short,
        }
        .unwrap_or(simple)
    }

    /// All names it may be asked for by beside its class, each once.
    pub fn all_aliases(&self) -> Vec<&str> {
        let mut names: Vec<&str> = Vec::new();
        let own = self.aliases.iter().map(String::as_str);
        for name in own.chain([self.simple_name(), self.pruned_name()]) {
            if name != self.class && !names.contains(&name) {
                names.push(name);
            }
        }
        names
    }

    fn has_alias(&self, name: &str) -> bool {
        self.aliases.iter().any(|alias| alias == name) || self.simple_name() == name || self.pruned_name() == name
    }

    fn order(&self, other: &Plugin) -> Ordering {
        (&self.class, &self.version, &self.location, self.kind).cmp(&(
            &other.class,
            &other.version,
            &other.location,
            other.kind,
        ))
    }
}

/// As Kafka Connect shows a plugin in messages; clients match on it.
impl fmt::Display for Plugin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (class, version, kind) = (&self.class, &self.version, self.kind);
        write!(
            f,
            "PluginDesc{{klass=class {class}, name='{class}', version='{version}', encodedVersion={version}, \
             type={kind}, typeName='{kind}', location='{}'}}",
            self.location
        )
    }
}

impl fmt::Debug for Plugin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The word that may be left off at the end of a class name.
fn suffix(kind: PluginKind) -> &'static str {
    match kind {
        PluginKind::Source | PluginKind::Sink => "Connector",
        other => other.interface(),
    }
}

/// What a request may mean by a name.
#[derive(Clone, Copy)]
enum Wanted {
    Connector,
    Kind(PluginKind),
}

impl Wanted {
    fn includes(self, kind: PluginKind) -> bool {
        match self {
            Wanted::Connector => matches!(kind, PluginKind::Source | PluginKind::Sink),
            Wanted::Kind(wanted) => wanted == kind,
        }
    }

    fn interface(self) -> &'static str {
        match self {
            Wanted::Connector => "Connector",
            Wanted::Kind(kind) => kind.interface(),
        }
    }

    fn noun(self) -> &'static str {
        match self {
            Wanted::Connector | Wanted::Kind(PluginKind::Source | PluginKind::Sink) => "connector",
            Wanted::Kind(PluginKind::Converter) => "converter",
            Wanted::Kind(PluginKind::HeaderConverter) => "header converter",
            Wanted::Kind(PluginKind::Transformation) => "transformation",
            Wanted::Kind(PluginKind::Predicate) => "predicate",
            Wanted::Kind(PluginKind::ConfigProvider) => "config provider",
            Wanted::Kind(PluginKind::RestExtension) => "REST extension",
            Wanted::Kind(PluginKind::OverridePolicy) => "override policy",
        }
    }
}

/// All plugins that can be used. Does not change once it is made.
#[derive(Default)]
pub struct Registry {
    /// By class, then version, then location.
    plugins: Vec<Arc<Plugin>>,
    warnings: Vec<String>,
}

impl Registry {
    /// A registry of these plugins and those of the worker itself. Says so in the log where two of them claim the same class.
    pub(super) fn new(mut plugins: Vec<Plugin>) -> Registry {
        plugins.extend(builtins().iter().map(Plugin::of_worker));
        plugins.sort_by(Plugin::order);
        let mut registry = Registry { plugins: plugins.into_iter().map(Arc::new).collect(), warnings: Vec::new() };
        registry.warnings = registry.shared_classes();
        for warning in &registry.warnings {
            tracing::warn!("{warning}");
        }
        registry
    }

    /// One line for each class that is there more than once.
    fn shared_classes(&self) -> Vec<String> {
        let mut classes: BTreeMap<(PluginKind, &str), Vec<&Arc<Plugin>>> = BTreeMap::new();
        for plugin in &self.plugins {
            classes.entry((plugin.kind, &plugin.class)).or_default().push(plugin);
        }
        let shared = classes.into_values().filter(|plugins| plugins.len() > 1);
        shared
            .filter_map(|plugins| {
                let used = latest(plugins.iter().copied())?;
                let all: Vec<String> =
                    plugins.iter().map(|plugin| format!("{} (version {})", plugin.location, plugin.version)).collect();
                Some(format!(
                    "The {} class {} is there {} times: {}. Version {} of {} is used unless a configuration asks for \
                 another version",
                    plugins[0].kind,
                    plugins[0].class,
                    plugins.len(),
                    all.join(", "),
                    used.version,
                    used.location
                ))
            })
            .collect()
    }

    /// What the log says about plugins that stand in each other's way.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// All plugins, by class, then version.
    pub fn all(&self) -> impl Iterator<Item = &Arc<Plugin>> {
        self.plugins.iter()
    }

    /// All plugins of a kind, by class, then version.
    pub fn of_kind(&self, kind: PluginKind) -> impl Iterator<Item = &Arc<Plugin>> {
        self.plugins.iter().filter(move |plugin| plugin.kind == kind)
    }

    /// The connector of this class or alias in the highest version that `version` (`latest`, one version, or a Maven
    /// range, KIP-891) allows.
    ///
    /// # Errors
    /// No connector has this name, more than one has it as an alias, or none is of a version that is allowed.
    pub fn connector(&self, name: &str, version: Option<&str>) -> Result<&Arc<Plugin>> {
        self.choose(Wanted::Connector, name, version)
    }

    /// The plugin of a kind of this class or alias; else as [`connector`](Self::connector).
    ///
    /// # Errors
    /// No plugin of the kind has this name, more than one has it as an alias, or none is of a version that is allowed.
    pub fn find(&self, kind: PluginKind, name: &str, version: Option<&str>) -> Result<&Arc<Plugin>> {
        self.choose(Wanted::Kind(kind), name, version)
    }

    fn choose(&self, wanted: Wanted, name: &str, version: Option<&str>) -> Result<&Arc<Plugin>> {
        let range = version.map_or(Ok(None), VersionRange::parse).map_err(ConnectError::bad_request)?;
        let class = self.class_of(wanted, name)?;
        let versions = || self.plugins.iter().filter(|plugin| wanted.includes(plugin.kind) && plugin.class == class);
        let allowed = versions().filter(|plugin| range.as_ref().is_none_or(|range| range.contains(&plugin.version)));
        latest(allowed).ok_or_else(|| {
            let there: Vec<&str> = versions().map(|plugin| plugin.version.as_str()).collect();
            let asked = range.as_ref().map(VersionRange::to_string).unwrap_or_default();
            // Of a kind of its own, so that validation can tell it from a plugin that fails.
            ConnectError::not_found(format!(
                "Plugin {class} not found that matches the version range {asked}, available versions: [{}]",
                there.join(", ")
            ))
            .with_class("org.apache.kafka.connect.runtime.isolation.VersionedPluginLoadingException")
        })
    }

    /// The class that a name means.
    fn class_of(&self, wanted: Wanted, name: &str) -> Result<&str> {
        let there = || self.plugins.iter().filter(|plugin| wanted.includes(plugin.kind));
        if let Some(plugin) = there().find(|plugin| plugin.class == name) {
            return Ok(&plugin.class);
        }
        let matches: Vec<&Arc<Plugin>> = there().filter(|plugin| plugin.has_alias(name)).collect();
        let list = |plugins: &mut dyn Iterator<Item = &Arc<Plugin>>| {
            plugins.map(|plugin| plugin.to_string()).collect::<Vec<_>>().join(", ")
        };
        match matches.as_slice() {
            [] => Err(ConnectError::connect(format!(
                "Failed to find any class that implements {} and which name matches {name}, available {}s are: {}",
                wanted.interface(),
                wanted.noun(),
                list(&mut there())
            ))),
            [first, rest @ ..] if rest.iter().all(|plugin| plugin.class == first.class) => Ok(&first.class),
            several => Err(ConnectError::connect(format!(
                "More than one {} matches alias {name}. Please use full package and class name instead. Classes \
                 found: {}",
                wanted.noun(),
                list(&mut several.iter().copied())
            ))),
        }
    }
}

/// The highest version; of equal ones the first.
fn latest<'a>(plugins: impl Iterator<Item = &'a Arc<Plugin>>) -> Option<&'a Arc<Plugin>> {
    plugins.reduce(|best, plugin| if plugin.version > best.version { plugin } else { best })
}

impl PluginCatalog for Registry {
    fn plugins(&self, kind: PluginKind) -> Vec<InstalledPlugin> {
        self.of_kind(kind)
            .map(|plugin| InstalledPlugin { class: plugin.class.clone(), version: plugin.version.to_string() })
            .collect()
    }

    fn resolve(&self, kind: PluginKind, name: &str) -> Option<String> {
        self.class_of(Wanted::Kind(kind), name).ok().map(str::to_owned)
    }

    fn resolve_any(&self, name: &str) -> Option<String> {
        let kinds = [
            PluginKind::Source,
            PluginKind::Sink,
            PluginKind::Converter,
            PluginKind::HeaderConverter,
            PluginKind::Transformation,
            PluginKind::Predicate,
            PluginKind::ConfigProvider,
            PluginKind::RestExtension,
            PluginKind::OverridePolicy,
        ];
        kinds.into_iter().find_map(|kind| self.resolve(kind, name))
    }

    fn definition(&self, kind: PluginKind, name: &str, version: Option<&str>) -> Result<ConfigDef> {
        self.find(kind, name, version).map(|plugin| plugin.config.clone())
    }

    fn check_version(&self, text: &str) -> Result<(), String> {
        VersionRange::parse(text).map(drop)
    }

    fn latest_version(&self, kind: PluginKind, name: &str) -> Option<String> {
        self.find(kind, name, None).ok().map(|plugin| plugin.version.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plugin(kind: PluginKind, class: &str, version: &str, location: &str) -> Plugin {
        let mut plugin = Plugin::of_worker(&builtins()[0]);
        (plugin.kind, plugin.class, plugin.location) = (kind, class.to_owned(), location.to_owned());
        plugin.version = Version::new(version);
        plugin
    }

    fn registry() -> Registry {
        let mut file = plugin(PluginKind::Source, "org.example.FileStreamSourceConnector", "1.0", "/p/file.so");
        file.aliases = vec!["com.example.Files".to_owned()];
        Registry::new(vec![
            file,
            plugin(PluginKind::Sink, "org.example.LogSinkConnector", "1.0", "/p/log.so"),
            plugin(PluginKind::Sink, "org.example.LogSinkConnector", "1.10", "/p/log-10.so"),
            plugin(PluginKind::Sink, "org.example.LogSinkConnector", "1.2", "/p/log-2.so"),
            plugin(PluginKind::Sink, "net.example.FileStreamSource", "1.0", "/p/net.so"),
            plugin(PluginKind::Transformation, "org.example.Mask$Notes", "1.0", "/p/mask.so"),
        ])
    }

    #[test]
    fn a_library_has_names_for_its_classes_and_lists_each_once() {
        let mask = |version| plugin(PluginKind::Transformation, "org.example.Mask", version, "/p/mask.so");
        let fault = |plugins: &[Plugin]| Plugin::fault_in(plugins);
        let kinds = plugin(PluginKind::Predicate, "org.example.Mask", "1.0", "/p/mask.so");
        assert_eq!(fault(&[mask("1.0"), mask("1.1"), kinds]), None);
        assert_eq!(fault(&[mask("1.0"), mask("1.0")]).unwrap(), "it lists the transformation org.example.Mask twice");
        let nameless = plugin(PluginKind::Sink, " ", "1.0", "/p/mask.so");
        assert_eq!(fault(&[mask("1.0"), nameless]).unwrap(), "it has a sink without a class name");
    }

    #[test]
    fn names_find_classes() {
        let registry = registry();
        let find = |name: &str| registry.connector(name, None).map(|plugin| plugin.class.as_str());
        assert_eq!(find("org.example.FileStreamSourceConnector").unwrap(), "org.example.FileStreamSourceConnector");
        assert_eq!(find("com.example.Files").unwrap(), "org.example.FileStreamSourceConnector");
        assert_eq!(find("FileStreamSourceConnector").unwrap(), "org.example.FileStreamSourceConnector");
        assert_eq!(find("LogSink").unwrap(), "org.example.LogSinkConnector");
        let mask = registry.find(PluginKind::Transformation, "Notes", None).unwrap();
        assert_eq!(mask.class, "org.example.Mask$Notes");
        assert_eq!(registry.resolve_any("String").unwrap(), "org.apache.kafka.connect.storage.StringConverter");
        let ambiguous = find("FileStreamSource").unwrap_err();
        assert_eq!(
            ambiguous.message(),
            "More than one connector matches alias FileStreamSource. Please use full package and class name instead. \
             Classes found: PluginDesc{klass=class net.example.FileStreamSource, name='net.example.FileStreamSource', \
             version='1.0', encodedVersion=1.0, type=sink, typeName='sink', location='/p/net.so'}, PluginDesc{klass=class \
             org.example.FileStreamSourceConnector, name='org.example.FileStreamSourceConnector', version='1.0', \
             encodedVersion=1.0, type=source, typeName='source', location='/p/file.so'}"
        );
        let missing = find("Nothing").unwrap_err();
        let start = "Failed to find any class that implements Connector and which name matches Nothing, available \
                     connectors are: PluginDesc{klass=class net.example.FileStreamSource, ";
        assert!(missing.message().starts_with(start), "{missing}");
    }

    #[test]
    fn the_highest_version_is_used_unless_one_is_asked_for() {
        let registry = registry();
        let version = |asked| registry.connector("LogSink", asked).map(|plugin| plugin.version.as_str().to_owned());
        assert_eq!(version(None).unwrap(), "1.10");
        assert_eq!(version(Some("latest")).unwrap(), "1.10");
        assert_eq!(version(Some("1.2")).unwrap(), "1.2");
        assert_eq!(version(Some("[1.0,1.5)")).unwrap(), "1.2");
        assert_eq!(
            version(Some("[2,)")).unwrap_err().message(),
            "Plugin org.example.LogSinkConnector not found that matches the version range [2,), available versions: \
             [1.0, 1.2, 1.10]"
        );
        assert_eq!(version(Some("[2")).unwrap_err().message(), "Unbounded range: [2");
        let same: Vec<_> = registry.of_kind(PluginKind::Sink).map(|plugin| plugin.version.as_str()).collect();
        assert_eq!(same, ["1.0", "1.0", "1.2", "1.10"], "all are listed");
        assert_eq!(
            registry.warnings(),
            ["The sink class org.example.LogSinkConnector is there 3 times: /p/log.so (version 1.0), /p/log-2.so \
              (version 1.2), /p/log-10.so (version 1.10). Version 1.10 of /p/log-10.so is used unless a configuration \
              asks for another version"]
        );
    }
}
