//! The messages around one plain value each.

use super::names;
use ferroconnect_plugin_sdk::{Schema, SchemaType};

/// The file that defines them.
pub(super) const FILE: &str = r#"syntax = "proto3";
package google.protobuf;

message DoubleValue {
  double value = 1;
}
message FloatValue {
  float value = 1;
}
message Int64Value {
  int64 value = 1;
}
message UInt64Value {
  uint64 value = 1;
}
message Int32Value {
  int32 value = 1;
}
message UInt32Value {
  uint32 value = 1;
}
message BoolValue {
  bool value = 1;
}
message StringValue {
  string value = 1;
}
message BytesValue {
  bytes value = 1;
}
"#;

/// The full name of the message around values of a schema.
pub(super) fn of(schema: &Schema) -> Option<&'static str> {
    Some(match schema.kind {
        SchemaType::INT8 | SchemaType::INT16 | SchemaType::INT32 => "google.protobuf.Int32Value",
        SchemaType::INT64 => match schema.parameter(names::NUMBER_TYPE) {
            Some("uint32" | "fixed32") => "google.protobuf.UInt32Value",
            Some("uint64" | "fixed64") => "google.protobuf.UInt64Value",
            _ => "google.protobuf.Int64Value",
        },
        SchemaType::FLOAT32 => "google.protobuf.FloatValue",
        SchemaType::FLOAT64 => "google.protobuf.DoubleValue",
        SchemaType::BOOLEAN => "google.protobuf.BoolValue",
        SchemaType::STRING => "google.protobuf.StringValue",
        SchemaType::BYTES => "google.protobuf.BytesValue",
        _ => return None,
    })
}

/// What is in the message with this full name.
pub(super) fn content(message: &str) -> Option<SchemaType> {
    Some(match message.strip_prefix("google.protobuf.")? {
        "DoubleValue" => SchemaType::FLOAT64,
        "FloatValue" => SchemaType::FLOAT32,
        "Int64Value" | "UInt64Value" | "UInt32Value" => SchemaType::INT64,
        "Int32Value" => SchemaType::INT32,
        "BoolValue" => SchemaType::BOOLEAN,
        "StringValue" => SchemaType::STRING,
        "BytesValue" => SchemaType::BYTES,
        _ => return None,
    })
}
