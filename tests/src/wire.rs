//! HTTP as bytes, for requests that no client library would send.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// What came back, taken apart as far as it can be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WireAnswer {
    /// HTTP status of the first answer; `None` if the server closed the connection without one.
    pub status: Option<u16>,
    /// The `Content-Type`.
    pub content_type: Option<String>,
    /// All bytes that came after a `100 Continue`, headers included; what is not UTF-8 replaced.
    pub text: String,
}

impl WireAnswer {
    /// What follows the headers.
    pub fn body(&self) -> &str {
        self.text.split_once("\r\n\r\n").map_or("", |(_, body)| body)
    }
}

/// What a client that asks first is told before its answer.
const CONTINUE: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";

/// A connection to a port of this machine that gives up reading after `patience`.
///
/// # Panics
/// When nothing listens there.
pub fn connect(port: u16, patience: Duration) -> TcpStream {
    let stream = TcpStream::connect(("127.0.0.1", port)).unwrap_or_else(|error| panic!("port {port}: {error}"));
    stream.set_read_timeout(Some(patience)).expect("a patience of more than nothing");
    stream
}

/// All that the server sends until it ends the connection, in whatever way. The error says that it does not end it within
/// the patience of the connection.
pub fn read_all(stream: &mut TcpStream) -> Result<WireAnswer, String> {
    let mut all = Vec::new();
    let mut buffer = [0; 16 * 1024];
    loop {
        match stream.read(&mut buffer) {
            Ok(0) => break,
            Ok(n) => all.extend_from_slice(&buffer[..n]),
            Err(error) if error.kind() == ErrorKind::ConnectionReset => break,
            Err(error) => return Err(format!("{error} after {:?}", String::from_utf8_lossy(&all))),
        }
    }
    let all = all.strip_prefix(CONTINUE).unwrap_or(&all);
    let text = String::from_utf8_lossy(all).into_owned();
    let head = text.split_once("\r\n\r\n").map_or("", |(head, _)| head);
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
    let header = |line: &str| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-type").then(|| value.trim().to_owned())
    };
    let content_type = head.lines().find_map(header);
    Ok(WireAnswer { status, content_type, text })
}

/// Sends a request and reads until the server ends the connection. A server may end it before it has read everything.
pub fn exchange(port: u16, request: &[u8], patience: Duration) -> Result<WireAnswer, String> {
    let mut stream = connect(port, patience);
    // The answer, or its absence, tells.
    let _ = stream.write_all(request);
    read_all(&mut stream)
}
