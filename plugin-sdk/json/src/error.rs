//! Why a value cannot be written, and where in it.

use ferroconnect_plugin_abi::error::{AbiError, ErrorKind};
use std::fmt;

/// The result of writing.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A value that cannot be written: the reason in Kafka Connect's words, and the path of the field. One pointer wide:
/// results of it lie on the stack for each of up to a thousand levels.
#[derive(Clone, PartialEq)]
pub struct Error(Box<Inner>);

#[derive(Debug, Clone, PartialEq)]
struct Inner {
    reason: AbiError,
    field: Option<String>,
}

impl Error {
    /// A data error.
    #[cold]
    pub(crate) fn data(message: impl Into<String>) -> Error {
        AbiError::new(ErrorKind::DATA, message).into()
    }

    /// The path of the field, such as `order.lines[2].price`; none where it is the value itself.
    pub fn field(&self) -> Option<&str> {
        self.0.field.as_deref()
    }

    /// The reason alone.
    pub fn reason(&self) -> &AbiError {
        &self.0.reason
    }

    #[cold]
    fn within(mut self, outer: &str) -> Error {
        self.0.field = Some(match self.0.field.take() {
            Some(inner) if inner.starts_with('[') => format!("{outer}{inner}"),
            Some(inner) => format!("{outer}.{inner}"),
            None => outer.to_owned(),
        });
        self
    }
}

impl From<AbiError> for Error {
    #[cold]
    fn from(reason: AbiError) -> Error {
        Error(Box::new(Inner { reason, field: None }))
    }
}

impl From<Error> for AbiError {
    /// The reason, with the field as a line of its detail.
    fn from(error: Error) -> AbiError {
        let Inner { mut reason, field } = *error.0;
        if let Some(field) = field {
            let detail = format!("field '{field}'\n{}", reason.data().detail);
            reason.data_mut().detail = detail.trim_end().into();
        }
        reason
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.reason.fmt(f)?;
        match &self.0.field {
            Some(field) => write!(f, " (field '{field}')"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Error {}

/// Notes in the errors of results where they happened; each struct, map and array around a value adds its part, the
/// innermost first.
pub(crate) trait InField<T> {
    /// Within the field of this name.
    fn in_field(self, name: &str) -> Result<T>;

    /// Within the element of this number, from 0.
    fn in_element(self, index: usize) -> Result<T>;
}

impl<T> InField<T> for Result<T> {
    #[inline]
    fn in_field(self, name: &str) -> Result<T> {
        self.map_err(|error| error.within(name))
    }

    #[inline]
    fn in_element(self, index: usize) -> Result<T> {
        self.map_err(|error| error.within(&format!("[{index}]")))
    }
}
