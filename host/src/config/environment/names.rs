//! What the names of environment variables mean.

/// In front of variables that set worker keys by name.
pub(super) const PREFIX: &str = "CONNECT_";

/// Ends the name of a variable that holds the path of a file with the value.
pub(super) const FROM_FILE: &str = "_FILE";

/// Variables without a prefix that container images for Kafka Connect have, and the worker keys they set.
pub(super) const PLAIN: &[(&str, &str)] = &[
    ("BOOTSTRAP_SERVERS", "bootstrap.servers"),
    ("GROUP_ID", "group.id"),
    ("CONFIG_STORAGE_TOPIC", "config.storage.topic"),
    ("OFFSET_STORAGE_TOPIC", "offset.storage.topic"),
    ("STATUS_STORAGE_TOPIC", "status.storage.topic"),
    ("KEY_CONVERTER", "key.converter"),
    ("VALUE_CONVERTER", "value.converter"),
    ("OFFSET_FLUSH_INTERVAL_MS", "offset.flush.interval.ms"),
    ("OFFSET_FLUSH_TIMEOUT_MS", "offset.flush.timeout.ms"),
    ("SHUTDOWN_TIMEOUT", "task.shutdown.graceful.timeout.ms"),
    ("ADVERTISED_HOST_NAME", "rest.advertised.host.name"),
    ("ADVERTISED_PORT", "rest.advertised.port"),
    ("KAFKA_CONNECT_PLUGINS_DIR", "plugin.path"),
    // Workers before Kafka 3.0 had these two keys; they make up `listeners` now. The later name counts.
    ("HOST_NAME", REST_HOST),
    ("REST_HOST_NAME", REST_HOST),
    ("REST_PORT", REST_PORT),
];

pub(super) const REST_HOST: &str = "rest.host.name";
pub(super) const REST_PORT: &str = "rest.port";

/// What an image sets if nobody else does.
pub(super) const DEFAULTS: &[(&str, &str)] = &[
    ("key.converter", "org.apache.kafka.connect.json.JsonConverter"),
    ("value.converter", "org.apache.kafka.connect.json.JsonConverter"),
    ("task.shutdown.graceful.timeout.ms", "10000"),
];

/// Keys that only distributed workers have a use for.
pub(super) const DISTRIBUTED: &[&str] =
    &["group.id", "config.storage.topic", "offset.storage.topic", "status.storage.topic"];

/// Variables for the Java machine and what is hung on to it.
pub(super) const JAVA: &[&str] = &[
    "HEAP_OPTS",
    "KAFKA_HEAP_OPTS",
    "KAFKA_JVM_PERFORMANCE_OPTS",
    "KAFKA_JMX_OPTS",
    "KAFKA_LOG4J_OPTS",
    "JMX_PORT",
    "JMXHOST",
    "JMXPORT",
    "ENABLE_JFR",
    "ENABLE_JOLOKIA",
    "ENABLE_JMX_EXPORTER",
    "ENABLE_OTEL",
];

/// The worker key that a name behind [`PREFIX`] stands for: `_` is a dot, `__` an underscore, `___` a hyphen.
pub(super) fn key_of(name: &str) -> String {
    name.to_lowercase().replace("___", "-").replace("__", "\u{0}").replace('_', ".").replace('\u{0}', "_")
}

/// The variable that sets a worker key.
pub(super) fn variable_of(key: &str) -> String {
    format!("{PREFIX}{}", key.replace('_', "__").replace('-', "___").replace('.', "_").to_uppercase())
}

/// Whether a variable comes from a cluster that describes a service named `connect` to its containers, as Kubernetes
/// does: `CONNECT_SERVICE_HOST`, `CONNECT_PORT_8083_TCP_ADDR`. It sets nothing.
pub(super) fn is_service_link(name: &str, value: &str) -> bool {
    let Some(rest) = name.strip_prefix(PREFIX) else { return false };
    let of_port = rest.strip_prefix("PORT_").and_then(|rest| rest.split_once('_'));
    match rest {
        "SERVICE_HOST" | "SERVICE_PORT" => true,
        "PORT" => value.contains("://"),
        _ => {
            rest.starts_with("SERVICE_PORT_")
                || of_port.is_some_and(|(port, protocol)| {
                    port.bytes().all(|byte| byte.is_ascii_digit())
                        && ["TCP", "UDP", "SCTP"].iter().any(|known| protocol.starts_with(known))
                })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_keys_and_keys_names() {
        for (name, key) in [
            ("OFFSET_FLUSH_INTERVAL_MS", "offset.flush.interval.ms"),
            ("VALUE_CONVERTER_a__b", "value.converter.a_b"),
            ("PLUGIN_JVM___BRIDGE_HOME", "plugin.jvm-bridge.home"),
        ] {
            assert_eq!(key_of(name), key);
            assert_eq!(key_of(&variable_of(key)[PREFIX.len()..]), key);
        }
        assert_eq!(variable_of("plugin.jvm-bridge.a_b"), "CONNECT_PLUGIN_JVM___BRIDGE_A__B");
    }

    #[test]
    fn service_links_are_told_from_keys() {
        for (name, value) in [
            ("CONNECT_SERVICE_HOST", "10.0.0.1"),
            ("CONNECT_SERVICE_PORT", "8083"),
            ("CONNECT_SERVICE_PORT_REST", "8083"),
            ("CONNECT_PORT", "tcp://10.0.0.1:8083"),
            ("CONNECT_PORT_8083_TCP", "tcp://10.0.0.1:8083"),
            ("CONNECT_PORT_8083_TCP_ADDR", "10.0.0.1"),
        ] {
            assert!(is_service_link(name, value), "{name}");
        }
        for name in
            ["CONNECT_REST_PORT", "CONNECT_PORT", "CONNECT_PORT_X_TCP", "KAFKA_SERVICE_HOST", "CONNECT_SERVICES"]
        {
            assert!(!is_service_link(name, "8083"), "{name}");
        }
    }
}
