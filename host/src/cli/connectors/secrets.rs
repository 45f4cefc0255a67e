//! Which keys of a connector hold secrets. The worker gives configurations as they are, but a terminal has onlookers.

use std::collections::HashSet;

use serde::Deserialize;

use super::client::{Client, part};
use crate::config::is_secret_setting;

/// Parts of names that stand for secrets in the connectors of this world.
const TELLING: [&str; 10] = [
    "password",
    "passwd",
    "passphrase",
    "secret",
    "token",
    "credential",
    "api.key",
    "apikey",
    "access.key",
    "private.key",
];

/// The secrets of one connector.
pub(super) struct Secrets {
    /// Keys that the connector's plugin declares to be passwords.
    declared: HashSet<String>,
}

/// A key of a plugin.
#[derive(Deserialize)]
struct Key {
    name: String,
    #[serde(rename = "type")]
    ty: String,
}

impl Secrets {
    /// Asks the worker about the class. A worker that does not know it leaves the names of keys to go by.
    pub(super) async fn of(client: &Client, class: Option<&str>) -> Self {
        let mut declared = HashSet::new();
        if let Some(class) = class
            && let Ok(answer) = client.get(&format!("/connector-plugins/{}/config", part(class.trim()))).await
            && let Ok(keys) = answer.json::<Vec<Key>>()
        {
            declared.extend(keys.into_iter().filter(|key| key.ty == "PASSWORD").map(|key| key.name));
        }
        Self { declared }
    }

    /// Whether the key's value must not be shown. A variable says only where the secret is.
    pub(super) fn hides(&self, key: &str, value: Option<&str>) -> bool {
        let variable = value.is_some_and(|value| value.starts_with("${") && value.find('}') == Some(value.len() - 1));
        !variable && self.covers(key)
    }

    /// Whether the key is one for secrets.
    pub(super) fn covers(&self, key: &str) -> bool {
        let lower = key.to_lowercase();
        self.declared.contains(key) || is_secret_setting(key) || TELLING.iter().any(|part| lower.contains(part))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_go_by_declaration_and_by_name() {
        let secrets = Secrets { declared: HashSet::from(["pin".to_owned()]) };
        for key in ["pin", "connection.password", "aws.Secret.Access.Key", "producer.override.sasl.jaas.config"] {
            assert!(secrets.covers(key), "{key}");
        }
        assert!(!secrets.covers("key.converter") && !secrets.covers("topics"));
    }

    #[test]
    fn a_variable_is_shown_and_a_secret_beside_one_is_not() {
        let secrets = Secrets { declared: HashSet::new() };
        assert!(!secrets.hides("password", Some("${file:/etc/s:p}")));
        assert!(secrets.hides("password", Some("s3cret")));
        assert!(secrets.hides("password", Some("${a:b}s3cret${c:d}")));
        assert!(secrets.hides("password", Some("${a:b}s3cret")));
    }
}
