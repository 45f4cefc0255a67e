//! One log line per request, in the extended NCSA form plus milliseconds, as Kafka Connect's REST server writes it. It
//! says who asked, where that is known: the user of basic auth, or the subject of the client's certificate.

use std::sync::Arc;
use std::time::Instant;

use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, header};
use axum::middleware::Next;
use axum::response::Response;
use hyper::body::Body as _;
use jiff::Timestamp;

use super::auth::Caller;
use super::resource::Origin;

/// Answers the request and logs it.
pub(super) async fn log(request: Request, next: Next) -> Response {
    let entry = tracing::enabled!(tracing::Level::INFO).then(|| Entry::of(&request));
    let begun = Instant::now();
    let response = next.run(request).await;
    if let Some(entry) = entry {
        let bytes = response.body().size_hint().exact().unwrap_or(0);
        let user = response.extensions().get::<Caller>().and_then(Caller::user).unwrap_or("-");
        tracing::info!("{}", entry.line(user, response.status().as_u16(), bytes, begun.elapsed().as_millis()));
    }
    response
}

/// What is known before the answer.
struct Entry {
    client: String,
    at: Timestamp,
    request: String,
    referrer: String,
    agent: String,
}

impl Entry {
    fn of(request: &Request) -> Self {
        let origin = request.extensions().get::<Arc<Origin>>();
        Self {
            client: origin.map_or_else(|| "-".to_owned(), |origin| origin.remote.ip().to_canonical().to_string()),
            at: Timestamp::now(),
            request: format!("{} {} {:?}", request.method(), request.uri(), request.version()),
            referrer: text(request.headers(), header::REFERER),
            agent: text(request.headers(), header::USER_AGENT),
        }
    }

    fn line(&self, user: &str, status: u16, bytes: u64, millis: u128) -> String {
        let at = self.at.strftime("%d/%b/%Y:%H:%M:%S +0000");
        let Self { client, request, referrer, agent, .. } = self;
        let user = user.replace(|c: char| c == '"' || c.is_whitespace() || c.is_control(), "_");
        format!("{client} - {user} [{at}] \"{request}\" {status} {bytes} \"{referrer}\" \"{agent}\" {millis}")
    }
}

/// A header as the client sent it, but unable to end the quotes it stands in.
fn text(headers: &HeaderMap, name: HeaderName) -> String {
    let value = headers.get(name).and_then(|value| value.to_str().ok());
    value.map_or_else(|| "-".to_owned(), |value| value.replace('"', "'"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::Body;

    #[test]
    fn lines_are_in_the_extended_ncsa_form() {
        let request = Request::get("/connectors?expand=info").header(header::USER_AGENT, "a\"b").body(Body::empty());
        let entry = Entry { at: Timestamp::UNIX_EPOCH, ..Entry::of(&request.unwrap()) };
        assert_eq!(
            entry.line("an n", 200, 2, 3),
            "- - an_n [01/Jan/1970:00:00:00 +0000] \"GET /connectors?expand=info HTTP/1.1\" 200 2 \"-\" \"a'b\" 3"
        );
    }
}
