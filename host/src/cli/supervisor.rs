//! What a service manager such as systemd is told: that the worker is ready, that it lives, that it stops. The protocol
//! is `sd_notify(3)`: short texts to the datagram socket that `NOTIFY_SOCKET` names.

use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::time::Duration;

use crate::error::Result;
use crate::herder::{Handle, Health};

const SOCKET: &str = "NOTIFY_SOCKET";
/// How long the service manager waits for a sign of life, in microseconds, and which process it waits for.
const WATCHDOG: &str = "WATCHDOG_USEC";
const WATCHDOG_PROCESS: &str = "WATCHDOG_PID";

/// The service manager that started this process.
#[derive(Debug)]
pub(super) struct Supervisor {
    socket: UnixDatagram,
    address: SocketAddr,
}

/// Gives signs of life until it is dropped.
#[derive(Debug)]
pub(super) struct Watchdog {
    _stop: Sender<()>,
}

impl Supervisor {
    /// That of the environment; none if there is none, or if its socket cannot be used, which is a warning.
    pub(super) fn from_env() -> Option<Arc<Self>> {
        let name = std::env::var_os(SOCKET).filter(|name| !name.is_empty())?;
        match Self::at(&name) {
            Ok(supervisor) => Some(Arc::new(supervisor)),
            Err(error) => {
                tracing::warn!("{SOCKET}={}: the service manager cannot be told anything: {error}", name.display());
                None
            }
        }
    }

    fn at(name: &OsStr) -> io::Result<Self> {
        Ok(Self { socket: UnixDatagram::unbound()?, address: address(name)? })
    }

    /// Says one or more `KEY=value` lines. That nobody listens any more does not keep a worker from its work.
    pub(super) fn tell(&self, state: &str) {
        if let Err(error) = self.socket.send_to_addr(state.as_bytes(), &self.address) {
            tracing::warn!("The service manager could not be told {state}: {error}");
        }
    }

    /// Says that the worker is ready, and from then on that it lives, as long as its herder answers.
    ///
    /// # Errors
    /// The system has no more resources.
    pub(super) fn ready(self: &Arc<Self>, url: &str, handle: &Handle) -> Result<Option<Watchdog>> {
        self.tell(&format!("READY=1\nSTATUS=REST at {url}"));
        let asked_for = std::env::var(WATCHDOG).ok().and_then(|text| text.parse().ok()).map(Duration::from_micros);
        let process = std::env::var(WATCHDOG_PROCESS).ok();
        let is_ours = process.is_none_or(|process| process == std::process::id().to_string());
        match asked_for.filter(|time| is_ours && !time.is_zero()) {
            Some(time) => Watchdog::start(Arc::clone(self), handle.clone(), time / 2).map(Some),
            None => Ok(None),
        }
    }
}

impl Watchdog {
    fn start(supervisor: Arc<Supervisor>, handle: Handle, interval: Duration) -> Result<Self> {
        let tokio = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
        let (stop, stopped) = channel();
        std::thread::Builder::new().name("watchdog".to_owned()).spawn(move || {
            loop {
                match tokio.block_on(handle.health()) {
                    Health::Healthy => supervisor.tell("WATCHDOG=1"),
                    _ => tracing::error!("The herder does not answer; the service manager gets no sign of life"),
                }
                if stopped.recv_timeout(interval) != Err(RecvTimeoutError::Timeout) {
                    return;
                }
            }
        })?;
        Ok(Self { _stop: stop })
    }
}

/// A path, or a name in the abstract namespace of Linux, which begins with `@` in place of a zero byte.
fn address(name: &OsStr) -> io::Result<SocketAddr> {
    #[cfg(target_os = "linux")]
    if let Some(name) = name.as_bytes().strip_prefix(b"@") {
        use std::os::linux::net::SocketAddrExt;
        return SocketAddr::from_abstract_name(name);
    }
    SocketAddr::from_pathname(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::herder::testing::standalone;

    fn next(socket: &UnixDatagram) -> String {
        socket.set_read_timeout(Some(Duration::from_secs(30))).expect("a socket has a time-out");
        let mut buffer = [0; 256];
        let length = socket.recv(&mut buffer).expect("something is told");
        String::from_utf8_lossy(&buffer[..length]).into_owned()
    }

    #[test]
    fn a_socket_by_path_or_abstract_name_is_told() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let path = dir.path().join("notify");
        let abstract_name = format!("@ferroconnect-test-{}", std::process::id());
        for name in [path.as_os_str(), OsStr::new(&abstract_name)] {
            let socket = UnixDatagram::bind_addr(&address(name).expect("a name")).expect("free");
            Supervisor::at(name).expect("a socket").tell("STOPPING=1");
            assert_eq!(next(&socket), "STOPPING=1");
        }
    }

    #[test]
    fn nobody_to_tell_is_no_trouble() {
        Supervisor::at(OsStr::new("/no/such/socket")).expect("a name").tell("READY=1");
        assert!(Supervisor::at(OsStr::new(&"x".repeat(200))).is_err(), "longer than a socket's name can be");
    }

    #[test]
    fn signs_of_life_end_with_the_herder() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let path = dir.path().join("notify");
        let socket = UnixDatagram::bind(&path).expect("free");
        let supervisor = Arc::new(Supervisor::at(path.as_os_str()).expect("a socket"));
        let (handle, _runtime) = standalone();
        handle.set_ready();
        let watchdog = Watchdog::start(supervisor, handle.clone(), Duration::from_millis(5)).expect("resources");
        assert_eq!((next(&socket), next(&socket)), ("WATCHDOG=1".to_owned(), "WATCHDOG=1".to_owned()));
        handle.shutdown();
        // What was told before the end is read first; then nothing comes.
        socket.set_read_timeout(Some(Duration::from_millis(300))).expect("a socket has a time-out");
        let mut buffer = [0; 256];
        let silent = (0..1000).any(|_| socket.recv(&mut buffer).is_err());
        assert!(silent, "signs of life go on without a herder");
        drop(watchdog);
    }
}
