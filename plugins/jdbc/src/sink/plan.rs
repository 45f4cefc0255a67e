//! From records to rows: which table each goes to, and which rows can be sent to it together.

use crate::db::SqlValue;
use crate::sink::bind::Binder;
use crate::sink::config::{InsertMode, PkMode, Settings};
use crate::sink::shape::{Shape, same_shape};
use ferroconnect_plugin_sdk::{Error, MaybeShared, Record, Result, Schema, Shared};
use std::collections::HashMap;
use std::fmt::Write;
use std::sync::Arc;

/// How many shapes are kept. Topics of a connector seldom have more schemas than this at a time.
const SHAPES: usize = 1024;

/// Rows for one table that follow each other and are written by the same statement.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) shape: Arc<Shape>,
    /// Whether the rows are keys to delete.
    pub(crate) delete: bool,
    /// Values in the order that the statement takes them.
    pub(crate) rows: Vec<Vec<SqlValue>>,
    // Of an upsert: where the row of each key is. Of two rows with one key the later one counts, and PostgreSQL does
    // not take both in one statement.
    places: HashMap<String, usize>,
}

/// What is written to one table, in order.
#[derive(Debug)]
pub(crate) struct TablePlan {
    /// The table as the user would write it.
    pub(crate) table: String,
    pub(crate) runs: Vec<Run>,
}

/// Makes rows of records.
#[derive(Debug)]
pub(crate) struct Planner {
    settings: Arc<Settings>,
    binder: Binder,
    shapes: Vec<Known>,
}

/// The shape of records with these schemas.
#[derive(Debug)]
struct Known {
    key: MaybeShared<Schema>,
    value: MaybeShared<Schema>,
    shape: Arc<Shape>,
}

impl Planner {
    pub(crate) fn new(settings: Arc<Settings>, binder: Binder) -> Planner {
        Planner { settings, binder, shapes: Vec::new() }
    }

    /// The rows of all records, by table, in order.
    ///
    /// # Errors
    /// A data error that names the first record that cannot be a row.
    pub(crate) fn plan(&mut self, records: &[&Record]) -> Result<Vec<TablePlan>> {
        let mut plan: Vec<TablePlan> = Vec::new();
        let mut places: HashMap<&str, usize> = HashMap::new();
        for record in records {
            let place = *places.entry(record.topic.as_str()).or_insert_with(|| {
                let table = self.table_of(record);
                let known = plan.iter().position(|planned| planned.table == table);
                known.unwrap_or_else(|| {
                    plan.push(TablePlan { table, runs: Vec::new() });
                    plan.len() - 1
                })
            });
            self.add(record, &mut plan[place]).map_err(|error| named(record, &error))?;
        }
        Ok(plan)
    }

    /// The table of a record, as the user would write it.
    pub(crate) fn table_of(&self, record: &Record) -> String {
        self.settings.tables.of(&record.topic)
    }

    fn add(&mut self, record: &Record, plan: &mut TablePlan) -> Result<()> {
        let delete = record.value.value.is_null();
        self.check(record, delete)?;
        let value = if delete { MaybeShared::NONE } else { record.value.schema.clone() };
        let shape = self.shape(&record.key.schema, &value)?;
        let keys = shape.keys();
        let columns = shape.columns();
        // The values of an UPDATE stand before its condition.
        let last = if self.settings.mode == InsertMode::Update && !delete { keys } else { 0 };
        let mut row = Vec::with_capacity(columns.len());
        for column in columns[last..].iter().chain(&columns[..last]) {
            row.push(self.binder.bind(column.value(record, self.settings.null_defaults).get(), column)?);
        }
        let upsert = !delete && self.settings.mode == InsertMode::Upsert;
        plan.push(&shape, delete, row, upsert, self.settings.batch_size);
        Ok(())
    }

    /// Whether the record has what the settings need, whatever its schemas are.
    fn check(&self, record: &Record, delete: bool) -> Result<()> {
        if delete && !self.settings.deletes {
            return Err(Error::data(
                "its value is null, which deletes a row only with delete.enabled=true and pk.mode=record_key",
            ));
        }
        if !delete && record.value.schema.is_none() {
            return Err(Error::data(
                "its value has no schema, so the columns are not known; use a converter that gives one (JsonConverter \
                 with schemas.enable=true, Avro, Protobuf, JSON Schema)",
            ));
        }
        if matches!(self.settings.pk, PkMode::RecordKey(_)) && record.key.value.is_null() {
            return Err(Error::data("its key is null, but pk.mode=record_key takes the key columns from it"));
        }
        Ok(())
    }

    /// The shape of the record's schemas. Records of a topic share their schemas, so the last one mostly fits.
    fn shape(&mut self, key: &MaybeShared<Schema>, value: &MaybeShared<Schema>) -> Result<Arc<Shape>> {
        let same = |known: &Known| same(&known.key, key) && same(&known.value, value);
        if let Some(place) = self.shapes.iter().rposition(same) {
            return Ok(Arc::clone(&self.shapes[place].shape));
        }
        // Converters may make equal schemas anew; a shape of its own would end the run of rows.
        let equal = |known: &&Known| known.key == *key && known.value == *value;
        let shape = match self.shapes.iter().rev().find(equal) {
            Some(known) => Arc::clone(&known.shape),
            None => Arc::new(Shape::of(&self.settings, key.get(), value.get())?),
        };
        if self.shapes.len() == SHAPES {
            self.shapes.remove(0);
        }
        self.shapes.push(Known { key: key.clone(), value: value.clone(), shape: Arc::clone(&shape) });
        Ok(shape)
    }
}

/// An error about a record, which it names.
pub(crate) fn named(record: &Record, error: &Error) -> Error {
    let at = &record.origin;
    let place = format!("The record at offset {} of {}-{} cannot be written", at.offset, at.topic, at.partition);
    Error::data(format!("{place}: {}", error.message()))
}

fn same(a: &MaybeShared<Schema>, b: &MaybeShared<Schema>) -> bool {
    match (a.get(), b.get()) {
        (Some(a), Some(b)) => Shared::same(a, b),
        (None, None) => true,
        _ => false,
    }
}

impl TablePlan {
    fn push(&mut self, shape: &Arc<Shape>, delete: bool, row: Vec<SqlValue>, upsert: bool, most: usize) {
        let fits = |run: &Run| run.delete == delete && run.rows.len() < most && same_shape(&run.shape, shape);
        if !self.runs.last().is_some_and(fits) {
            let shape = Arc::clone(shape);
            self.runs.push(Run { shape, delete, rows: Vec::new(), places: HashMap::new() });
        }
        let Some(run) = self.runs.last_mut() else { return };
        match upsert.then(|| identity(&row[..shape.keys()])).flatten() {
            None => run.rows.push(row),
            Some(key) => match run.places.get(&key) {
                Some(&place) => run.rows[place] = row,
                None => {
                    run.places.insert(key, run.rows.len());
                    run.rows.push(row);
                }
            },
        }
    }
}

/// Text that is the same for equal keys only; none where part of the key is null, for null is equal to nothing.
fn identity(key: &[SqlValue]) -> Option<String> {
    let mut text = String::new();
    for value in key {
        let written = match value {
            SqlValue::Null => return None,
            SqlValue::Int(number) => write!(text, "{number},"),
            SqlValue::Text(part) => write!(text, "{}:{part},", part.len()),
            other => write!(text, "{other:?},"),
        };
        written.expect("a String takes everything");
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sink::config::testing::settings;
    use ferroconnect_plugin_sdk::testkit::sink_record;
    use ferroconnect_plugin_sdk::{Data, SchemaBuilder, Value};
    use jiff::tz::TimeZone;

    const BY_KEY: [(&str, &str); 2] = [("pk.mode", "record_key"), ("pk.fields", "id")];

    fn planner(pairs: &[(&str, &str)]) -> Planner {
        let settings = Arc::new(settings(pairs));
        let binder = Binder::new(&settings, TimeZone::UTC);
        Planner::new(settings, binder)
    }

    fn record(topic: &str, offset: i64, id: i64, name: Option<&str>) -> Record {
        let schema = SchemaBuilder::structure().field("name", SchemaBuilder::string().optional().build()).build();
        let value = match name {
            Some(name) => Data::new(schema.clone(), Value::structure(schema, vec![name.into()])),
            None => Data::NULL,
        };
        let mut record = sink_record(topic, 0, offset, value);
        record.key = Data::new(SchemaBuilder::int64().build(), id);
        record
    }

    fn planned(pairs: &[(&str, &str)], records: &[Record]) -> Vec<TablePlan> {
        planner(pairs).plan(&records.iter().collect::<Vec<_>>()).unwrap()
    }

    /// Each run as `+` or `-` with the keys of its rows.
    fn runs(plan: &TablePlan) -> Vec<String> {
        let key = |row: &Vec<SqlValue>| match row[0] {
            SqlValue::Int(id) => id.to_string(),
            _ => "?".to_owned(),
        };
        let run = |run: &Run| {
            let keys: Vec<String> = run.rows.iter().map(key).collect();
            format!("{}{}", if run.delete { '-' } else { '+' }, keys.join(" "))
        };
        plan.runs.iter().map(run).collect()
    }

    #[test]
    fn rows_of_a_table_stay_in_order_and_together() {
        let records = [
            record("a", 0, 1, Some("x")),
            record("b", 0, 9, Some("x")),
            record("a", 1, 2, Some("x")),
            record("a", 2, 1, None),
            record("a", 3, 2, None),
            record("a", 4, 1, Some("y")),
        ];
        let deletes = [&BY_KEY[..], &[("delete.enabled", "true")]].concat();
        let plan = planned(&deletes, &records);
        assert_eq!(plan.iter().map(|plan| plan.table.as_str()).collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(runs(&plan[0]), ["+1 2", "-1 2", "+1"]);
        assert_eq!(runs(&plan[1]), ["+9"]);
        let one_table = [&deletes[..], &[("table.name.format", "t")]].concat();
        assert_eq!(runs(&planned(&one_table, &records)[0]), ["+1 9 2", "-1 2", "+1"]);
    }

    #[test]
    fn equal_schemas_share_a_run_and_others_do_not() {
        let other = SchemaBuilder::structure().field("size", SchemaBuilder::int8().build()).build();
        let mut odd = record("a", 2, 3, None);
        odd.value = Data::new(other.clone(), Value::structure(other, vec![Value::int8(1)]));
        let records = [record("a", 0, 1, Some("x")), record("a", 1, 2, Some("x")), odd, record("a", 3, 4, Some("x"))];
        assert_eq!(runs(&planned(&BY_KEY, &records)[0]), ["+1 2", "+3", "+4"]);
        let small = [&BY_KEY[..], &[("batch.size", "1")]].concat();
        assert_eq!(runs(&planned(&small, &records[..2])[0]), ["+1", "+2"]);
    }

    #[test]
    fn the_last_row_of_a_key_counts_in_an_upsert() {
        let records = [record("a", 0, 1, Some("x")), record("a", 1, 2, Some("x")), record("a", 2, 1, Some("y"))];
        assert_eq!(runs(&planned(&BY_KEY, &records)[0]), ["+1 2 1"]);
        let upsert = [&BY_KEY[..], &[("insert.mode", "upsert")]].concat();
        let plan = planned(&upsert, &records);
        assert_eq!(runs(&plan[0]), ["+1 2"]);
        assert_eq!(plan[0].runs[0].rows[0][1], SqlValue::Text("y".into()));
    }

    #[test]
    fn an_update_takes_its_key_last() {
        let update = [&BY_KEY[..], &[("insert.mode", "update")]].concat();
        let plan = planned(&update, &[record("a", 0, 1, Some("x"))]);
        assert_eq!(plan[0].runs[0].rows[0], [SqlValue::Text("x".into()), SqlValue::Int(1)]);
    }

    #[test]
    fn records_that_cannot_be_rows_are_named() {
        let refusal =
            |pairs: &[(&str, &str)], record: Record| planner(pairs).plan(&[&record]).unwrap_err().message().to_owned();
        let deleted = refusal(&BY_KEY, record("a", 7, 1, None));
        assert!(deleted.starts_with("The record at offset 7 of a-0 cannot be written: its value is null"), "{deleted}");
        let mut keyless = record("a", 0, 1, Some("x"));
        keyless.key = Data::NULL;
        assert!(refusal(&BY_KEY, keyless).contains("its key is null"));
        let schemaless = sink_record("a", 0, 0, Data::schemaless(Value::map(vec![])));
        assert!(refusal(&[], schemaless).contains("has no schema"));
    }

    #[test]
    fn identities_do_not_run_into_each_other() {
        let text = |text: &str| SqlValue::Text(text.to_owned());
        assert_ne!(identity(&[text("a,1:b"), text("c")]), identity(&[text("a"), text("b,1:c")]));
        assert_ne!(identity(&[text("1")]), identity(&[SqlValue::Int(1)]));
        assert_eq!(identity(&[text("a"), SqlValue::Null]), None);
    }
}
