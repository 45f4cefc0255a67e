//! Keys and certificates out of Java's stores, for Kafka clients, the REST server and plugins.
//!
//! [`own`] reads who we are (`ssl.keystore.*`), [`trusted`] whom we believe (`ssl.truststore.*`): PEM, PKCS#12 or JKS.
//! Errors name the key that is wrong and never show a password. Nothing is remembered: files are read at each call.

mod jks;
mod pem;
mod pkcs12;

use std::fs::File;
use std::io::Read;
use std::path::Path;

use openssl::pkey::{PKey, Private};
use openssl::x509::{X509, X509Ref};

pub use pem::lines as pem_lines;

const KEYSTORE: &str = "ssl.keystore.location";
const KEYSTORE_KEY: &str = "ssl.keystore.key";
const KEYSTORE_CHAIN: &str = "ssl.keystore.certificate.chain";
const KEYSTORE_PASSWORD: &str = "ssl.keystore.password";
const KEY_PASSWORD: &str = "ssl.key.password";
const TRUSTSTORE: &str = "ssl.truststore.location";
const TRUSTSTORE_CERTIFICATES: &str = "ssl.truststore.certificates";
const TRUSTSTORE_PASSWORD: &str = "ssl.truststore.password";

/// A key and its certificates, the own one first and then its issuers as far as the store has them.
#[derive(Clone)]
pub struct Identity {
    /// The private key.
    pub key: PKey<Private>,
    /// At least one certificate.
    pub chain: Vec<X509>,
}

/// A setting that cannot be used. `reason` completes the sentence "the value of this key …".
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The key, without any prefix.
    pub key: &'static str,
    /// What is wrong and what would be right; shows no password.
    pub reason: String,
}

impl Problem {
    fn new(key: &'static str, reason: impl Into<String>) -> Self {
        Self { key, reason: reason.into() }
    }
}

/// What a store's first bytes say it is. Java's own readers look at the content too, because `keytool` writes PKCS#12
/// under every name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoreFormat {
    /// Text with `-----BEGIN …-----` lines.
    Pem,
    /// The standard form (RFC 7292).
    Pkcs12,
    /// Java's old form, or its variant JCEKS.
    Jks,
    /// None of these.
    Unknown,
}

impl StoreFormat {
    /// The format of a file.
    ///
    /// # Errors
    /// The file cannot be opened or read; the text completes "the file …".
    pub fn of_file(path: impl AsRef<Path>) -> Result<Self, String> {
        let mut start = [0; 4];
        let mut file = File::open(path).map_err(|error| format!("cannot be opened: {error}"))?;
        let read = file.read(&mut start).map_err(|error| format!("cannot be read: {error}"))?;
        Ok(Self::of(&start[..read]))
    }

    fn of(start: &[u8]) -> Self {
        match start {
            [0xFE, 0xED, 0xFE, 0xED, ..] | [0xCE, 0xCE, 0xCE, 0xCE, ..] => Self::Jks,
            [0x30, ..] => Self::Pkcs12,
            // "----" of a PEM header, or text before it.
            [first, ..] if first.is_ascii_graphic() || first.is_ascii_whitespace() => Self::Pem,
            _ => Self::Unknown,
        }
    }
}

/// Looks values up as `get` does, and takes each store for what its content says, whatever `ssl.*.type` says of it.
pub fn by_content<'a>(get: impl Fn(&str) -> Option<&'a str>) -> impl Fn(&str) -> Option<&'a str> {
    move |key| match key.strip_suffix(".type") {
        None => get(key),
        Some(store) => {
            let file = get(&format!("{store}.location"))?;
            StoreFormat::of_file(file).is_ok_and(|format| format == StoreFormat::Pem).then_some("PEM")
        }
    }
}

/// The own key and certificates that `ssl.keystore.*` and `ssl.key.password` name; none without a key store. `get`
/// gives the values of these keys.
///
/// # Errors
/// The store cannot be read, its password is wrong, or it lacks a key or a certificate.
pub fn own<'a>(get: impl Fn(&str) -> Option<&'a str>) -> Result<Option<Identity>, Problem> {
    let key_password = get(KEY_PASSWORD);
    if let Some(key) = get(KEYSTORE_KEY) {
        let chain = get(KEYSTORE_CHAIN)
            .ok_or_else(|| Problem::new(KEYSTORE_CHAIN, format!("is needed together with {KEYSTORE_KEY}")))?;
        let key =
            pem::private_key(&pem_lines(key), key_password).map_err(|reason| Problem::new(KEYSTORE_KEY, reason))?;
        let chain = pem::certificates(&pem_lines(chain)).map_err(|reason| Problem::new(KEYSTORE_CHAIN, reason))?;
        return identity(key, chain, KEYSTORE_CHAIN).map(Some);
    }
    let Some(path) = get(KEYSTORE) else { return Ok(None) };
    let failed = |reason| Problem::new(KEYSTORE, reason);
    let wants_pem = is_pem(get("ssl.keystore.type"));
    let bytes = read(path).map_err(failed)?;
    let password = get(KEYSTORE_PASSWORD);
    let (key, chain) = match StoreFormat::of(&bytes) {
        StoreFormat::Pem if wants_pem => {
            let text = String::from_utf8_lossy(&bytes);
            let key = pem::private_key(&text, key_password).map_err(failed)?;
            (key, pem::certificates(&text).map_err(failed)?)
        }
        StoreFormat::Pem => return Err(failed("is a PEM file; set ssl.keystore.type=PEM".to_owned())),
        _ if wants_pem => return Err(failed("is not a PEM file".to_owned())),
        StoreFormat::Pkcs12 => pkcs12::identity(&bytes, password, KEYSTORE_PASSWORD).map_err(failed)?,
        StoreFormat::Jks => jks::identity(&bytes, password, key_password.or(password)).map_err(failed)?,
        StoreFormat::Unknown => return Err(failed("is neither PEM, PKCS#12 nor JKS".to_owned())),
    };
    identity(key, chain, KEYSTORE).map(Some)
}

/// The certificates that `ssl.truststore.*` names; none without a trust store. `get` gives the values of these keys.
///
/// # Errors
/// The store cannot be read, its password is wrong, or it holds no certificate.
pub fn trusted<'a>(get: impl Fn(&str) -> Option<&'a str>) -> Result<Option<Vec<X509>>, Problem> {
    if let Some(text) = get(TRUSTSTORE_CERTIFICATES) {
        let found = pem::certificates(&pem_lines(text));
        return found.map(Some).map_err(|reason| Problem::new(TRUSTSTORE_CERTIFICATES, reason));
    }
    let Some(path) = get(TRUSTSTORE) else { return Ok(None) };
    let failed = |reason| Problem::new(TRUSTSTORE, reason);
    let wants_pem = is_pem(get("ssl.truststore.type"));
    let bytes = read(path).map_err(failed)?;
    let password = get(TRUSTSTORE_PASSWORD);
    let certificates = match StoreFormat::of(&bytes) {
        StoreFormat::Pem if wants_pem => pem::certificates(&String::from_utf8_lossy(&bytes)),
        StoreFormat::Pem => Err("is a PEM file; set ssl.truststore.type=PEM".to_owned()),
        _ if wants_pem => Err("is not a PEM file".to_owned()),
        StoreFormat::Pkcs12 => pkcs12::certificates(&bytes, password, TRUSTSTORE_PASSWORD),
        StoreFormat::Jks => jks::certificates(&bytes, password),
        StoreFormat::Unknown => Err("is neither PEM, PKCS#12 nor JKS".to_owned()),
    };
    let certificates = certificates.map_err(failed)?;
    if certificates.is_empty() {
        return Err(failed("holds no certificate".to_owned()));
    }
    Ok(Some(certificates))
}

/// Certificates as PEM, one after the other.
///
/// # Errors
/// A certificate cannot be written, which is a fault of the certificate.
pub fn to_pem(certificates: &[X509]) -> Result<String, String> {
    let mut text = String::new();
    for certificate in certificates {
        let pem = certificate.to_pem().map_err(|_| "holds a certificate that cannot be written as PEM".to_owned())?;
        text.push_str(&String::from_utf8_lossy(&pem));
    }
    Ok(text)
}

/// Whether a cipher suite is one of TLS 1.3. OpenSSL keeps those apart from the older ones.
pub fn is_suite_of_1_3(suite: &str) -> bool {
    suite.starts_with("TLS_AES_") || suite.starts_with("TLS_CHACHA20_P")
}

fn is_pem(kind: Option<&str>) -> bool {
    kind.is_some_and(|kind| kind.eq_ignore_ascii_case("PEM"))
}

fn read(path: &str) -> Result<Vec<u8>, String> {
    std::fs::read(path).map_err(|error| format!("cannot be read: {error}"))
}

/// Puts the own certificate first and its issuers behind it, whatever order the store has them in.
fn identity(key: PKey<Private>, mut left: Vec<X509>, place: &'static str) -> Result<Identity, Problem> {
    let is_own = |certificate: &X509| certificate.public_key().is_ok_and(|public| public.public_eq(&key));
    let Some(at) = left.iter().position(is_own) else {
        return Err(Problem::new(place, "holds no certificate that belongs to its key"));
    };
    let mut chain = vec![left.swap_remove(at)];
    while let Some(last) = chain.last().filter(|last| !is_self_signed(last))
        && let Some(at) = left.iter().position(|next| same_name(next.subject_name(), last.issuer_name()))
    {
        chain.push(left.swap_remove(at));
    }
    Ok(Identity { key, chain })
}

fn is_self_signed(certificate: &X509Ref) -> bool {
    same_name(certificate.subject_name(), certificate.issuer_name())
}

fn same_name(one: &openssl::x509::X509NameRef, other: &openssl::x509::X509NameRef) -> bool {
    one.try_cmp(other).is_ok_and(std::cmp::Ordering::is_eq)
}

#[cfg(any(test, feature = "testing"))]
pub mod testing;
#[cfg(test)]
mod tests;
