//! How connections are made: TLS, logins, several hosts, an end while waiting.

use crate::databases::{connect, refusal, rows, run, settings, text, with};
use ferroconnect_jdbc::db::{DbErrorKind, SqlValue};
use ferroconnect_jdbc::settings::keys;
use ferroconnect_plugin_sdk::StopSignal;
use ferroconnect_test_servers::{Certificates, Kind, PASSWORD, Server, USER};
use std::net::TcpListener;
use std::path::PathBuf;
use std::time::Duration;

#[test]
fn tls_takes_the_right_authority_and_no_other() {
    let folder = tempfile::TempDir::new().unwrap();
    let (right, wrong) = (folder.path().join("right.pem"), folder.path().join("wrong.pem"));
    for (kind, database, full, authority, is_on) in [
        (
            Kind::MariaDb,
            "test",
            "sslMode=VERIFY_IDENTITY",
            "trustCertificateKeyStoreUrl=file:",
            "SHOW STATUS LIKE 'Ssl_cipher'",
        ),
        (
            Kind::Postgres,
            "postgres",
            "sslmode=verify-full",
            "sslrootcert=",
            "SELECT 'on', cipher FROM pg_stat_ssl WHERE pid = pg_backend_pid()",
        ),
    ] {
        let (server, certificates) = Server::start_with_tls(kind);
        std::fs::write(&right, &certificates.authority).unwrap();
        std::fs::write(&wrong, &certificates.stranger).unwrap();
        let url = with(&server.url(database), full);
        let cipher = |url: &str| rows(connect(url).as_mut(), is_on)[0][1].clone();
        let trusting = with(&url, &format!("{authority}{}", right.display()));
        assert!(matches!(cipher(&trusting), SqlValue::Text(name) if name.contains('_')), "{kind:?}");
        for untrusting in [with(&url, &format!("{authority}{}", wrong.display())), url.clone()] {
            let error = refusal(&untrusting);
            assert!(error.to_string().to_lowercase().contains("certificate verify failed"), "{kind:?}: {error}");
            assert!(!error.may_work_later(), "{kind:?}: {error}");
        }
        // Without asking, TLS is used where the server has it, as with the JDBC drivers.
        assert!(matches!(cipher(&server.url(database)), SqlValue::Text(name) if name.contains('_')), "{kind:?}");
        let other_name = trusting.replace("localhost", "127.0.0.1");
        assert!(refusal(&other_name).to_string().to_lowercase().contains("certificate"), "{kind:?}");
    }
}

#[test]
fn a_wrong_login_is_told_once_and_without_the_password() {
    for kind in [Kind::MariaDb, Kind::Postgres] {
        let url = Server::shared(kind).bare_url("test");
        let wrong = settings(&url, &[(keys::USER, USER), (keys::PASSWORD, "hunter2"), (keys::ATTEMPTS, "5")]);
        let error = wrong.connect(&StopSignal::default()).map(|_| ()).unwrap_err();
        assert_eq!(error.kind(), DbErrorKind::Permanent, "{error}");
        assert!(!format!("{error} {error:?} {wrong:?}").contains("hunter2"));
        let none = refusal(&format!(
            "{url}_nowhere?user={USER}&password={}",
            PASSWORD.replace('/', "%2F").replace('&', "%26")
        ));
        assert!(none.to_string().contains("nowhere") && !none.may_work_later(), "{none}");
    }
}

#[test]
fn hosts_are_tried_in_their_order() {
    for (kind, database) in [(Kind::MariaDb, "test"), (Kind::Postgres, "postgres")] {
        let url = Server::shared(kind).url(database);
        connect(&url.replace("//localhost", "//localhost:1,localhost"));
    }
}

#[test]
fn waiting_for_a_server_ends_at_stop() {
    for url in ["jdbc:mysql://localhost:1/x?user=u", "jdbc:postgresql://localhost:1/x?user=u"] {
        let stop = StopSignal::default();
        let patient = settings(url, &[(keys::ATTEMPTS, "100"), (keys::BACKOFF, "3600000")]);
        std::thread::scope(|scope| {
            let connecting = scope.spawn(|| patient.connect(&stop).map(|_| ()).unwrap_err());
            std::thread::sleep(Duration::from_millis(200));
            stop.stop();
            assert!(connecting.join().unwrap().is_interrupted());
        });
    }
}

#[test]
fn a_silent_server_is_not_waited_for_at_stop() {
    for database in ["mysql", "postgresql"] {
        let silent = TcpListener::bind("127.0.0.1:0").unwrap();
        let patient = settings(&format!("jdbc:{database}://{}/x?user=u", silent.local_addr().unwrap()), &[]);
        let stop = StopSignal::default();
        std::thread::scope(|scope| {
            let connecting = scope.spawn(|| patient.connect(&stop).map(|_| ()).unwrap_err());
            let _kept = silent.accept().unwrap();
            stop.stop();
            let error = connecting.join().unwrap();
            assert!(error.is_interrupted(), "{database}: {error}");
        });
    }
}

#[test]
fn clients_show_their_certificates() {
    let folder = tempfile::TempDir::new().unwrap();
    let file = |name: &str, bytes: &[u8]| -> PathBuf {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    };
    let subject = format!("/CN={}", Certificates::CLIENT);

    let (server, certificates) = Server::start_with_tls(Kind::Postgres);
    let (certificate, key) =
        (file("client.pem", certificates.client.as_bytes()), file("client.key", certificates.client_key.as_bytes()));
    let store = file("client.p12", &certificates.client_store("secret"));
    let authority = file("ca.pem", certificates.authority.as_bytes());
    let url = with(&server.url("postgres"), &format!("sslmode=verify-full&sslrootcert={}", authority.display()));
    let shown = "SELECT client_dn FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
    let with_key = with(&url, &format!("sslcert={}&sslkey={}", certificate.display(), key.display()));
    let with_store = with(&url, &format!("sslkey={}&sslpassword=secret", store.display()));
    for url in [with_key, with_store.clone()] {
        assert_eq!(rows(connect(&url).as_mut(), shown), [[text(&subject)]]);
    }
    assert_eq!(rows(connect(&url).as_mut(), shown), [[SqlValue::Null]]);
    let error = refusal(&with_store.replace("=secret", "=hunter2"));
    assert!(error.to_string().contains("client.p12") && !error.to_string().contains("hunter2"), "{error}");

    let (server, certificates) = Server::start_with_tls(Kind::MariaDb);
    let store = file("client.p12", &certificates.client_store("secret"));
    let authorities = file("authorities.p12", &certificates.authority_store("secret"));
    let mut administrator = connect(&server.url("test"));
    run(administrator.as_mut(), &format!("CREATE USER certified@'%' IDENTIFIED BY 'pw' REQUIRE SUBJECT '{subject}'"));
    let url = format!(
        "{}?user=certified&password=pw&sslMode=VERIFY_CA&trustCertificateKeyStoreUrl=file:{}\
         &trustCertificateKeyStorePassword=secret",
        server.bare_url(""),
        authorities.display()
    );
    let with_store = with(
        &url,
        &format!("clientCertificateKeyStoreUrl=file:{}&clientCertificateKeyStorePassword=secret", store.display()),
    );
    assert_eq!(rows(connect(&with_store).as_mut(), "SELECT 1"), [[SqlValue::Int(1)]]);
    assert_eq!(refusal(&url).code(), Some(1045));
    // The connection that breaks off a call shows the same certificate and trusts the same authorities.
    let mut waiting = connect(&with(&with_store, "socketTimeout=20000"));
    let interrupter = waiting.interrupter();
    let broken_off = std::thread::spawn(move || {
        let error = ferroconnect_jdbc::db::query_all(waiting.as_mut(), "SELECT sleep(600)", &[]).unwrap_err();
        (error.is_interrupted(), std::time::Instant::now())
    });
    let sleeping = "SELECT count(*) FROM information_schema.PROCESSLIST WHERE INFO = 'SELECT sleep(600)'";
    while !broken_off.is_finished() && rows(administrator.as_mut(), sleeping) != [[SqlValue::Int(1)]] {
        std::thread::yield_now();
    }
    let begun = std::time::Instant::now();
    interrupter.interrupt();
    let (interrupted, over) = broken_off.join().unwrap();
    assert!(interrupted && over - begun < Duration::from_secs(10), "it took {:?}", over - begun);
    let error = refusal(&url.replace("StorePassword=secret", "StorePassword=hunter2"));
    assert!(error.to_string().contains("authorities.p12") && !error.to_string().contains("hunter2"), "{error}");
}
