//! Sending requests, and what the answers mean.

use crate::options::Connection;
use crate::statuses::Statuses;
use crate::template::shown;
use std::fmt::Write as _;
use std::io::Read as _;
use std::time::{Duration, SystemTime};
use ureq::http::header::{HeaderMap, LOCATION, RETRY_AFTER};
use ureq::http::{HeaderName, HeaderValue, Method, Request, StatusCode};
use ureq::{Agent, Body};

/// So much of an answer is read; a connection with more left in it is not used again.
const MOST_READ: u64 = 1024 * 1024;
/// So many characters of an answer stand in messages.
const MOST_SHOWN: usize = 400;
/// No server makes a task wait for longer than this.
const LONGEST_WAIT: Duration = Duration::from_secs(3600);

/// What came of a request.
pub(crate) struct Answer {
    pub(crate) outcome: Outcome,
    /// None where no answer came, or not all of it.
    pub(crate) status: Option<StatusCode>,
    /// What happened, for people; nothing secret is in it.
    pub(crate) message: String,
    /// What the server said.
    pub(crate) body: Vec<u8>,
}

/// What to make of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    Accepted,
    /// It may be accepted when it is sent again, not before the server's own wish.
    Later {
        after: Option<Duration>,
    },
    /// It will never be accepted as it is.
    Refused {
        status: StatusCode,
    },
}

/// Connections to servers, kept open from request to request.
pub(crate) struct Client {
    agent: Agent,
}

impl Client {
    pub(crate) fn new(connection: &Connection) -> Client {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .timeout_global(Some(connection.timeout))
            .timeout_connect(connection.connect_timeout)
            .tls_config(connection.tls.clone())
            .proxy(connection.proxy.clone())
            .user_agent(concat!("ferroconnect-http-sink/", env!("CARGO_PKG_VERSION")))
            .build();
        Client { agent: config.into() }
    }

    /// Breaks off the request under way, and refuses all further ones. To be called from another thread.
    pub(crate) fn breaker(&self) -> impl Fn() + Send + Sync + 'static {
        let agent = self.agent.clone();
        move || agent.clone().shutdown()
    }

    /// Sends a request and reads the answer to its end. `again` says which statuses are worth another attempt.
    pub(crate) fn send(
        &self,
        method: &Method,
        url: &str,
        headers: &[(HeaderName, HeaderValue)],
        body: &[u8],
        again: &Statuses,
    ) -> Answer {
        let mut request = Request::builder().method(method).uri(url);
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let what = format!("{method} {}", shown(url));
        let request = match request.body(body) {
            Ok(request) => request,
            Err(error) => return Answer::refused(StatusCode::BAD_REQUEST, format!("{what} cannot be sent: {error}")),
        };
        let mut response = match self.agent.run(request) {
            Ok(response) => response,
            Err(error) => return Answer::later(None, format!("{what} failed: {error}")),
        };
        let mut body = Vec::new();
        if let Err(error) = read(response.body_mut(), &mut body) {
            // Half an answer is none: whether the server went on to the end of its work is not known.
            return Answer::later(None, format!("{what} failed: the answer broke off: {error}"));
        }
        Answer::new(&what, response.status(), response.headers(), body, again)
    }
}

fn read(body: &mut Body, out: &mut Vec<u8>) -> std::io::Result<()> {
    body.as_reader().take(MOST_READ).read_to_end(out).map(drop)
}

impl Answer {
    fn new(what: &str, status: StatusCode, headers: &HeaderMap, body: Vec<u8>, again: &Statuses) -> Answer {
        let mut message = format!("{what}: the server replied with status code {}", status.as_u16());
        let location = headers.get(LOCATION).and_then(|location| location.to_str().ok());
        if let Some(location) = location.filter(|_| status.is_redirection()) {
            let _ = write!(message, ", a redirection to {}, which is not followed", shown(location));
        } else if !body.is_empty() {
            let _ = write!(message, " and body {}", excerpt(&body));
        }
        let outcome = if status.is_success() {
            Outcome::Accepted
        } else if again.contain(status) {
            Outcome::Later { after: headers.get(RETRY_AFTER).and_then(|value| wait(value, SystemTime::now())) }
        } else {
            Outcome::Refused { status }
        };
        Answer { outcome, status: Some(status), message, body }
    }

    fn later(after: Option<Duration>, message: String) -> Answer {
        Answer { outcome: Outcome::Later { after }, status: None, message, body: Vec::new() }
    }

    fn refused(status: StatusCode, message: String) -> Answer {
        Answer { outcome: Outcome::Refused { status }, status: None, message, body: Vec::new() }
    }
}

/// What `Retry-After` asks for: seconds, or a date.
fn wait(value: &HeaderValue, now: SystemTime) -> Option<Duration> {
    let text = value.to_str().ok()?.trim();
    let wait = match text.parse() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => httpdate::parse_http_date(text).ok()?.duration_since(now).unwrap_or_default(),
    };
    Some(wait.min(LONGEST_WAIT))
}

fn excerpt(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let mut shown: String = text.chars().take(MOST_SHOWN).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if text.chars().nth(MOST_SHOWN).is_some() {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(status: u16, headers: &[(HeaderName, &str)]) -> Answer {
        answer(status, headers, &Statuses::default())
    }

    fn answer(status: u16, headers: &[(HeaderName, &str)], again: &Statuses) -> Answer {
        let headers = headers.iter().map(|(name, value)| (name.clone(), value.parse().unwrap())).collect();
        Answer::new("POST http://h/", StatusCode::from_u16(status).unwrap(), &headers, b"so\nit is".to_vec(), again)
    }

    #[test]
    fn statuses_say_whether_to_try_again() {
        for status in [200, 201, 202, 204, 299] {
            assert_eq!(outcome(status, &[]).outcome, Outcome::Accepted);
        }
        for status in [408, 429, 500, 502, 503, 504, 599] {
            assert_eq!(outcome(status, &[]).outcome, Outcome::Later { after: None }, "{status}");
        }
        for status in [301, 304, 400, 401, 404, 409, 413, 422] {
            assert!(matches!(outcome(status, &[]).outcome, Outcome::Refused { .. }), "{status}");
        }
        let again = "200-404".parse().unwrap();
        let told = |status| answer(status, &[(RETRY_AFTER, "7")], &again).outcome;
        assert_eq!(told(200), Outcome::Accepted);
        assert_eq!(told(404), Outcome::Later { after: Some(Duration::from_secs(7)) });
        assert!(matches!(told(503), Outcome::Refused { .. }));
    }

    #[test]
    fn messages_say_what_the_server_said_but_no_secrets() {
        let text = "POST http://h/: the server replied with status code 400 and body so it is";
        assert_eq!(outcome(400, &[]).message, text);
        let redirected = outcome(307, &[(LOCATION, "https://h/?key=secret")]).message;
        assert!(redirected.ends_with("307, a redirection to https://h/, which is not followed"), "{redirected}");
        assert_eq!(excerpt("é".repeat(500).as_bytes()).chars().count(), MOST_SHOWN + 1);
    }

    #[test]
    fn a_wait_is_seconds_or_a_date() {
        let now = httpdate::parse_http_date("Wed, 21 Oct 2015 07:28:00 GMT").unwrap();
        let waited = |text: &'static str| wait(&HeaderValue::from_static(text), now);
        assert_eq!(waited("120"), Some(Duration::from_secs(120)));
        assert_eq!(waited("Wed, 21 Oct 2015 07:28:05 GMT"), Some(Duration::from_secs(5)));
        assert_eq!(waited("Wed, 21 Oct 2015 07:27:00 GMT"), Some(Duration::ZERO));
        assert_eq!(waited("99999999"), Some(LONGEST_WAIT));
        assert_eq!(waited("soon"), None);
    }
}
