//! Tables as they are and as records need them: looked up once, created and widened where that is allowed.

use crate::db::{Connection, DbError, TableKind};
use crate::dialect::{ColumnKind, Database, Dialect, Dml, NewColumn, TableId};
use crate::sink::bind::Binder;
use crate::sink::config::{AUTO_CREATE, AUTO_EVOLVE, InsertMode, Settings, TABLE_TYPES};
use crate::sink::failure::Failure;
use crate::sink::shape::{Column, Shape, same_shape};
use ferroconnect_plugin_sdk::{Error, Logical, Schema, SchemaType, decimal_scale, info, warn};
use std::collections::HashMap;
use std::sync::Arc;

/// What is known of the tables of a connection.
#[derive(Debug)]
pub(crate) struct Tables {
    settings: Arc<Settings>,
    binder: Binder,
    known: HashMap<String, Table>,
}

/// A table that is there.
#[derive(Debug)]
struct Table {
    id: TableId,
    kind: TableKind,
    columns: Vec<crate::db::Column>,
    /// The statements that were made for it, by shape and whether they delete.
    statements: Vec<(Arc<Shape>, bool, Arc<Dml>)>,
}

impl Tables {
    pub(crate) fn new(settings: Arc<Settings>, binder: Binder) -> Tables {
        Tables { settings, binder, known: HashMap::new() }
    }

    /// Whether nothing is known yet.
    pub(crate) fn is_fresh(&self) -> bool {
        self.known.is_empty()
    }

    /// Looks at all tables anew from now on.
    pub(crate) fn forget(&mut self) {
        self.known.clear();
    }

    /// The statement that writes rows of a shape to a table, which is created or widened for it where need be. None
    /// where there is nothing to delete from. Not to be called within a transaction: MySQL commits one when it changes
    /// a table.
    pub(crate) fn statement(
        &mut self,
        connection: &mut dyn Connection,
        name: &str,
        shape: &Arc<Shape>,
        delete: bool,
    ) -> Result<Option<Arc<Dml>>, Failure> {
        let dialect = connection.dialect();
        if let Some(table) = self.known.get(name) {
            let same = |made: &&(Arc<Shape>, bool, Arc<Dml>)| made.1 == delete && same_shape(&made.0, shape);
            if let Some((_, _, dml)) = table.statements.iter().find(same) {
                return Ok(Some(Arc::clone(dml)));
            }
        } else {
            let table = match find(connection, &self.settings, name)? {
                Some(table) => table,
                None if delete && self.settings.create => return Ok(None),
                None => self.create(connection, name, shape)?,
            };
            self.warn_of_missing_key(&dialect, name, &table, shape);
            self.known.insert(name.to_owned(), table);
        }
        self.widen(connection, name, shape)?;
        let table = self.known.get_mut(name).expect("it was found or created just now");
        let copy = self.settings.copy && !delete && self.settings.mode == InsertMode::Insert;
        let copy = copy && connection.takes_copy(&table.id)?;
        let dml = Arc::new(statement(&dialect, &self.settings, table, shape, delete)?.with_copy(copy));
        table.statements.push((Arc::clone(shape), delete, Arc::clone(&dml)));
        Ok(Some(dml))
    }

    /// The columns of a table that has to be there.
    pub(crate) fn columns(
        &mut self,
        connection: &mut dyn Connection,
        name: &str,
    ) -> Result<&[crate::db::Column], Failure> {
        if !self.known.contains_key(name) {
            let missing = || bad(format!("Table {name} is missing; auto.schema=true takes the schema from it"));
            let table = find(connection, &self.settings, name)?.ok_or_else(missing)?;
            self.known.insert(name.to_owned(), table);
        }
        Ok(&self.known[name].columns)
    }

    fn create(&self, connection: &mut dyn Connection, name: &str, shape: &Shape) -> Result<Table, Failure> {
        if !self.settings.create {
            return Err(bad(format!("Table {name} is missing; create it, or set {AUTO_CREATE}=true")));
        }
        let dialect = connection.dialect();
        let wanted = dialect.parse_table(name);
        let columns: Result<Vec<NewColumn>, Failure> =
            shape.table_order().iter().map(|&place| self.new_column(shape, place)).collect();
        let sql = dialect.create_table(&wanted, &columns?).map_err(bad)?;
        info!("Creating table {name}: {sql}");
        let created = connection.execute(&sql, &[]);
        // Another task may have been faster.
        match (find(connection, &self.settings, name)?, created) {
            (Some(table), _) => Ok(table),
            (None, Err(error)) => Err(error.context(format_args!("Table {name} cannot be created")).into()),
            (None, Ok(_)) => Err(bad(format!("Table {name} was created, but the server does not show it"))),
        }
    }

    /// Adds the columns that a shape has and the table does not.
    fn widen(&mut self, connection: &mut dyn Connection, name: &str, shape: &Shape) -> Result<(), Failure> {
        let table = self.known.get(name).expect("only called for tables that are known");
        let missing = table.missing(shape);
        if missing.is_empty() {
            return Ok(());
        }
        let names: Vec<&str> = missing.iter().map(|&place| shape.columns()[place].name.as_str()).collect();
        let names = names.join(", ");
        if table.kind == TableKind::View {
            return Err(bad(format!("View {name} has no columns {names}, and a view cannot be altered")));
        }
        if !self.settings.evolve {
            return Err(bad(format!("Table {name} has no columns {names}; add them, or set {AUTO_EVOLVE}=true")));
        }
        let demanding = |place: &&usize| {
            let column = &shape.columns()[**place];
            !column.optional() && column.schema.default_value().is_none()
        };
        if let Some(&place) = missing.iter().find(demanding) {
            let column = &shape.columns()[place].name;
            return Err(bad(format!(
                "Column {column} cannot be added to table {name}: its field is neither optional nor has it a default, \
                 so the rows that are there would have no content for it"
            )));
        }
        let columns: Result<Vec<NewColumn>, Failure> =
            missing.iter().map(|&place| self.new_column(shape, place)).collect();
        let altered = alter(connection, &table.id, &columns?)?;
        let table = self.known.get_mut(name).expect("it was there above");
        table.columns = connection.columns(&table.id)?;
        table.statements.clear();
        // Another task may have added the same.
        match (table.missing(shape).is_empty(), altered) {
            (true, _) => Ok(()),
            (false, Err(error)) => Err(error.context(format_args!("Table {name} cannot be altered")).into()),
            (false, Ok(())) => Err(bad(format!("Columns {names} were added to table {name}, but are not shown there"))),
        }
    }

    fn new_column(&self, shape: &Shape, place: usize) -> Result<NewColumn, Failure> {
        let column = &shape.columns()[place];
        let kind = column_kind(&column.schema, column.moment)
            .map_err(|reason| bad(format!("No column can be made for the field {}: it is {reason}", column.name)))?;
        let default = match column.schema.default_value() {
            Some(default) => Some(self.binder.bind(default, column).map_err(Failure::Record)?),
            None => None,
        };
        let key = place < shape.keys();
        Ok(NewColumn { name: column.name.clone(), kind, optional: column.optional() && !key, default, key })
    }

    /// On MySQL an upsert without a matching key inserts each row anew; the other databases refuse it.
    fn warn_of_missing_key(&self, dialect: &Dialect, name: &str, table: &Table, shape: &Shape) {
        let has_key = table.columns.iter().any(|column| column.key_position.is_some());
        if self.settings.mode == InsertMode::Upsert && dialect.database == Database::MySql && !has_key {
            let keys: Vec<&str> = shape.columns()[..shape.keys()].iter().map(|column| column.name.as_str()).collect();
            let keys = keys.join(", ");
            warn!(
                "Table {name} has no primary key: unless it has a unique index on {keys}, an upsert inserts each row anew, \
                 and what is delivered twice is there twice"
            );
        }
    }
}

/// Alters a table. The outer result is about what was asked for, the inner one about what the database said.
fn alter(
    connection: &mut dyn Connection,
    table: &TableId,
    columns: &[NewColumn],
) -> Result<Result<(), DbError>, Failure> {
    for sql in connection.dialect().add_columns(table, columns).map_err(bad)? {
        info!("Altering table {}: {sql}", table.unquoted());
        if let Err(error) = connection.execute(&sql, &[]) {
            return Ok(Err(error));
        }
    }
    Ok(Ok(()))
}

/// A table by the name that the user gives it.
fn find(connection: &mut dyn Connection, settings: &Settings, name: &str) -> Result<Option<Table>, Failure> {
    let wanted = connection.dialect().parse_table(name);
    let Some((id, kind)) = connection.find_table(&wanted)? else { return Ok(None) };
    if !settings.table_types.iter().any(|allowed| allowed.eq_ignore_ascii_case(kind.jdbc_name())) {
        let kind = kind.jdbc_name();
        return Err(bad(format!(
            "{name} is a {kind}, which {TABLE_TYPES}={} leaves out",
            settings.table_types.join(",")
        )));
    }
    let columns = connection.columns(&id)?;
    Ok(Some(Table { id, kind, columns, statements: Vec::new() }))
}

impl Table {
    /// The name that a field's column has in the table: the same name, or else the same but for upper and lower case.
    fn column(&self, name: &str) -> Option<&str> {
        let names = || self.columns.iter().map(|column| column.name.as_str());
        let lower = name.to_lowercase();
        names().find(|column| *column == name).or_else(|| names().find(|column| column.to_lowercase() == lower))
    }

    /// The places of the columns that the table does not have.
    fn missing(&self, shape: &Shape) -> Vec<usize> {
        let columns = shape.columns();
        shape.table_order().iter().copied().filter(|&place| self.column(&columns[place].name).is_none()).collect()
    }
}

fn statement(
    dialect: &Dialect,
    settings: &Settings,
    table: &Table,
    shape: &Shape,
    delete: bool,
) -> Result<Dml, Failure> {
    let name = |column: &Column| table.column(&column.name).unwrap_or(&column.name).to_owned();
    let names: Vec<String> = shape.columns().iter().map(name).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let (keys, others) = names.split_at(shape.keys());
    let id = &table.id;
    if delete {
        return Ok(dialect.delete(id, keys));
    }
    match settings.mode {
        InsertMode::Insert => Ok(dialect.insert(id, keys, others)),
        InsertMode::Upsert => dialect
            .upsert(id, keys, others)
            .ok_or_else(|| bad(format!("{} cannot upsert; use insert.mode=insert", dialect.database))),
        InsertMode::Update if others.is_empty() => {
            Err(bad("insert.mode=update needs a field beside the key columns".to_owned()))
        }
        InsertMode::Update => Ok(dialect.update(id, keys, others)),
    }
}

/// What a column for values of a schema holds, or what the schema is that no column can hold.
fn column_kind(schema: &Schema, moment: bool) -> Result<ColumnKind, String> {
    match Logical::of(schema) {
        Some(Logical::Decimal) => {
            return decimal_scale(schema).map(|scale| ColumnKind::Decimal { scale }).map_err(|error| error.to_string());
        }
        Some(Logical::Date) => return Ok(ColumnKind::Date),
        Some(Logical::Time) => return Ok(ColumnKind::Time),
        Some(Logical::Timestamp) => return Ok(ColumnKind::Timestamp),
        None => {}
    }
    Ok(match schema.kind {
        SchemaType::INT64 | SchemaType::STRING if moment => ColumnKind::FineTimestamp,
        SchemaType::INT8 => ColumnKind::Int8,
        SchemaType::INT16 => ColumnKind::Int16,
        SchemaType::INT32 => ColumnKind::Int32,
        SchemaType::INT64 => ColumnKind::Int64,
        SchemaType::FLOAT32 => ColumnKind::Float32,
        SchemaType::FLOAT64 => ColumnKind::Float64,
        SchemaType::BOOLEAN => ColumnKind::Boolean,
        SchemaType::STRING => ColumnKind::String,
        SchemaType::BYTES => ColumnKind::Bytes,
        SchemaType::ARRAY => match schema.values.get() {
            Some(elements) => ColumnKind::Array(Box::new(column_kind(elements, false)?)),
            None => return Err("an array of an unknown type".to_owned()),
        },
        kind => {
            let kind = kind.name();
            return Err(format!("a {kind}; flatten it first (transform Flatten$Value)"));
        }
    })
}

fn bad(message: String) -> Failure {
    Failure::Record(Error::data(message))
}
