//! Whom the connector trusts, and what it shows of itself.
#![allow(clippy::unwrap_used, reason = "tests")]

mod server;

use ferroconnect_plugin_sdk::testkit::{self, SinkHarness};
use ferroconnect_plugin_sdk::{Config, Data, Result};
use openssl::asn1::Asn1Time;
use openssl::bn::BigNum;
use openssl::ec::{EcGroup, EcKey};
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkcs12::Pkcs12;
use openssl::pkey::{PKey, Private};
use openssl::ssl::{SslAcceptor, SslMethod, SslVerifyMode};
use openssl::x509::extension::{BasicConstraints, SubjectAlternativeName};
use openssl::x509::store::X509StoreBuilder;
use openssl::x509::{X509, X509NameBuilder};
use server::Server;
use std::fs;

/// A certificate with its key; signs itself, or is signed by another.
struct Identity {
    certificate: X509,
    key: PKey<Private>,
}

impl Identity {
    fn new(name: &str, signer: Option<&Identity>) -> Identity {
        let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap();
        let key = PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap();
        let mut names = X509NameBuilder::new().unwrap();
        names.append_entry_by_text("CN", name).unwrap();
        let names = names.build();
        let mut certificate = X509::builder().unwrap();
        certificate.set_version(2).unwrap();
        certificate
            .set_serial_number(&BigNum::from_u32(name.len() as u32).unwrap().to_asn1_integer().unwrap())
            .unwrap();
        certificate.set_subject_name(&names).unwrap();
        certificate.set_issuer_name(signer.map_or(&names, |signer| signer.certificate.subject_name())).unwrap();
        certificate.set_pubkey(&key).unwrap();
        certificate.set_not_before(&Asn1Time::days_from_now(0).unwrap()).unwrap();
        certificate.set_not_after(&Asn1Time::days_from_now(2).unwrap()).unwrap();
        match signer {
            None => {
                certificate.append_extension(BasicConstraints::new().critical().ca().build().unwrap()).unwrap();
            }
            Some(signer) => {
                let context = certificate.x509v3_context(Some(&signer.certificate), None);
                let host = SubjectAlternativeName::new().dns(name).build(&context).unwrap();
                certificate.append_extension(host).unwrap();
            }
        }
        certificate.sign(signer.map_or(&key, |signer| &signer.key), MessageDigest::sha256()).unwrap();
        Identity { certificate: certificate.build(), key }
    }

    fn certificate_pem(&self) -> String {
        String::from_utf8(self.certificate.to_pem().unwrap()).unwrap()
    }

    fn pem(&self) -> String {
        self.certificate_pem() + &String::from_utf8(self.key.private_key_to_pem_pkcs8().unwrap()).unwrap()
    }

    /// As `keytool` makes it.
    fn store(&self, password: &str) -> Vec<u8> {
        let mut store = Pkcs12::builder();
        store.name("client").pkey(&self.key).cert(&self.certificate);
        store.build2(password).unwrap().to_der().unwrap()
    }

    /// A server with this identity, which asks for client certificates of an authority, if there is one.
    fn server(&self, clients: Option<&Identity>) -> Server {
        let mut acceptor = SslAcceptor::mozilla_intermediate_v5(SslMethod::tls_server()).unwrap();
        acceptor.set_private_key(&self.key).unwrap();
        acceptor.set_certificate(&self.certificate).unwrap();
        if let Some(authority) = clients {
            let mut store = X509StoreBuilder::new().unwrap();
            store.add_cert(authority.certificate.clone()).unwrap();
            acceptor.set_verify_cert_store(store.build()).unwrap();
            acceptor.set_verify(SslVerifyMode::PEER | SslVerifyMode::FAIL_IF_NO_PEER_CERT);
        }
        let acceptor = acceptor.build();
        // A client that does not trust the server breaks the handshake off.
        Server::start_tls(move |stream| Some(Box::new(acceptor.accept(stream).ok()?)))
    }
}

/// Sends one record.
fn send(server: &Server, more: &[(&str, &str)]) -> Result<()> {
    let mut config = Config::from([
        ("http.url", server.url("/").as_str()),
        ("http.authorization.type", "none"),
        ("max.retries", "0"),
    ]);
    for (key, value) in more {
        config.set(key, value);
    }
    let mut sink = SinkHarness::new(&testkit::library!(ferroconnect_http_sink), "HttpSink", config);
    sink.start()?;
    sink.put_values("t", 0, vec![Data::schemaless("a")]).map(drop)
}

#[test]
fn certificates_of_both_sides_are_checked() {
    let directory = tempfile::tempdir().unwrap();
    let file = |name: &str, content: String| {
        let path = directory.path().join(name);
        fs::write(&path, content).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let (authority, stranger) = (Identity::new("authority", None), Identity::new("stranger", None));
    let trust = file("authority.pem", authority.certificate_pem());
    let other = file("stranger.pem", stranger.certificate_pem());
    let client = Identity::new("client", Some(&authority));
    let own = file("client.pem", client.pem());
    let store = directory.path().join("client.p12");
    fs::write(&store, client.store("changeit")).unwrap();
    let store = store.to_str().unwrap().to_owned();
    let trusted = ("http.ssl.truststore.location", trust.as_str());

    let server = Identity::new("localhost", Some(&authority)).server(None);
    send(&server, &[trusted]).unwrap();
    assert_eq!(server.bodies(), ["a"]);
    for config in [&[][..], &[("http.ssl.truststore.location", other.as_str())]] {
        let error = send(&server, config).unwrap_err();
        assert!(error.message().contains("certificate verify failed"), "{error}");
    }
    send(&server, &[("http.ssl.trust.all.certs", "true")]).unwrap();
    assert_eq!(server.bodies(), ["a", "a"]);

    let elsewhere = Identity::new("elsewhere", Some(&authority)).server(None);
    let error = send(&elsewhere, &[trusted]).unwrap_err();
    assert!(error.message().contains("ostname mismatch"), "{error}");

    let server = Identity::new("localhost", Some(&authority)).server(Some(&authority));
    send(&server, &[trusted, ("http.ssl.keystore.location", own.as_str())]).unwrap();
    let store = [("http.ssl.keystore.location", store.as_str()), ("http.ssl.keystore.password", "changeit")];
    send(&server, &[trusted, store[0], store[1]]).unwrap();
    assert_eq!(server.bodies(), ["a", "a"]);
    let error = send(&server, &[trusted, store[0], ("http.ssl.keystore.password", "hush")]).unwrap_err();
    assert!(error.message().contains("http.ssl.keystore.password"), "{error}");
    assert!(!error.message().contains("hush"), "{error}");
    assert!(send(&server, &[trusted]).is_err());
}
