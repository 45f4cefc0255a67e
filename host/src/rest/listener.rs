//! Addresses: binding the listeners, and the address other workers and clients are told.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, UdpSocket};

use crate::error::{ConnectError, Result};

/// An address to listen on, as in `listeners`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// `None` means all interfaces. A name, an IPv4 address, or an IPv6 address in brackets.
    pub host: Option<String>,
    /// 0 lets the system choose.
    pub port: u16,
}

impl std::fmt::Display for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "http://{}:{}", self.host.as_deref().unwrap_or_default(), self.port)
    }
}

/// What a worker tells others about how to reach it. What is `None` is worked out from the first listener.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Advertised {
    /// `rest.advertised.host.name`
    pub host: Option<String>,
    /// `rest.advertised.port`
    pub port: Option<u16>,
}

/// A bound port that nobody serves yet; clients that connect wait.
#[derive(Debug)]
pub(super) struct Bound {
    pub(super) address: Address,
    pub(super) local: SocketAddr,
    pub(super) socket: TcpListener,
}

/// Binds one address. `hint` is what else the user may have to change when the port is taken.
pub(super) fn bind(address: &Address, key: &str, hint: &str) -> Result<Bound> {
    let failed = |error: io::Error| {
        let advice = match error.kind() {
            io::ErrorKind::AddrInUse => format!(
                "Another program, perhaps another worker, uses this port. Set `{key}` to a free one, for example \
                 {key}=http://{}:{}{hint}",
                address.host.as_deref().unwrap_or_default(),
                address.port.checked_add(1).unwrap_or(8083)
            ),
            io::ErrorKind::PermissionDenied => {
                format!("Ports below 1024 need special rights. Set `{key}` to a higher port")
            }
            _ => format!("Set `{key}` to an address of this machine, or leave the host empty for all addresses"),
        };
        ConnectError::config(format!("Could not listen on {address} (key `{key}`): {error}. {advice}."))
    };
    let socket = bind_socket(address).map_err(failed)?;
    // The socket is polled by the server's async threads.
    socket.set_nonblocking(true).map_err(failed)?;
    let local = socket.local_addr().map_err(failed)?;
    Ok(Bound { address: address.clone(), local, socket })
}

fn bind_socket(address: &Address) -> io::Result<TcpListener> {
    match &address.host {
        Some(host) => TcpListener::bind((without_brackets(host), address.port)),
        // One IPv6 socket takes IPv4 connections too, where the machine has IPv6 at all.
        None => match TcpListener::bind((Ipv6Addr::UNSPECIFIED, address.port)) {
            Err(error) if !matches!(error.kind(), io::ErrorKind::AddrInUse | io::ErrorKind::PermissionDenied) => {
                TcpListener::bind((Ipv4Addr::UNSPECIFIED, address.port))
            }
            bound => bound,
        },
    }
}

fn without_brackets(host: &str) -> &str {
    host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host)
}

/// `host:port` under which other workers and clients reach the first listener.
pub(super) fn advertised(advertised: &Advertised, first: &Bound) -> String {
    let host = match (&advertised.host, &first.address.host) {
        (Some(host), _) | (None, Some(host)) => host.clone(),
        (None, None) => own_address(),
    };
    let port = advertised.port.unwrap_or(first.local.port());
    if host.contains(':') && !host.starts_with('[') {
        return format!("[{host}]:{port}");
    }
    format!("{host}:{port}")
}

/// The address of the interface that leads out of this machine. Connecting a datagram socket sends nothing.
fn own_address() -> String {
    let outward = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).and_then(|socket| {
        // TEST-NET-1 (RFC 5737), reachable nowhere but routed like any other address.
        socket.connect((Ipv4Addr::new(192, 0, 2, 1), 9))?;
        socket.local_addr()
    });
    outward.map_or_else(|_| Ipv4Addr::LOCALHOST.to_string(), |address| address.ip().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn loopback(port: u16) -> Address {
        Address { host: Some("127.0.0.1".into()), port }
    }

    #[test]
    fn a_taken_port_names_address_key_and_way_out() {
        let first = bind(&loopback(0), "listeners", "").unwrap();
        let port = first.local.port();
        let error =
            bind(&loopback(port), "listeners", " and `offset.storage.file.filename` to another file").unwrap_err();
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
    fn all_interfaces_include_ipv4() {
        let bound = bind(&Address { host: None, port: 0 }, "listeners", "").unwrap();
        std::net::TcpStream::connect((Ipv4Addr::LOCALHOST, bound.local.port())).unwrap();
    }

    #[test]
    fn the_advertised_address_prefers_what_the_user_says() {
        let bound = bind(&loopback(0), "listeners", "").unwrap();
        let port = bound.local.port();
        let say = |host: Option<&str>, port| Advertised { host: host.map(str::to_owned), port };
        assert_eq!(advertised(&say(None, None), &bound), format!("127.0.0.1:{port}"));
        assert_eq!(advertised(&say(Some("w1"), Some(80)), &bound), "w1:80");
        assert_eq!(advertised(&say(Some("::1"), Some(80)), &bound), "[::1]:80");
    }
}
