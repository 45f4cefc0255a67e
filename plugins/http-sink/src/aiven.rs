//! The keys of Aiven's HTTP sink.

use crate::common::{self, TokenKeys, add_header, blanks_kept, needed, read, required, text};
use crate::connector::Dialect;
use crate::options::{Authorization, Body, Connection, Nulls, OAuth2, Options, Refused, Retry, Wrong};
use crate::statuses::Statuses;
use crate::template::Template;
use crate::tls;
use ferroconnect_plugin_sdk::{Config, ConfigDef, Description, Key, json};
use std::time::Duration;
use ureq::http::Method;
use ureq::http::header::CONTENT_TYPE;

const URL: &str = "http.url";
const PROXY: [&str; 2] = ["http.proxy.host", "http.proxy.port"];
const TRUST_ALL: &str = "http.ssl.trust.all.certs";
const AUTHORIZATION_TYPE: &str = "http.authorization.type";
const AUTHORIZATION: &str = "http.headers.authorization";
const CONTENT_TYPE_KEY: &str = "http.headers.content.type";
const ADDITIONAL: &str = "http.headers.additional";
const GRANT_NAME: &str = "oauth2.request.grant.type.property";
const GRANT: &str = "oauth2.grant.type";
const ID_NAME: &str = "oauth2.request.client.id.property";
const SECRET_NAME: &str = "oauth2.request.client.secret.property";
const RENEW_ON: &str = "oauth2.token.renew.on.status.codes";
const TOKEN: TokenKeys = TokenKeys {
    url: "oauth2.access.token.url",
    id: "oauth2.client.id",
    secret: "oauth2.client.secret",
    scope: "oauth2.client.scope",
    property: "oauth2.response.token.property",
    mode: "oauth2.client.authorization.mode",
};
const BATCHING: &str = "batching.enabled";
const BATCH_SIZE: &str = "batch.max.size";
const PREFIX: &str = "batch.prefix";
const SEPARATOR: &str = "batch.separator";
const SUFFIX: &str = "batch.suffix";
const ANEW: &str = "kafka.retry.backoff.ms";
const RETRIES: &str = "max.retries";
const PAUSE: &str = "retry.backoff.ms";
const TIMEOUT: &str = "http.timeout";
const DECIMALS: &str = "decimal.format";

/// `io.aiven.kafka.connect.http.HttpSinkConnector`.
#[derive(Debug, Default, Clone, Copy)]
pub struct Aiven;

impl Dialect for Aiven {
    fn description() -> Description {
        Description::new("io.aiven.kafka.connect.http.HttpSinkConnector", env!("CARGO_PKG_VERSION"))
            .alias("HttpSink")
            .task_class("io.aiven.kafka.connect.http.HttpSinkTask")
            .doc("Sends records to an HTTP server, one in each request or many.")
            .config(delivery_keys(batch_keys(tls::keys(token_keys(connection_keys()), "http.", "Connection", 21))))
    }

    fn options(config: &Config) -> Result<Options, Wrong> {
        let mut headers = Vec::new();
        for line in config.list(ADDITIONAL) {
            add_header(&mut headers, ADDITIONAL, line)?;
        }
        if let Some(value) = text(config, CONTENT_TYPE_KEY) {
            headers.retain(|(name, _)| *name != CONTENT_TYPE);
            headers.push((CONTENT_TYPE, common::header_value(CONTENT_TYPE_KEY, value)?));
        }
        let anew = if text(config, ANEW).is_some() { Some(read::<u64>(config, ANEW)?) } else { None };
        Ok(Options {
            url: Template::parse(URL, required(config, URL)?)?,
            method: Method::POST,
            headers,
            authorization: authorization(config)?,
            body: body(config)?,
            nulls: Nulls::Fail,
            refused: Refused::Fail,
            tolerant: common::is_tolerant(config),
            retry: Retry {
                on: Statuses::default(),
                most: read(config, RETRIES)?,
                pause: Duration::from_millis(read(config, PAUSE)?),
                anew: anew.map(Duration::from_millis),
            },
            connection: Connection {
                timeout: Duration::from_secs(read(config, TIMEOUT)?),
                connect_timeout: None,
                tls: tls::config(config, "http.", read(config, TRUST_ALL)?)?,
                proxy: common::proxy(config, PROXY, None)?,
            },
        })
    }
}

fn authorization(config: &Config) -> Result<Authorization, Wrong> {
    let kind = required(config, AUTHORIZATION_TYPE)?;
    let because = format!("{AUTHORIZATION_TYPE} = {kind}");
    match kind.to_ascii_lowercase().as_str() {
        "static" => {
            let value = needed(config, AUTHORIZATION, &because)?;
            Ok(Authorization::Static(common::header_value(AUTHORIZATION, value)?))
        }
        "oauth2" => Ok(Authorization::OAuth2(token(config, &because)?)),
        _ if text(config, AUTHORIZATION).is_some() => {
            Err(Wrong::new(AUTHORIZATION, format!("Must not be set when {because}")))
        }
        _ => Ok(Authorization::None),
    }
}

fn token(config: &Config, because: &str) -> Result<OAuth2, Wrong> {
    let mut token = common::oauth2(config, &TOKEN, because)?;
    let name = |key| needed(config, key, because).map(str::to_owned);
    token.form[0] = (name(GRANT_NAME)?, name(GRANT)?);
    token.id.0 = name(ID_NAME)?;
    token.secret.0 = name(SECRET_NAME)?;
    let codes: Result<_, _> = config.list(RENEW_ON).into_iter().map(str::parse).collect();
    token.renew_on = codes.map_err(|_| Wrong::new(RENEW_ON, "must be a list of numbers"))?;
    Ok(token)
}

fn body(config: &Config) -> Result<Body, Wrong> {
    let decimals = match config.get(DECIMALS) {
        Some(text) if text.eq_ignore_ascii_case("numeric") => json::Decimals::Numeric,
        _ => json::Decimals::Base64,
    };
    let format = json::Format { decimals, ..json::Format::default() };
    let alone =
        Body { quoted: false, format, most: 1, prefix: String::new(), separator: String::new(), suffix: String::new() };
    if !read::<bool>(config, BATCHING)? {
        return Ok(alone);
    }
    Ok(Body {
        most: read(config, BATCH_SIZE)?,
        prefix: blanks_kept(config, PREFIX, "").to_owned(),
        separator: blanks_kept(config, SEPARATOR, "\n").to_owned(),
        suffix: blanks_kept(config, SUFFIX, "\n").to_owned(),
        ..alone
    })
}

fn connection_keys() -> ConfigDef {
    const GROUP: &str = "Connection";
    let types = ["none", "oauth2", "static"];
    ConfigDef::new()
        .key(Key::string(URL).required().non_empty().high().group(GROUP, 1).doc(
            "Where to send records to. ${topic} and ${key} stand for the topic and the key of the record; a request \
             never holds records of two URLs.",
        ))
        .key(Key::string(PROXY[0]).low().group(GROUP, 2).doc("The host of an HTTP proxy."))
        .key(
            Key::int(PROXY[1])
                .default_value("-1")
                .between(-1, 65535)
                .low()
                .group(GROUP, 3)
                .doc("The port of the HTTP proxy."),
        )
        .key(Key::boolean(TRUST_ALL).default_value("false").low().group(GROUP, 4).doc(
            "Take any certificate of the server, for any host. Whoever is on the way can then read and change what is \
             sent.",
        ))
        .key(
            Key::string(AUTHORIZATION_TYPE)
                .required()
                .one_of_any_case(&types)
                .recommended(&types)
                .dependents(&[AUTHORIZATION])
                .high()
                .group(GROUP, 7)
                .doc("How requests are authorized."),
        )
        .key(
            Key::password(AUTHORIZATION)
                .group(GROUP, 8)
                .doc("The Authorization header of all requests, where the type is 'static'."),
        )
        .key(Key::string(CONTENT_TYPE_KEY).low().group(GROUP, 9).doc("The Content-Type header of all requests."))
        .key(
            Key::list(ADDITIONAL)
                .default_value("")
                .low()
                .group(GROUP, 10)
                .doc("Further headers, as name:value with commas between them. No name may be there twice."),
        )
}

fn token_keys(def: ConfigDef) -> ConfigDef {
    const GROUP: &str = "Connection";
    let name = |key: &str, default: &str, order: i32, what: &str| {
        let doc = format!("What the form for a token calls {what}.");
        Key::string(key).default_value(default).high().group(GROUP, order).doc(&doc)
    };
    def.key(
        Key::string(TOKEN.url).high().group(GROUP, 11).doc(
            "Where to ask for an access token, where the type is 'oauth2'. Only client credentials are supported.",
        ),
    )
    .key(name(GRANT_NAME, "grant_type", 12, "the grant type"))
    .key(
        Key::string(GRANT)
            .default_value("client_credentials")
            .high()
            .group(GROUP, 13)
            .doc("The grant type to ask for a token with."),
    )
    .key(name(ID_NAME, "client_id", 14, "the client"))
    .key(Key::string(TOKEN.id).high().group(GROUP, 15).doc("The client to ask for a token as."))
    .key(name(SECRET_NAME, "client_secret", 16, "the secret"))
    .key(Key::password(TOKEN.secret).high().group(GROUP, 17).doc("The secret of that client."))
    .key(
        Key::string(TOKEN.mode)
            .default_value("HEADER")
            .one_of_any_case(&["HEADER", "URL"])
            .group(GROUP, 18)
            .doc("Whether client and secret are sent as a Basic authorization (HEADER) or in the form (URL)."),
    )
    .key(Key::string(TOKEN.scope).low().group(GROUP, 19).doc("The scope to ask for."))
    .key(
        Key::string(TOKEN.property)
            .default_value("access_token")
            .non_empty()
            .low()
            .group(GROUP, 20)
            .doc("The member of the answer that holds the token."),
    )
    .key(
        Key::list(RENEW_ON)
            .default_value("401")
            .low()
            .group(GROUP, 21)
            .doc("Statuses which tell that the token has lapsed: a new one is fetched and the request made again."),
    )
}

fn batch_keys(def: ConfigDef) -> ConfigDef {
    const GROUP: &str = "Batching";
    def.key(
        Key::boolean(BATCHING)
            .default_value("false")
            .high()
            .group(GROUP, 1)
            .doc("Whether a request may hold more than one record."),
    )
    .key(
        Key::int(BATCH_SIZE)
            .default_value("500")
            .between(1, 1_000_000)
            .group(GROUP, 2)
            .doc("The most records of a request, with batching. A request never waits for further records."),
    )
    .key(
        Key::string(PREFIX)
            .default_value("")
            .high()
            .group(GROUP, 3)
            .doc("What stands in front of the first record, with batching. Blanks count."),
    )
    .key(
        Key::string(SUFFIX)
            .high()
            .group(GROUP, 4)
            .doc("What stands behind the last record, with batching; a new line where it is not set. Blanks count."),
    )
    .key(
        Key::string(SEPARATOR)
            .high()
            .group(GROUP, 5)
            .doc("What stands between two records, with batching; a new line where it is not set. Blanks count."),
    )
}

fn delivery_keys(def: ConfigDef) -> ConfigDef {
    const GROUP: &str = "Delivery";
    def.key(Key::long(ANEW).between(0, 86_400_000).group(GROUP, 1).doc(
        "When all retries of a request have failed, begin again after so many milliseconds, for as long as it takes, \
         instead of failing the task.",
    ))
    .key(Key::int(RETRIES).default_value("1").at_least(0).group(GROUP, 2).doc(
        "How often a request is tried again after 408, 429, a status from 500 on, a timeout or a broken connection.",
    ))
    .key(Key::int(PAUSE).default_value("3000").at_least(0).group(GROUP, 3).doc(
        "Milliseconds before the first retry. The pause doubles with each, up to a minute, with some chance in it; a \
         Retry-After of the server is obeyed instead.",
    ))
    .key(
        Key::int(TIMEOUT)
            .default_value("30")
            .at_least(1)
            .low()
            .group("Timeout", 1)
            .doc("Seconds that a request may take, from connecting to the end of the answer."),
    )
    .key(
        Key::string(DECIMALS)
            .default_value("BASE64")
            .one_of_any_case(&["BASE64", "NUMERIC"])
            .low()
            .group("Format", 1)
            .doc("How decimals in structs are written: the unscaled number as base64, or a number."),
    )
}
