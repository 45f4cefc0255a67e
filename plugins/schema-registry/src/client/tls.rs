//! Whom the client trusts and who it is: Java's `ssl.*` keys behind `schema.registry.`, with stores in PEM or PKCS#12.

use ferroconnect_plugin_sdk::{Config, ConfigDef, Error, Key, Result, warn};
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
    let unchecked = config.get(IDENTIFICATION) == Some("");
    if unchecked {
        warn!(
            "{IDENTIFICATION} is empty: the registry's certificate is not checked at all, so anybody may answer in its place"
        );
    }
    Ok(TlsConfig::builder()
        .provider(TlsProvider::NativeTls)
        .root_certs(roots)
        .client_cert(own.transpose()?)
        .disable_verification(unchecked)
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{BufRead, BufReader, Write};
    use std::net::TcpListener;
    use std::path::{Path, PathBuf};

    use openssl::asn1::Asn1Time;
    use openssl::hash::MessageDigest;
    use openssl::nid::Nid;
    use openssl::rsa::Rsa;
    use openssl::ssl::{SslAcceptor, SslMethod, SslVerifyMode};
    use openssl::stack::Stack;
    use openssl::x509::extension::{BasicConstraints, SubjectAlternativeName};
    use openssl::x509::{X509Builder, X509NameBuilder};

    use crate::client::http::Http;

    /// A key and its certificate, which is its own issuer; for the address 127.0.0.1.
    fn identity(name: &str) -> (PKey<Private>, X509) {
        let key = PKey::from_rsa(Rsa::generate(2048).expect("a key")).expect("a key");
        let mut names = X509NameBuilder::new().expect("a name");
        names.append_entry_by_nid(Nid::COMMONNAME, name).expect("a name");
        let name = names.build();
        let mut builder = X509Builder::new().expect("a builder");
        builder.set_version(2).expect("version 3");
        builder.set_subject_name(&name).expect("a subject");
        builder.set_issuer_name(&name).expect("an issuer");
        builder.set_not_before(&Asn1Time::days_from_now(0).expect("today")).expect("a begin");
        builder.set_not_after(&Asn1Time::days_from_now(1).expect("tomorrow")).expect("an end");
        builder.set_pubkey(&key).expect("a key");
        builder.append_extension(BasicConstraints::new().ca().build().expect("a constraint")).expect("fits");
        let place = SubjectAlternativeName::new().ip("127.0.0.1").build(&builder.x509v3_context(None, None));
        builder.append_extension(place.expect("an address")).expect("fits");
        builder.sign(&key, MessageDigest::sha256()).expect("signed");
        (key, builder.build())
    }

    /// A server that answers one request with `[]`, and only clients that have this certificate.
    fn serve(own: &(PKey<Private>, X509), client: &X509) -> (String, std::thread::JoinHandle<bool>) {
        let mut acceptor = SslAcceptor::mozilla_intermediate(SslMethod::tls()).expect("an acceptor");
        acceptor.set_private_key(&own.0).expect("a key");
        acceptor.set_certificate(&own.1).expect("a certificate");
        acceptor.cert_store_mut().add_cert(client.clone()).expect("a certificate");
        acceptor.set_verify(SslVerifyMode::PEER | SslVerifyMode::FAIL_IF_NO_PEER_CERT);
        let acceptor = acceptor.build();
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("https://{}", listener.local_addr().expect("an address"));
        let thread = std::thread::spawn(move || {
            let (stream, _) = listener.accept().expect("a client");
            let Ok(mut stream) = acceptor.accept(stream) else { return false };
            let mut lines = BufReader::new(&mut stream).lines();
            while lines.next().is_some_and(|line| line.is_ok_and(|line| !line.is_empty())) {}
            let answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n[]";
            stream.write_all(answer.as_bytes()).is_ok()
        });
        (url, thread)
    }

    fn file(folder: &Path, name: &str, content: &[u8]) -> PathBuf {
        let path = folder.join(name);
        std::fs::write(&path, content).expect("a file");
        path
    }

    /// Whether a client of these settings gets its answer.
    fn is_let_in(url: &str, pairs: &[(&str, &str)]) -> std::result::Result<(), String> {
        let mut config = Config::from([("max.retries", "0")]);
        config.set("schema.registry.url", url);
        for (key, value) in pairs {
            config.set(key, value);
        }
        let def = crate::client::Client::keys(ConfigDef::new());
        let mut http =
            Http::new(&def.parse(&config.to_pairs()).expect("complete")).map_err(|error| error.to_string())?;
        http.get("/subjects").map(drop).map_err(|failure| format!("{failure:?}"))
    }

    #[test]
    fn stores_in_both_forms_let_a_client_in_and_only_the_right_ones() {
        let folder = tempfile::tempdir().expect("a folder");
        let (server, client) = (identity("server"), identity("client"));
        let pem = |certificate: &X509| certificate.to_pem().expect("PEM");
        let key_pem = |key: &PKey<Private>| key.private_key_to_pem_pkcs8().expect("PEM");
        let trust_pem = file(folder.path(), "trust.pem", &pem(&server.1));
        let own_pem = file(folder.path(), "own.pem", &[key_pem(&client.0), pem(&client.1)].concat());
        let own_p12 = Pkcs12::builder().pkey(&client.0).cert(&client.1).build2("secret").expect("a store");
        let own_p12 = file(folder.path(), "own.jks", &own_p12.to_der().expect("DER"));
        let mut trusted = Stack::new().expect("a stack");
        trusted.push(server.1.clone()).expect("fits");
        let trust_p12 = Pkcs12::builder().ca(trusted).build2("secret").expect("a store");
        let trust_p12 = file(folder.path(), "trust.p12", &trust_p12.to_der().expect("DER"));
        let text = |path: &Path| path.to_str().expect("UTF-8").to_owned();

        let (url, answered) = serve(&server, &client.1);
        is_let_in(&url, &[(TRUSTSTORE, &text(&trust_pem)), (KEYSTORE, &text(&own_pem))]).expect("PEM files");
        assert!(answered.join().expect("no panic"));

        let (url, answered) = serve(&server, &client.1);
        let passwords = [(TRUSTSTORE_PASSWORD, "secret"), (KEYSTORE_PASSWORD, "secret")];
        let stores = [(TRUSTSTORE, &*text(&trust_p12)), (KEYSTORE, &*text(&own_p12))];
        is_let_in(&url, &[&stores[..], &passwords[..]].concat()).expect("PKCS#12 files");
        assert!(answered.join().expect("no panic"));

        let (url, answered) = serve(&server, &client.1);
        let utf8 = |pem: Vec<u8>| String::from_utf8(pem).expect("PEM is text");
        let (trust, key, chain) = (utf8(pem(&server.1)), utf8(key_pem(&client.0)), utf8(pem(&client.1)));
        is_let_in(&url, &[(TRUSTED, &trust), (KEYSTORE_KEY, &key), (KEYSTORE_CHAIN, &chain)]).expect("PEM in the file");
        assert!(answered.join().expect("no panic"));

        // Nobody vouches for this server, which only matters where that is looked at.
        let other = utf8(pem(&identity("other").1));
        let stranger = [(TRUSTED, other.as_str()), (KEYSTORE_KEY, &key), (KEYSTORE_CHAIN, &chain)];
        let (url, answered) = serve(&server, &client.1);
        assert!(is_let_in(&url, &stranger).is_err());
        assert!(!answered.join().expect("no panic"));
        let (url, answered) = serve(&server, &client.1);
        is_let_in(&url, &[&stranger[..], &[(IDENTIFICATION, "")]].concat()).expect("it is not looked at");
        assert!(answered.join().expect("no panic"));

        // The server wants to know who asks.
        let (url, answered) = serve(&server, &client.1);
        assert!(is_let_in(&url, &[(TRUSTED, &trust)]).is_err());
        assert!(!answered.join().expect("no panic"));

        let wrong = is_let_in("https://127.0.0.1:1", &[(KEYSTORE, &text(&own_p12)), (KEYSTORE_PASSWORD, "hunter2")]);
        let wrong = wrong.expect_err("the password is wrong");
        assert!(wrong.contains("own.jks does not open") && !wrong.contains("hunter2"), "{wrong}");
        let jks = file(folder.path(), "old.jks", &[0xfe, 0xed, 0xfe, 0xed, 0, 0]);
        let old = is_let_in("https://127.0.0.1:1", &[(TRUSTSTORE, &text(&jks))]).expect_err("refused");
        assert!(old.contains("keytool -importkeystore"), "{old}");
    }
}
