//! JKS files: Java's own form of key stores and trust stores, with certificates as they are and keys encrypted in a way
//! of Java's own.

use openssl::memcmp;
use openssl::pkey::{PKey, Private};
use openssl::sha::Sha1;
use openssl::x509::X509;

const MAGIC: [u8; 4] = [0xFE, 0xED, 0xFE, 0xED];
const DIGEST: usize = 20;
/// Java mixes these words into the digest of every file.
const SALT: &[u8] = b"Mighty Aphrodite";
/// 1.3.6.1.4.1.42.2.17.1.1, Java's encryption of keys, as the contents of a DER object identifier.
const KEY_PROTECTION: &[u8] = &[0x2B, 0x06, 0x01, 0x04, 0x01, 0x2A, 0x02, 0x11, 0x01, 0x01];

/// One entry of a file.
enum Entry<'a> {
    /// An encrypted key with its certificates, the own one first.
    Key { protected: &'a [u8], chain: Vec<X509> },
    /// A certificate to trust.
    Trusted(X509),
}

/// The certificates to trust. Those of keys are not trusted by Java either. Errors complete the sentence "the store …".
pub(super) fn certificates(bytes: &[u8], password: Option<&str>) -> Result<Vec<X509>, String> {
    let entries = open(bytes, password, "ssl.truststore.password")?;
    let trusted = |entry| match entry {
        Entry::Trusted(certificate) => Some(certificate),
        Entry::Key { .. } => None,
    };
    Ok(entries.into_iter().filter_map(trusted).collect())
}

/// The first key and its certificates. Errors complete the sentence "the store …".
pub(super) fn identity(
    bytes: &[u8],
    password: Option<&str>,
    key_password: Option<&str>,
) -> Result<(PKey<Private>, Vec<X509>), String> {
    let entries = open(bytes, password, "ssl.keystore.password")?;
    let key = |entry| match entry {
        Entry::Key { protected, chain } => Some((protected, chain)),
        Entry::Trusted(_) => None,
    };
    let (protected, chain) = entries.into_iter().find_map(key).ok_or_else(|| "holds no private key".to_owned())?;
    let plain = unprotect(protected, key_password.unwrap_or_default())?;
    let key = PKey::private_key_from_der(&plain).map_err(|_| "holds a broken private key".to_owned())?;
    Ok((key, chain))
}

fn open<'a>(bytes: &'a [u8], password: Option<&str>, key: &str) -> Result<Vec<Entry<'a>>, String> {
    let damaged = || "is a damaged JKS file".to_owned();
    if !bytes.starts_with(&MAGIC) {
        return Err("is a JCEKS file; make a PKCS#12 file of it with: keytool -importkeystore".to_owned());
    }
    let (body, digest) = bytes.split_at_checked(bytes.len().saturating_sub(DIGEST)).ok_or_else(damaged)?;
    if let Some(password) = password
        && !(digest.len() == DIGEST && memcmp::eq(digest, &file_digest(body, password)))
    {
        return Err(format!("was changed, or {key} is not the right one"));
    }
    read_entries(&mut Reader(body)).ok_or_else(damaged)?.ok_or_else(|| "holds a broken certificate".to_owned())
}

fn file_digest(body: &[u8], password: &str) -> [u8; DIGEST] {
    let mut sha = Sha1::new();
    sha.update(&utf16(password));
    sha.update(SALT);
    sha.update(body);
    sha.finish()
}

fn utf16(password: &str) -> Vec<u8> {
    password.encode_utf16().flat_map(u16::to_be_bytes).collect()
}

/// None if the file ends too early or has an unknown entry; inner None for a broken certificate.
fn read_entries<'a>(file: &mut Reader<'a>) -> Option<Option<Vec<Entry<'a>>>> {
    const KEY: u32 = 1;
    const CERTIFICATE: u32 = 2;
    file.take(MAGIC.len())?;
    let version = file.number()?;
    let count = file.number()?;
    let mut entries = Vec::new();
    for _ in 0..count {
        let kind = file.number()?;
        file.text()?; // alias
        file.take(8)?; // date of creation
        let (protected, certificates) = match kind {
            KEY => {
                let len = file.number()?;
                (Some(file.take(len as usize)?), file.number()?)
            }
            CERTIFICATE => (None, 1),
            _ => return None,
        };
        let mut chain = Vec::new();
        for _ in 0..certificates {
            if version == 2 {
                file.text()?; // type of the certificate, always X.509
            }
            let len = file.number()?;
            match X509::from_der(file.take(len as usize)?) {
                Ok(certificate) => chain.push(certificate),
                Err(_) => return Some(None),
            }
        }
        match protected {
            Some(protected) => entries.push(Entry::Key { protected, chain }),
            None => entries.extend(chain.into_iter().map(Entry::Trusted)),
        }
    }
    Some(Some(entries))
}

/// Decrypts a key: a stream of digests over the password, which begins with a salt, is mixed into it, and a digest of
/// password and plain key stands at the end.
fn unprotect(protected: &[u8], password: &str) -> Result<Vec<u8>, String> {
    let data = protected_octets(protected).ok_or_else(|| "has a key in a form that is not Java's".to_owned())?;
    let wrong = || "has a key that cannot be opened; is ssl.key.password the right one?".to_owned();
    let (salt, rest) = data.split_at_checked(DIGEST).ok_or_else(wrong)?;
    let (encrypted, check) = rest.split_at_checked(rest.len().saturating_sub(DIGEST)).ok_or_else(wrong)?;
    let password = utf16(password);
    let digest = |with: &[u8]| {
        let mut sha = Sha1::new();
        sha.update(&password);
        sha.update(with);
        sha.finish()
    };
    let mut plain = Vec::with_capacity(encrypted.len());
    let mut stream = digest(salt);
    for block in encrypted.chunks(DIGEST) {
        plain.extend(block.iter().zip(stream).map(|(byte, mask)| byte ^ mask));
        stream = digest(&stream);
    }
    if check.len() == DIGEST && memcmp::eq(check, &digest(&plain)) { Ok(plain) } else { Err(wrong()) }
}

/// The octets of `SEQUENCE { SEQUENCE { KEY_PROTECTION, … }, OCTET STRING }`, an EncryptedPrivateKeyInfo (RFC 5208).
fn protected_octets(der: &[u8]) -> Option<&[u8]> {
    const SEQUENCE: u8 = 0x30;
    const OBJECT_ID: u8 = 0x06;
    const OCTETS: u8 = 0x04;
    let (whole, _) = element(SEQUENCE, der)?;
    let (algorithm, rest) = element(SEQUENCE, whole)?;
    let (id, _) = element(OBJECT_ID, algorithm)?;
    let (octets, _) = element(OCTETS, rest)?;
    (id == KEY_PROTECTION).then_some(octets)
}

/// The contents of a DER element of this tag, and what stands behind it.
fn element(tag: u8, der: &[u8]) -> Option<(&[u8], &[u8])> {
    let (&[found, first], rest) = der.split_first_chunk()?;
    let (len, rest) = match first {
        0..=0x7F => (usize::from(first), rest),
        // The length has as many bytes of its own; no key has more than 64 KB.
        0x81 | 0x82 => {
            let (bytes, rest) = rest.split_at_checked(usize::from(first - 0x80))?;
            (bytes.iter().fold(0, |len, byte| len << 8 | usize::from(*byte)), rest)
        }
        _ => return None,
    };
    (found == tag).then_some(())?;
    rest.split_at_checked(len)
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
