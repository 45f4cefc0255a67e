//! Certificates out of Java's trust stores: PKCS#12 and JKS.
//!
//! Only certificates are read. Private keys in JKS files have an encryption of Java's own; those
//! stores are refused where they are meant as key stores.

use openssl::memcmp;
use openssl::pkcs12::Pkcs12;
use openssl::sha::Sha1;
use openssl::x509::X509;

const JKS_MAGIC: [u8; 4] = [0xFE, 0xED, 0xFE, 0xED];
const DIGEST: usize = 20;
/// Java mixes these words into the digest of every JKS file.
const SALT: &[u8] = b"Mighty Aphrodite";

/// All certificates of a store, as PEM. Errors complete the sentence "the store …".
pub(super) fn read(path: &str, password: Option<&str>) -> Result<String, String> {
    let bytes = std::fs::read(path).map_err(|error| format!("cannot be read: {error}"))?;
    let certificates = if bytes.starts_with(&JKS_MAGIC) { jks(&bytes, password)? } else { pkcs12(&bytes, password)? };
    if certificates.is_empty() {
        return Err("holds no certificate".to_owned());
    }
    let mut pem = String::new();
    for certificate in &certificates {
        let text = certificate.to_pem().map_err(|_| "holds a certificate that cannot be written as PEM".to_owned())?;
        pem.push_str(&String::from_utf8_lossy(&text));
    }
    Ok(pem)
}

fn pkcs12(bytes: &[u8], password: Option<&str>) -> Result<Vec<X509>, String> {
    let store = Pkcs12::from_der(bytes).map_err(|_| "is not a PKCS#12 file".to_owned())?;
    let parsed = store
        .parse2(password.unwrap_or_default())
        .map_err(|_| "cannot be opened; is ssl.truststore.password the right one?".to_owned())?;
    let others = parsed.ca.into_iter().flatten();
    Ok(parsed.cert.into_iter().chain(others).collect())
}

fn jks(bytes: &[u8], password: Option<&str>) -> Result<Vec<X509>, String> {
    let damaged = || "is a damaged JKS file".to_owned();
    let (body, digest) = bytes.split_at_checked(bytes.len().saturating_sub(DIGEST)).ok_or_else(damaged)?;
    if let Some(password) = password
        && !(digest.len() == DIGEST && memcmp::eq(digest, &jks_digest(body, password)))
    {
        return Err("was changed, or ssl.truststore.password is not the right one".to_owned());
    }
    read_entries(&mut Reader(body)).ok_or_else(damaged)?.ok_or_else(|| "holds a broken certificate".to_owned())
}

fn jks_digest(body: &[u8], password: &str) -> [u8; DIGEST] {
    let mut sha = Sha1::new();
    for unit in password.encode_utf16() {
        sha.update(&unit.to_be_bytes());
    }
    sha.update(SALT);
    sha.update(body);
    sha.finish()
}

/// None if the file ends too early or has an unknown entry; inner None for a broken certificate.
fn read_entries(file: &mut Reader<'_>) -> Option<Option<Vec<X509>>> {
    const KEY: u32 = 1;
    const CERTIFICATE: u32 = 2;
    file.take(JKS_MAGIC.len())?;
    let version = file.number()?;
    let count = file.number()?;
    let mut certificates = Vec::new();
    for _ in 0..count {
        let kind = file.number()?;
        file.text()?; // alias
        file.take(8)?; // date of creation
        let chain = match kind {
            KEY => {
                let key = file.number()?;
                file.take(key as usize)?;
                file.number()?
            }
            CERTIFICATE => 1,
            _ => return None,
        };
        for _ in 0..chain {
            if version == 2 {
                file.text()?; // type of the certificate, always X.509
            }
            let len = file.number()?;
            let der = file.take(len as usize)?;
            // Chains of keys are not trusted by Java either.
            if kind == CERTIFICATE {
                match X509::from_der(der) {
                    Ok(certificate) => certificates.push(certificate),
                    Err(_) => return Some(None),
                }
            }
        }
    }
    Some(Some(certificates))
}

/// Big-endian fields of a byte slice.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, len: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        Some(taken)
    }

    fn number(&mut self) -> Option<u32> {
        let bytes = self.take(4)?.try_into().ok()?;
        Some(u32::from_be_bytes(bytes))
    }

    /// A text with its length in two bytes; skipped.
    fn text(&mut self) -> Option<()> {
        let bytes = self.take(2)?.try_into().ok()?;
        self.take(usize::from(u16::from_be_bytes(bytes))).map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Made by keytool with the same certificate and the password `changeit`.
    const STORES: &[&str] = &["trust.jks", "trust.p12"];

    fn path(name: &str) -> String {
        format!("{}/src/kafka/client_config/testdata/{name}", env!("CARGO_MANIFEST_DIR"))
    }

    #[test]
    fn certificates_are_those_that_keytool_put_in() {
        let expected = std::fs::read_to_string(path("trust.pem")).expect("there");
        for store in STORES {
            assert_eq!(read(&path(store), Some("changeit")).expect("opens"), expected, "{store}");
        }
        // Java opens a JKS file without a password too, and then does not check it.
        assert_eq!(read(&path("trust.jks"), None).expect("opens"), expected);
    }

    #[test]
    fn a_wrong_password_is_named_by_its_key() {
        for store in STORES {
            let error = read(&path(store), Some("wrong")).expect_err("refused");
            assert!(error.contains("ssl.truststore.password"), "{error}");
        }
    }

    #[test]
    fn every_cut_of_a_file_is_refused() {
        for store in STORES {
            let whole = std::fs::read(path(store)).expect("there");
            for len in 0..whole.len() {
                let cut = &whole[..len];
                let result = if cut.starts_with(&JKS_MAGIC) {
                    jks(cut, Some("changeit"))
                } else {
                    pkcs12(cut, Some("changeit"))
                };
                assert!(result.is_err(), "{store} cut to {len}");
            }
            // Without a password nothing checks the digest; no panic is what counts.
            for len in 0..whole.len() {
                let _ = jks(&whole[..len], None);
            }
        }
    }
}
