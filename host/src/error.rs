//! The one error type of the host.
//!
//! A [`ConnectError`] has a kind (what the caller may do about it), a message, the stage it
//! happened in and a chain of causes. Outward it wears the Java exception class of its kind,
//! because REST clients and readers of dead-letter topics match on class names; [`ConnectError::trace`]
//! renders the text that REST shows as `trace`.
//!
//! What is not here: HTTP status codes (see `rest`) and how errors are handed to plugins (see `plugins`).

use std::borrow::Cow;
use std::error::Error;
use std::fmt;

use ferroconnect_plugin_abi::error::{AbiError, ErrorKind as AbiKind};

/// Result of everything in the host that can fail.
pub type Result<T, E = ConnectError> = std::result::Result<T, E>;

/// What kind of failure an error is; decides what the caller may do about it and which Java
/// exception class it wears outward.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A failure that ends the task or the call; the general `ConnectException`.
    Connect,
    /// A failure that may go away by itself; the same call may be made again.
    Retriable,
    /// Bad data: a record, schema or stored value that cannot be read or converted.
    Data,
    /// A missing or wrong configuration value.
    Config,
    /// Something named in a request does not exist.
    NotFound,
    /// Something that was to be created is there already.
    AlreadyExists,
    /// A request that cannot be served as it was made.
    BadRequest,
    /// A call made at a time when it is not allowed.
    IllegalState,
    /// A deadline passed.
    Timeout,
    /// An input or output failure of the operating system.
    Io,
    /// Kafka (or a policy) refused the operation for lack of rights.
    Authorization,
    /// The operation does not exist for this object.
    Unsupported,
    /// Code of a plugin panicked; the object that did so is not used any more.
    Panic,
    /// An answer to a REST client with this HTTP status.
    Rest(u16),
}

impl ErrorKind {
    /// The Java exception class an error of this kind wears unless it carries its own.
    pub fn class_name(self) -> &'static str {
        match self {
            Self::Connect | Self::Panic => "org.apache.kafka.connect.errors.ConnectException",
            Self::Retriable => "org.apache.kafka.connect.errors.RetriableException",
            Self::Data => "org.apache.kafka.connect.errors.DataException",
            Self::Config => "org.apache.kafka.common.config.ConfigException",
            Self::NotFound => "org.apache.kafka.connect.errors.NotFoundException",
            Self::AlreadyExists => "org.apache.kafka.connect.errors.AlreadyExistsException",
            Self::BadRequest => "org.apache.kafka.connect.runtime.rest.errors.BadRequestException",
            Self::IllegalState => "org.apache.kafka.connect.errors.IllegalWorkerStateException",
            Self::Timeout => "org.apache.kafka.common.errors.TimeoutException",
            Self::Io => "java.io.IOException",
            Self::Authorization => "org.apache.kafka.common.errors.AuthorizationException",
            Self::Unsupported => "java.lang.UnsupportedOperationException",
            Self::Rest(_) => "org.apache.kafka.connect.runtime.rest.errors.ConnectRestException",
        }
    }
}

/// The step of a record's way in which an error happened, as Kafka Connect names them in
/// dead-letter headers and log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Stage {
    /// `poll` of a source task.
    TaskPoll,
    /// `put` of a sink task.
    TaskPut,
    /// A transform or its predicate.
    Transformation,
    /// The key converter.
    KeyConverter,
    /// The value converter.
    ValueConverter,
    /// The header converter.
    HeaderConverter,
    /// Writing to Kafka.
    KafkaProduce,
    /// Reading from Kafka.
    KafkaConsume,
}

impl Stage {
    /// The name other programs read, for example `VALUE_CONVERTER`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::TaskPoll => "TASK_POLL",
            Self::TaskPut => "TASK_PUT",
            Self::Transformation => "TRANSFORMATION",
            Self::KeyConverter => "KEY_CONVERTER",
            Self::ValueConverter => "VALUE_CONVERTER",
            Self::HeaderConverter => "HEADER_CONVERTER",
            Self::KafkaProduce => "KAFKA_PRODUCE",
            Self::KafkaConsume => "KAFKA_CONSUME",
        }
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// An error with kind, message, stage and causes. `Display` gives the message alone,
/// [`trace`](Self::trace) everything.
#[derive(Clone)]
pub struct ConnectError(Box<Inner>);

#[derive(Debug, Clone)]
struct Inner {
    kind: ErrorKind,
    /// Set when the outward class is not the one of `kind`.
    class: Option<Cow<'static, str>>,
    message: Cow<'static, str>,
    stage: Option<Stage>,
    /// The path of the field it happened in, such as `order.lines[2].price`.
    field: Option<String>,
    /// Where it happened: record coordinates, a plugin's backtrace; one line each.
    details: Vec<String>,
    cause: Option<ConnectError>,
}

macro_rules! constructors {
    ($($(#[$doc:meta])* $name:ident => $kind:ident,)*) => {$(
        $(#[$doc])*
        pub fn $name(message: impl Into<Cow<'static, str>>) -> Self {
            Self::new(ErrorKind::$kind, message)
        }
    )*};
}

impl ConnectError {
    /// An error of the given kind, without stage and cause.
    pub fn new(kind: ErrorKind, message: impl Into<Cow<'static, str>>) -> Self {
        Self(Box::new(Inner {
            kind,
            class: None,
            message: message.into(),
            stage: None,
            field: None,
            details: Vec::new(),
            cause: None,
        }))
    }

    constructors! {
        /// A general failure ([`ErrorKind::Connect`]).
        connect => Connect,
        /// A failure that may go away by itself ([`ErrorKind::Retriable`]).
        retriable => Retriable,
        /// Data that cannot be read or converted ([`ErrorKind::Data`]).
        data => Data,
        /// A missing or wrong configuration value ([`ErrorKind::Config`]).
        config => Config,
        /// Something that does not exist ([`ErrorKind::NotFound`]).
        not_found => NotFound,
        /// Something that exists already ([`ErrorKind::AlreadyExists`]).
        already_exists => AlreadyExists,
        /// A request that cannot be served as made ([`ErrorKind::BadRequest`]).
        bad_request => BadRequest,
        /// A call at the wrong time ([`ErrorKind::IllegalState`]).
        illegal_state => IllegalState,
        /// A deadline that passed ([`ErrorKind::Timeout`]).
        timeout => Timeout,
        /// An input or output failure ([`ErrorKind::Io`]).
        io => Io,
        /// Missing rights ([`ErrorKind::Authorization`]).
        authorization => Authorization,
        /// An operation that does not exist ([`ErrorKind::Unsupported`]).
        unsupported => Unsupported,
        /// A panic in plugin code ([`ErrorKind::Panic`]).
        panic => Panic,
    }

    /// An answer to a REST client with this HTTP status.
    pub fn rest(status: u16, message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorKind::Rest(status), message)
    }

    /// `Invalid value V for configuration K: reason`, the text Kafka uses for a bad value.
    /// The caller passes `[hidden]` in place of a secret value.
    pub fn invalid_value(key: &str, value: impl fmt::Display, reason: impl fmt::Display) -> Self {
        Self::config(format!("Invalid value {value} for configuration {key}: {reason}"))
    }

    /// Takes any error, with its chain of sources, as it is. A `ConnectError` stays itself.
    pub fn wrap(error: &(dyn Error + 'static)) -> Self {
        if let Some(own) = error.downcast_ref::<Self>() {
            return own.clone();
        }
        let mut wrapped = match error.downcast_ref::<std::io::Error>() {
            Some(io) => return Self::from_io(io),
            None => Self::connect(error.to_string()),
        };
        wrapped.0.cause = error.source().map(Self::wrap);
        wrapped
    }

    fn from_io(error: &std::io::Error) -> Self {
        let mut wrapped = Self::io(error.to_string());
        // An io::Error shows its inner error's text as its own; only what lies below adds news.
        if let Some(inner) = error.get_ref() {
            if let Some(own) = inner.downcast_ref::<Self>() {
                return own.clone();
            }
            wrapped.0.cause = inner.source().map(Self::wrap);
        }
        wrapped
    }

    /// Adds the cause at the end of the chain.
    #[must_use]
    pub fn caused_by<E: Error + 'static>(mut self, cause: E) -> Self {
        let mut last = &mut self;
        while last.0.cause.is_some() {
            last = last.0.cause.as_mut().expect("checked in the loop head");
        }
        last.0.cause = Some(Self::wrap(&cause));
        self
    }

    /// Puts a message in front: the new error has this message and the same kind and stage, and
    /// `self` as its cause.
    #[must_use]
    pub fn context(self, message: impl Into<Cow<'static, str>>) -> Self {
        let mut outer = Self::new(self.kind(), message);
        outer.0.stage = self.stage();
        outer.0.cause = Some(self);
        outer
    }

    /// Makes the error wear another Java class than that of its kind.
    #[must_use]
    pub fn with_class(mut self, class: impl Into<Cow<'static, str>>) -> Self {
        self.0.class = Some(class.into());
        self
    }

    /// Notes the stage the error happened in.
    #[must_use]
    pub fn at_stage(mut self, stage: Stage) -> Self {
        self.0.stage = Some(stage);
        self
    }

    /// Notes the field the error happened in. Each struct around it notes its own, innermost first.
    #[must_use]
    #[cold]
    pub fn in_field(mut self, name: &str) -> Self {
        self.0.field = Some(match self.0.field.take() {
            Some(inner) if inner.starts_with('[') => format!("{name}{inner}"),
            Some(inner) => format!("{name}.{inner}"),
            None => name.to_owned(),
        });
        self
    }

    /// Adds lines that say where it happened (record coordinates, a plugin's backtrace). They
    /// appear in [`trace`](Self::trace), indented, below the message.
    #[must_use]
    pub fn detail(mut self, lines: impl AsRef<str>) -> Self {
        let lines = lines.as_ref().lines().filter(|line| !line.trim().is_empty());
        self.0.details.extend(lines.map(|line| line.trim_end().to_owned()));
        self
    }

    /// The same error with its texts changed, and those of its causes.
    #[must_use]
    pub fn map_texts(mut self, change: &dyn Fn(&str) -> Cow<'_, str>) -> Self {
        self.0.message = change(&self.0.message).into_owned().into();
        self.0.field = self.0.field.take().map(|field| change(&field).into_owned());
        for line in &mut self.0.details {
            *line = change(line).into_owned();
        }
        self.0.cause = self.0.cause.take().map(|cause| cause.map_texts(change));
        self
    }

    /// The kind of the error.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// True if the same call may be made again.
    pub fn is_retriable(&self) -> bool {
        self.0.kind == ErrorKind::Retriable
    }

    /// The message, without the causes.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The stage, if one was noted here or in a cause.
    pub fn stage(&self) -> Option<Stage> {
        self.chain().find_map(|error| error.0.stage)
    }

    /// The path of the field it happened in, if one was noted.
    pub fn field(&self) -> Option<&str> {
        self.0.field.as_deref()
    }

    /// The lines that say where it happened: the field, and what was added as details.
    pub fn details(&self) -> impl Iterator<Item = Cow<'_, str>> {
        let field = self.field().map(|field| format!("field '{field}'").into());
        field.into_iter().chain(self.0.details.iter().map(|line| line.as_str().into()))
    }

    /// The Java exception class this error wears.
    pub fn class_name(&self) -> &str {
        match &self.0.class {
            Some(class) => class,
            None => self.0.kind.class_name(),
        }
    }

    /// The direct cause.
    pub fn next_cause(&self) -> Option<&ConnectError> {
        self.0.cause.as_ref()
    }

    /// The last cause of the chain; the error itself if it has none.
    pub fn root_cause(&self) -> &ConnectError {
        self.chain().last().unwrap_or(self)
    }

    /// This error and its causes, outermost first.
    pub fn chain(&self) -> impl Iterator<Item = &ConnectError> {
        std::iter::successors(Some(self), |error| error.next_cause())
    }

    /// The REST `trace`: `class: message`, then `Caused by: class: message` for each cause, and
    /// indented `at` lines for details. Lines end with `\n`, the last one too, as in Java.
    pub fn trace(&self) -> String {
        use fmt::Write as _;
        let mut out = String::new();
        for (depth, error) in self.chain().enumerate() {
            let prefix = if depth == 0 { "" } else { "Caused by: " };
            let _ = write!(out, "{prefix}{}", error.class_name());
            if !error.message().is_empty() {
                let _ = write!(out, ": {}", error.message());
            }
            out.push('\n');
            for line in error.details() {
                let line = line.trim_start();
                let at = if line.starts_with("at ") { "" } else { "at " };
                let _ = writeln!(out, "\t{at}{line}");
            }
        }
        out
    }
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl fmt::Debug for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.trace().trim_end())
    }
}

impl Error for ConnectError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.cause.as_ref().map(|cause| cause as &(dyn Error + 'static))
    }
}

/// Notes fields in the errors of results; see [`ConnectError::in_field`].
pub trait InField<T> {
    /// The result with the field noted in its error.
    ///
    /// # Errors
    /// The one that was there.
    fn in_field(self, name: &str) -> Result<T>;

    /// The result with the place in a list noted in its error.
    ///
    /// # Errors
    /// The one that was there.
    fn in_element(self, index: usize) -> Result<T>;
}

impl<T, E: Into<ConnectError>> InField<T> for Result<T, E> {
    fn in_field(self, name: &str) -> Result<T> {
        self.map_err(|error| error.into().in_field(name))
    }

    fn in_element(self, index: usize) -> Result<T> {
        self.map_err(|error| error.into().in_field(&format!("[{index}]")))
    }
}

/// The class worn by an error whose call was cut short because its task is stopping, as in Java.
pub(crate) const STOPPING_CLASS: &str = "org.apache.kafka.common.errors.WakeupException";

impl From<&AbiError> for ConnectError {
    /// An error of a plugin or of the code shared with plugins as the host's own. Kinds that this host does not know
    /// are fatal.
    fn from(error: &AbiError) -> Self {
        let data = error.data();
        let kind = match data.kind {
            AbiKind::RETRIABLE => ErrorKind::Retriable,
            AbiKind::DATA => ErrorKind::Data,
            AbiKind::CONFIG => ErrorKind::Config,
            AbiKind::PANIC => ErrorKind::Panic,
            AbiKind::UNSUPPORTED => ErrorKind::Unsupported,
            AbiKind::NOT_FOUND => ErrorKind::NotFound,
            _ => ErrorKind::Connect,
        };
        let mut own = Self::new(kind, data.message.to_string()).detail(data.detail.as_str());
        if !data.class.is_empty() {
            own = own.with_class(data.class.to_string());
        } else if data.kind == AbiKind::STOPPING {
            own = own.with_class(STOPPING_CLASS);
        }
        for cause in &data.causes {
            let mut below = Self::connect(cause.message.to_string());
            if !cause.class.is_empty() {
                below = below.with_class(cause.class.to_string());
            }
            own = own.caused_by(below);
        }
        own
    }
}

impl From<AbiError> for ConnectError {
    fn from(error: AbiError) -> Self {
        Self::from(&error)
    }
}

impl From<ferroconnect_json::Error> for ConnectError {
    fn from(error: ferroconnect_json::Error) -> Self {
        let own = Self::from(error.reason());
        match error.field() {
            Some(field) => own.in_field(field),
            None => own,
        }
    }
}

impl From<std::io::Error> for ConnectError {
    fn from(error: std::io::Error) -> Self {
        Self::from_io(&error)
    }
}

impl From<serde_json::Error> for ConnectError {
    fn from(error: serde_json::Error) -> Self {
        Self::data(error.to_string())
    }
}

impl From<std::str::Utf8Error> for ConnectError {
    fn from(error: std::str::Utf8Error) -> Self {
        Self::data(format!("Not valid UTF-8: {error}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trace_names_classes_causes_and_places() {
        let root = ConnectError::data("Converting byte[] to Kafka Connect data failed")
            .at_stage(Stage::ValueConverter)
            .detail("topic=orders partition=3 offset=42\n\n    at frame");
        let error = ConnectError::connect("Tolerance exceeded in error handler").caused_by(root);
        assert_eq!(
            error.trace(),
            "org.apache.kafka.connect.errors.ConnectException: Tolerance exceeded in error handler\n\
             Caused by: org.apache.kafka.connect.errors.DataException: Converting byte[] to Kafka Connect data failed\n\
             \tat topic=orders partition=3 offset=42\n\
             \tat frame\n"
        );
        assert_eq!(error.to_string(), "Tolerance exceeded in error handler");
        assert_eq!(error.stage(), Some(Stage::ValueConverter));
        assert_eq!(error.root_cause().kind(), ErrorKind::Data);
    }

    #[test]
    fn fields_are_noted_from_the_inside_out() {
        let inner = Err::<(), _>(ConnectError::data("bad").detail("topic 't'"));
        let error = inner.in_field("price").in_element(2).in_field("lines").in_field("order").expect_err("is one");
        assert_eq!(error.field(), Some("order.lines[2].price"));
        assert!(error.trace().ends_with(": bad\n\tat field 'order.lines[2].price'\n\tat topic 't'\n"), "{error:?}");
        let hidden = error.map_texts(&|text| text.replace("price", "[hidden]").into());
        assert_eq!(hidden.field(), Some("order.lines[2].[hidden]"));
    }

    #[test]
    fn context_keeps_the_kind() {
        let error = ConnectError::retriable("broker gone").context("While writing offsets");
        assert!(error.is_retriable());
        assert_eq!(error.message(), "While writing offsets");
        assert_eq!(error.next_cause().map(ConnectError::message), Some("broker gone"));
    }

    #[test]
    fn causes_go_to_the_end_of_the_chain() {
        let error =
            ConnectError::connect("a").caused_by(ConnectError::connect("b")).caused_by(ConnectError::connect("c"));
        let messages: Vec<_> = error.chain().map(ConnectError::message).collect();
        assert_eq!(messages, ["a", "b", "c"]);
    }

    #[test]
    fn foreign_errors_keep_their_text_and_class() {
        let io = std::io::Error::new(std::io::ErrorKind::NotFound, "no such file");
        let error = ConnectError::connect("Could not read").caused_by(io);
        let cause = error.next_cause().expect("has a cause");
        assert_eq!(cause.class_name(), "java.io.IOException");
        assert_eq!(cause.message(), "no such file");
    }

    #[test]
    fn an_own_class_replaces_that_of_the_kind() {
        let error = ConnectError::data("x").with_class("org.apache.kafka.common.errors.SerializationException");
        assert!(error.trace().starts_with("org.apache.kafka.common.errors.SerializationException: x"));
    }

    #[test]
    fn errors_are_small_and_cross_threads() {
        fn check<T: Send + Sync + 'static>() {}
        check::<ConnectError>();
        assert_eq!(size_of::<ConnectError>(), size_of::<usize>());
    }
}
