//! A small HTTP server for tests, which answers as it is told, badly too.
#![allow(dead_code, reason = "each test uses a part of it")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// A request that came in whole.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) method: String,
    pub(crate) path: String,
    /// Names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
    /// The number of its connection.
    pub(crate) connection: usize,
}

impl Seen {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
    }
}

/// What to do about a request.
pub(crate) enum Reply {
    /// Status, further headers, body.
    Answer(u16, Vec<(&'static str, String)>, String),
    /// Break the connection.
    Reset,
    /// Say nothing for as long as the client waits.
    Silence,
    /// Begin an answer, and break off.
    Half,
}

pub(crate) fn status(status: u16) -> Reply {
    Reply::Answer(status, Vec::new(), format!("this is {status}"))
}

/// What lies above a socket.
pub(crate) trait Stream: Read + Write {}

impl<S: Read + Write> Stream for S {}

/// A connection after its handshake.
pub(crate) type Tls = Box<dyn Stream>;
type ShakeHands = Arc<dyn Fn(TcpStream) -> Option<Tls> + Send + Sync>;
type Handler = Box<dyn FnMut(&Seen) -> Reply + Send>;

/// The running server. Its threads end with the test.
pub(crate) struct Server {
    address: SocketAddr,
    scheme: &'static str,
    seen: Arc<Mutex<Vec<Seen>>>,
    arrivals: Mutex<Receiver<()>>,
}

impl Server {
    /// Answers each request by a function.
    pub(crate) fn start(handler: impl FnMut(&Seen) -> Reply + Send + 'static) -> Server {
        Server::run(Box::new(handler), None)
    }

    /// Takes everything.
    pub(crate) fn accepting() -> Server {
        Server::start(|_| status(200))
    }

    /// Takes everything that comes through TLS. What cannot shake hands is let go.
    pub(crate) fn start_tls(shake_hands: impl Fn(TcpStream) -> Option<Tls> + Send + Sync + 'static) -> Server {
        Server::run(Box::new(|_| status(200)), Some(Arc::new(shake_hands)))
    }

    fn run(handler: Handler, shake_hands: Option<ShakeHands>) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let scheme = if shake_hands.is_some() { "https" } else { "http" };
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (arrived, arrivals) = channel();
        let shared = Arc::new(Shared { handler: Mutex::new(handler), seen: Arc::clone(&seen), arrived });
        thread::spawn(move || {
            for (connection, stream) in listener.incoming().enumerate() {
                let (stream, shake_hands, shared) = (stream.unwrap(), shake_hands.clone(), Arc::clone(&shared));
                thread::spawn(move || match shake_hands {
                    None => shared.serve(connection, stream.try_clone().unwrap(), &stream),
                    Some(shake_hands) => {
                        if let Some(tls) = shake_hands(stream.try_clone().unwrap()) {
                            shared.serve(connection, tls, &stream);
                        }
                    }
                });
            }
        });
        Server { address, scheme, seen, arrivals: Mutex::new(arrivals) }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}://localhost:{}{path}", self.scheme, self.address.port())
    }

    /// All requests so far.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    /// The bodies of all requests so far.
    pub(crate) fn bodies(&self) -> Vec<String> {
        self.seen().into_iter().map(|seen| seen.body).collect()
    }

    /// Waits for a request that was not waited for before.
    pub(crate) fn wait_for_request(&self) {
        self.arrivals.lock().unwrap().recv_timeout(Duration::from_secs(10)).expect("a request comes soon");
    }
}

/// What a proxy was asked with: the target and the login.
pub(crate) type Asked = Arc<Mutex<Vec<(String, Option<String>)>>>;

/// A proxy that lets every `CONNECT` through, by its port.
pub(crate) fn proxy() -> (u16, Asked) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let asked = Asked::default();
    let shared = Arc::clone(&asked);
    thread::spawn(move || {
        for client in listener.incoming() {
            let mut client = client.unwrap();
            let seen = read(0, &mut BufReader::new(client.try_clone().unwrap())).unwrap();
            assert_eq!(seen.method, "CONNECT");
            let login = seen.header("proxy-authorization").map(str::to_owned);
            let mut server = TcpStream::connect(&seen.path).unwrap();
            shared.lock().unwrap().push((seen.path, login));
            client.write_all(b"HTTP/1.1 200 Connected\r\n\r\n").unwrap();
            let (mut there, mut back) = (client.try_clone().unwrap(), server.try_clone().unwrap());
            thread::spawn(move || std::io::copy(&mut there, &mut server));
            thread::spawn(move || std::io::copy(&mut back, &mut client));
        }
    });
    (port, asked)
}

struct Shared {
    handler: Mutex<Handler>,
    seen: Arc<Mutex<Vec<Seen>>>,
    arrived: Sender<()>,
}

impl Shared {
    /// Serves a connection to its end. `socket` is what lies below `stream`.
    fn serve(&self, connection: usize, stream: impl Read + Write, socket: &TcpStream) {
        let mut stream = BufReader::new(stream);
        while let Some(seen) = read(connection, &mut stream) {
            let mut handler = self.handler.lock().unwrap();
            self.seen.lock().unwrap().push(seen.clone());
            let reply = handler(&seen);
            drop(handler);
            // A test that has ended waits no more.
            let _ = self.arrived.send(());
            match reply {
                Reply::Answer(status, headers, body) => answer(stream.get_mut(), status, &headers, &body, body.len()),
                Reply::Half => {
                    answer(stream.get_mut(), 200, &[], "half", 1_000);
                    return;
                }
                Reply::Reset => {
                    // Closing without lingering sends a reset.
                    rustix::net::sockopt::set_socket_linger(socket, Some(Duration::ZERO)).unwrap();
                    return;
                }
                Reply::Silence => {
                    let _ = stream.read(&mut [0]);
                    return;
                }
            }
        }
    }
}

fn answer(stream: &mut impl Write, status: u16, headers: &[(&str, String)], body: &str, length: usize) {
    let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let text = format!("HTTP/1.1 {status} Said\r\n{headers}Content-Length: {length}\r\n\r\n{body}");
    // A client that has gone away does not read it.
    let _ = stream.write_all(text.as_bytes()).and_then(|()| stream.flush());
}

fn read(connection: usize, stream: &mut impl BufRead) -> Option<Seen> {
    let mut line = || {
        let mut line = String::new();
        stream.read_line(&mut line).ok()?;
        Some(line.trim_end().to_owned())
    };
    let first = line()?;
    let (method, rest) = first.split_once(' ')?;
    let path = rest.split(' ').next()?.to_owned();
    let mut headers = Vec::new();
    loop {
        let line = line()?;
        let Some((name, value)) = line.split_once(':') else { break };
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let length = headers.iter().find(|(name, _)| name == "content-length").map_or(0, |(_, n)| n.parse().unwrap());
    let mut body = vec![0; length];
    stream.read_exact(&mut body).ok()?;
    let body = String::from_utf8(body).unwrap();
    Some(Seen { method: method.to_owned(), path, headers, body, connection })
}
