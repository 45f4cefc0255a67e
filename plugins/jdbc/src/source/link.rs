//! A connection that is made when it is needed, and broken when the connector or task should end.

use crate::db::{Connection, DbError, DbErrorKind, DbResult, Interrupter};
use crate::settings::ConnectionSettings;
use ferroconnect_plugin_sdk::StopSignal;
use std::sync::{Arc, Mutex, PoisonError};

/// A connection of one thread.
pub(super) struct Link {
    settings: ConnectionSettings,
    stop: StopSignal,
    connection: Option<Box<dyn Connection>>,
    /// Of the connection, for the thread that stops this one.
    interrupter: Arc<Mutex<Option<Interrupter>>>,
}

impl Link {
    /// Not connected yet. From now on `stop` breaks what runs on it.
    pub(super) fn new(settings: ConnectionSettings, stop: StopSignal) -> Link {
        let interrupter = Arc::<Mutex<Option<Interrupter>>>::default();
        let slot = Arc::clone(&interrupter);
        stop.on_stop(move || {
            if let Some(interrupter) = &*slot.lock().unwrap_or_else(PoisonError::into_inner) {
                interrupter.interrupt();
            }
        });
        Link { settings, stop, connection: None, interrupter }
    }

    /// The connection, made now where there is none.
    pub(super) fn get(&mut self) -> DbResult<&mut dyn Connection> {
        if self.connection.is_none() {
            let connection = self.settings.connect(&self.stop)?;
            self.set_interrupter(Some(connection.interrupter()));
            self.connection = Some(connection);
        }
        // Looked at after the interrupter is in its place: a stop before that found nothing to interrupt.
        if self.stop.is_stopped() {
            return Err(DbError::new(DbErrorKind::Interrupted, "Told to stop"));
        }
        Ok(self.connection.as_mut().expect("it was made above").as_mut())
    }

    /// Closes it; the next use makes another.
    pub(super) fn close(&mut self) {
        self.set_interrupter(None);
        self.connection = None;
    }

    fn set_interrupter(&self, interrupter: Option<Interrupter>) {
        *self.interrupter.lock().unwrap_or_else(PoisonError::into_inner) = interrupter;
    }
}
