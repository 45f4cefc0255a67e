//! Whom the client trusts and who it is: Java's `ssl.*` keys behind `schema.registry.`, with stores in PEM or PKCS#12.

use ferroconnect_plugin_sdk::{Config, ConfigDef, Error, Key, Result};
use openssl::pkcs12::Pkcs12;
use openssl::pkey::{PKey, Private};
use openssl::x509::X509;
use ureq::tls::{Certificate, ClientCert, PrivateKey, RootCerts, TlsConfig, TlsProvider};

const PREFIX: &str = "schema.registry.ssl.";
const KEYSTORE: &str = "schema.registry.ssl.keystore.location";
const KEYSTORE_PASSWORD: &str = "schema.registry.ssl.keystore.password";
const KEYSTORE_KEY: &str = "schema.registry.ssl.keystore.key";
const KEYSTORE_CHAIN: &str = "schema.registry.ssl.keystore.certificate.chain";
const KEY_PASSWORD: &str = "schema.registry.ssl.key.password";
const TRUSTSTORE: &str = "schema.registry.ssl.truststore.location";
const TRUSTSTORE_PASSWORD: &str = "schema.registry.ssl.truststore.password";
const TRUSTED: &str = "schema.registry.ssl.truststore.certificates";
const IDENTIFICATION: &str = "schema.registry.ssl.endpoint.identification.algorithm";

/// Adds the keys of TLS.
pub(super) fn keys(def: ConfigDef) -> ConfigDef {
    let types = "PEM or PKCS12. The content decides, so the key may be left out.";
    let kind = |name: &str| Key::string(&format!("{PREFIX}{name}")).low().one_of_any_case(&["PEM", "PKCS12", "JKS"]);
    def.key(Key::string(TRUSTSTORE).doc("A file with the certificates to trust. Without one: those of the system."))
        .key(Key::password(TRUSTSTORE_PASSWORD).doc("The password of that file."))
        .key(kind("truststore.type").doc(types))
        .key(Key::password(TRUSTED).doc("The certificates to trust, in PEM form, in place of a file."))
        .key(Key::string(KEYSTORE).doc("A file with the client's own key and certificates."))
        .key(Key::password(KEYSTORE_PASSWORD).doc("The password of that file."))
        .key(kind("keystore.type").doc(types))
        .key(Key::password(KEYSTORE_KEY).doc("The client's own key, in PEM form (PKCS#8), in place of a file."))
        .key(Key::password(KEYSTORE_CHAIN).doc("The certificates of that key, in PEM form."))
        .key(Key::password(KEY_PASSWORD).doc("The password of the key itself."))
        .key(
            Key::string(IDENTIFICATION)
                .default_value("https")
                .low()
                .one_of(&["https", ""])
                .doc("How a server's name is checked against its certificate. Empty: neither is checked."),
        )
}

/// How connections are encrypted.
///
/// # Errors
/// A config error that names the key and the file; it shows no password.
pub(super) fn config(config: &Config) -> Result<TlsConfig> {
    let roots = match trusted(config)? {
        Some(certificates) => certificates.iter().map(certificate).collect::<Result<Vec<_>>>()?.into(),
        None => RootCerts::PlatformVerifier,
    };
    let own = own(config)?.map(|(key, chain)| -> Result<ClientCert> {
        let chain = chain.iter().map(certificate).collect::<Result<Vec<_>>>()?;
        let pem = key.private_key_to_pem_pkcs8().map_err(|error| unusable(KEYSTORE, "its key", &error))?;
        let key = PrivateKey::from_pem(&pem);
        Ok(ClientCert::new_with_certs(
            &chain,
            key.map_err(|_| Error::config(format!("{KEYSTORE}: its key cannot be used")))?,
        ))
    });
    Ok(TlsConfig::builder()
        .provider(TlsProvider::NativeTls)
        .root_certs(roots)
        .client_cert(own.transpose()?)
        .disable_verification(config.get(IDENTIFICATION) == Some(""))
        .build())
}

fn certificate(certificate: &X509) -> Result<Certificate<'static>> {
    let der = certificate.to_der().map_err(|error| unusable(TRUSTSTORE, "a certificate", &error))?;
    Ok(Certificate::from_der(&der).to_owned())
}

fn set<'a>(config: &'a Config, key: &str) -> Option<&'a str> {
    config.get(key).filter(|text| !text.is_empty())
}

fn trusted(config: &Config) -> Result<Option<Vec<X509>>> {
    if let Some(pem) = set(config, TRUSTED) {
        return certificates(pem.as_bytes(), TRUSTED).map(Some);
    }
    let Some(file) = set(config, TRUSTSTORE) else { return Ok(None) };
    let found = match Store::read(file, TRUSTSTORE)? {
        Store::Pem(pem) => certificates(&pem, TRUSTSTORE)?,
        Store::Pkcs12(der) => {
            let parsed = open(&der, set(config, TRUSTSTORE_PASSWORD), TRUSTSTORE, file)?;
            parsed.ca.into_iter().flatten().chain(parsed.cert).collect()
        }
    };
    if found.is_empty() {
        return Err(Error::config(format!("{TRUSTSTORE}: the file {file} has no certificates to trust")));
    }
    Ok(Some(found))
}

fn own(config: &Config) -> Result<Option<(PKey<Private>, Vec<X509>)>> {
    if let Some(key) = set(config, KEYSTORE_KEY) {
        let chain = set(config, KEYSTORE_CHAIN).unwrap_or("");
        let pair =
            (private_key(key.as_bytes(), config, KEYSTORE_KEY)?, certificates(chain.as_bytes(), KEYSTORE_CHAIN)?);
        return Ok(Some(pair));
    }
    let Some(file) = set(config, KEYSTORE) else { return Ok(None) };
    match Store::read(file, KEYSTORE)? {
        Store::Pem(pem) => Ok(Some((private_key(&pem, config, KEYSTORE)?, certificates(&pem, KEYSTORE)?))),
        Store::Pkcs12(der) => {
            let parsed = open(&der, set(config, KEYSTORE_PASSWORD), KEYSTORE, file)?;
            let (Some(key), Some(own)) = (parsed.pkey, parsed.cert) else {
                return Err(Error::config(format!("{KEYSTORE}: the file {file} has no key with its certificate")));
            };
            Ok(Some((key, std::iter::once(own).chain(parsed.ca.into_iter().flatten()).collect())))
        }
    }
}

fn certificates(pem: &[u8], key: &str) -> Result<Vec<X509>> {
    let found = X509::stack_from_pem(pem).map_err(|error| unusable(key, "a certificate in PEM form", &error))?;
    match found.is_empty() {
        true => Err(Error::config(format!("{key} has no certificate in PEM form"))),
        false => Ok(found),
    }
}

fn private_key(pem: &[u8], config: &Config, key: &str) -> Result<PKey<Private>> {
    // An empty password keeps OpenSSL from asking for one on the terminal.
    let password = set(config, KEY_PASSWORD).unwrap_or("");
    PKey::private_key_from_pem_passphrase(pem, password.as_bytes())
        .map_err(|error| unusable(key, "a private key", &error))
}

fn open(der: &[u8], password: Option<&str>, key: &str, file: &str) -> Result<openssl::pkcs12::ParsedPkcs12_2> {
    let store = Pkcs12::from_der(der).map_err(|error| unusable(key, &format!("a PKCS#12 store in {file}"), &error))?;
    store
        .parse2(password.unwrap_or(""))
        .map_err(|_| Error::config(format!("{key}: the store {file} does not open. Is its password right?")))
}

/// What is in a file.
enum Store {
    Pem(Vec<u8>),
    Pkcs12(Vec<u8>),
}

impl Store {
    /// `keytool` writes PKCS#12 under every name, so the content decides.
    fn read(file: &str, key: &str) -> Result<Store> {
        let content = std::fs::read(file)
            .map_err(|error| Error::config(format!("{key}: cannot read the file {file}")).caused_by(error))?;
        match content.as_slice() {
            [0xfe, 0xed, 0xfe, 0xed, ..] | [0xce, 0xce, 0xce, 0xce, ..] => Err(Error::config(format!(
                "{key}: the file {file} is a store in Java's old form (JKS), and has to be PEM or PKCS12. \
                 `keytool -importkeystore -deststoretype PKCS12` turns one into the other"
            ))),
            [0x30, ..] => Ok(Store::Pkcs12(content)),
            _ => Ok(Store::Pem(content)),
        }
    }
}

fn unusable(key: &str, what: &str, error: &openssl::error::ErrorStack) -> Error {
    Error::config(format!("{key}: {what} cannot be used")).caused_by(error.clone())
}
