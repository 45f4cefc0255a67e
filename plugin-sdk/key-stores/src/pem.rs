//! PEM text.

use openssl::pkey::{PKey, Private};
use openssl::x509::X509;

/// PEM text on one line, as property files often have it, gets its line ends back.
pub fn lines(text: &str) -> String {
    if text.contains('\n') || !text.contains("-----BEGIN") {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len() + 64);
    for part in text.split("-----").map(str::trim) {
        if part.starts_with("BEGIN ") || part.starts_with("END ") {
            out.push_str(&format!("-----{part}-----\n"));
        } else if !part.is_empty() {
            for line in part.split_whitespace() {
                out.push_str(line);
                out.push('\n');
            }
        }
    }
    out
}

/// The first private key of a text. Errors complete the sentence "the text …".
pub(super) fn private_key(text: &str, password: Option<&str>) -> Result<PKey<Private>, String> {
    if !text.contains("PRIVATE KEY-----") {
        return Err("holds no private key".to_owned());
    }
    let encrypted = text.contains("ENCRYPTED");
    // An empty password for one that is missing: OpenSSL would ask for it on the terminal.
    PKey::private_key_from_pem_passphrase(text.as_bytes(), password.unwrap_or_default().as_bytes()).map_err(|_| match (
        encrypted, password,
    ) {
        (true, None) => "has an encrypted key; set ssl.key.password".to_owned(),
        (true, Some(_)) => "has a key that cannot be opened; is ssl.key.password the right one?".to_owned(),
        (false, _) => "has a damaged private key".to_owned(),
    })
}

/// All certificates of a text, at least one. Errors complete the sentence "the text …".
pub(super) fn certificates(text: &str) -> Result<Vec<X509>, String> {
    match X509::stack_from_pem(text.as_bytes()) {
        Ok(found) if !found.is_empty() => Ok(found),
        Ok(_) => Err("holds no certificate".to_owned()),
        Err(_) => Err("has a damaged certificate".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_on_one_line_gets_its_lines_back() {
        let text = "-----BEGIN CERTIFICATE----- AAAA BBBB -----END CERTIFICATE-----";
        assert_eq!(lines(text), "-----BEGIN CERTIFICATE-----\nAAAA\nBBBB\n-----END CERTIFICATE-----\n");
        let already = "-----BEGIN X-----\nAAAA\n-----END X-----";
        assert_eq!(lines(already), already);
    }
}
