//! The source's configuration, read and checked.

use super::deletes::DeleteSettings;
use super::filter::{ColumnMapping, TableChoice};
use super::keys;
use super::query::Subject;
use super::times::{Clock, Instant};
use super::values::{Form, Granularity, NumericMapping, ValueRules};
use crate::db::{DbError, Isolation, TableFilter};
use crate::dialect::Database;
use crate::settings::{ConnectionSettings, WrongKey, keys as connection_keys};
use ferroconnect_plugin_sdk::{Config, Result, warn};
use std::time::Duration;

/// The longest name of a topic.
const LONGEST_TOPIC: usize = 249;
/// The key with the connector's name.
const NAME: &str = "name";
/// The older keys, which do not go with lists of patterns.
const OLD_KEYS: [&str; 4] = [keys::WHITELIST, keys::BLACKLIST, keys::INCREMENTING, keys::TIMESTAMP];

/// How new rows are found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    Bulk,
    Incrementing,
    Timestamp,
    TimestampIncrementing,
}

impl Mode {
    fn parse(text: &str) -> Option<Mode> {
        Some(match text.to_ascii_lowercase().as_str() {
            "bulk" => Mode::Bulk,
            "incrementing" => Mode::Incrementing,
            "timestamp" => Mode::Timestamp,
            "timestamp+incrementing" => Mode::TimestampIncrementing,
            _ => return None,
        })
    }

    /// Whether a column that grows is part of it.
    pub(super) fn has_incrementing(self) -> bool {
        matches!(self, Mode::Incrementing | Mode::TimestampIncrementing)
    }

    /// Whether columns with times are part of it.
    pub(super) fn has_timestamp(self) -> bool {
        matches!(self, Mode::Timestamp | Mode::TimestampIncrementing)
    }
}

/// What is to be read.
#[derive(Debug, Clone)]
pub(super) enum What {
    /// Tables.
    Tables(TableChoice),
    /// The result of a query.
    Query(String),
}

/// Where to begin without a stored offset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum InitialTime {
    /// At the beginning.
    Everything,
    /// Now.
    Now,
    /// Behind this.
    After(Instant),
}

/// The configuration of connector and tasks.
#[derive(Debug, Clone)]
pub(super) struct Settings {
    pub(super) connection: ConnectionSettings,
    pub(super) mode: Mode,
    pub(super) what: What,
    /// Whether the query is never shown, so that what the database says of it is not shown either.
    pub(super) masked: bool,
    /// `incrementing.column.name`; none = to be found.
    pub(super) incrementing: Option<String>,
    pub(super) timestamps: Vec<String>,
    pub(super) incrementing_mapping: Option<ColumnMapping>,
    pub(super) timestamp_mapping: Option<ColumnMapping>,
    pub(super) initial_time: InitialTime,
    pub(super) initial_incrementing: Option<i64>,
    /// How long to wait for numbers that are missing; none = not at all.
    pub(super) gap_patience: Option<Duration>,
    /// How rows that were deleted are looked for; none = not at all.
    pub(super) deletes: Option<DeleteSettings>,
    pub(super) validate_non_null: bool,
    pub(super) suffix: String,
    pub(super) isolation: Isolation,
    /// How often in a row a query may fail; none = as often as it does.
    pub(super) retries: Option<u32>,
    pub(super) poll_interval: Duration,
    pub(super) linger: Duration,
    pub(super) batch: usize,
    /// How many batches are read ahead.
    pub(super) batches_ahead: usize,
    pub(super) table_interval: Duration,
    pub(super) first_list: Duration,
    pub(super) topic_prefix: String,
    /// Milliseconds.
    pub(super) delay: i64,
    pub(super) rules: ValueRules,
    pub(super) table_filter: TableFilter,
}

impl Settings {
    /// Reads a configuration with the defaults behind it.
    ///
    /// # Errors
    /// A config error for the first key that is wrong.
    pub(super) fn parse(config: &Config) -> Result<Settings> {
        if let Some(wrong) = wrong_keys(config).into_iter().next() {
            return Err(wrong.into());
        }
        let connection = ConnectionSettings::parse(config)?;
        let set = |key| set(config, key).map(str::to_owned);
        let mode = Mode::parse(config.text(keys::MODE)?).unwrap_or(Mode::Bulk);
        let what = match set(keys::QUERY).or_else(|| set(keys::QUERY_MASKED)) {
            Some(query) => What::Query(query),
            None => What::Tables(TableChoice::parse(config)?),
        };
        let batch = config.parse::<u32>(keys::BATCH)?.max(1) as usize;
        let buffer = match config.parse::<u32>(keys::BUFFER)? as usize {
            0 => 4 * batch,
            rows => rows,
        };
        let retries: i32 = config.parse(keys::RETRIES)?;
        let millis = |key| config.parse(key).map(Duration::from_millis);
        Ok(Settings {
            rules: value_rules(config, &connection),
            deletes: deletes(config, &connection)?,
            connection,
            mode,
            what,
            masked: is_set(config, keys::QUERY_MASKED),
            incrementing: set(keys::INCREMENTING),
            timestamps: config.list(keys::TIMESTAMP).into_iter().map(str::to_owned).collect(),
            incrementing_mapping: ColumnMapping::parse(config, keys::INCREMENTING_MAPPING)?,
            timestamp_mapping: ColumnMapping::parse(config, keys::TIMESTAMP_MAPPING)?,
            initial_time: initial_time(config)?,
            initial_incrementing: set(keys::INCREMENTING_INITIAL)
                .map(|_| config.parse(keys::INCREMENTING_INITIAL))
                .transpose()?,
            gap_patience: waits_for_gaps(config).then(|| millis(keys::GAPS_TIMEOUT)).transpose()?,
            validate_non_null: config.flag(keys::NON_NULL)?,
            suffix: set(keys::SUFFIX).unwrap_or_default(),
            isolation: isolation(config.text(keys::ISOLATION)?),
            retries: u32::try_from(retries).ok().filter(|most| *most > 0),
            poll_interval: millis(keys::POLL_INTERVAL)?,
            linger: millis(keys::LINGER)?,
            batch,
            // One more batch is being put together.
            batches_ahead: (buffer / batch).saturating_sub(1),
            table_interval: millis(keys::TABLE_INTERVAL)?,
            first_list: millis(keys::FIRST_LIST)?,
            topic_prefix: set(keys::TOPIC_PREFIX).unwrap_or_default(),
            delay: config.parse(keys::DELAY)?,
            table_filter: TableFilter {
                catalog: set(keys::CATALOG),
                schema: set(keys::SCHEMA),
                types: config.list(keys::TABLE_TYPES).into_iter().map(str::to_owned).collect(),
            },
        })
    }

    /// An error of the database as it may be shown: servers quote parts of statements.
    pub(super) fn shown(&self, error: DbError) -> DbError {
        if !self.masked || error.is_interrupted() {
            return error;
        }
        let (kind, why) = (error.kind(), "The query fails; why is not shown, for it may show the query");
        match (error.sql_state(), error.code()) {
            (Some(state), code) => DbError::from_server(kind, why, state, code),
            (None, Some(code)) => DbError::from_vendor(kind, why, code),
            (None, None) => DbError::new(kind, why),
        }
    }

    /// The topic of a subject, and the name of its schema.
    pub(super) fn topic(&self, subject: &Subject) -> (String, Option<String>) {
        match subject {
            Subject::Table(table) => (format!("{}{}", self.topic_prefix, table.name), Some(table.name.clone())),
            Subject::Query(_) => (self.topic_prefix.clone(), None),
        }
    }
}

/// The value of a key, where it is set to something.
fn set<'a>(config: &'a Config, key: &str) -> Option<&'a str> {
    config.get(key).filter(|value| !value.is_empty())
}

fn value_rules(config: &Config, connection: &ConnectionSettings) -> ValueRules {
    let is = |key, value: &str| config.get(key).is_some_and(|set| set.eq_ignore_ascii_case(value));
    let granularity = match config.get(keys::GRANULARITY).unwrap_or_default().to_ascii_lowercase().as_str() {
        "micros_long" => Granularity::Micros(Form::Long),
        "micros_string" => Granularity::Micros(Form::Digits),
        "micros_iso_datetime_string" => Granularity::Micros(Form::Iso),
        "nanos_long" => Granularity::Nanos(Form::Long),
        "nanos_string" => Granularity::Nanos(Form::Digits),
        "nanos_iso_datetime_string" => Granularity::Nanos(Form::Iso),
        _ => Granularity::Logical,
    };
    let numeric = match set(config, keys::NUMERIC_MAPPING).map(str::to_ascii_lowercase).as_deref() {
        Some("precision_only") => NumericMapping::PrecisionOnly,
        Some("best_fit") => NumericMapping::BestFit,
        Some("best_fit_eager_double") => NumericMapping::BestFitEagerDouble,
        None if is(keys::PRECISION_MAPPING, "true") => NumericMapping::PrecisionOnly,
        _ => NumericMapping::None,
    };
    ValueRules {
        database: connection.dialect.database,
        clock: Clock::new(connection.zone.clone(), !is(keys::CALENDAR, "PROLEPTIC_GREGORIAN")),
        granularity,
        numeric,
        decimals: is(keys::NUMERIC_DECIMALS, "true"),
    }
}

fn waits_for_gaps(config: &Config) -> bool {
    config.get(keys::GAPS).is_some_and(|gaps| gaps.eq_ignore_ascii_case("wait"))
}

fn initial_time(config: &Config) -> Result<InitialTime> {
    let Some(key) =
        [keys::TIMESTAMP_INITIAL, keys::AIVEN_TIMESTAMP_INITIAL].into_iter().find(|key| set(config, key).is_some())
    else {
        return Ok(InitialTime::Everything);
    };
    Ok(match config.parse::<i64>(key)? {
        -1 => InitialTime::Now,
        millis => InitialTime::After(Instant::from_millis(millis)),
    })
}

fn isolation(text: &str) -> Isolation {
    match text.to_ascii_uppercase().as_str() {
        "READ_UNCOMMITTED" => Isolation::ReadUncommitted,
        "READ_COMMITTED" => Isolation::ReadCommitted,
        "REPEATABLE_READ" => Isolation::RepeatableRead,
        "SERIALIZABLE" => Isolation::Serializable,
        "SQL_SERVER_SNAPSHOT" => {
            warn!("{}=SQL_SERVER_SNAPSHOT is of SQL Server only and is ignored", keys::ISOLATION);
            Isolation::ServerDefault
        }
        _ => Isolation::ServerDefault,
    }
}

/// How deleted rows are looked for.
fn deletes(config: &Config, beside: &ConnectionSettings) -> Result<Option<DeleteSettings>> {
    let Some(table) = set(config, keys::DELETES) else { return Ok(None) };
    Ok(Some(DeleteSettings {
        table: table.to_owned(),
        connection: ledger_connection(config)?.unwrap_or_else(|| beside.clone()),
        connector: config.text(NAME)?.to_owned(),
        interval: Duration::from_millis(config.parse(keys::DELETES_INTERVAL)?),
    }))
}

/// Where the ledger is, if it has a URL of its own.
fn ledger_connection(config: &Config) -> Result<Option<ConnectionSettings>, WrongKey> {
    let Some(url) = set(config, keys::DELETES_URL) else { return Ok(None) };
    let mut own = Config::default();
    own.set(connection_keys::URL, url);
    for key in [connection_keys::ATTEMPTS, connection_keys::BACKOFF] {
        if let Some(value) = config.get(key) {
            own.set(key, value);
        }
    }
    let connection = ConnectionSettings::parse(&own).map_err(|wrong| WrongKey::new(keys::DELETES_URL, wrong.why))?;
    if connection.url.database == Database::OpenMldb {
        return Err(WrongKey::new(keys::DELETES_URL, "OpenMLDB cannot change rows; name another database"));
    }
    Ok(Some(connection))
}

fn delete_rules(config: &Config, wrong: &mut Vec<WrongKey>) {
    if !is_set(config, keys::DELETES) {
        if is_set(config, keys::DELETES_URL) {
            wrong.push(WrongKey::new(keys::DELETES, "It is missing: the table for keys of rows must be named"));
        }
        return;
    }
    if has_query(config) {
        wrong.push(WrongKey::new(keys::DELETES, "It is for tables: the rows of a query have no primary key"));
    }
    if config.get(keys::ISOLATION).is_some_and(|level| level.eq_ignore_ascii_case("READ_UNCOMMITTED")) {
        let why =
            format!("READ_UNCOMMITTED does not go with {}: rows that are not committed look deleted", keys::DELETES);
        wrong.push(WrongKey::new(keys::ISOLATION, why));
    }
    match (ledger_connection(config), ConnectionSettings::parse(config)) {
        (Err(error), _) => wrong.push(error),
        // A reader's transaction would keep the ledger from being written.
        (Ok(None), Ok(read)) if read.url.database == Database::Sqlite => {
            let why = "On SQLite keys cannot be written while rows are read; name another file, as in jdbc:sqlite:/path/of/keys.db";
            wrong.push(WrongKey::new(keys::DELETES_URL, why));
        }
        (Ok(Some(own)), Ok(read)) if own.url.database == Database::Sqlite && own.url.name == read.url.name => {
            wrong.push(WrongKey::new(
                keys::DELETES_URL,
                "It is the file that is read; on SQLite it must be another one",
            ));
        }
        _ => {}
    }
}

/// All keys that are wrong in relation to each other, or in a way that the definition does not say.
pub(super) fn wrong_keys(config: &Config) -> Vec<WrongKey> {
    let mut wrong = Vec::new();
    let mode = Mode::parse(config.get(keys::MODE).unwrap_or_default());
    if mode.is_none() {
        let modes = "bulk, incrementing, timestamp or timestamp+incrementing";
        wrong.push(WrongKey::new(keys::MODE, format!("The mode must be set, to {modes}")));
    }
    wrong.extend(ConnectionSettings::parse(config).err());
    table_rules(config, &mut wrong);
    query_rules(config, mode, &mut wrong);
    column_rules(config, mode, &mut wrong);
    delete_rules(config, &mut wrong);
    wrong.extend(TableChoice::parse(config).err());
    wrong.extend(ColumnMapping::parse(config, keys::INCREMENTING_MAPPING).err());
    wrong.extend(ColumnMapping::parse(config, keys::TIMESTAMP_MAPPING).err());
    topic_rules(config, &mut wrong);
    wrong
}

fn is_set(config: &Config, key: &str) -> bool {
    set(config, key).is_some()
}

fn has_query(config: &Config) -> bool {
    is_set(config, keys::QUERY) || is_set(config, keys::QUERY_MASKED)
}

fn table_rules(config: &Config, wrong: &mut Vec<WrongKey>) {
    let mut refuse = |key: &str, why: String| wrong.push(WrongKey::new(key, why));
    let is_set = |key: &str| is_set(config, key);
    if is_set(keys::WHITELIST) && is_set(keys::BLACKLIST) {
        refuse(keys::BLACKLIST, format!("It excludes {}; set one of them", keys::WHITELIST));
    }
    if is_set(keys::EXCLUDE) && !is_set(keys::INCLUDE) {
        refuse(keys::EXCLUDE, format!("It takes tables out of {}, which is not set", keys::INCLUDE));
    }
    let new_keys = [keys::INCLUDE, keys::EXCLUDE, keys::INCREMENTING_MAPPING, keys::TIMESTAMP_MAPPING];
    let new = new_keys.into_iter().find(|key| is_set(key));
    for old in OLD_KEYS.into_iter().filter(|key| is_set(key)) {
        if let Some(new) = new {
            refuse(old, format!("It does not go with {new}; set keys of one kind only"));
        }
    }
    if !has_query(config) && new.is_none() && !OLD_KEYS.into_iter().any(is_set) {
        let one =
            format!("Which tables to read must be said by one of {}, or {}", OLD_KEYS.join(", "), new_keys.join(", "));
        refuse(keys::WHITELIST, format!("{one}; or set {}", keys::QUERY));
    }
}

fn query_rules(config: &Config, mode: Option<Mode>, wrong: &mut Vec<WrongKey>) {
    let mut refuse = |key: &str, why: String| wrong.push(WrongKey::new(key, why));
    if is_set(config, keys::QUERY) && is_set(config, keys::QUERY_MASKED) {
        refuse(keys::QUERY_MASKED, format!("It excludes {}; set one of them", keys::QUERY));
    }
    let Some((key, query)) =
        [keys::QUERY, keys::QUERY_MASKED].into_iter().find_map(|key| Some((key, set(config, key)?)))
    else {
        return;
    };
    let first = query.trim_start_matches(|character: char| character == '(' || character.is_whitespace());
    let first: String = first.chars().take_while(|character| character.is_ascii_alphabetic()).collect();
    if !["select", "with"].contains(&first.to_ascii_lowercase().as_str()) {
        refuse(key, "Only SELECT is possible".to_owned());
    }
    for filter in [keys::WHITELIST, keys::BLACKLIST, keys::INCLUDE, keys::EXCLUDE] {
        if is_set(config, filter) {
            refuse(filter, format!("It does not go with {key}, which says itself what to read"));
        }
    }
    if mode.is_some_and(Mode::has_incrementing) && !is_set(config, keys::INCREMENTING) {
        refuse(keys::INCREMENTING, format!("With {key} the column must be named"));
    }
    if !is_set(config, keys::TOPIC_PREFIX) {
        refuse(keys::TOPIC_PREFIX, format!("With {key} it is the name of the topic and must be set"));
    }
}

fn column_rules(config: &Config, mode: Option<Mode>, wrong: &mut Vec<WrongKey>) {
    let mut refuse = |key: &str, why: String| wrong.push(WrongKey::new(key, why));
    if mode.is_some_and(Mode::has_timestamp) {
        let key = if is_set(config, keys::INCLUDE) { keys::TIMESTAMP_MAPPING } else { keys::TIMESTAMP };
        if has_query(config) && !is_set(config, keys::TIMESTAMP) {
            refuse(keys::TIMESTAMP, "The mode needs one or more columns with times".to_owned());
        } else if !is_set(config, keys::TIMESTAMP) && !is_set(config, keys::TIMESTAMP_MAPPING) {
            refuse(key, "The mode needs one or more columns with times".to_owned());
        }
    }
    if waits_for_gaps(config) && mode.is_some_and(|mode| mode != Mode::Incrementing) {
        let other = "with times, timestamp.delay.interval.ms leaves rows for later until transactions have ended";
        refuse(keys::GAPS, format!("It is for mode incrementing only; {other}"));
    }
    if let Some(initial) = set(config, keys::TIMESTAMP_INITIAL)
        && initial.parse::<i64>().is_ok_and(|millis| millis < -1)
    {
        refuse(keys::TIMESTAMP_INITIAL, format!("{initial} is neither milliseconds since 1970 nor -1"));
    }
}

fn topic_rules(config: &Config, wrong: &mut Vec<WrongKey>) {
    let prefix = config.get(keys::TOPIC_PREFIX).unwrap_or_default();
    let legal = |character: char| character.is_ascii_alphanumeric() || "._-".contains(character);
    if prefix.len() > LONGEST_TOPIC || !prefix.chars().all(legal) {
        let why = format!(
            "{prefix:?} is no part of a topic's name: at most {LONGEST_TOPIC} of a-z, A-Z, 0-9, '.', '_' and '-'"
        );
        wrong.push(WrongKey::new(keys::TOPIC_PREFIX, why));
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in super::super) fn config(pairs: &[(&str, &str)]) -> Config {
        let mut config = Config::default();
        config.set(connection_keys::URL, "jdbc:sqlite:unused");
        for (key, value) in pairs {
            config.set(key, value);
        }
        keys::definition().fill(&config.to_pairs())
    }

    fn wrong(pairs: &[(&str, &str)]) -> Vec<String> {
        let mut keys: Vec<_> = wrong_keys(&config(pairs)).into_iter().map(|wrong| wrong.key).collect();
        keys.dedup();
        keys
    }

    #[test]
    fn keys_are_held_to_each_other() {
        let (white, black, include, exclude) = (keys::WHITELIST, keys::BLACKLIST, keys::INCLUDE, keys::EXCLUDE);
        let (bulk, query) = ((keys::MODE, "bulk"), (keys::QUERY, "SELECT 1"));
        let prefix = (keys::TOPIC_PREFIX, "t");
        let none: &[&str] = &[];
        for (pairs, expected) in [
            (&[(white, "t")][..], &[keys::MODE][..]),
            (&[bulk], &[white]),
            (&[bulk, (white, "t")], none),
            (&[bulk, (white, "t"), (black, "u")], &[black]),
            (&[bulk, (exclude, "t")], &[exclude]),
            (&[bulk, (include, "t"), (exclude, "u")], none),
            (&[bulk, (include, "("), (exclude, "u")], &[include]),
            (&[bulk, (include, "t"), (white, "u")], &[white]),
            (&[bulk, query, prefix], none),
            (&[bulk, query], &[keys::TOPIC_PREFIX]),
            (&[bulk, query, prefix, (white, "t")], &[white]),
            (&[bulk, query, prefix, (keys::QUERY_MASKED, "SELECT 2")], &[keys::QUERY_MASKED]),
            (&[bulk, (keys::QUERY, "DELETE FROM t"), prefix], &[keys::QUERY]),
            (&[bulk, (keys::QUERY_MASKED, "with x as (select 1) select * from x"), prefix], none),
            (&[(keys::MODE, "incrementing"), query, prefix], &[keys::INCREMENTING]),
            (&[(keys::MODE, "timestamp"), query, prefix], &[keys::TIMESTAMP]),
            (&[(keys::MODE, "incrementing"), (white, "t")], none),
            (&[(keys::MODE, "timestamp"), (white, "t")], &[keys::TIMESTAMP]),
            (&[(keys::MODE, "timestamp"), (include, "t")], &[keys::TIMESTAMP_MAPPING]),
            (&[(keys::MODE, "Timestamp"), (include, "t"), (keys::TIMESTAMP_MAPPING, ".*:[a|b]")], none),
            (&[(keys::MODE, "incrementing"), (white, "t"), (keys::GAPS, "wait")], none),
            (&[bulk, (white, "t"), (keys::GAPS, "Wait")], &[keys::GAPS]),
            (&[bulk, (white, "t"), (keys::GAPS, "ignore")], none),
            (&[bulk, (white, "t"), (keys::TOPIC_PREFIX, "a b")], &[keys::TOPIC_PREFIX]),
            (&[bulk, (white, "t"), (connection_keys::URL, "nonsense")], &[connection_keys::URL]),
            (&[bulk, (white, "t"), (connection_keys::ZONE, "Mars")], &[connection_keys::ZONE]),
        ] {
            assert_eq!(wrong(pairs), expected, "{pairs:?}");
        }
    }

    #[test]
    fn settings_are_read() {
        let settings = Settings::parse(&config(&[
            (keys::MODE, "timestamp+incrementing"),
            (keys::WHITELIST, "a, b"),
            (keys::TIMESTAMP, "x,y"),
            (keys::TIMESTAMP_INITIAL, "-1"),
            (connection_keys::AIVEN_QUOTE, "false"),
            (keys::PRECISION_MAPPING, "true"),
            (keys::BATCH, "10"),
            (keys::BUFFER, "25"),
        ]))
        .unwrap();
        assert_eq!((settings.mode, settings.initial_time), (Mode::TimestampIncrementing, InitialTime::Now));
        assert_eq!(settings.timestamps, ["x", "y"]);
        assert!(!settings.connection.dialect.quote);
        assert_eq!(settings.rules.numeric, NumericMapping::PrecisionOnly);
        assert_eq!((settings.batch, settings.batches_ahead, settings.retries), (10, 1, None));
        let defaults = Settings::parse(&config(&[(keys::MODE, "bulk"), (keys::WHITELIST, "a")])).unwrap();
        assert_eq!((defaults.batches_ahead, defaults.initial_time), (3, InitialTime::Everything));
        assert_eq!(defaults.table_filter.types, ["TABLE"]);
        let topic = settings.topic(&Subject::Table(crate::dialect::TableId::bare("t")));
        assert_eq!(topic, ("t".to_owned(), Some("t".to_owned())));
    }
}
