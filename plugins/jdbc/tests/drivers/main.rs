//! What connections do, on real servers.
#![allow(clippy::unwrap_used, reason = "tests")]

mod calls;
mod databases;
mod logins;
mod parameters;
mod types;
