//! Whom the client trusts and who it is: Java's `ssl.*` keys behind `schema.registry.`.

use ferroconnect_key_stores::{Identity, Problem, by_content, own, trusted};
use ferroconnect_plugin_sdk::{Config, ConfigDef, Error, Key, Result, warn};
use openssl::error::ErrorStack;
use openssl::x509::X509;
use ureq::tls::{Certificate, ClientCert, PrivateKey, RootCerts, TlsConfig, TlsProvider};

const PREFIX: &str = "schema.registry.";
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
    let types = "PEM, PKCS12 or JKS. The content decides, so the key may be left out.";
    let kind =
        |name: &str| Key::string(&format!("{PREFIX}ssl.{name}")).low().one_of_any_case(&["PEM", "PKCS12", "JKS"]);
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
    let values = by_content(|key: &str| config.get(&format!("{PREFIX}{key}")).filter(|text| !text.is_empty()));
    let wrong = |problem: Problem| wrong(config, &problem);
    let roots = match trusted(&values).map_err(wrong)? {
        Some(certificates) => all_of(&certificates).map_err(|error| unusable(TRUSTSTORE, error))?.into(),
        None => RootCerts::PlatformVerifier,
    };
    let own = own(&values).map_err(wrong)?.map(|identity| client(&identity)).transpose();
    let unchecked = config.get(IDENTIFICATION) == Some("");
    if unchecked {
        warn!(
            "{IDENTIFICATION} is empty: the registry's certificate is not checked at all, so anybody may answer in its place"
        );
    }
    Ok(TlsConfig::builder()
        .provider(TlsProvider::NativeTls)
        .root_certs(roots)
        .client_cert(own.map_err(|error| unusable(KEYSTORE, error))?)
        .disable_verification(unchecked)
        .build())
}

/// Names the key as this client has it, and the file that it names.
fn wrong(config: &Config, Problem { key, reason }: &Problem) -> Error {
    let file = if key.ends_with(".location") { config.get(&format!("{PREFIX}{key}")) } else { None };
    let file = file.map(|file| format!(" the file {file}")).unwrap_or_default();
    Error::config(format!("{PREFIX}{key}:{file} {}", reason.replace(" ssl.", &format!(" {PREFIX}ssl."))))
}

fn client(Identity { key, chain }: &Identity) -> std::result::Result<ClientCert, ErrorStack> {
    let pem = key.private_key_to_pem_pkcs8()?;
    let key = PrivateKey::from_pem(&pem).expect("what OpenSSL writes as PEM is PEM");
    Ok(ClientCert::new_with_certs(&all_of(chain)?, key))
}

fn all_of(certificates: &[X509]) -> std::result::Result<Vec<Certificate<'static>>, ErrorStack> {
    certificates.iter().map(|certificate| Ok(Certificate::from_der(&certificate.to_der()?).to_owned())).collect()
}

fn unusable(key: &str, error: ErrorStack) -> Error {
    Error::config(format!("{key} holds what cannot be used")).caused_by(error)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{BufRead, BufReader, Write};
    use std::net::TcpListener;
    use std::path::{Path, PathBuf};

    use ferroconnect_key_stores::testing::{certificate, jks};
    use openssl::pkcs12::Pkcs12;
    use openssl::pkey::{PKey, Private};
    use openssl::ssl::{SslAcceptor, SslMethod, SslVerifyMode};
    use openssl::stack::Stack;

    use crate::client::http::Http;

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
    fn stores_in_all_forms_let_a_client_in_and_only_the_right_ones() {
        let folder = tempfile::tempdir().expect("a folder");
        let (server, client) = (certificate("server", None), certificate("client", None));
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

        let trust_jks = file(folder.path(), "trust.jks", &jks(std::slice::from_ref(&server.1), "secret"));
        let (url, answered) = serve(&server, &client.1);
        let stores = [(TRUSTSTORE, &*text(&trust_jks)), (KEYSTORE, &*text(&own_p12))];
        is_let_in(&url, &[&stores[..], &passwords[..]].concat()).expect("a JKS file");
        assert!(answered.join().expect("no panic"));

        let (url, answered) = serve(&server, &client.1);
        let utf8 = |pem: Vec<u8>| String::from_utf8(pem).expect("PEM is text");
        let (trust, key, chain) = (utf8(pem(&server.1)), utf8(key_pem(&client.0)), utf8(pem(&client.1)));
        is_let_in(&url, &[(TRUSTED, &trust), (KEYSTORE_KEY, &key), (KEYSTORE_CHAIN, &chain)]).expect("PEM in the file");
        assert!(answered.join().expect("no panic"));

        // Nobody vouches for this server, which only matters where that is looked at.
        let other = utf8(pem(&certificate("other", None).1));
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
        assert!(wrong.contains(&text(&own_p12)) && wrong.contains(KEYSTORE_PASSWORD), "{wrong}");
        assert!(!wrong.contains("hunter2"), "{wrong}");
    }
}
