//! Binding the listeners, and the address others are told.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, UdpSocket};
use std::sync::Arc;

use crate::config::{Listener, Scheme};
use crate::error::{ConnectError, Result};

use super::https::Https;

/// Connections that may wait to be accepted. The standard library's 128 are few when hundreds of clients come at once; the
/// system has a limit of its own (on Linux `net.core.somaxconn`).
const BACKLOG: i32 = 1024;

/// A bound port that nobody serves yet; clients that connect wait.
pub(super) struct Bound {
    pub(super) listener: Listener,
    pub(super) local: SocketAddr,
    pub(super) socket: TcpListener,
    /// What ends TLS; none for http.
    pub(super) https: Option<Arc<Https>>,
}

/// Binds one address. `hint` is what else the user may have to change when the port is taken; `https` is for those
/// listeners that need it.
pub(super) fn bind(listener: &Listener, key: &str, hint: &str, https: Option<&Arc<Https>>) -> Result<Bound> {
    let failed = |error: io::Error| {
        ConnectError::config(format!(
            "Could not listen on {listener} (key `{key}`): {error}. {}.",
            advice(&error, listener, key, hint)
        ))
    };
    let socket = bind_socket(listener).map_err(failed)?;
    rustix::net::listen(&socket, BACKLOG).map_err(|error| failed(error.into()))?;
    // The socket is polled by the server's async threads.
    socket.set_nonblocking(true).map_err(failed)?;
    let local = socket.local_addr().map_err(failed)?;
    let https = https.filter(|_| listener.scheme == Scheme::Https).cloned();
    Ok(Bound { listener: listener.clone(), local, socket, https })
}

fn advice(error: &io::Error, listener: &Listener, key: &str, hint: &str) -> String {
    match error.kind() {
        io::ErrorKind::AddrInUse => {
            let other = Listener { port: listener.port.checked_add(1).unwrap_or(8083), ..listener.clone() };
            format!(
                "Another program, perhaps another worker, uses this port. Set `{key}` to a free one, for example \
                 {key}={other}{hint}"
            )
        }
        io::ErrorKind::PermissionDenied => {
            format!("Ports below 1024 need special rights. Set `{key}` to a higher port")
        }
        _ => format!("Set `{key}` to an address of this machine, or leave the host empty for all addresses"),
    }
}

fn bind_socket(listener: &Listener) -> io::Result<TcpListener> {
    let port = listener.port;
    match &listener.host {
        Some(host) => TcpListener::bind((host.as_str(), port)),
        // One IPv6 socket takes IPv4 connections too, where the machine has IPv6 at all.
        None => match TcpListener::bind((Ipv6Addr::UNSPECIFIED, port)) {
            Err(error) if !matches!(error.kind(), io::ErrorKind::AddrInUse | io::ErrorKind::PermissionDenied) => {
                TcpListener::bind((Ipv4Addr::UNSPECIFIED, port))
            }
            bound => bound,
        },
    }
}

/// Where others reach a bound listener: a listener on all interfaces goes by the address that leads out.
pub(super) fn reachable(bound: &Bound) -> SocketAddr {
    let mut address = bound.local;
    if address.ip().is_unspecified() {
        address.set_ip(own_address());
    }
    address
}

/// The address of the interface that leads out of this machine. Connecting a datagram socket sends nothing.
fn own_address() -> IpAddr {
    let outward = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).and_then(|socket| {
        // TEST-NET-1 (RFC 5737), reachable nowhere but routed like any other address.
        socket.connect((Ipv4Addr::new(192, 0, 2, 1), 9))?;
        socket.local_addr()
    });
    outward.map_or(Ipv4Addr::LOCALHOST.into(), |address| address.ip())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listener(text: &str) -> Listener {
        Listener::parse(text).unwrap()
    }

    #[test]
    fn a_taken_port_names_address_key_and_way_out() {
        let first = bind(&listener("http://127.0.0.1:0"), "listeners", "", None).unwrap();
        let port = first.local.port();
        let taken = listener(&format!("http://127.0.0.1:{port}"));
        let error = bind(&taken, "listeners", "; set `offset.storage.file.filename` too", None).err().unwrap();
        let text = error.to_string();
        for part in [
            format!("http://127.0.0.1:{port}"),
            "`listeners`".to_owned(),
            format!("listeners=http://127.0.0.1:{}", port.checked_add(1).unwrap_or(8083)),
            "offset.storage.file.filename".to_owned(),
        ] {
            assert!(text.contains(&part), "{text}");
        }
    }

    #[test]
    fn all_interfaces_include_ipv4_and_are_reached_by_a_real_address() {
        let bound = bind(&listener("http://:0"), "listeners", "", None).unwrap();
        std::net::TcpStream::connect((Ipv4Addr::LOCALHOST, bound.local.port())).unwrap();
        let address = reachable(&bound);
        assert!(!address.ip().is_unspecified());
        assert_eq!(address.port(), bound.local.port());
    }
}
