//! Rows as they arrive become records with positions.

use super::deletes::Entry;
use super::outlet::Outlet;
use super::query::Tracking;
use super::reader::Trouble;
use super::settings::Settings;
use super::stream::{Stream, Style, doubled, place, two_of};
use super::times::{Clock, Instant};
use super::values::{RowShape, integer, text};
use crate::db::{Column, RowSink, SqlValue, sqlite_date_time};
use crate::dialect::Database;
use ferroconnect_plugin_sdk::{Data, Error, Schema, SchemaBuilder, Shared, SourceRecord, Value, warn};
use std::ops::ControlFlow;

/// Takes the rows of one query.
pub(super) struct Rows<'a> {
    settings: &'a Settings,
    style: Style,
    stream: &'a mut Stream,
    tracking: &'a Tracking,
    table_columns: &'a [Column],
    outlet: &'a mut Outlet,
    places: Places,
    key_schema: Shared<Schema>,
    held: Option<Held>,
    trouble: Option<Trouble>,
}

/// Where the tracked columns stand in a row.
#[derive(Default)]
struct Places {
    incrementing: Option<usize>,
    times: Vec<usize>,
    /// Those of the primary key, where rows that are gone are looked for.
    key: Vec<usize>,
}

/// The last row that came, where positions are times: whether its time is the position behind it is not known before the
/// next row, which may have the same.
struct Held {
    record: Record,
    time: Instant,
}

/// A record without its position.
struct Record {
    key: Data,
    value: Data,
    bytes: usize,
    /// The key as it is to be written down.
    entry: Option<Entry>,
}

impl<'a> Rows<'a> {
    /// For a stream of whose table these are the columns; none for a query.
    pub(super) fn new(
        settings: &'a Settings,
        style: Style,
        stream: &'a mut Stream,
        tracking: &'a Tracking,
        table_columns: &'a [Column],
        outlet: &'a mut Outlet,
    ) -> Rows<'a> {
        let key_schema = SchemaBuilder::string().build();
        let places = Places::default();
        Rows { settings, style, stream, tracking, table_columns, outlet, places, key_schema, held: None, trouble: None }
    }

    /// The stream's name in messages.
    pub(super) fn name(&self) -> String {
        self.stream.name()
    }

    /// Gives away the last row where the result was read to its end; tells of what ended it before.
    pub(super) fn finish(mut self, at_end: bool) -> Result<(), Trouble> {
        if let Some(trouble) = self.trouble.take() {
            return Err(trouble);
        }
        if let Some(held) = self.held.take().filter(|_| at_end) {
            self.stream.offset.timestamp = Some(held.time);
            self.give(held.record)?;
        }
        Ok(())
    }

    /// What rows become from here on: as before where the columns are as before.
    fn take_columns(&mut self, columns: &[Column]) -> Result<(), Error> {
        if let Some(name) = doubled(columns) {
            return Err(Error::fatal(format!("{}: {}", self.stream.name(), two_of(name))));
        }
        let columns: Vec<Column> = columns.iter().map(|column| self.known(column)).collect();
        let find = |name: &str| {
            let missing = |_| Error::fatal(format!("{}: the result has no column {name:?}", self.stream.name()));
            place(&columns, name).map_err(missing)
        };
        self.places = Places {
            incrementing: self.tracking.incrementing().map(find).transpose()?,
            times: self.tracking.times().iter().map(|column| find(&column.name)).collect::<Result<_, _>>()?,
            key: self.stream.key_columns().iter().map(|column| find(column)).collect::<Result<_, _>>()?,
        };
        if self.stream.shape.as_ref().is_none_or(|(known, _)| *known != columns) {
            let shape = RowShape::new(self.stream.schema_name.as_deref(), &columns, &self.settings.rules);
            if !shape.dropped.is_empty() {
                let (name, dropped) = (self.stream.name(), shape.dropped.join(", "));
                warn!("{name}: columns whose types fit no schema are left out: {dropped}");
            }
            self.stream.shape = Some((columns, shape));
        }
        Ok(())
    }

    /// A column of the result, with what only the table knows of it.
    fn known(&self, column: &Column) -> Column {
        let own = self.table_columns.iter().find(|own| own.name == column.name);
        let nullable = column.nullable && own.is_none_or(|own| own.nullable) && self.style == Style::Plain;
        Column { nullable, ..column.clone() }
    }

    fn take_row(&mut self, row: &mut [SqlValue]) -> Result<(), Trouble> {
        let fatal = |name: String, why: String| Trouble::Fatal(Error::data(format!("{name}: {why}")));
        let position = position(&self.places, &self.settings.rules.clock, row);
        let (number, mut time) = position.map_err(|why| fatal(self.name(), self.tracked(why)))?;
        if self.settings.connection.dialect.database == Database::Sqlite {
            // As its functions round, which conditions go by.
            time = time.map(Instant::rounded_to_millis);
        }
        let bytes = row.iter().map(size).sum();
        let (key, entry) = self.key(row).map_err(|why| fatal(self.name(), why))?;
        let Some((_, shape)) = &mut self.stream.shape else {
            return Err(Trouble::Fatal(Error::fatal("A row came before the columns")));
        };
        let value = shape.convert(row, &self.settings.rules);
        let value = value.map(|value| Data::new(shape.schema().clone(), value));
        let record = Record { key, value: value.map_err(|why| fatal(self.name(), why))?, bytes, entry };
        match (self.tracking, time) {
            (Tracking::Timestamp(_), Some(time)) => self.hold(Held { record, time }),
            _ => {
                if let Some(number) = number {
                    self.stream.reach(number);
                }
                self.stream.offset.timestamp = time.or(self.stream.offset.timestamp);
                self.give(record)
            }
        }
    }

    /// The key of a row, and how it is written down.
    fn key(&mut self, row: &[SqlValue]) -> Result<(Data, Option<Entry>), String> {
        if let Some(shape) = self.stream.deletes.as_mut().and_then(|deletes| deletes.shape.as_mut()) {
            let mut values: Vec<SqlValue> = self.places.key.iter().map(|place| row[*place].clone()).collect();
            let entry = shape.entry(&values)?;
            return Ok((shape.data(&mut values, &self.settings.rules)?, Some(entry)));
        }
        Ok(match self.places.incrementing {
            Some(place) if self.style == Style::Tutorial => {
                (Data::new(self.key_schema.clone(), key_text(&row[place])), None)
            }
            _ => (Data::NULL, None),
        })
    }

    fn hold(&mut self, next: Held) -> Result<(), Trouble> {
        let Some(last) = self.held.take() else {
            self.held = Some(next);
            return Ok(());
        };
        if next.time > last.time {
            self.stream.offset.timestamp = Some(last.time);
        }
        self.held = Some(next);
        self.give(last.record)
    }

    /// Sends a record on, with the stream's offset as the position behind it.
    fn give(&mut self, record: Record) -> Result<(), Trouble> {
        let mut source = SourceRecord::new(self.stream.topic.clone(), record.value).key(record.key);
        // Also where nothing is known yet: a record without a position would not hold back the positions behind it.
        if *self.tracking != Tracking::Bulk {
            let position = self.stream.position();
            source = source.position(&self.stream.partition, position);
        }
        self.outlet.push(source, record.bytes, record.entry)
    }

    /// What is wrong with a row whose position cannot be told.
    fn tracked(&self, what: Untracked) -> String {
        match what {
            Untracked::Number => {
                let column = self.tracking.incrementing().unwrap_or_default();
                format!(
                    "column {column:?} of a row has NULL, or what is no integer of 64 bits, so the row has no position"
                )
            }
            Untracked::Time => {
                let names = self.tracking.times().iter().map(|column| column.name.as_str()).collect::<Vec<_>>();
                let names = names.join(", ");
                format!(
                    "a row has NULL, or what is no date and time, in all of its columns {names}, so it has no position"
                )
            }
        }
    }

    fn keep(&mut self, trouble: Trouble) -> ControlFlow<()> {
        self.trouble = Some(trouble);
        ControlFlow::Break(())
    }
}

impl RowSink for Rows<'_> {
    fn columns(&mut self, columns: &[Column]) -> ControlFlow<()> {
        match self.take_columns(columns) {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => self.keep(Trouble::Fatal(error)),
        }
    }

    fn row(&mut self, row: &mut Vec<SqlValue>) -> ControlFlow<()> {
        match self.take_row(row) {
            Ok(()) => ControlFlow::Continue(()),
            Err(trouble) => self.keep(trouble),
        }
    }
}

/// What of a row cannot be tracked.
#[derive(Debug, Clone, Copy)]
enum Untracked {
    Number,
    Time,
}

/// The position of a row: its number and time, as far as they are tracked.
fn position(places: &Places, clock: &Clock, row: &[SqlValue]) -> Result<(Option<i64>, Option<Instant>), Untracked> {
    let number = places.incrementing.map(|place| integer(&row[place]).ok_or(Untracked::Number));
    if places.times.is_empty() {
        return Ok((number.transpose()?, None));
    }
    let time = places.times.iter().map(|place| &row[*place]).find(|value| !value.is_null());
    let time = time.and_then(|value| tracked_time(clock, value));
    Ok((number.transpose()?, Some(time.ok_or(Untracked::Time)?)))
}

/// The time in a tracked column. SQLite has texts where it may have been declared as anything.
fn tracked_time(clock: &Clock, value: &SqlValue) -> Option<Instant> {
    match value {
        SqlValue::Text(text) => clock.instant(&SqlValue::DateTime(sqlite_date_time(text)?)),
        value => clock.instant(value),
    }
}

fn key_text(value: &SqlValue) -> Value {
    text(value.clone()).map_or(Value::NULL, Value::string)
}

/// About how many bytes a value takes.
fn size(value: &SqlValue) -> usize {
    16 + match value {
        SqlValue::Text(text) => text.len(),
        SqlValue::Bytes(bytes) => bytes.len(),
        _ => 0,
    }
}
