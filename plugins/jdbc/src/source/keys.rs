//! The keys of the source.

use crate::settings::ConnectionSettings;
use ferroconnect_plugin_sdk::{ConfigDef, Key, Width};

pub(super) const WHITELIST: &str = "table.whitelist";
pub(super) const BLACKLIST: &str = "table.blacklist";
pub(super) const INCLUDE: &str = "table.include.list";
pub(super) const EXCLUDE: &str = "table.exclude.list";
pub(super) const CATALOG: &str = "catalog.pattern";
pub(super) const SCHEMA: &str = "schema.pattern";
pub(super) const TABLE_TYPES: &str = "table.types";
pub(super) const PRECISION_MAPPING: &str = "numeric.precision.mapping";
pub(super) const NUMERIC_MAPPING: &str = "numeric.mapping";
pub(super) const NUMERIC_DECIMALS: &str = "numeric.mapping.decimals";
pub(super) const CALENDAR: &str = "date.calendar.system";
pub(super) const MODE: &str = "mode";
pub(super) const INCREMENTING: &str = "incrementing.column.name";
pub(super) const TIMESTAMP: &str = "timestamp.column.name";
pub(super) const INCREMENTING_MAPPING: &str = "incrementing.column.mapping";
pub(super) const TIMESTAMP_MAPPING: &str = "timestamp.columns.mapping";
pub(super) const TIMESTAMP_INITIAL: &str = "timestamp.initial";
pub(super) const NON_NULL: &str = "validate.non.null";
pub(super) const QUERY: &str = "query";
pub(super) const QUERY_MASKED: &str = "query.masked";
pub(super) const SUFFIX: &str = "query.suffix";
pub(super) const ISOLATION: &str = "transaction.isolation.mode";
pub(super) const RETRIES: &str = "query.retry.attempts";
pub(super) const POLL_INTERVAL: &str = "poll.interval.ms";
pub(super) const LINGER: &str = "poll.linger.ms";
pub(super) const BATCH: &str = "batch.max.rows";
pub(super) const BUFFER: &str = "max.buffer.size";
pub(super) const TABLE_INTERVAL: &str = "table.poll.interval.ms";
pub(super) const FIRST_LIST: &str = "table.monitoring.startup.polling.limit.ms";
pub(super) const TOPIC_PREFIX: &str = "topic.prefix";
pub(super) const DELAY: &str = "timestamp.delay.interval.ms";
pub(super) const GRANULARITY: &str = "timestamp.granularity";
// Names of Aiven's fork for some of the above, and a key of its own.
pub(super) const AIVEN_TIMESTAMP_INITIAL: &str = "timestamp.initial.ms";
pub(super) const INCREMENTING_INITIAL: &str = "incrementing.initial";
// Not keys of any of the originals.
pub(super) const GAPS: &str = "incrementing.gaps";
pub(super) const GAPS_TIMEOUT: &str = "incrementing.gaps.timeout.ms";
pub(super) const DELETES: &str = "deletes.table";
pub(super) const DELETES_URL: &str = "deletes.connection.url";
pub(super) const DELETES_INTERVAL: &str = "deletes.interval.ms";

const DATABASE_GROUP: &str = "Database";
const MODE_GROUP: &str = "Mode";
const CONNECTOR_GROUP: &str = "Connector";

/// The definition of the whole configuration.
pub(super) fn definition() -> ConfigDef {
    let mut def = ConnectionSettings::define(ConfigDef::new(), DATABASE_GROUP, Some(""));
    for (group, first, keys) in
        [(DATABASE_GROUP, 7, database_keys()), (MODE_GROUP, 1, mode_keys()), (CONNECTOR_GROUP, 1, connector_keys())]
    {
        for (order, key) in (first..).zip(keys) {
            def = def.key(key.group(group, order));
        }
    }
    def
}

fn database_keys() -> Vec<Key> {
    let names = "Names stand alone, or with schema or database and a dot in front, with or without quotes.";
    vec![
        Key::list(WHITELIST)
            .default_value("")
            .display(Width::LONG, "Table Whitelist")
            .doc(&format!("The tables to read. {names} Excludes table.blacklist.")),
        Key::list(BLACKLIST)
            .default_value("")
            .display(Width::LONG, "Table Blacklist")
            .doc(&format!("The tables not to read; all others are. {names} Excludes table.whitelist.")),
        Key::list(INCLUDE).default_value("").display(Width::LONG, "Table Include List").doc(
            "Regular expressions; tables whose whole name with schema or database in front, without quotes, matches \
             one are read. Look-ahead, look-behind and back-references are not there. Not together with table.whitelist, \
             table.blacklist, incrementing.column.name or timestamp.column.name.",
        ),
        Key::list(EXCLUDE)
            .default_value("")
            .display(Width::LONG, "Table Exclude List")
            .doc("Regular expressions; what matches one is left out of what table.include.list finds."),
        Key::string(CATALOG)
            .display(Width::SHORT, "Catalog Pattern")
            .doc("Look for tables in this catalog (MySQL: database). Without it, the one of the URL."),
        Key::string(SCHEMA)
            .high()
            .display(Width::SHORT, "Schema pattern")
            .doc("Look for tables in schemas like this, with % and _ as in LIKE. Without it, in all."),
        Key::list(TABLE_TYPES).low().default_value("TABLE").display(Width::MEDIUM, "Table Types").doc(
            "What to look for: TABLE, PARTITIONED TABLE, VIEW, SYSTEM TABLE, LOCAL TEMPORARY. Kinds that the database \
             does not have find nothing.",
        ),
        Key::boolean(PRECISION_MAPPING)
            .low()
            .default_value("false")
            .display(Width::SHORT, "Map Numeric Values By Precision (deprecated)")
            .doc("The old way to say numeric.mapping=precision_only."),
        Key::string(NUMERIC_MAPPING)
            .low()
            .one_of_any_case(&["none", "precision_only", "best_fit", "best_fit_eager_double"])
            .display(Width::SHORT, "Map Numeric Values, Integral or Decimal, By Precision and Scale")
            .doc(
                "What NUMERIC columns become. none: decimals. precision_only: integers where there are no digits behind \
                 the point. best_fit: also doubles, where there are at most 18 digits. best_fit_eager_double: doubles \
                 wherever there are digits behind the point.",
            ),
        Key::boolean(NUMERIC_DECIMALS)
            .low()
            .default_value("false")
            .display(Width::SHORT, "Map DECIMAL like NUMERIC")
            .doc("Whether numeric.mapping is for DECIMAL columns too, as those of MySQL always are."),
        ConnectionSettings::quote_key(),
        ConnectionSettings::aiven_quote_key(),
        Key::string(CALENDAR)
            .low()
            .default_value("LEGACY")
            .one_of_any_case(&["LEGACY", "PROLEPTIC_GREGORIAN"])
            .display(Width::MEDIUM, "Date Calendar System")
            .doc(
                "How days before 15 October 1582 are counted: LEGACY takes them for days of the Julian calendar, \
                 PROLEPTIC_GREGORIAN for days of today's.",
            ),
    ]
}

fn mode_keys() -> Vec<Key> {
    vec![
        Key::string(MODE)
            .high()
            .default_value("")
            .one_of_any_case(&["", "bulk", "incrementing", "timestamp", "timestamp+incrementing"])
            .recommended(&["bulk", "incrementing", "timestamp", "timestamp+incrementing"])
            .dependents(&[INCREMENTING, TIMESTAMP, NON_NULL])
            .display(Width::MEDIUM, "Table Loading Mode")
            .doc(
                "How new rows are found. bulk: each table is read whole, again and again. incrementing: by a column \
                 that only grows; finds new rows. timestamp: by one or more columns with the time of the last change; \
                 finds new and changed rows. timestamp+incrementing: by both, so that every row has a position of its \
                 own.",
            ),
        Key::string(INCREMENTING).default_value("").display(Width::MEDIUM, "Incrementing Column Name").doc(
            "The column that only grows. Empty = the first column of the table that the database counts up itself. \
             It must not be NULL.",
        ),
        Key::list(TIMESTAMP)
            .default_value("")
            .display(Width::MEDIUM, "Timestamp Column Name")
            .doc("The columns with the time of the last change; of several the first that is not NULL counts."),
        Key::list(INCREMENTING_MAPPING)
            .default_value("")
            .display(Width::LONG, "Incrementing Column Mapping")
            .doc("The incrementing column of each table: entries pattern:column. Each table must match one entry."),
        Key::list(TIMESTAMP_MAPPING)
            .default_value("")
            .display(Width::LONG, "Timestamp Columns Mapping")
            .doc("The timestamp columns of each table: entries pattern:[column1|column2]. Each table must match one."),
        Key::long(TIMESTAMP_INITIAL).low().display(Width::MEDIUM, "Unix time value of initial timestamp").doc(
            "Where to begin without a stored offset, in milliseconds since 1970; -1 = now. Without it everything is \
                 read.",
        ),
        Key::long(AIVEN_TIMESTAMP_INITIAL).low().doc("Another name for timestamp.initial."),
        Key::long(INCREMENTING_INITIAL)
            .low()
            .display(Width::MEDIUM, "Initial incrementing value")
            .doc("Where to begin without a stored offset: behind this value. Without it everything is read."),
        Key::string(GAPS)
            .low()
            .default_value("ignore")
            .one_of_any_case(&["ignore", "wait"])
            .dependents(&[GAPS_TIMEOUT])
            .display(Width::SHORT, "Gaps between numbers")
            .doc(
                "What to do about numbers that no row has when higher ones are read. ignore: rows that are committed \
                 with them later are not found. wait: they are looked for until they come, or for \
                 incrementing.gaps.timeout.ms. For mode incrementing only.",
            ),
        Key::long(GAPS_TIMEOUT)
            .low()
            .default_value("600000")
            .at_least(1)
            .display(Width::SHORT, "Wait for missing numbers (ms)")
            .doc(
                "How long a missing number is looked for, in milliseconds. It must be longer than it takes from the \
                 moment a number is given to a row until its transaction is committed.",
            ),
        Key::string(DELETES)
            .low()
            .default_value("")
            .dependents(&[DELETES_URL, DELETES_INTERVAL])
            .display(Width::MEDIUM, "Table for keys of rows")
            .doc(
                "Look for rows that were deleted, by comparing all primary keys of a table with those that were handed \
                 over, which are kept in this table; it is created where it is missing. Records have the primary key as \
                 their key then, and a deleted row becomes a record without a value. Empty = deleted rows are not looked \
                 for.",
            ),
        Key::password(DELETES_URL)
            .low()
            .default_value("")
            .display(Width::LONG, "JDBC URL for keys of rows")
            .doc(
                "The database that has deletes.table, as a JDBC URL with user and password. Empty = the one that is \
                 read, where the user needs to create and write that table. SQLite needs a file of its own for it.",
            ),
        Key::long(DELETES_INTERVAL)
            .low()
            .default_value("600000")
            .at_least(1)
            .display(Width::SHORT, "Interval of comparisons (ms)")
            .doc("How long to wait, for each table, from the end of one comparison of keys to the next, in milliseconds."),
        Key::boolean(NON_NULL).low().default_value("true").display(Width::SHORT, "Validate Non Null").doc(
            "Whether it is an error if the incrementing column, or every timestamp column, of a table may be NULL: \
             such rows are never found.",
        ),
        Key::string(QUERY).default_value("").display(Width::SHORT, "Query").doc(
            "Read the result of this SELECT instead of tables. It may have any clauses: conditions of the mode are put \
             around it. topic.prefix is the name of the topic then.",
        ),
        Key::password(QUERY_MASKED)
            .default_value("")
            .display(Width::SHORT, "Query (masked)")
            .doc("As query, but never shown in logs and answers."),
        Key::string(SUFFIX)
            .low()
            .default_value("")
            .display(Width::SHORT, "Query suffix")
            .doc("Text that is put behind each statement that reads rows."),
        Key::string(ISOLATION)
            .low()
            .default_value("DEFAULT")
            .one_of_any_case(&[
                "DEFAULT",
                "READ_UNCOMMITTED",
                "READ_COMMITTED",
                "REPEATABLE_READ",
                "SERIALIZABLE",
                "SQL_SERVER_SNAPSHOT",
            ])
            .display(Width::MEDIUM, "Transaction Isolation Mode")
            .doc(
                "The isolation of the transactions that rows are read in. What the database does not have is ignored.",
            ),
        Key::int(RETRIES)
            .low()
            .default_value("-1")
            .display(Width::SHORT, "Query retry attempts")
            .doc("How often in a row a failed query is tried again before the task fails; 0 or less = for ever."),
    ]
}

fn connector_keys() -> Vec<Key> {
    vec![
        Key::int(POLL_INTERVAL)
            .high()
            .default_value("5000")
            .at_least(0)
            .display(Width::SHORT, "Poll Interval (ms)")
            .doc("How long to wait, for each table, from the end of one query to the next, in milliseconds."),
        Key::long(LINGER)
            .low()
            .default_value("5000")
            .at_least(0)
            .display(Width::SHORT, "Poll Linger (ms)")
            .doc("How long one poll waits for rows before it gives none, in milliseconds."),
        Key::int(BATCH)
            .low()
            .default_value("1000")
            .at_least(1)
            .display(Width::SHORT, "Max Rows Per Batch")
            .doc("The most rows of one poll."),
        Key::int(BUFFER)
            .low()
            .default_value("0")
            .at_least(0)
            .display(Width::SHORT, "Max Buffer Size")
            .doc("The most rows that are read ahead of polls; 0 = four batches."),
        Key::long(TABLE_INTERVAL)
            .low()
            .default_value("60000")
            .at_least(1)
            .display(Width::SHORT, "Metadata Change Monitoring Interval (ms)")
            .doc("How often to look for new and gone tables, in milliseconds."),
        Key::long(FIRST_LIST)
            .low()
            .default_value("10000")
            .at_least(0)
            .display(Width::SHORT, "Wait for the first list of tables (ms)")
            .doc("How long a start waits for the first list of tables, in milliseconds; tasks are made later then."),
        Key::string(TOPIC_PREFIX)
            .high()
            .default_value("")
            .display(Width::MEDIUM, "Topic Prefix")
            .doc("What topics begin with, the name of the table behind it; with a query it is the whole name."),
        Key::long(DELAY).high().default_value("0").at_least(0).display(Width::MEDIUM, "Delay Interval (ms)").doc(
            "Rows younger than this are left for later, in milliseconds, so that transactions that began earlier can \
             commit.",
        ),
        ConnectionSettings::zone_key(),
        Key::string(GRANULARITY)
            .low()
            .default_value("connect_logical")
            .one_of_any_case(&[
                "connect_logical",
                "micros_long",
                "micros_string",
                "micros_iso_datetime_string",
                "nanos_long",
                "nanos_string",
                "nanos_iso_datetime_string",
            ])
            .display(Width::MEDIUM, "Timestamp granularity for timestamp columns")
            .doc(
                "What timestamps become. connect_logical: Connect's Timestamp, in milliseconds. micros_* and nanos_*: \
                 micro- or nanoseconds since 1970, as a number (long), as text (string), or as a date and time in \
                 db.timezone (iso_datetime_string).",
            ),
    ]
}
