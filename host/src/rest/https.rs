//! TLS of the REST server: Java's `ssl.*` keys into an acceptor, renewed when its files change.

use std::path::PathBuf;
use std::pin::Pin;
use std::time::Duration;

use openssl::nid::Nid;
use openssl::ssl::{self, SslAcceptor, SslAcceptorBuilder, SslMethod, SslVerifyMode, SslVersion};
use openssl::x509::store::X509StoreBuilder;
use openssl::x509::{X509, X509NameEntryRef};
use tokio::net::TcpStream;
use tokio_openssl::SslStream;

use crate::config::HttpsSettings;
use crate::error::{ConnectError, Result};
use crate::tls::{self, Problem};

use super::renewed::Renewed;

/// How long a client may take over the handshake.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// Settings whose files are read anew when they change.
const FILES: &[&str] = &["ssl.keystore.location", "ssl.truststore.location"];

/// The TLS side of https listeners.
pub(super) struct Https {
    settings: HttpsSettings,
    acceptor: Renewed<SslAcceptor>,
}

impl Https {
    /// Reads keys and certificates.
    ///
    /// # Errors
    /// There is no key, a store cannot be read, or a value is wrong; the error names the key with its prefix.
    pub(super) fn new(settings: HttpsSettings) -> Result<Self> {
        let files = FILES.iter().filter_map(|key| settings.ssl.get(key)).map(PathBuf::from).collect();
        let acceptor = Renewed::new("keys and certificates", files, || acceptor(&settings))
            .map_err(|reason| ConnectError::config(format!("https listeners: {reason}")))?;
        Ok(Self { settings, acceptor })
    }

    /// Does the handshake. The error is a text for the log.
    pub(super) async fn accept(&self, stream: TcpStream) -> Result<SslStream<TcpStream>, String> {
        let ssl = ssl::Ssl::new(self.acceptor().context()).map_err(|error| error.to_string())?;
        let mut stream = SslStream::new(ssl, stream).map_err(|error| error.to_string())?;
        match tokio::time::timeout(HANDSHAKE, Pin::new(&mut stream).accept()).await {
            Ok(Ok(())) => Ok(stream),
            Ok(Err(error)) => Err(error.to_string()),
            Err(_) => Err(format!("the handshake took longer than {} s", HANDSHAKE.as_secs())),
        }
    }

    /// The acceptor for new connections.
    fn acceptor(&self) -> SslAcceptor {
        self.acceptor.with(|| acceptor(&self.settings), SslAcceptor::clone)
    }
}

/// Reads keys and certificates. The error names the key with its prefix.
fn acceptor(settings: &HttpsSettings) -> std::result::Result<SslAcceptor, String> {
    build(settings).map_err(|problem| format!("`{}{}` {}", settings.prefix, problem.key, problem.reason))
}

/// The common name of the certificate that the client has shown, else its whole subject, `O=Example,C=DE`; none without
/// certificate.
pub(super) fn subject(stream: &SslStream<TcpStream>) -> Option<String> {
    let certificate = stream.ssl().peer_certificate()?;
    let name = certificate.subject_name();
    let text = |entry: &X509NameEntryRef| entry.data().to_string().ok();
    // With the names of its parts, so that no organisation can pass for a common name.
    let part = |entry: &X509NameEntryRef| Some(format!("{}={}", entry.object().nid().short_name().ok()?, text(entry)?));
    match name.entries_by_nid(Nid::COMMONNAME).next() {
        Some(common) => text(common),
        None => Some(name.entries().filter_map(part).collect::<Vec<_>>().join(",")),
    }
}

fn build(settings: &HttpsSettings) -> std::result::Result<SslAcceptor, Problem> {
    let get = |key: &str| settings.ssl.get(key);
    let library = |error: openssl::error::ErrorStack| problem("ssl.keystore.location", format!("fails: {error}"));
    let identity = tls::own(get)?
        .ok_or_else(|| problem("ssl.keystore.location", "is missing: name the store with the worker's key"))?;
    let mut builder = SslAcceptor::mozilla_intermediate_v5(SslMethod::tls_server()).map_err(library)?;
    builder.set_private_key(&identity.key).map_err(library)?;
    let (own, issuers) = identity.chain.split_first().expect("an identity has a certificate");
    builder.set_certificate(own).map_err(library)?;
    for issuer in issuers {
        builder.add_extra_chain_cert(issuer.clone()).map_err(library)?;
    }
    versions(&mut builder, get("ssl.enabled.protocols"))?;
    ciphers(&mut builder, get("ssl.cipher.suites"))?;
    clients(&mut builder, get("ssl.client.auth").unwrap_or("none"), tls::trusted(get)?)?;
    // Some clients insist on an answer to their protocol list.
    builder.set_alpn_select_callback(|_, offered| {
        ssl::select_next_proto(b"\x08http/1.1", offered).ok_or(ssl::AlpnError::NOACK)
    });
    Ok(builder.build())
}

fn versions(builder: &mut SslAcceptorBuilder, list: Option<&str>) -> std::result::Result<(), Problem> {
    const KEY: &str = "ssl.enabled.protocols";
    let mut enabled = Vec::new();
    for name in words(list.unwrap_or("TLSv1.2,TLSv1.3")) {
        match name {
            "TLSv1.2" => enabled.push(SslVersion::TLS1_2),
            "TLSv1.3" => enabled.push(SslVersion::TLS1_3),
            _ => return Err(problem(KEY, format!("names {name}; TLSv1.2 and TLSv1.3 are supported"))),
        }
    }
    let newest = if enabled.contains(&SslVersion::TLS1_3) { SslVersion::TLS1_3 } else { SslVersion::TLS1_2 };
    let oldest = if enabled.contains(&SslVersion::TLS1_2) { SslVersion::TLS1_2 } else { SslVersion::TLS1_3 };
    if enabled.is_empty() {
        return Err(problem(KEY, "is empty; name TLSv1.2, TLSv1.3 or both"));
    }
    let set = builder.set_min_proto_version(Some(oldest)).and(builder.set_max_proto_version(Some(newest)));
    set.map_err(|error| problem(KEY, format!("fails: {error}")))
}

/// Java names suites as the standards do; OpenSSL has other names for those before TLS 1.3.
fn ciphers(builder: &mut SslAcceptorBuilder, list: Option<&str>) -> std::result::Result<(), Problem> {
    const KEY: &str = "ssl.cipher.suites";
    let (mut older, mut newer) = (Vec::new(), Vec::new());
    for name in words(list.unwrap_or_default()) {
        if tls::is_suite_of_1_3(name) {
            newer.push(name);
            continue;
        }
        match ssl::cipher_name(name) {
            "(NONE)" => return Err(problem(KEY, format!("names {name}, which OpenSSL does not know"))),
            openssl => older.push(openssl),
        }
    }
    let set = |done: std::result::Result<(), openssl::error::ErrorStack>| {
        done.map_err(|_| problem(KEY, "names a suite that OpenSSL does not have"))
    };
    if !older.is_empty() {
        set(builder.set_cipher_list(&older.join(":")))?;
    }
    if !newer.is_empty() {
        set(builder.set_ciphersuites(&newer.join(":")))?;
    }
    Ok(())
}

fn clients(
    builder: &mut SslAcceptorBuilder,
    wanted: &str,
    trusted: Option<Vec<X509>>,
) -> std::result::Result<(), Problem> {
    const KEY: &str = "ssl.client.auth";
    let mode = match wanted.to_ascii_lowercase().as_str() {
        "" | "none" => return Ok(()),
        "requested" => SslVerifyMode::PEER,
        "required" => SslVerifyMode::PEER | SslVerifyMode::FAIL_IF_NO_PEER_CERT,
        _ => return Err(problem(KEY, format!("is {wanted}; it may be none, requested or required"))),
    };
    let trusted = trusted.ok_or_else(|| {
        problem(
            "ssl.truststore.location",
            format!("is missing: {KEY}={wanted} needs to know whose certificates to trust"),
        )
    })?;
    let failed = |error: openssl::error::ErrorStack| problem("ssl.truststore.location", format!("fails: {error}"));
    let mut store = X509StoreBuilder::new().map_err(failed)?;
    for certificate in trusted {
        builder.add_client_ca(&certificate).map_err(failed)?;
        store.add_cert(certificate).map_err(failed)?;
    }
    builder.set_verify_cert_store(store.build()).map_err(failed)?;
    // Sessions of clients with certificates are resumed only within a context of this name.
    builder.set_session_id_context(b"ferroconnect").map_err(failed)?;
    builder.set_verify(mode);
    Ok(())
}

fn problem(key: &'static str, reason: impl Into<String>) -> Problem {
    Problem { key, reason: reason.into() }
}

fn words(list: &str) -> impl Iterator<Item = &str> {
    list.split(',').map(str::trim).filter(|word| !word.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};
    use std::net::SocketAddr;
    use std::path::Path;

    use openssl::pkey::{PKey, Private};
    use openssl::ssl::{SslConnector, SslStream as ClientStream};

    use crate::config::{Mode, Props, WorkerConfig};
    use crate::herder::testing::standalone;
    use crate::rest::{BoundServer, Server, TopicTracking};
    use crate::tls::testing::{certificate, of_subject};

    /// Writes key and certificate into one PEM file.
    fn write(path: &Path, key: &PKey<Private>, own: &X509) {
        let mut text = key.private_key_to_pem_pkcs8().unwrap();
        text.extend(own.to_pem().unwrap());
        std::fs::write(path, text).unwrap();
    }

    fn rest(more: &Props) -> crate::config::RestSettings {
        let mut props = Props::from([
            ("bootstrap.servers", "localhost:9092"),
            ("key.converter", "org.apache.kafka.connect.json.JsonConverter"),
            ("value.converter", "org.apache.kafka.connect.json.JsonConverter"),
            ("offset.storage.file.filename", "/tmp/none"),
            ("listeners", "https://127.0.0.1:0"),
        ]);
        for (key, value) in more.iter() {
            props.set_nullable(key, value.map(str::to_owned));
        }
        WorkerConfig::from_props(props, Mode::Standalone).unwrap().rest
    }

    fn serve(more: &Props) -> (Server, SocketAddr) {
        let bound = BoundServer::bind(rest(more), Mode::Standalone).unwrap();
        assert!(bound.url().starts_with("https://127.0.0.1:"));
        let address = bound.local_addresses().next().unwrap();
        let (herder, _runtime) = standalone();
        (bound.serve(herder, TopicTracking { enabled: true, reset_allowed: true }, None).unwrap(), address)
    }

    fn connect(
        address: SocketAddr,
        trusted: &X509,
        own: Option<&(PKey<Private>, X509)>,
    ) -> Result<ClientStream<std::net::TcpStream>, String> {
        let mut builder = SslConnector::builder(SslMethod::tls_client()).unwrap();
        builder.cert_store_mut().add_cert(trusted.clone()).unwrap();
        if let Some((key, certificate)) = own {
            builder.set_private_key(key).unwrap();
            builder.set_certificate(certificate).unwrap();
        }
        let stream = std::net::TcpStream::connect(address).unwrap();
        builder.build().connect("localhost", stream).map_err(|error| error.to_string())
    }

    /// The answer to a request; with TLS 1.3 a server may refuse a client only after the handshake.
    fn get(address: SocketAddr, trusted: &X509, own: Option<&(PKey<Private>, X509)>) -> Result<String, String> {
        let mut stream = connect(address, trusted, own)?;
        let mut answer = String::new();
        stream.write_all(b"GET /connectors HTTP/1.0\r\n\r\n").map_err(|error| error.to_string())?;
        stream.read_to_string(&mut answer).map_err(|error| error.to_string())?;
        Ok(answer)
    }

    #[test]
    fn requests_are_served_over_tls_and_nothing_without() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("own.pem");
        let (key, own) = certificate("localhost", None);
        write(&file, &key, &own);
        let store = Props::from([
            ("listeners.https.ssl.keystore.location", file.to_str().unwrap()),
            ("listeners.https.ssl.keystore.type", "PEM"),
            ("listeners.https.ssl.cipher.suites", "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, TLS_AES_256_GCM_SHA384"),
            ("ssl.keystore.location", "/does/not/count"),
        ]);
        let (_server, address) = serve(&store);
        assert!(get(address, &own, None).unwrap().ends_with("\r\n\r\n[]"));
        let (_, stranger) = certificate("localhost", None);
        assert!(get(address, &stranger, None).is_err(), "a client that trusts another certificate");
        let mut plain = std::net::TcpStream::connect(address).unwrap();
        plain.write_all(b"GET /connectors HTTP/1.0\r\n\r\n").unwrap();
        let mut answer = Vec::new();
        let _ = plain.read_to_end(&mut answer);
        assert!(!answer.starts_with(b"HTTP"), "{}", String::from_utf8_lossy(&answer));
    }

    #[test]
    fn clients_show_certificates_when_they_must() {
        let dir = tempfile::tempdir().unwrap();
        let (key, own) = certificate("localhost", None);
        let client = certificate("client", None);
        let stranger = certificate("stranger", None);
        let (file, trust) = (dir.path().join("own.pem"), dir.path().join("trust.pem"));
        write(&file, &key, &own);
        std::fs::write(&trust, client.1.to_pem().unwrap()).unwrap();
        let mut settings = Props::from([
            ("ssl.keystore.location", file.to_str().unwrap()),
            ("ssl.keystore.type", "PEM"),
            ("ssl.truststore.location", trust.to_str().unwrap()),
            ("ssl.truststore.type", "PEM"),
            ("ssl.client.auth", "required"),
        ]);
        let (_server, address) = serve(&settings);
        assert!(get(address, &own, Some(&client)).unwrap().starts_with("HTTP/1.0 200"));
        assert!(get(address, &own, Some(&stranger)).is_err());
        assert!(get(address, &own, None).is_err());
        settings.set("ssl.client.auth", "requested");
        let (_server, address) = serve(&settings);
        assert!(get(address, &own, None).unwrap().starts_with("HTTP/1.0 200"));
        assert!(get(address, &own, Some(&stranger)).is_err());
    }

    #[test]
    fn clients_are_known_by_the_name_in_their_certificate() {
        let dir = tempfile::tempdir().unwrap();
        let (key, own) = certificate("localhost", None);
        let client = certificate("ann", None);
        let nameless = of_subject(&[("O", "ann"), ("C", "DE")], None);
        let (file, trust) = (dir.path().join("own.pem"), dir.path().join("trust.pem"));
        write(&file, &key, &own);
        std::fs::write(&trust, [&client, &nameless].map(|it| it.1.to_pem().unwrap()).concat()).unwrap();
        let ssl = Props::from([
            ("ssl.keystore.location", file.to_str().unwrap()),
            ("ssl.keystore.type", "PEM"),
            ("ssl.truststore.location", trust.to_str().unwrap()),
            ("ssl.truststore.type", "PEM"),
            ("ssl.client.auth", "requested"),
        ]);
        let https = Https::new(HttpsSettings { prefix: String::new(), ssl }).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        for (shown, name) in [(Some(client), Some("ann")), (Some(nameless), Some("O=ann,C=DE")), (None, None)] {
            let found = runtime.block_on(async {
                let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
                let address = listener.local_addr().unwrap();
                let trusted = own.clone();
                let client = std::thread::spawn(move || connect(address, &trusted, shown.as_ref()).map(drop));
                let (stream, _) = listener.accept().await.unwrap();
                let found = subject(&https.accept(stream).await.unwrap());
                client.join().unwrap().unwrap();
                found
            });
            assert_eq!(found.as_deref(), name);
        }
    }

    #[test]
    fn certificates_have_the_rights_of_their_names() {
        let dir = tempfile::tempdir().unwrap();
        let (key, own) = certificate("localhost", None);
        let (ann, bob) = (certificate("ann", None), certificate("bob", None));
        let [file, trust, rights] = ["own.pem", "trust.pem", "rights"].map(|name| dir.path().join(name));
        write(&file, &key, &own);
        std::fs::write(&trust, [&ann, &bob].map(|it| it.1.to_pem().unwrap()).concat()).unwrap();
        std::fs::write(&rights, "ann.see=*\n").unwrap();
        let (_server, address) = serve(&Props::from([
            ("ssl.keystore.location", file.to_str().unwrap()),
            ("ssl.keystore.type", "PEM"),
            ("ssl.truststore.location", trust.to_str().unwrap()),
            ("ssl.truststore.type", "PEM"),
            ("ssl.client.auth", "requested"),
            ("rest.permissions.file", rights.to_str().unwrap()),
        ]));
        assert!(get(address, &own, Some(&ann)).unwrap().ends_with("\r\n\r\n[]"));
        for (client, part) in
            [(Some(&bob), "User bob has no rights here"), (None, "A client without a certificate has no")]
        {
            let refused = get(address, &own, client).unwrap();
            assert!(refused.starts_with("HTTP/1.0 403") && refused.contains(part), "{refused}");
        }
    }

    #[test]
    fn changed_files_are_used_and_damaged_ones_are_not() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("own.pem");
        let (key, own) = certificate("localhost", None);
        write(&file, &key, &own);
        let ssl = Props::from([("ssl.keystore.location", file.to_str().unwrap()), ("ssl.keystore.type", "PEM")]);
        let https = Https::new(HttpsSettings { prefix: String::new(), ssl }).unwrap();
        let served = || {
            https.acceptor.forget_look();
            https.acceptor().context().certificate().unwrap().to_der().unwrap()
        };
        assert_eq!(served(), own.to_der().unwrap());
        std::fs::write(&file, "damaged").unwrap();
        assert_eq!(served(), own.to_der().unwrap());
        let (key, renewed) = certificate("localhost", None);
        write(&file, &key, &renewed);
        assert_eq!(served(), renewed.to_der().unwrap());
    }

    #[test]
    fn wrong_settings_are_named_with_their_prefix() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("own.pem");
        let (key, own) = certificate("localhost", None);
        write(&file, &key, &own);
        let good = Props::from([
            ("listeners.https.ssl.keystore.location", file.to_str().unwrap()),
            ("listeners.https.ssl.keystore.type", "PEM"),
        ]);
        for (key, value, part) in [
            ("ssl.keystore.location", "/nowhere", "`listeners.https.ssl.keystore.location` cannot be read"),
            ("ssl.enabled.protocols", "TLSv1.1", "names TLSv1.1; TLSv1.2 and TLSv1.3 are supported"),
            ("ssl.cipher.suites", "TLS_NULL_X", "names TLS_NULL_X, which OpenSSL does not know"),
            ("ssl.client.auth", "maybe", "it may be none, requested or required"),
            ("ssl.client.auth", "required", "`listeners.https.ssl.truststore.location` is missing"),
        ] {
            let settings = rest(&good.clone().with(format!("listeners.https.{key}"), value));
            let error = BoundServer::bind(settings, Mode::Standalone).err().unwrap();
            assert!(error.message().contains(part), "{error}");
        }
        let error = BoundServer::bind(rest(&Props::new()), Mode::Standalone).err().unwrap();
        assert!(error.message().contains("`ssl.keystore.location` is missing"), "{error}");
    }
}
