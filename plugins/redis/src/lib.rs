//! Sink and stream source for Redis.
