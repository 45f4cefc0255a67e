//! Rows that are gone, found by comparing the keys of a table with those that were handed over.
//!
//! Each row that is handed over has its primary key written to a table first, the *ledger*. Now and then all keys of the
//! table are read; what stands in the ledger and not in the table was deleted, and becomes a record with that key and no
//! value. So the ledger may name rows that never arrived, whose deletion is told in vain, but never lacks one that did.
//!
//! A key leaves the ledger when the record of its deletion has arrived, which the stored offset says: each offset has the
//! number of this start of the task (the *run*) and that of the last deletion in it, and the ledger has both beside the key.
//! What an earlier run marked and did not deliver counts as not marked. An offset without them shows that rows were handed
//! over whose keys nobody wrote down: then the ledger is completed with all keys that are there.
//!
//! `key` is what keys look like, `ledger` the table, `sorted` the keys of a comparison in little memory, `compare` the
//! comparison.

mod compare;
mod key;
mod ledger;
mod sorted;

pub(super) use compare::compare;
pub(super) use key::{Entry, KeyShape};
pub(super) use ledger::{Ledger, is_ledger};

use super::offset;
use super::values::ValueRules;
use crate::db::{Column, DbResult};
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
    connector: String,
    /// Not known before the columns are.
    pub(super) shape: Option<KeyShape>,
    /// What the stored offset said when the task started; none once that has been acted on.
    found: Option<Found>,
    /// This start of the task, in microseconds since 1970: no two are that near.
    run: i64,
    /// How many records of deletions were numbered.
    number: i64,
    /// The number of the last one that was handed over.
    told: i64,
    /// When to compare next.
    pub(super) due: Instant,
}

/// What a stored offset says of deletions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Found {
    /// There is none: no row was ever handed over.
    Nothing,
    /// Rows were handed over whose keys were not written down.
    OthersOnly,
    /// The run that wrote keys down, and the last record of a deletion that has arrived.
    Delivered(Removal),
}

impl Deletes {
    /// Behind a stored offset.
    pub(super) fn stored(settings: &DeleteSettings, map: Option<&OffsetMap>) -> Result<Deletes> {
        let found = match map {
            None => Found::Nothing,
            Some(map) => offset::removal(map)?.map_or(Found::OthersOnly, Found::Delivered),
        };
        let run = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_micros();
        let run = i64::try_from(run).unwrap_or(i64::MAX);
        let connector = settings.connector.clone();
        Ok(Deletes { connector, shape: None, found: Some(found), run, number: 0, told: 0, due: Instant::now() })
    }

    /// How offsets name the last record of a deletion that was handed over. Each offset names at least the run: that tells
    /// the next one that keys were written down.
    pub(super) fn position(&self) -> Text {
        offset::removal_text(Removal { run: self.run, number: self.told }).into()
    }

    /// Makes the ledger ready for this run, before the first row is handed over: forgets the keys whose deletion has
    /// arrived, and finds out whether it has the keys of all rows.
    pub(super) fn begin(&mut self, ledger: &mut Ledger, title: &str) -> DbResult<()> {
        let (Some(shape), Some(found)) = (&self.shape, self.found) else { return Ok(()) };
        match found {
            Found::Nothing => ledger.set_complete(&shape.subject, self.run, title)?,
            Found::OthersOnly => ledger.set_incomplete(&shape.subject)?,
            Found::Delivered(removal) => {
                ledger.forget(&shape.subject, removal)?;
                // A later run may have written its keys to another ledger.
                match ledger.complete_since(&shape.subject)? {
                    Some(since) if since >= removal.run => ledger.set_complete(&shape.subject, self.run, title)?,
                    _ => ledger.set_incomplete(&shape.subject)?,
                }
            }
        }
        self.found = None;
        Ok(())
    }

    /// Takes note of what the table looks like.
    ///
    /// # Errors
    /// What is wrong with its key.
    pub(super) fn look_at(
        &mut self,
        table: &TableId,
        columns: &[Column],
        rules: &ValueRules,
    ) -> std::result::Result<(), String> {
        self.shape = Some(KeyShape::new(&self.connector, table, columns, rules)?);
        Ok(())
    }

    /// What people read beside the mark of a complete ledger.
    pub(super) fn title(&self, stream: &str) -> String {
        format!("{stream} of connector {}", self.connector)
    }

    /// The next removal of this run.
    fn next(&mut self) -> Removal {
        self.number += 1;
        Removal { run: self.run, number: self.number }
    }
}
