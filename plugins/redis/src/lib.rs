//! Writes records into Redis, and reads the streams of Redis.
//!
//! What is here: one sink under the names, keys and habits of three Java connectors, and a source of streams with
//! consumer groups. Start reading in `preset`: each class is a way to fill the one set of settings that the rest works
//! with. `layout` turns a record into `commands`, `writer` sends them, `server` connects,
//! `connection` is what comes of that.
//!
//! What is not here: waiting for a worker's retry. A call that may work later says so and returns.

mod apart;
mod commands;
mod connection;
mod keys;
mod layout;
mod preset;
mod server;
mod sink;
mod stream;
mod tls;
mod value;
mod writer;

#[cfg(test)]
#[path = "../tests/common/mod.rs"]
mod servers;

use ferroconnect_plugin_sdk::Uniform;
use preset::{Custenborder, Example, FieldEngineering};
use sink::RedisSink;
use stream::RedisStreamSource;

const VERSION: &str = env!("CARGO_PKG_VERSION");

ferroconnect_plugin_sdk::export! {
    sources: [RedisStreamSource],
    sinks: [Uniform<RedisSink<Example>>, Uniform<RedisSink<Custenborder>>, Uniform<RedisSink<FieldEngineering>>],
}
