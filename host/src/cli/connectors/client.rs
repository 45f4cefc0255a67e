//! A client of a worker's REST API, Ferroconnect's or Kafka Connect's: one connection per request.

use std::pin::Pin;
use std::time::Duration;

use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::{Method, Request, StatusCode, header};
use hyper_util::rt::TokioIo;
use openssl::ssl::SslConnector;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};
use tokio_openssl::SslStream;

use super::failure::{Failure, Refusal};
use super::target::Target;
use crate::cli::output::printable;

/// How long a connection may take, the TLS handshake included.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// How long an answer may take: longer than the 90 s in which a worker gives up by itself.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(100);

/// How often, and after which pause, a request is made again that the workers had no time for.
const REBALANCE_RETRIES: u32 = 20;
const REBALANCE_PAUSE: Duration = Duration::from_millis(500);

/// What is encoded in a part of a path: all but the unreserved characters (RFC 3986).
const PART: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

/// Speaks to one worker.
pub(super) struct Client(Target);

/// A successful answer.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) body: String,
    url: String,
}

impl Answer {
    /// The body as what it should be.
    pub(super) fn json<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        serde_json::from_str(&self.body).map_err(|error| {
            Failure::Unreachable(format!("{} is not answered as by a Connect worker: {error}", self.url))
        })
    }
}

/// The body of an error.
#[derive(Deserialize)]
struct ErrorBody {
    message: String,
}

/// A text as part of a path; slashes of a name are encoded too.
pub(super) fn part(name: &str) -> String {
    utf8_percent_encode(name, PART).to_string()
}

/// The path of a connector, and what comes below it.
pub(super) fn connector(name: &str, below: &str) -> String {
    format!("/connectors/{}{below}", part(name))
}

impl Client {
    pub(super) fn new(target: Target) -> Self {
        Self(target)
    }

    /// The worker's address, for messages.
    pub(super) fn url(&self) -> String {
        self.0.address.url("")
    }

    pub(super) async fn get(&self, path: &str) -> Result<Answer, Failure> {
        self.call(Method::GET, path, None).await
    }

    /// As [`get`](Self::get), with none for what is not there.
    pub(super) async fn find(&self, path: &str) -> Result<Option<Answer>, Failure> {
        match self.get(path).await {
            Err(Failure::Refused(refusal)) if refusal.status == StatusCode::NOT_FOUND => Ok(None),
            answer => answer.map(Some),
        }
    }

    /// Makes a request, again and again for some time where the workers of a group are sharing out their work anew.
    /// `path` begins with a slash and is encoded.
    pub(super) async fn call(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Answer, Failure> {
        for _ in 0..REBALANCE_RETRIES {
            match self.once(method.clone(), path, body).await {
                Err(Failure::Refused(refusal)) if refusal.is_rebalance() => sleep(REBALANCE_PAUSE).await,
                done => return done,
            }
        }
        self.once(method, path, body).await
    }

    async fn once(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Answer, Failure> {
        let url = self.0.address.url(path);
        let exchange = self.exchange(method.clone(), path, body);
        let (status, body) = timeout(ANSWER_TIMEOUT, exchange).await.unwrap_or_else(|_| {
            Err(Failure::Unreachable(format!("{url} was not answered within {} s", ANSWER_TIMEOUT.as_secs())))
        })?;
        if status.is_success() {
            return Ok(Answer { status, body, url });
        }
        Err(Failure::Refused(Refusal { status, message: error_message(status, &body), method, url }))
    }

    async fn exchange(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<(StatusCode, String), Failure> {
        let address = &self.0.address;
        let lost =
            |error: hyper::Error| Failure::Unreachable(format!("{} gave no answer: {}", self.url(), innermost(&error)));
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", address.base))
            .header(header::HOST, &address.authority)
            .header(header::ACCEPT, "application/json")
            .header(header::USER_AGENT, concat!("ferroconnect/", env!("CARGO_PKG_VERSION")));
        if let Some(caller) = &self.0.authorization {
            request = request.header(header::AUTHORIZATION, caller);
        }
        if body.is_some() {
            request = request.header(header::CONTENT_TYPE, "application/json");
        }
        let bytes = body.map(|body| Bytes::from(body.to_string())).unwrap_or_default();
        let request = request
            .body(Full::new(bytes))
            .map_err(|error| Failure::Usage(format!("--url {}: cannot be used: {error}", self.url())))?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(self.connect().await?)).await.map_err(lost)?;
        // Ends with the answer, which says more about a failure than the connection does.
        tokio::spawn(async move { drop(connection.await) });
        let response = sender.send_request(request).await.map_err(lost)?;
        let status = response.status();
        let body = response.into_body().collect().await.map_err(lost)?.to_bytes();
        Ok((status, String::from_utf8_lossy(&body).into_owned()))
    }

    async fn connect(&self) -> Result<Box<dyn Stream>, Failure> {
        let connecting = TcpStream::connect((self.0.address.host.as_str(), self.0.address.port));
        let failed = |reason: String| Failure::Unreachable(format!("{} cannot be reached: {reason}", self.url()));
        let late = || failed(format!("no connection within {} s", CONNECT_TIMEOUT.as_secs()));
        let connecting = timeout(CONNECT_TIMEOUT, connecting).await.map_err(|_| late())?;
        let stream = connecting.map_err(|error| failed(error.to_string()))?;
        match &self.0.tls {
            None => Ok(Box::new(stream)),
            Some(tls) => {
                let secured = timeout(CONNECT_TIMEOUT, secure(tls, &self.0.address.host, stream)).await;
                Ok(Box::new(secured.map_err(|_| late())?.map_err(failed)?))
            }
        }
    }
}

async fn secure(tls: &SslConnector, host: &str, stream: TcpStream) -> Result<SslStream<TcpStream>, String> {
    let ssl = tls.configure().and_then(|tls| tls.into_ssl(host)).map_err(|error| error.to_string())?;
    let mut stream = SslStream::new(ssl, stream).map_err(|error| error.to_string())?;
    let done = Pin::new(&mut stream).connect().await;
    let verdict = stream.ssl().verify_result();
    match done {
        Ok(()) => Ok(stream),
        Err(_) if verdict != openssl::x509::X509VerifyResult::OK => {
            Err(format!("its certificate is not trusted ({verdict}); --cacert names the authorities to trust"))
        }
        Err(error) => Err(format!("no TLS connection: {error}")),
    }
}

/// What went wrong at the bottom of it.
fn innermost(error: &dyn std::error::Error) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}

/// The worker's words. Proxies and old workers answer with pages and bare texts.
fn error_message(status: StatusCode, body: &str) -> String {
    if let Ok(ErrorBody { message }) = serde_json::from_str(body) {
        return message.lines().map(printable).collect::<Vec<_>>().join("\n");
    }
    match body.trim().lines().next() {
        Some(line) if !line.starts_with(['<', '{', '[']) => printable(line),
        _ => status.canonical_reason().unwrap_or("refused without a reason").to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_encoded_as_a_whole() {
        assert_eq!(connector("a/b c?é%", "/status"), "/connectors/a%2Fb%20c%3F%C3%A9%25/status");
        assert_eq!(connector("plain-1.x_y~", ""), "/connectors/plain-1.x_y~");
    }

    #[test]
    fn errors_are_words_whatever_the_body_is() {
        let message = |body| error_message(StatusCode::BAD_GATEWAY, body);
        assert_eq!(message(r#"{"error_code":404,"message":"Connector x not found"}"#), "Connector x not found");
        assert_eq!(message("User cannot access the resource."), "User cannot access the resource.");
        assert_eq!(message("<html>\n<body>"), "Bad Gateway");
        assert_eq!(message(r#"{"other":1}"#), "Bad Gateway");
        assert_eq!(message(""), "Bad Gateway");
        assert_eq!(message("{\"message\":\"two\\nlines\\u001b\"}"), "two\nlines\\u{1b}");
    }
}
