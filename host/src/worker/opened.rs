//! A connector's configuration while it is in use: variables replaced, and known what must not be shown.
//!
//! Stores, the herder and REST only ever see configurations as their users wrote them.

use std::hash::{BuildHasher as _, RandomState};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use crate::config::providers::Resolved;
use crate::config::{Props, connector_secrets};
use crate::error::Result;
use crate::plugins::Plugin;
use crate::telemetry::{Confidential, LogContext};

use super::Shared;

/// See the module's description. Holds secrets.
pub(crate) struct Opened {
    /// The connector's plugin.
    pub(super) plugin: Arc<Plugin>,
    /// The configuration, variables replaced.
    pub(super) props: Props,
    /// How long the values that config providers gave hold good.
    pub(super) ttl: Option<Duration>,
    /// The context for all that uses it.
    pub(super) context: LogContext,
}

impl Opened {
    /// Runs what uses the configuration. Neither its log lines nor its error show what they must not.
    pub(super) fn within<T>(&self, body: impl FnOnce() -> Result<T>) -> Result<T> {
        let _entered = self.context.enter();
        body().map_err(|error| self.context.confidential().hide_in(error))
    }

    /// Hides more than before, from the next use on.
    pub(super) fn hide_too(&mut self, more: &Confidential) {
        let mut all = self.context.confidential().clone();
        all.merge(more);
        self.context = self.context.clone().keeping(all);
    }

    /// Tells configurations apart without holding their values.
    pub(super) fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of(&self.props)
    }
}

impl Shared {
    /// Replaces the variables of a connector's configuration, for use in `context`.
    ///
    /// # Errors
    /// A config provider fails, or the connector's class is not there.
    pub(super) fn open(&self, context: LogContext, raw: &Props) -> Result<Opened> {
        let resolved = self.config.transformer.resolve(raw)?;
        let plugin = Arc::clone(self.connector_plugin(&resolved.props)?);
        let context = context.keeping(self.secrets(&resolved, &plugin));
        Ok(Opened { plugin, props: resolved.props, ttl: resolved.ttl, context })
    }

    /// What must not be shown of a connector's configuration.
    pub(super) fn secrets(&self, resolved: &Resolved, plugin: &Plugin) -> Confidential {
        connector_secrets(&self.config, resolved, &plugin.config, self.registry.as_ref())
    }
}

/// A number for a configuration, which says nothing about its values: it is made with a key that this process alone
/// knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Fingerprint(u64);

impl Fingerprint {
    fn of(props: &Props) -> Fingerprint {
        static KEY: LazyLock<RandomState> = LazyLock::new(RandomState::new);
        Fingerprint(KEY.hash_one(props.iter().collect::<Vec<_>>()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fingerprints_tell_configurations_apart() {
        let of = |value| Fingerprint::of(&Props::from([("a", "b"), ("password", value)]));
        assert_eq!(of("one"), of("one"));
        assert_ne!(of("one"), of("two"));
    }
}
