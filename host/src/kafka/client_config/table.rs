//! The table of Java client properties. `docs/client-properties.md` is made from it.
//!
//! Adding a property is one line here; a test then asks for the document to be renewed.

use super::Role::{self, Admin, Consumer, Producer};
use super::convert::{self, Converted};

/// What becomes of a property.
pub(super) enum Rule {
    /// librdkafka knows it by the same name with the same meaning.
    Same,
    /// A number, under these names, that librdkafka wants within these bounds. Values outside are
    /// brought to the bound with a warning.
    Number(&'static [&'static str], i64, i64),
    /// The value needs a conversion and ends in these settings.
    Convert(&'static [&'static str], fn(&str) -> Result<Converted, String>),
    /// Ends in other settings together with its neighbours (security, idempotence); the text names
    /// them.
    Combined(&'static str),
    /// Obeyed by this program itself.
    Own,
    /// Nothing stands behind it here. Accepted; a warning says the note unless the value is one of
    /// these, which mean what happens anyway.
    Nothing(&'static [&'static str]),
}

/// One property of the Java clients.
pub(super) struct Property {
    pub(super) name: &'static str,
    pub(super) roles: &'static [Role],
    pub(super) rule: Rule,
    /// For the reader of the document and of warnings.
    pub(super) note: &'static str,
}

const ALL: &[Role] = &[Producer, Consumer, Admin];
const P: &[Role] = &[Producer];
const C: &[Role] = &[Consumer];
const CA: &[Role] = &[Consumer, Admin];
const PC: &[Role] = &[Producer, Consumer];

const fn row(name: &'static str, roles: &'static [Role], rule: Rule, note: &'static str) -> Property {
    Property { name, roles, rule, note }
}

use Rule::{Combined, Convert, Nothing, Number, Own, Same};

const INT_MAX: i64 = i32::MAX as i64;
const FIXED_SERDE: &str = "Records are bytes here; converters make them.";
const JVM_TLS: &str = "A choice of Java's TLS library. OpenSSL takes TLS 1.2 and 1.3 as the broker offers them; librdkafka has no setting for it.";
const JVM_LOGIN: &str = "A setting of Java's login threads; librdkafka renews by itself.";
const NO_METRICS: &str = "Metrics of clients are not made by Java reporters here.";
const KERBEROS: &str = "Kerberos (GSSAPI) is not built in.";
const TOKEN_CHECK: &str = "Tokens are checked by the broker, not by the client.";

/// All properties of the Java producer, consumer and admin clients of Kafka 4.3.
#[rustfmt::skip]
pub(super) const TABLE: &[Property] = &[
    // Connection
    row("bootstrap.servers", ALL, Same, "Comma-separated host:port list."),
    row("bootstrap.controllers", &[Admin], Nothing(&[]), "Controllers are not asked directly; give bootstrap.servers."),
    row("client.id", ALL, Same, "Derived from the connector and task where it is not set."),
    row("client.rack", PC, Same, ""),
    row("client.dns.lookup", ALL, Same, ""),
    row("metadata.max.age.ms", ALL, Number(&["topic.metadata.refresh.interval.ms"], 1, 3_600_000), "Also how often a topic pattern is matched anew."),
    row("metadata.max.idle.ms", P, Nothing(&["300000"]), "librdkafka keeps topics it produced to."),
    row("metadata.recovery.strategy", ALL, Convert(&["metadata.recovery.strategy"], convert::lower_case), ""),
    row("metadata.recovery.rebootstrap.trigger.ms", ALL, Number(&["metadata.recovery.rebootstrap.trigger.ms"], 0, INT_MAX), ""),
    row("metadata.cluster.check.enable", ALL, Nothing(&["true"]), "librdkafka has no such check."),
    row("bootstrap.resolve.timeout.ms", ALL, Nothing(&["0"]), "Names are resolved at each connect, and retried."),
    row("connections.max.idle.ms", ALL, Convert(&["connections.max.idle.ms"], convert::idle_time), "-1 (never) becomes librdkafka's 0."),
    row("reconnect.backoff.ms", ALL, Number(&["reconnect.backoff.ms"], 0, 3_600_000), ""),
    row("reconnect.backoff.max.ms", ALL, Number(&["reconnect.backoff.max.ms"], 0, 3_600_000), ""),
    row("retry.backoff.ms", ALL, Number(&["retry.backoff.ms"], 1, 300_000), ""),
    row("retry.backoff.max.ms", ALL, Number(&["retry.backoff.max.ms"], 1, 300_000), ""),
    row("request.timeout.ms", P, Number(&["socket.timeout.ms", "request.timeout.ms"], 10, 300_000), "How long to wait for an answer, and what the broker is told about acknowledgements."),
    row("request.timeout.ms", CA, Number(&["socket.timeout.ms"], 10, 300_000), ""),
    row("default.api.timeout.ms", CA, Own, "How long a call that waits for a broker may take."),
    row("socket.connection.setup.timeout.ms", ALL, Number(&["socket.connection.setup.timeout.ms"], 1_000, INT_MAX), ""),
    row("socket.connection.setup.timeout.max.ms", ALL, Nothing(&["30000"]), "librdkafka does not lengthen the time-out after failures."),
    row("send.buffer.bytes", ALL, Convert(&["socket.send.buffer.bytes"], convert::socket_buffer), "-1 (system default) becomes librdkafka's 0."),
    row("receive.buffer.bytes", ALL, Convert(&["socket.receive.buffer.bytes"], convert::socket_buffer), "-1 (system default) becomes librdkafka's 0."),
    row("enable.metrics.push", ALL, Same, "false by default; set it to true where brokers collect the metrics of clients (KIP-714)."),
    // Producer
    row("acks", P, Convert(&["acks"], convert::acks), ""),
    row("enable.idempotence", P, Combined("enable.idempotence"), "On unless set to false, or unless acks, retries or max.in.flight.requests.per.connection rule it out."),
    row("max.in.flight.requests.per.connection", P, Number(&["max.in.flight.requests.per.connection"], 1, 1_000_000), "With idempotence 5 by default, which keeps order; without it 1."),
    row("retries", P, Number(&["retries"], 0, INT_MAX), ""),
    row("delivery.timeout.ms", P, Number(&["delivery.timeout.ms"], 0, INT_MAX), "0 waits for ever, as the largest value does."),
    row("max.block.ms", P, Own, "How long sending waits for room in the queue."),
    row("buffer.memory", P, Convert(&["queue.buffering.max.kbytes"], convert::kilobytes), "Rounded up to KiB."),
    row("batch.size", P, Number(&["batch.size"], 1, INT_MAX), ""),
    row("linger.ms", P, Number(&["linger.ms"], 0, 900_000), ""),
    row("max.request.size", P, Number(&["message.max.bytes"], 1_000, 1_000_000_000), ""),
    row("compression.type", P, Convert(&["compression.type"], convert::lower_case), "none, gzip, snappy, lz4 or zstd."),
    row("compression.gzip.level", P, Combined("compression.level"), "Used when compression.type is gzip; -1 or 1 to 9."),
    row("compression.lz4.level", P, Combined("compression.level"), "Used when compression.type is lz4; at most 12."),
    row("compression.zstd.level", P, Combined("compression.level"), "Used when compression.type is zstd; at most 12."),
    row("partitioner.class", P, Convert(&["partitioner"], convert::partitioner), "Records with a key go where Java's default partitioner puts them. RoundRobinPartitioner becomes random; for other classes Java's default is used."),
    row("partitioner.ignore.keys", P, Combined("partitioner"), "true becomes partitioner=random."),
    row("partitioner.adaptive.partitioning.enable", P, Nothing(&["true"]), "Records without a key stay with one partition for a while, then move to a random one."),
    row("partitioner.availability.timeout.ms", P, Nothing(&["0"]), "librdkafka always prefers partitions that have a leader."),
    row("transactional.id", P, Same, ""),
    row("transaction.timeout.ms", P, Number(&["transaction.timeout.ms"], 1_000, INT_MAX), ""),
    row("transaction.two.phase.commit.enable", P, Nothing(&["false"]), "librdkafka does not take part in two-phase commits."),
    row("key.serializer", P, Nothing(&["org.apache.kafka.common.serialization.ByteArraySerializer"]), FIXED_SERDE),
    row("value.serializer", P, Nothing(&["org.apache.kafka.common.serialization.ByteArraySerializer"]), FIXED_SERDE),
    // Consumer
    row("group.id", C, Same, "`connect-` and the connector's name where it is not set."),
    row("group.instance.id", C, Same, ""),
    row("group.protocol", C, Convert(&["group.protocol"], convert::lower_case), ""),
    row("group.remote.assignor", C, Same, "Only with group.protocol=consumer."),
    row("partition.assignment.strategy", C, Convert(&["partition.assignment.strategy"], convert::assignors), "Java class names and librdkafka's names. In a list that mixes cooperative and eager assignors the eager ones count, as in a Java group that is being migrated."),
    row("session.timeout.ms", C, Number(&["session.timeout.ms"], 1, 3_600_000), ""),
    row("heartbeat.interval.ms", C, Number(&["heartbeat.interval.ms"], 1, 3_600_000), ""),
    row("max.poll.interval.ms", C, Number(&["max.poll.interval.ms"], 1, 86_400_000), ""),
    row("max.poll.records", C, Own, "The largest batch given to a sink task."),
    row("auto.offset.reset", C, Convert(&["auto.offset.reset"], convert::offset_reset), "none becomes error."),
    row("enable.auto.commit", C, Same, "Always false for sink tasks: offsets are committed after delivery."),
    row("auto.commit.interval.ms", C, Number(&["auto.commit.interval.ms"], 0, 86_400_000), ""),
    row("isolation.level", C, Convert(&["isolation.level"], convert::lower_case), "read_uncommitted by default, as in Java."),
    row("fetch.min.bytes", C, Number(&["fetch.min.bytes"], 1, 100_000_000), ""),
    row("fetch.max.bytes", C, Number(&["fetch.max.bytes"], 0, 2_147_483_135), ""),
    row("fetch.max.wait.ms", C, Number(&["fetch.wait.max.ms"], 0, 300_000), ""),
    row("max.partition.fetch.bytes", C, Number(&["max.partition.fetch.bytes"], 1, 1_000_000_000), ""),
    row("check.crcs", C, Same, ""),
    row("allow.auto.create.topics", C, Same, ""),
    row("exclude.internal.topics", C, Own, "Keeps Kafka's own topics away from topic patterns."),
    row("key.deserializer", C, Nothing(&["org.apache.kafka.common.serialization.ByteArrayDeserializer"]), FIXED_SERDE),
    row("value.deserializer", C, Nothing(&["org.apache.kafka.common.serialization.ByteArrayDeserializer"]), FIXED_SERDE),
    row("share.acknowledgement.mode", C, Nothing(&["implicit"]), "Share groups are not used by Kafka Connect."),
    row("share.acquire.mode", C, Nothing(&["batch_optimized"]), "Share groups are not used by Kafka Connect."),
    // Java plug points
    row("interceptor.classes", PC, Nothing(&[""]), "Java interceptors cannot run here; transforms can do the same work."),
    row("metric.reporters", ALL, Nothing(&["", "org.apache.kafka.common.metrics.JmxReporter"]), NO_METRICS),
    row("metrics.num.samples", ALL, Nothing(&["2"]), NO_METRICS),
    row("metrics.sample.window.ms", ALL, Nothing(&["30000"]), NO_METRICS),
    row("metrics.recording.level", ALL, Nothing(&["INFO"]), NO_METRICS),
    row("security.providers", ALL, Nothing(&[""]), "Java security providers cannot be loaded here."),
    // SASL
    row("security.protocol", ALL, Combined("security.protocol"), "PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL."),
    row("sasl.mechanism", ALL, Combined("sasl.mechanism"), "PLAIN, SCRAM-SHA-256, SCRAM-SHA-512 or OAUTHBEARER."),
    row("sasl.jaas.config", ALL, Combined("sasl.username, sasl.password or sasl.oauthbearer.*"), "PlainLoginModule, ScramLoginModule or OAuthBearerLoginModule with their options."),
    row("sasl.oauthbearer.token.endpoint.url", ALL, Combined("sasl.oauthbearer.token.endpoint.url"), "Tokens from an endpoint are not built in yet; unsecured tokens for tests are."),
    row("sasl.oauthbearer.scope", ALL, Combined("sasl.oauthbearer.scope"), ""),
    row("sasl.oauthbearer.client.credentials.client.id", ALL, Combined("sasl.oauthbearer.client.id"), ""),
    row("sasl.oauthbearer.client.credentials.client.secret", ALL, Combined("sasl.oauthbearer.client.secret"), ""),
    row("sasl.oauthbearer.header.urlencode", ALL, Nothing(&["false"]), "Client id and secret are sent as they are."),
    row("sasl.oauthbearer.jwt.retriever.class", ALL, Nothing(&["org.apache.kafka.common.security.oauthbearer.DefaultJwtRetriever"]), "Java classes cannot be loaded here."),
    row("sasl.oauthbearer.jwt.validator.class", ALL, Nothing(&["org.apache.kafka.common.security.oauthbearer.DefaultJwtValidator"]), TOKEN_CHECK),
    row("sasl.oauthbearer.jwks.endpoint.url", ALL, Nothing(&[]), TOKEN_CHECK),
    row("sasl.oauthbearer.jwks.endpoint.refresh.ms", ALL, Nothing(&["3600000"]), TOKEN_CHECK),
    row("sasl.oauthbearer.jwks.endpoint.retry.backoff.ms", ALL, Nothing(&["100"]), TOKEN_CHECK),
    row("sasl.oauthbearer.jwks.endpoint.retry.backoff.max.ms", ALL, Nothing(&["10000"]), TOKEN_CHECK),
    row("sasl.oauthbearer.clock.skew.seconds", ALL, Nothing(&["30"]), TOKEN_CHECK),
    row("sasl.oauthbearer.expected.audience", ALL, Nothing(&[""]), TOKEN_CHECK),
    row("sasl.oauthbearer.expected.issuer", ALL, Nothing(&[]), TOKEN_CHECK),
    row("sasl.oauthbearer.scope.claim.name", ALL, Nothing(&["scope"]), TOKEN_CHECK),
    row("sasl.oauthbearer.sub.claim.name", ALL, Nothing(&["sub"]), TOKEN_CHECK),
    row("sasl.client.callback.handler.class", ALL, Nothing(&[]), "Java classes cannot be loaded here."),
    row("sasl.login.callback.handler.class", ALL, Nothing(&["org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginCallbackHandler"]), "Java classes cannot be loaded here."),
    row("sasl.login.class", ALL, Nothing(&[]), "Java classes cannot be loaded here."),
    row("sasl.login.connect.timeout.ms", ALL, Nothing(&[]), JVM_LOGIN),
    row("sasl.login.read.timeout.ms", ALL, Nothing(&[]), JVM_LOGIN),
    row("sasl.login.retry.backoff.ms", ALL, Nothing(&["100"]), JVM_LOGIN),
    row("sasl.login.retry.backoff.max.ms", ALL, Nothing(&["10000"]), JVM_LOGIN),
    row("sasl.login.refresh.window.factor", ALL, Nothing(&["0.8"]), JVM_LOGIN),
    row("sasl.login.refresh.window.jitter", ALL, Nothing(&["0.05"]), JVM_LOGIN),
    row("sasl.login.refresh.min.period.seconds", ALL, Nothing(&["60"]), JVM_LOGIN),
    row("sasl.login.refresh.buffer.seconds", ALL, Nothing(&["300"]), JVM_LOGIN),
    row("sasl.kerberos.service.name", ALL, Nothing(&[]), KERBEROS),
    row("sasl.kerberos.kinit.cmd", ALL, Nothing(&["/usr/bin/kinit"]), KERBEROS),
    row("sasl.kerberos.ticket.renew.window.factor", ALL, Nothing(&["0.8"]), KERBEROS),
    row("sasl.kerberos.ticket.renew.jitter", ALL, Nothing(&["0.05"]), KERBEROS),
    row("sasl.kerberos.min.time.before.relogin", ALL, Nothing(&["60000"]), KERBEROS),
    // TLS
    row("ssl.keystore.type", ALL, Combined("ssl.keystore.location or ssl.key.*, ssl.certificate.*"), "PEM, PKCS12 or JKS. The file's content decides between the last two, as in Java."),
    row("ssl.keystore.location", ALL, Combined("ssl.keystore.location or ssl.key.location, ssl.certificate.location"), "A PKCS#12 file, or a PEM file with key and certificates."),
    row("ssl.keystore.password", ALL, Combined("ssl.keystore.password"), ""),
    row("ssl.keystore.key", ALL, Combined("ssl.key.pem"), "PEM, PKCS#8."),
    row("ssl.keystore.certificate.chain", ALL, Combined("ssl.certificate.pem"), "PEM."),
    row("ssl.key.password", ALL, Combined("ssl.key.password"), "Of a PEM key; in a PKCS#12 file it must equal the store's password."),
    row("ssl.truststore.type", ALL, Combined("ssl.ca.location or ssl.ca.pem"), "PEM, PKCS12 or JKS. The file's content decides between the last two, as in Java."),
    row("ssl.truststore.location", ALL, Combined("ssl.ca.location or ssl.ca.pem"), ""),
    row("ssl.truststore.password", ALL, Combined("(opens the store)"), ""),
    row("ssl.truststore.certificates", ALL, Combined("ssl.ca.pem"), "PEM."),
    row("ssl.endpoint.identification.algorithm", ALL, Combined("ssl.endpoint.identification.algorithm"), "https, or empty for no check, which becomes none."),
    row("ssl.cipher.suites", ALL, Combined("ssl.cipher.suites"), "Java's list with commas or OpenSSL's with colons. Suites of TLS 1.3 are always offered."),
    row("ssl.protocol", ALL, Nothing(&["TLSv1.3", "TLSv1.2", "TLS"]), JVM_TLS),
    row("ssl.enabled.protocols", ALL, Nothing(&["TLSv1.2,TLSv1.3", "TLSv1.3,TLSv1.2"]), JVM_TLS),
    row("ssl.provider", ALL, Nothing(&[""]), JVM_TLS),
    row("ssl.keymanager.algorithm", ALL, Nothing(&["SunX509"]), JVM_TLS),
    row("ssl.trustmanager.algorithm", ALL, Nothing(&["PKIX"]), JVM_TLS),
    row("ssl.secure.random.implementation", ALL, Nothing(&[""]), JVM_TLS),
    row("ssl.engine.factory.class", ALL, Nothing(&[]), JVM_TLS),
];

/// What the table says about a name for a kind of client.
pub(super) enum Found {
    /// A property of this client.
    Property(&'static Property),
    /// A property of Java's clients, but not of this one.
    OtherRole,
    /// No property of Java's clients.
    Unknown,
}

/// Looks a property up.
pub(super) fn find(name: &str, role: Role) -> Found {
    let mut found = Found::Unknown;
    for property in TABLE.iter().filter(|property| property.name == name) {
        if property.roles.contains(&role) {
            return Found::Property(property);
        }
        found = Found::OtherRole;
    }
    found
}

/// True if the value of this key must never be shown. Errs on the side of hiding for names that
/// the table does not have.
pub(super) fn is_secret(name: &str) -> bool {
    const PARTS: &[&str] = &["password", "passphrase", "secret", "token", "credential", "jaas"];
    const NAMES: &[&str] = &[
        "ssl.keystore.key",
        "ssl.keystore.certificate.chain",
        "ssl.truststore.certificates",
        "ssl.key.pem",
        "ssl.certificate.pem",
        "ssl.ca.pem",
        "sasl.oauthbearer.config",
        "sasl.oauthbearer.assertion.private.key.pem",
    ];
    const HARMLESS: &[&str] = &["sasl.oauthbearer.token.endpoint.url", "sasl.oauthbearer.client.credentials.client.id"];
    !HARMLESS.contains(&name) && (NAMES.contains(&name) || PARTS.iter().any(|part| name.contains(part)))
}
