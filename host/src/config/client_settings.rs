//! What is known of the settings of Kafka's clients, for those of a connector's own (`producer.override.` and its like)
//! and for slips in their names. What becomes of each is in `kafka::client_config`.

use std::sync::LazyLock;

use super::def::{ConfigDef, ConfigKey, Importance};
use super::infos::ConfigValueInfo;
use super::overrides::ClientKind;
use super::props::Props;
use super::value::{Type, Value};

const TABLE: &str = include_str!("client_settings.txt");

static PRODUCER: LazyLock<ConfigDef> = LazyLock::new(|| read('P', ClientKind::Producer));
static CONSUMER: LazyLock<ConfigDef> = LazyLock::new(|| read('C', ClientKind::Consumer));
static ADMIN: LazyLock<ConfigDef> = LazyLock::new(|| read('A', ClientKind::Admin));

/// The settings of a client by their Java names, with the defaults of a connector's clients. librdkafka knows more.
pub fn client_def(client: ClientKind) -> &'static ConfigDef {
    match client {
        ClientKind::Producer => &PRODUCER,
        ClientKind::Consumer => &CONSUMER,
        ClientKind::Admin => &ADMIN,
    }
}

/// The names of all settings of all clients.
pub(super) fn all_names() -> impl Iterator<Item = &'static str> {
    ClientKind::ALL.into_iter().flat_map(|client| client_def(client).names())
}

fn read(letter: char, client: ClientKind) -> ConfigDef {
    let lines = TABLE.lines().filter(|line| !line.starts_with('#'));
    let fields = lines.map(|line| line.splitn(5, ' ').collect::<Vec<_>>());
    let doc = format!("A setting of the {} of Kafka's clients.", client.name());
    let keys = fields.filter_map(|fields| match fields.as_slice() {
        [name, clients, ty, importance, default] if clients.contains(letter) => {
            Some(key(name, ty, importance, default, &doc))
        }
        _ => None,
    });
    keys.fold(ConfigDef::new(), ConfigDef::key)
}

fn key(name: &str, ty: &str, importance: &str, default: &str, doc: &str) -> ConfigKey {
    let ty = Type::by_name(ty).expect("the table has Kafka's types");
    let importance = match importance {
        "HIGH" => Importance::High,
        "MEDIUM" => Importance::Medium,
        _ => Importance::Low,
    };
    match default {
        "required" => ConfigKey::required(name, ty, importance, doc),
        "null" => ConfigKey::nullable(name, ty, importance, doc),
        text => ConfigKey::defaulting(name, ty, &text[1..], importance, doc),
    }
}

/// Adds an error to each setting whose value is not of its type. Kafka Connect answers the whole request with the first
/// such error.
pub(super) fn check_types(client: ClientKind, settings: &Props, values: &mut [ConfigValueInfo]) {
    let def = client_def(client);
    for value in values {
        if let (Some(key), Some(text)) = (def.get(&value.name), settings.get(&value.name))
            && let Err(reason) = Value::parse(text, key.ty)
        {
            value.errors.push(format!("Invalid value {text} for configuration {}: {reason}", value.name));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::def::Default;

    #[test]
    fn the_table_is_read_as_a_whole() {
        let lines = TABLE.lines().filter(|line| !line.starts_with('#'));
        assert!(lines.clone().all(|line| line.splitn(5, ' ').count() == 5));
        let of_all: usize = lines.map(|line| line.split(' ').nth(1).map_or(0, str::len)).sum();
        assert_eq!(of_all, ClientKind::ALL.map(|client| client_def(client).names().count()).iter().sum::<usize>());
        let acks = client_def(ClientKind::Producer).get("acks").expect("producers have it");
        assert_eq!(acks.default, Default::Value(Some(Value::String("all".to_owned()))));
        assert!(client_def(ClientKind::Consumer).get("acks").is_none());
    }

    #[test]
    fn values_of_another_type_are_errors() {
        let settings = Props::from([("linger.ms", "soon"), ("acks", "7"), ("queue.buffering.max.ms", "0.5")]);
        let mut values: Vec<ConfigValueInfo> =
            settings.iter().map(|(name, value)| ConfigValueInfo::new(name, value.map(str::to_owned))).collect();
        check_types(ClientKind::Producer, &settings, &mut values);
        let errors: Vec<&str> = values.iter().flat_map(|value| &value.errors).map(String::as_str).collect();
        assert_eq!(errors, ["Invalid value soon for configuration linger.ms: Not a number of type LONG"]);
    }
}
