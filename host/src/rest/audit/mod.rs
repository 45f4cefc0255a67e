//! The audit log: who changed what over REST, and who was refused. One record for each request that changes something,
//! written when it is done and before its answer is sent, and for each that was refused for want of a password or a
//! right. It has the names of changed keys, never values.

mod note;
mod sink;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::rejection::RawPathParamsRejection;
use axum::extract::{MatchedPath, RawPathParams, Request, State};
use axum::http::{Method, StatusCode};
use axum::middleware::Next;
use axum::response::Response;
use jiff::Timestamp;
use serde::Serialize;

use crate::config::AuditLog;
use crate::error::Result;
use crate::telemetry::rate_limit::RateLimiter;

pub(super) use note::Note;
use note::Noted;
use sink::Sink;

use super::auth::VALIDATE;
use super::resource::Origin;

/// Of refusals of one kind from one place at most one in this time is written, so that nobody fills the disk by asking.
/// The next one counts those between.
const REFUSALS: Duration = Duration::from_secs(1);

/// How a caller may name its request, to find it again.
const REQUEST_ID: &str = "x-request-id";

/// The longest text of a client that is written, in bytes.
const MOST: usize = 1024;

/// Where records go.
pub(super) struct Audit {
    sink: Sink,
    refusals: RateLimiter,
}

impl Audit {
    /// Opens the log.
    ///
    /// # Errors
    /// The file cannot be written.
    pub(super) fn new(settings: &AuditLog) -> Result<Self> {
        Ok(Self { sink: Sink::new(settings)?, refusals: RateLimiter::new(REFUSALS) })
    }
}

/// What is written of a request.
#[derive(Debug, Serialize)]
struct Record<'a> {
    time: String,
    /// Null for who did not say, or not rightly.
    user: Option<&'a str>,
    remote: Option<IpAddr>,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<&'a str>,
    method: &'a str,
    /// As it was sent, without the query.
    path: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    connector: Option<&'a str>,
    /// Keys of the configuration that the request adds, changes or removes, in alphabetic order.
    #[serde(skip_serializing_if = "Option::is_none")]
    keys: Option<&'a [String]>,
    /// Null if the client went away before the answer; what it asked for may have been done.
    status: Option<u16>,
    millis: u64,
    /// How many refusals like this one were left out before it.
    #[serde(skip_serializing_if = "is_zero")]
    left_out: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// A request that is being answered. Its record is written when this is dropped, so that a client that goes away does
/// not take the record along.
struct Entry {
    audit: Arc<Audit>,
    note: Note,
    begun: Instant,
    remote: Option<IpAddr>,
    request_id: Option<String>,
    method: Method,
    path: String,
    connector: Option<String>,
    changes: bool,
    status: Option<StatusCode>,
}

/// Answers the request and writes its record.
pub(super) async fn record(
    State(audit): State<Arc<Audit>>,
    route: MatchedPath,
    names: Result<RawPathParams, RawPathParamsRejection>,
    mut request: Request,
    next: Next,
) -> Response {
    let note = Note::wanted();
    request.extensions_mut().insert(note.clone());
    let connector = names.ok().and_then(|names| {
        let found = names.iter().find(|(key, _)| *key == "connector");
        found.map(|(_, name)| name.to_owned())
    });
    let mut entry = Entry::of(&request, route.as_str(), connector, audit, note);
    let response = next.run(request).await;
    entry.status = Some(response.status());
    response
}

impl Entry {
    fn of(request: &Request, route: &str, connector: Option<String>, audit: Arc<Audit>, note: Note) -> Self {
        let looks = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
        let origin = request.extensions().get::<Arc<Origin>>();
        let id = request.headers().get(REQUEST_ID).and_then(|id| id.to_str().ok());
        Self {
            audit,
            note,
            begun: Instant::now(),
            remote: origin.map(|origin| origin.remote.ip().to_canonical()),
            request_id: id.map(|id| shortened(id).to_owned()),
            method: request.method().clone(),
            path: shortened(request.uri().path()).to_owned(),
            connector,
            changes: !looks && route != VALIDATE,
            status: None,
        }
    }

    /// How many records like this were left out before it; none if it is left out itself.
    fn left_out(&self, user: Option<&str>) -> Option<u64> {
        match self.status {
            Some(status @ (StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN)) => {
                let place = self.remote.map(network);
                let suppressed = self.audit.refusals.check(&format!("{place:?} {user:?} {}", status.as_u16()));
                suppressed.map(|suppressed| suppressed.0)
            }
            _ => self.changes.then_some(0),
        }
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        let Noted { user, connector, keys } = self.note.take();
        let Some(left_out) = self.left_out(user.as_deref()) else { return };
        self.audit.sink.write(&Record {
            time: format!("{:.3}", Timestamp::now()),
            user: user.as_deref(),
            remote: self.remote,
            request_id: self.request_id.as_deref(),
            method: self.method.as_str(),
            path: &self.path,
            connector: connector.as_deref().or(self.connector.as_deref()),
            keys: keys.as_deref(),
            status: self.status.map(|status| status.as_u16()),
            millis: self.begun.elapsed().as_millis().try_into().unwrap_or(u64::MAX),
            left_out,
        });
    }
}

/// Where somebody is who can have any address of a network: a host of IPv4, a network of IPv6.
fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(address) => {
            let bits = u128::from(address) >> 64 << 64;
            IpAddr::V6(bits.into())
        }
    }
}

/// The beginning of a text.
fn shortened(text: &str) -> &str {
    let end = (0..=MOST.min(text.len())).rev().find(|&end| text.is_char_boundary(end));
    &text[..end.expect("a text begins at a boundary")]
}

#[cfg(test)]
mod tests;
