//! SHA-256 digests of libraries: the optional list of those that may be loaded (`plugin.digests`).

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use sha2::{Digest as _, Sha256};

use super::quarantine::{Reason, Refusal};
use crate::error::{ConnectError, Result};

/// The digests of the libraries that may be loaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Digests(BTreeSet<String>);

impl Digests {
    /// Reads a list as `sha256sum` writes it: a digest, blanks, a name that is not looked at. Empty lines and those
    /// that begin with `#` are passed over.
    ///
    /// # Errors
    /// The file cannot be read, or a line does not begin with a digest.
    pub(super) fn read(path: &Path) -> Result<Digests> {
        let text = std::fs::read_to_string(path).map_err(|error| {
            ConnectError::config(format!("The digest list {} (key plugin.digests) cannot be read", path.display()))
                .caused_by(error)
        })?;
        let mut digests = BTreeSet::new();
        for (number, line) in (1..).zip(text.lines()) {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let word = line.split_whitespace().next().unwrap_or_default().trim_start_matches('\\');
            if word.len() != 64 || !word.bytes().all(|byte| byte.is_ascii_hexdigit()) {
                return Err(ConnectError::config(format!(
                    "{}:{number} (key plugin.digests): `{word}` is not a SHA-256 digest; write lines as sha256sum does",
                    path.display()
                )));
            }
            digests.insert(word.to_ascii_lowercase());
        }
        Ok(Digests(digests))
    }

    /// Refuses a file that is not on the list.
    pub(super) fn check(&self, path: &Path, real: &Path) -> Result<(), Refusal> {
        let digest = digest_of(real).map_err(|error| {
            let message = format!("it cannot be read: {error}");
            Refusal::new(path, Reason::Unreadable, message, "Let the user that runs the worker read it")
        })?;
        if self.0.contains(&digest) {
            return Ok(());
        }
        let message = format!("its digest {digest} is not on the list of plugin.digests");
        Err(Refusal::new(path, Reason::Digest, message, "Add the digest if you trust the file, or remove the file"))
    }
}

/// The SHA-256 digest of a file in lower-case hexadecimal.
pub(super) fn digest_of(path: &Path) -> io::Result<String> {
    let mut file = File::open(path)?;
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 1 << 16];
    loop {
        match file.read(&mut buffer)? {
            0 => break,
            count => hash.update(&buffer[..count]),
        }
    }
    Ok(hex(&hash.finalize()))
}

/// The SHA-256 digest of a text in lower-case hexadecimal.
pub(super) fn digest_of_text(text: &str) -> String {
    hex(&Sha256::digest(text.as_bytes()))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_read_as_sha256sum_writes_them() {
        let home = tempfile::tempdir().unwrap();
        let (file, list) = (home.path().join("a.so"), home.path().join("list"));
        std::fs::write(&file, "abc").unwrap();
        let digest = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        std::fs::write(&list, format!("# ours\n\n{}  a.so\n", digest.to_uppercase())).unwrap();
        let digests = Digests::read(&list).unwrap();
        assert_eq!(digests.check(&file, &file), Ok(()));
        std::fs::write(&file, "abd").unwrap();
        let refusal = digests.check(&file, &file).unwrap_err();
        assert!(refusal.reason == Reason::Digest && refusal.message.contains("is not on the list"), "{refusal}");
        std::fs::write(&list, "a.so\n").unwrap();
        let error = Digests::read(&list).unwrap_err();
        assert!(error.message().contains("list:1 (key plugin.digests): `a.so` is not"), "{error}");
    }
}
