//! Whom to trust, and who this is: certificates and keys out of PEM files and Java's stores.

use crate::common::text;
use crate::options::Wrong;
use ferroconnect_key_stores::{Identity, Problem, by_content, own, trusted};
use ferroconnect_plugin_sdk::{Config, ConfigDef, Key};
use openssl::error::ErrorStack;
use openssl::x509::X509;
use ureq::tls::{Certificate, ClientCert, PrivateKey, RootCerts, TlsConfig, TlsProvider};

/// The settings for TLS connections, out of the keys that begin so (`http.` or `https.`).
pub(crate) fn config(config: &Config, prefix: &str, trust_all: bool) -> Result<TlsConfig, Wrong> {
    let get = by_content(|key: &str| text(config, &format!("{prefix}{key}")));
    let wrong = |problem: Problem| {
        let reason = problem.reason.replace(" ssl.", &format!(" {prefix}ssl."));
        Wrong::new(format!("{prefix}{}", problem.key), format!("the file {reason}"))
    };
    let mut tls = TlsConfig::builder()
        .provider(TlsProvider::NativeTls)
        .root_certs(RootCerts::PlatformVerifier)
        .disable_verification(trust_all);
    let unusable = |key: &'static str| move |error: ErrorStack| Wrong::new(format!("{prefix}{key}"), error.to_string());
    if let Some(certificates) = trusted(&get).map_err(wrong)? {
        let certificates = all_of(&certificates).map_err(unusable("ssl.truststore.location"))?;
        tls = tls.root_certs(RootCerts::new_with_certs(&certificates));
    }
    if let Some(identity) = own(&get).map_err(wrong)? {
        tls = tls.client_cert(Some(client(&identity).map_err(unusable("ssl.keystore.location"))?));
    }
    Ok(tls.build())
}

fn client(identity: &Identity) -> Result<ClientCert, ErrorStack> {
    let pem = identity.key.private_key_to_pem_pkcs8()?;
    let key = PrivateKey::from_pem(&pem).expect("what OpenSSL writes as PEM is PEM");
    Ok(ClientCert::new_with_certs(&all_of(&identity.chain)?, key))
}

fn all_of(certificates: &[X509]) -> Result<Vec<Certificate<'static>>, ErrorStack> {
    certificates.iter().map(|certificate| Ok(Certificate::from_der(&certificate.to_der()?).to_owned())).collect()
}

/// The keys that [`config`] reads. Places in the group begin behind `order`.
pub(crate) fn keys(def: ConfigDef, prefix: &str, group: &str, order: i32) -> ConfigDef {
    let name = |key: &str| format!("{prefix}{key}");
    def.key(Key::string(&name("ssl.truststore.location")).low().group(group, order + 1).doc(
        "A file with the certificates to trust, in place of those of the machine: PEM, PKCS#12 or JKS, as its content \
         says.",
    ))
    .key(
        Key::password(&name("ssl.truststore.password")).low().group(group, order + 2).doc("The password of that file."),
    )
    .key(Key::string(&name("ssl.keystore.location")).low().group(group, order + 3).doc(
        "A file with a certificate chain and its key, for servers that ask for a client certificate: PEM, PKCS#12 or \
         JKS, as its content says.",
    ))
    .key(Key::password(&name("ssl.keystore.password")).low().group(group, order + 4).doc("The password of that file."))
    .key(
        Key::password(&name("ssl.key.password"))
            .low()
            .group(group, order + 5)
            .doc("The password of the key in that file, where it has one of its own."),
    )
}
