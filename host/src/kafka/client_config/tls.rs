//! TLS: Java's key stores and trust stores into what OpenSSL reads.

use std::fs::File;
use std::io::Read;

use super::{Properties, trust_store};

const KEYSTORE: &str = "ssl.keystore.location";
const TRUSTSTORE: &str = "ssl.truststore.location";

pub(super) fn settings(properties: &mut Properties) {
    key_store(properties);
    trust_store(properties);
    host_name_check(properties);
    cipher_suites(properties);
}

/// What a store's first bytes say it is. Java's own readers look at the content too, because
/// `keytool` writes PKCS#12 under every name.
#[derive(Debug, PartialEq, Eq)]
enum StoreFormat {
    Pem,
    Pkcs12,
    Jks,
    Unknown,
}

impl StoreFormat {
    fn of_file(path: &str) -> Result<Self, String> {
        let mut start = [0; 4];
        let mut file = File::open(path).map_err(|error| format!("cannot be opened: {error}"))?;
        let read = file.read(&mut start).map_err(|error| format!("cannot be read: {error}"))?;
        Ok(Self::of(&start[..read]))
    }

    fn of(start: &[u8]) -> Self {
        match start {
            [0xFE, 0xED, 0xFE, 0xED] | [0xCE, 0xCE, 0xCE, 0xCE] => Self::Jks,
            [0x30, ..] => Self::Pkcs12,
            // "----" of a PEM header, or text before it.
            [first, ..] if first.is_ascii_graphic() || first.is_ascii_whitespace() => Self::Pem,
            _ => Self::Unknown,
        }
    }
}

fn is_pem(properties: &Properties, key: &str) -> bool {
    properties.text(key).is_some_and(|kind| kind.eq_ignore_ascii_case("PEM"))
}

fn key_store(properties: &mut Properties) {
    for (key, name) in [
        ("ssl.keystore.key", "ssl.key.pem"),
        ("ssl.keystore.certificate.chain", "ssl.certificate.pem"),
        ("ssl.key.password", "ssl.key.password"),
    ] {
        if let Some(value) = properties.text(key).map(pem_lines) {
            properties.put(key, name, value);
        }
    }
    let Some(path) = properties.text(KEYSTORE).map(str::to_owned) else {
        return;
    };
    if is_pem(properties, "ssl.keystore.type") {
        properties.put(KEYSTORE, "ssl.key.location", path.as_str());
        properties.put(KEYSTORE, "ssl.certificate.location", path.as_str());
        if let Err(reason) = StoreFormat::of_file(&path) {
            properties.refuse(KEYSTORE, reason);
        }
        return;
    }
    match StoreFormat::of_file(&path) {
        Ok(StoreFormat::Pkcs12) => {
            properties.put(KEYSTORE, KEYSTORE, path.as_str());
            if let Some(password) = properties.text("ssl.keystore.password").map(str::to_owned) {
                properties.put("ssl.keystore.password", "ssl.keystore.password", password);
            }
        }
        Ok(StoreFormat::Jks) => properties.refuse(
            KEYSTORE,
            format!(
                "is a JKS file, whose keys only Java can read; convert it with: keytool \
                 -importkeystore -srckeystore {path} -destkeystore store.p12 -deststoretype pkcs12"
            ),
        ),
        Ok(StoreFormat::Pem) => {
            properties.refuse(KEYSTORE, "is a PEM file; set ssl.keystore.type=PEM");
        }
        Ok(StoreFormat::Unknown) => properties.refuse(KEYSTORE, "is neither PKCS#12 nor PEM"),
        Err(reason) => properties.refuse(KEYSTORE, reason),
    }
}

fn trust_store(properties: &mut Properties) {
    const INLINE: &str = "ssl.truststore.certificates";
    if let Some(pem) = properties.text(INLINE).map(pem_lines) {
        properties.put(INLINE, "ssl.ca.pem", pem);
        return;
    }
    let Some(path) = properties.text(TRUSTSTORE).map(str::to_owned) else {
        return;
    };
    let typed_pem = is_pem(properties, "ssl.truststore.type");
    match StoreFormat::of_file(&path) {
        Ok(StoreFormat::Pem) if typed_pem => properties.put(TRUSTSTORE, "ssl.ca.location", path),
        Ok(StoreFormat::Pem) => {
            properties.refuse(TRUSTSTORE, "is a PEM file; set ssl.truststore.type=PEM");
        }
        Ok(_) if typed_pem => properties.refuse(TRUSTSTORE, "is not a PEM file"),
        Ok(StoreFormat::Jks | StoreFormat::Pkcs12) => {
            let password = properties.text("ssl.truststore.password").map(str::to_owned);
            match trust_store::read(&path, password.as_deref()) {
                Ok(pem) => properties.put(TRUSTSTORE, "ssl.ca.pem", pem),
                Err(reason) => properties.refuse(TRUSTSTORE, reason),
            }
        }
        Ok(StoreFormat::Unknown) => {
            properties.refuse(TRUSTSTORE, "is neither PEM, PKCS#12 nor JKS");
        }
        Err(reason) => properties.refuse(TRUSTSTORE, reason),
    }
}

/// PEM text on one line, as property files often have it, gets its line ends back.
fn pem_lines(text: &str) -> String {
    if text.contains('\n') || !text.contains("-----BEGIN") {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len() + 64);
    for part in text.split("-----").map(str::trim) {
        if part.starts_with("BEGIN ") || part.starts_with("END ") {
            out.push_str(&format!("-----{part}-----\n"));
        } else if !part.is_empty() {
            for line in part.split_whitespace() {
                out.push_str(line);
                out.push('\n');
            }
        }
    }
    out
}

fn host_name_check(properties: &mut Properties) {
    const KEY: &str = "ssl.endpoint.identification.algorithm";
    let Some(algorithm) = properties.get(KEY).map(str::to_ascii_lowercase) else {
        return;
    };
    match algorithm.as_str() {
        "https" => properties.put(KEY, KEY, "https"),
        "" | "none" => properties.put(KEY, KEY, "none"),
        _ => properties.refuse(KEY, "must be https, or empty for no check"),
    }
}

fn cipher_suites(properties: &mut Properties) {
    const KEY: &str = "ssl.cipher.suites";
    let Some(suites) = properties.text(KEY) else {
        return;
    };
    // OpenSSL keeps the suites of TLS 1.3 apart, always on, and would not find them in this list.
    let is_tls_13 = |suite: &str| suite.starts_with("TLS_AES_") || suite.starts_with("TLS_CHACHA20_P");
    let suites: Vec<&str> =
        suites.split([',', ':']).map(str::trim).filter(|suite| !suite.is_empty() && !is_tls_13(suite)).collect();
    if !suites.is_empty() {
        let joined = suites.join(":");
        properties.put(KEY, KEY, joined);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_are_told_by_content() {
        assert_eq!(StoreFormat::of(&[0xFE, 0xED, 0xFE, 0xED]), StoreFormat::Jks);
        assert_eq!(StoreFormat::of(&[0x30, 0x82, 1, 2]), StoreFormat::Pkcs12);
        assert_eq!(StoreFormat::of(b"----"), StoreFormat::Pem);
        assert_eq!(StoreFormat::of(&[]), StoreFormat::Unknown);
    }

    #[test]
    fn pem_on_one_line_gets_its_lines_back() {
        let text = "-----BEGIN CERTIFICATE----- AAAA BBBB -----END CERTIFICATE-----";
        assert_eq!(pem_lines(text), "-----BEGIN CERTIFICATE-----\nAAAA\nBBBB\n-----END CERTIFICATE-----\n");
        let lines = "-----BEGIN X-----\nAAAA\n-----END X-----";
        assert_eq!(pem_lines(lines), lines);
    }
}
