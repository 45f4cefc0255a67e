//! Kafka Connect's REST API.
//!
//! [`BoundServer`] binds the ports, [`Server`] serves. `router` says which path leads to which handler; there is one file
//! of handlers per noun. Handlers hold no state: they read the request (`resource`, `bodies`), ask the herder through its
//! handle, and write the answer (`entities`, `errors`). `ui` serves the web page, which is a client as others are.

mod access_log;
mod audit;
mod auth;
mod bodies;
mod connections;
mod connectors;
mod entities;
mod errors;
mod extras;
mod https;
mod internal;
mod lifecycle;
mod listener;
mod loggers;
mod metrics;
mod offsets;
mod openapi;
mod plugins;
mod renewed;
mod resource;
mod root;
mod router;
mod server;
mod tasks;
#[cfg(test)]
mod tests;
mod ui;
mod well_formed;

pub use resource::TopicTracking;
pub use server::{BoundServer, Server};
