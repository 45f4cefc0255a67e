//! Write Ferroconnect plugins: connectors, converters, transforms and the other kinds, as one shared library.
//!
//! What is here: plain Rust traits ([`SourceConnector`], [`SourceTask`], [`SinkConnector`], [`SinkTask`],
//! [`Converter`], [`Transform`], [`Predicate`], …), a [`ConfigDef`] builder, and [`export!`], which turns a crate
//! into a plugin library. Every method is run so that a panic becomes an error of that one object.
//!
//! What is not here: anything of the worker. A library built with this crate loads on every later worker of the
//! same ABI major.
//!
//! The author's guide, from nothing to a running plugin, is `docs/plugin-author-guide.md`.
#![deny(missing_docs)]

pub mod config;
pub mod connector;
pub mod context;
pub mod error;
pub mod export;
#[doc(hidden)]
pub mod glue;
pub mod log;
pub mod offsets;
pub mod record;
#[cfg(feature = "tokio")]
pub mod runtime;
pub mod service;
pub mod stage;
pub mod stop;
#[cfg(feature = "testkit")]
pub mod testkit;
#[cfg(feature = "tracing")]
mod tracing_bridge;
pub mod uniform;

pub use config::{Config, ConfigDef, Key};
pub use connector::{SinkConnector, SinkTask, SourceConnector, SourceTask};
pub use context::{ConnectorContext, Metric, Report, SinkContext, SourceContext};
pub use error::{Error, Result};
pub use export::{Description, Library, Plugin, PluginEntry};
pub use ferroconnect_plugin_abi::builder::SchemaBuilder;
pub use ferroconnect_plugin_abi::config::{ConfigValue, Importance, Width};
pub use ferroconnect_plugin_abi::containers::AbiVec;
pub use ferroconnect_plugin_abi::error::ErrorKind;
pub use ferroconnect_plugin_abi::host::{MetricKind, ReportState};
pub use ferroconnect_plugin_abi::logical::{Logical, decimal_scale};
pub use ferroconnect_plugin_abi::project::project;
pub use ferroconnect_plugin_abi::record::{
    Acknowledgement, Coordinates, Data, Header, OffsetEntry, OffsetMap, Outcome, PartitionOffset, RawHeader, Record,
    TimestampType, TopicPartition,
};
pub use ferroconnect_plugin_abi::schema::{Field, Schema, SchemaType};
pub use ferroconnect_plugin_abi::source::Support;
pub use ferroconnect_plugin_abi::validate::{validate, validate_field, validate_struct};
pub use ferroconnect_plugin_abi::value::{MapEntry, StructValue, Value, ValueKind, ValueRef};
pub use ferroconnect_plugin_abi::{Blob, MaybeShared, Shared, Text};
pub use offsets::{OffsetChange, SinkOffsetChange, SourceOffsetChange};
pub use record::{Batch, SourceRecord, offset_map};
pub use service::{ConfigProvider, OverridePolicy, RestExtension};
pub use stage::{Converter, HeaderConverter, Predicate, Transform};
pub use stop::StopSignal;
pub use uniform::{Uniform, UniformSink};

/// Connect values as JSON text (feature `json`).
#[cfg(feature = "json")]
pub use ferroconnect_json as json;

/// The contract itself, for the export macro.
#[doc(hidden)]
pub use ferroconnect_plugin_abi as abi;
