//! How a URL of PostgreSQL becomes a connection.

use super::{error_of, wrong};
use crate::db::tls::{self, Trust, tls_error};
use crate::db::{DbError, DbErrorKind, DbResult, hosts};
use crate::url::{Host, JdbcUrl, Parameters};
use ferroconnect_plugin_sdk::StopSignal;
use jiff::tz::TimeZone;
use rustix::net::sockopt;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::runtime::Runtime;
use tokio_postgres::{Client, Config, config::SslMode as Negotiation};

/// Parameters that do what they do in the JDBC driver.
pub(in crate::db) const HONOURED: &[&str] = &[
    "user",
    "password",
    "ssl",
    "sslmode",
    "sslrootcert",
    "sslcert",
    "sslkey",
    "sslpassword",
    "connectTimeout",
    "loginTimeout",
    "socketTimeout",
    "tcpKeepAlive",
    "tcpNoDelay",
    "currentSchema",
    "ApplicationName",
    "options",
    "targetServerType",
    "readOnly",
    "reWriteBatchedInserts",
];

/// Parameters that are about Java or about what is always so here.
pub(in crate::db) const MEANINGLESS: &[&str] = &[
    "adaptiveFetch",
    "allowEncodingChanges",
    "assumeMinServerVersion",
    "autosave",
    "binaryTransfer",
    "cleanupSavepoints",
    "databaseMetadataCacheFields",
    "defaultRowFetchSize",
    "disableColumnSanitiser",
    "escapeSyntaxCallMode",
    "hostRecheckSeconds",
    "loadBalanceHosts",
    "loggerLevel",
    "logUnclosedConnections",
    "preparedStatementCacheQueries",
    "preparedStatementCacheSizeMiB",
    "protocolVersion",
    "receiveBufferSize",
    "sendBufferSize",
    "sslpasswordcallback",
    "stringtype",
    "unknownLength",
    "useUnicode",
    "characterEncoding",
];

/// As in the JDBC driver.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
const KEEP_ALIVE: Duration = Duration::from_secs(60);

/// What is needed to reach the same server once more, to cancel a statement.
#[derive(Clone)]
pub(super) struct Way {
    pub(super) host: Host,
    pub(super) tls: native_tls::TlsConnector,
}

impl Way {
    pub(super) fn tls(&self) -> postgres_native_tls::TlsConnector {
        postgres_native_tls::TlsConnector::new(self.tls.clone(), &self.host.name)
    }

    pub(super) async fn socket(&self) -> std::io::Result<TcpStream> {
        TcpStream::connect((self.host.name.as_str(), self.host.port.unwrap_or(5432))).await
    }
}

/// Connects to the first host that lets us and is of the wanted kind.
pub(super) fn connect(runtime: &Runtime, url: &JdbcUrl, zone: &TimeZone, stop: &StopSignal) -> DbResult<(Client, Way)> {
    let tls = Tls::of(&url.parameters)?;
    hosts::first_that_works(url, |host| {
        let way = Way { host: host.clone(), tls: tls.connector()? };
        let connecting = async {
            tokio::select! {
                connected = connect_to(url, &way, tls.mode, zone) => connected,
                () = stopped(stop) => Err(hosts::told_to_stop()),
            }
        };
        let client = runtime.block_on(connecting)?;
        Ok((client, way))
    })
}

async fn stopped(stop: &StopSignal) {
    while !stop.is_stopped() {
        tokio::time::sleep(hosts::LOOK_FOR_STOP).await;
    }
}

async fn connect_to(url: &JdbcUrl, way: &Way, mode: SslMode, zone: &TimeZone) -> DbResult<Client> {
    let parameters = &url.parameters;
    let login = seconds(parameters, "loginTimeout")?.unwrap_or(Duration::from_secs(60));
    let connection = |why: String| DbError::new(DbErrorKind::Connection, why);
    let opening = async {
        let patience = seconds(parameters, "connectTimeout")?.unwrap_or(CONNECT_TIMEOUT);
        let socket = tokio::time::timeout(patience, way.socket()).await;
        let socket = socket.map_err(|_| connection(format!("no answer within {} s", patience.as_secs())))?;
        let socket = socket.map_err(|error| connection(error.to_string()))?;
        prepare_socket(&socket, parameters)?;
        let (client, driver) = config(url, mode)?.connect_raw(socket, way.tls()).await.map_err(error_of)?;
        // Ends when the client is dropped; what goes wrong in it is told by the call that waits.
        tokio::spawn(driver);
        set_session(&client, parameters, zone).await?;
        Ok(client)
    };
    let opened = tokio::time::timeout(login, opening).await;
    opened.map_err(|_| connection(format!("no login within {} s", login.as_secs())))?
}

fn prepare_socket(socket: &TcpStream, parameters: &Parameters) -> DbResult<()> {
    let failed = |error: std::io::Error| DbError::new(DbErrorKind::Connection, error.to_string());
    socket.set_nodelay(super::flag(parameters, "tcpNoDelay", true)?).map_err(failed)?;
    if super::flag(parameters, "tcpKeepAlive", true)? {
        sockopt::set_socket_keepalive(socket, true).map_err(|error| failed(error.into()))?;
        sockopt::set_tcp_keepidle(socket, KEEP_ALIVE).map_err(|error| failed(error.into()))?;
    }
    Ok(())
}

fn config(url: &JdbcUrl, mode: SslMode) -> DbResult<Config> {
    let parameters = &url.parameters;
    let mut config = Config::new();
    let Some(user) = parameters.get(&["user"]) else {
        let why = "no user is named: set connection.user, or user= in connection.url";
        return Err(DbError::new(DbErrorKind::Permanent, why));
    };
    config.user(user).dbname(if url.name.is_empty() { user } else { &url.name });
    config.application_name(parameters.get(&["ApplicationName"]).unwrap_or("ferroconnect"));
    config.ssl_mode(match mode {
        SslMode::Disable => Negotiation::Disable,
        SslMode::Prefer => Negotiation::Prefer,
        SslMode::Require | SslMode::VerifyCa | SslMode::VerifyFull => Negotiation::Require,
    });
    if let Some(password) = parameters.get(&["password"]) {
        config.password(password);
    }
    if let Some(options) = parameters.get(&["options"]) {
        config.options(options);
    }
    Ok(config)
}

async fn set_session(client: &Client, parameters: &Parameters, zone: &TimeZone) -> DbResult<()> {
    let zone = zone_name(zone);
    let mut settings = vec![("TimeZone", zone.as_str()), ("DateStyle", "ISO"), ("extra_float_digits", "3")];
    settings.extend(parameters.get(&["currentSchema"]).map(|schema| ("search_path", schema)));
    if super::flag(parameters, "readOnly", false)? {
        settings.push(("default_transaction_read_only", "on"));
    }
    for (name, value) in settings {
        client.execute("SELECT set_config($1, $2, false)", &[&name, &value]).await.map_err(error_of)?;
    }
    let wanted = parameters.get(&["targetServerType"]).unwrap_or("any").to_ascii_lowercase();
    let wants_standby = match wanted.as_str() {
        "any" | "preferprimary" | "prefersecondary" | "preferslave" => return Ok(()),
        "primary" | "master" => false,
        "secondary" | "slave" => true,
        other => return Err(wrong("targetServerType", other, "any, primary or secondary")),
    };
    let row = client.query_one("SELECT pg_is_in_recovery()", &[]).await.map_err(error_of)?;
    match row.get::<_, bool>(0) == wants_standby {
        true => Ok(()),
        false => Err(DbError::new(DbErrorKind::Connection, format!("the server is not a {wanted}"))),
    }
}

/// A zone as the server reads it. It turns the sign of bare offsets round, but not of those in angle brackets.
fn zone_name(zone: &TimeZone) -> String {
    if let Some(name) = zone.iana_name() {
        return name.to_owned();
    }
    let seconds = zone.to_offset(jiff::Timestamp::UNIX_EPOCH).seconds();
    let (hours, minutes) = (seconds.abs() / 3600, seconds.abs() / 60 % 60);
    let (sign, turned) = if seconds < 0 { ('-', '+') } else { ('+', '-') };
    format!("<{sign}{hours:02}{minutes:02}>{turned}{hours:02}:{minutes:02}")
}

/// How a connection is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum SslMode {
    Disable,
    Prefer,
    Require,
    VerifyCa,
    VerifyFull,
}

struct Tls {
    mode: SslMode,
    trust: Option<Trust>,
    identity: Option<native_tls::Identity>,
}

impl Tls {
    fn of(parameters: &Parameters) -> DbResult<Tls> {
        let mode = match parameters.get(&["sslmode"]).map(str::to_ascii_lowercase).as_deref() {
            // `?ssl` alone means the same.
            None if parameters.is_empty_value("ssl") || super::flag(parameters, "ssl", false)? => SslMode::VerifyFull,
            Some("disable") => SslMode::Disable,
            None | Some("allow" | "prefer") => SslMode::Prefer,
            Some("require") => SslMode::Require,
            Some("verify-ca") => SslMode::VerifyCa,
            Some("verify-full") => SslMode::VerifyFull,
            Some(other) => return Err(wrong("sslmode", other, "disable, prefer, require, verify-ca or verify-full")),
        };
        let needed = mode != SslMode::Disable;
        let root = parameters.get(&["sslrootcert"]).filter(|_| needed);
        let key = parameters.get(&["sslkey"]).filter(|_| needed);
        let identity = |key| tls::identity(parameters.get(&["sslcert"]), key, parameters.get(&["sslpassword"]));
        Ok(Tls {
            mode,
            trust: root.map(|root| Trust::load(tls::file_of_url(root), None)).transpose()?,
            identity: key.map(identity).transpose()?,
        })
    }

    fn connector(&self) -> DbResult<native_tls::TlsConnector> {
        let mut builder = native_tls::TlsConnector::builder();
        // A root that is named is meant to be looked at, also where the mode does not say so.
        let verify = matches!(self.mode, SslMode::VerifyCa | SslMode::VerifyFull)
            || (self.mode == SslMode::Require && self.trust.is_some());
        builder.danger_accept_invalid_certs(!verify);
        builder.danger_accept_invalid_hostnames(self.mode != SslMode::VerifyFull);
        if let Some(trust) = &self.trust {
            builder.disable_built_in_roots(true);
            for certificate in trust.certificates()? {
                builder.add_root_certificate(certificate);
            }
        }
        if let Some(identity) = &self.identity {
            builder.identity(identity.clone());
        }
        builder.build().map_err(tls_error)
    }
}

/// A number of seconds; none where it is not set or 0.
pub(super) fn seconds(parameters: &Parameters, name: &str) -> DbResult<Option<Duration>> {
    let value =
        parameters.get(&[name]).map(|value| value.parse().map_err(|_| wrong(name, value, "a number of seconds")));
    Ok(value.transpose()?.filter(|&seconds| seconds > 0).map(Duration::from_secs))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ssl_without_a_value_is_checked_as_with_true() {
        let mode = |parameters: &str| {
            let url = JdbcUrl::parse(&format!("jdbc:postgresql://h/db?{parameters}"), None).unwrap();
            Tls::of(&url.parameters).unwrap().mode
        };
        assert_eq!([mode("ssl"), mode("ssl=true&user=u")], [SslMode::VerifyFull; 2]);
        assert_eq!([mode("ssl=false"), mode("")], [SslMode::Prefer; 2]);
        assert_eq!(mode("ssl&sslmode=require"), SslMode::Require);
    }

    #[test]
    fn zones_are_named_as_the_server_reads_them() {
        assert_eq!(zone_name(&TimeZone::UTC), "UTC");
        let rome = TimeZone::get("Europe/Rome").unwrap();
        assert_eq!(zone_name(&rome), "Europe/Rome");
        let india = TimeZone::fixed(jiff::tz::Offset::from_seconds(19_800).unwrap());
        assert_eq!(zone_name(&india), "<+0530>-05:30");
    }
}
