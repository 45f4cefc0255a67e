//! What connections do, on real servers.

mod calls;
mod databases;
mod types;
