//! Converters that keep their schemas in a schema registry.
//!
//! [`converter`] is what all formats share: it asks [`subject`] where a schema belongs and [`client`] for its id, frames
//! payloads as [`wire`] says, and keeps what it learned for the next record. A format is a [`codec::Codec`].

#[cfg(test)]
mod arbitrary;
mod avro;
mod client;
mod codec;
mod compatible;
mod converter;
mod json;
mod kept;
mod path;
mod protobuf;
mod settings;
mod subject;
#[cfg(test)]
mod testing;
mod wire;

use avro::AvroConverter;
use json::JsonSchemaConverter;
use protobuf::ProtobufConverter;

ferroconnect_plugin_sdk::export! { converters: [AvroConverter, JsonSchemaConverter, ProtobufConverter] }
