//! Where records of the audit log are written.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::fs::Access;

use crate::config::{AUDIT_LOG, AuditLog};
use crate::error::{ConnectError, Result};

use super::Record;

/// The logger of records that go to the worker's log.
const LOGGER: &str = "ferroconnect::rest::audit";

pub(super) enum Sink {
    /// The worker's own log.
    Log,
    File {
        path: PathBuf,
        /// The last record was written in part.
        torn: AtomicBool,
    },
}

impl Sink {
    pub(super) fn new(settings: &AuditLog) -> Result<Self> {
        let AuditLog::File(path) = settings else { return Ok(Self::Log) };
        // A worker that cannot keep its audit log at the start would not be the one that was asked for.
        match may_write(path) {
            Ok(()) => Ok(Self::File { path: path.clone(), torn: AtomicBool::new(false) }),
            Err(error) => {
                let reason =
                    format!("cannot be written: {error}; name a file in a folder that this worker may write to");
                Err(ConnectError::invalid_value(AUDIT_LOG, path.display().to_string(), reason))
            }
        }
    }

    /// Writes a record. If that fails later on, say because the disk is full, the worker goes on and its log has the
    /// record, with the reason.
    pub(super) fn write(&self, record: &Record<'_>) {
        let Self::File { path, torn } = self else { return log(record) };
        let mut line = serde_json::to_string(record).expect("texts, numbers and lists of texts are JSON");
        line.push('\n');
        if torn.load(Ordering::Relaxed) {
            line.insert(0, '\n');
        }
        // Opened each time: others move the file away when it is large, and changes are rare.
        match open(path).and_then(|mut file| file.write_all(line.as_bytes())) {
            Ok(()) => torn.store(false, Ordering::Relaxed),
            Err(error) => {
                torn.store(true, Ordering::Relaxed);
                tracing::error!(
                    "The audit log {} cannot be written: {error}. This record is missing there:",
                    path.display()
                );
                log(record);
            }
        }
    }
}

/// Makes nothing: settings are checked by others too, who must not leave a file behind that the worker cannot write.
fn may_write(path: &Path) -> io::Result<()> {
    let opened = OpenOptions::new().append(true).open(path);
    match opened {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
            Ok(rustix::fs::access(folder, Access::WRITE_OK | Access::EXEC_OK)?)
        }
        opened => opened.map(drop),
    }
}

/// Appends; a new file is for the worker's user alone.
fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().append(true).create(true).mode(0o600).open(path)
}

fn log(record: &Record<'_>) {
    let Record { user, request_id, method, path, connector, status, millis, left_out, .. } = *record;
    let remote = record.remote.map(tracing::field::display);
    let keys = record.keys.map(|keys| keys.join(","));
    tracing::info!(
        target: LOGGER, user, remote, request_id, connector, keys, status, millis, left_out, "{method} {path}"
    );
}
