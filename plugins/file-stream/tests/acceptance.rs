//! The checks that every connector passes.
#![allow(clippy::unwrap_used, reason = "tests")]

use ferroconnect_plugin_sdk::testkit::{self, acceptance};
use ferroconnect_plugin_sdk::{Config, Data, SchemaBuilder};
use std::fs;

#[test]
fn source() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("in.txt");
    let library = testkit::library!(ferroconnect_file_stream);
    for batch_size in ["3", "2000"] {
        let name = file.to_str().unwrap();
        let config = Config::from([("file", name), ("topic", "lines"), ("batch.size", batch_size)]);
        let feed = || fs::write(&file, "a\nb\r\nc\rd\n\né\n日本\n8\n9\n10\ntail").unwrap();
        acceptance::source(&library, "FileStreamSource", config, feed);
        fs::remove_file(&file).unwrap();
    }
}

#[test]
fn sink() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("out.txt");
    let library = testkit::library!(ferroconnect_file_stream);
    let schema = SchemaBuilder::string().build();
    let values = ["a", "b", "c"].map(|text| Data::new(schema.clone(), text)).to_vec();
    let written = || fs::read_to_string(&file).map_or(0, |text| text.lines().count());
    acceptance::sink(&library, "FileStreamSink", [("file", file.to_str().unwrap())], values, written);
}
