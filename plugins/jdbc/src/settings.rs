//! What source and sink have in common: where the database is, who asks, and how names and times are written.

use crate::counted::counted;
use crate::db::{self, Connection, DbResult};
use crate::dialect::{Database, Dialect};
use crate::url::JdbcUrl;
use ferroconnect_plugin_sdk::{Config, ConfigDef, Error, Key, StopSignal, Width};
use jiff::tz::TimeZone;
use std::time::Duration;

/// Names of the keys.
pub mod keys {
    /// The JDBC URL.
    pub const URL: &str = "connection.url";
    /// The user, beside the URL.
    pub const USER: &str = "connection.user";
    /// The password, beside the URL.
    pub const PASSWORD: &str = "connection.password";
    /// How often to try to connect.
    pub const ATTEMPTS: &str = "connection.attempts";
    /// How long to wait between tries, in milliseconds.
    pub const BACKOFF: &str = "connection.backoff.ms";
    /// The database, where the URL does not say.
    pub const DIALECT: &str = "dialect.name";
    /// The zone of times without one.
    pub const ZONE: &str = "db.timezone";
    /// Whether names are quoted.
    pub const QUOTE: &str = "quote.sql.identifiers";
    /// Aiven's name for the same: false is `never`.
    pub const AIVEN_QUOTE: &str = "sql.quote.identifiers";
    /// A Java class that knows user and password.
    pub const PROVIDER: &str = "jdbc.credentials.provider.class";
    /// What every other property for the driver begins with.
    pub const PREFIX: &str = "connection.";
}

/// Names of URL parameters, comma-separated, that the operator of this worker does not allow.
const BLOCKED: &str = "JDBC_CONNECTION_URL_BLOCKED_PARAMS";

/// The class that does no more than take user and password from the configuration.
const DEFAULT_PROVIDER: &str = "io.confluent.connect.jdbc.util.DefaultJdbcCredentialsProvider";

/// A key that is wrong, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrongKey {
    /// The key.
    pub key: String,
    /// What is wrong with it and what would be right, without secrets.
    pub why: String,
}

impl WrongKey {
    /// A wrong key.
    pub fn new(key: &str, why: impl Into<String>) -> WrongKey {
        WrongKey { key: key.to_owned(), why: why.into() }
    }
}

impl From<WrongKey> for Error {
    fn from(wrong: WrongKey) -> Error {
        Error::config(format!("Invalid value for configuration {}: {}", wrong.key, wrong.why))
    }
}

/// Everything needed to connect and to write SQL and times.
#[derive(Debug, Clone)]
pub struct ConnectionSettings {
    /// The URL with `connection.*` behind its parameters: as with the JDBC drivers, what the URL says goes first.
    pub url: JdbcUrl,
    /// How SQL is written.
    pub dialect: Dialect,
    /// The zone of times without one.
    pub zone: TimeZone,
    /// How often [`ConnectionSettings::connect`] tries, at least 1.
    pub attempts: u32,
    /// How long it waits between tries.
    pub backoff: Duration,
}

impl ConnectionSettings {
    /// Adds the keys of connections, with places from 1 in `group`. `url_default` is none where the URL is required.
    pub fn define(def: ConfigDef, group: &str, url_default: Option<&str>) -> ConfigDef {
        let url = Key::string(keys::URL).high().group(group, 1).display(Width::LONG, "JDBC URL").dependents(&[]);
        let url = url.doc(
            "Where the database is: jdbc:mysql://host:port/database, jdbc:mariadb://…, jdbc:postgresql://… or \
             jdbc:sqlite:/path/of/file, with the parameters of the usual drivers. Several hosts separated by commas are \
             tried in their order.",
        );
        let url = url_default.map_or_else(|| url.clone().required(), |default| url.clone().default_value(default));
        let user = Key::string(keys::USER).high().group(group, 2).display(Width::MEDIUM, "JDBC User");
        let password = Key::password(keys::PASSWORD).high().group(group, 3).display(Width::SHORT, "JDBC Password");
        let attempts = Key::int(keys::ATTEMPTS).low().default_value("3").at_least(1).group(group, 4);
        let backoff = Key::long(keys::BACKOFF).low().default_value("10000").at_least(0).group(group, 5);
        let dialect = Key::string(keys::DIALECT).low().default_value("").group(group, 6);
        let dialects = ["", "MySqlDatabaseDialect", "PostgreSqlDatabaseDialect", "SqliteDatabaseDialect"];
        def.key(url)
            .key(user.doc("The user, unless the URL names one."))
            .key(password.doc("The user's password, unless the URL has one."))
            .key(
                attempts
                    .display(Width::SHORT, "JDBC connection attempts")
                    .doc("How often to try to connect before the task fails or starts over."),
            )
            .key(
                backoff
                    .display(Width::SHORT, "JDBC connection backoff in milliseconds")
                    .doc("How long to wait between two tries to connect, in milliseconds."),
            )
            .key(
                dialect
                    .display(Width::LONG, "Database Dialect")
                    .recommended(&dialects)
                    .doc("Which database it is, where the URL does not say. Empty = by the URL."),
            )
    }

    /// The key `db.timezone`.
    pub fn zone_key() -> Key {
        Key::string(keys::ZONE)
            .default_value("UTC")
            .display(Width::MEDIUM, "DB time zone")
            .doc("The time zone of dates and times in columns that have none, as in Europe/Rome or +02:00.")
    }

    /// The key `quote.sql.identifiers`.
    pub fn quote_key() -> Key {
        Key::string(keys::QUOTE)
            .default_value("always")
            .one_of_any_case(&["always", "never"])
            .display(Width::MEDIUM, "Quote Identifiers")
            .doc(
                "Whether names of tables and columns are quoted in statements. With \"never\" they mean what they mean \
                 without quotes: in lower case on PostgreSQL.",
            )
    }

    /// The key `sql.quote.identifiers`.
    pub fn aiven_quote_key() -> Key {
        Key::boolean(keys::AIVEN_QUOTE).low().doc("Another name: false is quote.sql.identifiers=never.")
    }

    /// Reads the settings from a configuration with the keys of [`ConnectionSettings::define`].
    pub fn parse(config: &Config) -> Result<ConnectionSettings, WrongKey> {
        Self::parse_unless_blocked(config, &std::env::var(BLOCKED).unwrap_or_default())
    }

    fn parse_unless_blocked(config: &Config, blocked: &str) -> Result<ConnectionSettings, WrongKey> {
        let text = |key: &str| config.get(key).unwrap_or_default();
        let url = match text(keys::URL) {
            "" => return Err(WrongKey::new(keys::URL, "it is missing; for instance jdbc:mysql://host:3306/database")),
            url => JdbcUrl::parse(url, forced_dialect(text(keys::DIALECT))?),
        };
        let mut url = url.map_err(|why| WrongKey::new(keys::URL, why))?;
        url.parameters.names().try_for_each(|name| refuse_blocked(keys::URL, name, blocked))?;
        for (key, value) in config.iter().filter(|(key, _)| !is_own(key)) {
            if let Some(property) = key.strip_prefix(keys::PREFIX) {
                if ![keys::USER, keys::PASSWORD].contains(&key) {
                    refuse_blocked(key, property, blocked)?;
                }
                url.parameters.set_default(property, value.trim());
            }
        }
        if !["", DEFAULT_PROVIDER].contains(&text(keys::PROVIDER)) {
            let why = format!(
                "{} is a Java class, which cannot be loaded here; take a config provider for connection.user and \
                 connection.password instead, as in connection.password=${{file:/path/of/secrets:password}}",
                text(keys::PROVIDER)
            );
            return Err(WrongKey::new(keys::PROVIDER, why));
        }
        let zone = match text(keys::ZONE) {
            "" => TimeZone::UTC,
            zone => parse_zone(zone).map_err(|why| WrongKey::new(keys::ZONE, why))?,
        };
        let number = |key: &str, default: u64| match config.get(key) {
            None => Ok(default),
            Some(text) => text.parse().map_err(|_| WrongKey::new(key, format!("{text} is not a number of at least 0"))),
        };
        Ok(ConnectionSettings {
            dialect: Dialect {
                database: url.database,
                quote: !text(keys::QUOTE).eq_ignore_ascii_case("never")
                    && !text(keys::AIVEN_QUOTE).eq_ignore_ascii_case("false"),
            },
            url,
            zone,
            attempts: u32::try_from(number(keys::ATTEMPTS, 3)?).unwrap_or(u32::MAX).max(1),
            backoff: Duration::from_millis(number(keys::BACKOFF, 10_000)?),
        })
    }

    /// Connects, as often as `connection.attempts` says, with pauses that end at once when `stop` does. An error that no
    /// further try can mend (login, privilege, database, a wrong parameter) ends it too.
    pub fn connect(&self, stop: &StopSignal) -> DbResult<Box<dyn Connection>> {
        let mut attempt = 1;
        loop {
            let error = match db::open(&self.url, self.dialect, &self.zone, stop) {
                Ok(connection) => return Ok(connection),
                Err(error) => error.context(format_args!("Cannot connect to {}", self.url)),
            };
            if attempt >= self.attempts || !error.may_work_later() {
                return Err(error);
            }
            let left = counted(self.attempts - attempt, "more try", "more tries");
            ferroconnect_plugin_sdk::warn!("{error}. Trying again in {} ms; {left}", self.backoff.as_millis());
            if stop.wait_or_stop(self.backoff) {
                return Err(db::told_to_stop());
            }
            attempt += 1;
        }
    }

    /// Tells in the log which parameters mean nothing here. Call it once, when a connector starts.
    pub fn warn_of_unknown_parameters(&self) {
        let unknown = db::unknown_parameters(&self.url);
        if !unknown.is_empty() {
            let (names, database) = (unknown.join(", "), self.url.database);
            ferroconnect_plugin_sdk::warn!(
                "These parameters of connection.url or connection.* mean nothing to the driver for {database}: {names}"
            );
        }
    }
}

fn is_own(key: &str) -> bool {
    [keys::URL, keys::ATTEMPTS, keys::BACKOFF].contains(&key)
}

fn forced_dialect(name: &str) -> Result<Option<Database>, WrongKey> {
    if name.is_empty() {
        return Ok(None);
    }
    let known = "MySqlDatabaseDialect, PostgreSqlDatabaseDialect, SqliteDatabaseDialect";
    let wrong = || WrongKey::new(keys::DIALECT, format!("{name:?} is not known; known are {known}"));
    Database::of_dialect_name(name).map(Some).ok_or_else(wrong)
}

fn refuse_blocked(key: &str, parameter: &str, blocked: &str) -> Result<(), WrongKey> {
    match blocked.split(',').any(|one| one.trim().eq_ignore_ascii_case(parameter)) {
        true => Err(WrongKey::new(key, format!("{BLOCKED} of this worker does not allow parameter {parameter:?}"))),
        false => Ok(()),
    }
}

/// A zone as Java writes it: `Europe/Rome`, `UTC`, `Z`, `+02:00`, `GMT+2`.
pub fn parse_zone(text: &str) -> Result<TimeZone, String> {
    let wrong = || format!("{text:?} is no time zone; for instance UTC, Europe/Rome or +02:00");
    if ["UTC", "GMT", "UT", "Z"].contains(&text) {
        return Ok(TimeZone::UTC);
    }
    let offset = ["UTC", "GMT", "UT"].iter().find_map(|prefix| text.strip_prefix(prefix)).unwrap_or(text);
    if let Some(sign) = offset.strip_prefix(['+', '-']).map(|_| if offset.starts_with('-') { -1 } else { 1 }) {
        let digits = &offset[1..];
        let (hours, minutes) = digits.split_once(':').unwrap_or_else(|| {
            let hours = digits.len().min(2);
            digits.split_at_checked(hours).unwrap_or((digits, ""))
        });
        let minutes = if minutes.is_empty() { "0" } else { minutes };
        let number = |text: &str| text.parse::<i32>().ok().filter(|number| (0..60).contains(number));
        let seconds = number(hours).zip(number(minutes)).map(|(hours, minutes)| sign * (hours * 60 + minutes) * 60);
        let offset = seconds.and_then(|seconds| jiff::tz::Offset::from_seconds(seconds).ok());
        return offset.map(TimeZone::fixed).ok_or_else(wrong);
    }
    TimeZone::get(text).map_err(|_| wrong())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_url_goes_before_properties_beside_it() {
        let config = Config::from([
            (keys::URL, "jdbc:mysql://h/db?user=url"),
            (keys::USER, "beside"),
            (keys::PASSWORD, "pw"),
            ("connection.connectTimeout", "5"),
            (keys::ATTEMPTS, "2"),
        ]);
        let settings = ConnectionSettings::parse(&config).unwrap();
        let get = |name| settings.url.parameters.get(&[name]);
        assert_eq!((get("user"), get("password"), get("connecttimeout")), (Some("url"), Some("pw"), Some("5")));
        assert_eq!((get("attempts"), get("url"), settings.attempts), (None, None, 2));
    }

    #[test]
    fn wrong_keys_are_named() {
        let key = |pairs| ConnectionSettings::parse(&Config::from(pairs)).unwrap_err().key;
        assert_eq!(key([(keys::URL, ""), (keys::ZONE, "UTC")]), keys::URL);
        assert_eq!(key([(keys::URL, "jdbc:sqlite:x"), (keys::ZONE, "Mars/Olympus")]), keys::ZONE);
        assert_eq!(key([(keys::URL, "jdbc:sqlite:x"), (keys::DIALECT, "Oracle")]), keys::DIALECT);
        assert_eq!(key([(keys::URL, "jdbc:sqlite:x"), (keys::PROVIDER, "com.acme.Vault")]), keys::PROVIDER);
        assert!(
            ConnectionSettings::parse(&Config::from([
                (keys::URL, "jdbc:sqlite:x"),
                (keys::PROVIDER, DEFAULT_PROVIDER)
            ]))
            .is_ok()
        );
    }

    #[test]
    fn an_operator_can_forbid_parameters() {
        let in_url = Config::from([(keys::URL, "jdbc:mysql://h/db?allowLoadLocalInfile=true")]);
        let beside = Config::from([(keys::URL, "jdbc:mysql://h/db"), ("connection.allowLoadLocalInfile", "true")]);
        for (config, key) in [(&in_url, keys::URL), (&beside, "connection.allowLoadLocalInfile")] {
            let error = ConnectionSettings::parse_unless_blocked(config, "x, AllowLoadLocalInfile").unwrap_err();
            assert!(error.key == key && error.why.contains("allowLoadLocalInfile"), "{error:?}");
            assert!(ConnectionSettings::parse_unless_blocked(config, "").is_ok());
        }
    }

    #[test]
    fn zones_are_read_as_java_writes_them() {
        let offset = |text: &str| parse_zone(text).unwrap().to_offset(jiff::Timestamp::UNIX_EPOCH).seconds();
        assert_eq!(
            ["UTC", "GMT+8", "+02:00", "-0330", "Asia/Shanghai"].map(offset),
            [0, 28_800, 7_200, -12_600, 28_800]
        );
        assert!(parse_zone("+99:00").is_err());
        assert!(parse_zone("+\u{20ac}").is_err());
    }
}
