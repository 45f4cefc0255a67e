//! Passwords of databases, Redis, HTTP servers, schema registries and key stores, at every place where they may stand,
//! with connections that work and connections that fail. They are in no log, error, status, validation, metric or dead
//! letter, neither as they are nor in the form that URLs and headers give them.

#![allow(clippy::unwrap_used, reason = "a test ends at the first surprise")]

#[path = "../../plugins/http-sink/tests/server/mod.rs"]
mod server;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use ferroconnect_e2e::kafka::{Kafka, NewRecord};
use ferroconnect_e2e::process::{Process, read_lossy};
use ferroconnect_e2e::wait::{PATIENCE, until, until_some};
use ferroconnect_e2e::worker::{Subject, Worker, WorkerSetup};
use ferroconnect_e2e::{free_port, unique};
use ferroconnect_test_registry::Registry;
use ferroconnect_test_servers::{Kind, Server};
use serde_json::{Map, Value};
use std::process::Command;

const USER: &str = "spy";
/// The right password and how it stands in a URL.
const RIGHT: [&str; 2] = ["hush&right/1", "hush%26right%2F1"];
/// Another one.
const WRONG: [&str; 2] = ["hush&wrong/2", "hush%26wrong%2F2"];
/// Of a key store.
const STORE: [&str; 2] = ["hush&store/3", "hush%26store%2F3"];

const JSON: &str = "org.apache.kafka.connect.json.JsonConverter";
const AVRO: &str = "io.confluent.connect.avro.AvroConverter";

/// Panics if the text has a secret in it, in any of its forms.
fn assert_no_secrets(place: &str, text: &str) {
    for [secret, in_url] in [RIGHT, WRONG, STORE] {
        let headers = [format!("{USER}:{secret}"), format!(":{secret}"), secret.to_owned()].map(|login| {
            let encoded = BASE64_STANDARD.encode(login);
            encoded.trim_end_matches('=').to_owned()
        });
        for form in headers.iter().map(String::as_str).chain([secret, in_url]) {
            let line = text.lines().find(|line| line.contains(form));
            assert!(line.is_none(), "{place} shows {form}: {}", line.unwrap_or_default());
        }
    }
}

/// What becomes of a connector.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// Its first record arrives.
    Works,
    /// It is refused, or it or its task fails.
    Fails,
    /// It says in the log that it tries again.
    TriesAgain,
    /// Its record becomes a dead letter.
    Reports,
}

use Fate::{Fails, Reports, TriesAgain, Works};

struct Attempt {
    what: String,
    fate: Fate,
    config: Vec<(&'static str, String)>,
}

impl Attempt {
    fn new(what: impl Into<String>, fate: Fate, config: &[(&'static str, &str)]) -> Attempt {
        let config = config.iter().map(|(key, value)| (*key, (*value).to_owned())).collect();
        Attempt { what: what.into(), fate, config }
    }

    fn json(&self, name: &str, topics: &Topics) -> Value {
        let mut config: Map<String, Value> =
            self.config.iter().map(|(key, value)| ((*key).to_owned(), value.as_str().into())).collect();
        let is_source = config["connector.class"].as_str().unwrap().ends_with("Source");
        let own = if is_source {
            vec![("topic.prefix", format!("{name}-")), ("mode", "bulk".to_owned()), ("table.whitelist", "t".to_owned())]
        } else {
            vec![("topics", topics.rows.clone()), ("errors.log.enable", "true".to_owned())]
        };
        for (key, value) in own.into_iter().chain([("name", name.to_owned()), ("tasks.max", "1".to_owned())]) {
            config.entry(key).or_insert_with(|| value.into());
        }
        if self.fate == Reports {
            config.insert("errors.tolerance".to_owned(), "all".into());
            config.insert("errors.deadletterqueue.topic.name".to_owned(), format!("{name}-letters").into());
            config.insert("errors.deadletterqueue.topic.replication.factor".to_owned(), "1".into());
            config.insert("errors.deadletterqueue.context.headers.enable".to_owned(), "true".into());
        }
        config.into()
    }
}

/// Topics with a record each.
struct Topics {
    rows: String,
    avro: String,
}

impl Topics {
    fn make(kafka: &Kafka) -> Topics {
        let topics = Topics { rows: unique("rows"), avro: unique("avro") };
        kafka.create_topic(&topics.rows, 1);
        kafka.create_topic(&topics.avro, 1);
        let schema = r#"{"type":"struct","fields":[{"field":"id","type":"int32"}]}"#;
        let row = NewRecord::of(format!(r#"{{"schema":{schema},"payload":{{"id":1}}}}"#));
        let key = Some(br#"{"schema":{"type":"string"},"payload":"1"}"#.to_vec());
        kafka.write_records(&topics.rows, 0, [NewRecord { key, ..row }]);
        kafka.write_records(&topics.avro, 0, [NewRecord::of(vec![0, 0, 0, 0, 1, 2])]);
        topics
    }
}

/// Sources and sinks of a database: the login at each place, right and wrong, and servers that are not there.
fn of_database(server: &Server, name: &str, file: &str) -> Vec<Attempt> {
    let url = server.bare_url(name);
    let in_query = |[_, password]: [&str; 2]| format!("{url}?user={USER}&password={password}");
    let in_front = |url: &str, [_, password]: [&str; 2]| url.replace("//", &format!("//{USER}:{password}@"));
    let away = url.replace(&server.port().to_string(), &free_port().to_string());
    let unknown = url.replace("localhost", "no-such-host.invalid");
    let mut attempts = Vec::new();
    for class in ["JdbcSource", "JdbcSink"] {
        let mut add = |what: &str, fate: Fate, url: &str, password: &str| {
            let own = [("connector.class", class), ("connection.url", url), ("connection.attempts", "1")];
            let login = [("connection.user", USER), ("connection.password", password)];
            let sink = [("auto.create", "true"), ("max.retries", "0"), ("table.name.format", "copies")];
            let login = if password.is_empty() { &[] } else { &login[..] };
            let sink = if class == "JdbcSink" { &sink[..] } else { &[] };
            attempts.push(Attempt::new(format!("{class}, {what}, {url}"), fate, &[&own[..], login, sink].concat()));
        };
        let gone = if class == "JdbcSink" { Fails } else { TriesAgain };
        add("right password", Works, &url, RIGHT[0]);
        add("password of a file", Works, &url, &format!("${{file:{file}:password}}"));
        add("right in the query", Works, &in_query(RIGHT), "");
        add("right before the host", Works, &in_front(&url, RIGHT), "");
        add("wrong password", Fails, &url, WRONG[0]);
        add("wrong in the query", Fails, &in_query(WRONG), "");
        add("wrong before the host", Fails, &in_front(&url, WRONG), "");
        add("nobody listens", gone, &away, RIGHT[0]);
        add("nobody listens", gone, &in_front(&away, RIGHT), "");
        add("no such host", gone, &in_query(RIGHT).replace("localhost", "no-such-host.invalid"), "");
        add("no such host", gone, &unknown, RIGHT[0]);
        add("not a URL", Fails, &in_query(RIGHT).replace("//", "///@@"), "");
    }
    attempts
}

/// TLS of MariaDB (whose server has it) and PostgreSQL (whose server has not), with stores that have passwords.
fn of_tls(mariadb: &Server, postgres: &Server, name: &str, store: &str) -> Vec<Attempt> {
    let trusting = |password: &str| {
        let store = format!("trustCertificateKeyStoreUrl=file:{store}&trustCertificateKeyStorePassword={password}");
        format!("{}?sslMode=VERIFY_CA&{store}", mariadb.bare_url(name))
    };
    let suspicious = format!("{}?sslMode=VERIFY_CA", mariadb.bare_url(name));
    let plain = format!("{}?sslmode=require", postgres.bare_url(name));
    [
        ("a store with its password", Works, trusting(STORE[1])),
        ("a store with another password", Fails, trusting(WRONG[1])),
        ("an authority that is not known", Fails, suspicious),
        ("a server without TLS", Fails, plain),
    ]
    .map(|(what, fate, url)| {
        let own = [("connector.class", "JdbcSource"), ("connection.url", url.as_str()), ("connection.attempts", "1")];
        let login = [("connection.user", USER), ("connection.password", RIGHT[0])];
        Attempt::new(format!("TLS, {what}"), fate, &[&own[..], &login].concat())
    })
    .into()
}

fn of_redis(port: u16, file: &str) -> Vec<Attempt> {
    let (here, away) = (port.to_string(), free_port().to_string());
    let of_file = format!("${{file:{file}:password}}");
    [
        ("right", Works, here.as_str(), RIGHT[0]),
        ("of a file", Works, here.as_str(), of_file.as_str()),
        ("wrong", Fails, here.as_str(), WRONG[0]),
        ("nobody listens", Fails, away.as_str(), RIGHT[0]),
    ]
    .map(|(what, fate, port, password)| {
        let own = [("connector.class", "com.github.taven.sink.ExampleSinkConnector"), ("redis.host", "127.0.0.1")];
        let login = [("redis.port", port), ("redis.password", password), ("redis.database", "0")];
        let brief = [("redis.connection.attempts", "1")];
        Attempt::new(format!("Redis, {what}"), fate, &[&own[..], &login, &brief].concat())
    })
    .into()
}

fn of_http(let_in: &server::Server, refusing: &server::Server) -> Vec<Attempt> {
    let header = format!("Bearer {}", RIGHT[0]);
    let wrong = format!("Basic {}", BASE64_STANDARD.encode(format!("{USER}:{}", WRONG[0])));
    let away = format!("http://127.0.0.1:{}/in", free_port());
    let aiven = |what: &str, fate: Fate, url: &str, header: &str| {
        let own = [("connector.class", "io.aiven.kafka.connect.http.HttpSinkConnector"), ("http.url", url)];
        let auth =
            [("http.authorization.type", "static"), ("http.headers.authorization", header), ("max.retries", "0")];
        Attempt::new(format!("HTTP, {what}"), fate, &[&own[..], &auth].concat())
    };
    let confluent = |what: &str, fate: Fate, url: &str, password: &str| {
        let own = [("connector.class", "io.confluent.connect.http.HttpSinkConnector"), ("http.api.url", url)];
        let auth = [("auth.type", "BASIC"), ("connection.user", USER), ("connection.password", password)];
        Attempt::new(format!("HTTP, {what}"), fate, &[&own[..], &auth, &[("max.retries", "0")]].concat())
    };
    vec![
        aiven("a header that is let in", Works, &let_in.url("/in"), &header),
        aiven("a header that is not", Fails, &refusing.url("/401"), &wrong),
        aiven("a record that is refused", Reports, &refusing.url("/422"), &header),
        aiven("nobody listens", Fails, &away, &header),
        confluent("a login that is let in", Works, &let_in.url("/in"), RIGHT[0]),
        confluent("a login that is not", Fails, &refusing.url("/401"), WRONG[0]),
        confluent("a record that is refused", Reports, &refusing.url("/422"), RIGHT[0]),
    ]
}

/// Sinks behind a converter that asks a registry.
fn of_registry(registry: &Registry, let_in: &server::Server, topics: &Topics) -> Vec<Attempt> {
    let url = registry.url();
    let in_front = |[_, password]: [&str; 2]| url.replace("//", &format!("//{USER}:{password}@"));
    let login = |[password, _]: [&str; 2]| format!("{USER}:{password}");
    let away = format!("http://{USER}:{}@127.0.0.1:{}", RIGHT[1], free_port());
    let target = let_in.url("/in");
    [
        ("right", Works, url.clone(), login(RIGHT)),
        ("right before the host", Works, in_front(RIGHT), String::new()),
        ("wrong", Reports, url.clone(), login(WRONG)),
        ("wrong before the host", Reports, in_front(WRONG), String::new()),
        ("nobody listens", Reports, away, String::new()),
    ]
    .map(|(what, fate, url, login)| {
        let sink: [(&'static str, &str); 5] = [
            ("connector.class", "io.aiven.kafka.connect.http.HttpSinkConnector"),
            ("http.url", &target),
            ("http.authorization.type", "none"),
            ("topics", &topics.avro),
            ("key.converter", "org.apache.kafka.connect.storage.StringConverter"),
        ];
        let source = if login.is_empty() { "URL" } else { "USER_INFO" };
        let converter: [(&'static str, &str); 5] = [
            ("value.converter", AVRO),
            ("value.converter.schema.registry.url", &url),
            ("value.converter.basic.auth.credentials.source", source),
            ("value.converter.basic.auth.user.info", &login),
            ("value.converter.max.retries", "0"),
        ];
        Attempt::new(format!("registry, {what}"), fate, &[&sink[..], &converter].concat())
    })
    .into()
}

/// Makes a connector and waits for its fate; looks at all that is answered on the way.
fn run(worker: &Worker, setup: &WorkerSetup, attempt: &Attempt, topics: &Topics) {
    let (what, name) = (&attempt.what, unique("secretive"));
    let config = attempt.json(&name, topics);
    let class = config["connector.class"].as_str().unwrap();
    let url_tells = config
        .as_object()
        .unwrap()
        .iter()
        .any(|(key, value)| key.ends_with("url") && value.as_str().is_some_and(|url| url.contains("hush")));
    let validated = worker.rest.put(&format!("/connector-plugins/{class}/config/validate"), Some(&config));
    // A URL is no password for Kafka Connect: whoever sends it is shown it.
    if !url_tells {
        assert_no_secrets(&format!("the validation of {what}"), &validated.text);
    }
    let made = worker.rest.put(&format!("/connectors/{name}/config"), Some(&config));
    if made.status != 201 {
        assert!(attempt.fate == Fails && made.status == 400, "{what}: {made:?}");
        assert_no_secrets(&format!("the refusal of {what}"), &made.text);
        return;
    }
    let kafka = Kafka::shared();
    let is_source = class == "JdbcSource";
    let status = || worker.rest.get(&format!("/connectors/{name}/status")).text;
    match attempt.fate {
        Fails => until(&format!("{what} to fail"), || status().contains("FAILED")),
        Works if is_source => until(&format!("a record of {what}"), || kafka.count(&format!("{name}-t")) > 0),
        TriesAgain => until_some(&format!("{what} to try again"), PATIENCE, || {
            let log = setup.logs();
            let told = log.lines().any(|line| line.contains(&name) && line.contains("annot connect"));
            if told { Ok(()) } else { Err(status()) }
        }),
        Works | Reports => until_some(&format!("the record of {what}"), PATIENCE, || {
            let offsets = worker.rest.get(&format!("/connectors/{name}/offsets")).text;
            if offsets.contains("\"kafka_offset\":1") { Ok(()) } else { Err(format!("{offsets} {}", status())) }
        }),
    }
    if attempt.fate == Reports {
        for letter in kafka.read_at_least(&format!("{name}-letters"), 1) {
            for (header, value) in &letter.headers {
                let value = String::from_utf8_lossy(value.as_deref().unwrap_or_default()).into_owned();
                assert_no_secrets(&format!("the header {header} of the letter of {what}"), &value);
            }
        }
    }
    for path in ["/status", "/tasks/0/status", "/topics", "/offsets"] {
        let answer = worker.rest.get(&format!("/connectors/{name}{path}")).text;
        assert_no_secrets(&format!("GET {path} of {what}"), &answer);
    }
    for path in ["/metrics", "/health", "/connectors?expand=status", "/admin/loggers"] {
        assert_no_secrets(&format!("GET {path} with {what}"), &worker.rest.get(path).text);
    }
    worker.rest.delete(&format!("/connectors/{name}"));
}

fn redis(folder: &std::path::Path, port: u16) -> Process {
    let mut server = Command::new("redis-server");
    server.args(["--bind", "127.0.0.1", "--port", &port.to_string(), "--save", "", "--requirepass", RIGHT[0], "--dir"]);
    server.arg(folder);
    let process = Process::start(server, folder, "redis");
    until("Redis listens", || std::net::TcpStream::connect(("127.0.0.1", port)).is_ok());
    process
}

/// A database with a table, and a user with the right password.
fn prepare(server: &Server, kind: Kind, name: &str) {
    let (user, password) = (USER, RIGHT[0]);
    server.sql(if kind == Kind::Postgres { "postgres" } else { "test" }, &format!("CREATE DATABASE {name}"));
    match kind {
        Kind::MariaDb => server.sql(
            name,
            &format!("CREATE USER '{user}'@'%' IDENTIFIED BY '{password}'; GRANT ALL ON {name}.* TO '{user}'@'%'"),
        ),
        Kind::Postgres => server.sql(name, &format!("CREATE ROLE {user} LOGIN SUPERUSER PASSWORD '{password}'")),
    };
    server.sql(name, "CREATE TABLE t (id INT NOT NULL PRIMARY KEY); INSERT INTO t VALUES (1)");
}

#[test]
fn no_password_is_told() {
    let kafka = Kafka::shared();
    let ((mariadb, certificates), postgres) = (Server::start_with_tls(Kind::MariaDb), Server::shared(Kind::Postgres));
    prepare(&mariadb, Kind::MariaDb, "spied");
    prepare(postgres, Kind::Postgres, "spied");
    let mut setup = WorkerSetup::new(Subject::Ferroconnect, kafka);
    let redis_folder = tempfile::tempdir().unwrap();
    let redis_port = free_port();
    let _redis = redis(redis_folder.path(), redis_port);
    let registry = Registry::with_credentials(&format!("{USER}:{}", RIGHT[0]));
    registry.register("any", "AVRO", r#""int""#, &[]);
    let let_in = server::Server::accepting();
    let refusing = server::Server::start(|seen| server::status(if seen.path == "/401" { 401 } else { 422 }));

    let secrets = tempfile::tempdir().unwrap();
    let (file, store) = (secrets.path().join("secrets.properties"), secrets.path().join("ca.p12"));
    std::fs::write(&file, format!("password={}\n", RIGHT[0])).unwrap();
    std::fs::write(&store, certificates.authority_store(STORE[0])).unwrap();
    let (file, store) = (file.to_str().unwrap(), store.to_str().unwrap());

    setup.set("key.converter", JSON).set("value.converter", JSON).env("FERROCONNECT_LOG", "trace");
    setup.set("config.providers", "file").set("offset.flush.interval.ms", "200");
    setup.set("config.providers.file.class", "org.apache.kafka.common.config.provider.FileConfigProvider");
    let topics = Topics::make(kafka);
    let mut worker = setup.start();
    let attempts = [
        of_database(&mariadb, "spied", file),
        of_database(postgres, "spied", file),
        of_tls(&mariadb, postgres, "spied", store),
        of_redis(redis_port, file),
        of_http(&let_in, &refusing),
        of_registry(&registry, &let_in, &topics),
    ];
    for attempt in attempts.iter().flatten() {
        run(&worker, &setup, attempt, &topics);
        worker.assert_alive();
    }
    worker.terminate();
    for entry in std::fs::read_dir(setup.dir()).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            assert_no_secrets(&path.display().to_string(), &read_lossy(&path));
        }
    }
    assert!(setup.logs().contains("] DEBUG ["), "the log is to have everything in it");
}
