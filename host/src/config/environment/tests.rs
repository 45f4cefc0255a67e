use super::*;
use crate::config::WorkerConfig;
use crate::telemetry::loggers::LevelSpec;

fn environment(variables: &[(&str, &str)]) -> Environment {
    Environment::new(variables.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())))
}

fn worker(variables: &[(&str, &str)]) -> Result<EnvironmentConfig> {
    environment(variables).worker(None)
}

fn base(text: &str) -> ConfigFile {
    ConfigFile::from_properties(Path::new("base.properties"), text.as_bytes()).expect("well-formed")
}

fn check(config: EnvironmentConfig) -> Result<WorkerConfig> {
    WorkerConfig::from_file(config.file, Mode::Standalone, &|_, _| Ok(None))
}

fn message(result: Result<EnvironmentConfig>) -> String {
    result.and_then(check).expect_err("wrong").message().to_owned()
}

const OFFSETS: (&str, &str) = ("CONNECT_OFFSET_STORAGE_FILE_FILENAME", "/data/offsets");
const SERVERS: (&str, &str) = ("BOOTSTRAP_SERVERS", "k:9092");

#[test]
fn names_without_prefix_beat_names_with_one_and_those_the_file_and_it_the_defaults() {
    let variables = environment(&[
        SERVERS,
        ("CONNECT_BOOTSTRAP_SERVERS", "other:9092"),
        ("CONNECT_OFFSET_FLUSH_TIMEOUT_MS", "7"),
        ("KEY_CONVERTER", ""),
    ]);
    let file = base("offset.flush.timeout.ms=8\nkey.converter=StringConverter\noffset.storage.file.filename=/o\n");
    let config = variables.worker(Some(file)).expect("right");
    let props = config.file.props();
    for (key, value) in [
        ("bootstrap.servers", "k:9092"),
        ("offset.flush.timeout.ms", "7"),
        ("key.converter", "StringConverter"),
        ("value.converter", "org.apache.kafka.connect.json.JsonConverter"),
        ("task.shutdown.graceful.timeout.ms", "10000"),
        ("offset.storage.file.filename", "/o"),
    ] {
        assert_eq!(props.get(key), Some(value), "{key}");
    }
    let [warning] = config.file.warnings() else { panic!("{:?}", config.file.warnings()) };
    assert!(warning.starts_with("CONNECT_BOOTSTRAP_SERVERS (environment) sets 'bootstrap.servers' too"), "{warning}");
    assert!(config.settings.contains(&"bootstrap.servers = k:9092, from BOOTSTRAP_SERVERS (environment)".to_owned()));
    assert_eq!(config.file.place("key.converter"), "base.properties:2");
    check(config).expect("a whole configuration");
}

#[test]
fn messages_name_the_variable_that_is_wrong_or_missing() {
    let error = message(worker(&[SERVERS, ("OFFSET_FLUSH_TIMEOUT_MS", "soon"), ("CONNECT_LISTENERS", "ftp://x:1")]));
    for part in [
        "OFFSET_FLUSH_TIMEOUT_MS (environment): Invalid value soon for configuration offset.flush.timeout.ms",
        "CONNECT_LISTENERS (environment): Invalid value ftp://x:1 for configuration listeners",
        "CONNECT_OFFSET_STORAGE_FILE_FILENAME (environment): Missing required configuration",
    ] {
        assert!(error.contains(part), "{error}");
    }
    let warnings =
        check(worker(&[SERVERS, OFFSETS, ("CONNECT_PLUGIN_PAHT", "x")]).expect("right")).expect("right").warnings;
    assert!(warnings[0].starts_with("CONNECT_PLUGIN_PAHT (environment): 'plugin.paht' is not a key"), "{warnings:?}");
}

#[test]
fn host_and_port_of_rest_make_a_listener() {
    let listeners = |variables: &[(&str, &str)]| {
        let config = worker(variables).expect("right");
        let warnings = config.file.warnings().join("\n");
        (config.file.props().get("listeners").map(str::to_owned), warnings)
    };
    assert_eq!(listeners(&[SERVERS]), (None, String::new()));
    assert_eq!(listeners(&[SERVERS, ("REST_PORT", "9000")]).0.as_deref(), Some("http://:9000"));
    let both = [SERVERS, ("HOST_NAME", "a"), ("CONNECT_REST_PORT", "1")];
    assert_eq!(listeners(&both).0.as_deref(), Some("http://a:1"));
    let two_hosts = [SERVERS, ("HOST_NAME", "a"), ("REST_HOST_NAME", "::1")];
    assert_eq!(listeners(&two_hosts).0.as_deref(), Some("http://[::1]:8083"));
    let (value, warning) = listeners(&[SERVERS, ("REST_PORT", "9000"), ("CONNECT_LISTENERS", "https://:1")]);
    assert_eq!(value.as_deref(), Some("https://:1"));
    assert!(warning.starts_with("REST_PORT (environment): not used"), "{warning}");
    let error = message(worker(&[SERVERS, OFFSETS, ("REST_PORT", "tcp")]));
    assert!(error.starts_with("REST_PORT (environment): Invalid value http://:tcp"), "{error}");
}

#[test]
fn brokers_are_found_by_links() {
    let config = worker(&[
        ("B_PORT_9092_TCP", "tcp://10.0.0.2:9092"),
        ("A_PORT_9092_TCP", "tcp://10.0.0.3:9092"),
        ("KAFKA_PORT_9092_TCP", "tcp://10.0.0.2:9092"),
        ("CONNECT_SERVICE_HOST", "10.0.0.9"),
        ("CONNECT_PORT_8083_TCP", "tcp://10.0.0.9:8083"),
    ]);
    let config = config.expect("right");
    assert_eq!(config.file.props().get("bootstrap.servers"), Some("10.0.0.2:9092,10.0.0.3:9092"));
    assert_eq!(config.file.props().get("service.host"), None);
    assert_eq!(config.file.props().get("port.8083.tcp"), None);
    let none = worker(&[]).expect("right");
    assert_eq!(none.file.props().get("bootstrap.servers"), Some("0.0.0.0:9092"));
    assert!(none.file.warnings()[0].starts_with("BOOTSTRAP_SERVERS (environment) is not set"));
}

#[test]
fn values_of_files_count_without_the_line_end_and_are_never_shown() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let secret = dir.path().join("secret");
    std::fs::write(&secret, "s3cret-text\r\n").expect("writable");
    let path = secret.to_str().expect("UTF-8");
    let config =
        worker(&[SERVERS, OFFSETS, ("CONNECT_CONSUMER_SASL_JAAS_CONFIG_FILE", path), ("KEY_CONVERTER_FILE", path)]);
    let config = config.expect("right");
    assert_eq!(config.file.props().get("consumer.sasl.jaas.config"), Some("s3cret-text"));
    assert_eq!(config.file.props().get("key.converter"), Some("s3cret-text"));
    assert!(!config.settings.join("\n").contains("s3cret"), "{:?}", config.settings);
    let parsed = check(config).expect("right");
    assert_eq!(parsed.confidential.hide("a s3cret-text b"), "a [hidden] b");

    let error = message(worker(&[SERVERS, OFFSETS, ("OFFSET_FLUSH_TIMEOUT_MS_FILE", path)]));
    assert!(error.starts_with("OFFSET_FLUSH_TIMEOUT_MS_FILE (environment): Invalid value [hidden] for"), "{error}");
    assert!(!error.contains("s3cret"), "{error}");
}

#[test]
fn files_of_values_are_told_from_keys_that_end_like_them() {
    let config = worker(&[SERVERS, ("CONNECT_REST_BASIC_AUTH_CREDENTIALS_FILE", "/users")]).expect("right");
    assert_eq!(config.file.props().get("rest.basic.auth.credentials.file"), Some("/users"));
    let error = message(worker(&[SERVERS, ("CONNECT_SSL_KEY_PASSWORD_FILE", "/no/such/file")]));
    assert!(
        error.starts_with("CONNECT_SSL_KEY_PASSWORD_FILE (environment): /no/such/file: cannot be read: "),
        "{error}"
    );
    let error = message(worker(&[SERVERS, ("BOOTSTRAP_SERVERS_FILE", "/x")]));
    assert!(error.starts_with("BOOTSTRAP_SERVERS and BOOTSTRAP_SERVERS_FILE (environment) are both set"), "{error}");
}

#[test]
fn only_harmless_values_are_shown() {
    let config = worker(&[
        SERVERS,
        ("CONNECT_SSL_KEYSTORE_PASSWORD", "one"),
        ("CONNECT_VALUE_CONVERTER_USER_INFO", "me:two"),
        ("CONNECT_CLIENT_DNS_LOOKUP", "three"),
        ("SENSITIVE_PROPERTIES", "CONNECT_CLIENT_DNS_LOOKUP,other"),
    ]);
    let settings = config.expect("right").settings;
    let shown: Vec<&str> = settings.iter().map(String::as_str).filter(|line| line.contains("CONNECT_")).collect();
    assert_eq!(
        shown,
        [
            "client.dns.lookup = [hidden], from CONNECT_CLIENT_DNS_LOOKUP (environment)",
            "ssl.keystore.password = [hidden], from CONNECT_SSL_KEYSTORE_PASSWORD (environment)",
            "value.converter.user.info = [hidden], from CONNECT_VALUE_CONVERTER_USER_INFO (environment)",
        ]
    );
}

#[test]
fn what_asks_for_a_distributed_worker_is_refused_unless_a_worker_on_its_own_is_wanted() {
    let a15 = [
        SERVERS,
        ("GROUP_ID", "1"),
        ("CONFIG_STORAGE_TOPIC", "my-connect-configs"),
        ("CONNECT_OFFSET_STORAGE_TOPIC", "my-connect-offsets"),
        ("ADVERTISED_HOST_NAME", ""),
    ];
    let error = message(worker(&a15));
    assert!(
        error.starts_with(
            "GROUP_ID (environment), CONFIG_STORAGE_TOPIC (environment), CONNECT_OFFSET_STORAGE_TOPIC (environment): \
             this asks for a distributed worker"
        ),
        "{error}"
    );
    let alone: Vec<_> = a15.into_iter().chain([("FERROCONNECT_MODE", "standalone"), OFFSETS]).collect();
    let config = worker(&alone).expect("a worker on its own");
    assert!(config.file.warnings()[0].contains("without a meaning for a worker on its own"));
    assert_eq!(check(config).expect("right").rest.advertised_host, None);
    for mode in ["distributed", "Standalone"] {
        let error = message(worker(&[SERVERS, OFFSETS, ("FERROCONNECT_MODE", mode)]));
        assert!(error.starts_with("FERROCONNECT_MODE (environment): "), "{error}");
    }
    let group = worker(&[SERVERS, OFFSETS, ("GROUP_ID", "1")]).expect("a group alone is only of no use");
    assert!(group.file.warnings()[0].starts_with("GROUP_ID (environment): without a meaning"));
}

#[test]
fn what_is_for_java_is_told_once() {
    let config = worker(&[
        SERVERS,
        ("HEAP_OPTS", "-Xmx1g"),
        ("ENABLE_JFR", "false"),
        ("JMXPORT", "9999"),
        ("CONNECT_LOG4J_APPENDER_STDOUT", "x"),
    ]);
    let config = config.expect("right");
    let [warning] = config.file.warnings() else { panic!("{:?}", config.file.warnings()) };
    assert!(warning.starts_with("HEAP_OPTS, JMXPORT, CONNECT_LOG4J_APPENDER_STDOUT (environment): "), "{warning}");
    assert!(message(worker(&[("ENABLE_APICURIO_CONVERTERS", "true")])).contains("KEY_CONVERTER"));
}

fn repository(file: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(file)
}

#[test]
fn the_base_file_of_the_image_is_right() {
    let base = ConfigFile::read(repository("packaging/container.properties")).expect("well-formed");
    let local = ("REST_HOST_NAME", "127.0.0.1");
    let config = environment(&[SERVERS, local]).worker(Some(base)).and_then(check).expect("a whole configuration");
    assert_eq!(config.warnings, Vec::<String>::new());
    assert!(config.connectors_dir.is_some() && config.plugins.path.len() == 2);
}

#[test]
fn the_guide_names_every_variable() {
    let guide = std::fs::read_to_string(repository("docs/operations.md")).expect("there");
    for (variable, _) in names::PLAIN {
        assert!(guide.contains(&format!("`{variable}`")), "{variable}");
    }
    for variable in [MODE, "SENSITIVE_PROPERTIES", "ENABLE_APICURIO_CONVERTERS", "LOG_LEVEL", "PORT_9092_TCP"] {
        assert!(guide.contains(variable), "{variable}");
    }
}

#[test]
fn levels_of_the_log_come_from_many_variables() {
    let levels = |variables: &[(&str, &str)]| environment(variables).log_levels();
    let expected: LevelSpec = "warn,org.apache.kafka=DEBUG,a.b=error,ferroconnect=trace".parse().expect("right");
    let found = levels(&[
        ("LOG_LEVEL", "warn"),
        ("CONNECT_LOG4J_LOGGER_ORG_APACHE_KAFKA", "DEBUG, stdout"),
        ("CONNECT_LOG4J_LOGGERS", "a.b=error"),
        ("FERROCONNECT_LOG", "ferroconnect=trace"),
    ]);
    assert_eq!(found.expect("right"), expected);
    let error = levels(&[("LOG_LEVEL", "loud")]).expect_err("no level");
    assert!(error.message().starts_with("LOG_LEVEL (environment): `loud` is not understood"), "{error}");
}
