//! Tables that the plugin keeps things of its own in, under a name that the user gives.

use crate::db::{Connection, DbError, DbErrorKind, DbResult, SqlValue, query_all};
use crate::dialect::{ColumnKind, NewColumn, TableId};
use ferroconnect_plugin_sdk::info;

/// A column of such a table.
pub(crate) fn column(name: &str, kind: ColumnKind, key: bool, optional: bool) -> NewColumn {
    NewColumn { name: name.to_owned(), kind, optional, default: None, key }
}

/// The table, which is created for `what` unless it is there.
pub(crate) fn find_or_create(
    connection: &mut dyn Connection,
    name: &str,
    columns: &[NewColumn],
    what: &str,
) -> DbResult<TableId> {
    let dialect = connection.dialect();
    let wanted = dialect.parse_table(name);
    if let Some((table, _)) = connection.find_table(&wanted)? {
        return Ok(table);
    }
    let sql = dialect.create_table(&wanted, columns);
    let sql = sql.map_err(|why| DbError::new(DbErrorKind::Permanent, why))?;
    info!("Creating table {name} for {what}");
    let created = connection.execute(&sql, &[]);
    // Another task may have been faster.
    match (connection.find_table(&wanted)?, created) {
        (Some((table, _)), _) => Ok(table),
        (None, Err(error)) => Err(error),
        (None, Ok(_)) => Ok(wanted),
    }
}

/// The number that a query gives, where it gives a row with one.
pub(crate) fn first_number(
    connection: &mut dyn Connection,
    sql: &str,
    parameters: &[SqlValue],
) -> DbResult<Option<i64>> {
    let (_, rows) = query_all(connection, sql, parameters)?;
    Ok(rows.first().and_then(|row| row.first()).and_then(|value| match value {
        SqlValue::Int(number) => Some(*number),
        _ => None,
    }))
}
