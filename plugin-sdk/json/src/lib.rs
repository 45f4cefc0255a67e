//! Connect values as JSON text, as Kafka Connect's `JsonConverter` writes them. The worker's own converter and plugins
//! that send JSON to other systems share it.
//!
//! Most plugins want a [`Writer`]: it takes a record's key or value and gives its JSON, without the envelope that
//! carries a schema.
//!
//! ```
//! use ferroconnect_json::{Format, Writer};
//! use ferroconnect_plugin_abi::builder::SchemaBuilder;
//! use ferroconnect_plugin_abi::{Data, Value};
//!
//! let schema = SchemaBuilder::structure().field("name", SchemaBuilder::string().build()).build();
//! let value = Value::structure(schema.clone(), vec![Value::string("Ann")]);
//! let mut out = Vec::new();
//! Writer::new(Format::default()).append(&mut out, &Data::new(schema, value))?;
//! assert_eq!(out, br#"{"name":"Ann"}"#);
//! # Ok::<(), ferroconnect_json::Error>(())
//! ```
//!
//! What a writer stands on is public too: [`write()`] for one value under a worked-out schema ([`Plan`]), [`string`] for
//! text in quotes, and the texts of numbers ([`float`], [`decimal`]).
//!
//! What is not here: reading, and schemas as JSON. Both are the worker's converter's own.
#![deny(missing_docs)]

pub mod decimal;
mod error;
pub mod float;
mod iso;
mod plan;
pub mod scan;
mod write;
mod writer;

pub use error::{Error, Result};
pub use plan::{FieldPlan, Found, Plan};
pub use write::{Decimals, Format, MAX_DEPTH, Times, string, write};
pub use writer::Writer;
