//! Certificates and stores for tests.

use openssl::asn1::Asn1Time;
use openssl::ec::{EcGroup, EcKey};
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private};
use openssl::sha::Sha1;
use openssl::x509::extension::SubjectAlternativeName;
use openssl::x509::{X509, X509Builder, X509NameBuilder};

/// A new key and a certificate for `name` on this machine, signed by `issuer` or by itself.
pub fn certificate(name: &str, issuer: Option<(&X509, &PKey<Private>)>) -> (PKey<Private>, X509) {
    of_subject(&[("CN", name)], issuer)
}

/// As [`certificate`], with any subject.
pub fn of_subject(parts: &[(&str, &str)], issuer: Option<(&X509, &PKey<Private>)>) -> (PKey<Private>, X509) {
    let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).expect("known");
    let key = PKey::from_ec_key(EcKey::generate(&group).expect("a key")).expect("a key");
    let mut subject = X509NameBuilder::new().expect("a builder");
    parts.iter().for_each(|(part, text)| subject.append_entry_by_text(part, text).expect("text"));
    let subject = subject.build();
    let mut builder = X509Builder::new().expect("a builder");
    builder.set_version(2).expect("version 3");
    builder.set_subject_name(&subject).expect("a name");
    builder.set_issuer_name(issuer.map_or(&*subject, |(issuer, _)| issuer.subject_name())).expect("a name");
    builder.set_pubkey(&key).expect("a key");
    builder.set_not_before(&Asn1Time::days_from_now(0).expect("a time")).expect("a time");
    builder.set_not_after(&Asn1Time::days_from_now(1).expect("a time")).expect("a time");
    let mut name = SubjectAlternativeName::new();
    let name = name.dns("localhost").ip("127.0.0.1").build(&builder.x509v3_context(None, None)).expect("an extension");
    builder.append_extension(name).expect("an extension");
    builder.sign(issuer.map_or(&key, |(_, key)| key), MessageDigest::sha256()).expect("signed");
    (key, builder.build())
}

/// Certificates to trust, as a JKS file.
pub fn jks(certificates: &[X509], password: &str) -> Vec<u8> {
    let mut file = vec![0xFE, 0xED, 0xFE, 0xED, 0, 0, 0, 2];
    let count = |count: usize| u32::try_from(count).expect("small").to_be_bytes();
    let text = |text: &str| [&[0, u8::try_from(text.len()).expect("short")], text.as_bytes()].concat();
    file.extend(count(certificates.len()));
    for (number, certificate) in certificates.iter().enumerate() {
        let der = certificate.to_der().expect("DER");
        // A certificate to trust, its name, the time at which it was put in.
        file.extend([0, 0, 0, 2]);
        file.extend(text(&number.to_string()));
        file.extend([0; 8]);
        file.extend(text("X.509"));
        file.extend(count(der.len()));
        file.extend(der);
    }
    let mut digest = Sha1::new();
    password.encode_utf16().for_each(|unit| digest.update(&unit.to_be_bytes()));
    digest.update(b"Mighty Aphrodite");
    digest.update(&file);
    file.extend(digest.finish());
    file
}
