//! Addresses of the REST server and the rules for extra response headers.

use std::fmt;

use super::validators::Validator;
use super::value::{Value, is_blank};

/// The protocol of a listener.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// Plain HTTP.
    Http,
    /// HTTP over TLS.
    Https,
}

impl Scheme {
    /// `http` or `https`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }

    /// Reads a scheme in any case.
    ///
    /// # Errors
    /// It is another one; the error is Kafka's text.
    pub fn parse(text: &str) -> Result<Self, String> {
        match text.to_ascii_lowercase().as_str() {
            "http" => Ok(Self::Http),
            "https" => Ok(Self::Https),
            _ => Err("Listener protocol must be either \"http\" or \"https\".".to_owned()),
        }
    }
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// An address the REST server listens on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listener {
    /// HTTP or HTTPS.
    pub scheme: Scheme,
    /// Host name or IP address, IPv6 without brackets; `None` means all interfaces.
    pub host: Option<String>,
    /// The port; 0 lets the system choose.
    pub port: u16,
}

impl Listener {
    /// Reads `scheme://host:port`.
    ///
    /// # Errors
    /// It has another form; the error is Kafka's text.
    pub fn parse(text: &str) -> Result<Self, String> {
        let wrong_form = || "Listener doesn't have the right format (protocol://hostname:port).".to_owned();
        let (scheme, rest) = text.rsplit_once("://").ok_or_else(wrong_form)?;
        let (host, port) = rest.rsplit_once(':').ok_or_else(wrong_form)?;
        let host = host.strip_prefix('[').unwrap_or(host);
        let host = host.strip_suffix(']').unwrap_or(host);
        let host_is_right = host.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '%' | '.' | '_' | ':'));
        let port: i64 = port.parse().map_err(|_| wrong_form())?;
        if !host_is_right {
            return Err(wrong_form());
        }
        Ok(Self {
            scheme: Scheme::parse(scheme)?,
            host: Some(host.to_owned()).filter(|host| !host.is_empty()),
            port: u16::try_from(port).map_err(|_| format!("Listener port {port} is not between 0 and 65535."))?,
        })
    }
}

impl fmt::Display for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let host = self.host.as_deref().unwrap_or_default();
        let (open, close) = if host.contains(':') { ("[", "]") } else { ("", "") };
        write!(f, "{}://{open}{host}{close}:{}", self.scheme, self.port)
    }
}

/// The rule for `listeners`: at least one address, each well-formed.
pub(super) fn listeners_rule() -> Validator {
    const DESCRIPTION: &str = "List of comma-separated URLs, ex: http://localhost:8080,https://localhost:8443.";
    Validator::custom(DESCRIPTION, |key, value| {
        let list = value.and_then(Value::as_list).unwrap_or_default();
        if list.is_empty() {
            return Err("Invalid value for listeners, at least one URL is expected, ex: \
                        http://localhost:8080,https://localhost:8443."
                .to_owned());
        }
        check_each(key, list)
    })
}

/// The rule for `admin.listeners`: null, empty, or addresses that are well-formed.
pub(super) fn admin_listeners_rule() -> Validator {
    Validator::custom("null, an empty list, or a list of comma-separated URLs", |key, value| {
        check_each(key, value.and_then(Value::as_list).unwrap_or_default())
    })
}

fn check_each(key: &str, list: &[String]) -> Result<(), String> {
    for text in list {
        if is_blank(text) {
            return Err("Empty URL found when parsing listeners list.".to_owned());
        }
        Listener::parse(text).map_err(|reason| format!("Invalid value {text} for configuration {key}: {reason}"))?;
    }
    Ok(())
}

/// What to do with a response header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HeaderAction {
    /// Set it, replacing what is there.
    Set,
    /// Add it to what is there.
    Add,
    /// Set it to a date so many milliseconds after the epoch.
    SetDate,
    /// Add such a date.
    AddDate,
}

/// An extra response header (`response.http.headers.config`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeaderRule {
    /// What to do.
    pub action: HeaderAction,
    /// The header's name.
    pub name: String,
    /// Its value.
    pub value: String,
}

impl HeaderRule {
    /// Reads a list of rules, `[action] [header name]:[header value]`, separated by commas; a
    /// rule in double quotes may hold commas. The blank text is the empty list.
    ///
    /// # Errors
    /// A rule has another form; the error is Kafka's text.
    pub fn parse_list(text: &str) -> Result<Vec<Self>, String> {
        if is_blank(text) {
            return Ok(Vec::new());
        }
        split_quoted(text).iter().map(|rule| Self::parse(rule)).collect()
    }

    fn parse(rule: &str) -> Result<Self, String> {
        let Some((action, header)) = rule.trim().split_once(char::is_whitespace) else {
            return Err(format!(
                "Invalid format of header config '{rule}'. Expected: '[action] [header name]:[header value]'"
            ));
        };
        let header = header.trim_start();
        let action = match action.to_ascii_lowercase().as_str() {
            "set" => HeaderAction::Set,
            "add" => HeaderAction::Add,
            "setdate" => HeaderAction::SetDate,
            "adddate" => HeaderAction::AddDate,
            _ => {
                return Err(format!(
                    "Invalid header config action: '{action}'. Expected one of [set, add, setDate, addDate]"
                ));
            }
        };
        let (name, value) = match header.split_once(':') {
            Some((name, value)) if !value.is_empty() && !value.contains(':') => (name.trim(), value),
            _ => {
                return Err(format!(
                    "Invalid format of header name and header value pair '{header}'. \
                     Expected: '[header name]:[header value]'"
                ));
            }
        };
        if name.is_empty() || name.contains(char::is_whitespace) {
            return Err(format!("Invalid header name '{name}'. The '[header name]' cannot contain whitespace"));
        }
        Ok(Self { action, name: name.to_owned(), value: value.trim().to_owned() })
    }
}

/// The rule for `response.http.headers.config`.
pub(super) fn response_headers_rule() -> Validator {
    const DESCRIPTION: &str = "comma-separated rules of the form '[action] [header name]:[header value]', \
                               in double quotes if a rule contains a comma";
    Validator::custom(DESCRIPTION, |_, value| {
        HeaderRule::parse_list(value.and_then(Value::as_str).unwrap_or_default()).map(drop)
    })
}

/// Splits at commas outside double quotes and drops the quotes; a backslash inside quotes takes
/// the next character as it is.
fn split_quoted(text: &str) -> Vec<String> {
    let mut items = vec![String::new()];
    let mut quoted = false;
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        let item = items.last_mut().expect("there is always one item");
        match c {
            '"' => quoted = !quoted,
            '\\' if quoted => item.extend(rest.next()),
            ',' if !quoted => items.push(String::new()),
            _ => item.push(c),
        }
    }
    items.iter().map(|item| item.trim().to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listener(text: &str) -> (Scheme, Option<String>, u16) {
        let listener = Listener::parse(text).expect("well-formed");
        (listener.scheme, listener.host, listener.port)
    }

    #[test]
    fn listeners_are_taken_apart() {
        assert_eq!(listener("http://:8083"), (Scheme::Http, None, 8083));
        assert_eq!(listener("HTTPS://a.b:0"), (Scheme::Https, Some("a.b".into()), 0));
        assert_eq!(listener("http://[::1]:80"), (Scheme::Http, Some("::1".into()), 80));
        assert_eq!(Listener::parse("http://[::1]:80").expect("well-formed").to_string(), "http://[::1]:80");
    }

    #[test]
    fn wrong_listeners_get_kafkas_texts() {
        let form = "Listener doesn't have the right format (protocol://hostname:port).";
        for text in ["localhost:8083", "http://localhost", "http://a b:1", "http://a:x"] {
            assert_eq!(Listener::parse(text), Err(form.to_owned()), "{text}");
        }
        assert_eq!(
            Listener::parse("ftp://a:1"),
            Err("Listener protocol must be either \"http\" or \"https\".".to_owned())
        );
        assert!(Listener::parse("http://a:70000").is_err());
        let list = |items: &[&str]| Value::List(items.iter().map(|&item| item.to_owned()).collect());
        let error = listeners_rule().check("listeners", Some(&list(&["http://:1", " "])));
        assert_eq!(error, Err("Empty URL found when parsing listeners list.".to_owned()));
        assert!(listeners_rule().check("listeners", Some(&list(&[]))).is_err());
        assert!(admin_listeners_rule().check("admin.listeners", Some(&list(&[]))).is_ok());
    }

    #[test]
    fn header_rules() {
        let rules = HeaderRule::parse_list(r#"set X-A:1, "add Cache-Control: no-cache, no-store""#);
        let rule = |action, name: &str, value: &str| HeaderRule { action, name: name.into(), value: value.into() };
        assert_eq!(
            rules,
            Ok(vec![
                rule(HeaderAction::Set, "X-A", "1"),
                rule(HeaderAction::Add, "Cache-Control", "no-cache, no-store"),
            ])
        );
        for (text, message) in [
            ("set", "Invalid format of header config 'set'. Expected: '[action] [header name]:[header value]'"),
            (
                "set a",
                "Invalid format of header name and header value pair 'a'. Expected: '[header name]:[header value]'",
            ),
            ("put a:b", "Invalid header config action: 'put'. Expected one of [set, add, setDate, addDate]"),
            ("set a b:c", "Invalid header name 'a b'. The '[header name]' cannot contain whitespace"),
        ] {
            assert_eq!(HeaderRule::parse_list(text), Err(message.to_owned()));
        }
    }
}
