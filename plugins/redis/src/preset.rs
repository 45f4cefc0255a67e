//! The connectors whose configurations people have, each as a way to fill the one set of settings.

use crate::apart::Apart;
use crate::keys;
use crate::layout::{Layout, Structure};
use crate::server::{Login, Server};
use crate::tls::{Names, Tls};
use crate::writer::{Delivery, Replicas};
use ferroconnect_plugin_sdk::{AbiVec, Config, ConfigDef, ConfigValue, Error};
use redis::{ConnectionAddr, ConnectionInfo, TlsCertificates};
use std::str::FromStr;
use std::time::Duration;

/// All that a sink works by.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    /// Where to.
    pub(crate) server: Server,
    /// As what.
    pub(crate) layout: Layout,
    /// How surely.
    pub(crate) delivery: Delivery,
}

/// Why a configuration is no good.
#[derive(Debug)]
pub(crate) enum Invalid {
    /// The definition of the keys says so as well, so that the worker has told the user already.
    Told(Error),
    /// A key is wrong beside others, or for a reason that only this plugin sees.
    Key {
        /// The key.
        key: &'static str,
        /// What is wrong, and what would be right.
        message: String,
    },
}

impl Invalid {
    /// A key that is wrong.
    pub(crate) fn key(key: &'static str, message: impl Into<String>) -> Invalid {
        Invalid::Key { key, message: message.into() }
    }

    /// The answers of a connector's validation.
    pub(crate) fn into_values(self, config: &Config) -> Vec<ConfigValue> {
        let Invalid::Key { key, message } = self else { return Vec::new() };
        let secret = [keys::PASSWORD, keys::KEY_PASSWORD, keys::KEYSTORE_PASSWORD, keys::TRUSTSTORE_PASSWORD];
        let value = config.get(key).filter(|_| !secret.contains(&key));
        vec![ConfigValue {
            name: key.into(),
            value: value.map(Into::into).into(),
            recommended: AbiVec::new(),
            errors: vec![message.into()].into(),
            visible: true,
        }]
    }
}

impl From<Error> for Invalid {
    fn from(error: Error) -> Invalid {
        Invalid::Told(error)
    }
}

impl From<Invalid> for Error {
    fn from(invalid: Invalid) -> Error {
        match invalid {
            Invalid::Told(error) => error,
            Invalid::Key { key, message } => Error::config(format!("Invalid configuration {key}: {message}")),
        }
    }
}

/// One of the connectors.
pub(crate) trait Preset: Send + 'static {
    /// The Java class that it stands in for.
    const CLASS: &'static str;
    /// Short names for it.
    const ALIASES: &'static [&'static str];
    /// The Java class of its tasks.
    const TASK: &'static str;
    /// What it does.
    const DOC: &'static str;

    /// Its keys.
    fn def() -> ConfigDef;
    /// What they come to.
    fn settings(config: &Config) -> Result<Settings, Invalid>;
}

/// The sink of the tutorial: rows as JSON under `<topic>_<key>`.
#[derive(Debug)]
pub(crate) struct Example;

impl Preset for Example {
    const CLASS: &'static str = "com.github.taven.sink.ExampleSinkConnector";
    const ALIASES: &'static [&'static str] = &["ExampleSinkConnector", "ExampleSink"];
    const TASK: &'static str = "com.github.taven.sink.ExampleSinkTask";
    const DOC: &'static str = "Writes each record as JSON under the key <topic>_<record key> of Redis.";

    fn def() -> ConfigDef {
        keys::example()
    }

    fn settings(config: &Config) -> Result<Settings, Invalid> {
        let timeout = milliseconds(config, keys::OPERATION_TIMEOUT)?;
        let server = Server {
            nodes: vec![(config.text(keys::HOST)?.to_owned(), config.parse(keys::PORT)?)],
            cluster: false,
            database: config.parse(keys::DATABASE)?,
            login: login(config, None),
            tls: if config.flag(keys::TLS)? { Some(pem_files(config)?) } else { None },
            connect_timeout: timeout,
            timeout,
            no_delay: true,
            attempts: config.parse(keys::ATTEMPTS)?,
            delay: Duration::from_millis(config.parse(keys::RETRY_DELAY)?),
            apart: Apart::default(),
        };
        let layout = Layout {
            structure: Structure::String { json: true },
            keyspace: keys::TOPIC_TOKEN.into(),
            separator: "_".into(),
            ttl: ttl(config)?,
        };
        Ok(Settings { server, layout, delivery: Delivery::default() })
    }
}

/// The sink of Jeremy Custenborder: the record's key and value as they are.
#[derive(Debug)]
pub(crate) struct Custenborder;

impl Preset for Custenborder {
    const CLASS: &'static str = "com.github.jcustenborder.kafka.connect.redis.RedisSinkConnector";
    const ALIASES: &'static [&'static str] = &[];
    const TASK: &'static str = "com.github.jcustenborder.kafka.connect.redis.RedisSinkTask";
    const DOC: &'static str = "Writes the text or bytes of each record under the record's key of Redis.";

    fn def() -> ConfigDef {
        keys::custenborder()
    }

    fn settings(config: &Config) -> Result<Settings, Invalid> {
        let cluster = config.text(keys::CLIENT_MODE)? == "Cluster";
        let nodes: Result<Vec<_>, _> = config.list(keys::HOSTS).into_iter().map(host_and_port).collect();
        let nodes = nodes?;
        if nodes.is_empty() {
            return Err(Invalid::key(keys::HOSTS, "At least one server is needed, as host:port"));
        }
        let server = Server {
            nodes: if cluster { nodes } else { nodes.into_iter().take(1).collect() },
            cluster,
            // The default is 1, which no cluster has.
            database: if cluster { 0 } else { config.parse(keys::DATABASE)? },
            login: login(config, None),
            tls: if config.flag(keys::SSL)? { Some(stores(config)?) } else { None },
            connect_timeout: milliseconds(config, keys::CONNECT_TIMEOUT)?,
            timeout: milliseconds(config, keys::OPERATION_TIMEOUT)?,
            no_delay: config.flag(keys::NO_DELAY)?,
            attempts: config.parse(keys::ATTEMPTS)?,
            delay: Duration::from_millis(config.parse(keys::RETRY_DELAY)?),
            apart: Apart::default(),
        };
        check_cluster_tls(&server, keys::TRUSTSTORE)?;
        check_charset(config)?;
        let structure = Structure::String { json: false };
        let layout = Layout { structure, keyspace: "".into(), separator: String::new(), ttl: None };
        Ok(Settings { server, layout, delivery: Delivery::default() })
    }
}

/// The sink of Redis Field Engineering: all structures.
#[derive(Debug)]
pub(crate) struct FieldEngineering;

impl Preset for FieldEngineering {
    const CLASS: &'static str = "com.redis.kafka.connect.RedisSinkConnector";
    const ALIASES: &'static [&'static str] = &["RedisSink"];
    const TASK: &'static str = "com.redis.kafka.connect.sink.RedisSinkTask";
    const DOC: &'static str = "Writes each record as a string, hash or JSON document, or as an entry of a stream, list, set, sorted set or \
         time series.";

    fn def() -> ConfigDef {
        keys::field_engineering_sink()
    }

    fn settings(config: &Config) -> Result<Settings, Invalid> {
        let server = field_engineering_server(config)?;
        check_charset(config)?;
        let name = config.text(keys::TYPE)?;
        let structure = Structure::named(name).ok_or_else(|| {
            let all = keys::STRUCTURES.join(", ");
            Invalid::Told(Error::config(format!("{} is {name}; it must be one of {all}", keys::TYPE)))
        })?;
        let keyspace = config.get(keys::KEYSPACE).unwrap_or_default();
        if keyspace.is_empty() && structure.is_collection() {
            return Err(Invalid::key(keys::KEYSPACE, format!("It is the key of the {name} and must not be empty")));
        }
        let separator = config.get(keys::SEPARATOR).unwrap_or_default().to_owned();
        let layout = Layout { structure, keyspace: keyspace.into(), separator, ttl: ttl(config)? };
        let atomic = config.flag(keys::MULTIEXEC)?;
        if atomic && (!structure.is_collection() || structure == Structure::TimeSeries) {
            let message = "Transactions are there for STREAM, LIST, SET and ZSET only";
            return Err(Invalid::key(keys::MULTIEXEC, message));
        }
        if atomic && server.cluster {
            let message = format!("Transactions cannot span a cluster; leave out this or {}", keys::CLUSTER);
            return Err(Invalid::key(keys::MULTIEXEC, message));
        }
        let count: u32 = config.parse(keys::WAIT_REPLICAS)?;
        let timeout = Duration::from_millis(config.parse(keys::WAIT_TIMEOUT)?);
        let delivery = Delivery { atomic, replicas: (count > 0).then_some(Replicas { count, timeout }) };
        Ok(Settings { server, layout, delivery })
    }
}

/// The server that the keys of Redis Field Engineering name.
pub(crate) fn field_engineering_server(config: &Config) -> Result<Server, Invalid> {
    let mut server = Server {
        nodes: vec![(config.text(keys::HOST)?.to_owned(), config.parse(keys::PORT)?)],
        cluster: config.flag(keys::CLUSTER)?,
        database: 0,
        login: None,
        tls: if config.flag(keys::TLS)? { Some(pem_files(config)?) } else { None },
        connect_timeout: seconds(config, keys::TIMEOUT)?,
        timeout: seconds(config, keys::TIMEOUT)?,
        no_delay: true,
        attempts: config.parse(keys::ATTEMPTS)?,
        delay: Duration::from_millis(config.parse(keys::RETRY_DELAY)?),
        apart: Apart::default(),
    };
    if let Some(uri) = set(config, keys::URI) {
        apply_uri(&mut server, config, uri)?;
    }
    server.login = login(config, server.login);
    if set(config, keys::DATABASE).is_some() {
        server.database = config.parse(keys::DATABASE)?;
    }
    if server.cluster && server.database != 0 {
        let message = format!("A cluster has the database 0 only, and no {}", server.database);
        return Err(Invalid::key(keys::DATABASE, message));
    }
    check_cluster_tls(&server, keys::CA_CERT)?;
    Ok(server)
}

fn apply_uri(server: &mut Server, config: &Config, uri: &str) -> Result<(), Invalid> {
    // The URI itself may hold a password, so that no message may show it.
    let wrong = |why: &str| {
        Invalid::key(keys::URI, format!("{why}; redis://host:port/database or rediss://host:port/database is wanted"))
    };
    let info = ConnectionInfo::from_str(uri).map_err(|_| wrong("It is no URI of a Redis server"))?;
    match info.addr() {
        ConnectionAddr::Tcp(host, port) => server.nodes = vec![(host.clone(), *port)],
        ConnectionAddr::TcpTls { host, port, insecure, .. } => {
            server.nodes = vec![(host.clone(), *port)];
            let mut tls = pem_files(config)?;
            tls.insecure |= *insecure;
            server.tls = Some(tls);
        }
        _ => return Err(wrong("It names no host")),
    }
    let redis = info.redis_settings();
    server.database = redis.db();
    if redis.username().is_some() || redis.password().is_some() {
        let password = redis.password().unwrap_or_default().to_owned();
        server.login = Some(Login { user: redis.username().map(str::to_owned), password });
    }
    Ok(())
}

/// The text of a key that is set and not empty.
fn set<'a>(config: &'a Config, key: &str) -> Option<&'a str> {
    config.get(key).filter(|value| !value.is_empty())
}

/// User and password, each from its key or else from the URI; an empty password alone is none.
fn login(config: &Config, uri: Option<Login>) -> Option<Login> {
    let (user, password) = uri.map_or_else(Default::default, |Login { user, password }| (user, password));
    let user = set(config, keys::USERNAME).map(str::to_owned).or(user);
    let password = set(config, keys::PASSWORD).map_or(password, str::to_owned);
    (user.is_some() || !password.is_empty()).then_some(Login { user, password })
}

fn ttl(config: &Config) -> Result<Option<u64>, Invalid> {
    Ok(u64::try_from(config.parse::<i64>(keys::TTL)?).ok().filter(|seconds| *seconds > 0))
}

fn milliseconds(config: &Config, key: &str) -> Result<Option<Duration>, Invalid> {
    Ok(Some(Duration::from_millis(config.parse(key)?)))
}

/// None = 0 = without end.
fn seconds(config: &Config, key: &str) -> Result<Option<Duration>, Invalid> {
    let seconds: u64 = config.parse(key)?;
    Ok((seconds > 0).then_some(Duration::from_secs(seconds)))
}

fn host_and_port(text: &str) -> Result<(String, u16), Invalid> {
    let wrong = || Invalid::key(keys::HOSTS, format!("'{text}' is no host:port such as localhost:6379"));
    let (host, port) = match text.rsplit_once(':') {
        // An IPv6 address stands in brackets.
        Some((host, port)) if !host.contains(':') || host.ends_with(']') => (host, port.parse().map_err(|_| wrong())?),
        Some(_) => return Err(wrong()),
        None => (text, 6379),
    };
    let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    if host.is_empty() { Err(wrong()) } else { Ok((host.to_owned(), port)) }
}

const PEM_FILES: Names = Names(&[
    ("ssl.truststore.location", keys::CA_CERT),
    ("ssl.keystore.certificate.chain", keys::KEY_CERT),
    ("ssl.keystore.key", keys::KEY_FILE),
    ("ssl.key.password", keys::KEY_PASSWORD),
]);

const STORES: Names = Names(&[
    ("ssl.truststore.location", keys::TRUSTSTORE),
    ("ssl.truststore.password", keys::TRUSTSTORE_PASSWORD),
    ("ssl.keystore.location", keys::KEYSTORE),
    ("ssl.keystore.password", keys::KEYSTORE_PASSWORD),
    ("ssl.key.password", keys::KEYSTORE_PASSWORD),
]);

fn certificates(config: &Config, names: Names) -> Result<TlsCertificates, Invalid> {
    names.read(|key| set(config, key)).map_err(|(key, message)| Invalid::key(key, message))
}

/// TLS by the PEM files of Redis Field Engineering's keys.
fn pem_files(config: &Config) -> Result<Tls, Invalid> {
    let insecure = config.flag(keys::INSECURE)?;
    match (set(config, keys::KEY_CERT), set(config, keys::KEY_FILE)) {
        (Some(_), None) => return Err(Invalid::key(keys::KEY_FILE, format!("{} needs its key", keys::KEY_CERT))),
        (None, Some(_)) => {
            return Err(Invalid::key(keys::KEY_CERT, format!("{} needs its certificate", keys::KEY_FILE)));
        }
        _ => {}
    }
    let certificates = certificates(config, PEM_FILES)?;
    if insecure && certificates.client_tls.is_some() {
        let message = format!("A client certificate goes only to a server that is checked; set {}", keys::CA_CERT);
        return Err(Invalid::key(keys::INSECURE, message));
    }
    Ok(Tls { insecure, certificates })
}

/// TLS by the stores of Jeremy Custenborder's keys.
fn stores(config: &Config) -> Result<Tls, Invalid> {
    Ok(Tls { insecure: false, certificates: certificates(config, STORES)? })
}

/// The cluster client takes the certificates of the system only.
fn check_cluster_tls(server: &Server, key: &'static str) -> Result<(), Invalid> {
    if server.cluster && server.tls.as_ref().is_some_and(Tls::has_files) {
        let message = "With a cluster, TLS works with the certificates of the system only: add yours there \
                       (SSL_CERT_FILE), and leave out the files of certificates and keys";
        return Err(Invalid::key(key, message));
    }
    Ok(())
}

fn check_charset(config: &Config) -> Result<(), Invalid> {
    let name = config.get(keys::CHARSET).unwrap_or("UTF-8");
    if name.eq_ignore_ascii_case("UTF-8") || name.eq_ignore_ascii_case("UTF8") {
        return Ok(());
    }
    Err(Invalid::key(keys::CHARSET, format!("{name} is not there; text is written as UTF-8")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config<P: Preset>(pairs: &[(&str, &str)]) -> Config {
        let mut config = Config::default();
        for (key, value) in pairs {
            config.set(key, value);
        }
        P::def().fill(&config.to_pairs())
    }

    fn settings<P: Preset>(pairs: &[(&str, &str)]) -> Settings {
        P::settings(&config::<P>(pairs)).unwrap()
    }

    fn refusal<P: Preset>(pairs: &[(&str, &str)]) -> (&'static str, String) {
        match P::settings(&config::<P>(pairs)).unwrap_err() {
            Invalid::Key { key, message } => (key, message),
            Invalid::Told(error) => panic!("{error}"),
        }
    }

    #[test]
    fn the_four_keys_of_the_tutorial_are_enough() {
        let keys = [("redis.host", "h"), ("redis.port", "6379"), ("redis.database", "2"), ("redis.password", "")];
        let settings = settings::<Example>(&keys);
        assert_eq!(settings.server.to_string(), "Redis at h:6379");
        assert_eq!((settings.server.database, settings.server.login), (2, None));
        assert_eq!(settings.layout.structure, Structure::String { json: true });
    }

    #[test]
    fn hosts_are_read_with_their_ports() {
        let server = settings::<Custenborder>(&[("redis.hosts", "a:1, b")]).server;
        assert_eq!((server.to_string().as_str(), server.database), ("Redis at a:1", 1));
        let keys = [("redis.hosts", "a:1,[::1]:2,b"), ("redis.client.mode", "Cluster")];
        let server = settings::<Custenborder>(&keys).server;
        assert_eq!((server.to_string().as_str(), server.database), ("the Redis Cluster at a:1, ::1:2, b:6379", 0));
        for wrong in ["a:b", ":1", "::1", "a:70000"] {
            let (key, message) = refusal::<Custenborder>(&[("redis.hosts", wrong)]);
            assert_eq!(key, "redis.hosts");
            assert!(message.contains(&format!("'{wrong}'")), "{message}");
        }
    }

    #[test]
    fn a_uri_stands_in_for_the_keys_and_its_password_is_not_told() {
        let server = settings::<FieldEngineering>(&[("redis.uri", "redis://ann:pw%40@h:7/3")]).server;
        assert_eq!((server.to_string().as_str(), server.database), ("Redis at h:7", 3));
        let login = Login { user: Some("ann".into()), password: "pw@".into() };
        assert_eq!(server.login, Some(login));
        let keys = [("redis.uri", "rediss://h:7/3"), ("redis.database", "4"), ("redis.password", "x")];
        let server = settings::<FieldEngineering>(&keys).server;
        assert_eq!((server.database, server.tls.is_some()), (4, true));
        assert_eq!(server.login, Some(Login { user: None, password: "x".into() }));
        for wrong in ["redis://:hunter2@h:port", "http://:hunter2@h", "redis-sentinel://:hunter2@h/0"] {
            let (key, message) = refusal::<FieldEngineering>(&[("redis.uri", wrong)]);
            assert_eq!(key, "redis.uri");
            assert!(!message.contains("hunter2"), "{message}");
        }
    }

    #[test]
    fn a_key_replaces_its_part_of_the_login_only() {
        for (uri, user, password, expected) in [
            ("ann:pw@", "", "", Some((Some("ann"), "pw"))),
            ("ann@", "", "secret", Some((Some("ann"), "secret"))),
            ("ann:pw@", "", "secret", Some((Some("ann"), "secret"))),
            ("ann:pw@", "bob", "", Some((Some("bob"), "pw"))),
            (":pw@", "bob", "", Some((Some("bob"), "pw"))),
            ("ann:pw@", "bob", "secret", Some((Some("bob"), "secret"))),
            (":pw@", "", "", Some((None, "pw"))),
            ("", "bob", "secret", Some((Some("bob"), "secret"))),
            ("", "", "", None),
        ] {
            let uri = format!("redis://{uri}h:7");
            let keys = [("redis.uri", uri.as_str()), ("redis.username", user), ("redis.password", password)];
            let expected =
                expected.map(|(user, password)| Login { user: user.map(str::to_owned), password: password.to_owned() });
            assert_eq!(settings::<FieldEngineering>(&keys).server.login, expected, "{keys:?}");
        }
    }

    #[test]
    fn keys_that_do_not_go_together_are_refused() {
        for (pairs, expected) in [
            (&[("redis.type", "HASH"), ("redis.multiexec", "true")][..], "redis.multiexec"),
            (&[("redis.type", "SET"), ("redis.multiexec", "true"), ("redis.cluster", "true")], "redis.multiexec"),
            (&[("redis.type", "SET"), ("redis.keyspace", "")], "redis.keyspace"),
            (&[("redis.cluster", "true"), ("redis.database", "1")], "redis.database"),
            (&[("redis.charset", "UTF-16")], "redis.charset"),
            (&[("redis.tls", "true"), ("redis.key.file", "k.pem")], "redis.key.cert"),
            (&[("redis.tls", "true"), ("redis.key.cert", "c.pem")], "redis.key.file"),
            (&[("redis.tls", "true"), ("redis.cacert", "/no/such/file")], "redis.cacert"),
        ] {
            assert_eq!(refusal::<FieldEngineering>(pairs).0, expected);
        }
        let keys = [("redis.ssl.enabled", "true"), ("redis.ssl.keystore.path", "/no/such/file")];
        assert_eq!(refusal::<Custenborder>(&keys).0, "redis.ssl.keystore.path");
    }

    #[test]
    fn defaults_are_those_of_the_java_connector() {
        let settings = settings::<FieldEngineering>(&[]);
        assert_eq!(settings.server.to_string(), "Redis at localhost:6379");
        assert_eq!(settings.server.timeout, Some(Duration::from_secs(60)));
        let Layout { structure, keyspace, separator, ttl } = settings.layout;
        assert_eq!(keyspace, "${topic}".into());
        assert_eq!((structure, separator.as_str(), ttl), (Structure::Stream, ":", None));
    }
}
