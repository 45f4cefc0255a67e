//! Errors that authors return. Their kind decides what the worker does next.

use ferroconnect_plugin_abi::containers::AbiString;
use ferroconnect_plugin_abi::error::{AbiError, Cause, ErrorKind};
use std::any::Any;
use std::fmt;

/// The result of every author method.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// An error with a kind, a message and a chain of causes.
///
/// Any standard error turns into a fatal one by `?`. Say otherwise with [`Error::retriable`], [`Error::data`] or
/// [`Error::config`].
#[derive(Clone)]
pub struct Error {
    abi: AbiError,
}

impl Error {
    /// An error of some kind.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Error {
        Error { abi: AbiError::new(kind, message) }
    }

    /// The task cannot go on.
    pub fn fatal(message: impl Into<String>) -> Error {
        Error::new(ErrorKind::FATAL, message)
    }

    /// The same call may work later: the worker tries again.
    pub fn retriable(message: impl Into<String>) -> Error {
        Error::new(ErrorKind::RETRIABLE, message)
    }

    /// The data is bad: subject to `errors.tolerance` in transforms and converters.
    pub fn data(message: impl Into<String>) -> Error {
        Error::new(ErrorKind::DATA, message)
    }

    /// The configuration is bad.
    pub fn config(message: impl Into<String>) -> Error {
        Error::new(ErrorKind::CONFIG, message)
    }

    /// Names the Java exception class that clients may match on.
    pub fn with_class(mut self, class: &str) -> Error {
        self.abi.data_mut().class = class.into();
        self
    }

    /// Adds what brought it about, and that error's own causes.
    pub fn caused_by(mut self, cause: impl std::error::Error) -> Error {
        push_causes(&mut self.abi, &cause);
        self
    }

    /// The same error under another message, which says what was being done; the old message becomes the first cause.
    pub fn context(mut self, message: impl Into<String>) -> Error {
        let data = self.abi.data_mut();
        let message = AbiString::from(message.into());
        let (class, message) = (std::mem::take(&mut data.class), std::mem::replace(&mut data.message, message));
        data.causes.insert(0, Cause { class, message });
        self
    }

    /// The kind.
    pub fn kind(&self) -> ErrorKind {
        self.abi.kind()
    }

    /// The message.
    pub fn message(&self) -> &str {
        self.abi.data().message.as_str()
    }

    /// The error as it crosses the border.
    pub fn into_abi(self) -> AbiError {
        self.abi
    }

    /// An error that came across the border.
    pub fn from_abi(abi: AbiError) -> Error {
        Error { abi }
    }
}

fn push_causes(abi: &mut AbiError, first: &dyn std::error::Error) {
    let mut next = Some(first);
    while let Some(cause) = next {
        let message = AbiString::from(cause.to_string());
        abi.data_mut().causes.push(Cause { class: AbiString::new(), message });
        next = cause.source();
    }
}

impl<E: std::error::Error + 'static> From<E> for Error {
    fn from(error: E) -> Error {
        if let Some(abi) = (&error as &dyn Any).downcast_ref::<AbiError>() {
            return Error { abi: abi.clone() };
        }
        #[cfg(feature = "json")]
        if let Some(json) = (&error as &dyn Any).downcast_ref::<ferroconnect_json::Error>() {
            return Error { abi: json.clone().into() };
        }
        let mut result = Error::fatal(error.to_string());
        if let Some(cause) = error.source() {
            push_causes(&mut result.abi, cause);
        }
        result
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.abi.fmt(f)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn context_keeps_kind_and_causes() {
        let io = std::io::Error::other("disk on fire");
        let error = Error::retriable("cannot write").caused_by(io).context("Storing batch 5");
        assert_eq!((error.kind(), error.message()), (ErrorKind::RETRIABLE, "Storing batch 5"));
        let causes: Vec<_> = error.abi.data().causes.iter().map(|cause| cause.message.as_str()).collect();
        assert_eq!(causes, ["cannot write", "disk on fire"]);
    }

    #[cfg(feature = "json")]
    #[test]
    fn what_is_no_json_is_bad_data_and_names_its_field() {
        use ferroconnect_plugin_abi::value::MapEntry;
        use ferroconnect_plugin_abi::{Data, Value};
        let map = Value::map(vec![MapEntry { key: Value::string("day"), value: Value::date(1) }]);
        let written = crate::json::Writer::new(Default::default()).text(&Data::schemaless(map));
        let error = Error::from(written.expect_err("a date needs a schema"));
        assert_eq!((error.kind(), error.abi.data().detail.as_str()), (ErrorKind::DATA, "field 'day'"));
    }

    #[test]
    fn standard_errors_are_fatal() {
        let failing = || -> Result<i32> { Ok("x".parse::<i32>()?) };
        assert_eq!(failing().unwrap_err().kind(), ErrorKind::FATAL);
    }
}
