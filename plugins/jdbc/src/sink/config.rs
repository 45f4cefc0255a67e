//! What the keys of the sink say once they are read. `keys` defines them.

use crate::dialect::Database;
use ferroconnect_plugin_sdk::{Config, Error, Result};
use std::collections::HashMap;
use std::time::Duration;

pub(super) const INSERT_MODE: &str = "insert.mode";
pub(super) const BATCH_SIZE: &str = "batch.size";
pub(super) const DELETE_ENABLED: &str = "delete.enabled";
/// Our own: off takes INSERT where COPY would do the same.
pub(super) const COPY: &str = "copy.enabled";
pub(super) const TABLE_TYPES: &str = "table.types";
pub(super) const NULL_DEFAULTS: &str = "replace.null.with.default";
pub(super) const TABLE_FORMAT: &str = "table.name.format";
pub(super) const TABLE_NORMALIZE: &str = "table.name.normalize";
pub(super) const TABLE_MAPPING: &str = "topics.to.tables.mapping";
/// The same mapping, as the OpenMLDB connector names it.
pub(super) const TABLE_MAPPING_OPENMLDB: &str = "topic.table.mapping";
pub(super) const PK_MODE: &str = "pk.mode";
pub(super) const PK_FIELDS: &str = "pk.fields";
pub(super) const WHITELIST: &str = "fields.whitelist";
pub(super) const DATE_ZONE: &str = "date.timezone";
pub(super) const TIMESTAMP_FIELDS: &str = "timestamp.fields.list";
pub(super) const TIMESTAMP_PRECISION: &str = "timestamp.precision.mode";
pub(super) const STRING_COLUMN: &str = "string.output.value.column.name";
pub(super) const CALENDAR: &str = "date.calendar.system";
pub(super) const AUTO_CREATE: &str = "auto.create";
pub(super) const AUTO_EVOLVE: &str = "auto.evolve";
pub(super) const AUTO_SCHEMA: &str = "auto.schema";
/// Our own: turns exactly-once on.
pub(super) const OFFSETS_TABLE: &str = "offsets.table";
const NAME: &str = "name";
pub(super) const MAX_RETRIES: &str = "max.retries";
pub(super) const RETRY_BACKOFF: &str = "retry.backoff.ms";

/// The names of the three key columns of `pk.mode=kafka` where the user names none.
const KAFKA_COLUMNS: [&str; 3] = ["__connect_topic", "__connect_partition", "__connect_offset"];

/// How rows are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum InsertMode {
    /// New rows only.
    Insert,
    /// New rows, and new contents for rows whose key is there.
    Upsert,
    /// New contents for rows that are there.
    Update,
}

/// Where the key columns of a row come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum PkMode {
    /// There are none.
    None,
    /// Topic, partition and offset, in columns of these names.
    Kafka([String; 3]),
    /// The record's key: of a struct these fields (none named = all), of anything else the one column named.
    RecordKey(Vec<String>),
    /// These fields of the value (none named = all).
    RecordValue(Vec<String>),
}

/// What a number or text of `timestamp.fields.list` counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Precision {
    /// Millionths of a second since 1970.
    Microseconds,
    /// Billionths of a second since 1970.
    Nanoseconds,
}

/// How topics become tables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TableNames {
    /// With `${topic}` in it.
    pub(crate) format: String,
    /// Whether all but ASCII letters, digits and `_` becomes `_`.
    pub(crate) normalize: bool,
    /// Tables of single topics.
    pub(crate) mapping: HashMap<String, String>,
}

/// Where offsets are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OffsetsTable {
    /// The table, as the user names it.
    pub(crate) table: String,
    /// Whose offsets.
    pub(crate) connector: String,
}

/// The sink's own settings.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    pub(crate) mode: InsertMode,
    pub(crate) pk: PkMode,
    pub(crate) deletes: bool,
    /// The most rows of one statement or batch.
    pub(crate) batch_size: usize,
    /// Whether COPY may be taken in place of INSERT.
    pub(crate) copy: bool,
    pub(crate) tables: TableNames,
    /// The kinds of tables to look for, as databases name them.
    pub(crate) table_types: Vec<String>,
    /// Whether a null field takes its schema's default.
    pub(crate) null_defaults: bool,
    /// The fields of the value to write beside the key; empty = all.
    pub(crate) whitelist: Vec<String>,
    /// Whether dates are days of UTC, and not of `db.timezone`.
    pub(crate) dates_in_utc: bool,
    pub(crate) timestamp_fields: Vec<String>,
    pub(crate) timestamp_precision: Precision,
    /// The column for values that are plain text.
    pub(crate) string_column: String,
    /// Whether days before the 15th of October 1582 are Julian ones, as in Java.
    pub(crate) legacy_calendar: bool,
    pub(crate) create: bool,
    pub(crate) evolve: bool,
    /// Whether records without a schema get that of their table.
    pub(crate) auto_schema: bool,
    /// Where to keep offsets, so that each record is written exactly once.
    pub(crate) offsets: Option<OffsetsTable>,
    pub(crate) max_retries: u32,
    pub(crate) retry_backoff: Duration,
}

/// What is wrong with keys in relation to each other: pairs of a key and a message.
pub(super) fn problems(config: &Config) -> Vec<(&'static str, String)> {
    let mut problems = Vec::new();
    let is = |key: &str, value: &str| config.get(key).is_some_and(|text| text.eq_ignore_ascii_case(value));
    let names = config.list(PK_FIELDS).len();
    if is(DELETE_ENABLED, "true") && !is(PK_MODE, "record_key") {
        let problem = format!("{DELETE_ENABLED}=true needs {PK_MODE}=record_key: only a key says which row to delete");
        problems.push((DELETE_ENABLED, problem.clone()));
        problems.push((PK_MODE, problem));
    }
    for mode in ["upsert", "update"] {
        if is(INSERT_MODE, mode) && is(PK_MODE, "none") {
            let problem = format!(
                "{INSERT_MODE}={mode} needs key columns: set {PK_MODE} to record_key, record_value or kafka (and \
                 {PK_FIELDS} to name them)"
            );
            problems.push((PK_MODE, problem));
        }
    }
    if is(PK_MODE, "kafka") && names != 0 && names != KAFKA_COLUMNS.len() {
        let problem = format!(
            "{PK_FIELDS} names {names} columns; {PK_MODE}=kafka needs none, or three for topic, partition and offset"
        );
        problems.push((PK_FIELDS, problem));
    }
    for key in [TABLE_MAPPING, TABLE_MAPPING_OPENMLDB] {
        if let Err(problem) = mapping(config, key) {
            problems.push((key, problem));
        }
    }
    problems
}

/// What is wrong with keys because of the database.
pub(super) fn problems_with(database: Database, config: &Config) -> Vec<(&'static str, String)> {
    let is = |key: &str, value: &str| config.get(key).is_some_and(|text| text.eq_ignore_ascii_case(value));
    if database != Database::OpenMldb {
        let problem = format!("{AUTO_SCHEMA} is for OpenMLDB only; use a converter that gives schemas");
        return if is(AUTO_SCHEMA, "true") { vec![(AUTO_SCHEMA, problem)] } else { Vec::new() };
    }
    let mut problems = Vec::new();
    let allowed: [(&'static str, &[&str]); 5] = [
        (INSERT_MODE, &["insert", "multi"]),
        (PK_MODE, &["none"]),
        (DELETE_ENABLED, &["false"]),
        (AUTO_EVOLVE, &["false"]),
        (OFFSETS_TABLE, &[""]),
    ];
    for (key, values) in allowed {
        if config.get(key).is_some() && !values.iter().any(|value| is(key, value)) {
            problems.push((key, format!("OpenMLDB has no such thing; the only choice is {key}={}", values[0])));
        }
    }
    if is(AUTO_SCHEMA, "true") && is(AUTO_CREATE, "true") {
        let problem = format!("{AUTO_SCHEMA}=true takes the schema from a table, so {AUTO_CREATE} has to be false");
        problems.push((AUTO_CREATE, problem));
    }
    problems
}

impl Settings {
    /// Reads them.
    ///
    /// # Errors
    /// A config error where a value cannot be read or contradicts another key.
    pub(crate) fn parse(config: &Config) -> Result<Settings> {
        if let Some((key, problem)) = problems(config).into_iter().next() {
            let value = config.get(key).unwrap_or_default();
            return Err(Error::config(format!("Invalid value {value} for configuration {key}: {problem}")));
        }
        Ok(Settings {
            mode: insert_mode(config)?,
            pk: pk_mode(config)?,
            deletes: config.flag(DELETE_ENABLED)?,
            batch_size: config.parse::<u32>(BATCH_SIZE)?.max(1) as usize,
            copy: config.flag(COPY)?,
            tables: table_names(config)?,
            table_types: owned(config.list(TABLE_TYPES)),
            null_defaults: config.flag(NULL_DEFAULTS)?,
            whitelist: owned(config.list(WHITELIST)),
            dates_in_utc: config.text(DATE_ZONE)?.eq_ignore_ascii_case("UTC"),
            timestamp_fields: owned(config.list(TIMESTAMP_FIELDS)),
            timestamp_precision: match config.text(TIMESTAMP_PRECISION)? {
                text if text.eq_ignore_ascii_case("nanoseconds") => Precision::Nanoseconds,
                _ => Precision::Microseconds,
            },
            string_column: config.text(STRING_COLUMN)?.to_owned(),
            legacy_calendar: config.text(CALENDAR)?.eq_ignore_ascii_case("LEGACY"),
            create: config.flag(AUTO_CREATE)?,
            evolve: config.flag(AUTO_EVOLVE)?,
            auto_schema: config.flag(AUTO_SCHEMA)?,
            offsets: offsets_table(config)?,
            max_retries: config.parse(MAX_RETRIES)?,
            retry_backoff: Duration::from_millis(config.parse(RETRY_BACKOFF)?),
        })
    }
}

fn owned(list: Vec<&str>) -> Vec<String> {
    list.into_iter().filter(|entry| !entry.is_empty()).map(str::to_owned).collect()
}

/// The table for offsets, where there is to be one.
pub(super) fn offsets_table(config: &Config) -> Result<Option<OffsetsTable>> {
    match config.get(OFFSETS_TABLE).filter(|table| !table.is_empty()) {
        Some(table) => Ok(Some(OffsetsTable { table: table.to_owned(), connector: config.text(NAME)?.to_owned() })),
        None => Ok(None),
    }
}

fn insert_mode(config: &Config) -> Result<InsertMode> {
    match config.text(INSERT_MODE)?.to_ascii_lowercase().as_str() {
        "insert" | "multi" => Ok(InsertMode::Insert),
        "upsert" => Ok(InsertMode::Upsert),
        "update" => Ok(InsertMode::Update),
        other => Err(unknown(INSERT_MODE, other, "insert, upsert, update")),
    }
}

fn pk_mode(config: &Config) -> Result<PkMode> {
    let fields = owned(config.list(PK_FIELDS));
    match config.text(PK_MODE)?.to_ascii_lowercase().as_str() {
        "none" => Ok(PkMode::None),
        "kafka" => Ok(PkMode::Kafka(fields.try_into().unwrap_or(KAFKA_COLUMNS.map(str::to_owned)))),
        "record_key" => Ok(PkMode::RecordKey(fields)),
        "record_value" => Ok(PkMode::RecordValue(fields)),
        other => Err(unknown(PK_MODE, other, "none, kafka, record_key, record_value")),
    }
}

fn unknown(key: &str, value: &str, right: &str) -> Error {
    Error::config(format!("Invalid value {value} for configuration {key}: must be one of {right}"))
}

fn table_names(config: &Config) -> Result<TableNames> {
    let mut all = HashMap::new();
    for key in [TABLE_MAPPING, TABLE_MAPPING_OPENMLDB] {
        all.extend(mapping(config, key).map_err(Error::config)?);
    }
    Ok(TableNames {
        format: config.text(TABLE_FORMAT)?.to_owned(),
        normalize: config.flag(TABLE_NORMALIZE)?,
        mapping: all,
    })
}

/// The pairs of one of the mapping keys, or what is wrong with it.
fn mapping(config: &Config, key: &str) -> std::result::Result<HashMap<String, String>, String> {
    let mut pairs = HashMap::new();
    for entry in owned(config.list(key)) {
        let pair = entry.split_once(':').map(|(topic, table)| (topic.trim(), table.trim()));
        let Some((topic, table)) = pair.filter(|(topic, table)| !topic.is_empty() && !table.is_empty()) else {
            return Err(format!("{entry} is no pair topic:table"));
        };
        if pairs.insert(topic.to_owned(), table.to_owned()).is_some_and(|before| before != table) {
            return Err(format!("the topic {topic} has two tables"));
        }
    }
    Ok(pairs)
}

impl TableNames {
    /// The name of a topic's table, as the user would write it: perhaps with a schema before it.
    pub(crate) fn of(&self, topic: &str) -> String {
        let name = match self.mapping.get(topic) {
            Some(table) => table.clone(),
            None => self.format.replace("${topic}", topic),
        };
        if !self.normalize {
            return name;
        }
        name.chars().map(|char| if char.is_ascii_alphanumeric() || char == '_' { char } else { '_' }).collect()
    }
}

#[cfg(test)]
pub(super) mod testing {
    use super::*;
    use crate::sink::keys::keys;
    use ferroconnect_plugin_sdk::ConfigDef;

    /// The defaults with these keys over them.
    pub(in crate::sink) fn config(pairs: &[(&str, &str)]) -> Config {
        let mut config = keys(ConfigDef::new()).parse(&Config::default().to_pairs()).unwrap();
        for (key, value) in pairs {
            config.set(key, value);
        }
        config
    }

    pub(in crate::sink) fn settings(pairs: &[(&str, &str)]) -> Settings {
        Settings::parse(&config(pairs)).unwrap()
    }
}

#[cfg(test)]
mod tests {
    use super::testing::config;
    use super::*;

    fn problem(pairs: &[(&str, &str)]) -> String {
        Settings::parse(&config(pairs)).unwrap_err().message().to_owned()
    }

    #[test]
    fn the_defaults_are_those_of_the_original() {
        let settings = Settings::parse(&config(&[])).unwrap();
        assert_eq!((settings.mode, settings.pk, settings.deletes), (InsertMode::Insert, PkMode::None, false));
        assert_eq!((settings.batch_size, settings.max_retries), (3000, 10));
        assert_eq!(settings.retry_backoff, Duration::from_secs(3));
        assert_eq!(settings.string_column, "record_value");
        assert!(
            settings.null_defaults && settings.copy && !settings.create && !settings.evolve && !settings.dates_in_utc
        );
        assert_eq!(settings.table_types, ["TABLE"]);
    }

    #[test]
    fn modes_are_read_in_any_case() {
        let settings = Settings::parse(&config(&[(INSERT_MODE, "UPSERT"), (PK_MODE, "Kafka")])).unwrap();
        assert_eq!(settings.mode, InsertMode::Upsert);
        assert_eq!(settings.pk, PkMode::Kafka(KAFKA_COLUMNS.map(str::to_owned)));
        let named = Settings::parse(&config(&[(PK_MODE, "kafka"), (PK_FIELDS, "t, p, o")])).unwrap();
        assert_eq!(named.pk, PkMode::Kafka(["t", "p", "o"].map(str::to_owned)));
        assert_eq!(Settings::parse(&config(&[(INSERT_MODE, "multi")])).unwrap().mode, InsertMode::Insert);
    }

    #[test]
    fn keys_that_contradict_each_other_are_named() {
        assert!(problem(&[(DELETE_ENABLED, "true")]).contains("needs pk.mode=record_key"));
        assert!(problem(&[(INSERT_MODE, "upsert")]).contains("needs key columns"));
        assert!(problem(&[(INSERT_MODE, "update")]).contains("needs key columns"));
        assert!(problem(&[(PK_MODE, "kafka"), (PK_FIELDS, "a,b")]).contains("names 2 columns"));
        assert!(problem(&[(TABLE_MAPPING, "a:b,c")]).contains("c is no pair topic:table"));
        assert!(problem(&[(TABLE_MAPPING, "a:b,a:c")]).contains("two tables"));
        assert!(problem(&[(BATCH_SIZE, "-1")]).contains(BATCH_SIZE));
    }

    #[test]
    fn openmldb_allows_little() {
        let wrong = |database, pairs: &[(&str, &str)]| -> Vec<&str> {
            problems_with(database, &config(pairs)).into_iter().map(|(key, _)| key).collect()
        };
        assert_eq!(wrong(Database::OpenMldb, &[(AUTO_CREATE, "true")]), [""; 0]);
        let all = [(INSERT_MODE, "upsert"), (PK_MODE, "kafka"), (AUTO_EVOLVE, "TRUE")];
        assert_eq!(wrong(Database::OpenMldb, &all), [INSERT_MODE, PK_MODE, AUTO_EVOLVE]);
        let both = [(AUTO_SCHEMA, "true"), (AUTO_CREATE, "true")];
        assert_eq!(wrong(Database::OpenMldb, &both), [AUTO_CREATE]);
        assert_eq!(wrong(Database::MySql, &[(AUTO_SCHEMA, "true")]), [AUTO_SCHEMA]);
    }

    #[test]
    fn topics_become_tables() {
        let names = |pairs: &[(&str, &str)]| Settings::parse(&config(pairs)).unwrap().tables;
        assert_eq!(names(&[]).of("mysql-main_orderinfo"), "mysql-main_orderinfo");
        assert_eq!(names(&[(TABLE_FORMAT, "crm.${topic}_${topic}")]).of("a"), "crm.a_a");
        assert_eq!(names(&[(TABLE_FORMAT, "fixed")]).of("a"), "fixed");
        let mapped = names(&[(TABLE_MAPPING, "a:one , b:s.two"), (TABLE_MAPPING_OPENMLDB, "c:three")]);
        assert_eq!(["a", "b", "c", "d"].map(|topic| mapped.of(topic)), ["one", "s.two", "three", "d"]);
        assert_eq!(names(&[(TABLE_NORMALIZE, "true")]).of("a.b-ç_1"), "a_b___1");
    }
}
