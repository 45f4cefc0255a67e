//! How many rows are written: by COPY, as arrays in one INSERT, as one INSERT with many rows, or each by itself.

use super::codec::BoxError;
use super::rows::{Stacked, are_binary, can_be_stacked, write_binary_line, write_line};
use super::{PostgresConnection, Prepared, error_of, execute};
use crate::db::size::{BYTES_AT_ONCE as STATEMENT_BYTES, rows_that_fit};
use crate::db::{DbError, DbErrorKind, DbResult, SqlValue};
use crate::dialect::Dml;
use futures_util::future::{try_join, try_join_all};
use futures_util::{SinkExt, pin_mut};
use tokio_postgres::types::private::BytesMut;
use tokio_postgres::types::{Kind, Type};
use tokio_postgres::{Client, Statement};

/// Rows in one INSERT. More of them make it no faster.
const ROWS_AT_ONCE: usize = 1000;
/// Statements that are sent before the first answer is looked at.
const STATEMENTS_AT_ONCE: usize = 256;
/// From so many rows on COPY is worth that the server is asked twice.
const ROWS_FOR_COPY: usize = 50;
/// Bytes of COPY that are sent together. The driver's own writer of binary COPY sends each few thousand, which costs more
/// than the rows do.
const PIECE: usize = 64 << 10;
/// What binary COPY begins with: the signature, no flags, no further header.
const BINARY_COPY: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
/// In the place of a line's number of values.
const END_OF_BINARY_COPY: [u8; 2] = (-1i16).to_be_bytes();

impl PostgresConnection {
    pub(super) fn write_rows(&mut self, dml: &Dml, rows: &[Vec<SqlValue>]) -> DbResult<u64> {
        if dml.most_rows() == 1 || !self.join_rows {
            return self.write_one_by_one(dml, rows);
        }
        if let Some(sql) = dml.copy().filter(|_| rows.len() >= ROWS_FOR_COPY) {
            return self.copy(dml, &sql, rows);
        }
        let mut changed = 0;
        let mut rest = rows;
        while !rest.is_empty() {
            let (now, later) = rest.split_at(rows_that_fit(rest, dml.most_rows().min(ROWS_AT_ONCE), STATEMENT_BYTES));
            rest = later;
            changed += match self.stacking(dml, now.len())? {
                Some((statement, types)) => {
                    let columns = types.iter().enumerate().map(|(place, ty)| Stacked::new(now, place, ty));
                    self.run(|client| async move { client.execute_raw(&statement, columns).await.map_err(error_of) })?
                }
                None => {
                    let prepared = self.prepared(&dml.sql(now.len()))?;
                    let values: Vec<&SqlValue> = now.iter().flatten().collect();
                    self.run(|client| execute(client, prepared.statement, values))?
                }
            };
        }
        Ok(changed)
    }

    fn write_one_by_one(&mut self, dml: &Dml, rows: &[Vec<SqlValue>]) -> DbResult<u64> {
        let prepared = self.prepared(&dml.sql(1))?;
        let mut changed = 0;
        for now in rows.chunks(STATEMENTS_AT_ONCE) {
            let counts = self
                .run(|client| try_join_all(now.iter().map(|row| execute(client, prepared.statement.clone(), row))))?;
            changed += counts.iter().sum::<u64>();
        }
        Ok(changed)
    }

    fn copy(&mut self, dml: &Dml, sql: &str, rows: &[Vec<SqlValue>]) -> DbResult<u64> {
        // The server refuses here what INSERT may not do and COPY would: numbers for a column that always counts itself.
        let mut types = self.column_types(dml)?;
        let refused = |error: DbError| match error.kind() {
            DbErrorKind::Permanent => error.context("COPY is refused (copy.enabled=false writes by INSERT)"),
            _ => error,
        };
        // Only a transaction holds the lock that keeps types as they are.
        if self.in_transaction && are_binary(rows, &types) {
            let statement = self.prepared(&format!("{sql} (FORMAT binary)"))?.statement;
            let insert = dml.sql(1);
            let copied = self.run(|client| copy_binary(client, &insert, &statement, &types, rows)).map_err(refused)?;
            if let Some(copied) = copied {
                return Ok(copied);
            }
            self.stale.set(true);
            types = self.column_types(dml)?;
        }
        let statement = self.prepared(sql)?.statement;
        self.run(|client| copy(client, statement, &types, rows)).map_err(refused)
    }

    /// The types of the columns that a row has values for.
    fn column_types(&mut self, dml: &Dml) -> DbResult<Vec<Type>> {
        Ok(self.prepared(&dml.sql(1))?.statement.params().to_vec())
    }

    /// The statement that takes rows as arrays of the values of each column, and the types of these. None where a type
    /// does not allow that, or one row asks for no array.
    fn stacking(&mut self, dml: &Dml, rows: usize) -> DbResult<Option<(Statement, Vec<Type>)>> {
        let Some(sql) = dml.of_arrays().filter(|_| rows > 1) else { return Ok(None) };
        let types = self.column_types(dml)?;
        if !types.iter().all(can_be_stacked) {
            return Ok(None);
        }
        if let Some(prepared) = self.statements.get(&sql) {
            return Ok(Some((prepared.statement.clone(), types)));
        }
        let prepared = self.run(|client| async {
            let Some(arrays) = array_types(client, &types).await? else { return Ok(None) };
            let statement = client.prepare_typed(&sql, &arrays).await.map_err(error_of)?;
            Ok(Some(Prepared { statement, columns: [].into() }))
        })?;
        let Some(prepared) = prepared else { return Ok(None) };
        let statement = prepared.statement.clone();
        self.statements.insert(sql, prepared);
        Ok(Some((statement, types)))
    }
}

fn unfit(error: BoxError) -> DbError {
    DbError::new(DbErrorKind::Data, format!("A value cannot be written: {error}"))
}

async fn copy(client: &Client, statement: Statement, types: &[Type], rows: &[Vec<SqlValue>]) -> DbResult<u64> {
    let sink = client.copy_in(&statement).await.map_err(error_of)?;
    pin_mut!(sink);
    let mut lines = BytesMut::new();
    for row in rows {
        write_line(row, types, &mut lines).map_err(unfit)?;
        if lines.len() >= PIECE {
            sink.send(lines.split().freeze()).await.map_err(error_of)?;
        }
    }
    sink.send(lines.freeze()).await.map_err(error_of)?;
    sink.finish().await.map_err(error_of)
}

/// None, with nothing written, where the columns are not of these types any more: then the bytes of a value might pass for
/// those of another. To prepare the INSERT locks the table until the end of the transaction; COPY follows it without
/// waiting for the answer.
async fn copy_binary(
    client: &Client,
    insert: &str,
    copy: &Statement,
    types: &[Type],
    rows: &[Vec<SqlValue>],
) -> DbResult<Option<u64>> {
    let (insert, sink) = try_join(client.prepare(insert), client.copy_in(copy)).await.map_err(error_of)?;
    pin_mut!(sink);
    let same = insert.params() == types;
    let mut bytes = BytesMut::from(BINARY_COPY);
    for row in if same { rows } else { &[] } {
        write_binary_line(row, types, &mut bytes).map_err(unfit)?;
        if bytes.len() >= PIECE {
            sink.send(bytes.split().freeze()).await.map_err(error_of)?;
        }
    }
    bytes.extend_from_slice(&END_OF_BINARY_COPY);
    sink.send(bytes.freeze()).await.map_err(error_of)?;
    let copied = sink.finish().await.map_err(error_of)?;
    Ok(same.then_some(copied))
}

/// The types of arrays of these types; none where the server has none for one of them (domains before version 11).
async fn array_types(client: &Client, types: &[Type]) -> DbResult<Option<Vec<Type>>> {
    let sql = "SELECT oid, typarray FROM pg_catalog.pg_type WHERE oid = ANY($1) AND typarray <> 0";
    let oids: Vec<u32> = types.iter().map(Type::oid).collect();
    let found = client.query(sql, &[&oids]).await.map_err(error_of)?;
    let found: Vec<(u32, u32)> = found.iter().map(|row| (row.get(0), row.get(1))).collect();
    let array = |ty: &Type| {
        let (_, array) = found.iter().find(|(element, _)| *element == ty.oid())?;
        let kind = Kind::Array(ty.clone());
        Some(Type::new(format!("_{}", ty.name()), *array, kind, ty.schema().to_owned()))
    };
    Ok(types.iter().map(array).collect())
}
