//! Exactly once: up to where each partition is written, kept in a table of the database and changed in the transaction
//! of the rows.
//!
//! A task reads the position of a partition before it writes its first record, leaves out what is before it, and moves it
//! on from the very number it knows. Where another task was there in the meantime that changes no row: the transaction is
//! given up, and the task reads again. So it does not matter how many tasks believe that the partition is theirs.

use crate::db::{Connection, DbError, DbErrorKind, DbResult, SqlValue};
use crate::dialect::{ColumnKind, TableId};
use crate::own_table::{self, first_number};
use ferroconnect_plugin_sdk::{OffsetChange, Record, SinkOffsetChange, TopicPartition, info, warn};
use std::collections::{BTreeMap, HashMap, HashSet};

const CONNECTOR: &str = "connector";
const TOPIC: &str = "topic";
const PARTITION: &str = "kafka_partition";
const NEXT: &str = "next_offset";

/// The positions of one connector.
#[derive(Debug)]
pub(crate) struct Positions {
    /// The table as the user names it.
    table: String,
    connector: String,
    /// The table once it is known to be there.
    id: Option<TableId>,
    /// The offset of the next record to write.
    next: HashMap<TopicPartition, i64>,
    /// Partitions of which it was told that records are left out.
    told: HashSet<TopicPartition>,
}

impl Positions {
    pub(crate) fn new(table: &str, connector: &str) -> Positions {
        Positions {
            table: table.to_owned(),
            connector: connector.to_owned(),
            id: None,
            next: HashMap::new(),
            told: HashSet::new(),
        }
    }

    /// Reads all positions anew from now on.
    pub(crate) fn forget(&mut self) {
        self.id = None;
        self.next.clear();
    }

    /// The records that are not written yet. Reads the positions of partitions that are new.
    pub(crate) fn open<'a>(
        &mut self,
        connection: &mut dyn Connection,
        records: &[&'a Record],
    ) -> DbResult<Vec<&'a Record>> {
        let mut open = Vec::with_capacity(records.len());
        // A record that was kept and is read again may be here twice.
        let mut seen = HashMap::new();
        for record in records {
            let partition = origin(record);
            let next = match seen.get(&partition).or_else(|| self.next.get(&partition)) {
                Some(&next) => next,
                None => {
                    let next = self.read(connection, &partition)?;
                    info!("{}-{} is written up to offset {next}", partition.topic, partition.partition);
                    self.next.insert(partition.clone(), next);
                    next
                }
            };
            if record.origin.offset >= next {
                seen.insert(partition, record.origin.offset + 1);
                open.push(*record);
            } else {
                self.tell_left_out(record, next);
            }
        }
        Ok(open)
    }

    fn tell_left_out(&mut self, record: &Record, next: i64) {
        let partition = origin(record);
        if self.told.contains(&partition) {
            return;
        }
        let (at, table) = (record.origin.offset, &self.table);
        let (topic, number) = (&partition.topic, partition.partition);
        warn!(
            "Records of {topic}-{number} from offset {at} are left out: {table} has it written up to offset {next}. That is \
             as it should be after a crash or a rebalance; if the topic was deleted and made again, stop the connector and \
             delete its offsets"
        );
        self.told.insert(partition);
    }

    /// Moves the positions on behind these records, within the transaction of their rows. Partitions are taken in their
    /// order, so that tasks do not wait for each other in a circle.
    ///
    /// # Errors
    /// A transient one where another task wrote the partition in the meantime.
    pub(crate) fn advance(
        &self,
        connection: &mut dyn Connection,
        records: &[&Record],
    ) -> DbResult<Vec<(TopicPartition, i64)>> {
        let mut moves = BTreeMap::new();
        for record in records {
            moves.insert((record.origin.topic.to_string(), record.origin.partition), record);
        }
        let Some(id) = &self.id else { return Ok(Vec::new()) };
        let dialect = connection.dialect();
        let name = |column: &str| dialect.name(column);
        let place = |number| dialect.placeholder(number);
        let sql = format!(
            "UPDATE {} SET {} = {} WHERE {} = {} AND {} = {} AND {} = {} AND {} = {}",
            dialect.table(id),
            name(NEXT),
            place(1),
            name(CONNECTOR),
            place(2),
            name(TOPIC),
            place(3),
            name(PARTITION),
            place(4),
            name(NEXT),
            place(5),
        );
        let mut moved = Vec::with_capacity(moves.len());
        for record in moves.into_values() {
            let (partition, next) = (origin(record), record.origin.offset + 1);
            let known = self.next.get(&partition).copied().unwrap_or(0);
            let mut parameters = vec![SqlValue::Int(next)];
            parameters.extend(self.key(&partition));
            parameters.push(SqlValue::Int(known));
            if connection.execute(&sql, &parameters)? != 1 {
                let (topic, number) = (&partition.topic, partition.partition);
                let why =
                    format!("another task wrote {topic}-{number} behind offset {known}; reading its position again");
                return Err(DbError::new(DbErrorKind::Transient, why));
            }
            moved.push((partition, next));
        }
        Ok(moved)
    }

    /// The transaction was committed.
    pub(crate) fn moved(&mut self, moved: Vec<(TopicPartition, i64)>) {
        self.next.extend(moved);
    }

    /// Puts the positions of partitions where the user wants them; without an offset they are forgotten. A reset forgets
    /// all: Kafka does not name the partitions of topics that were deleted, and the records of new topics with their
    /// names would be left out.
    pub(crate) fn alter(&mut self, connection: &mut dyn Connection, change: &SinkOffsetChange) -> DbResult<()> {
        match change {
            OffsetChange::Reset(_) => {
                let id = self.table(connection)?;
                let all = connection.dialect().delete(&id, &[CONNECTOR]);
                connection.execute_batch(&all, &[vec![SqlValue::Text(self.connector.clone())]])?;
            }
            OffsetChange::Alter(offsets) => {
                for (partition, offset) in offsets {
                    self.set(connection, partition, *offset)?;
                }
            }
        }
        self.forget();
        Ok(())
    }

    fn set(
        &mut self,
        connection: &mut dyn Connection,
        partition: &TopicPartition,
        offset: Option<i64>,
    ) -> DbResult<()> {
        let id = self.table(connection)?;
        let dialect = connection.dialect();
        let keys = [CONNECTOR, TOPIC, PARTITION];
        let key = self.key(partition).to_vec();
        let (dml, row) = match offset {
            Some(offset) => {
                // Makes the row, where the partition has none.
                self.read(connection, partition)?;
                (dialect.update(&id, &keys, &[NEXT]), [vec![SqlValue::Int(offset)], key].concat())
            }
            None => (dialect.delete(&id, &keys), key),
        };
        connection.execute_batch(&dml, &[row]).map(drop)
    }

    /// The position of a partition. One that is new begins at 0.
    fn read(&mut self, connection: &mut dyn Connection, partition: &TopicPartition) -> DbResult<i64> {
        let id = self.table(connection)?;
        let dialect = connection.dialect();
        let name = |column: &str| dialect.name(column);
        let place = |number| dialect.placeholder(number);
        let sql = format!(
            "SELECT {} FROM {} WHERE {} = {} AND {} = {} AND {} = {}",
            name(NEXT),
            dialect.table(&id),
            name(CONNECTOR),
            place(1),
            name(TOPIC),
            place(2),
            name(PARTITION),
            place(3),
        );
        let key = self.key(partition);
        if let Some(next) = first_number(connection, &sql, &key)? {
            return Ok(next);
        }
        let insert = dialect.insert(&id, &[CONNECTOR, TOPIC, PARTITION], &[NEXT]);
        let row = [key.to_vec(), vec![SqlValue::Int(0)]].concat();
        let inserted = connection.execute_batch(&insert, &[row]);
        // Another task may have been faster.
        match (first_number(connection, &sql, &key)?, inserted) {
            (Some(next), _) => Ok(next),
            (None, Err(error)) => Err(error),
            (None, Ok(_)) => Err(DbError::new(DbErrorKind::Transient, format!("a row of {} is gone", self.table))),
        }
    }

    fn key(&self, partition: &TopicPartition) -> [SqlValue; 3] {
        [
            SqlValue::Text(self.connector.clone()),
            SqlValue::Text(partition.topic.to_string()),
            SqlValue::Int(partition.partition.into()),
        ]
    }

    /// The table, which is created unless it is there.
    fn table(&mut self, connection: &mut dyn Connection) -> DbResult<TableId> {
        if let Some(id) = &self.id {
            return Ok(id.clone());
        }
        let columns = [
            own_table::column(CONNECTOR, ColumnKind::String, true, false),
            own_table::column(TOPIC, ColumnKind::String, true, false),
            own_table::column(PARTITION, ColumnKind::Int32, true, false),
            own_table::column(NEXT, ColumnKind::Int64, false, false),
        ];
        let found = own_table::find_or_create(connection, &self.table, &columns, "offsets")?;
        Ok(self.id.insert(found).clone())
    }
}

fn origin(record: &Record) -> TopicPartition {
    TopicPartition { topic: record.origin.topic.clone(), partition: record.origin.partition }
}
