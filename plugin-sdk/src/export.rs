//! Making a crate a plugin library.

use crate::config::ConfigDef;
use crate::connector::{SinkConnector, SourceConnector};
use crate::error::{Error, Result};
use crate::glue::{
    ConverterGlue, Glue, HeaderConverterGlue, PolicyGlue, PredicateGlue, ProviderGlue, RestGlue, TransformGlue, guard,
};
use crate::service::{ConfigProvider, OverridePolicy, RestExtension};
use crate::stage::{Converter, HeaderConverter, Predicate, Transform};
use crate::{Config, log};
use ferroconnect_plugin_abi::__abi_stable::prefix_type::PrefixTypeTrait;
use ferroconnect_plugin_abi::__abi_stable::sabi_trait::TD_Opaque;
use ferroconnect_plugin_abi::config::{ConfigValue, Pairs};
use ferroconnect_plugin_abi::containers::{AbiSlice, AbiStr, AbiVec};
use ferroconnect_plugin_abi::error::{AbiError, AbiResult, ErrorKind};
use ferroconnect_plugin_abi::host::HostServicesObject;
use ferroconnect_plugin_abi::info::{PluginInfo, PluginKind};
use ferroconnect_plugin_abi::library::{PluginLibrary, PluginLibraryRef};
use ferroconnect_plugin_abi::services::{
    ConfigProvider_TO, ConfigProviderObject, OverridePolicy_TO, OverridePolicyObject, RestExtension_TO,
    RestExtensionObject,
};
use ferroconnect_plugin_abi::sink::{SinkConnector_TO, SinkConnectorObject, SinkTask_TO, SinkTaskObject};
use ferroconnect_plugin_abi::source::{SourceConnector_TO, SourceConnectorObject, SourceTask_TO, SourceTaskObject};
use ferroconnect_plugin_abi::stages::{
    Converter_TO, ConverterObject, Predicate_TO, PredicateObject, Transform_TO, TransformObject,
};
use std::sync::{Arc, Mutex, PoisonError};

/// What a plugin says of itself.
#[derive(Debug, Clone)]
pub struct Description {
    class: String,
    aliases: Vec<String>,
    version: String,
    documentation: String,
    config: ConfigDef,
    task_class: String,
    location: Option<String>,
}

impl Description {
    /// A plugin known by `class`, of this version: `env!("CARGO_PKG_VERSION")` is a good one.
    pub fn new(class: &str, version: &str) -> Description {
        Description {
            class: class.to_owned(),
            aliases: Vec::new(),
            version: version.to_owned(),
            documentation: String::new(),
            config: ConfigDef::new(),
            task_class: format!("{class}Task"),
            location: None,
        }
    }

    /// A further name it answers to, such as that of a Java class it stands in for.
    pub fn alias(mut self, name: &str) -> Description {
        self.aliases.push(name.to_owned());
        self
    }

    /// What it does.
    pub fn doc(mut self, text: &str) -> Description {
        self.documentation = text.to_owned();
        self
    }

    /// What it can be configured with.
    pub fn config(mut self, def: ConfigDef) -> Description {
        self.config = def;
        self
    }

    /// For connectors: the name that is shown as `task.class`. Default: the class with `Task` behind it.
    pub fn task_class(mut self, name: &str) -> Description {
        self.task_class = name.to_owned();
        self
    }

    /// Where it really lives, for libraries that bridge to another runtime.
    pub fn location(mut self, place: &str) -> Description {
        self.location = Some(place.to_owned());
        self
    }

    fn info(&self, kind: PluginKind) -> PluginInfo {
        let connector = kind == PluginKind::SOURCE || kind == PluginKind::SINK;
        PluginInfo {
            kind,
            class: self.class.as_str().into(),
            aliases: self.aliases.iter().map(|alias| alias.as_str().into()).collect(),
            version: self.version.as_str().into(),
            documentation: self.documentation.as_str().into(),
            config: self.config.as_abi().clone(),
            task_class: if connector { self.task_class.as_str().into() } else { "".into() },
            location: self.location.as_deref().map(Into::into).into(),
            attributes: AbiVec::new(),
        }
    }
}

/// A plugin type that can describe itself and be made from nothing.
pub trait Plugin: Default {
    /// What it says of itself.
    fn describe() -> Description;
}

type Maker<T> = Arc<dyn Fn() -> T + Send + Sync>;

#[derive(Clone)]
enum Factory {
    Source(Maker<SourceConnectorObject>, Maker<SourceTaskObject>),
    Sink(Maker<SinkConnectorObject>, Maker<SinkTaskObject>),
    Converter(Maker<ConverterObject>),
    HeaderConverter(Maker<ConverterObject>),
    Transform(Maker<TransformObject>),
    Predicate(Maker<PredicateObject>),
    ConfigProvider(Maker<ConfigProviderObject>),
    RestExtension(Maker<RestExtensionObject>),
    OverridePolicy(Maker<OverridePolicyObject>),
}

/// One plugin of a library: its description and how it is made.
#[derive(Clone)]
pub struct PluginEntry {
    info: PluginInfo,
    factory: Factory,
}

macro_rules! stage_entries {
    ($($(#[$doc:meta])* $method:ident, $bound:ident, $kind:ident, $factory:ident, $glue:ident, $object:ident;)*) => {$(
        $(#[$doc])*
        pub fn $method<P, F>(description: Description, make: F) -> PluginEntry
        where
            P: $bound,
            F: Fn() -> P + Send + Sync + 'static,
        {
            let info = description.info(PluginKind::$kind);
            let Description { class, config, .. } = description;
            let make = move || $object::from_value($glue::new(&class, config.clone(), make()), TD_Opaque);
            PluginEntry { info, factory: Factory::$factory(Arc::new(make)) }
        }
    )*};
}

impl PluginEntry {
    /// A source connector and its task, made by these functions.
    pub fn source<C, M, T>(description: Description, connector: M, task: T) -> PluginEntry
    where
        C: SourceConnector,
        M: Fn() -> C + Send + Sync + 'static,
        T: Fn() -> C::Task + Send + Sync + 'static,
    {
        let info = description.info(PluginKind::SOURCE);
        let Description { class, config, task_class, .. } = description;
        let task_config = config.clone();
        let connector =
            move || SourceConnector_TO::from_value(Glue::new(&class, config.clone(), connector()), TD_Opaque);
        let task = move || SourceTask_TO::from_value(Glue::new(&task_class, task_config.clone(), task()), TD_Opaque);
        PluginEntry { info, factory: Factory::Source(Arc::new(connector), Arc::new(task)) }
    }

    /// A sink connector and its task, made by these functions.
    pub fn sink<C, M, T>(description: Description, connector: M, task: T) -> PluginEntry
    where
        C: SinkConnector,
        M: Fn() -> C + Send + Sync + 'static,
        T: Fn() -> C::Task + Send + Sync + 'static,
    {
        let info = description.info(PluginKind::SINK);
        let Description { class, config, task_class, .. } = description;
        let task_config = config.clone();
        let connector = move || SinkConnector_TO::from_value(Glue::new(&class, config.clone(), connector()), TD_Opaque);
        let task = move || SinkTask_TO::from_value(Glue::new(&task_class, task_config.clone(), task()), TD_Opaque);
        PluginEntry { info, factory: Factory::Sink(Arc::new(connector), Arc::new(task)) }
    }

    stage_entries! {
        /// A converter.
        converter, Converter, CONVERTER, Converter, ConverterGlue, Converter_TO;
        /// A header converter.
        header_converter, HeaderConverter, HEADER_CONVERTER, HeaderConverter, HeaderConverterGlue, Converter_TO;
        /// A transform.
        transform, Transform, TRANSFORM, Transform, TransformGlue, Transform_TO;
        /// A predicate.
        predicate, Predicate, PREDICATE, Predicate, PredicateGlue, Predicate_TO;
        /// A config provider.
        config_provider, ConfigProvider, CONFIG_PROVIDER, ConfigProvider, ProviderGlue, ConfigProvider_TO;
        /// A REST extension.
        rest_extension, RestExtension, REST_EXTENSION, RestExtension, RestGlue, RestExtension_TO;
        /// An override policy.
        override_policy, OverridePolicy, OVERRIDE_POLICY, OverridePolicy, PolicyGlue, OverridePolicy_TO;
    }
}

/// What a library holds, asked when the worker loads it. The [`export!`](crate::export!) macro writes this for plain lists; a
/// library that finds its classes itself (a bridge to another runtime) implements it and exports `library: Type`.
pub trait Library {
    /// The plugins, given the worker's properties that begin with `plugin.<package>.`, that prefix cut off.
    fn plugins(config: &Config) -> Result<Vec<PluginEntry>>;
}

/// What [`export!`] keeps per library.
#[doc(hidden)]
pub struct Registry {
    entries: Mutex<Option<Arc<Vec<PluginEntry>>>>,
    list: fn(&Config) -> Result<Vec<PluginEntry>>,
}

impl Registry {
    #[doc(hidden)]
    pub const fn new(list: fn(&Config) -> Result<Vec<PluginEntry>>) -> Registry {
        Registry { entries: Mutex::new(None), list }
    }

    #[doc(hidden)]
    pub fn attach(&self, services: HostServicesObject) -> AbiResult<()> {
        log::attach(services);
        guard::install_panic_hook();
        #[cfg(feature = "tracing")]
        crate::tracing_bridge::install();
        AbiResult::ROk(())
    }

    #[doc(hidden)]
    pub fn describe(&self, config: &Pairs) -> AbiResult<AbiVec<PluginInfo>> {
        guard::call_free("listing the plugins", || {
            let entries = (self.list)(&Config::from_pairs(config))?;
            let infos = entries.iter().map(|entry| entry.info.clone()).collect();
            *self.lock() = Some(Arc::new(entries));
            Ok(infos)
        })
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Arc<Vec<PluginEntry>>>> {
        // The value is replaced whole, so a panic elsewhere cannot have left it half changed.
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn make<T>(&self, class: AbiStr<'_>, what: &str, pick: impl Fn(&Factory) -> Option<Maker<T>>) -> AbiResult<T> {
        guard::call_free("making a plugin", || {
            let entries = self.lock().clone();
            let found = entries.iter().flat_map(|entries| entries.iter()).find_map(|entry| {
                if entry.info.class.as_str() == class.as_str() { pick(&entry.factory) } else { None }
            });
            let make = found.ok_or_else(|| {
                Error::new(ErrorKind::NOT_FOUND, format!("this library has no {what} of class {class}"))
            })?;
            Ok(make())
        })
    }
}

macro_rules! makers {
    ($($method:ident, $object:ty, $what:literal, $pattern:pat => $maker:ident;)*) => {
        impl Registry {
            $(
                #[doc(hidden)]
                pub fn $method(&self, class: AbiStr<'_>) -> AbiResult<$object> {
                    self.make(class, $what, |factory| match factory {
                        $pattern => Some(Arc::clone($maker)),
                        _ => None,
                    })
                }
            )*
        }
    };
}

makers! {
    source_connector, SourceConnectorObject, "source connector", Factory::Source(maker, _) => maker;
    source_task, SourceTaskObject, "source connector", Factory::Source(_, maker) => maker;
    sink_connector, SinkConnectorObject, "sink connector", Factory::Sink(maker, _) => maker;
    sink_task, SinkTaskObject, "sink connector", Factory::Sink(_, maker) => maker;
    converter, ConverterObject, "converter", Factory::Converter(maker) => maker;
    header_converter, ConverterObject, "header converter", Factory::HeaderConverter(maker) => maker;
    transform, TransformObject, "transform", Factory::Transform(maker) => maker;
    predicate, PredicateObject, "predicate", Factory::Predicate(maker) => maker;
    config_provider, ConfigProviderObject, "config provider", Factory::ConfigProvider(maker) => maker;
    rest_extension, RestExtensionObject, "REST extension", Factory::RestExtension(maker) => maker;
    override_policy, OverridePolicyObject, "override policy", Factory::OverridePolicy(maker) => maker;
}

/// The default of `PluginLibrary::validate`: nothing beyond the definition.
#[doc(hidden)]
pub extern "C" fn no_further_checks(_: PluginKind, _: AbiStr<'_>, _: Pairs) -> AbiResult<AbiVec<ConfigValue>> {
    AbiResult::ROk(AbiVec::new())
}

/// The default of `PluginLibrary::extension`: there is none.
#[doc(hidden)]
pub extern "C" fn no_extension(name: AbiStr<'_>, _: AbiSlice<'_, u8>) -> AbiResult<AbiVec<u8>> {
    AbiResult::RErr(AbiError::unsupported(name.as_str()))
}

/// Puts the library root on the heap for good.
#[doc(hidden)]
pub fn leak_root(library: PluginLibrary) -> PluginLibraryRef {
    library.leak_into_prefix()
}

/// Exports the plugins of a crate; once per crate, whose `crate-type` holds `cdylib`.
///
/// ```ignore
/// ferroconnect_plugin_sdk::export! {
///     sources: [FileStreamSource],
///     sinks: [FileStreamSink],
/// }
/// ```
///
/// The lists are, in this order and each optional: `sources`, `sinks`, `converters`, `header_converters`,
/// `transforms`, `predicates`, `config_providers`, `rest_extensions`, `override_policies`. Each type implements
/// [`Plugin`](crate::Plugin) and the trait of its kind; a connector's task type implements [`Default`]. A library
/// that finds its plugins when it is loaded writes `library: Type`, where `Type` implements
/// [`Library`](crate::Library).
#[macro_export]
macro_rules! export {
    (library: $library:ty $(,)?) => {
        $crate::__export_registry!(<$library as $crate::Library>::plugins);
    };
    (
        $(sources: [$($source:ty),* $(,)?] $(,)?)?
        $(sinks: [$($sink:ty),* $(,)?] $(,)?)?
        $(converters: [$($converter:ty),* $(,)?] $(,)?)?
        $(header_converters: [$($header_converter:ty),* $(,)?] $(,)?)?
        $(transforms: [$($transform:ty),* $(,)?] $(,)?)?
        $(predicates: [$($predicate:ty),* $(,)?] $(,)?)?
        $(config_providers: [$($config_provider:ty),* $(,)?] $(,)?)?
        $(rest_extensions: [$($rest_extension:ty),* $(,)?] $(,)?)?
        $(override_policies: [$($override_policy:ty),* $(,)?] $(,)?)?
    ) => {
        fn __ferroconnect_plugins(_: &$crate::Config) -> $crate::Result<::std::vec::Vec<$crate::PluginEntry>> {
            use $crate::{Plugin, PluginEntry};
            ::core::result::Result::Ok(::std::vec![
                $($(PluginEntry::source::<$source, _, _>(
                    <$source as Plugin>::describe(), ::core::default::Default::default, ::core::default::Default::default
                ),)*)?
                $($(PluginEntry::sink::<$sink, _, _>(
                    <$sink as Plugin>::describe(), ::core::default::Default::default, ::core::default::Default::default
                ),)*)?
                $($(PluginEntry::converter::<$converter, _>(
                    <$converter as Plugin>::describe(), ::core::default::Default::default),)*)?
                $($(PluginEntry::header_converter::<$header_converter, _>(
                    <$header_converter as Plugin>::describe(), ::core::default::Default::default),)*)?
                $($(PluginEntry::transform::<$transform, _>(
                    <$transform as Plugin>::describe(), ::core::default::Default::default),)*)?
                $($(PluginEntry::predicate::<$predicate, _>(
                    <$predicate as Plugin>::describe(), ::core::default::Default::default),)*)?
                $($(PluginEntry::config_provider::<$config_provider, _>(
                    <$config_provider as Plugin>::describe(), ::core::default::Default::default),)*)?
                $($(PluginEntry::rest_extension::<$rest_extension, _>(
                    <$rest_extension as Plugin>::describe(), ::core::default::Default::default),)*)?
                $($(PluginEntry::override_policy::<$override_policy, _>(
                    <$override_policy as Plugin>::describe(), ::core::default::Default::default),)*)?
            ])
        }
        $crate::__export_registry!(__ferroconnect_plugins);
    };
    ($($other:tt)*) => {
        ::core::compile_error!(
            "export! takes lists of types such as `transforms: [MyTransform]`; in this order, each at most once: sources, \
             sinks, converters, header_converters, transforms, predicates, config_providers, rest_extensions, \
             override_policies"
        );
    };
}

/// The symbols of a library.
#[doc(hidden)]
#[macro_export]
macro_rules! __export_registry {
    ($list:expr) => {
        #[doc(hidden)]
        pub mod __ferroconnect_export {
            #[allow(unused_imports, reason = "the list may name types of the crate")]
            use super::*;
            use $crate::abi::__abi_stable as container;
            use $crate::abi::config::Pairs;
            use $crate::abi::containers::{AbiStr, AbiVec};
            use $crate::abi::error::AbiResult;
            use $crate::abi::host::HostServicesObject;
            use $crate::abi::info::{BuildInfo, PluginInfo, StaticText};
            use $crate::abi::library::{PluginLibrary, PluginLibraryRef};
            use $crate::export::Registry;

            static REGISTRY: Registry = Registry::new($list);

            extern "C" fn attach(services: HostServicesObject) -> AbiResult<()> {
                REGISTRY.attach(services)
            }
            extern "C" fn describe(config: Pairs) -> AbiResult<AbiVec<PluginInfo>> {
                REGISTRY.describe(&config)
            }
            $crate::__export_factories! {
                source_connector: $crate::abi::source::SourceConnectorObject,
                source_task: $crate::abi::source::SourceTaskObject,
                sink_connector: $crate::abi::sink::SinkConnectorObject,
                sink_task: $crate::abi::sink::SinkTaskObject,
                converter: $crate::abi::stages::ConverterObject,
                header_converter: $crate::abi::stages::ConverterObject,
                transform: $crate::abi::stages::TransformObject,
                predicate: $crate::abi::stages::PredicateObject,
                config_provider: $crate::abi::services::ConfigProviderObject,
                rest_extension: $crate::abi::services::RestExtensionObject,
                override_policy: $crate::abi::services::OverridePolicyObject,
            }

            fn root() -> PluginLibraryRef {
                $crate::export::leak_root($crate::__root_table! {
                    attach,
                    describe,
                    source_connector,
                    source_task,
                    sink_connector,
                    sink_task,
                    converter,
                    header_converter,
                    transform,
                    predicate,
                    config_provider,
                    rest_extension,
                    override_policy,
                })
            }

            extern "C" fn erased_root() -> container::library::RootModuleResult {
                container::library::__call_root_module_loader(root)
            }

            // The name is that of the container crate's loader; a test of the SDK holds it.
            #[unsafe(export_name = "_1as_0lib_1header_0root_bmodule_bloader")]
            pub static LIBRARY_HEADER: container::library::LibHeader =
                // SAFETY: the constructor gives the root module of the type named here.
                unsafe {
                    container::library::LibHeader::from_constructor::<PluginLibraryRef>(
                        erased_root,
                        container::library::CheckTypeLayout::Yes,
                    )
                };

            #[unsafe(export_name = "ferroconnect_plugin_build_info")]
            pub static BUILD_INFO: BuildInfo = BuildInfo {
                magic: $crate::abi::info::BUILD_INFO_MAGIC,
                size: ::core::mem::size_of::<BuildInfo>() as u32,
                abi_major: $crate::abi::ABI_MAJOR,
                abi_minor: $crate::abi::ABI_MINOR,
                panic: if cfg!(panic = "abort") { 2 } else { 1 },
                sdk: StaticText::new($crate::export::SDK),
                rustc: StaticText::new($crate::export::RUSTC),
                target: StaticText::new($crate::export::TARGET),
                package: StaticText::new(::core::env!("CARGO_PKG_NAME")),
                version: StaticText::new(::core::env!("CARGO_PKG_VERSION")),
                capabilities: StaticText::new("attributes batches acknowledgements"),
            };
        }
    };
}

/// The root of a library: its own functions and the defaults of this SDK.
#[cfg(not(feature = "next-minor"))]
#[doc(hidden)]
#[macro_export]
macro_rules! __root_table {
    ($($own:ident),* $(,)?) => {
        PluginLibrary {
            $($own,)*
            validate: $crate::export::no_further_checks,
            extension: $crate::export::no_extension,
        }
    };
}

/// As above, with what the tests of the compatibility promise add.
#[cfg(feature = "next-minor")]
#[doc(hidden)]
#[macro_export]
macro_rules! __root_table {
    ($($own:ident),* $(,)?) => {
        PluginLibrary {
            $($own,)*
            validate: $crate::export::no_further_checks,
            extension: $crate::export::no_extension,
            next_minor_probe: $crate::export::next_minor_probe,
        }
    };
}

/// What the next minor release adds to the root, for the tests of the compatibility promise.
#[cfg(feature = "next-minor")]
#[doc(hidden)]
pub extern "C" fn next_minor_probe() -> u32 {
    11
}

/// The factory functions of a library.
#[doc(hidden)]
#[macro_export]
macro_rules! __export_factories {
    ($($name:ident: $object:ty),* $(,)?) => {$(
        extern "C" fn $name(class: AbiStr<'_>) -> AbiResult<$object> {
            REGISTRY.$name(class)
        }
    )*};
}

/// Name and version of this SDK.
#[doc(hidden)]
pub const SDK: &str = concat!("ferroconnect-plugin-sdk ", env!("CARGO_PKG_VERSION"));
/// The compiler of this SDK, and so of the plugin.
#[doc(hidden)]
pub const RUSTC: &str = env!("FERROCONNECT_RUSTC");
/// The target of this SDK, and so of the plugin.
#[doc(hidden)]
pub const TARGET: &str = env!("FERROCONNECT_TARGET");

#[cfg(test)]
mod tests {
    #[test]
    fn the_loader_symbol_is_the_container_crates() {
        let name = ferroconnect_plugin_abi::__abi_stable::library::ROOT_MODULE_LOADER_NAME;
        assert_eq!(name, "_1as_0lib_1header_0root_bmodule_bloader");
    }
}
