//! Which configurations are refused, and why.
#![allow(clippy::unwrap_used, reason = "tests")]

use ferroconnect_plugin_sdk::Config;
use ferroconnect_plugin_sdk::testkit::{self, SinkHarness};

const AIVEN: &str = "io.aiven.kafka.connect.http.HttpSinkConnector";
const CONFLUENT: &str = "io.confluent.connect.http.HttpSinkConnector";

/// The first key found wrong, and the reason.
fn wrong(class: &str, config: &[(&str, &str)]) -> Option<(String, String)> {
    let mut all = Config::default();
    let defaults = match class {
        AIVEN => [("http.url", "http://h/"), ("http.authorization.type", "none")],
        _ => [("http.api.url", "http://h/"), ("topics", "t")],
    };
    for (key, value) in defaults.iter().chain(config) {
        all.set(key, value);
    }
    let sink = SinkHarness::new(&testkit::library!(ferroconnect_http_sink), class, all);
    let found = sink.validate().unwrap().into_iter().next()?;
    if found.name.contains("secret") || found.name.contains("authorization") {
        assert!(found.value.is_none(), "a secret is shown");
    }
    Some((found.name.to_string(), found.errors[0].to_string()))
}

#[test]
fn keys_are_held_against_each_other() {
    let directory = tempfile::tempdir().unwrap();
    let file = |name: &str, content: &[u8]| {
        let path = directory.path().join(name);
        std::fs::write(&path, content).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let store = file("trust.jks", &[0xfe, 0xed, 0xfe, 0xed, 0, 0]);
    let empty = file("empty.pem", b"nothing here");
    let oauth = [("http.authorization.type", "oauth2"), ("oauth2.client.id", "me"), ("oauth2.client.secret", "x")];
    for (config, key, part) in [
        (&[("http.url", "localhost")][..], "http.url", "http://"),
        (&[("http.url", "http://h/${value}")], "http.url", "${value} is unknown; there are ${topic} and ${key}"),
        (&[("http.url", "http://u:hush@h/")], "http.url", "user and password do not belong in the URL"),
        (
            &[("http.authorization.type", "static")],
            "http.headers.authorization",
            "Must be set when http.authorization.type = static",
        ),
        (&[("http.headers.authorization", "x")], "http.headers.authorization", "Must not be set when"),
        (&[("http.headers.additional", "a:1,A:2")], "http.headers.additional", "The header a is there twice"),
        (&[("http.headers.additional", "Host:x")], "http.headers.additional", "host is set by the connector itself"),
        (&[("http.headers.additional", "a")], "http.headers.additional", "format header:value"),
        (&[("http.headers.additional", "a b:1")], "http.headers.additional", "cannot be the name of a header"),
        (&[("http.headers.content.type", "é\u{7f}")], "http.headers.content.type", "cannot have"),
        (&oauth, "oauth2.access.token.url", "Must be set when http.authorization.type = oauth2"),
        (&[("http.proxy.host", "p")], "http.proxy.port", "Must be set when http.proxy.host is"),
        (&[("http.proxy.port", "80")], "http.proxy.host", "Must be set when http.proxy.port is"),
        (&[("http.ssl.truststore.location", &store)], "http.ssl.truststore.location", "the file is a damaged JKS file"),
        (&[("http.ssl.truststore.location", &empty)], "http.ssl.truststore.location", "the file holds no certificate"),
        (&[("http.ssl.keystore.location", "/no/file")], "http.ssl.keystore.location", "cannot be read"),
        (&[("http.ssl.keystore.location", &empty)], "http.ssl.keystore.location", "the file holds no private key"),
    ] {
        let (name, reason) = wrong(AIVEN, config).unwrap_or_else(|| panic!("{config:?} is taken"));
        assert_eq!(name, key, "{config:?}: {reason}");
        assert!(reason.contains(part), "{config:?}: {reason}");
    }
    for (config, key) in [
        (&[("auth.type", "BASIC"), ("connection.user", "me")][..], "connection.password"),
        (&[("auth.type", "OAUTH2"), ("oauth2.client.id", "me")], "oauth2.token.url"),
        (&[("headers", "a:1|b")], "headers"),
        (&[("behavior.on.null.values", "DELETE"), ("http.api.url", "http://h/${topic}")], "behavior.on.null.values"),
        (&[("regex.patterns", "a"), ("regex.replacements", "b")], "regex.patterns"),
        (&[("regex.replacements", "b")], "regex.replacements"),
        (&[("batch.key.pattern", "${topic}-${key}")], "batch.key.pattern"),
        (&[("retry.on.status.codes", "500-400")], "retry.on.status.codes"),
        (&[("retry.on.status.codes", "5xx")], "retry.on.status.codes"),
    ] {
        assert_eq!(wrong(CONFLUENT, config).map(|(name, _)| name).as_deref(), Some(key), "{config:?}");
    }
}

#[test]
fn messages_name_the_value_and_no_secret() {
    let told = |class, config: &[(&str, &str)]| wrong(class, config).unwrap().1;
    let delete = [("behavior.on.null.values", "delete"), ("http.api.url", "http://h/orders")];
    let message = told(CONFLUENT, &delete);
    assert!(message.starts_with("Invalid value delete for configuration behavior.on.null.values: "), "{message}");
    assert!(message.contains("${key} in http.api.url") && message.contains("set ignore, log or fail"), "{message}");
    let message = told(CONFLUENT, &[("retry.on.status.codes", "5xx")]);
    assert!(message.starts_with("Invalid value 5xx for configuration retry.on.status.codes: '5xx' is no"), "{message}");
    let oauth = [
        ("http.authorization.type", "oauth2"),
        ("oauth2.client.id", "me"),
        ("oauth2.client.secret", "x"),
        ("oauth2.access.token.url", "http://h/"),
        ("oauth2.token.renew.on.status.codes", "401,never"),
    ];
    assert!(told(AIVEN, &oauth).starts_with("Invalid value 401,never for configuration oauth2.token.renew"));
    for (key, value) in [
        ("http.url", "http://u:hush@h/"),
        ("http.url", "ftp://h/?token=hush"),
        ("http.headers.additional", "X-Key:hush,x-key:hush"),
        ("http.headers.authorization", "hush"),
    ] {
        let message = told(AIVEN, &[(key, value)]);
        assert!(message.contains(key) && !message.contains("hush"), "{message}");
    }
}

#[test]
fn what_the_worker_says_itself_is_not_said_again() {
    let sink = SinkHarness::new(&testkit::library!(ferroconnect_http_sink), AIVEN, Config::default());
    assert!(sink.validate().unwrap().is_empty());
}

#[test]
fn what_fits_together_is_taken() {
    for class in [AIVEN, CONFLUENT] {
        assert_eq!(wrong(class, &[]), None);
    }
    assert_eq!(wrong(AIVEN, &[("http.proxy.host", "p"), ("http.proxy.port", "3128")]), None);
    assert_eq!(wrong(CONFLUENT, &[("headers", "a:1/b:2"), ("header.separator", "/")]), None);
    let delete = [("behavior.on.null.values", "delete"), ("http.api.url", "http://h/${key}")];
    assert_eq!(wrong(CONFLUENT, &delete), None);
    // As in Confluent's own examples, which spell defaults out.
    let defaults = [
        ("regex.patterns", ""),
        ("regex.separator", "~"),
        ("batch.key.pattern", "someKey"),
        ("retry.on.status.codes", "400-"),
        ("behavior.on.error", "FAIL"),
        ("report.errors.as", "error_string"),
    ];
    assert_eq!(wrong(CONFLUENT, &defaults), None);
    for codes in ["400-500", "500-599", "408,429,500,502,503,504", "404, 500-"] {
        for behaviour in ["ignore", "LOG", "fail"] {
            let config = [("retry.on.status.codes", codes), ("behavior.on.error", behaviour)];
            assert_eq!(wrong(CONFLUENT, &config), None, "{config:?}");
        }
    }
}
