//! What both sets of keys come down to.

use crate::statuses::Statuses;
use crate::template::{self, Template};
use ferroconnect_plugin_sdk::{Config, ConfigValue, Error, json};
use std::borrow::Cow;
use std::time::Duration;
use ureq::http::{HeaderName, HeaderValue, Method};
use ureq::tls::TlsConfig;

/// Everything a task needs to know.
pub struct Options {
    /// Where to.
    pub(crate) url: Template,
    /// How.
    pub(crate) method: Method,
    /// What every request says of itself, `Authorization` apart.
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
    pub(crate) authorization: Authorization,
    pub(crate) body: Body,
    pub(crate) nulls: Nulls,
    pub(crate) refused: Refused,
    /// Whether the worker lets the task go on after a report. Otherwise each report fails it.
    pub(crate) tolerant: bool,
    pub(crate) retry: Retry,
    pub(crate) connection: Connection,
}

/// Who is asking.
pub(crate) enum Authorization {
    None,
    /// The value of the `Authorization` header.
    Static(HeaderValue),
    OAuth2(OAuth2),
}

/// Access tokens by client credentials.
pub(crate) struct OAuth2 {
    pub(crate) url: String,
    /// The form, except for the credentials.
    pub(crate) form: Vec<(String, String)>,
    /// Names and values of the credentials.
    pub(crate) id: (String, String),
    pub(crate) secret: (String, String),
    /// Whether the credentials go into the form; otherwise they are a `Basic` authorization.
    pub(crate) in_form: bool,
    /// The member of the answer with the token.
    pub(crate) token_property: String,
    /// Statuses that tell that a token has lapsed.
    pub(crate) renew_on: Vec<u16>,
}

/// What stands in a request.
pub(crate) struct Body {
    /// Whether text is quoted like any other JSON value; otherwise text and bytes stand there as they are.
    pub(crate) quoted: bool,
    pub(crate) format: json::Format,
    /// The most records of a request.
    pub(crate) most: usize,
    /// Around and between the records; empty for one record that stands alone.
    pub(crate) prefix: String,
    pub(crate) separator: String,
    pub(crate) suffix: String,
}

/// What becomes of records without a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Nulls {
    /// They are bad records.
    Fail,
    Ignore,
    /// They are left out with a line in the log.
    Log,
    /// They become `DELETE` requests.
    Delete,
}

/// What becomes of a record that is refused for good where no report lets the task go on without it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refused {
    /// It fails the task.
    Fail,
    Ignore,
    /// It is left out with a line in the log.
    Log,
}

/// How often and when a request is tried again.
pub(crate) struct Retry {
    /// After which answers.
    pub(crate) on: Statuses,
    /// Attempts after the first.
    pub(crate) most: u32,
    /// The pause before the first of them.
    pub(crate) pause: Duration,
    /// After the last attempt: begin anew after this pause, where there is one, instead of failing.
    pub(crate) anew: Option<Duration>,
}

/// How to connect.
pub(crate) struct Connection {
    /// For a request as a whole.
    pub(crate) timeout: Duration,
    pub(crate) connect_timeout: Option<Duration>,
    pub(crate) tls: TlsConfig,
    pub(crate) proxy: Option<ureq::Proxy>,
}

/// A key with a wrong value. The value is not part of it: it may be a secret.
#[derive(Debug)]
pub struct Wrong {
    pub(crate) key: Cow<'static, str>,
    /// None where a required key is missing, which the worker says itself.
    pub(crate) reason: Option<String>,
}

impl Wrong {
    pub(crate) fn new(key: impl Into<Cow<'static, str>>, reason: impl Into<String>) -> Wrong {
        Wrong { key: key.into(), reason: Some(reason.into()) }
    }

    /// The answer to a validation, where there is something to add to the worker's own. Secrets stay out of it.
    pub(crate) fn into_value(self, config: &Config) -> Option<ConfigValue> {
        let reason = self.reason.as_ref()?;
        let value = if self.is_secret() { None } else { config.get(&self.key) };
        Some(ConfigValue {
            name: (&*self.key).into(),
            value: value.map(Into::into).into(),
            recommended: Default::default(),
            errors: vec![self.message(reason, config).into()].into(),
            visible: true,
        })
    }

    /// The error for a start.
    pub(crate) fn into_error(self, config: &Config) -> Error {
        Error::config(match &self.reason {
            Some(reason) => self.message(reason, config),
            None => format!("Missing required configuration \"{}\" which has no default value.", self.key),
        })
    }

    fn is_secret(&self) -> bool {
        ["authorization", "secret", "password"].iter().any(|part| self.key.contains(part))
    }

    /// With the value, unless it may hold a secret: a message stands in the log. Of a URL that is the user and the query.
    fn message(&self, reason: &str, config: &Config) -> String {
        let key = &self.key;
        let value = config.get(key).filter(|value| !value.is_empty() && !self.is_secret() && !key.contains("headers"));
        match value {
            Some(value) if key.contains("url") => {
                format!("Invalid value {} for configuration {key}: {reason}", template::shown(value))
            }
            Some(value) => format!("Invalid value {value} for configuration {key}: {reason}"),
            None => format!("Invalid value for configuration {key}: {reason}"),
        }
    }
}
