//! Header converters that come with the worker and are nothing else. All converters serve for headers too, see
//! [`super::converters`].

pub mod simple;
