//! Certificates for a server on `localhost` and for a client.

use openssl::asn1::Asn1Time;
use openssl::bn::BigNum;
use openssl::hash::MessageDigest;
use openssl::pkcs12::Pkcs12;
use openssl::pkey::{PKey, Private};
use openssl::rsa::Rsa;
use openssl::stack::Stack;
use openssl::x509::extension::{BasicConstraints, KeyUsage, SubjectAlternativeName};
use openssl::x509::{X509, X509Builder, X509Name};

/// An authority, what it signed, and another authority that signed nothing here. All in PEM.
#[derive(Clone)]
pub struct Certificates {
    /// The authority's certificate.
    pub authority: String,
    /// The certificate of an authority that has nothing to do with it.
    pub stranger: String,
    /// The certificate of a client by the name of [`Certificates::CLIENT`].
    pub client: String,
    /// The client's key.
    pub client_key: String,
    server: String,
    server_key: String,
}

impl Certificates {
    /// The client's name.
    pub const CLIENT: &str = "client";

    pub(crate) fn make() -> Certificates {
        let (authority, authority_key) = authority("Test authority");
        let (stranger, _) = self::authority("Stranger");
        let (server, server_key) = signed("localhost", &authority, &authority_key);
        let (client, client_key) = signed(Certificates::CLIENT, &authority, &authority_key);
        let authority = pem(&authority);
        Certificates { authority, stranger: pem(&stranger), client, client_key, server, server_key }
    }

    /// The authority's certificate in a PKCS#12 store.
    pub fn authority_store(&self, password: &str) -> Vec<u8> {
        let mut authorities = Stack::new().expect("a list can be made");
        authorities.push(read(&self.authority)).expect("a list grows");
        let store = Pkcs12::builder().ca(authorities).build2(password);
        store.and_then(|store| store.to_der()).expect("a store can be made")
    }

    /// The client's certificate and key in a PKCS#12 store.
    pub fn client_store(&self, password: &str) -> Vec<u8> {
        let key = PKey::private_key_from_pem(self.client_key.as_bytes()).expect("it was written here");
        let store = Pkcs12::builder().pkey(&key).cert(&read(&self.client)).build2(password);
        store.and_then(|store| store.to_der()).expect("a store can be made")
    }

    pub(crate) fn server_files(&self) -> [(&'static str, &str); 3] {
        [("ca.pem", &self.authority), ("server.pem", &self.server), ("server.key", &self.server_key)]
    }
}

fn authority(name: &str) -> (X509, PKey<Private>) {
    let key = new_key();
    let mut builder = builder(name, &key);
    let basic = BasicConstraints::new().critical().ca().build().expect("an extension fits");
    let usage = KeyUsage::new().critical().key_cert_sign().build().expect("an extension fits");
    builder.append_extension(basic).expect("an extension fits");
    builder.append_extension(usage).expect("an extension fits");
    builder.sign(&key, MessageDigest::sha256()).expect("a certificate can be signed");
    (builder.build(), key)
}

/// A certificate for a name, which is a host's too, and its key.
fn signed(name: &str, authority: &X509, authority_key: &PKey<Private>) -> (String, String) {
    let key = new_key();
    let mut builder = builder(name, &key);
    builder.set_issuer_name(authority.subject_name()).expect("a name fits");
    let names = SubjectAlternativeName::new().dns(name).build(&builder.x509v3_context(Some(authority), None));
    builder.append_extension(names.expect("names fit")).expect("an extension fits");
    builder.sign(authority_key, MessageDigest::sha256()).expect("a certificate can be signed");
    (pem(&builder.build()), text(key.private_key_to_pem_pkcs8().expect("a key has a text")))
}

fn read(pem: &str) -> X509 {
    X509::from_pem(pem.as_bytes()).expect("it was written here")
}

fn new_key() -> PKey<Private> {
    PKey::from_rsa(Rsa::generate(2048).expect("a key can be made")).expect("a key is a key")
}

/// A certificate of a key, from today on, that names itself as issuer.
fn builder(name: &str, key: &PKey<Private>) -> X509Builder {
    let mut subject = X509Name::builder().expect("names can be made");
    subject.append_entry_by_text("CN", name).expect("a name fits");
    let subject = subject.build();
    let mut serial = BigNum::new().expect("numbers can be made");
    serial.rand(64, openssl::bn::MsbOption::MAYBE_ZERO, false).expect("numbers can be made");
    let mut builder = X509::builder().expect("certificates can be made");
    builder.set_version(2).expect("there is version 3");
    builder.set_serial_number(&serial.to_asn1_integer().expect("a number fits")).expect("a number fits");
    builder.set_subject_name(&subject).expect("a name fits");
    builder.set_issuer_name(&subject).expect("a name fits");
    builder.set_pubkey(key).expect("a key fits");
    builder.set_not_before(&Asn1Time::days_from_now(0).expect("there is a today")).expect("a day fits");
    builder.set_not_after(&Asn1Time::days_from_now(2).expect("there is a tomorrow")).expect("a day fits");
    builder
}

fn pem(certificate: &X509) -> String {
    text(certificate.to_pem().expect("a certificate has a text"))
}

fn text(pem: Vec<u8>) -> String {
    String::from_utf8(pem).expect("PEM is ASCII")
}
