//! The frozen contract between the Ferroconnect worker and its plugin libraries.
//!
//! What is here: every type and trait that crosses the library border, and nothing else. `ABI.md` beside this
//! crate states who owns what, which thread may call what, and what may change in a later 1.x release.
//!
//! What is not here: anything a plugin author uses directly. Authors write against `ferroconnect-plugin-sdk`,
//! which wraps these types, catches panics and gives plain Rust traits.
//!
//! Start reading in [`library`], the root of a plugin library, then [`record`] for the data that flows.
#![deny(missing_docs)]
#![allow(non_local_definitions, reason = "the derive macros of the container crate put their impls inside constants")]

pub mod builder;
pub mod bytes;
pub mod config;
pub mod error;
pub mod host;
pub mod info;
pub mod library;
pub mod logical;
pub mod project;
pub mod record;
pub mod recursion;
pub mod schema;
pub mod services;
mod shape;
pub mod shared;
pub mod sink;
pub mod source;
pub mod stages;
pub mod validate;
pub mod value;

pub use bytes::{Blob, Text};
pub use error::{AbiError, AbiResult, ErrorKind};
pub use info::{ABI_MAJOR, ABI_MINOR};
pub use record::{Data, Header, Record};
pub use schema::{Schema, SchemaType};
pub use shared::{MaybeShared, Shared};
pub use value::{Value, ValueRef};

/// Containers that may cross the border. Named here so that the crate behind them can be exchanged with an ABI
/// major; nobody outside this crate names that crate.
pub mod containers {
    use abi_stable::std_types as std;

    /// A growable array that either side may drop.
    pub type AbiVec<T> = std::RVec<T>;
    /// An owned UTF-8 string that either side may drop.
    pub type AbiString = std::RString;
    /// A borrowed UTF-8 string.
    pub type AbiStr<'a> = std::RStr<'a>;
    /// A borrowed slice.
    pub type AbiSlice<'a, T> = std::RSlice<'a, T>;
    /// A borrowed mutable slice.
    pub type AbiSliceMut<'a, T> = std::RSliceMut<'a, T>;
    /// A value or nothing.
    pub type AbiOption<T> = std::ROption<T>;
    /// An owned heap value that either side may drop.
    pub type AbiBox<T> = std::RBox<T>;

    pub use abi_stable::std_types::ROption::{RNone as Absent, RSome as Present};
    pub use abi_stable::std_types::RResult::{RErr as Failed, ROk as Done};
}

/// The container crate, for the export macro and the loader only.
#[doc(hidden)]
pub use abi_stable as __abi_stable;
