//! TLS with certificates made here, and a cluster of three nodes.
#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use common::{Redis, cluster, command, free_port, until};
use ferroconnect_key_stores::testing;
use ferroconnect_plugin_sdk::testkit::{self, SinkHarness, sink_record};
use ferroconnect_plugin_sdk::{Config, Data, Error, ErrorKind, Record, Result, Value};
use openssl::asn1::Asn1Time;
use openssl::bn::BigNum;
use openssl::hash::MessageDigest;
use openssl::pkcs12::Pkcs12;
use openssl::pkey::{PKey, Private};
use openssl::rsa::Rsa;
use openssl::stack::Stack;
use openssl::symm::Cipher;
use openssl::x509::extension::{BasicConstraints, SubjectAlternativeName};
use openssl::x509::{X509, X509NameBuilder};
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

const CUSTENBORDER: &str = "com.github.jcustenborder.kafka.connect.redis.RedisSinkConnector";
const FIELD_ENGINEERING: &str = "com.redis.kafka.connect.RedisSinkConnector";

fn sink(class: &str, config: &[(&str, &str)]) -> SinkHarness {
    let mut all = Config::default();
    for (key, value) in config {
        all.set(key, value);
    }
    SinkHarness::new(&testkit::library!(ferroconnect_redis), class, all)
}

fn record(offset: i64, key: &str) -> Record {
    let mut record = sink_record("t", 0, offset, Data::schemaless("v"));
    record.key = Data::schemaless(Value::string(key));
    record
}

struct Identity {
    key: PKey<Private>,
    certificate: X509,
}

/// A certificate for 127.0.0.1, signed by another one or by itself.
fn identity(name: &str, serial: u32, issuer: Option<&Identity>) -> Identity {
    let key = PKey::from_rsa(Rsa::generate(2048).unwrap()).unwrap();
    let mut subject = X509NameBuilder::new().unwrap();
    subject.append_entry_by_text("CN", name).unwrap();
    let subject = subject.build();
    let mut certificate = X509::builder().unwrap();
    certificate.set_version(2).unwrap();
    certificate.set_serial_number(&BigNum::from_u32(serial).unwrap().to_asn1_integer().unwrap()).unwrap();
    certificate.set_subject_name(&subject).unwrap();
    certificate.set_issuer_name(issuer.map_or(&subject, |issuer| issuer.certificate.subject_name())).unwrap();
    certificate.set_pubkey(&key).unwrap();
    certificate.set_not_before(&Asn1Time::days_from_now(0).unwrap()).unwrap();
    certificate.set_not_after(&Asn1Time::days_from_now(2).unwrap()).unwrap();
    let extension = match issuer {
        None => BasicConstraints::new().critical().ca().build(),
        Some(issuer) => {
            let context = certificate.x509v3_context(Some(&issuer.certificate), None);
            SubjectAlternativeName::new().ip("127.0.0.1").build(&context)
        }
    };
    certificate.append_extension(extension.unwrap()).unwrap();
    certificate.sign(issuer.map_or(&key, |issuer| &issuer.key), MessageDigest::sha256()).unwrap();
    Identity { key, certificate: certificate.build() }
}

/// A server with TLS, and the files that a client needs, all in its folder.
fn server_with_tls(clients: &str) -> Redis {
    let directory = tempfile::tempdir().unwrap();
    let write = |name: &str, content: &[u8]| fs::write(directory.path().join(name), content).unwrap();
    let authority = identity("authority", 1, None);
    write("ca.pem", &authority.certificate.to_pem().unwrap());
    let server = identity("server", 2, Some(&authority));
    write("cert.pem", &server.certificate.to_pem().unwrap());
    write("key.pem", &server.key.private_key_to_pem_pkcs8().unwrap());
    let client = identity("client", 3, Some(&authority));
    write("client.pem", &client.certificate.to_pem().unwrap());
    let locked = client.key.private_key_to_pem_pkcs8_passphrase(Cipher::aes_256_cbc(), b"key-secret").unwrap();
    write("client-key.pem", &locked);
    let unlocked = client.key.private_key_to_pem_pkcs8().unwrap();
    write("client-in-pem.p12", &[client.certificate.to_pem().unwrap(), unlocked].concat());
    write("trust-in-pem.jks", &authority.certificate.to_pem().unwrap());
    let mut store = Pkcs12::builder();
    store.name("client").pkey(&client.key).cert(&client.certificate);
    write("client.p12", &store.build2("store-secret").unwrap().to_der().unwrap());
    write("trust.jks", &testing::jks(std::slice::from_ref(&authority.certificate), "trust-secret"));
    let mut trusted = Stack::new().unwrap();
    trusted.push(authority.certificate).unwrap();
    let mut store = Pkcs12::builder();
    store.ca(trusted);
    write("trust.p12", &store.build2("trust-secret").unwrap().to_der().unwrap());
    Redis::with_tls(directory, clients)
}

fn path(directory: &Path, name: &str) -> String {
    directory.join(name).to_str().unwrap().to_owned()
}

#[test]
fn a_server_with_tls_is_checked() {
    let redis = server_with_tls("no");
    let authority = path(redis.directory.path(), "ca.pem");
    let port = redis.port_text();
    let common = [("redis.host", "127.0.0.1"), ("redis.port", &port), ("redis.type", "STRING"), ("redis.tls", "true")];
    let with = |more: &[(&str, &str)]| sink(FIELD_ENGINEERING, &[&common, more].concat());
    for more in [[("redis.cacert", authority.as_str())], [("redis.insecure", "true")]] {
        let mut sink = with(&more);
        sink.start().unwrap();
        sink.put(&[record(0, "k")]).unwrap();
    }
    let mut stranger = with(&[("redis.connection.attempts", "1")]);
    let error = stranger.start().unwrap_err();
    assert!(error.message().contains("certificate verify failed"), "{error}");
    let by_uri = format!("rediss://127.0.0.1:{port}");
    let mut sink = sink(FIELD_ENGINEERING, &[("redis.uri", by_uri.as_str()), ("redis.cacert", &authority)]);
    sink.start().unwrap();
}

#[test]
fn a_client_shows_its_certificate() {
    let redis = server_with_tls("yes");
    let file = |name: &str| path(redis.directory.path(), name);
    let port = redis.port_text();
    let (authority, certificate, key) = (file("ca.pem"), file("client.pem"), file("client-key.pem"));
    let common = [("redis.host", "127.0.0.1"), ("redis.port", port.as_str()), ("redis.type", "STRING")];
    let files = [("redis.cacert", authority.as_str()), ("redis.key.cert", &certificate), ("redis.key.file", &key)];
    let with = |password: &str| {
        let more = [("redis.tls", "true"), ("redis.key.password", password), ("redis.connection.attempts", "1")];
        sink(FIELD_ENGINEERING, &[&common[..], &files, &more].concat())
    };
    let mut known = with("key-secret");
    known.start().unwrap();
    known.put(&[record(0, "k")]).unwrap();
    let wrong = with("wrong-secret").validate().unwrap();
    assert_eq!(wrong[0].name.as_str(), "redis.key.file");
    assert!(wrong[0].errors[0].ends_with("is redis.key.password the right one?"), "{wrong:?}");
    assert!(!format!("{wrong:?}").contains("secret"));
    let mut unknown = sink(FIELD_ENGINEERING, &[&common[..], &files[..1], &[("redis.tls", "true")]].concat());
    assert_eq!(unknown.start().unwrap_err().kind(), ErrorKind::FATAL);
}

#[test]
fn stores_of_java_clients_are_read() {
    let redis = server_with_tls("yes");
    let file = |name: &str| path(redis.directory.path(), name);
    let hosts = format!("127.0.0.1:{}", redis.port);
    let with_stores = |stores: &[(&str, &str)]| {
        sink(CUSTENBORDER, &[&[("redis.hosts", hosts.as_str()), ("redis.ssl.enabled", "true")], stores].concat())
    };
    let own = file("client.p12");
    let with = |trust: &str, password: &str| {
        with_stores(&[
            ("redis.ssl.truststore.path", trust),
            ("redis.ssl.truststore.password", password),
            ("redis.ssl.keystore.path", &own),
            ("redis.ssl.keystore.password", "store-secret"),
        ])
    };
    for trust in [file("trust.p12"), file("trust.jks")] {
        let mut sink = with(&trust, "trust-secret");
        sink.start().unwrap();
        sink.put(&[record(0, "k")]).unwrap();
        let told = with(&trust, "wrong-secret").validate().unwrap();
        assert_eq!(told[0].name.as_str(), "redis.ssl.truststore.path");
        let message = &told[0].errors[0];
        assert!(message.starts_with(&*trust) && message.contains("redis.ssl.truststore.password"), "{message}");
        assert!(!message.contains("secret"), "{message}");
    }
    // What kind of file it is says its content, not its name.
    let (trust, own) = (file("trust-in-pem.jks"), file("client-in-pem.p12"));
    let mut sink = with_stores(&[("redis.ssl.truststore.path", &trust), ("redis.ssl.keystore.path", &own)]);
    assert!(sink.validate().unwrap().is_empty());
    sink.start().unwrap();
    sink.put(&[record(0, "k")]).unwrap();
}

fn in_all(nodes: &[Redis]) -> Vec<usize> {
    nodes.iter().map(|node| node.ask(&["DBSIZE"])).collect()
}

#[test]
fn records_go_to_the_right_node_of_a_cluster() {
    let nodes = cluster();
    let hosts = format!("127.0.0.1:{},127.0.0.1:{}", free_port(), nodes[0].port);
    let mut sink = sink(CUSTENBORDER, &[("redis.hosts", hosts.as_str()), ("redis.client.mode", "Cluster")]);
    sink.start().unwrap();
    let records: Vec<Record> = (0..3_000).map(|id| record(id, &format!("k{id}"))).collect();
    sink.put(&records).unwrap();
    let sizes = in_all(&nodes);
    assert_eq!(sizes.iter().sum::<usize>(), 3_000);
    assert!(sizes.iter().all(|size| *size > 500), "{sizes:?}");
    // A slot that moves on is followed, within the batch that meets it.
    let slot: usize = nodes[0].ask(&["CLUSTER", "KEYSLOT", "moved"]);
    let owner = nodes.iter().position(|node| in_slot(node, slot)).unwrap();
    let next = (owner + 1) % 3;
    let id: String = nodes[next].ask(&["CLUSTER", "MYID"]);
    for node in [next, owner, (owner + 2) % 3] {
        nodes[node].ask::<()>(&["CLUSTER", "SETSLOT", &slot.to_string(), "NODE", &id]);
    }
    sink.put(&[record(3_000, "moved"), record(3_001, "k1")]).unwrap();
    let mut connection = nodes[next].connection();
    assert_eq!(command(&["GET", "moved"]).query::<String>(&mut connection).unwrap(), "v");
    assert!(sink.take_requests().reported.is_empty());
}

#[test]
fn a_node_of_a_cluster_that_nobody_told_of_fails_the_task() {
    let nodes = cluster();
    let port = nodes[0].port_text();
    let config = [("redis.port", port.as_str()), ("redis.type", "STRING")];
    let mut sink = sink(FIELD_ENGINEERING, &config);
    sink.start().unwrap();
    let error = sink.put(&(0..50).map(|id| record(id, &format!("k{id}"))).collect::<Vec<_>>()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::FATAL, "{error}");
    assert!(error.message().ends_with("set redis.cluster=true (redis.client.mode=Cluster)"), "{error}");
    let source = |stream: &str| {
        let config = Config::from([("redis.stream.name", stream), ("redis.port", port.as_str())]);
        testkit::SourceHarness::new(&testkit::library!(ferroconnect_redis), "RedisStreamSource", config).start()
    };
    let slot = |stream: &str| nodes[0].ask::<usize>(&["CLUSTER", "KEYSLOT", stream]);
    let elsewhere = (0..).map(|number| format!("s{number}")).find(|stream| !in_slot(&nodes[0], slot(stream))).unwrap();
    let error = source(&elsewhere).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::FATAL, "{error}");
    assert!(error.message().contains("redis.cluster=true"), "{error}");
}

#[test]
fn a_node_of_a_cluster_that_falls_silent_is_not_waited_for_again_and_again() {
    let nodes = cluster();
    let port = nodes[0].port_text();
    let records: Vec<Record> = (0..90).map(|id| record(id, &format!("k{id}"))).collect();
    let started = |timeout: &str| {
        let config = [("redis.host", "127.0.0.1"), ("redis.port", port.as_str()), ("redis.cluster", "true")];
        let more = [("redis.type", "STRING"), ("redis.timeout", timeout)];
        let mut sink = sink(FIELD_ENGINEERING, &[&config[..], &more].concat());
        sink.start().unwrap();
        sink
    };
    let (mut quick, mut patient) = (started("1"), started("60"));
    nodes[2].freeze();
    let began = Instant::now();
    let error = quick.put(&records).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::RETRIABLE, "{error}");
    assert!(began.elapsed() < Duration::from_secs(15), "about 30 commands are its own: {:?}", began.elapsed());
    // What is for the other nodes arrives before the silent one is waited for.
    nodes[0].ask::<()>(&["CONFIG", "RESETSTAT"]);
    let arrives = || nodes[0].ask::<String>(&["INFO", "commandstats"]).contains("cmdstat_set:");
    let took = patient.stop_while_putting(records, || until("records arrive", arrives)).unwrap();
    assert!(took < Duration::from_secs(5), "{took:?}");
}

/// Whether the node serves the slot.
fn in_slot(node: &Redis, slot: usize) -> bool {
    let ranges = [0..=5460, 5461..=10922, 10923..=16383];
    let id: String = node.ask(&["CLUSTER", "MYID"]);
    let nodes: String = node.ask(&["CLUSTER", "NODES"]);
    let line = nodes.lines().find(|line| line.starts_with(&id)).unwrap();
    ranges.iter().any(|range| range.contains(&slot) && line.contains(&format!(" {}-{}", range.start(), range.end())))
}

#[test]
fn a_password_that_is_or_becomes_wrong_in_a_cluster_fails_the_task() {
    let nodes = cluster();
    let told = |nodes: &[Redis], words: &[&str]| nodes.iter().for_each(|node| node.ask(words));
    let set = |nodes: &[Redis], password: &str| {
        told(nodes, &["ACL", "SETUSER", "ann", "reset", "on", "~*", "+@all", password]);
    };
    set(&nodes, ">first-secret");
    let port = nodes[0].port_text();
    let login = |password: &'static str| {
        let server = [("redis.host", "127.0.0.1"), ("redis.port", port.as_str()), ("redis.cluster", "true")];
        let login = [("redis.username", "ann"), ("redis.password", password), ("redis.connection.attempts", "3")];
        [&server[..], &login].concat()
    };
    let sink = |password| sink(FIELD_ENGINEERING, &[&login(password)[..], &[("redis.type", "STRING")]].concat());
    let is_told = |error: &Error, node: &Redis| {
        assert_eq!(error.kind(), ErrorKind::FATAL, "{error}");
        let (told, place) = (error.message(), format!("127.0.0.1:{} answers \"WRONGPASS\"", node.port));
        assert!(told.contains(&place) && told.ends_with("check redis.username and redis.password"), "{told}");
        assert!(!format!("{error:?}").contains("-secret"), "{error:?}");
    };
    let mut stranger = sink("wrong-secret");
    is_told(&stranger.start().unwrap_err(), &nodes[0]);
    assert!(!format!("{:?}", stranger.log()).contains("attempt"), "{:?}", stranger.log());

    let mut known = sink("first-secret");
    known.start().unwrap();
    let records: Vec<Record> = (0..90).map(|id| record(id, &format!("k{id}"))).collect();
    known.put(&records).unwrap();
    // Too many clients are no wrong password: that passes.
    let last = &nodes[2..];
    let mut other = last[0].connection();
    let mut tell = |words: &[&str]| command(words).exec(&mut other).unwrap();
    tell(&["CLIENT", "KILL", "USER", "ann"]);
    tell(&["CONFIG", "SET", "maxclients", "1"]);
    for _ in 0..3 {
        let error = known.put(&records).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::RETRIABLE, "{error}");
    }
    tell(&["CONFIG", "SET", "maxclients", "100"]);
    until("there is room again", || known.put(&records).is_ok());
    // One node is enough, also where the one that is asked first takes the password.
    let slot = |stream: &str| nodes[0].ask::<usize>(&["CLUSTER", "KEYSLOT", stream]);
    let stream = (0..).map(|number| format!("s{number}")).find(|stream| in_slot(&last[0], slot(stream))).unwrap();
    let mut config = Config::from([("redis.stream.name", stream.as_str())]);
    for (key, value) in login("first-secret") {
        config.set(key, value);
    }
    let mut source = testkit::SourceHarness::new(&testkit::library!(ferroconnect_redis), "RedisStreamSource", config);
    source.start().unwrap();
    set(last, ">second-secret");
    told(last, &["CLIENT", "KILL", "USER", "ann"]);
    is_told(&failed(|| known.put(&records)), &last[0]);
    is_told(&failed(|| source.poll().map(drop)), &last[0]);
    set(last, ">first-secret");
    let mut known = sink("first-secret");
    known.start().unwrap();
    known.put(&records).unwrap();
    set(&nodes, ">second-secret");
    told(&nodes, &["CLIENT", "KILL", "USER", "ann"]);
    is_told(&failed(|| known.put(&records)), &nodes[0]);
}

/// The error that is no reason to try again.
fn failed(mut attempt: impl FnMut() -> Result<()>) -> Error {
    let mut failed = None;
    until("the task fails", || {
        failed = attempt().err().filter(|error| error.kind() != ErrorKind::RETRIABLE);
        failed.is_some()
    });
    failed.expect("it was waited for")
}

#[test]
fn one_structure_and_one_stream_work_in_a_cluster() {
    let nodes = cluster();
    let port = nodes[1].port_text();
    let config = [("redis.host", "127.0.0.1"), ("redis.port", port.as_str()), ("redis.cluster", "true")];
    let types = [("redis.type", "SET"), ("redis.key.ttl", "1000")];
    let mut sink = sink(FIELD_ENGINEERING, &[&config[..], &types].concat());
    sink.start().unwrap();
    sink.put(&(0..100).map(|id| record(id, &format!("m{id}"))).collect::<Vec<_>>()).unwrap();
    assert_eq!(in_all(&nodes).iter().sum::<usize>(), 1);
    let mut source = testkit::SourceHarness::new(
        &testkit::library!(ferroconnect_redis),
        "RedisStreamSource",
        Config::from([("redis.stream.name", "s"), ("redis.port", port.as_str()), ("redis.cluster", "true")]),
    );
    source.start().unwrap();
    let owner = nodes.iter().find(|node| in_slot(node, nodes[0].ask(&["CLUSTER", "KEYSLOT", "s"]))).unwrap();
    owner.ask::<()>(&["XADD", "s", "1-0", "a", "1"]);
    assert_eq!(source.poll_until(1).unwrap().len(), 1);
    source.commit().unwrap();
}
