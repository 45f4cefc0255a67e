//! Rows that are gone, found by comparing the keys of a table with those that were handed over.
//!
//! Each row that is handed over has its primary key written to a table first, the *ledger*. Now and then all keys of the
//! table are read; what stands in the ledger and not in the table was deleted, and becomes a record with that key and no
//! value. So the ledger may name rows that never arrived, whose deletion is told in vain, but never lacks one that did.
//!
//! A key leaves the ledger when the record of its deletion has arrived, which the stored offset says: such a record has
//! the number of this start of the task (the *run*) and a number of its own in its offset, and the ledger has both beside
//! the key. What an earlier run marked and did not deliver counts as not marked.
//!
//! `key` is what keys look like, `ledger` the table, `sorted` the keys of a comparison in little memory, `compare` the
//! comparison.

mod compare;
mod key;
mod ledger;
mod sorted;

pub(super) use compare::{compare, title};
pub(super) use key::{Entry, KeyShape};
pub(super) use ledger::Ledger;

use super::offset;
use crate::db::Column;
use crate::dialect::TableId;
use crate::settings::ConnectionSettings;
use ferroconnect_plugin_sdk::{OffsetMap, Result, Text};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// How deletions are looked for.
#[derive(Debug, Clone)]
pub(super) struct DeleteSettings {
    /// The ledger, as the user names it.
    pub(super) table: String,
    /// Where it is.
    pub(super) connection: ConnectionSettings,
    /// Whether that is the database that is read.
    pub(super) beside: bool,
    /// Whose keys are meant: several connectors may have one ledger.
    pub(super) connector: String,
    /// From the end of one comparison to the next.
    pub(super) interval: Duration,
}

/// A record of a deletion: which run of a task made it, and its number there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Removal {
    pub(super) run: i64,
    pub(super) number: i64,
}

/// What one table needs beside the ledger.
#[derive(Debug)]
pub(super) struct Deletes {
    /// Not known before the columns are.
    pub(super) shape: Option<KeyShape>,
    /// The last one that was handed over, by this run or an earlier one.
    pub(super) last: Option<Text>,
    run: i64,
    number: i64,
    pub(super) due: Instant,
}

impl Deletes {
    /// Behind a stored offset.
    pub(super) fn stored(map: &OffsetMap) -> Result<Deletes> {
        let last = offset::removal(map)?.map(|removal| offset::removal_text(removal).into());
        // Microseconds are fine enough: no two starts of a task are that near.
        let run = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_micros();
        let run = i64::try_from(run).unwrap_or(i64::MAX);
        Ok(Deletes { shape: None, last, run, number: 0, due: Instant::now() })
    }

    /// Takes note of what the table looks like.
    ///
    /// # Errors
    /// What is wrong with its key.
    pub(super) fn look_at(
        &mut self,
        settings: &super::settings::Settings,
        table: &TableId,
        columns: &[Column],
    ) -> std::result::Result<(), String> {
        let connector = settings.deletes.as_ref().map(|deletes| deletes.connector.as_str()).unwrap_or_default();
        self.shape = Some(KeyShape::new(connector, table, columns, &settings.rules)?);
        Ok(())
    }

    /// The next removal of this run.
    fn next(&mut self) -> Removal {
        self.number += 1;
        Removal { run: self.run, number: self.number }
    }
}
