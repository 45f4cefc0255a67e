//! A sink that sends records to an HTTP server.
