//! Certificates as URLs name them: PEM files and PKCS#12 stores.

use super::{DbError, DbErrorKind, DbResult};
use openssl::pkcs12::Pkcs12;
use openssl::pkey::PKey;
use openssl::x509::X509;
use std::io::Write;
use std::path::Path;

/// Certificates of authorities.
pub(super) struct Trust(Vec<X509>);

impl Trust {
    /// Reads a PEM or DER file, or a PKCS#12 store.
    pub(super) fn load(path: &str, password: Option<&str>) -> DbResult<Trust> {
        let bytes = read(path)?;
        if bytes.starts_with(&[0xFE, 0xED, 0xFE, 0xED]) {
            let way = "keytool -importkeystore -srckeystore OLD -destkeystore NEW -deststoretype PKCS12";
            return Err(wrong(path, format_args!("it is a JKS store; make a PKCS#12 store of it: {way}")));
        }
        let pem = X509::stack_from_pem(&bytes).ok().filter(|found| !found.is_empty());
        let certificates = match pem {
            Some(found) => found,
            None => match X509::from_der(&bytes) {
                Ok(one) => vec![one],
                Err(_) => from_pkcs12(path, &bytes, password)?,
            },
        };
        Ok(Trust(certificates))
    }

    /// As native-tls takes them.
    pub(super) fn certificates(&self) -> DbResult<Vec<native_tls::Certificate>> {
        let one = |certificate: &X509| {
            let pem = certificate.to_pem().map_err(tls_error)?;
            native_tls::Certificate::from_pem(&pem).map_err(tls_error)
        };
        self.0.iter().map(one).collect()
    }

    /// As a PEM file for a driver that wants one. It is gone when the result is dropped.
    pub(super) fn into_file(self) -> DbResult<tempfile::NamedTempFile> {
        let failed = |error: std::io::Error| {
            DbError::new(DbErrorKind::Permanent, format!("Cannot write certificates to a temporary file: {error}"))
        };
        let mut file = tempfile::NamedTempFile::new().map_err(failed)?;
        for certificate in &self.0 {
            file.write_all(&certificate.to_pem().map_err(tls_error)?).map_err(failed)?;
        }
        file.flush().map_err(failed)?;
        Ok(file)
    }
}

fn from_pkcs12(path: &str, bytes: &[u8], password: Option<&str>) -> DbResult<Vec<X509>> {
    let store = Pkcs12::from_der(bytes)
        .map_err(|_| wrong(path, "it is neither PEM nor DER nor a PKCS#12 store"))?
        .parse2(password.unwrap_or_default())
        .map_err(|_| wrong(path, "the password of the store is wrong"))?;
    let authorities = store.ca.into_iter().flatten();
    let found: Vec<X509> = authorities.chain(store.cert).collect();
    if found.is_empty() { Err(wrong(path, "there is no certificate in it")) } else { Ok(found) }
}

/// What a client shows of itself: a PEM certificate, and its key in PEM or PKCS#8 DER, or one PKCS#12 store.
pub(super) fn identity(certificate: Option<&str>, key: &str, password: Option<&str>) -> DbResult<native_tls::Identity> {
    let Some(certificate) = certificate else {
        let bytes = read(key)?;
        let password = password.unwrap_or_default();
        return native_tls::Identity::from_pkcs12(&bytes, password).map_err(|error| wrong(key, error));
    };
    let bytes = read(key)?;
    let phrase = password.unwrap_or_default().as_bytes();
    let parsed = if bytes.starts_with(b"-----") {
        PKey::private_key_from_pem_passphrase(&bytes, phrase)
    } else {
        PKey::private_key_from_pkcs8_passphrase(&bytes, phrase).or_else(|_| PKey::private_key_from_der(&bytes))
    };
    let parsed = parsed.map_err(|_| wrong(key, "it is no private key, or its password is wrong"))?;
    let pem = parsed.private_key_to_pem_pkcs8().map_err(tls_error)?;
    native_tls::Identity::from_pkcs8(&read(certificate)?, &pem).map_err(|error| wrong(certificate, error))
}

/// The path of a `file:` URL, or the path itself.
pub(super) fn file_of_url(url: &str) -> &str {
    let path = url.strip_prefix("file:").unwrap_or(url);
    path.strip_prefix("//").unwrap_or(path)
}

fn read(path: &str) -> DbResult<Vec<u8>> {
    std::fs::read(Path::new(path)).map_err(|error| wrong(path, error))
}

fn wrong(path: &str, why: impl std::fmt::Display) -> DbError {
    DbError::new(DbErrorKind::Permanent, format!("Cannot use file {path} for TLS: {why}"))
}

/// An error of the TLS library itself.
pub(super) fn tls_error(error: impl std::fmt::Display) -> DbError {
    DbError::new(DbErrorKind::Permanent, format!("TLS: {error}"))
}
