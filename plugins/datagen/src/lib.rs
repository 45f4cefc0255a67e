//! A source of made-up records, for demonstrations, tests and benchmarks.
//!
//! What is here: a stand-in for `io.confluent.kafka.connect.datagen.DatagenConnector` with its keys, its named data sets
//! and the rules (`arg.properties`) that its Avro schemas may bear. Start reading in `source`; `schema` turns an Avro
//! schema into the makers of its values.
//!
//! What is not here: any Avro on the wire. How records are written is the converters' business.

mod datasets;
mod make;
mod pattern;
mod rules;
mod schema;
mod source;

pub use source::Datagen;

ferroconnect_plugin_sdk::export! {
    sources: [Datagen],
}
