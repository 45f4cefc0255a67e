//! The client against a real REST server: TLS, certificates, passwords, names.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::path::Path;

use clap::Parser;
use hyper::StatusCode;
use tempfile::TempDir;

use super::client::{Client, connector};
use super::failure::Failure;
use super::target::TargetArgs;
use crate::config::{Mode, Props, WorkerConfig};
use crate::herder::testing::standalone;
use crate::rest::{BoundServer, Server, TopicTracking};
use crate::tls::testing::certificate;

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    target: TargetArgs,
}

/// A worker with these settings, and its port.
fn serve(settings: &[(&str, &str)]) -> (Server, u16) {
    let mut props = Props::from([
        ("bootstrap.servers", "localhost:9092"),
        ("key.converter", "org.apache.kafka.connect.json.JsonConverter"),
        ("value.converter", "org.apache.kafka.connect.json.JsonConverter"),
        ("offset.storage.file.filename", "none"),
        ("listeners", "http://127.0.0.1:0"),
    ]);
    settings.iter().for_each(|&(key, value)| props.set(key, value));
    let config = WorkerConfig::from_props(props, Mode::Standalone).unwrap();
    let bound = BoundServer::bind(config.rest, Mode::Standalone).unwrap();
    let port = bound.local_addresses().next().unwrap().port();
    let (herder, _runtime) = standalone();
    (bound.serve(herder, TopicTracking { enabled: true, reset_allowed: true }, None).unwrap(), port)
}

/// The body of an answer.
fn get(options: &[&str], path: &str) -> Result<String, Failure> {
    let client = Client::new(Line::parse_from([&["ferroconnect"], options].concat()).target.resolve()?);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(client.get(path)).map(|answer| answer.body)
}

/// A key and its certificate in one file; the certificate alone in another.
fn write_identity(dir: &TempDir, name: &str) -> (String, String) {
    let (key, own) = certificate(name, None);
    let (whole, shown) = (dir.path().join(format!("{name}.key.pem")), dir.path().join(format!("{name}.pem")));
    let mut text = key.private_key_to_pem_pkcs8().unwrap();
    text.extend(own.to_pem().unwrap());
    std::fs::write(&whole, text).unwrap();
    std::fs::write(&shown, own.to_pem().unwrap()).unwrap();
    (utf8(&whole), utf8(&shown))
}

fn utf8(path: &Path) -> String {
    path.to_str().unwrap().to_owned()
}

#[test]
fn a_worker_with_tls_and_client_certificates_is_reached() {
    let dir = tempfile::tempdir().unwrap();
    let (server_key, server) = write_identity(&dir, "localhost");
    let (client_key, client) = write_identity(&dir, "ann");
    let (_server, port) = serve(&[
        ("listeners", "https://127.0.0.1:0"),
        ("ssl.keystore.location", &server_key),
        ("ssl.keystore.type", "PEM"),
        ("ssl.truststore.location", &client),
        ("ssl.truststore.type", "PEM"),
        ("ssl.client.auth", "required"),
    ]);
    let url = format!("https://localhost:{port}");
    let known = ["--url", &url, "--cacert", &server, "--cert", &client_key];
    assert_eq!(get(&known, "/connectors").unwrap(), "[]");
    let key_apart = ["--url", &url, "--cacert", &server, "--cert", &client, "--key", &client_key];
    assert_eq!(get(&key_apart, "/connectors").unwrap(), "[]");

    let stranger = get(&["--url", &url, "--cacert", &server], "/connectors").unwrap_err();
    assert!(matches!(stranger, Failure::Unreachable(_)), "{stranger}");
    let untrusted = get(&["--url", &url, "--cacert", &client, "--cert", &client_key], "/connectors").unwrap_err();
    assert!(untrusted.to_string().contains("its certificate is not trusted"), "{untrusted}");
    let mixed = get(&["--url", &url, "--cacert", &server, "--cert", &client, "--key", &server_key], "/connectors");
    assert!(matches!(&mixed, Err(Failure::Config(text)) if text.contains("does not belong to")), "{mixed:?}");
}

#[test]
fn certificates_have_to_be_for_the_host() {
    let dir = tempfile::tempdir().unwrap();
    let (key, own) = write_identity(&dir, "localhost");
    let settings = [("listeners", "https://0.0.0.0:0"), ("ssl.keystore.location", &*key), ("ssl.keystore.type", "PEM")];
    let (_server, port) = serve(&settings);
    let at = |host: &str| get(&["--url", &format!("https://{host}:{port}"), "--cacert", &own], "/connectors");
    assert_eq!(at("localhost").unwrap(), "[]");
    assert_eq!(at("127.0.0.1").unwrap(), "[]");
    let other = at("127.0.0.2").unwrap_err().to_string();
    assert!(other.contains("its certificate is not trusted"), "{other}");
}

#[test]
fn a_worker_with_a_password_is_reached_and_refuses_others() {
    let dir = tempfile::tempdir().unwrap();
    let users = dir.path().join("users");
    std::fs::write(&users, "ann=s3cret\n").unwrap();
    let (right, wrong) = (dir.path().join("right"), dir.path().join("wrong"));
    std::fs::write(&right, "s3cret\n").unwrap();
    std::fs::write(&wrong, "guess\n").unwrap();
    let extension = "org.apache.kafka.connect.rest.basic.auth.extension.BasicAuthSecurityRestExtension";
    let (_server, port) =
        serve(&[("rest.extension.classes", extension), ("rest.basic.auth.credentials.file", users.to_str().unwrap())]);
    let url = format!("http://localhost:{port}");
    let login = |file: &Path| get(&["--url", &url, "--user", "ann", "--password-file", &utf8(file)], "/connectors");
    assert_eq!(login(&right).unwrap(), "[]");
    for refused in [login(&wrong), get(&["--url", &url], "/connectors")] {
        let Err(Failure::Refused(refusal)) = refused else { panic!("let in: {refused:?}") };
        assert_eq!(refusal.status, StatusCode::UNAUTHORIZED);
        assert!(refusal.to_string().starts_with("User cannot access the resource. (401 for GET "), "{refusal}");
    }
}

#[test]
fn names_arrive_as_they_are() {
    let (_server, port) = serve(&[]);
    let url = format!("http://localhost:{port}");
    let name = "a/b c?é%25\u{1}";
    let missing = get(&["--url", &url], &connector(name, "/config")).unwrap_err().to_string();
    assert!(missing.starts_with("Connector a/b c?é%25\\u{1} not found (404 for GET "), "{missing}");
}

#[test]
fn nobody_there_is_told_with_the_address() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let nobody = get(&["--url", &format!("localhost:{port}")], "/connectors").unwrap_err();
    let text = nobody.to_string();
    assert!(matches!(nobody, Failure::Unreachable(_)), "{text}");
    assert!(text.starts_with(&format!("http://localhost:{port} cannot be reached: ")), "{text}");
}

/// Answers each connection with the next of these, whatever it asks.
fn answering(answers: Vec<(u16, &'static str)>) -> (std::thread::JoinHandle<()>, String) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let served = std::thread::spawn(move || {
        for (status, body) in answers {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = BufReader::new(stream.try_clone().unwrap()).lines();
            while !request.next().unwrap().unwrap().is_empty() {}
            write!(stream, "HTTP/1.1 {status} X\r\ncontent-length: {}\r\n\r\n{body}", body.len()).unwrap();
        }
    });
    (served, url)
}

#[test]
fn a_rebalance_is_waited_for_and_other_conflicts_are_told() {
    let rebalance = r#"{"error_code":409,"message":"Cannot complete request momentarily due to stale configuration"}"#;
    let (served, url) = answering(vec![(409, rebalance), (409, rebalance), (200, "[]")]);
    assert_eq!(get(&["--url", &url], "/connectors").unwrap(), "[]");
    served.join().unwrap();
    let (served, url) = answering(vec![(409, r#"{"error_code":409,"message":"Connector c already exists"}"#)]);
    assert!(matches!(get(&["--url", &url], "/connectors"), Err(Failure::Refused(_))));
    served.join().unwrap();
}

#[test]
fn what_is_no_worker_is_told() {
    let (served, url) = answering(vec![(200, "<html>")]);
    let client = Client::new(Line::parse_from(["ferroconnect", "--url", &url]).target.resolve().unwrap());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let answer = runtime.block_on(client.get("/connectors")).unwrap().json::<Vec<String>>().unwrap_err();
    assert!(
        answer.to_string().starts_with(&format!("{url}/connectors is not answered as by a Connect worker")),
        "{answer}"
    );
    served.join().unwrap();
}
