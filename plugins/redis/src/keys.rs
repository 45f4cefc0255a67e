//! The configuration keys, by the connectors that know them.

use ferroconnect_plugin_sdk::{ConfigDef, Key};

pub(crate) const HOST: &str = "redis.host";
pub(crate) const PORT: &str = "redis.port";
pub(crate) const HOSTS: &str = "redis.hosts";
pub(crate) const URI: &str = "redis.uri";
pub(crate) const DATABASE: &str = "redis.database";
pub(crate) const USERNAME: &str = "redis.username";
pub(crate) const PASSWORD: &str = "redis.password";
pub(crate) const CLUSTER: &str = "redis.cluster";
pub(crate) const CLIENT_MODE: &str = "redis.client.mode";

/// In seconds; `OPERATION_TIMEOUT` is in milliseconds.
pub(crate) const TIMEOUT: &str = "redis.timeout";
pub(crate) const OPERATION_TIMEOUT: &str = "redis.operation.timeout.ms";
pub(crate) const CONNECT_TIMEOUT: &str = "redis.socket.connect.timeout.ms";
pub(crate) const NO_DELAY: &str = "redis.socket.tcp.no.delay.enabled";
pub(crate) const KEEP_ALIVE: &str = "redis.socket.keep.alive.enabled";
pub(crate) const ATTEMPTS: &str = "redis.connection.attempts";
pub(crate) const RETRY_DELAY: &str = "redis.connection.retry.delay.ms";

pub(crate) const TLS: &str = "redis.tls";
pub(crate) const INSECURE: &str = "redis.insecure";
pub(crate) const KEY_FILE: &str = "redis.key.file";
pub(crate) const KEY_CERT: &str = "redis.key.cert";
pub(crate) const KEY_PASSWORD: &str = "redis.key.password";
pub(crate) const CA_CERT: &str = "redis.cacert";
pub(crate) const SSL: &str = "redis.ssl.enabled";
pub(crate) const KEYSTORE: &str = "redis.ssl.keystore.path";
pub(crate) const KEYSTORE_PASSWORD: &str = "redis.ssl.keystore.password";
pub(crate) const TRUSTSTORE: &str = "redis.ssl.truststore.path";
pub(crate) const TRUSTSTORE_PASSWORD: &str = "redis.ssl.truststore.password";

pub(crate) const TYPE: &str = "redis.type";
pub(crate) const KEYSPACE: &str = "redis.keyspace";
pub(crate) const SEPARATOR: &str = "redis.separator";
/// Also the name of the header that overrides it.
pub(crate) const TTL: &str = "redis.key.ttl";
pub(crate) const MULTIEXEC: &str = "redis.multiexec";
pub(crate) const WAIT_REPLICAS: &str = "redis.wait.replicas";
pub(crate) const WAIT_TIMEOUT: &str = "redis.wait.timeout";
pub(crate) const CHARSET: &str = "redis.charset";

pub(crate) const STREAM: &str = "redis.stream.name";
pub(crate) const STREAM_OFFSET: &str = "redis.stream.offset";
pub(crate) const DELIVERY: &str = "redis.stream.delivery";
pub(crate) const GROUP: &str = "redis.stream.consumer.group";
pub(crate) const CONSUMER: &str = "redis.stream.consumer.name";
pub(crate) const BLOCK: &str = "redis.stream.block";
pub(crate) const BATCH_SIZE: &str = "batch.size";
pub(crate) const TOPIC: &str = "topic";

/// The structures that `redis.type` may name.
pub(crate) const STRUCTURES: [&str; 8] = ["HASH", "JSON", "TIMESERIES", "STRING", "STREAM", "LIST", "SET", "ZSET"];
pub(crate) const AT_LEAST_ONCE: &str = "at-least-once";
pub(crate) const AT_MOST_ONCE: &str = "at-most-once";
/// What stands for the record's topic in `redis.keyspace`.
pub(crate) const TOPIC_TOKEN: &str = "${topic}";
/// What stands for the stream's name in `topic`.
pub(crate) const STREAM_TOKEN: &str = "${stream}";
/// What stands for the number of the task in `redis.stream.consumer.name`.
pub(crate) const TASK_TOKEN: &str = "${task}";

const CONNECTION: &str = "Connection";
const SECURITY: &str = "Security";
const WRITING: &str = "Writing";
const READING: &str = "Reading";
const IGNORED: &str = "Of the Java connector; accepted, and without effect here.";

/// Adds keys to a group, in the order of a form.
fn group(def: ConfigDef, name: &str, keys: impl IntoIterator<Item = Key>) -> ConfigDef {
    (1..).zip(keys).fold(def, |def, (order, key)| def.key(key.group(name, order)))
}

/// The keys of the tutorial's connector: four, all required. What it does not have is optional here.
pub(crate) fn example() -> ConfigDef {
    let connection = [
        Key::string(HOST).required().non_empty().high().doc("The host of the Redis server."),
        Key::int(PORT).required().between(1, 65_535).high().doc("The port of the Redis server."),
        Key::int(DATABASE).required().at_least(0).high().doc("The number of the database."),
        Key::password(PASSWORD).required().high().doc("The password; empty = none is sent."),
        username(),
        operation_timeout(),
    ];
    let def = group(ConfigDef::new(), CONNECTION, connection.into_iter().chain(attempts()));
    let def = group(def, SECURITY, tls());
    group(def, WRITING, [ttl()])
}

/// The keys of the connector of Jeremy Custenborder.
pub(crate) fn custenborder() -> ConfigDef {
    let hosts = Key::list(HOSTS).default_value("localhost:6379").high();
    let connection = [
        hosts.doc(
            "The servers as host:port. The first is used; with 'Cluster' they are asked in turn for the others of the \
             cluster.",
        ),
        Key::string(CLIENT_MODE)
            .default_value("Standalone")
            .one_of(&["Standalone", "Cluster"])
            .doc("'Standalone' for one server, 'Cluster' for a Redis Cluster."),
        Key::int(DATABASE).default_value("1").at_least(0).doc("The number of the database. A cluster has none."),
        username(),
        Key::password(PASSWORD).default_value("").doc("The password; empty = none is sent."),
        operation_timeout(),
        Key::int(CONNECT_TIMEOUT)
            .default_value("10000")
            .at_least(1)
            .low()
            .doc("How long to wait for one connection, in milliseconds."),
        Key::boolean(NO_DELAY).default_value("true").low().doc("Whether small packets are sent at once (TCP_NODELAY)."),
        Key::boolean(KEEP_ALIVE)
            .default_value("false")
            .low()
            .doc("Of the Java connector; without effect here: silent connections are always probed (SO_KEEPALIVE)."),
        Key::boolean("redis.auto.reconnect.enabled").default_value("true").low().doc(IGNORED),
        Key::int("redis.request.queue.size").default_value("2147483647").low().doc(IGNORED),
    ];
    let def = group(ConfigDef::new(), CONNECTION, connection.into_iter().chain(attempts()));
    let security = [
        Key::boolean(SSL).default_value("false").doc("Whether to connect with TLS."),
        Key::string(KEYSTORE)
            .default_value("")
            .doc("A file with the certificate and key that the client shows: PKCS#12, JKS, or PEM with both."),
        Key::password(KEYSTORE_PASSWORD).default_value("").doc("The password of that file."),
        Key::string(TRUSTSTORE)
            .default_value("")
            .doc("A file with the certificates to trust: PKCS#12, JKS or PEM. Empty = those of the system."),
        Key::password(TRUSTSTORE_PASSWORD).default_value("").doc("The password of that file."),
        Key::string("redis.ssl.provider").default_value("JDK").one_of(&["JDK", "OPENSSL"]).low().doc(IGNORED),
    ];
    let def = group(def, SECURITY, security);
    group(def, WRITING, [charset().low()])
}

/// The keys of the sink of Redis Field Engineering.
pub(crate) fn field_engineering_sink() -> ConfigDef {
    let writing = [
        charset().high(),
        Key::string(TYPE)
            .default_value("STREAM")
            .one_of(&STRUCTURES)
            .recommended(&STRUCTURES)
            .dependents(&[MULTIEXEC])
            .high()
            .doc("The structure to write: each record becomes a string, hash or JSON document, or an entry of one."),
        Key::string(KEYSPACE).default_value(TOPIC_TOKEN).doc(
            "The beginning of keys, or the whole key of a stream, list, set, sorted set or time series. '${topic}' \
             stands for the record's topic. Empty = the record's key alone.",
        ),
        Key::string(SEPARATOR).default_value(":").doc("What stands between the keyspace and the record's key."),
        ttl(),
        Key::boolean(MULTIEXEC)
            .default_value("false")
            .doc("Whether commands are sent in transactions; for STREAM, LIST, SET and ZSET, and not in a cluster."),
        Key::int(WAIT_REPLICAS)
            .default_value("0")
            .at_least(0)
            .doc("How many replicas must have the records before they count as written; 0 = none."),
        Key::long(WAIT_TIMEOUT).default_value("1000").at_least(1).doc(
            "How long to wait for the replicas at a time, in milliseconds. Then they are waited for again; the records \
                 are written again only if the connection was lost.",
        ),
    ];
    group(field_engineering(), WRITING, writing)
}

/// The keys of the stream source of Redis Field Engineering.
pub(crate) fn stream_source() -> ConfigDef {
    let reading = [
        Key::string(STREAM).required().non_empty().high().doc("The stream to read."),
        Key::string(TOPIC)
            .default_value(STREAM_TOKEN)
            .non_empty()
            .doc("The topic to write to. '${stream}' stands for the name of the stream."),
        Key::string(STREAM_OFFSET).default_value("0-0").non_empty().doc(
            "Where a consumer group that does not exist yet begins: behind this entry. '$' = with what comes from then \
             on.",
        ),
        Key::string(DELIVERY).default_value(AT_LEAST_ONCE).one_of(&[AT_LEAST_ONCE, AT_MOST_ONCE]).doc(
            "'at-least-once': an entry is acknowledged when Kafka has it. 'at-most-once': an entry counts as read when \
             Redis gives it out.",
        ),
        Key::string(GROUP)
            .default_value("kafka-consumer-group")
            .non_empty()
            .doc("The consumer group; made if missing."),
        Key::string(CONSUMER)
            .default_value("consumer-${task}")
            .non_empty()
            .doc("The consumer's name in the group. '${task}' stands for the number of the task."),
        Key::long(BLOCK)
            .default_value("100")
            .at_least(1)
            .low()
            .doc("How long one poll waits for entries, in milliseconds."),
        Key::int(BATCH_SIZE).default_value("500").at_least(1).low().doc("How many entries one poll gives at most."),
    ];
    group(field_engineering(), READING, reading)
}

/// How the connectors of Redis Field Engineering connect.
fn field_engineering() -> ConfigDef {
    let connection = [
        Key::string(HOST).default_value("localhost").high().doc("The host of the Redis server."),
        Key::int(PORT).default_value("6379").between(1, 65_535).high().doc("The port of the Redis server."),
        Key::string(URI).default_value("").doc(
            "The server in place of host and port: redis://host:port/database, or rediss:// for TLS. Write user and \
             password into their own keys, which can be kept secret.",
        ),
        Key::boolean(CLUSTER).default_value("false").doc("Whether the server belongs to a Redis Cluster."),
        Key::int(DATABASE)
            .at_least(0)
            .doc("The number of the database; without one, that of the URI or 0. A cluster has none."),
        username(),
        Key::password(PASSWORD).default_value("").doc("The password; empty = that of the URI, or none is sent."),
        Key::long(TIMEOUT)
            .default_value("60")
            .at_least(0)
            .doc("How long to wait for a connection or for an answer, in seconds; 0 = without end."),
        Key::int("redis.pool").default_value("8").doc(IGNORED),
    ];
    let def = group(ConfigDef::new(), CONNECTION, connection.into_iter().chain(attempts()));
    group(def, SECURITY, tls())
}

fn tls() -> [Key; 6] {
    [
        Key::boolean(TLS).default_value("false").doc("Whether to connect with TLS."),
        Key::boolean(INSECURE)
            .default_value("false")
            .doc("Whether any certificate of the server is taken. For tests only: anyone can listen."),
        Key::string(CA_CERT)
            .default_value("")
            .doc("A PEM file with the certificates to trust. Empty = those of the system."),
        Key::string(KEY_CERT).default_value("").doc("A PEM file with the certificate that the client shows."),
        Key::string(KEY_FILE).default_value("").doc("A PEM file with the key of that certificate."),
        Key::password(KEY_PASSWORD).default_value("").doc("The password of that key; empty = it has none."),
    ]
}

fn attempts() -> [Key; 2] {
    [
        Key::int(ATTEMPTS)
            .default_value("3")
            .at_least(1)
            .doc("How often a task that starts tries to connect before it fails."),
        Key::int(RETRY_DELAY)
            .default_value("2000")
            .at_least(100)
            .doc("How long to wait before the second attempt, in milliseconds; doubles with each further one."),
    ]
}

fn username() -> Key {
    Key::string(USERNAME).default_value("").doc("The user of Redis 6 and later; empty = the default user.")
}

fn operation_timeout() -> Key {
    Key::long(OPERATION_TIMEOUT)
        .default_value("10000")
        .at_least(100)
        .doc("How long to wait for an answer, in milliseconds. Then the records are written again.")
}

fn ttl() -> Key {
    Key::long(TTL).default_value("-1").doc(
        "After how many seconds a key that was written goes away; less than 1 = never. A record's header of the same \
         name overrides it.",
    )
}

fn charset() -> Key {
    Key::string(CHARSET).default_value("UTF-8").doc("How text is written. Only UTF-8 is there.")
}
