//! What is learned about a request while it is answered.

use std::convert::Infallible;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use parking_lot::Mutex;

use crate::config::Props;

/// What the parts of the server that answer a request tell the audit log about it. Without an audit log nothing is kept.
#[derive(Debug, Clone, Default)]
pub(in crate::rest) struct Note(Option<Arc<Mutex<Noted>>>);

/// What was told.
#[derive(Debug, Default)]
pub(super) struct Noted {
    pub(super) user: Option<String>,
    pub(super) connector: Option<String>,
    pub(super) keys: Option<Vec<String>>,
}

impl Note {
    /// A note that somebody will read.
    pub(super) fn wanted() -> Self {
        Self(Some(Arc::default()))
    }

    /// Whether somebody will read it.
    pub(in crate::rest) fn is_wanted(&self) -> bool {
        self.0.is_some()
    }

    /// Who asks.
    pub(in crate::rest) fn user(&self, user: Option<&str>) {
        if let Some(noted) = &self.0 {
            noted.lock().user = user.map(str::to_owned);
        }
    }

    /// Which connector it is about, where the path does not say.
    pub(in crate::rest) fn connector(&self, name: &str) {
        if let Some(noted) = &self.0 {
            noted.lock().connector = Some(name.to_owned());
        }
    }

    /// The keys in which two configurations differ; the second may be just what is to change of the first.
    pub(in crate::rest) fn changes(&self, before: Option<&Props>, wanted: &Props, is_patch: bool) {
        let Some(noted) = &self.0 else { return };
        let nothing = Props::new();
        let before = before.unwrap_or(&nothing);
        let value_of = |config: &Props, key: &str| config.get(key).map(str::to_owned);
        let come = wanted.keys().filter(|key| value_of(before, key) != value_of(wanted, key));
        let go = before.keys().filter(|key| !is_patch && !wanted.contains_key(key));
        let mut keys: Vec<String> = come.chain(go).map(str::to_owned).collect();
        keys.sort_unstable();
        noted.lock().keys = Some(keys);
    }

    pub(super) fn take(&self) -> Noted {
        self.0.as_ref().map(|noted| std::mem::take(&mut *noted.lock())).unwrap_or_default()
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Note {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(parts.extensions.get::<Self>().cloned().unwrap_or_default())
    }
}
