//! The definition of the sink's own keys. Those of the connection are in [`crate::settings`].

use crate::openmldb::API_SERVER_KEY;
use crate::sink::config::{
    AUTO_CREATE, AUTO_EVOLVE, AUTO_SCHEMA, BATCH_SIZE, CALENDAR, COPY, DATE_ZONE, DELETE_ENABLED, INSERT_MODE,
    MAX_RETRIES, NULL_DEFAULTS, OFFSETS_TABLE, PK_FIELDS, PK_MODE, RETRY_BACKOFF, STRING_COLUMN, TABLE_FORMAT,
    TABLE_MAPPING, TABLE_MAPPING_OPENMLDB, TABLE_NORMALIZE, TABLE_TYPES, TIMESTAMP_FIELDS, TIMESTAMP_PRECISION,
    WHITELIST,
};
use ferroconnect_plugin_sdk::{ConfigDef, Key, Width};

/// Adds the sink's own keys to those of the connection.
pub(super) fn keys(def: ConfigDef) -> ConfigDef {
    retry_keys(openmldb_keys(ddl_keys(mapping_keys(write_keys(def)))))
}

fn write_keys(def: ConfigDef) -> ConfigDef {
    let group = "Writes";
    def.key(
        Key::string(INSERT_MODE)
            .default_value("insert")
            .one_of_any_case(&["insert", "upsert", "update", "multi"])
            .recommended(&["insert", "upsert", "update"])
            .high()
            .group(group, 1)
            .display(Width::MEDIUM, "Insert mode")
            .doc(
                "insert: each record is a new row. upsert: a new row, or new contents of the row with the same key. \
                 update: new contents of the row with the same key; a record without such a row changes nothing. \
                 multi, a name of older connectors, is insert.",
            ),
    )
    .key(
        Key::int(BATCH_SIZE)
            .default_value("3000")
            .at_least(0)
            .group(group, 2)
            .display(Width::SHORT, "Batch size")
            .doc("How many rows are sent to the database together at most; 0 = 1."),
    )
    .key(
        Key::string(OFFSETS_TABLE)
            .default_value("")
            .low()
            .group(group, 5)
            .display(Width::MEDIUM, "Table for offsets")
            .doc(
                "A table in which the sink keeps up to where each partition is written, in the transaction of the rows. \
                 Then each record is written exactly once, also without key columns. Created where it is missing; \
                 several connectors may share it. Empty = off.",
            ),
    )
    .key(
        Key::boolean(DELETE_ENABLED)
            .default_value("false")
            .group(group, 3)
            .display(Width::SHORT, "Deletes")
            .doc("Whether a record with a null value deletes the row of its key. Needs pk.mode=record_key."),
    )
    .key(
        Key::list(TABLE_TYPES)
            .default_value("TABLE")
            .recommended(&["TABLE", "PARTITIONED TABLE", "VIEW"])
            .low()
            .group(group, 4)
            .display(Width::MEDIUM, "Kinds of tables")
            .doc("What may be written to: TABLE, PARTITIONED TABLE, VIEW. A view is never created or altered."),
    )
    .key(
        Key::boolean(COPY)
            .default_value("true")
            .low()
            .group(group, 6)
            .display(Width::SHORT, "COPY")
            .doc(
                "PostgreSQL with insert.mode=insert: whether many rows are written by COPY, which is faster, where it does \
                 the same to the table as INSERT. Off: always by INSERT.",
            ),
    )
}

fn mapping_keys(def: ConfigDef) -> ConfigDef {
    let group = "Data Mapping";
    def.key(
        Key::string(TABLE_FORMAT)
            .default_value("${topic}")
            .non_empty()
            .group(group, 1)
            .display(Width::LONG, "Table name")
            .doc("The table of a topic; ${topic} stands for its name. A schema may stand before it: crm.${topic}."),
    )
    .key(
        Key::boolean(TABLE_NORMALIZE)
            .default_value("false")
            .group(group, 2)
            .doc("Whether everything but ASCII letters, digits and _ in the name of the table becomes _."),
    )
    .key(
        Key::list(TABLE_MAPPING)
            .default_value("")
            .group(group, 3)
            .doc("Tables of single topics, as topic:table,topic:table. Other topics follow table.name.format."),
    )
    .key(
        Key::list(TABLE_MAPPING_OPENMLDB)
            .default_value("")
            .low()
            .group(group, 4)
            .doc("The same as topics.to.tables.mapping under the name that it has in the OpenMLDB connector."),
    )
    .key(
        Key::string(PK_MODE)
            .default_value("none")
            .one_of_any_case(&["none", "kafka", "record_key", "record_value"])
            .high()
            .dependents(&[PK_FIELDS])
            .group(group, 5)
            .display(Width::MEDIUM, "Key columns from")
            .doc(
                "Where the key columns come from. none: there are none. kafka: topic, partition and offset of the \
                 record. record_key: the record's key. record_value: fields of the value.",
            ),
    )
    .key(Key::list(PK_FIELDS).default_value("").group(group, 6).display(Width::LONG, "Key columns").doc(
        "The names of the key columns. pk.mode=kafka: nothing, or three names for topic, partition and \
                 offset (__connect_topic,__connect_partition,__connect_offset). record_key: fields of a struct key \
                 (nothing = all), or the one column that takes a plain key. record_value: fields of the value \
                 (nothing = all).",
    ))
    .key(
        Key::list(WHITELIST)
            .default_value("")
            .group(group, 7)
            .display(Width::LONG, "Fields")
            .doc("The fields of the value to write beside the key columns; nothing = all."),
    )
    .key(
        Key::boolean(NULL_DEFAULTS)
            .default_value("true")
            .group(group, 8)
            .doc("Whether a field that is null gets the default of its schema."),
    )
    .key(
        Key::string(DATE_ZONE)
            .default_value("DB_TIMEZONE")
            .one_of_any_case(&["DB_TIMEZONE", "UTC"])
            .group(group, 9)
            .doc(
                "The zone in which a date is a day: UTC writes the day that the record names; DB_TIMEZONE the day \
                 that it is in db.timezone at midnight of UTC, which is the day before in zones west of Greenwich.",
            ),
    )
    .key(
        Key::list(TIMESTAMP_FIELDS)
            .default_value("")
            .group(group, 10)
            .doc("Fields of the value whose 64-bit numbers or texts are moments, to be written as timestamps."),
    )
    .key(
        Key::string(TIMESTAMP_PRECISION)
            .default_value("microseconds")
            .one_of_any_case(&["microseconds", "nanoseconds"])
            .group(group, 11)
            .doc("What the fields of timestamp.fields.list count since 1970."),
    )
    .key(
        Key::string(CALENDAR)
            .default_value("LEGACY")
            .one_of_any_case(&["LEGACY", "PROLEPTIC_GREGORIAN"])
            .low()
            .group(group, 12)
            .doc(
                "How days before the 15th of October 1582 are written: LEGACY as those of the Julian calendar, as Java \
                 does it; PROLEPTIC_GREGORIAN as if today's calendar had always been there.",
            ),
    )
    .key(
        Key::string(STRING_COLUMN)
            .default_value("record_value")
            .non_empty()
            .group(group, 13)
            .doc("The column for values that are plain text."),
    )
}

fn ddl_keys(def: ConfigDef) -> ConfigDef {
    let group = "DDL Support";
    def.key(
        Key::boolean(AUTO_CREATE)
            .default_value("false")
            .group(group, 1)
            .display(Width::SHORT, "Create tables")
            .doc("Whether a table that is missing is created from the schema of the first record for it."),
    )
    .key(
        Key::boolean(AUTO_EVOLVE)
            .default_value("false")
            .group(group, 2)
            .display(Width::SHORT, "Add columns")
            .doc("Whether columns that are missing are added. Their fields have to be optional or have a default."),
    )
}

fn openmldb_keys(def: ConfigDef) -> ConfigDef {
    let group = "OpenMLDB";
    def.key(
        Key::string(API_SERVER_KEY)
            .group(group, 1)
            .display(Width::MEDIUM, "API server")
            .doc("Where the API server of OpenMLDB is: host:port. Needed for, and only for, jdbc:openmldb: URLs."),
    )
    .key(
        Key::boolean(AUTO_SCHEMA)
            .default_value("false")
            .group(group, 2)
            .display(Width::SHORT, "Schema of the table")
            .doc(
                "Only with OpenMLDB: whether values are maps without a schema (JsonConverter with \
                 schemas.enable=false), which get that of the table they are for. The table has to be there.",
            ),
    )
}

fn retry_keys(def: ConfigDef) -> ConfigDef {
    let group = "Retries";
    def.key(
        Key::int(MAX_RETRIES)
            .default_value("10")
            .at_least(0)
            .group(group, 1)
            .display(Width::SHORT, "Retries")
            .doc("How often a write that failed is tried again before the task fails or the bad records are reported."),
    )
    .key(
        Key::int(RETRY_BACKOFF)
            .default_value("3000")
            .at_least(0)
            .group(group, 2)
            .display(Width::SHORT, "Pause before a retry")
            .doc("The pause before each such retry, in milliseconds."),
    )
}
