//! The file or stream that the sink writes: whole lines, also where several tasks write to one file.

use crate::config::SinkOptions;
use ferroconnect_plugin_sdk::{Error, Result};
use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::PathBuf;

/// An open output.
#[derive(Debug)]
pub(crate) enum Output {
    /// Standard output, shared with everything else in this process that writes to it.
    Stdout,
    /// A file.
    File(AppendedFile),
}

/// A file that only grows.
#[derive(Debug)]
pub(crate) struct AppendedFile {
    file: File,
    path: PathBuf,
    // A pipe or device cannot be synced, and nothing of it can be taken back.
    regular: bool,
    fsync: bool,
    unsynced: bool,
}

impl Output {
    /// Opens the output, and makes the file if there is none.
    pub(crate) fn open(options: &SinkOptions) -> Result<Output> {
        let Some(path) = &options.file else { return Ok(Output::Stdout) };
        let opened = OpenOptions::new().create(true).append(true).open(path);
        let opened = opened.and_then(|file| file.metadata().map(|metadata| (file, metadata.is_file())));
        let (file, regular) = opened.map_err(|error| {
            let text = format!("Couldn't find or create file '{}' for FileStreamSinkTask", path.display());
            Error::fatal(text).caused_by(error)
        })?;
        Ok(Output::File(AppendedFile { file, path: path.clone(), regular, fsync: options.fsync, unsynced: false }))
    }

    /// Appends whole lines. After an error none of them are in the file, as far as that is possible.
    pub(crate) fn append(&mut self, lines: &[u8]) -> Result<()> {
        match self {
            Output::Stdout => {
                let mut stdout = io::stdout().lock();
                let written = stdout.write_all(lines).and_then(|()| stdout.flush());
                written.map_err(|error| failed("write to standard output", error))
            }
            Output::File(file) => {
                file.append(lines).map_err(|error| failed(&format!("write to file '{}'", file.path.display()), error))
            }
        }
    }

    /// Makes durable what was appended.
    pub(crate) fn sync(&mut self) -> Result<()> {
        let Output::File(file) = self else { return Ok(()) };
        if file.unsynced && file.fsync && file.regular {
            let synced = file.file.sync_data();
            synced.map_err(|error| failed(&format!("sync file '{}'", file.path.display()), error))?;
        }
        file.unsynced = false;
        Ok(())
    }
}

impl AppendedFile {
    fn append(&mut self, lines: &[u8]) -> io::Result<()> {
        if !self.regular {
            return self.file.write_all(lines);
        }
        self.unsynced = true;
        // One write is whole by itself, but a full disk can cut it short: then the lock keeps others from writing
        // behind the fragment until it is completed or taken back.
        let _lock = lock::Exclusive::take(&self.file);
        let before = self.file.metadata()?.len();
        let mut written = 0;
        while written < lines.len() {
            match (&self.file).write(&lines[written..]) {
                Ok(0) => return Err(self.take_back(before, written, ErrorKind::WriteZero.into())),
                Ok(bytes) => written += bytes,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(self.take_back(before, written, error)),
            }
        }
        Ok(())
    }

    /// Removes the beginning of lines that could not be written, unless somebody without the lock wrote behind it.
    fn take_back(&self, before: u64, written: usize, error: io::Error) -> io::Error {
        let length = self.file.metadata().map(|metadata| metadata.len());
        if written > 0 && length.is_ok_and(|length| length == before + written as u64) {
            // If this fails too, the first error is the one to tell.
            let _shortened = self.file.set_len(before);
        }
        error
    }
}

/// Whether the same call may work later.
fn may_pass(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::WouldBlock | ErrorKind::Interrupted)
}

fn failed(what: &str, error: io::Error) -> Error {
    let text = format!("Couldn't {what} for FileStreamSinkTask: {error}");
    let result = if may_pass(error.kind()) { Error::retriable(text) } else { Error::fatal(text) };
    result.caused_by(error)
}

#[cfg(unix)]
mod lock {
    use rustix::fs::{FlockOperation, flock};
    use std::fs::File;

    /// The advisory lock of a file, held until it is dropped.
    pub(super) struct Exclusive<'a>(&'a File);

    impl Exclusive<'_> {
        /// Waits for the lock. None where the file system has no locks.
        pub(super) fn take(file: &File) -> Option<Exclusive<'_>> {
            flock(file, FlockOperation::LockExclusive).ok().map(|()| Exclusive(file))
        }
    }

    impl Drop for Exclusive<'_> {
        fn drop(&mut self) {
            // A lock that cannot be given back ends with the file.
            let _unlocked = flock(self.0, FlockOperation::Unlock);
        }
    }
}

#[cfg(not(unix))]
mod lock {
    use std::fs::File;

    /// There is no lock here: single writes have to do.
    pub(super) struct Exclusive;

    impl Exclusive {
        pub(super) fn take(_: &File) -> Option<Exclusive> {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(file: &std::path::Path) -> SinkOptions {
        SinkOptions { file: Some(file.to_owned()), fsync: true }
    }

    #[test]
    fn a_file_that_cannot_be_made_is_named() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("missing/out.txt");
        let error = Output::open(&options(&path)).unwrap_err();
        let text = format!("Couldn't find or create file '{}' for FileStreamSinkTask", path.display());
        assert_eq!(error.message(), text);
    }

    #[test]
    fn tasks_that_share_a_file_do_not_cut_each_others_lines() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("out.txt");
        std::thread::scope(|scope| {
            for task in 0..4u8 {
                let mut output = Output::open(&options(&path)).unwrap();
                scope.spawn(move || {
                    let lines = [[b'a' + task; 999].as_slice(), b"\n"].concat().repeat(20);
                    for _ in 0..50 {
                        output.append(&lines).unwrap();
                    }
                    output.sync().unwrap();
                });
            }
        });
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(text.lines().count(), 4 * 20 * 50);
        assert!(text.lines().all(|line| line.len() == 999 && line.bytes().all(|byte| byte == line.as_bytes()[0])));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_full_disk_is_worth_a_second_try() {
        let mut output = Output::open(&options("/dev/full".as_ref())).unwrap();
        let error = output.append(b"line\n").unwrap_err();
        assert_eq!(error.kind(), ferroconnect_plugin_sdk::ErrorKind::RETRIABLE);
        assert!(error.message().starts_with("Couldn't write to file '/dev/full' for FileStreamSinkTask: "));
    }
}
