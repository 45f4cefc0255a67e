//! TLS: Java's key stores and trust stores into what OpenSSL reads.

use super::Properties;
use crate::tls::{self, Problem, StoreFormat, pem_lines};

const KEYSTORE: &str = "ssl.keystore.location";
const TRUSTSTORE: &str = "ssl.truststore.location";

pub(super) fn settings(properties: &mut Properties) {
    key_store(properties);
    trust_store(properties);
    host_name_check(properties);
    cipher_suites(properties);
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
        Ok(StoreFormat::Jks | StoreFormat::Pem | StoreFormat::Unknown) => java_key_store(properties),
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
    if is_pem(properties, "ssl.truststore.type") {
        match StoreFormat::of_file(&path) {
            Ok(StoreFormat::Pem) => properties.put(TRUSTSTORE, "ssl.ca.location", path),
            Ok(_) => properties.refuse(TRUSTSTORE, "is not a PEM file"),
            Err(reason) => properties.refuse(TRUSTSTORE, reason),
        }
        return;
    }
    let found = tls::trusted(|key| properties.text(key)).and_then(|certificates| {
        tls::to_pem(&certificates.unwrap_or_default()).map_err(|reason| Problem { key: TRUSTSTORE, reason })
    });
    match found {
        Ok(pem) => properties.put(TRUSTSTORE, "ssl.ca.pem", pem),
        Err(problem) => properties.refuse(problem.key, problem.reason),
    }
}

/// Hands key and certificates of a JKS file over as PEM, because librdkafka does not read such files. What is no key store
/// at all is refused by the same reader.
fn java_key_store(properties: &mut Properties) {
    let refuse_key = || Problem { key: KEYSTORE, reason: "holds a key that cannot be written as PEM".to_owned() };
    let found = tls::own(|key| properties.text(key)).and_then(|identity| {
        let identity = identity.ok_or_else(refuse_key)?;
        let key = identity.key.private_key_to_pem_pkcs8().ok().and_then(|pem| String::from_utf8(pem).ok());
        let chain = tls::to_pem(&identity.chain).map_err(|reason| Problem { key: KEYSTORE, reason })?;
        Ok((key.ok_or_else(refuse_key)?, chain))
    });
    match found {
        Ok((key, chain)) => {
            properties.put(KEYSTORE, "ssl.key.pem", key);
            properties.put(KEYSTORE, "ssl.certificate.pem", chain);
        }
        Err(problem) => properties.refuse(problem.key, problem.reason),
    }
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
    // Those of TLS 1.3 are always on, and would not be found in this list.
    let suites: Vec<&str> = suites
        .split([',', ':'])
        .map(str::trim)
        .filter(|suite| !suite.is_empty() && !tls::is_suite_of_1_3(suite))
        .collect();
    if !suites.is_empty() {
        let joined = suites.join(":");
        properties.put(KEY, KEY, joined);
    }
}
