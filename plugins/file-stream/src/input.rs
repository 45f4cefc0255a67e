//! The file or stream that the source reads.

use crate::lines::CHUNK;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom};

/// What can be read at this moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Available {
    /// Up to so many bytes, without waiting.
    Bytes(usize),
    /// Nothing now.
    Nothing,
    /// The file has only so many bytes, fewer than were read.
    Shorter(u64),
}

/// An open input.
#[derive(Debug)]
pub(crate) struct Input {
    file: File,
    // A pipe, terminal or other device has no length and no position.
    regular: bool,
}

impl Input {
    /// Standard input, shared with everything else in this process that reads it.
    pub(crate) fn stdin() -> io::Result<Input> {
        platform::stdin().map(|file| Input { file, regular: false })
    }

    /// Opens a file for reading. Does not wait for the other end of a pipe.
    pub(crate) fn open(path: &str) -> io::Result<Input> {
        let file = platform::open_options().read(true).open(path)?;
        let metadata = file.metadata()?;
        if metadata.is_dir() {
            return Err(io::Error::new(io::ErrorKind::IsADirectory, "it is a directory, and should be a file"));
        }
        Ok(Input { file, regular: metadata.is_file() })
    }

    /// Whether positions mean something.
    pub(crate) fn has_positions(&self) -> bool {
        self.regular
    }

    /// Reads on from this byte.
    pub(crate) fn seek(&mut self, position: u64) -> io::Result<()> {
        self.file.seek(SeekFrom::Start(position)).map(|_| ())
    }

    /// What can be read, given that everything before `position` was read already.
    pub(crate) fn available(&self, position: u64) -> io::Result<Available> {
        if !self.regular {
            let readable = platform::is_readable(&self.file)?;
            return Ok(if readable { Available::Bytes(CHUNK) } else { Available::Nothing });
        }
        let length = self.file.metadata()?.len();
        Ok(match length.checked_sub(position) {
            None => Available::Shorter(length),
            Some(0) => Available::Nothing,
            Some(bytes) => Available::Bytes(usize::try_from(bytes).unwrap_or(CHUNK).min(CHUNK)),
        })
    }

    /// Whether another file is now found under the name.
    pub(crate) fn was_replaced(&self, path: &str) -> io::Result<bool> {
        if !self.regular {
            return Ok(false);
        }
        match std::fs::metadata(path) {
            Ok(now) => Ok(now.is_file() && !platform::same_file(&now, &self.file.metadata()?)),
            // Renamed away: the new one is yet to come.
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }
}

impl Read for Input {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.file.read(buffer)
    }
}

#[cfg(unix)]
mod platform {
    use super::*;
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    use rustix::fs::OFlags;
    use std::fs::Metadata;
    use std::os::fd::AsFd;
    use std::os::unix::fs::{MetadataExt, OpenOptionsExt};

    pub(super) fn stdin() -> io::Result<File> {
        Ok(io::stdin().as_fd().try_clone_to_owned()?.into())
    }

    pub(super) fn open_options() -> OpenOptions {
        let mut options = OpenOptions::new();
        options.custom_flags(OFlags::NONBLOCK.bits().cast_signed());
        options
    }

    pub(super) fn is_readable(file: &File) -> io::Result<bool> {
        let mut fds = [PollFd::new(file, PollFlags::IN)];
        Ok(poll(&mut fds, Some(&Timespec { tv_sec: 0, tv_nsec: 0 }))? > 0)
    }

    pub(super) fn same_file(a: &Metadata, b: &Metadata) -> bool {
        (a.dev(), a.ino()) == (b.dev(), b.ino())
    }
}

#[cfg(not(unix))]
mod platform {
    use super::*;
    use std::fs::Metadata;

    pub(super) fn stdin() -> io::Result<File> {
        Err(io::Error::new(io::ErrorKind::Unsupported, "standard input can be read on Unix only; set 'file'"))
    }

    pub(super) fn open_options() -> OpenOptions {
        OpenOptions::new()
    }

    pub(super) fn is_readable(_: &File) -> io::Result<bool> {
        Ok(true)
    }

    pub(super) fn same_file(a: &Metadata, b: &Metadata) -> bool {
        a.created().ok() == b.created().ok()
    }
}
