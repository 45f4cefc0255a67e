//! The transforms that come with the worker, one file each, with their class names.
//!
//! What they share: [`require`] (what a record must be), [`cache`] (plans made once per schema), [`structs`] and
//! [`maps`] (changing records in place), [`path`] and [`nested`] (fields inside fields), [`config`].

pub mod cache;
mod cast;
pub mod config;
mod drop_headers;
mod extract_field;
mod filter;
mod flatten;
mod header_from;
mod hoist_field;
mod insert_field;
mod insert_header;
pub mod lookup;
pub mod maps;
mod mask_field;
pub mod nested;
pub mod path;
mod regex_router;
mod replace_field;
pub mod require;
mod set_schema_metadata;
pub mod structs;
mod timestamp_converter;
mod timestamp_router;
mod value_to_key;

use super::{BuiltIn, Factory, Part};

/// One entry for a transform of whole records. The type has `config_def()` and `configured(&Props)`.
macro_rules! whole {
    ($class:literal, $documentation:literal, $type:ty) => {
        [BuiltIn {
            class: concat!("org.apache.kafka.connect.transforms.", $class),
            documentation: $documentation,
            config: <$type>::config_def,
            factory: Factory::Transform(|props| Ok(Box::new(<$type>::configured(props)?))),
        }]
    };
}

/// Two entries, `$Key` and `$Value`, for a transform of one half of a record. The type has `config_def()` and
/// `configured(Part, &Props)`.
macro_rules! halves {
    ($class:literal, $documentation:literal, $type:ty) => {
        [
            BuiltIn {
                class: concat!("org.apache.kafka.connect.transforms.", $class, "$Key"),
                documentation: $documentation,
                config: <$type>::config_def,
                factory: Factory::Transform(|props| Ok(Box::new(<$type>::configured(Part::Key, props)?))),
            },
            BuiltIn {
                class: concat!("org.apache.kafka.connect.transforms.", $class, "$Value"),
                documentation: $documentation,
                config: <$type>::config_def,
                factory: Factory::Transform(|props| Ok(Box::new(<$type>::configured(Part::Value, props)?))),
            },
        ]
    };
}

/// All transforms that come with the worker, in the order of their names.
pub(super) fn builtins() -> Vec<BuiltIn> {
    let mut all = Vec::new();
    all.extend(halves!("Cast", "Gives fields, or the whole data, another type.", cast::Cast));
    all.extend(whole!("DropHeaders", "Removes headers by name.", drop_headers::DropHeaders));
    all.extend(halves!("ExtractField", "Replaces the data by one of its fields.", extract_field::ExtractField));
    all.extend(whole!("Filter", "Drops every record; meant to be used with a predicate.", filter::Filter));
    all.extend(halves!("Flatten", "Brings nested fields to the outermost level.", flatten::Flatten));
    all.extend(halves!("HeaderFrom", "Moves or copies fields to headers.", header_from::HeaderFrom));
    all.extend(halves!("HoistField", "Wraps the data in a struct or map of one field.", hoist_field::HoistField));
    all.extend(halves!(
        "InsertField",
        "Adds fields that hold the topic, partition, offset or timestamp of the record, or a fixed text.",
        insert_field::InsertField
    ));
    all.extend(whole!("InsertHeader", "Adds a header with a fixed value.", insert_header::InsertHeader));
    all.extend(halves!("MaskField", "Hides the content of fields.", mask_field::MaskField));
    all.extend(whole!(
        "RegexRouter",
        "Changes the topic by a regular expression and a replacement.",
        regex_router::RegexRouter
    ));
    all.extend(halves!("ReplaceField", "Keeps, drops and renames fields.", replace_field::ReplaceField));
    all.extend(halves!(
        "SetSchemaMetadata",
        "Sets the name and version of the schema.",
        set_schema_metadata::SetSchemaMetadata
    ));
    all.extend(halves!(
        "TimestampConverter",
        "Converts a timestamp between text, unix time and the logical types.",
        timestamp_converter::TimestampConverter
    ));
    all.extend(whole!(
        "TimestampRouter",
        "Sends records to a topic named after their topic and timestamp.",
        timestamp_router::TimestampRouter
    ));
    all.extend(whole!("ValueToKey", "Makes the key of fields of the value.", value_to_key::ValueToKey));
    all
}

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
