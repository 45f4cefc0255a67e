//! The keys of Confluent's HTTP sink, as far as this plugin knows them.

use crate::common::{self, TokenKeys, add_header, blanks_kept, needed, read, required, text};
use crate::connector::Dialect;
use crate::options::{Authorization, Body, Connection, Nulls, Options, Refused, Retry, Wrong};
use crate::statuses::Statuses;
use crate::template::Template;
use crate::tls;
use ferroconnect_plugin_sdk::{Config, ConfigDef, Description, Key, json};
use std::time::Duration;
use ureq::http::header::CONTENT_TYPE;
use ureq::http::{HeaderValue, Method};

const URL: &str = "http.api.url";
const METHOD: &str = "request.method";
const NULLS: &str = "behavior.on.null.values";
const HEADERS: &str = "headers";
const HEADER_SEPARATOR: &str = "header.separator";
const PROXY: [&str; 2] = ["http.proxy.host", "http.proxy.port"];
const PROXY_USER: &str = "http.proxy.user";
const PROXY_PASSWORD: &str = "http.proxy.password";
const CONNECT_TIMEOUT: &str = "http.connect.timeout.ms";
const TIMEOUT: &str = "http.request.timeout.ms";
const RETRIES: &str = "max.retries";
const PAUSE: &str = "retry.backoff.ms";
const FORMAT: &str = "request.body.format";
const BATCH_SIZE: &str = "batch.max.size";
const AS_ARRAY: &str = "batch.json.as.array";
const PREFIX: &str = "batch.prefix";
const SEPARATOR: &str = "batch.separator";
const SUFFIX: &str = "batch.suffix";
const AUTH_TYPE: &str = "auth.type";
const USER: &str = "connection.user";
const PASSWORD: &str = "connection.password";
const RETRY_ON: &str = "retry.on.status.codes";
const ON_ERROR: &str = "behavior.on.error";
/// The default of [`RETRY_ON`]. What is refused for good must not be tried again where nobody has asked for that.
const WORTHWHILE: &str = "400-";
/// Keys that are refused, each with the one value that means nothing, and what to do instead.
const UNSUPPORTED: [(&str, &str, &str); 3] = [
    ("regex.patterns", "", "change the text with a transform before it gets here, and leave this out"),
    ("regex.replacements", "", "change the text with a transform before it gets here, and leave this out"),
    (
        "batch.key.pattern",
        "someKey",
        "a request holds records of one URL, so put ${key} into http.api.url, and leave this out",
    ),
];
const TOKEN: TokenKeys = TokenKeys {
    url: "oauth2.token.url",
    id: "oauth2.client.id",
    secret: "oauth2.client.secret",
    scope: "oauth2.client.scope",
    property: "oauth2.token.property",
    mode: "oauth2.client.auth.mode",
};

/// `io.confluent.connect.http.HttpSinkConnector`.
#[derive(Debug, Default, Clone, Copy)]
pub struct Confluent;

impl Dialect for Confluent {
    fn description() -> Description {
        Description::new("io.confluent.connect.http.HttpSinkConnector", env!("CARGO_PKG_VERSION"))
            .task_class("io.confluent.connect.http.HttpSinkTask")
            .doc("Sends records to an HTTP server, one in each request or many.")
            .config(delivery_keys(body_keys(authorization_keys(tls::keys(connection_keys(), "https.", "Security", 0)))))
    }

    fn options(config: &Config) -> Result<Options, Wrong> {
        check_unsupported(config)?;
        let url = Template::parse(URL, required(config, URL)?)?;
        let nulls = nulls(config, &url)?;
        let body = body(config)?;
        let method = config.get(METHOD).unwrap_or_default().to_ascii_uppercase();
        let login = text(config, PROXY_USER).map(|user| (user, config.get(PROXY_PASSWORD).unwrap_or_default()));
        Ok(Options {
            url,
            method: method.parse::<Method>().map_err(|_| Wrong::new(METHOD, "POST, PUT or PATCH was expected"))?,
            headers: headers(config, body.quoted)?,
            authorization: authorization(config)?,
            body,
            nulls,
            refused: refused(config),
            tolerant: common::is_tolerant(config),
            retry: Retry {
                on: retry_on(config)?,
                most: read(config, RETRIES)?,
                pause: Duration::from_millis(read(config, PAUSE)?),
                anew: None,
            },
            connection: Connection {
                timeout: Duration::from_millis(read(config, TIMEOUT)?),
                connect_timeout: Some(Duration::from_millis(read(config, CONNECT_TIMEOUT)?)),
                tls: tls::config(config, "https.", false)?,
                proxy: common::proxy(config, PROXY, login)?,
            },
        })
    }
}

/// Refuses keys that change what is sent, or what becomes of it, in Confluent's connector and would do nothing here. Their
/// defaults mean nothing else than no key.
fn check_unsupported(config: &Config) -> Result<(), Wrong> {
    for (key, harmless, advice) in UNSUPPORTED {
        if text(config, key).is_some_and(|value| !value.eq_ignore_ascii_case(harmless)) {
            return Err(Wrong::new(key, format!("this is not there; {advice}")));
        }
    }
    Ok(())
}

fn nulls(config: &Config, url: &Template) -> Result<Nulls, Wrong> {
    Ok(match config.get(NULLS).unwrap_or_default().to_ascii_lowercase().as_str() {
        "fail" => Nulls::Fail,
        "log" => Nulls::Log,
        "delete" if !url.names_key() => {
            let reason = format!(
                "without ${{key}} in {URL} each record without a value would delete all that the URL stands for; let the \
                 URL name what is deleted, as in http://host/orders/${{key}}, or set ignore, log or fail"
            );
            return Err(Wrong::new(NULLS, reason));
        }
        "delete" => Nulls::Delete,
        _ => Nulls::Ignore,
    })
}

fn refused(config: &Config) -> Refused {
    match config.get(ON_ERROR).unwrap_or_default().to_ascii_lowercase().as_str() {
        "ignore" => Refused::Ignore,
        "log" => Refused::Log,
        _ => Refused::Fail,
    }
}

fn retry_on(config: &Config) -> Result<Statuses, Wrong> {
    match text(config, RETRY_ON).filter(|codes| *codes != WORTHWHILE) {
        None => Ok(Statuses::default()),
        Some(codes) => codes.parse().map_err(|reason| {
            Wrong::new(RETRY_ON, format!("{reason}; statuses and ranges were expected, as in 429,500-599 or 500-"))
        }),
    }
}

fn headers(config: &Config, is_json: bool) -> Result<Vec<(ureq::http::HeaderName, HeaderValue)>, Wrong> {
    let separator = blanks_kept(config, HEADER_SEPARATOR, "|");
    let separator = if separator.is_empty() { "|" } else { separator };
    let mut headers = Vec::new();
    for line in config.get(HEADERS).unwrap_or_default().split(separator).filter(|line| !line.trim().is_empty()) {
        add_header(&mut headers, HEADERS, line)?;
    }
    if is_json && !headers.iter().any(|(name, _)| *name == CONTENT_TYPE) {
        headers.push((CONTENT_TYPE, HeaderValue::from_static("application/json")));
    }
    Ok(headers)
}

fn authorization(config: &Config) -> Result<Authorization, Wrong> {
    let kind = config.get(AUTH_TYPE).unwrap_or_default();
    let because = format!("{AUTH_TYPE} = {kind}");
    match kind.to_ascii_lowercase().as_str() {
        "basic" => {
            let (user, password) = (needed(config, USER, &because)?, needed(config, PASSWORD, &because)?);
            Ok(Authorization::Static(common::basic(user, password)))
        }
        "oauth2" => Ok(Authorization::OAuth2(common::oauth2(config, &TOKEN, &because)?)),
        _ => Ok(Authorization::None),
    }
}

fn body(config: &Config) -> Result<Body, Wrong> {
    let quoted = config.get(FORMAT).is_some_and(|format| format.eq_ignore_ascii_case("json"));
    let most = read(config, BATCH_SIZE)?;
    let [prefix, separator, suffix] = if read(config, AS_ARRAY)? {
        ["[", ",", "]"]
    } else if most == 1 {
        [""; 3]
    } else {
        [blanks_kept(config, PREFIX, ""), blanks_kept(config, SEPARATOR, ","), blanks_kept(config, SUFFIX, "")]
    };
    Ok(Body {
        quoted,
        format: json::Format { decimals: json::Decimals::Numeric, ..json::Format::default() },
        most,
        prefix: prefix.to_owned(),
        separator: separator.to_owned(),
        suffix: suffix.to_owned(),
    })
}

fn connection_keys() -> ConfigDef {
    const GROUP: &str = "Connection";
    let methods = ["POST", "PUT", "PATCH"];
    let behaviours = ["ignore", "delete", "log", "fail"];
    let time = |key, order, doc| Key::int(key).default_value("30000").at_least(1).group(GROUP, order).doc(doc);
    ConfigDef::new()
        .key(Key::string(URL).required().non_empty().high().group(GROUP, 1).doc(
            "Where to send records to. ${topic} and ${key} stand for the topic and the key of the record; a request \
             never holds records of two URLs.",
        ))
        .key(
            Key::string(METHOD)
                .default_value("POST")
                .one_of_any_case(&methods)
                .recommended(&methods)
                .high()
                .group(GROUP, 2)
                .doc("The method of requests."),
        )
        .key(
            Key::string(NULLS)
                .default_value("ignore")
                .one_of_any_case(&behaviours)
                .recommended(&behaviours)
                .low()
                .group(GROUP, 3)
                .doc(
                    "What becomes of records without a value: left out, sent as a DELETE request, left out with a \
                     line in the log, or taken for a bad record.",
                ),
        )
        .key(
            Key::string(HEADERS).default_value("").high().group(GROUP, 4).doc(
                "Headers of all requests, as name:value with the separator between them. No name may be there twice.",
            ),
        )
        .key(
            Key::string(HEADER_SEPARATOR)
                .default_value("|")
                .high()
                .group(GROUP, 5)
                .doc("What stands between two headers."),
        )
        .key(Key::string(PROXY[0]).default_value("").high().group(GROUP, 6).doc("The host of an HTTP proxy."))
        .key(
            Key::int(PROXY[1])
                .default_value("0")
                .between(0, 65535)
                .high()
                .group(GROUP, 7)
                .doc("The port of the HTTP proxy."),
        )
        .key(Key::string(PROXY_USER).default_value("").high().group(GROUP, 8).doc("The user for the proxy."))
        .key(Key::password(PROXY_PASSWORD).high().group(GROUP, 9).doc("The password for the proxy."))
        .key(time(CONNECT_TIMEOUT, 10, "Milliseconds that connecting may take."))
        .key(time(TIMEOUT, 11, "Milliseconds that a request may take, from connecting to the end of the answer."))
}

fn authorization_keys(def: ConfigDef) -> ConfigDef {
    const GROUP: &str = "Authentication";
    let types = ["NONE", "BASIC", "OAUTH2"];
    def.key(
        Key::string(AUTH_TYPE)
            .default_value("NONE")
            .one_of_any_case(&types)
            .recommended(&types)
            .high()
            .group(GROUP, 1)
            .doc("How requests are authorized."),
    )
    .key(Key::string(USER).default_value("").high().group(GROUP, 2).doc("The user, where the type is BASIC."))
    .key(Key::password(PASSWORD).high().group(GROUP, 3).doc("The user's password."))
    .key(
        Key::string(TOKEN.url)
            .default_value("")
            .high()
            .group(GROUP, 4)
            .doc("Where to ask for an access token, where the type is OAUTH2. Only client credentials are supported."),
    )
    .key(Key::string(TOKEN.id).default_value("").high().group(GROUP, 5).doc("The client to ask for a token as."))
    .key(Key::password(TOKEN.secret).high().group(GROUP, 6).doc("The secret of that client."))
    .key(Key::string(TOKEN.scope).default_value("any").high().group(GROUP, 7).doc("The scope to ask for."))
    .key(
        Key::string(TOKEN.property)
            .default_value("access_token")
            .high()
            .group(GROUP, 8)
            .doc("The member of the answer that holds the token."),
    )
    .key(
        Key::string(TOKEN.mode)
            .default_value("header")
            .one_of_any_case(&["header", "url"])
            .low()
            .group(GROUP, 9)
            .doc("Whether client and secret are sent as a Basic authorization (header) or in the form (url)."),
    )
}

fn body_keys(def: ConfigDef) -> ConfigDef {
    const GROUP: &str = "Batching";
    let formats = ["string", "json"];
    def.key(
        Key::string(FORMAT)
            .default_value("string")
            .one_of_any_case(&formats)
            .recommended(&formats)
            .group(GROUP, 1)
            .doc(
                "Whether text stands in the request as it is, or quoted as JSON. Everything else is JSON in any case.",
            ),
    )
    .key(
        Key::int(BATCH_SIZE)
            .default_value("1")
            .at_least(1)
            .high()
            .group(GROUP, 2)
            .doc("The most records of a request. A request never waits for further records."),
    )
    .key(
        Key::boolean(AS_ARRAY)
            .default_value("false")
            .high()
            .group(GROUP, 3)
            .doc("Whether each request holds its records as a JSON array, also a single one."),
    )
    .key(
        Key::string(PREFIX)
            .default_value("")
            .high()
            .group(GROUP, 4)
            .doc("What stands in front of the first record, with more than one in a request. Blanks count."),
    )
    .key(
        Key::string(SUFFIX)
            .default_value("")
            .high()
            .group(GROUP, 5)
            .doc("What stands behind the last record, with more than one in a request. Blanks count."),
    )
    .key(
        Key::string(SEPARATOR)
            .default_value(",")
            .high()
            .group(GROUP, 6)
            .doc("What stands between two records. Blanks count."),
    )
}

fn delivery_keys(def: ConfigDef) -> ConfigDef {
    const GROUP: &str = "Retries";
    let behaviours = ["fail", "log", "ignore"];
    def.key(
        Key::int(RETRIES)
            .default_value("10")
            .at_least(0)
            .group(GROUP, 1)
            .doc("How often a request is tried again after a status that says so, a timeout or a broken connection."),
    )
    .key(Key::int(PAUSE).default_value("3000").at_least(0).group(GROUP, 2).doc(
        "Milliseconds before the first retry. The pause doubles with each, up to a minute, with some chance in it; a \
         Retry-After of the server is obeyed instead.",
    ))
    .key(Key::string(RETRY_ON).default_value(WORTHWHILE).group(GROUP, 3).doc(
        "The statuses after which a request is tried again: numbers and ranges with commas between them, as in \
         429,500-599 or 500-. The default stands for those that may get better: 408, 429 and all from 500 on.",
    ))
    .key(
        Key::string(ON_ERROR)
            .default_value("fail")
            .one_of_any_case(&behaviours)
            .recommended(&behaviours)
            .low()
            .group(GROUP, 4)
            .doc(
                "What becomes of a record that is refused for good where the worker takes no reports, or errors.tolerance \
                 is none: it fails the task, or is left out, with a line in the log or without. Otherwise it is reported.",
            ),
    )
}
