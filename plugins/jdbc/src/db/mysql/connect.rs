//! How a URL of MySQL or MariaDB becomes a connection.

use crate::db::tls::{self, Trust};
use crate::db::{DbError, DbErrorKind, DbResult, hosts};
use crate::url::{Host, JdbcUrl, Parameters};
use ferroconnect_plugin_sdk::StopSignal;
use mysql::{ClientIdentity, Conn, Opts, OptsBuilder, SslOpts};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant};

/// Parameters that do what they do in the JDBC drivers.
pub(in crate::db) const HONOURED: &[&str] = &[
    "user",
    "password",
    "useSSL",
    "useSsl",
    "requireSSL",
    "verifyServerCertificate",
    "sslMode",
    "trustServerCertificate",
    "serverSslCert",
    "trustCertificateKeyStoreUrl",
    "trustCertificateKeyStorePassword",
    "trustCertificateKeyStoreType",
    "trustStore",
    "trustStorePassword",
    "clientCertificateKeyStoreUrl",
    "clientCertificateKeyStorePassword",
    "clientCertificateKeyStoreType",
    "keyStore",
    "keyStorePassword",
    "connectTimeout",
    "socketTimeout",
    "zeroDateTimeBehavior",
    "tinyInt1isBit",
    "transformedBitIsBoolean",
    "yearIsDateType",
    "rewriteBatchedStatements",
    "useBulkStmts",
    "connectionTimeZone",
    "serverTimezone",
    "forceConnectionTimeZoneToSession",
    "jdbcCompliantTruncation",
    "sessionVariables",
    "useCompression",
    "tcpNoDelay",
    "tcpKeepAlive",
];

/// Parameters that are about Java or about what is always so here, as people copy them from file to file.
pub(in crate::db) const MEANINGLESS: &[&str] = &[
    "allowMultiQueries",
    "allowPublicKeyRetrieval",
    "autoReconnect",
    "autoReconnectForPools",
    "cachePrepStmts",
    "cacheServerConfiguration",
    "characterEncoding",
    "defaultFetchSize",
    "failOverReadOnly",
    "maxAllowedPacket",
    "maxReconnects",
    "nullCatalogMeansCurrent",
    "nullDatabaseMeansCurrent",
    "prepStmtCacheSize",
    "prepStmtCacheSqlLimit",
    "useCursorFetch",
    "useInformationSchema",
    "useJDBCCompliantTimezoneShift",
    "useLegacyDatetimeCode",
    "useServerPrepStmts",
    "useUnicode",
    "permitMysqlScheme",
    "enabledTLSProtocols",
    "tlsVersions",
    "fallbackToSystemTrustStore",
];

/// Where no `connectTimeout` is set: a host that swallows packets should not hold a task for minutes.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(30);

/// How long a server that took the connection may take to let us in.
const LOGIN_PATIENCE: Duration = Duration::from_secs(60);

/// The most that a packet may have anywhere. What the server takes is looked at before a row is sent; what it sends is read.
const LARGEST_PACKET: usize = 1 << 30;

/// How another connection to the same server is made.
#[derive(Clone)]
pub(super) struct Way {
    options: Opts,
    /// The file that the options name, which lives as long as anybody may connect.
    _certificates: Option<Arc<tempfile::NamedTempFile>>,
}

impl Way {
    /// Makes one more connection.
    pub(super) fn connect(&self) -> mysql::Result<Conn> {
        Conn::new(self.options.clone())
    }
}

/// Connects to the first host that lets us, and says how.
pub(super) fn connect(url: &JdbcUrl, stop: &StopSignal) -> DbResult<(Conn, Way)> {
    connect_within(url, stop, LOGIN_PATIENCE)
}

/// Each host may take so long to let us in.
fn connect_within(url: &JdbcUrl, stop: &StopSignal, patience: Duration) -> DbResult<(Conn, Way)> {
    hosts::first_that_works(url, |host| connect_to(url, host, stop, patience))
}

fn connect_to(url: &JdbcUrl, host: &Host, stop: &StopSignal, patience: Duration) -> DbResult<(Conn, Way)> {
    let mode = SslMode::of(&url.parameters)?;
    let (builder, certificates) = options(url, host, mode)?;
    let certificates = certificates.map(Arc::new);
    let way = |options| Way { options, _certificates: certificates };
    let plain = Opts::from(builder.clone().ssl_opts(None::<SslOpts>));
    let first = if mode == SslMode::Disabled { plain.clone() } else { Opts::from(builder) };
    match establish(first.clone(), stop, patience)? {
        Ok(connection) => Ok((connection, way(first))),
        Err(mysql::Error::DriverError(mysql::DriverError::TlsNotSupported)) if mode == SslMode::Preferred => {
            let connection = establish(plain.clone(), stop, patience)?.map_err(super::error_of)?;
            Ok((connection, way(plain)))
        }
        Err(error) => Err(super::error_of(error)),
    }
}

/// Connects beside the thread that asks, so that it can end when the task should, or the server is silent for too long.
fn establish(options: Opts, stop: &StopSignal, patience: Duration) -> DbResult<mysql::Result<Conn>> {
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        // Nobody listens any more when the task came to its end; the connection is then closed again.
        let _ = sender.send(Conn::new(options));
    });
    let begun = Instant::now();
    loop {
        match receiver.recv_timeout(hosts::LOOK_FOR_STOP) {
            Ok(connection) => return Ok(connection),
            Err(RecvTimeoutError::Timeout) if begun.elapsed() >= patience => {
                let why = format!("The server let nobody in within {} s", patience.as_secs());
                return Err(DbError::new(DbErrorKind::Connection, why));
            }
            Err(RecvTimeoutError::Timeout) if !stop.is_stopped() => {}
            Err(RecvTimeoutError::Timeout) => return Err(hosts::told_to_stop()),
            Err(RecvTimeoutError::Disconnected) => {
                return Err(DbError::new(DbErrorKind::Permanent, "The driver panicked while it connected"));
            }
        }
    }
}

fn options(url: &JdbcUrl, host: &Host, mode: SslMode) -> DbResult<(OptsBuilder, Option<tempfile::NamedTempFile>)> {
    let parameters = &url.parameters;
    let milliseconds = |name: &str| -> DbResult<Option<Duration>> {
        let value = parameters.get(&[name]).map(|value| super::number(name, value)).transpose()?;
        Ok(value.filter(|&value| value > 0).map(Duration::from_millis))
    };
    let socket_timeout = milliseconds("socketTimeout")?;
    let builder = OptsBuilder::new()
        .ip_or_hostname(Some(host.name.clone()))
        .tcp_port(host.port.unwrap_or(3306))
        .user(parameters.get(&["user"]))
        .pass(parameters.get(&["password"]))
        .db_name(Some(url.name.clone()).filter(|name| !name.is_empty()))
        // A socket file beside the port would not be what the URL says, and goes round TLS.
        .prefer_socket(false)
        .tcp_connect_timeout(Some(milliseconds("connectTimeout")?.unwrap_or(CONNECT_TIMEOUT)))
        .read_timeout(socket_timeout)
        .write_timeout(socket_timeout)
        .tcp_keepalive_time_ms(super::flag(parameters, "tcpKeepAlive", true)?.then_some(60_000))
        .tcp_nodelay(super::flag(parameters, "tcpNoDelay", true)?)
        .max_allowed_packet(Some(LARGEST_PACKET))
        .compress(super::flag(parameters, "useCompression", false)?.then(mysql::Compression::default))
        .init(session_statements(parameters)?);
    let (ssl, file) = match mode {
        SslMode::Disabled => (None, None),
        mode => {
            let (ssl, file) = ssl_options(parameters, mode)?;
            (Some(ssl), file)
        }
    };
    Ok((builder.ssl_opts(ssl), file))
}

/// What is set in the session before anything else.
fn session_statements(parameters: &Parameters) -> DbResult<Vec<String>> {
    let mut statements = Vec::new();
    // As the JDBC drivers do: a server that is not strict would cut values to what fits, and say nothing.
    if super::flag(parameters, "jdbcCompliantTruncation", true)? {
        let modes = "concat_ws(',', nullif(@@sql_mode, ''), 'STRICT_TRANS_TABLES')";
        statements.push(format!("SET SESSION sql_mode = {modes}"));
    }
    if let Some(variables) = parameters.get(&["sessionVariables"]) {
        statements.push(format!("SET SESSION {}", variables.replace(';', ",")));
    }
    let zone = parameters.get(&["connectionTimeZone", "serverTimezone"]);
    let forced = super::flag(parameters, "forceConnectionTimeZoneToSession", false)?;
    if let Some(zone) = zone.filter(|zone| forced && !["LOCAL", "SERVER"].contains(zone)) {
        let offset = if ["UTC", "GMT", "Z"].contains(&zone) { "+00:00" } else { zone };
        statements.push(format!("SET time_zone = '{}'", offset.replace(['\'', '\\'], "")));
    }
    Ok(statements)
}

/// How a connection is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum SslMode {
    Disabled,
    /// TLS where the server has it.
    Preferred,
    /// TLS with whatever certificate.
    Required,
    /// TLS with a certificate that a known authority signed.
    VerifyCa,
    /// And that is about this host.
    VerifyIdentity,
}

impl SslMode {
    fn of(parameters: &Parameters) -> DbResult<SslMode> {
        if let Some(mode) = parameters.get(&["sslMode"]) {
            return match mode.to_ascii_lowercase().replace('-', "_").as_str() {
                "disabled" | "disable" => Ok(SslMode::Disabled),
                "preferred" => Ok(SslMode::Preferred),
                "required" | "trust" => Ok(SslMode::Required),
                "verify_ca" => Ok(SslMode::VerifyCa),
                "verify_identity" | "verify_full" => Ok(SslMode::VerifyIdentity),
                _ => Err(super::wrong("sslMode", mode, "DISABLED, PREFERRED, REQUIRED, VERIFY_CA or VERIFY_IDENTITY")),
            };
        }
        // The older parameters: useSSL alone is content with any certificate.
        let flag = |name, default| super::flag(parameters, name, default);
        Ok(match parameters.get(&["useSSL"]) {
            Some(_) if !flag("useSSL", true)? => SslMode::Disabled,
            _ if flag("verifyServerCertificate", false)? => SslMode::VerifyCa,
            _ if parameters.get(&["serverSslCert"]).is_some() && !flag("trustServerCertificate", false)? => {
                SslMode::VerifyIdentity
            }
            _ if flag("requireSSL", false)? => SslMode::Required,
            _ => SslMode::Preferred,
        })
    }
}

fn ssl_options(parameters: &Parameters, mode: SslMode) -> DbResult<(SslOpts, Option<tempfile::NamedTempFile>)> {
    let verify = matches!(mode, SslMode::VerifyCa | SslMode::VerifyIdentity);
    let mut ssl = SslOpts::default()
        .with_danger_accept_invalid_certs(!verify)
        .with_danger_skip_domain_validation(mode != SslMode::VerifyIdentity);
    let store = parameters.get(&["trustCertificateKeyStoreUrl", "trustStore", "serverSslCert"]);
    let password = parameters.get(&["trustCertificateKeyStorePassword", "trustStorePassword"]);
    let file = match store.filter(|_| verify) {
        Some(store) => Some(Trust::load(tls::file_of_url(store), password)?.into_file()?),
        None => None,
    };
    if let Some(file) = &file {
        ssl = ssl.with_root_cert_path(Some(file.path().to_owned()));
    }
    if let Some(store) = parameters.get(&["clientCertificateKeyStoreUrl", "keyStore"]) {
        let mut identity = ClientIdentity::new(PathBuf::from(tls::file_of_url(store)));
        if let Some(password) = parameters.get(&["clientCertificateKeyStorePassword", "keyStorePassword"]) {
            identity = identity.with_password(password.to_owned());
        }
        ssl = ssl.with_client_identity(Some(identity));
    }
    Ok((ssl, file))
}

#[cfg(test)]
mod tests {
    use super::*;
    use ferroconnect_plugin_sdk::testkit::PATIENCE;
    use std::net::TcpListener;

    #[test]
    fn a_server_that_takes_the_connection_and_says_nothing_is_given_up() {
        // The system takes connections for whoever listens; nobody ever looks at them.
        let silent = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = silent.local_addr().unwrap();
        let url = JdbcUrl::parse(&format!("jdbc:mysql://{address}/db?user=u"), None).unwrap();
        let (says, said) = channel();
        std::thread::spawn(move || {
            let connected = connect_within(&url, &StopSignal::default(), Duration::from_secs(1));
            // Whoever waits has given up if this is not received.
            let _ = says.send(connected.map(|_| ()));
        });
        let error = said.recv_timeout(PATIENCE * 3).expect("it ends").unwrap_err();
        assert_eq!(error.kind(), DbErrorKind::Connection);
        assert_eq!(error.to_string(), format!("{address}: The server let nobody in within 1 s"));
    }

    fn mode(query: &str) -> SslMode {
        let url = JdbcUrl::parse(&format!("jdbc:mysql://h/db?{query}"), None).unwrap();
        SslMode::of(&url.parameters).unwrap()
    }

    #[test]
    fn the_old_and_new_ways_to_ask_for_tls() {
        assert_eq!(mode(""), SslMode::Preferred);
        assert_eq!(mode("useSSL=false"), SslMode::Disabled);
        assert_eq!(mode("useSSL=true&requireSSL=true"), SslMode::Required);
        assert_eq!(mode("requireSSL=true"), SslMode::Required);
        assert_eq!(mode("useSSL=true&verifyServerCertificate=true"), SslMode::VerifyCa);
        assert_eq!(mode("sslMode=VERIFY_IDENTITY"), SslMode::VerifyIdentity);
        assert_eq!(mode("sslMode=verify-full"), SslMode::VerifyIdentity);
        assert_eq!(mode("useSsl=true&serverSslCert=/ca.pem"), SslMode::VerifyIdentity);
    }
}
