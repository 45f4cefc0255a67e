use std::collections::BTreeMap;

use super::defaults::{Defaults, sink_consumer_defaults, source_producer_defaults, task_admin_defaults};
use super::*;

fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    let owned = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
    pairs.iter().map(owned).collect()
}

fn resolve(role: Role, pairs: &[(&str, &str)]) -> Result<ClientSettings> {
    let user = map(pairs);
    ClientSettings::resolve(role, &Defaults::new(role), &[Layer::new("", &user)])
}

fn value(pairs: &[(&str, &str)], name: &str) -> Option<String> {
    let settings = resolve(Role::Producer, pairs).expect("valid");
    settings.value(name).map(str::to_owned)
}

fn problem(role: Role, pairs: &[(&str, &str)]) -> String {
    resolve(role, pairs).expect_err("refused").message().to_owned()
}

#[test]
fn every_default_is_accepted_by_librdkafka() {
    for defaults in [
        source_producer_defaults("c", 1),
        sink_consumer_defaults("c", 1),
        task_admin_defaults("c", 1),
        defaults::dead_letter_producer_defaults("c", 1),
    ] {
        let settings = ClientSettings::resolve(defaults.role(), &defaults, &[]).expect("valid");
        assert_eq!(settings.warnings(), [""; 0]);
        settings.to_conf().expect("valid");
    }
}

/// What validation says of the clients' settings is what the clients get.
#[test]
fn defaults_are_shown_as_they_are() {
    use crate::config::{ClientKind, Default, Value, client_def};
    for (client, defaults) in [
        (ClientKind::Producer, source_producer_defaults("c", 1)),
        (ClientKind::Consumer, sink_consumer_defaults("c", 1)),
        (ClientKind::Admin, task_admin_defaults("c", 1)),
    ] {
        let def = client_def(client);
        for (name, value) in
            defaults.settings.iter().filter(|(name, value)| !name.ends_with(".id") && !value.is_empty())
        {
            let Some(key) = def.get(name) else { continue };
            let shown = match &key.default {
                Default::Value(Some(shown)) => Value::to_text(shown),
                other => panic!("{name}: {other:?}"),
            };
            assert_eq!(shown, *value, "{name}");
        }
    }
}

#[test]
fn names_and_groups_are_those_of_kafka_connect() {
    let source = source_producer_defaults("c", 1);
    let source = ClientSettings::resolve(Role::Producer, &source, &[]).expect("valid");
    assert_eq!(source.client_id(), "connector-producer-c-1");
    assert_eq!(source.value("acks"), Some("all"));
    assert_eq!(source.value("enable.idempotence"), Some("true"));
    assert_eq!(source.value("partitioner"), Some("murmur2_random"));
    assert_eq!(source.value("delivery.timeout.ms"), Some("2147483647"));
    let sink = sink_consumer_defaults("c", 1);
    let sink = ClientSettings::resolve(Role::Consumer, &sink, &[]).expect("valid");
    assert_eq!(sink.client_id(), "connector-consumer-c-1");
    assert_eq!(sink.group_id(), Some("connect-c"));
    assert_eq!(sink.value("auto.offset.reset"), Some("earliest"));
    assert_eq!(sink.value("isolation.level"), Some("read_uncommitted"));
}

/// What docs/differences.md promises of clients, and that users can have it.
#[test]
fn metrics_for_brokers_are_off_unless_asked_for() {
    let asked = map(&[("enable.metrics.push", "true")]);
    for defaults in [source_producer_defaults("c", 0), sink_consumer_defaults("c", 0), task_admin_defaults("c", 0)] {
        let value = |layers: &[Layer<'_>]| {
            let settings = ClientSettings::resolve(defaults.role(), &defaults, layers).expect("valid");
            settings.value("enable.metrics.push").map(str::to_owned)
        };
        assert_eq!(value(&[]).as_deref(), Some("false"));
        assert_eq!(value(&[Layer::new("", &asked)]).as_deref(), Some("true"));
    }
}

#[test]
fn later_layers_win_and_forced_settings_over_all() {
    let worker = map(&[("max.poll.records", "10"), ("client.id", "w")]);
    let connector = map(&[("client.id", "mine"), ("enable.auto.commit", "true")]);
    let defaults = sink_consumer_defaults("c", 0);
    let layers = [Layer::new("consumer.", &worker), Layer::new("consumer.override.", &connector)];
    let settings = ClientSettings::resolve(Role::Consumer, &defaults, &layers).expect("valid");
    assert_eq!(settings.client_id(), "mine");
    assert_eq!(settings.max_poll_records(), 10);
    assert_eq!(settings.value("enable.auto.commit"), Some("false"));
    let [warning] = settings.warnings() else {
        panic!("{:?}", settings.warnings());
    };
    assert!(warning.contains("consumer.override.enable.auto.commit"), "{warning}");
}

#[test]
fn java_values_become_those_of_librdkafka() {
    let settings = [
        ("buffer.memory", "33554432"),
        ("max.request.size", "5000000"),
        ("compression.type", "ZSTD"),
        ("compression.zstd.level", "3"),
        ("compression.gzip.level", "9"),
        ("request.timeout.ms", "40000"),
        ("metadata.max.age.ms", "60000"),
        ("partitioner.ignore.keys", "true"),
    ];
    let get = |name: &str| value(&settings, name);
    assert_eq!(get("queue.buffering.max.kbytes").as_deref(), Some("32768"));
    assert_eq!(get("message.max.bytes").as_deref(), Some("5000000"));
    assert_eq!(get("compression.type").as_deref(), Some("zstd"));
    assert_eq!(get("compression.level").as_deref(), Some("3"));
    assert_eq!(get("socket.timeout.ms").as_deref(), Some("40000"));
    assert_eq!(get("request.timeout.ms").as_deref(), Some("40000"));
    assert_eq!(get("topic.metadata.refresh.interval.ms").as_deref(), Some("60000"));
    assert_eq!(get("partitioner").as_deref(), Some("random"));
}

#[test]
fn idempotence_yields_to_other_settings_but_not_to_a_contradiction() {
    let idempotence = |pairs: &[(&str, &str)]| value(pairs, "enable.idempotence");
    assert_eq!(idempotence(&[]).as_deref(), Some("true"));
    assert_eq!(idempotence(&[("acks", "1")]).as_deref(), Some("false"));
    assert_eq!(idempotence(&[("retries", "0")]).as_deref(), Some("false"));
    let off = [("enable.idempotence", "false")];
    let in_flight = value(&off, "max.in.flight.requests.per.connection");
    assert_eq!(in_flight.as_deref(), Some("1"), "order is kept");
    let both = [("enable.idempotence", "true"), ("acks", "1")];
    assert!(problem(Role::Producer, &both).contains("acks: must be all"));
}

#[test]
fn all_mistakes_are_named_at_once_with_key_and_value() {
    let text = problem(
        Role::Producer,
        &[("acks", "most"), ("linger.ms", "soon"), ("compression.type", "rar"), ("no.such.thing", "1")],
    );
    for part in [
        "Invalid value most for configuration acks: must be all, -1, 0 or 1",
        "Invalid value soon for configuration linger.ms: must be a whole number",
        "Invalid value rar for configuration compression.type",
        "Invalid value 1 for configuration no.such.thing: No such configuration property",
    ] {
        assert!(text.contains(part), "{part} is not in:\n{text}");
    }
}

#[test]
fn the_queue_holds_the_largest_record_and_grows_with_its_memory() {
    let large = [("max.request.size", "20000000")];
    let kilobytes = value(&large, "queue.buffering.max.kbytes").expect("set");
    assert!(kilobytes.parse::<u64>().expect("a number") * 1024 >= 20_000_000);
    let roomy = [("buffer.memory", "400000000")];
    assert_eq!(value(&roomy, "queue.buffering.max.messages").as_deref(), Some("1000000"));
}

#[test]
fn names_of_librdkafka_pass_as_they_are() {
    assert_eq!(value(&[("sticky.partitioning.linger.ms", "7")], "sticky.partitioning.linger.ms").as_deref(), Some("7"));
}

#[test]
fn java_plug_points_get_one_warning_each() {
    let settings = resolve(
        Role::Producer,
        &[
            ("interceptor.classes", "com.example.Mine"),
            ("partitioner.class", "com.example.Mine"),
            ("key.serializer", "org.apache.kafka.common.serialization.ByteArraySerializer"),
            ("group.id", "g"),
        ],
    )
    .expect("accepted");
    let [group, interceptors, partitioner] = settings.warnings() else {
        panic!("{:?}", settings.warnings());
    };
    assert!(group.contains("no meaning for a producer"), "{group}");
    assert!(interceptors.contains("interceptor.classes=com.example.Mine"));
    assert!(partitioner.contains("Java's default partitioner"));
}

#[test]
fn of_mixed_properties_only_client_properties_are_taken() {
    let worker =
        map(&[("bootstrap.servers", "a:1"), ("key.converter", "x"), ("plugin.path", "/p"), ("retry.backoff.ms", "7")]);
    let defaults = task_admin_defaults("c", 0);
    let layers = [Layer::mixed(&worker)];
    let settings = ClientSettings::resolve(Role::Admin, &defaults, &layers).expect("valid");
    assert_eq!(settings.bootstrap_servers(), "a:1");
    assert_eq!(settings.value("retry.backoff.ms"), Some("7"));
    assert_eq!(settings.value("key.converter"), None);
    assert!(settings.warnings().is_empty());
}

#[test]
fn scram_and_plain_logins_are_taken_from_jaas() {
    let jaas =
        r#"org.apache.kafka.common.security.scram.ScramLoginModule required username="alice" password="hunter2";"#;
    let pairs = [("security.protocol", "SASL_SSL"), ("sasl.mechanism", "SCRAM-SHA-512"), ("sasl.jaas.config", jaas)];
    let settings = resolve(Role::Consumer, &pairs).expect("valid");
    assert_eq!(settings.value("security.protocol"), Some("sasl_ssl"));
    assert_eq!(settings.value("sasl.mechanisms"), Some("SCRAM-SHA-512"));
    assert_eq!(settings.value("sasl.username"), Some("alice"));
    assert_eq!(settings.value("sasl.password"), Some("hunter2"));
    assert!(!format!("{settings:?}").contains("hunter2"));
}

#[test]
fn wrong_logins_are_refused_without_showing_secrets() {
    let plain = r#"a.PlainLoginModule required username="u" password="hunter2";"#;
    let base = ("security.protocol", "SASL_PLAINTEXT");
    for pairs in [
        vec![base],
        vec![base, ("sasl.mechanism", "GSSAPI")],
        vec![base, ("sasl.mechanism", "SCRAM-SHA-256"), ("sasl.jaas.config", plain)],
        vec![base, ("sasl.mechanism", "PLAIN"), ("sasl.jaas.config", "hunter2")],
        vec![base, ("sasl.mechanism", "PLAIN")],
    ] {
        let text = problem(Role::Admin, &pairs);
        assert!(text.contains("sasl."), "{text}");
        assert!(!text.contains("hunter2"), "{text}");
    }
}

#[test]
fn ssl_keys_without_tls_are_left_alone() {
    let pairs = [("ssl.truststore.location", "/nowhere")];
    assert!(resolve(Role::Producer, &pairs).is_ok());
    let pairs = [("security.protocol", "SSL"), ("ssl.truststore.location", "/nowhere")];
    assert!(problem(Role::Producer, &pairs).contains("/nowhere"));
}
