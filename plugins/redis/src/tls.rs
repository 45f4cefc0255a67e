//! Certificates and keys out of the files that users have: PEM, PKCS#12 or JKS, as their content says.

use ferroconnect_key_stores::{Identity, Problem, by_content, own, to_pem, trusted};
use redis::{ClientTlsConfig, TlsCertificates};
use std::fmt;
use std::fs;

const OWN_KEY: &str = "ssl.keystore.key";
const OWN_CHAIN: &str = "ssl.keystore.certificate.chain";

/// What a connection needs for TLS. Holds a private key; its debug form shows none of it.
#[derive(Clone)]
pub(crate) struct Tls {
    /// Whether any certificate of the server is taken.
    pub(crate) insecure: bool,
    /// What to trust and what to show.
    pub(crate) certificates: TlsCertificates,
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls").field("insecure", &self.insecure).finish_non_exhaustive()
    }
}

impl Tls {
    /// Whether there is more than what the system brings along.
    pub(crate) fn has_files(&self) -> bool {
        self.certificates.root_cert.is_some() || self.certificates.client_tls.is_some()
    }
}

/// A key that is wrong, and why, without the content of its file.
pub(crate) type Wrong = (&'static str, String);

/// Where certificates and keys are: names that Kafka's clients have for that, with those of a connector.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Names(pub(crate) &'static [(&'static str, &'static str)]);

impl Names {
    fn of(self, kafka: &str) -> Option<&'static str> {
        self.0.iter().find(|(name, _)| *name == kafka).map(|(_, own)| *own)
    }

    /// Reads the files that the configuration names; `get` gives the values of the connector's keys.
    ///
    /// # Errors
    /// A file cannot be read, or holds something else, or needs another password.
    pub(crate) fn read<'a>(self, get: impl Fn(&str) -> Option<&'a str>) -> Result<TlsCertificates, Wrong> {
        // In files of their own, where Kafka's clients have them in the configuration.
        let content = |kafka: &str| {
            let Some((own, path)) = self.of(kafka).and_then(|own| Some((own, get(own)?))) else { return Ok(None) };
            fs::read_to_string(path).map(Some).map_err(|error| (own, format!("{path} cannot be read: {error}")))
        };
        let (key, chain) = (content(OWN_KEY)?, content(OWN_CHAIN)?);
        let values = by_content(|kafka: &str| match kafka {
            OWN_KEY => key.as_deref(),
            OWN_CHAIN => chain.as_deref(),
            _ => self.of(kafka).and_then(&get),
        });
        let wrong = |problem: Problem| self.wrong(&problem, &get);
        let roots = trusted(&values).map_err(wrong)?;
        let identity = own(&values).map_err(wrong)?;
        let unusable = |kafka| move |reason: String| wrong(Problem { key: kafka, reason });
        Ok(TlsCertificates {
            root_cert: match roots {
                Some(roots) => Some(to_pem(&roots).map_err(unusable("ssl.truststore.location"))?.into_bytes()),
                None => None,
            },
            client_tls: match identity {
                Some(identity) => Some(client(&identity).map_err(unusable("ssl.keystore.location"))?),
                None => None,
            },
        })
    }

    fn wrong<'a>(self, problem: &Problem, get: impl Fn(&str) -> Option<&'a str>) -> Wrong {
        let own = self.of(problem.key).expect("only what has a name of the connector is looked at");
        let reason = self.0.iter().fold(problem.reason.clone(), |reason, (kafka, own)| reason.replace(kafka, own));
        (own, format!("{} {reason}", get(own).unwrap_or_default()))
    }
}

fn client(Identity { key, chain }: &Identity) -> Result<ClientTlsConfig, String> {
    let client_key =
        key.private_key_to_pem_pkcs8().map_err(|_| "holds a key that cannot be written as PEM".to_owned())?;
    Ok(ClientTlsConfig { client_cert: to_pem(chain)?.into_bytes(), client_key })
}
