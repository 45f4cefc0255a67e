//! Certificates for a server on `localhost`.

use openssl::asn1::Asn1Time;
use openssl::bn::BigNum;
use openssl::hash::MessageDigest;
use openssl::pkey::{PKey, Private};
use openssl::rsa::Rsa;
use openssl::x509::extension::{BasicConstraints, KeyUsage, SubjectAlternativeName};
use openssl::x509::{X509, X509Builder, X509Name};

/// An authority, what it signed, and another authority that signed nothing here. All in PEM.
#[derive(Clone)]
pub struct Certificates {
    /// The authority's certificate.
    pub authority: String,
    /// The certificate of an authority that has nothing to do with it.
    pub stranger: String,
    server: String,
    server_key: String,
}

impl Certificates {
    pub(crate) fn make() -> Certificates {
        let (authority, authority_key) = authority("Test authority");
        let (stranger, _) = self::authority("Stranger");
        let key = new_key();
        let mut builder = builder("localhost", &key);
        builder.set_issuer_name(authority.subject_name()).expect("a name fits");
        let names =
            SubjectAlternativeName::new().dns("localhost").build(&builder.x509v3_context(Some(&authority), None));
        builder.append_extension(names.expect("names fit")).expect("an extension fits");
        builder.sign(&authority_key, MessageDigest::sha256()).expect("a certificate can be signed");
        Certificates {
            authority: pem(&authority),
            stranger: pem(&stranger),
            server: pem(&builder.build()),
            server_key: text(key.private_key_to_pem_pkcs8().expect("a key has a text")),
        }
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
