//! One table, or the query, with how far it has been read.

use super::deletes::Deletes;
use super::gaps::Gaps;
use super::keys;
use super::offset::{self, Offset};
use super::query::{Subject, TimeColumn, Tracking};
use super::settings::Settings;
use super::values::RowShape;
use crate::db::{Column, TypeClass};
use crate::dialect::{Database, TableId};
use crate::settings::WrongKey;
use ferroconnect_plugin_sdk::{OffsetMap, Shared, Text};
use std::time::Instant;

/// How records look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    /// As those of the usual connector: without a key.
    Plain,
    /// As those of the tutorial's example: the tracked column is the key, as text, and fields are required until they are
    /// found to be NULL.
    Tutorial,
}

/// One table or query.
#[derive(Debug)]
pub(super) struct Stream {
    pub(super) subject: Subject,
    pub(super) topic: Text,
    pub(super) schema_name: Option<String>,
    pub(super) partition: Shared<OffsetMap>,
    /// How far it has been read.
    pub(super) offset: Offset,
    /// Numbers below that which may yet come; none where they are not waited for.
    pub(super) gaps: Option<Gaps>,
    /// What is known of rows that are gone; none where they are not looked for.
    pub(super) deletes: Option<Deletes>,
    /// Not known before the columns are.
    pub(super) tracking: Option<Tracking>,
    /// The columns of the table when that was found out; empty for a query.
    pub(super) columns: Vec<Column>,
    /// Whether the table was not there when it was looked at last.
    pub(super) gone: bool,
    /// What rows become, and the columns that it was made for.
    pub(super) shape: Option<(Vec<Column>, RowShape)>,
    /// When to read it next.
    pub(super) due: Instant,
    /// How often in a row reading it has failed.
    pub(super) failures: u32,
}

impl Stream {
    /// Nothing of it has been read by this task.
    pub(super) fn new(
        settings: &Settings,
        subject: Subject,
        offset: Offset,
        gaps: Option<Gaps>,
        deletes: Option<Deletes>,
    ) -> Stream {
        let (topic, schema_name) = settings.topic(&subject);
        let partition = match &subject {
            Subject::Table(table) => offset::table_partition(table),
            Subject::Query(_) => offset::query_partition(),
        };
        Stream {
            subject,
            topic: topic.into(),
            schema_name,
            partition: Shared::new(partition),
            offset,
            gaps,
            deletes,
            tracking: None,
            columns: Vec::new(),
            gone: false,
            shape: None,
            due: Instant::now(),
            failures: 0,
        }
    }

    /// Takes note of the number of a row that has come.
    pub(super) fn reach(&mut self, number: i64) {
        let last = self.offset.incrementing;
        match &mut self.gaps {
            Some(gaps) if last.is_some_and(|last| number <= last) => return gaps.fill(number),
            Some(gaps) => gaps.pass(last, number, Instant::now()),
            None => {}
        }
        self.offset.incrementing = Some(number);
    }

    /// The position behind the rows that have come.
    pub(super) fn position(&mut self) -> OffsetMap {
        let position = match (&mut self.gaps, self.offset.incrementing) {
            (Some(gaps), Some(last)) => gaps.position(last),
            _ => self.offset.to_map(),
        };
        match &self.deletes {
            Some(deletes) => offset::with_removal(position, deletes.position()),
            None => position,
        }
    }

    /// The columns of the primary key, where rows that are gone are looked for.
    pub(super) fn key_columns(&self) -> Vec<String> {
        let shape = self.deletes.as_ref().and_then(|deletes| deletes.shape.as_ref());
        shape.map(|shape| shape.columns.clone()).unwrap_or_default()
    }

    /// Whether it is a table.
    pub(super) fn is_table(&self) -> bool {
        matches!(self.subject, Subject::Table(_))
    }

    /// Its name in messages.
    pub(super) fn name(&self) -> String {
        match &self.subject {
            Subject::Table(table) => format!("Table {}", table.unquoted()),
            Subject::Query(_) => "The query".to_owned(),
        }
    }
}

/// The columns that tell which rows of a subject are new.
///
/// # Errors
/// The key that names a column that is not there, that does not fit, or that may be NULL.
pub(super) fn tracking(
    settings: &Settings,
    style: Style,
    subject: &Subject,
    columns: &[Column],
) -> Result<Tracking, WrongKey> {
    let table = match subject {
        Subject::Table(table) => Some(table),
        Subject::Query(_) => None,
    };
    if let Some(name) = doubled(columns) {
        let key = if settings.masked { keys::QUERY_MASKED } else { keys::QUERY };
        return Err(WrongKey::new(key, two_of(name)));
    }
    let mode = settings.mode;
    let incrementing = || incrementing_column(settings, style, table, columns).map(|column| column.name.clone());
    let times = || {
        let times = time_columns(settings, table, columns)?;
        let database = settings.connection.dialect.database;
        Ok(times.into_iter().map(|column| TimeColumn::new(column, database)).collect())
    };
    Ok(match (mode.has_timestamp(), mode.has_incrementing()) {
        (false, false) => Tracking::Bulk,
        (false, true) => Tracking::Incrementing(incrementing()?),
        (true, false) => Tracking::Timestamp(times()?),
        (true, true) => Tracking::Both(times()?, incrementing()?),
    })
}

fn incrementing_column<'a>(
    settings: &Settings,
    style: Style,
    table: Option<&TableId>,
    columns: &'a [Column],
) -> Result<&'a Column, WrongKey> {
    let mapped = settings.incrementing_mapping.as_ref().zip(table);
    let column = match (mapped, &settings.incrementing) {
        (Some((mapping, table)), _) => {
            find(keys::INCREMENTING_MAPPING, Some(table), columns, &mapping.columns_of(table)?[0])?
        }
        (None, Some(name)) => find(keys::INCREMENTING, table, columns, name)?,
        (None, None) => counted(style, columns).ok_or_else(|| {
            let why = format!("{} has no column that the database counts up; name the column", title(table));
            WrongKey::new(keys::INCREMENTING, why)
        })?,
    };
    if settings.validate_non_null && table.is_some() && column.nullable {
        return Err(may_be_null(keys::INCREMENTING, table, &column.name));
    }
    let numeric = matches!(column.class, TypeClass::Integer { .. } | TypeClass::Numeric | TypeClass::Decimal);
    // SQLite leaves the type of a column to each value.
    if !numeric && table.is_some() && column.class != TypeClass::Other {
        let why =
            format!("Column {:?} of {} is {}; it must be an integer", column.name, title(table), column.type_name);
        return Err(WrongKey::new(keys::INCREMENTING, why));
    }
    Ok(column)
}

/// The column that the database counts up; for the tutorial's source else the only one of the primary key.
fn counted(style: Style, columns: &[Column]) -> Option<&Column> {
    let counted = columns.iter().find(|column| column.auto_increment);
    let mut key = columns.iter().filter(|column| column.key_position.is_some());
    counted.or_else(|| match (style, key.next(), key.next()) {
        (Style::Tutorial, Some(only), None) => Some(only),
        _ => None,
    })
}

fn time_columns<'a>(
    settings: &Settings,
    table: Option<&TableId>,
    columns: &'a [Column],
) -> Result<Vec<&'a Column>, WrongKey> {
    let mapped = settings.timestamp_mapping.as_ref().zip(table);
    let (key, names) = match mapped {
        Some((mapping, table)) => (keys::TIMESTAMP_MAPPING, mapping.columns_of(table)?),
        None => (keys::TIMESTAMP, settings.timestamps.as_slice()),
    };
    let found = names.iter().map(|name| find(key, table, columns, name)).collect::<Result<Vec<_>, _>>()?;
    let is_time = |column: &&Column| {
        matches!(column.class, TypeClass::Timestamp | TypeClass::TimestampWithZone | TypeClass::Date)
    };
    // SQLite leaves the type of a column to each value.
    let any = settings.connection.dialect.database == Database::Sqlite;
    if let Some(other) = found.iter().copied().find(|column| !any && !is_time(column)) {
        let why = format!(
            "Column {:?} of {} is {}; it must be a date, or a date and a time",
            other.name,
            title(table),
            other.type_name
        );
        return Err(WrongKey::new(key, why));
    }
    if settings.validate_non_null && table.is_some() && found.iter().all(|column| column.nullable) {
        return Err(may_be_null(key, table, &names.join(", ")));
    }
    Ok(found)
}

fn title(table: Option<&TableId>) -> String {
    table.map_or_else(|| "the query's result".to_owned(), |table| format!("table {}", table.unquoted()))
}

fn may_be_null(key: &str, table: Option<&TableId>, column: &str) -> WrongKey {
    let why = format!(
        "Column {column:?} of {} may be NULL, and rows where it is are never found; declare it NOT NULL, or set {}=false",
        title(table),
        keys::NON_NULL
    );
    WrongKey::new(key, why)
}

/// A column by its name, or, where only one has it, by its name in another case.
fn find<'a>(key: &str, table: Option<&TableId>, columns: &'a [Column], name: &str) -> Result<&'a Column, WrongKey> {
    place(columns, name).map(|place| &columns[place]).map_err(|several| {
        let there: Vec<_> = columns.iter().map(|column| column.name.as_str()).collect();
        let what = if several { "several columns" } else { "no column" };
        WrongKey::new(key, format!("{} has {what} {name:?}; it has {}", title(table), there.join(", ")))
    })
}

/// The name of columns of which there is more than one: a struct has room for one only.
pub(super) fn doubled(columns: &[Column]) -> Option<&str> {
    let mut names: Vec<_> = columns.iter().map(|column| column.name.as_str()).collect();
    names.sort_unstable();
    names.windows(2).find(|pair| pair[0] == pair[1]).map(|pair| pair[0])
}

/// What is wrong where a name is [`doubled`], and what would be right.
pub(super) fn two_of(name: &str) -> String {
    format!("The result has several columns {name:?}; give them names of their own, as in SELECT a.{name} AS …")
}

/// The place of a column by its name, or by its name in another case. The error says whether there are several.
pub(super) fn place(columns: &[Column], name: &str) -> Result<usize, bool> {
    if let Some(place) = columns.iter().position(|column| column.name == name) {
        return Ok(place);
    }
    let lower = name.to_lowercase();
    let mut alike = (0..columns.len()).filter(|place| columns[*place].name.to_lowercase() == lower);
    match (alike.next(), alike.next()) {
        (Some(place), None) => Ok(place),
        (found, _) => Err(found.is_some()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::query::Grain;
    use super::super::settings::tests::config;
    use super::*;

    fn column(name: &str, class: TypeClass, nullable: bool) -> Column {
        Column {
            name: name.into(),
            class,
            type_name: "t".into(),
            precision: None,
            scale: None,
            nullable,
            auto_increment: false,
            has_default: false,
            key_position: None,
        }
    }

    const INTEGER: TypeClass = TypeClass::Integer { bits: 32, unsigned: false };

    fn columns() -> Vec<Column> {
        let mut counted = column("no", INTEGER, false);
        counted.auto_increment = true;
        let mut zoned = column("changed", TypeClass::TimestampWithZone, true);
        zoned.scale = Some(6);
        vec![
            column("ID", INTEGER, false),
            counted,
            column("made", TypeClass::Timestamp, false),
            zoned,
            column("maybe", INTEGER, true),
        ]
    }

    fn track(pairs: &[(&str, &str)]) -> Result<Tracking, WrongKey> {
        let mut all = vec![(keys::INCLUDE, "")];
        if !pairs.iter().any(|(key, _)| key.ends_with("mapping")) {
            all.push((keys::WHITELIST, "t"));
        }
        all.extend(pairs);
        let settings = Settings::parse(&config(&all)).unwrap();
        tracking(&settings, Style::Plain, &Subject::Table(TableId::bare("t")), &columns())
    }

    #[test]
    fn columns_are_found_by_name_mapping_or_by_themselves() {
        let incrementing = |name: &str| Tracking::Incrementing(name.to_owned());
        let mode = (keys::MODE, "incrementing");
        assert_eq!(track(&[mode]), Ok(incrementing("no")));
        assert_eq!(track(&[mode, (keys::INCREMENTING, "id")]), Ok(incrementing("ID")));
        assert_eq!(track(&[mode, (keys::INCREMENTING_MAPPING, "t:no")]), Ok(incrementing("no")));
        let Ok(Tracking::Both(times, column)) = track(&[
            (keys::MODE, "timestamp+incrementing"),
            (keys::TIMESTAMP, "changed,made"),
            (keys::INCREMENTING, "ID"),
        ]) else {
            panic!("not both")
        };
        assert_eq!(column, "ID");
        assert_eq!(times[0], TimeColumn { name: "changed".into(), with_zone: true, grain: Grain::Digits(0) });
    }

    #[test]
    fn columns_that_do_not_fit_are_refused() {
        let (incrementing, timestamp) = ((keys::MODE, "incrementing"), (keys::MODE, "timestamp"));
        for (pairs, key, part) in [
            (
                [incrementing, (keys::INCREMENTING, "nope")],
                keys::INCREMENTING,
                "no column \"nope\"; it has ID, no, made",
            ),
            ([incrementing, (keys::INCREMENTING, "maybe")], keys::INCREMENTING, "may be NULL"),
            ([incrementing, (keys::INCREMENTING, "made")], keys::INCREMENTING, "must be an integer"),
            ([timestamp, (keys::TIMESTAMP, "changed")], keys::TIMESTAMP, "validate.non.null=false"),
            ([timestamp, (keys::TIMESTAMP_MAPPING, "u:made")], keys::TIMESTAMP_MAPPING, "No entry matches"),
        ] {
            let wrong = track(&pairs).unwrap_err();
            assert!(wrong.key == key && wrong.why.contains(part), "{wrong:?}");
        }
        let loose = [timestamp, (keys::TIMESTAMP, "changed"), (keys::NON_NULL, "false")];
        assert!(track(&loose).is_ok());
    }

    #[test]
    fn names_that_differ_in_case_alone_are_told_apart() {
        let mut columns = columns();
        columns.push(column("id", INTEGER, false));
        assert_eq!(place(&columns, "id"), Ok(5));
        assert_eq!((place(&columns, "Id"), place(&columns, "x")), (Err(true), Err(false)));
    }
}
