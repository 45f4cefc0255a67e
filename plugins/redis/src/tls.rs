//! Certificates and keys out of the files that users have.

use openssl::pkcs12::Pkcs12;
use openssl::pkey::PKey;
use openssl::x509::{X509, X509Ref};
use redis::{ClientTlsConfig, TlsCertificates};
use std::fmt;
use std::fs;

/// What a connection needs for TLS. Holds a private key; its debug form shows none of it.
#[derive(Clone)]
pub(crate) struct Tls {
    /// Whether any certificate of the server is taken.
    pub(crate) insecure: bool,
    /// What to trust and what to show.
    pub(crate) certificates: TlsCertificates,
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls").field("insecure", &self.insecure).finish_non_exhaustive()
    }
}

impl Tls {
    /// Whether there is more than what the system brings along.
    pub(crate) fn has_files(&self) -> bool {
        self.certificates.root_cert.is_some() || self.certificates.client_tls.is_some()
    }
}

/// What is wrong with a file, without the file's content.
pub(crate) type Wrong = String;

/// The certificates of a PEM or PKCS#12 file.
pub(crate) fn trusted(path: &str, password: &str) -> Result<Vec<u8>, Wrong> {
    let bytes = read(path)?;
    if is_pem(&bytes) {
        X509::stack_from_pem(&bytes)
            .ok()
            .filter(|certificates| !certificates.is_empty())
            .ok_or_else(|| format!("{path} holds no certificate in PEM form"))?;
        return Ok(bytes);
    }
    let store = open_store(path, &bytes, password)?;
    let own = store.cert.as_deref();
    let certificates: Vec<&X509Ref> = store.ca.iter().flatten().chain(own).collect();
    if certificates.is_empty() {
        return Err(format!("{path} holds no certificate"));
    }
    to_pem(path, certificates)
}

/// The certificate and key of two PEM files.
pub(crate) fn identity(certificate: &str, key: &str, password: &str) -> Result<ClientTlsConfig, Wrong> {
    let client_cert = read(certificate)?;
    X509::from_pem(&client_cert).map_err(|_| format!("{certificate} holds no certificate in PEM form"))?;
    Ok(ClientTlsConfig { client_cert, client_key: pkcs8(key, &read(key)?, password)? })
}

/// The certificate and key of one PEM or PKCS#12 file.
pub(crate) fn identity_of_store(path: &str, password: &str) -> Result<ClientTlsConfig, Wrong> {
    let bytes = read(path)?;
    if is_pem(&bytes) {
        return identity(path, path, password);
    }
    let store = open_store(path, &bytes, password)?;
    let (Some(key), Some(certificate)) = (&store.pkey, &store.cert) else {
        return Err(format!("{path} holds no key with its certificate"));
    };
    let chain = std::iter::once(&**certificate).chain(store.ca.iter().flatten());
    let client_key = key.private_key_to_pem_pkcs8().map_err(|_| format!("The key in {path} cannot be used"))?;
    Ok(ClientTlsConfig { client_cert: to_pem(path, chain)?, client_key })
}

fn read(path: &str) -> Result<Vec<u8>, Wrong> {
    fs::read(path).map_err(|error| format!("{path} cannot be read: {error}"))
}

fn is_pem(bytes: &[u8]) -> bool {
    bytes.windows(10).any(|window| window == b"-----BEGIN")
}

/// The key in the form that the TLS library takes: PKCS#8 without a password.
fn pkcs8(path: &str, pem: &[u8], password: &str) -> Result<Vec<u8>, Wrong> {
    // Always with a password, as OpenSSL would ask for one at the terminal otherwise.
    let key = PKey::private_key_from_pem_passphrase(pem, password.as_bytes())
        .map_err(|_| format!("{path} holds no private key in PEM form, or its password is another one"))?;
    key.private_key_to_pem_pkcs8().map_err(|_| format!("The key in {path} cannot be used"))
}

fn open_store(path: &str, bytes: &[u8], password: &str) -> Result<openssl::pkcs12::ParsedPkcs12_2, Wrong> {
    if bytes.starts_with(&[0xFE, 0xED, 0xFE, 0xED]) {
        return Err(format!(
            "{path} is a JKS store; convert it: keytool -importkeystore -srckeystore {path} -destkeystore NEW.p12 \
             -deststoretype PKCS12"
        ));
    }
    let store = Pkcs12::from_der(bytes).map_err(|_| format!("{path} is neither PEM nor PKCS#12"))?;
    store.parse2(password).map_err(|_| format!("{path} cannot be opened with its password"))
}

fn to_pem<'a>(path: &str, certificates: impl IntoIterator<Item = &'a X509Ref>) -> Result<Vec<u8>, Wrong> {
    let mut text = Vec::new();
    for certificate in certificates {
        text.extend(certificate.to_pem().map_err(|_| format!("A certificate in {path} cannot be used"))?);
    }
    Ok(text)
}
