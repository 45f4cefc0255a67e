//! How a command ends. Scripts go by the exit codes, so they are part of the interface (`docs/cli.md`).

use std::fmt;
use std::io;
use std::process::ExitCode;

use hyper::{Method, StatusCode};

use crate::error::ConnectError;

/// Why a command did not do what it was asked.
#[derive(Debug)]
pub(super) enum Failure {
    /// The command line asks for something that cannot be done this way.
    Usage(String),
    /// A file, a password or a connector's configuration is missing or wrong.
    Config(String),
    /// No worker answers there, or something that is no worker.
    Unreachable(String),
    /// The worker answered with an error.
    Refused(Refusal),
    /// All went well, but what was asked for is not so: a connector has failed, a time-out passed, the answer was no.
    NotSo(String),
    /// Nobody reads the output any more; no failure of the command.
    Unread,
}

/// An answer of the worker with an error status.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) status: StatusCode,
    /// The worker's own words, or those of the standard where it has none.
    pub(super) message: String,
    pub(super) method: Method,
    pub(super) url: String,
}

impl Refusal {
    /// Whether nothing has been done because the workers of a group are sharing out their work anew, so that the same
    /// request can be made again.
    pub(super) fn is_rebalance(&self) -> bool {
        self.status == StatusCode::CONFLICT && self.message.starts_with("Cannot complete request")
    }
}

impl Failure {
    fn code(&self) -> u8 {
        match self {
            Self::Unread => 0,
            Self::Usage(_) => 1,
            Self::Config(_) => 2,
            Self::Unreachable(_) => 3,
            Self::Refused(_) => 4,
            Self::NotSo(_) => 5,
        }
    }

    /// Tells the user, and gives the exit code.
    pub(super) fn report(&self) -> ExitCode {
        if !matches!(self, Self::Unread) {
            eprintln!("ferroconnect: {self}");
        }
        ExitCode::from(self.code())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usage(text) | Self::Config(text) | Self::Unreachable(text) | Self::NotSo(text) => f.write_str(text),
            Self::Refused(refusal) => refusal.fmt(f),
            Self::Unread => f.write_str("nobody reads the output"),
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({} for {} {})", self.message, self.status.as_u16(), self.method, self.url)?;
        if self.status == StatusCode::UNAUTHORIZED {
            f.write_str(
                "\nName the user with --user and give the password by FERROCONNECT_PASSWORD or --password-file.",
            )?;
        }
        Ok(())
    }
}

impl From<ConnectError> for Failure {
    fn from(error: ConnectError) -> Self {
        let causes: Vec<&str> = error.chain().map(ConnectError::message).collect();
        Self::Config(causes.join(": "))
    }
}

/// Of standard output.
impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::Unread,
            _ => Self::Config(format!("the output could not be written: {error}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(status: StatusCode) -> Failure {
        let (message, url) = ("Connector x not found".to_owned(), "http://w:8083/connectors/x".to_owned());
        Failure::Refused(Refusal { status, message, method: Method::GET, url })
    }

    #[test]
    fn every_kind_has_its_documented_code() {
        let text = String::new;
        let kinds = [
            Failure::Unread,
            Failure::Usage(text()),
            Failure::Config(text()),
            Failure::Unreachable(text()),
            refusal(StatusCode::NOT_FOUND),
            Failure::NotSo(text()),
        ];
        let codes: Vec<u8> = kinds.iter().map(Failure::code).collect();
        assert_eq!(codes, [0, 1, 2, 3, 4, 5]);
    }

    #[test]
    fn a_refusal_says_what_the_worker_said_and_what_was_asked() {
        let text = refusal(StatusCode::NOT_FOUND).to_string();
        assert_eq!(text, "Connector x not found (404 for GET http://w:8083/connectors/x)");
        assert!(refusal(StatusCode::UNAUTHORIZED).to_string().contains("--password-file"));
    }

    #[test]
    fn a_reader_that_has_gone_is_no_failure() {
        assert!(matches!(Failure::from(io::Error::from(io::ErrorKind::BrokenPipe)), Failure::Unread));
    }
}
