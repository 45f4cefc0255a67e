//! The keys of a worker file: Kafka Connect's, and a few of our own.

use super::auto_restart;
use super::catalog::PluginKind;
use super::def::{ConfigDef, ConfigKey, Importance::*, Width};
use super::listeners::{admin_listeners_rule, listeners_rule, response_headers_rule};
use super::validators::Validator;
use super::value::{Type, Value};

/// What kind of worker a file is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// One process, offsets in a file.
    Standalone,
    /// A group of workers, everything in Kafka.
    Distributed,
}

pub(super) const CONNECTORS_DIR: &str = "connectors.dir";
pub(super) const CONNECTORS_DIR_INTERVAL: &str = "connectors.dir.interval.ms";

/// The definition of a worker file. With the embedded broker no address of a broker is needed.
pub(super) fn worker_def(mode: Mode, embedded_broker: bool) -> ConfigDef {
    let mut def = ConfigDef::new();
    let groups = [
        kafka_keys(embedded_broker),
        converter_keys(),
        task_keys(),
        in_group("Automatic restarts", auto_restart::keys()),
        plugin_keys(),
        address_keys(),
        answer_keys(),
        metric_keys(),
        tls_keys(),
        match mode {
            Mode::Standalone => standalone_keys(),
            Mode::Distributed => Vec::new(),
        },
        log_keys(),
    ];
    for (key, order) in groups.into_iter().flatten().zip(1..) {
        let group = key.group.clone().unwrap_or_default();
        let display = key.display_name.clone();
        def = def.key(key.show(&group, order, Width::None, &display));
    }
    def
}

fn in_group(group: &str, keys: impl IntoIterator<Item = ConfigKey>) -> Vec<ConfigKey> {
    let into_group = |mut key: ConfigKey| {
        key.group = Some(group.to_owned());
        key
    };
    keys.into_iter().map(into_group).collect()
}

fn kafka_keys(embedded_broker: bool) -> Vec<ConfigKey> {
    const SERVERS: &str = "Addresses of Kafka brokers, host:port, to learn the cluster from. More than one helps when \
                           a broker is down. Not needed with 'embedded.broker'.";
    let servers = if embedded_broker {
        ConfigKey::defaulting("bootstrap.servers", Type::List, "", High, SERVERS)
    } else {
        ConfigKey::required("bootstrap.servers", Type::List, High, SERVERS)
            .check(Validator::All(vec![Validator::list(false, false), addresses_rule()]))
    };
    in_group(
        "Kafka",
        [
            servers,
            ConfigKey::defaulting(
                "client.dns.lookup",
                Type::String,
                "use_all_dns_ips",
                Medium,
                "How clients use the addresses behind a broker's name.",
            )
            .check(Validator::one_of(&["use_all_dns_ips", "resolve_canonical_bootstrap_servers_only"])),
            ConfigKey::defaulting(
                "connector.client.config.override.policy",
                Type::String,
                "All",
                Medium,
                "Which client settings connectors may override with 'producer.override.', 'consumer.override.' and \
                 'admin.override.': All, None, Principal (deprecated), Allowlist, or the class of a plugin.",
            ),
            ConfigKey::defaulting(
                "connector.client.config.override.allowlist",
                Type::List,
                "",
                Medium,
                "The client settings, without the override prefix, that the policy Allowlist lets through. KIP-1188.",
            )
            .check(Validator::list(true, false)),
            ConfigKey::defaulting(
                "embedded.broker",
                Type::Boolean,
                "false",
                Low,
                "Run a broker inside the worker, for trying things out. It forgets everything when the worker ends. \
                 Our own key.",
            ),
        ],
    )
}

/// Each item is `host:port`, where a scheme in front is allowed as in Kafka.
fn addresses_rule() -> Validator {
    Validator::custom("list of host:port without duplicates", |key, value| {
        for text in value.and_then(Value::as_list).unwrap_or_default() {
            let address = text.rsplit_once("://").map_or(text.as_str(), |(_, address)| address);
            let parts = address.rsplit_once(':');
            let right =
                parts.is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok_and(|port| port != 0));
            if !right {
                return Err(format!("Invalid url in {key}: {text}"));
            }
        }
        Ok(())
    })
}

fn converter_keys() -> Vec<ConfigKey> {
    let version = |name: &str, what: &str| {
        ConfigKey::nullable(
            name,
            Type::String,
            Low,
            &format!("The version or range of versions of the {what}; the newest if not set. KIP-891."),
        )
    };
    const KEEP: &str = "Settings of the converter follow under this key and a dot. Used for connectors that do not \
                        name a converter of their own.";
    in_group(
        "Converters",
        [
            ConfigKey::required(
                "key.converter",
                Type::Class,
                High,
                &format!("Converts record keys to and from bytes. {KEEP}"),
            )
            .class_of(PluginKind::Converter),
            version("key.converter.plugin.version", "key converter"),
            ConfigKey::required(
                "value.converter",
                Type::Class,
                High,
                &format!("Converts record values to and from bytes. {KEEP}"),
            )
            .class_of(PluginKind::Converter),
            version("value.converter.plugin.version", "value converter"),
            ConfigKey::defaulting(
                "header.converter",
                Type::Class,
                "org.apache.kafka.connect.storage.SimpleHeaderConverter",
                Low,
                &format!("Converts record headers to and from bytes. {KEEP}"),
            )
            .class_of(PluginKind::HeaderConverter),
            version("header.converter.plugin.version", "header converter"),
        ],
    )
}

fn task_keys() -> Vec<ConfigKey> {
    in_group(
        "Tasks and offsets",
        [
            ConfigKey::defaulting(
                "task.shutdown.graceful.timeout.ms",
                Type::Long,
                "5000",
                Low,
                "How long stopping tasks have, all together, before they are abandoned.",
            ),
            ConfigKey::defaulting(
                "offset.flush.interval.ms",
                Type::Long,
                "60000",
                Low,
                "How often offsets are stored.",
            ),
            ConfigKey::defaulting(
                "offset.flush.timeout.ms",
                Type::Long,
                "5000",
                Low,
                "How long storing offsets may take before it is given up and tried again later.",
            ),
            ConfigKey::defaulting(
                "topic.creation.enable",
                Type::Boolean,
                "true",
                Low,
                "Whether source connectors with 'topic.creation.' settings create their topics. KIP-158.",
            ),
            ConfigKey::defaulting(
                "topic.tracking.enable",
                Type::Boolean,
                "true",
                Low,
                "Whether to remember which topics a connector uses. KIP-558.",
            ),
            ConfigKey::defaulting(
                "topic.tracking.allow.reset",
                Type::Boolean,
                "true",
                Low,
                "Whether users may make the worker forget which topics a connector used. KIP-558.",
            ),
        ],
    )
}

fn plugin_keys() -> Vec<ConfigKey> {
    in_group(
        "Plugins",
        [
            ConfigKey::nullable(
                "plugin.path",
                Type::List,
                Low,
                "Directories with plugin libraries, or with one directory per plugin. Variables are not replaced here, \
                 because plugins are needed to replace them.",
            )
            .check(Validator::list(false, true)),
            ConfigKey::defaulting(
                "plugin.discovery",
                Type::String,
                "hybrid_warn",
                Low,
                "Accepted for compatibility: plugin libraries say what they hold, so there is one way to find them.",
            )
            .check(Validator::one_of_ignore_case(&[
                "only_scan",
                "service_load",
                "hybrid_warn",
                "hybrid_fail",
            ])),
            ConfigKey::nullable(
                "plugin.digests",
                Type::String,
                Low,
                "A file with the SHA-256 digests of the plugin libraries that may be loaded, in the format of \
                 sha256sum. Any library if not set. Our own key.",
            )
            .check(Validator::NonEmpty),
            ConfigKey::defaulting(
                "plugin.path.symlinks.allow",
                Type::Boolean,
                "false",
                Low,
                "Whether symbolic links may lead out of the plugin path. Our own key.",
            ),
            ConfigKey::defaulting(
                "plugin.probe.timeout.ms",
                Type::Long,
                "10000",
                Low,
                "How long a new or changed plugin library may take to say what it holds when it is first opened, in a \
                 process of its own. Our own key.",
            )
            .check(Validator::at_least(1)),
            ConfigKey::defaulting(
                "config.providers",
                Type::List,
                "",
                Low,
                "Names of providers for variables like ${name:path:key}. Each has a class in \
                 'config.providers.NAME.class' and settings under 'config.providers.NAME.param.'.",
            )
            .check(Validator::list(true, false)),
        ],
    )
}

/// Where the REST server is found.
fn address_keys() -> Vec<ConfigKey> {
    in_group(
        "REST",
        [
            ConfigKey::defaulting(
                "listeners",
                Type::List,
                "http://:8083",
                Low,
                "Addresses of the REST server, http://host:port or https://host:port. Without a host: all interfaces.",
            )
            .check(listeners_rule()),
            ConfigKey::nullable(
                "admin.listeners",
                Type::List,
                Low,
                "Addresses for the administrative resources. If not set they are served with the others; an empty list \
                 turns them off.",
            )
            .check(Validator::All(vec![Validator::list(true, true), admin_listeners_rule()])),
            ConfigKey::nullable(
                "rest.advertised.host.name",
                Type::String,
                Low,
                "The host that other workers are told.",
            ),
            ConfigKey::nullable("rest.advertised.port", Type::Int, Low, "The port that other workers are told.")
                .check(Validator::Nullable(Box::new(Validator::between(0, 65535)))),
            ConfigKey::nullable(
                "rest.advertised.listener",
                Type::String,
                Low,
                "The protocol that other workers are told.",
            )
            .check(Validator::Nullable(Box::new(Validator::one_of_ignore_case(&["http", "https"])))),
        ],
    )
}

/// What the REST server answers.
fn answer_keys() -> Vec<ConfigKey> {
    in_group(
        "REST",
        [
            ConfigKey::defaulting(
                "access.control.allow.origin",
                Type::String,
                "",
                Low,
                "Origins that browsers may call from, as regular expressions separated by commas; * for any, empty for none.",
            ),
            ConfigKey::defaulting(
                "access.control.allow.methods",
                Type::String,
                "",
                Low,
                "Methods that browsers may use from other origins. Empty: GET, POST and HEAD.",
            ),
            ConfigKey::defaulting(
                "response.http.headers.config",
                Type::String,
                "",
                Low,
                "Extra headers of every answer: '[set|add|setDate|addDate] name:value', separated by commas. KIP-577.",
            )
            .check(response_headers_rule()),
            ConfigKey::defaulting(
                "rest.extension.classes",
                Type::List,
                "",
                Low,
                "Classes of plugins that extend the REST server, in the order of their loading. Of these only basic \
                 auth, BasicAuthSecurityRestExtension, is built in.",
            )
            .check(Validator::list(true, false)),
            ConfigKey::nullable(
                "rest.basic.auth.credentials.file",
                Type::String,
                Low,
                "A file with the users of the REST API, one line user=password for each. Without it, the extension for \
                 basic auth takes the file that the Java login configuration in KAFKA_OPTS names. Our own key.",
            ),
            ConfigKey::defaulting(
                "rest.basic.auth.read.only.users",
                Type::List,
                "",
                Low,
                "Users of the REST API who may look but not change anything. Our own key.",
            )
            .check(Validator::list(true, false)),
            ConfigKey::nullable(
                "rest.permissions.file",
                Type::String,
                Low,
                "A file with what each user of the REST API may do: lines USER.change and USER.see with names of \
                 connectors, * for any characters, and USER.loggers=see or change. Who is not in it may do nothing. \
                 Without it, users may do everything. Our own key.",
            ),
            ConfigKey::nullable(
                "rest.audit.log",
                Type::String,
                Low,
                "A file for the audit log, which says who changed what over REST and who was refused, as JSON lines; \
                 'log' for the worker's log. None if not set. Our own key.",
            ),
            ConfigKey::defaulting(
                "rest.ui.enable",
                Type::Boolean,
                "true",
                Low,
                "Whether the main listeners serve the web page at /ui and the description of the API at \
                 /openapi.json. Our own key.",
            ),
        ],
    )
}

fn metric_keys() -> Vec<ConfigKey> {
    in_group(
        "Metrics",
        [
            ConfigKey::defaulting(
                "metrics.sample.window.ms",
                Type::Long,
                "30000",
                Low,
                "The span of time one sample of a rate or an average covers.",
            )
            .check(Validator::at_least(0)),
            ConfigKey::defaulting("metrics.num.samples", Type::Int, "2", Low, "How many samples a metric is made of.")
                .check(Validator::at_least(1)),
            ConfigKey::defaulting(
                "metrics.recording.level",
                Type::String,
                "INFO",
                Low,
                "The most detailed metrics to keep.",
            )
            .check(Validator::one_of(&["INFO", "DEBUG"])),
            ConfigKey::defaulting(
                "metrics.endpoint.enable",
                Type::Boolean,
                "true",
                Low,
                "Whether all listeners show the metrics under /metrics, in the text form of Prometheus. Not in Kafka Connect.",
            ),
            ConfigKey::defaulting(
                "metric.reporters",
                Type::List,
                "org.apache.kafka.common.metrics.JmxReporter",
                Low,
                "Accepted for compatibility: Java classes cannot be loaded here.",
            )
            .check(Validator::list(true, false)),
        ],
    )
}

fn tls_keys() -> Vec<ConfigKey> {
    let text = |name: &str, importance, doc: &str| ConfigKey::nullable(name, Type::String, importance, doc);
    let secret = |name: &str, doc: &str| ConfigKey::nullable(name, Type::Password, High, doc);
    let with = |name: &str, default: &str, importance, doc: &str| {
        ConfigKey::defaulting(name, Type::String, default, importance, doc)
    };
    let list = |name: &str, default: &str, importance, doc: &str| {
        ConfigKey::defaulting(name, Type::List, default, importance, doc).check(Validator::list(true, false))
    };
    in_group(
        "TLS",
        [
            with("ssl.protocol", "TLSv1.3", Medium, "The highest TLS version to offer."),
            text("ssl.provider", Medium, "Accepted for compatibility: a Java security provider."),
            list("ssl.cipher.suites", "", Low, "Cipher suites to offer; those of the library if empty."),
            list("ssl.enabled.protocols", "TLSv1.2,TLSv1.3", Medium, "TLS versions to accept."),
            with("ssl.keystore.type", "JKS", Medium, "The form of the key store, for example PEM or PKCS12."),
            text("ssl.keystore.location", High, "The file with the own key and certificate."),
            secret("ssl.keystore.password", "The password of the key store."),
            secret("ssl.key.password", "The password of the key."),
            secret("ssl.keystore.key", "The own key as PEM text."),
            secret("ssl.keystore.certificate.chain", "The own certificates as PEM text."),
            secret("ssl.truststore.certificates", "The certificates to trust as PEM text."),
            with("ssl.truststore.type", "JKS", Medium, "The form of the trust store, for example PEM or PKCS12."),
            text("ssl.truststore.location", High, "The file with the certificates to trust."),
            secret("ssl.truststore.password", "The password of the trust store."),
            with("ssl.keymanager.algorithm", "SunX509", Low, "Accepted for compatibility: a Java algorithm."),
            with("ssl.trustmanager.algorithm", "PKIX", Low, "Accepted for compatibility: a Java algorithm."),
            with(
                "ssl.endpoint.identification.algorithm",
                "https",
                Low,
                "How to compare a server's name with its certificate; empty turns the check off.",
            ),
            text("ssl.secure.random.implementation", Low, "Accepted for compatibility: a Java algorithm."),
            ConfigKey::nullable(
                "ssl.engine.factory.class",
                Type::Class,
                Low,
                "Accepted for compatibility: Java classes cannot be loaded here.",
            ),
            with("ssl.client.auth", "none", Low, "Whether REST clients must, may or need not show a certificate.")
                .check(Validator::one_of(&["required", "requested", "none"])),
        ],
    )
}

fn standalone_keys() -> Vec<ConfigKey> {
    let file = ConfigKey::required(
        "offset.storage.file.filename",
        Type::String,
        High,
        "The file that holds the offsets of source connectors, in Kafka Connect's own format. A worker's alone.",
    )
    .check(Validator::NonEmpty);
    let dir = ConfigKey::nullable(
        CONNECTORS_DIR,
        Type::String,
        Low,
        "A directory of connector files that the worker follows: a new file makes a connector, a changed one changes it, \
         and the connector of a file that goes is deleted. Our own key.",
    )
    .check(Validator::NonEmpty);
    let interval = ConfigKey::defaulting(
        CONNECTORS_DIR_INTERVAL,
        Type::Long,
        "2000",
        Low,
        "The time between two looks at 'connectors.dir'. A file counts when it has not changed for this long. Our own \
         key.",
    )
    .check(Validator::at_least(100));
    in_group("Standalone", [file, dir, interval])
}

fn log_keys() -> Vec<ConfigKey> {
    let format = ConfigKey::defaulting(
        "log.format",
        Type::String,
        "text",
        Low,
        "The form of log lines: text for people or json for programs. If not set, the environment variable \
         FERROCONNECT_LOG_FORMAT decides, which also holds for lines before this file is read. Our own key.",
    )
    .check(Validator::one_of(&["text", "json"]));
    in_group("Logging", [format])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn definitions_are_consistent() {
        for mode in [Mode::Standalone, Mode::Distributed] {
            for embedded in [false, true] {
                let def = worker_def(mode, embedded);
                assert!(def.keys().all(|key| !key.documentation.is_empty()));
                assert_eq!(def.get("offset.storage.file.filename").is_some(), mode == Mode::Standalone);
            }
        }
    }

    #[test]
    fn addresses_have_host_and_port() {
        let check = |text: &str| {
            let value = Value::List(vec![text.to_owned()]);
            addresses_rule().check("bootstrap.servers", Some(&value))
        };
        for right in ["localhost:9092", "PLAINTEXT://b:1", "[::1]:9092"] {
            assert_eq!(check(right), Ok(()), "{right}");
        }
        for wrong in ["localhost", "localhost:", ":9092", "b:0", "b:99999"] {
            assert_eq!(check(wrong), Err(format!("Invalid url in bootstrap.servers: {wrong}")));
        }
    }
}
