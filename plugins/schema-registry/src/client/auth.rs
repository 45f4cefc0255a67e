//! What lets a request in: HTTP basic authentication or a bearer token.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use ferroconnect_plugin_sdk::{Config, ConfigDef, Error, Key, Result};
use percent_encoding::percent_decode_str;

use super::oauth::{self, OAuth};

const SOURCE: &str = "basic.auth.credentials.source";
const USER_INFO: &str = "basic.auth.user.info";
const OLD_USER_INFO: &str = "schema.registry.basic.auth.user.info";
const JAAS: &str = "sasl.jaas.config";
const TOKEN_SOURCE: &str = "bearer.auth.credentials.source";
const TOKEN: &str = "bearer.auth.token";
const CLUSTER: &str = "bearer.auth.logical.cluster";
const POOL: &str = "bearer.auth.identity.pool.id";

/// Adds the keys of authentication.
pub(super) fn keys(def: ConfigDef) -> ConfigDef {
    let def = def
        .key(
            Key::string(SOURCE)
                .default_value("URL")
                .one_of(&["URL", "USER_INFO", "SASL_INHERIT"])
                .dependents(&[USER_INFO])
                .doc("Where user name and password come from: the URL, basic.auth.user.info, or sasl.jaas.config."),
        )
        .key(Key::password(USER_INFO).default_value("").doc("User name and password with a colon between them."))
        .key(Key::password(OLD_USER_INFO).low().doc("An older name of basic.auth.user.info."))
        .key(Key::password(JAAS).low().doc("The login that SASL_INHERIT takes user name and password from."))
        .key(Key::string(TOKEN_SOURCE).one_of(&["STATIC_TOKEN", oauth::SOURCE]).dependents(&[TOKEN]).doc(
            "Sends a bearer token in place of user name and password: that of bearer.auth.token, or one by OAuth.",
        ))
        .key(Key::password(TOKEN).doc("The bearer token, for STATIC_TOKEN."))
        .key(Key::string(CLUSTER).low().doc("The registry that a token is for, where one address serves several."))
        .key(Key::string(POOL).low().doc("The identity pool of a token."));
    oauth::keys(def)
}

/// What a registry knows its users by.
pub(super) enum Credentials {
    /// What the URL says, if it says anything.
    OfUrl,
    /// This value of the header `Authorization`: a secret, which is never shown.
    Header(String),
    /// Tokens.
    OAuth(OAuth),
}

/// The headers that go with a token, and their values.
pub(super) fn token_headers(config: &Config) -> impl Iterator<Item = (&'static str, &str)> {
    let headers = [("target-sr-cluster", CLUSTER), ("confluent-identity-pool-id", POOL)];
    headers.into_iter().filter_map(|(name, key)| Some((name, config.get(key).filter(|value| !value.is_empty())?)))
}

/// The credentials of a configuration.
///
/// # Errors
/// A config error where the source has none.
pub(super) fn credentials(config: &Config) -> Result<Credentials> {
    match config.get(TOKEN_SOURCE).filter(|source| !source.is_empty()) {
        Some(oauth::SOURCE) => Ok(Credentials::OAuth(OAuth::new(config)?)),
        Some(_) => {
            let token = config.get(TOKEN).filter(|token| !token.is_empty());
            let token =
                token.ok_or_else(|| Error::config(format!("{TOKEN_SOURCE} is set, so {TOKEN} has to be, too")))?;
            Ok(Credentials::Header(format!("Bearer {token}")))
        }
        None => Ok(password(config)?.map_or(Credentials::OfUrl, Credentials::Header)),
    }
}

fn password(config: &Config) -> Result<Option<String>> {
    match config.text(SOURCE)? {
        "USER_INFO" => {
            let mut given = [OLD_USER_INFO, USER_INFO].iter().filter_map(|key| config.get(key));
            let info = given.rfind(|info| info.contains(':'));
            let info = info.ok_or_else(|| {
                Error::config(format!("{SOURCE} is USER_INFO, so {USER_INFO} has to be of the form name:password"))
            })?;
            Ok(Some(basic(info)))
        }
        "SASL_INHERIT" => {
            let jaas = config.get(JAAS).unwrap_or("");
            let credentials = option(jaas, "username").zip(option(jaas, "password"));
            let (name, password) = credentials.ok_or_else(|| {
                Error::config(format!(
                    "{SOURCE} is SASL_INHERIT, so {JAAS} has to have username=\"…\" and password=\"…\""
                ))
            })?;
            Ok(Some(basic(&format!("{name}:{password}"))))
        }
        _ => Ok(None),
    }
}

/// The address without user name and password, and the header that they make.
pub(super) fn split(url: &str) -> (String, Option<String>) {
    let Some((scheme, rest)) = url.split_once("://") else { return (url.to_owned(), None) };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    match rest[..end].rsplit_once('@') {
        Some((info, host)) => {
            let info = percent_decode_str(info).decode_utf8_lossy().into_owned();
            (format!("{scheme}://{host}{}", &rest[end..]), Some(basic(&info)))
        }
        None => (url.to_owned(), None),
    }
}

/// What may be shown of text that should be an address, whatever it is: nothing that may be a password.
pub(super) fn shown(url: &str) -> &str {
    url.rsplit_once('@').map_or(url, |(_, host)| host)
}

fn basic(info: &str) -> String {
    format!("Basic {}", BASE64_STANDARD.encode(info))
}

/// The value of an option of a JAAS login, such as `username="…"`; a backslash stands before a quote that is meant.
fn option(jaas: &str, name: &str) -> Option<String> {
    let mut rest = jaas;
    loop {
        let start = rest.find(name)?;
        let (before, behind) = (&rest[..start], &rest[start + name.len()..]);
        rest = behind;
        let Some(value) = behind.trim_start().strip_prefix('=').map(str::trim_start) else { continue };
        if before.ends_with(|char: char| char.is_alphanumeric() || char == '_') {
            continue;
        }
        let quote = value.chars().next().filter(|char| matches!(char, '"' | '\''));
        let Some(quote) = quote else {
            return Some(value.split([' ', ';', '\n', '\t']).next().unwrap_or("").to_owned());
        };
        let mut text = String::new();
        let mut chars = value[1..].chars();
        while let Some(char) = chars.next().filter(|char| *char != quote) {
            text.push(if char == '\\' { chars.next()? } else { char });
        }
        return Some(text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read<const N: usize>(pairs: [(&str, &str); N]) -> Result<Option<String>> {
        let read = credentials(&keys(ConfigDef::new()).fill(&Config::from(pairs).to_pairs()))?;
        Ok(match read {
            Credentials::Header(header) => Some(header),
            _ => None,
        })
    }

    #[test]
    fn a_url_loses_its_credentials() {
        let (url, header) = split("https://ann:p%40ss@host:1/path?x=a@b");
        assert_eq!(url, "https://host:1/path?x=a@b");
        assert_eq!(header.as_deref(), Some("Basic YW5uOnBAc3M="));
        assert_eq!(split("http://host/a@b"), ("http://host/a@b".to_owned(), None));
        assert_eq!((shown("ann:pa@ss@host:1"), shown("host:1")), ("host:1", "host:1"));
    }

    #[test]
    fn each_source_gives_its_header() {
        let user = read([(SOURCE, "USER_INFO"), (USER_INFO, "ann:p@ss")]);
        assert_eq!(user.expect("complete").as_deref(), Some("Basic YW5uOnBAc3M="));
        let jaas = r#"org.apache.Kafka.PlainLoginModule required username="ann" password="p@ss";"#;
        let sasl = read([(SOURCE, "SASL_INHERIT"), (JAAS, jaas)]);
        assert_eq!(sasl.expect("complete").as_deref(), Some("Basic YW5uOnBAc3M="));
        let token = read([(TOKEN_SOURCE, "STATIC_TOKEN"), (TOKEN, "abc")]);
        assert_eq!(token.expect("complete").as_deref(), Some("Bearer abc"));
        assert_eq!(read([]).expect("nothing to do"), None);
    }

    #[test]
    fn what_is_missing_is_named_without_the_secret() {
        let error = read([(SOURCE, "USER_INFO"), (USER_INFO, "hunter2")]).expect_err("no colon");
        assert!(error.message().contains(USER_INFO) && !error.message().contains("hunter2"));
        assert!(read([(TOKEN_SOURCE, "STATIC_TOKEN")]).expect_err("no token").message().contains(TOKEN));
        let error = read([(TOKEN_SOURCE, "OAUTHBEARER"), ("bearer.auth.client.id", "x")]).expect_err("no secret");
        assert!(error.message().contains("bearer.auth.client.secret"));
        assert!(read([(SOURCE, "SASL_INHERIT")]).expect_err("no login").message().contains(JAAS));
    }

    #[test]
    fn options_of_a_login_are_found_by_their_whole_name() {
        let jaas = r#"M required xusername="no" username = "a\"b" password=plain;"#;
        assert_eq!(option(jaas, "username").as_deref(), Some("a\"b"));
        assert_eq!(option(jaas, "password").as_deref(), Some("plain"));
        assert_eq!(option(jaas, "token"), None);
    }
}
