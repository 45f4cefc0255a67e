//! Sends requests: several addresses, time-outs, and further attempts with growing pauses.

use std::time::Duration;

use ferroconnect_plugin_sdk::{Config, ConfigDef, Error, Key, Result};
use serde_json::Value as Json;
use ureq::http::{HeaderMap, HeaderName, HeaderValue, Request, header};
use ureq::{Agent, Proxy};

use super::auth::{self, Credentials};
use super::failure::Failure;
use super::oauth::OAuth;
use super::tls;

const URLS: &str = "schema.registry.url";
const HEADER: &str = "request.header.";
const CONTENT_TYPE: &str = "application/vnd.schemaregistry.v1+json";
/// No schema is as long; a server that sends more is none.
const LONGEST_ANSWER: u64 = 64 << 20;

/// Adds the keys of requests.
pub(super) fn keys(def: ConfigDef) -> ConfigDef {
    def.key(
        Key::list(URLS)
            .required()
            .high()
            .doc("Addresses of the schema registry. The next one is asked where one does not answer."),
    )
    .key(
        milliseconds("http.connect.timeout.ms", "60000")
            .doc("How long finding a host, and making a connection, may take. 0 = as long as it takes."),
    )
    .key(
        milliseconds("http.read.timeout.ms", "60000")
            .doc("How long sending a request, and its answer, may take. 0 = as long as it takes."),
    )
    .key(
        Key::int("max.retries")
            .default_value("3")
            .at_least(0)
            .low()
            .doc("How often a request is tried again where no address answers, or all have a passing problem."),
    )
    .key(milliseconds("retries.wait.ms", "1000").doc("The first pause between two attempts; each further one doubles."))
    .key(milliseconds("retries.max.wait.ms", "20000").doc("The longest pause between two attempts."))
    .key(Key::string("proxy.host").default_value("").low().doc("The host of an HTTP proxy to go through."))
    .key(Key::int("proxy.port").default_value("-1").low().doc("The port of that proxy."))
}

fn milliseconds(name: &str, default: &str) -> Key {
    Key::long(name).default_value(default).at_least(0).low()
}

/// Sends requests to one registry.
pub(super) struct Http {
    agent: Agent,
    addresses: Vec<Address>,
    /// The address that answered last.
    current: usize,
    headers: HeaderMap,
    /// Where the header `Authorization` comes from, unless it stands in `headers`.
    oauth: Option<OAuth>,
    attempts: u32,
    first_wait: Duration,
    longest_wait: Duration,
}

struct Address {
    url: String,
    /// The credentials in the URL as a header; a secret.
    authorization: Option<HeaderValue>,
}

impl Http {
    /// The connections of a configuration; none is made yet.
    ///
    /// # Errors
    /// A config error that names the key; it shows no password.
    pub(super) fn new(config: &Config) -> Result<Http> {
        let time = |key| config.parse(key).map(Duration::from_millis);
        // As in Java, zero is no limit. The client would take it for no time at all.
        let limit = |key| time(key).map(|limit| Some(limit).filter(|limit| !limit.is_zero()));
        let (connect, read) = (limit("http.connect.timeout.ms")?, limit("http.read.timeout.ms")?);
        let mut headers = headers(config)?;
        let mut oauth = None;
        match auth::credentials(config)? {
            Credentials::OfUrl => {}
            Credentials::OAuth(tokens) => oauth = Some(tokens),
            Credentials::Header(text) => {
                // A header that the user wrote outweighs.
                headers.entry(header::AUTHORIZATION).or_insert(secret(&text, "the credentials")?);
            }
        }
        let proxy = proxy(config)?;
        let agent = Agent::config_builder()
            .http_status_as_error(false)
            .timeout_resolve(connect)
            .timeout_connect(connect)
            .timeout_send_request(read)
            .timeout_send_body(read)
            .timeout_recv_response(read)
            .timeout_recv_body(read)
            .tls_config(tls::config(config)?)
            .proxy(proxy)
            .build()
            .new_agent();
        Ok(Http {
            agent,
            addresses: addresses(config)?,
            current: 0,
            headers,
            oauth,
            attempts: config.parse::<u32>("max.retries")?.saturating_add(1),
            first_wait: time("retries.wait.ms")?,
            longest_wait: time("retries.max.wait.ms")?,
        })
    }

    /// The answer to a question.
    pub(super) fn get(&mut self, path: &str) -> std::result::Result<Json, Failure> {
        self.send("GET", path, None)
    }

    /// The answer to a document.
    pub(super) fn post(&mut self, path: &str, body: &Json) -> std::result::Result<Json, Failure> {
        self.send("POST", path, Some(body.to_string()))
    }

    fn send(&mut self, method: &str, path: &str, body: Option<String>) -> std::result::Result<Json, Failure> {
        let mut wait = self.first_wait;
        let mut last = self.send_to_each(method, path, body.as_deref());
        for _ in 1..self.attempts {
            match &last {
                Err(failure) if failure.is_passing() => {
                    let asked = failure.retry_after().unwrap_or(Duration::ZERO);
                    std::thread::sleep(wait.max(asked).min(self.longest_wait));
                    wait = wait.saturating_mul(2);
                    last = self.send_to_each(method, path, body.as_deref());
                }
                _ => break,
            }
        }
        last
    }

    /// One attempt. A token that was good may have been withdrawn: the registry is asked once more with a new one.
    fn send_to_each(&mut self, method: &str, path: &str, body: Option<&str>) -> std::result::Result<Json, Failure> {
        let answer = self.ask_each(method, path, body);
        if let Err(Failure::Refused { status: 401, .. }) = &answer
            && let Some(oauth) = &mut self.oauth
            && oauth.forget()
        {
            return self.ask_each(method, path, body);
        }
        answer
    }

    /// Asks the address that answered last, and then the others in their order.
    fn ask_each(&mut self, method: &str, path: &str, body: Option<&str>) -> std::result::Result<Json, Failure> {
        if let Some(oauth) = &mut self.oauth {
            self.headers.insert(header::AUTHORIZATION, oauth.header(&self.agent)?);
        }
        let count = self.addresses.len();
        let mut last = Err(Failure::Unreachable("there is no address".to_owned()));
        for _ in 0..count {
            last = self.send_once(&self.addresses[self.current], method, path, body);
            match &last {
                Err(failure) if failure.is_passing() => self.current = (self.current + 1) % count,
                _ => break,
            }
        }
        last
    }

    fn send_once(
        &self,
        address: &Address,
        method: &str,
        path: &str,
        body: Option<&str>,
    ) -> std::result::Result<Json, Failure> {
        let unreachable = |error: &dyn std::fmt::Display| Failure::Unreachable(format!("{}: {error}", address.url));
        let mut request = Request::builder().method(method).uri(format!("{}{path}", address.url));
        if let Some(all) = request.headers_mut() {
            all.clone_from(&self.headers);
            if let Some(authorization) = &address.authorization {
                all.entry(header::AUTHORIZATION).or_insert_with(|| authorization.clone());
            }
        }
        let answer = match body {
            Some(body) => request.body(body.to_owned()).map(|request| self.agent.run(request)),
            None => request.body(()).map(|request| self.agent.run(request)),
        };
        let mut answer = answer.map_err(|error| unreachable(&error))?.map_err(|error| unreachable(&error))?;
        let status = answer.status().as_u16();
        let seconds = answer.headers().get(header::RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
        let body = answer.body_mut().with_config().limit(LONGEST_ANSWER).read_to_vec();
        let body = body.map_err(|error| unreachable(&error))?;
        if !(200..300).contains(&status) {
            return Err(Failure::answered(status, &body, seconds.map(Duration::from_secs)));
        }
        serde_json::from_slice(&body).map_err(|_| {
            // The page of a proxy, mostly: the registry behind it may answer later.
            Failure::Unreachable(format!(
                "{}: the answer is no JSON. Is the address that of a schema registry?",
                address.url
            ))
        })
    }
}

fn addresses(config: &Config) -> Result<Vec<Address>> {
    let addresses = config.list(URLS).into_iter().filter(|url| !url.is_empty()).map(|url| {
        let (plain, authorization) = auth::split(url);
        let plain = plain.trim_end_matches('/').to_owned();
        let shown = auth::shown(&plain);
        if !(plain.starts_with("http://") || plain.starts_with("https://")) {
            return Err(Error::config(format!(
                "Invalid value {shown} for configuration {URLS}: an address begins with http:// or https://"
            )));
        }
        // A password with a character that ends the host would be taken for a path, and shown in errors.
        if plain.contains('@') {
            return Err(Error::config(format!(
                "Invalid value …@{shown} for configuration {URLS}: /, ?, # and @ of a password and @ of a path have to be \
                 written as %2F, %3F, %23 and %40; basic.auth.user.info takes them as they are"
            )));
        }
        if plain.parse::<ureq::http::Uri>().is_err() {
            return Err(Error::config(format!("Invalid value {shown} for configuration {URLS}: this is no URL")));
        }
        Ok(Address { url: plain, authorization: authorization.map(|value| secret(&value, URLS)).transpose()? })
    });
    let addresses = addresses.collect::<Result<Vec<_>>>()?;
    if addresses.is_empty() {
        return Err(Error::config(format!("{URLS} names no address")));
    }
    Ok(addresses)
}

/// The headers of all requests.
fn headers(config: &Config) -> Result<HeaderMap> {
    let mut headers = HeaderMap::new();
    let own = HeaderValue::from_static(CONTENT_TYPE);
    headers.insert(header::CONTENT_TYPE, own);
    headers
        .insert(header::ACCEPT, HeaderValue::from_static("application/vnd.schemaregistry.v1+json, application/json"));
    for (name, value) in auth::token_headers(config) {
        headers.insert(name, secret(value, name)?);
    }
    for (key, value) in config.iter() {
        let Some(name) = key.strip_prefix(HEADER) else { continue };
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| {
            Error::config(format!("Invalid configuration {key}: '{name}' is no name of an HTTP header"))
        })?;
        headers.insert(name, secret(value.trim(), key)?);
    }
    Ok(headers)
}

/// A header's value that is never shown. `key` = what it came from.
///
/// # Errors
/// A config error where it has characters that no header may have.
pub(super) fn secret(text: &str, key: &str) -> Result<HeaderValue> {
    let value = HeaderValue::from_str(text);
    let mut value = value.map_err(|_| Error::config(format!("{key}: the value cannot stand in an HTTP header")))?;
    value.set_sensitive(true);
    Ok(value)
}

fn proxy(config: &Config) -> Result<Option<Proxy>> {
    let host = config.text("proxy.host")?;
    if host.is_empty() {
        return Ok(None);
    }
    let port: i32 = config.parse("proxy.port")?;
    let port = u16::try_from(port).ok().filter(|port| *port > 0);
    let port =
        port.ok_or_else(|| Error::config("proxy.host is set, so proxy.port has to be a port from 1 to 65535"))?;
    let proxy = Proxy::new(&format!("http://{host}:{port}"));
    Ok(Some(
        proxy.map_err(|error| Error::config(format!("Invalid value {host} for configuration proxy.host: {error}")))?,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{BufRead, BufReader, Write};
    use std::net::TcpListener;
    use std::sync::mpsc;
    use std::time::Instant;

    /// A server that answers one request with `[]` as soon as the sender is dropped.
    fn slow() -> (String, mpsc::Sender<()>, std::thread::JoinHandle<()>) {
        let (go, wait) = mpsc::channel();
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let thread = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().expect("a client");
            let mut lines = BufReader::new(&mut stream).lines();
            while lines.next().is_some_and(|line| line.is_ok_and(|line| !line.is_empty())) {}
            // A client that never gives up gets its answer in the end, so that the test fails and does not hang.
            _ = wait.recv_timeout(Duration::from_secs(30));
            // The client may be gone.
            _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n[]");
        });
        (url, go, thread)
    }

    fn http(url: &str, connect: &str, read: &str) -> Http {
        let mut config = Config::from([("max.retries", "0")]);
        config.set(URLS, url);
        config.set("http.connect.timeout.ms", connect);
        config.set("http.read.timeout.ms", read);
        let def = crate::client::Client::keys(ConfigDef::new());
        Http::new(&def.parse(&config.to_pairs()).expect("complete")).expect("right")
    }

    #[test]
    fn a_server_that_takes_too_long_is_given_up_and_zero_is_no_limit() {
        let (url, go, server) = slow();
        let failure = http(&url, "60000", "50").get("/subjects").expect_err("too slow");
        assert!(matches!(&failure, Failure::Unreachable(reason) if reason.contains("timeout")), "{failure:?}");
        drop(go);
        server.join().expect("no panic");
        let (url, go, server) = slow();
        drop(go);
        assert_eq!(http(&url, "0", "0").get("/subjects").expect("in time"), serde_json::json!([]));
        server.join().expect("no panic");
    }

    #[test]
    fn a_connection_that_is_not_made_is_given_up() {
        // Nobody accepts; when the queue is full, connections hang.
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let mut waiting = Vec::new();
        let hangs = (0..10_000).any(|_| {
            match std::net::TcpStream::connect_timeout(&address, Duration::from_millis(200)) {
                Ok(stream) => waiting.push(stream),
                Err(_) => return true,
            }
            false
        });
        assert!(hangs, "the queue has no end");
        let asked = Instant::now();
        let failure = http(&format!("http://{address}"), "50", "60000").get("/subjects").expect_err("nobody accepts");
        assert!(matches!(&failure, Failure::Unreachable(reason) if reason.contains("timeout")), "{failure:?}");
        assert!(asked.elapsed() < Duration::from_secs(5), "{:?}", asked.elapsed());
    }
}
