//! What went wrong with a request, and what that means for the record.

use std::time::Duration;

use ferroconnect_plugin_sdk::Error;
use serde_json::Value as Json;

/// Why there is no answer to work with.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Failure {
    /// No address answered as a registry does; the reason of the last one.
    Unreachable(String),
    /// There is no token to be let in with: the issuer's name and its reason.
    NoToken(String),
    /// The registry answered with an error.
    Refused {
        /// The HTTP status.
        status: u16,
        /// The registry's own number, such as 40401; the status where it gave none.
        code: i64,
        /// Its reason.
        reason: String,
        /// How long it asks to be left alone.
        retry_after: Option<Duration>,
    },
}

impl Failure {
    /// The failure that an answer tells of.
    pub(super) fn answered(status: u16, body: &[u8], retry_after: Option<Duration>) -> Failure {
        let body: Json = serde_json::from_slice(body).unwrap_or(Json::Null);
        let code = body.get("error_code").and_then(Json::as_i64).unwrap_or(status.into());
        let reason = body.get("message").and_then(Json::as_str).unwrap_or("it gave no reason").to_owned();
        Failure::Refused { status, code, reason, retry_after }
    }

    /// Whether the same request may work later, or at another address.
    pub(super) fn is_passing(&self) -> bool {
        match self {
            Failure::Unreachable(_) => true,
            Failure::NoToken(_) => false,
            Failure::Refused { status, .. } => is_passing(*status),
        }
    }

    /// How long the registry asks to be left alone.
    pub(super) fn retry_after(&self) -> Option<Duration> {
        match self {
            Failure::Refused { retry_after, .. } => *retry_after,
            Failure::Unreachable(_) | Failure::NoToken(_) => None,
        }
    }

    /// Whether the registry has not what was asked for.
    pub(crate) fn is_not_found(&self) -> bool {
        matches!(self, Failure::Refused { status: 404, .. })
    }

    /// Whether the registry knows who asks, and will not answer this however often it is asked.
    pub(crate) fn is_lasting_refusal(&self) -> bool {
        matches!(self, Failure::Refused { status, .. } if *status != 401 && !is_passing(*status))
    }

    /// The failure as an author's error. `what` = what was being done.
    pub(crate) fn into_error(self, what: &str) -> Error {
        let passing = self.is_passing();
        match self {
            Failure::Unreachable(reason) => {
                Error::retriable(format!("{what}: the schema registry cannot be reached: {reason}"))
            }
            Failure::NoToken(reason) => Error::config(format!(
                "{what}: {reason}. See bearer.auth.issuer.endpoint.url, bearer.auth.client.id, \
                 bearer.auth.client.secret and bearer.auth.scope"
            )),
            Failure::Refused { status: status @ (401 | 403), code, reason, .. } => {
                let missing = if status == 401 { "does not know these credentials" } else { "does not allow it" };
                Error::config(format!(
                    "{what}: the schema registry {missing}: {reason}; error code: {code}. See basic.auth.credentials.source, \
                     basic.auth.user.info and bearer.auth.token"
                ))
            }
            Failure::Refused { code, reason, .. } => {
                let text = format!("{what}: {reason}; error code: {code}");
                if passing { Error::retriable(text) } else { Error::data(text) }
            }
        }
    }
}

/// Whether a request may work later that was answered with this status.
pub(super) fn is_passing(status: u16) -> bool {
    matches!(status, 408 | 429 | 500..=599)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ferroconnect_plugin_sdk::ErrorKind;

    fn error(status: u16, body: &str) -> Error {
        Failure::answered(status, body.as_bytes(), None).into_error("Registering")
    }

    #[test]
    fn the_registrys_reason_is_told() {
        let refused = error(409, r#"{"error_code":409,"message":"Schema being registered is incompatible"}"#);
        assert_eq!(refused.kind(), ErrorKind::DATA);
        assert_eq!(refused.message(), "Registering: Schema being registered is incompatible; error code: 409");
        assert_eq!(error(422, "<html>").message(), "Registering: it gave no reason; error code: 422");
    }

    #[test]
    fn kinds_follow_the_status() {
        assert_eq!(error(503, "{}").kind(), ErrorKind::RETRIABLE);
        assert_eq!(error(429, "{}").kind(), ErrorKind::RETRIABLE);
        assert_eq!(error(401, "{}").kind(), ErrorKind::CONFIG);
        assert_eq!(error(404, r#"{"error_code":40403,"message":"Schema not found"}"#).kind(), ErrorKind::DATA);
        assert_eq!(Failure::Unreachable("x".into()).into_error("w").kind(), ErrorKind::RETRIABLE);
    }
}
