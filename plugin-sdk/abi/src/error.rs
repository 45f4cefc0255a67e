//! Errors as values: a kind, a message, a chain of causes.

use crate::config::{Attribute, numbered};
use crate::containers::{AbiBox, AbiString, AbiVec};
use abi_stable::StableAbi;
use std::fmt;

numbered! {
    /// What kind of error it is; decides what the host does next. Unknown numbers are treated as [`ErrorKind::FATAL`].
    ErrorKind {
        /// The task cannot go on (Java: ConnectException).
        FATAL = 0,
        /// Try the same call again later (Java: RetriableException).
        RETRIABLE = 1,
        /// The data is bad; subject to `errors.tolerance` in transforms and converters (Java: DataException).
        DATA = 2,
        /// The configuration is bad (Java: ConfigException).
        CONFIG = 3,
        /// The plugin panicked. The object answers this to every later call.
        PANIC = 4,
        /// The plugin or this version of it does not offer the call.
        UNSUPPORTED = 5,
        /// Something asked for does not exist (Java: NotFoundException).
        NOT_FOUND = 6,
        /// The call was cut short because the task is stopping.
        STOPPING = 7,
    }
}

/// The class of errors of kind [`ErrorKind::DATA`] that name no other.
const DATA_CLASS: &str = "org.apache.kafka.connect.errors.DataException";

/// One cause below an error, from the outside in.
#[repr(C)]
#[derive(StableAbi, Clone, PartialEq, Eq, Debug)]
pub struct Cause {
    /// A class name that clients may match on; empty = none.
    pub class: AbiString,
    /// The message.
    pub message: AbiString,
}

/// The content of an [`AbiError`].
#[repr(C)]
#[derive(StableAbi, Clone, PartialEq, Debug)]
pub struct ErrorData {
    /// What kind it is.
    pub kind: ErrorKind,
    /// A Java exception class name that clients may match on; empty = that of the kind.
    pub class: AbiString,
    /// What happened, for people.
    pub message: AbiString,
    /// Why, from the outside in.
    pub causes: AbiVec<Cause>,
    /// A backtrace or other lines for the `trace` of the REST API; may be empty.
    pub detail: AbiString,
    /// Reserved; empty in 1.0.
    pub attributes: AbiVec<Attribute>,
}

/// An error that crosses the border. One pointer and a vtable wide; either side may drop it.
#[repr(transparent)]
#[derive(StableAbi, Clone, PartialEq)]
pub struct AbiError {
    data: AbiBox<ErrorData>,
}

/// The result of every call across the border.
pub type AbiResult<T> = abi_stable::std_types::RResult<T, AbiError>;

impl AbiError {
    /// An error without causes.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> AbiError {
        let message: String = message.into();
        AbiError::from(ErrorData {
            kind,
            class: AbiString::new(),
            message: message.into(),
            causes: AbiVec::new(),
            detail: AbiString::new(),
            attributes: AbiVec::new(),
        })
    }

    /// The error of a method that the other side does not have.
    pub fn unsupported(method: &str) -> AbiError {
        AbiError::new(ErrorKind::UNSUPPORTED, format!("{method} is not supported by this version of the other side"))
    }

    /// Makes the error wear this Java exception class.
    #[must_use]
    pub fn with_class(mut self, class: &str) -> AbiError {
        self.data.class = class.into();
        self
    }

    /// Adds an error as the cause, and that error's own causes.
    #[must_use]
    pub fn caused_by(mut self, cause: &AbiError) -> AbiError {
        let cause = cause.data();
        // A cause has no kind, so a class that follows from the kind has to be written out.
        let class = match cause.kind {
            ErrorKind::DATA if cause.class.is_empty() => AbiString::from(DATA_CLASS),
            _ => cause.class.clone(),
        };
        self.data.causes.push(Cause { class, message: cause.message.clone() });
        self.data.causes.extend(cause.causes.iter().cloned());
        self
    }

    /// What is inside.
    pub fn data(&self) -> &ErrorData {
        &self.data
    }

    /// What is inside, to be changed.
    pub fn data_mut(&mut self) -> &mut ErrorData {
        &mut self.data
    }

    /// What kind it is.
    pub fn kind(&self) -> ErrorKind {
        self.data.kind
    }
}

impl From<ErrorData> for AbiError {
    fn from(data: ErrorData) -> AbiError {
        AbiError { data: AbiBox::new(data) }
    }
}

impl fmt::Debug for AbiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.data, f)
    }
}

impl fmt::Display for AbiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.data.message)
    }
}

impl std::error::Error for AbiError {}
