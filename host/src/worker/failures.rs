//! Tells the herder of failures that may be worth an automatic restart.

use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use crate::config::{Props, RestartPolicy};
use crate::error::{ConnectError, Result};
use crate::runtime::{ConnectorEvents, Failure, Part};

use super::Shared;

/// Watches one connector or task from its start on.
pub(crate) struct FailureWatch {
    part: Part,
    /// `None` = its configuration does not ask for restarts.
    policy: Option<RestartPolicy>,
    events: Arc<dyn ConnectorEvents>,
    running_since: Mutex<Option<Instant>>,
}

impl FailureWatch {
    /// A watch over a part of the connector with this configuration, as its user wrote it.
    pub(super) fn new(shared: &Shared, part: Part, raw: &Props, events: Arc<dyn ConnectorEvents>) -> FailureWatch {
        let policy = policy(shared, raw).unwrap_or_else(|error| {
            tracing::warn!("No automatic restarts of {part}: {}", error.trace().trim_end());
            None
        });
        FailureWatch { part, policy, events, running_since: Mutex::default() }
    }

    /// It runs now, or no longer does.
    pub(crate) fn runs(&self, running: bool) {
        let mut since = self.running_since.lock();
        *since = if running { since.or_else(|| Some(Instant::now())) } else { None };
    }

    /// It has failed, and its status says so.
    pub(crate) fn failed(&self, error: &ConnectError) {
        let Some(policy) = self.policy else { return };
        let ran_for = self.running_since.lock().take().map_or(Duration::ZERO, |since| since.elapsed());
        self.events.failed(Failure { part: self.part.clone(), error: error.clone(), ran_for, policy });
    }
}

/// Of the configuration only what is about restarts is looked up, as a provider may be what has failed.
fn policy(shared: &Shared, raw: &Props) -> Result<Option<RestartPolicy>> {
    let own = shared.config.transformer.resolve(&RestartPolicy::keys_of(raw))?;
    RestartPolicy::new(&own.props, shared.config.originals()).map_err(|problems| problems.into_error())
}
