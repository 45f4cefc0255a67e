//! What both sets of keys say in the same way.

use crate::options::{OAuth2, Wrong};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ferroconnect_plugin_sdk::Config;
use std::str::FromStr;
use ureq::http::header::{CONNECTION, CONTENT_LENGTH, EXPECT, HOST, TRANSFER_ENCODING, UPGRADE};
use ureq::http::{HeaderName, HeaderValue};
use ureq::{Proxy, ProxyProtocol};

/// The text of a key; empty counts as not set.
pub(crate) fn text<'a>(config: &'a Config, key: &str) -> Option<&'a str> {
    config.get(key).filter(|text| !text.is_empty())
}

/// The text of a required key.
pub(crate) fn required<'a>(config: &'a Config, key: &'static str) -> Result<&'a str, Wrong> {
    text(config, key).ok_or(Wrong { key: key.into(), reason: None })
}

/// The text of a key that has to be set because of another.
pub(crate) fn needed<'a>(config: &'a Config, key: &'static str, because: &str) -> Result<&'a str, Wrong> {
    text(config, key).ok_or_else(|| Wrong::new(key, format!("Must be set when {because}")))
}

/// The text of a key with the blanks around it, which matter in separators.
pub(crate) fn blanks_kept<'a>(config: &'a Config, key: &str, default: &'a str) -> &'a str {
    config.iter().find(|(name, _)| *name == key).map_or(default, |(_, value)| value)
}

/// A key of a simple type. The worker has checked it already.
pub(crate) fn read<T: FromStr>(config: &Config, key: &'static str) -> Result<T, Wrong> {
    let error = || Wrong::new(key, format!("a value of type {} was expected", std::any::type_name::<T>()));
    config.get(key).and_then(|text| text.to_ascii_lowercase().parse().ok()).ok_or_else(error)
}

/// Whether the worker lets the task go on after a bad record. A key of the worker's own, which has no default here.
pub(crate) fn is_tolerant(config: &Config) -> bool {
    config.get("errors.tolerance").is_some_and(|tolerance| tolerance.eq_ignore_ascii_case("all"))
}

/// Adds `Name: value`, if no other has the name.
pub(crate) fn add_header(
    headers: &mut Vec<(HeaderName, HeaderValue)>,
    key: &'static str,
    line: &str,
) -> Result<(), Wrong> {
    let (name, value) =
        line.split_once(':').ok_or_else(|| Wrong::new(key, "Header field should use format header:value"))?;
    let name: HeaderName =
        name.trim().parse().map_err(|_| Wrong::new(key, format!("'{name}' cannot be the name of a header")))?;
    if [CONNECTION, CONTENT_LENGTH, EXPECT, HOST, TRANSFER_ENCODING, UPGRADE].contains(&name) {
        return Err(Wrong::new(key, format!("The header {name} is set by the connector itself")));
    }
    if headers.iter().any(|(other, _)| *other == name) {
        return Err(Wrong::new(key, format!("The header {name} is there twice")));
    }
    headers.push((name, header_value(key, value.trim())?));
    Ok(())
}

/// A value of a header, which logs and errors do not show.
pub(crate) fn header_value(key: &'static str, value: &str) -> Result<HeaderValue, Wrong> {
    let mut value: HeaderValue =
        value.parse().map_err(|_| Wrong::new(key, "the value has characters that a header cannot have"))?;
    value.set_sensitive(true);
    Ok(value)
}

/// The `Basic` authorization of a user.
pub(crate) fn basic(user: &str, password: &str) -> HeaderValue {
    let text = format!("Basic {}", STANDARD.encode(format!("{user}:{password}")));
    let mut value = HeaderValue::try_from(text).expect("base64 is ASCII");
    value.set_sensitive(true);
    value
}

/// The proxy, where its host is given.
pub(crate) fn proxy(
    config: &Config,
    [host, port]: [&'static str; 2],
    login: Option<(&str, &str)>,
) -> Result<Option<Proxy>, Wrong> {
    let number: i32 = read(config, port)?;
    let Some(name) = text(config, host) else {
        return if number > 0 { Err(Wrong::new(host, format!("Must be set when {port} is"))) } else { Ok(None) };
    };
    let number = u16::try_from(number).ok().filter(|number| *number > 0);
    let number = number.ok_or_else(|| Wrong::new(port, format!("Must be set when {host} is")))?;
    let mut proxy = Proxy::builder(ProxyProtocol::Http).host(name).port(number);
    if let Some((user, password)) = login {
        proxy = proxy.username(user).password(password);
    }
    proxy.build().map(Some).map_err(|_| Wrong::new(host, format!("'{name}' cannot be the name of a host")))
}

/// The names of the keys of access tokens.
pub(crate) struct TokenKeys {
    pub(crate) url: &'static str,
    pub(crate) id: &'static str,
    pub(crate) secret: &'static str,
    pub(crate) scope: &'static str,
    pub(crate) property: &'static str,
    pub(crate) mode: &'static str,
}

/// Access tokens, with the names that the standard gives to what the form holds.
pub(crate) fn oauth2(config: &Config, keys: &TokenKeys, because: &str) -> Result<OAuth2, Wrong> {
    let url = needed(config, keys.url, because)?;
    crate::template::check_url(keys.url, url)?;
    let mut form = vec![("grant_type".to_owned(), "client_credentials".to_owned())];
    form.extend(text(config, keys.scope).map(|scope| ("scope".to_owned(), scope.to_owned())));
    Ok(OAuth2 {
        url: url.to_owned(),
        form,
        id: ("client_id".to_owned(), needed(config, keys.id, because)?.to_owned()),
        secret: ("client_secret".to_owned(), needed(config, keys.secret, because)?.to_owned()),
        in_form: config.get(keys.mode).is_some_and(|mode| mode.eq_ignore_ascii_case("url")),
        token_property: needed(config, keys.property, because)?.to_owned(),
        renew_on: vec![401],
    })
}
