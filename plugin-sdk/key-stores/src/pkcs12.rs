//! PKCS#12 files (RFC 7292), what `keytool` writes since Java 9.

use openssl::error::ErrorStack;
use openssl::pkcs12::{ParsedPkcs12_2, Pkcs12};
use openssl::pkey::{PKey, Private};
use openssl::x509::X509;

/// All certificates. Errors complete the sentence "the store …".
pub(super) fn certificates(bytes: &[u8], password: Option<&str>, key: &str) -> Result<Vec<X509>, String> {
    open(bytes, password, key).map(all)
}

/// The key and all certificates. Errors complete the sentence "the store …".
pub(super) fn identity(bytes: &[u8], password: Option<&str>, key: &str) -> Result<(PKey<Private>, Vec<X509>), String> {
    let mut parsed = open(bytes, password, key)?;
    let private = parsed.pkey.take().ok_or_else(|| "holds no private key".to_owned())?;
    Ok((private, all(parsed)))
}

fn open(bytes: &[u8], password: Option<&str>, key: &str) -> Result<ParsedPkcs12_2, String> {
    let store = Pkcs12::from_der(bytes).map_err(|_| "is not a PKCS#12 file".to_owned())?;
    store.parse2(password.unwrap_or_default()).map_err(|errors| {
        if is_unsupported(&errors) {
            "is encrypted in a way of Java 8 and before that is no longer safe; write it anew with: keytool \
             -importkeystore -srckeystore OLD -destkeystore NEW -deststoretype pkcs12"
                .to_owned()
        } else {
            format!("cannot be opened; is {key} the right one?")
        }
    })
}

fn is_unsupported(errors: &ErrorStack) -> bool {
    errors.errors().iter().filter_map(|error| error.reason()).any(|reason| reason.contains("unsupported"))
}

fn all(parsed: ParsedPkcs12_2) -> Vec<X509> {
    parsed.cert.into_iter().chain(parsed.ca.into_iter().flatten()).collect()
}
