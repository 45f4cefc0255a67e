//! Whom to trust, and who this is: certificates and keys out of PEM files.

use crate::options::Wrong;
use std::fs;
use ureq::tls::{ClientCert, PemItem, RootCerts, TlsConfig, TlsProvider, parse_pem};

/// The keys that name the files, and their values.
pub(crate) struct Files<'a> {
    /// Certificates to trust, in place of the machine's own.
    pub(crate) trust: (&'static str, Option<&'a str>),
    /// A certificate chain and its key, to show to servers that ask for one.
    pub(crate) own: (&'static str, Option<&'a str>),
    /// Take any certificate.
    pub(crate) trust_all: bool,
}

/// The settings for TLS connections.
pub(crate) fn config(files: &Files<'_>) -> Result<TlsConfig, Wrong> {
    let mut config = TlsConfig::builder()
        .provider(TlsProvider::NativeTls)
        .root_certs(RootCerts::PlatformVerifier)
        .disable_verification(files.trust_all);
    if let (key, Some(file)) = files.trust {
        let certificates: Vec<_> = items(key, file)?
            .into_iter()
            .filter_map(|item| match item {
                PemItem::Certificate(certificate) => Some(certificate),
                _ => None,
            })
            .collect();
        if certificates.is_empty() {
            return Err(Wrong::new(key, format!("there is no certificate in {file}")));
        }
        config = config.root_certs(RootCerts::new_with_certs(&certificates));
    }
    if let (key, Some(file)) = files.own {
        let (mut chain, mut private) = (Vec::new(), None);
        for item in items(key, file)? {
            match item {
                PemItem::Certificate(certificate) => chain.push(certificate),
                PemItem::PrivateKey(found) => private = Some(found),
                _ => {}
            }
        }
        let private = private.filter(|_| !chain.is_empty());
        let private = private.ok_or_else(|| {
            Wrong::new(key, format!("{file} must hold a certificate chain and its key (BEGIN PRIVATE KEY, PKCS #8)"))
        })?;
        config = config.client_cert(Some(ClientCert::new_with_certs(&chain, private)));
    }
    Ok(config.build())
}

fn items(key: &'static str, file: &str) -> Result<Vec<PemItem<'static>>, Wrong> {
    let bytes = fs::read(file).map_err(|error| Wrong::new(key, format!("{file} cannot be read: {error}")))?;
    if bytes.starts_with(&[0xfe, 0xed, 0xfe, 0xed]) || bytes.first() == Some(&0x30) {
        let how = "write its content as PEM, with keytool -exportcert -rfc or openssl pkcs12";
        return Err(Wrong::new(key, format!("{file} is a Java key store; a PEM file is needed: {how}")));
    }
    let items: Result<Vec<_>, _> = parse_pem(&bytes).collect();
    items.map_err(|error| Wrong::new(key, format!("{file} is no PEM file: {error}")))
}
