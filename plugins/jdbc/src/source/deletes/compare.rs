//! One comparison of a table with its ledger.

use super::super::offset;
use super::super::outlet::Outlet;
use super::super::query::Subject;
use super::super::reader::Trouble;
use super::super::settings::{Mode, Settings};
use super::super::stream::Stream;
use super::Removal;
use super::key::{Entry, KeyShape, RowId};
use super::ledger::Known;
use super::sorted::{Ascending, Sorted};
use crate::counted::counted;
use crate::db::{Column, Connection, DbError, Ended, Isolation, RowSink, SqlValue, query_all};
use crate::dialect::{Database, TableId};
use ferroconnect_plugin_sdk::{Data, Error, OffsetMap, SourceRecord, debug, info};
use std::io;
use std::ops::ControlFlow;

/// How many keys of a ledger that is being completed wait to be written.
const FEW: usize = 5_000;
/// How many keys one statement asks for.
const AT_ONCE: usize = 100;
/// About how many bytes a record without a value takes.
const SMALL: usize = 64;

/// Compares, and hands over a record for each row that is gone. `stored` is the offset that is stored now, where it could
/// be read. Nothing that was handed over before waits in `outlet`.
pub(in super::super) fn compare(
    settings: &Settings,
    stream: &mut Stream,
    connection: &mut dyn Connection,
    outlet: &mut Outlet,
    stored: Option<&OffsetMap>,
) -> Result<(), Trouble> {
    let name = stream.name();
    let Subject::Table(table) = stream.subject.clone() else { return Ok(()) };
    let (Some(deletes), Some(ledger)) = (&mut stream.deletes, &mut outlet.ledger) else { return Ok(()) };
    let Some(shape) = &deletes.shape else { return Ok(()) };
    if let Some(delivered) = stored.map(offset::removal).transpose().map_err(Trouble::Fatal)?.flatten() {
        let forgotten = ledger.forget(&shape.subject, delivered)?;
        let forgotten = counted(forgotten, "row", "rows");
        debug!("{name}: the keys of {forgotten}, whose deletion has arrived, are forgotten");
    }
    // A whole read, which was made before, has written all keys down.
    if settings.mode != Mode::Bulk && ledger.complete_since(&shape.subject)?.is_none() {
        read_keys(connection, &table, shape, |entry| {
            ledger.add(entry);
            if ledger.pending() >= FEW {
                ledger.write()?;
            }
            Ok(())
        })?;
        ledger.write()?;
        ledger.set_complete(&shape.subject, deletes.run, &deletes.title(&name))?;
        info!("{name}: the keys of all rows are known; those that are deleted from now on will be found");
        return Ok(());
    }
    let mut present = Sorted::new();
    read_keys(connection, &table, shape, |entry| present.push(entry.id).map_err(|error| no_room(&error)))?;
    let gone = tell(settings, stream, connection, outlet, present)?;
    if gone > 0 {
        let gone = counted(gone, "row is", "rows are");
        info!("{name}: {gone} gone since the keys were compared last");
    }
    Ok(())
}

/// Hands over a record for each key of the ledger that is not among those that were read; how many.
fn tell(
    settings: &Settings,
    stream: &mut Stream,
    connection: &mut dyn Connection,
    outlet: &mut Outlet,
    present: Sorted,
) -> Result<u64, Trouble> {
    let name = stream.name();
    let mut present = present.ascending().map_err(|error| no_room(&error))?;
    let (mut behind, mut count) = (None, 0);
    loop {
        let (Some(deletes), Some(ledger)) = (&mut stream.deletes, &mut outlet.ledger) else { return Ok(count) };
        let (Some(shape), Subject::Table(table)) = (&mut deletes.shape, &stream.subject) else { return Ok(count) };
        let subject = shape.subject.clone();
        if deletes.number > deletes.told {
            // An earlier comparison was broken off after it had marked them. Their numbers are not used again.
            ledger.unmark(&subject, Removal { run: deletes.run, number: deletes.told })?;
            deletes.told = deletes.number;
        }
        let page = ledger.keys(&subject, behind, deletes.run)?;
        let Some(last) = page.last() else { return Ok(count) };
        behind = Some(last.id);
        let mut missing = Vec::new();
        for known in page {
            if !is_present(&mut present, &known.id)? {
                missing.push(known);
            }
        }
        let mut gone = Vec::new();
        for known in not_in_table(connection, table, shape, missing)? {
            gone.push((known.id, shape.read(&known.text, &settings.rules).map_err(|why| unfit(&name, why))?));
        }
        if gone.is_empty() {
            continue;
        }
        let removals: Vec<_> = gone.iter().map(|(id, _)| (*id, deletes.next())).collect();
        ledger.mark(&subject, &removals)?;
        count += gone.len() as u64;
        for ((_, key), (_, removal)) in gone.into_iter().zip(removals) {
            if let Some(deletes) = &mut stream.deletes {
                deletes.told = removal.number;
            }
            let position = stream.position();
            let record = SourceRecord::new(stream.topic.clone(), Data::NULL).key(key);
            outlet.push(record.position(&stream.partition, position), SMALL, None)?;
        }
    }
}

/// Those of the keys that the table has not, as it compares keys itself: for some, `a` is `A` and 1.0 is 1.00.
fn not_in_table(
    connection: &mut dyn Connection,
    table: &TableId,
    shape: &KeyShape,
    mut keys: Vec<Known>,
) -> Result<Vec<Known>, Trouble> {
    let mut gone = Vec::with_capacity(keys.len());
    while !keys.is_empty() {
        let some: Vec<Known> = keys.drain(..keys.len().min(AT_ONCE)).collect();
        if !has_any(connection, table, shape, &some)? {
            gone.extend(some);
            continue;
        }
        for known in some {
            if !has_any(connection, table, shape, std::slice::from_ref(&known))? {
                gone.push(known);
            }
        }
    }
    Ok(gone)
}

/// Whether the table has a row with one of these keys.
fn has_any(
    connection: &mut dyn Connection,
    table: &TableId,
    shape: &KeyShape,
    keys: &[Known],
) -> Result<bool, Trouble> {
    let dialect = connection.dialect();
    let mut parameters = Vec::new();
    let mut conditions = Vec::with_capacity(keys.len());
    for known in keys {
        let values = shape.values(&known.text).map_err(|why| unfit(&table.unquoted(), why))?;
        let mut equal = Vec::with_capacity(values.len());
        for (column, value) in shape.columns.iter().zip(values) {
            let column = dialect.name(column);
            if value.is_null() {
                equal.push(format!("{column} IS NULL"));
            } else {
                parameters.push(value);
                equal.push(format!("{column} = {}", dialect.placeholder(parameters.len())));
            }
        }
        conditions.push(format!("({})", equal.join(" AND ")));
    }
    let sql = format!("SELECT 1 FROM {} WHERE {} LIMIT 1", dialect.table(table), conditions.join(" OR "));
    let (_, rows) = query_all(connection, &sql, &parameters)?;
    Ok(!rows.is_empty())
}

fn is_present(present: &mut Ascending, id: &RowId) -> Result<bool, Trouble> {
    present.contains(id).map_err(|error| no_room(&error))
}

fn no_room(error: &io::Error) -> Trouble {
    let folder = std::env::temp_dir();
    Trouble::Fatal(Error::fatal(format!(
        "The keys of a table are sorted in a file of {}, which fails: {error}. Each million of rows takes 16 MB",
        folder.display()
    )))
}

fn unfit(name: &str, why: String) -> Trouble {
    Trouble::Fatal(Error::data(format!("{name}: {why}")))
}

/// Reads the keys of all rows and gives each to `take`.
fn read_keys(
    connection: &mut dyn Connection,
    table: &TableId,
    shape: &KeyShape,
    take: impl FnMut(Entry) -> Result<(), Trouble>,
) -> Result<(), Trouble> {
    let dialect = connection.dialect();
    let columns: Vec<_> = shape.columns.iter().map(|column| dialect.name(column)).collect();
    let sql = format!("SELECT {} FROM {}", columns.join(", "), dialect.table(table));
    let mut keys = Keys { shape, take, trouble: None };
    // What others have not committed must not be seen, whatever rows are read with: a row that they delete may yet stay.
    let isolation =
        if dialect.database == Database::Sqlite { Isolation::ServerDefault } else { Isolation::RepeatableRead };
    connection.begin(isolation)?;
    let context = |error: DbError| error.context(format_args!("The keys of {} cannot be read", table.unquoted()));
    let ended = connection.query(&sql, &[], &mut keys).map_err(context)?;
    if let Some(trouble) = keys.trouble {
        return Err(trouble);
    }
    if ended == Ended::Early {
        return Err(Trouble::Stopped);
    }
    Ok(connection.commit()?)
}

struct Keys<'a, F> {
    shape: &'a KeyShape,
    take: F,
    trouble: Option<Trouble>,
}

impl<F: FnMut(Entry) -> Result<(), Trouble>> RowSink for Keys<'_, F> {
    fn columns(&mut self, _columns: &[Column]) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }

    fn row(&mut self, row: &mut Vec<SqlValue>) -> ControlFlow<()> {
        let entry = self.shape.entry(row).map_err(|why| Trouble::Fatal(Error::data(why)));
        match entry.and_then(&mut self.take) {
            Ok(()) => ControlFlow::Continue(()),
            Err(trouble) => {
                self.trouble = Some(trouble);
                ControlFlow::Break(())
            }
        }
    }
}
