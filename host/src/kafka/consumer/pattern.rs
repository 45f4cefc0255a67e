//! Subscriptions by Java regular expression.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use parking_lot::{Condvar, Mutex};

use crate::error::{ConnectError, Result};
use crate::java_regex::JavaRegex;
use crate::kafka::admin::metadata::{self, Scope, topic_names};
use crate::kafka::native::Handle;

/// How long one look at the topics may take.
const LOOK: Duration = Duration::from_secs(5);
/// How long to wait after a look that failed.
const RETRY: Duration = Duration::from_secs(1);

/// Kafka's own topics, which patterns leave out.
const INTERNAL: &[&str] = &["__consumer_offsets", "__transaction_state", "__share_group_state"];

/// A pattern for whole topic names.
pub(super) struct TopicPattern {
    regex: JavaRegex,
    exclude_internal: bool,
}

impl TopicPattern {
    pub(super) fn new(pattern: &str, exclude_internal: bool) -> Result<Self> {
        let regex = JavaRegex::compile(pattern).map_err(|error| {
            ConnectError::config(format!("Invalid topic pattern {pattern}: {error}; it must be a regular expression"))
        })?;
        Ok(Self { regex, exclude_internal })
    }

    /// A pattern that backtracks without end matches nothing.
    fn matches(&self, topic: &str) -> bool {
        !(self.exclude_internal && INTERNAL.contains(&topic)) && self.regex.matches(topic).unwrap_or(false)
    }
}

/// Looks at the cluster's topics from a thread of its own, so that a slow broker does not stop
/// consumption. The first look is waited for.
pub(super) struct PatternWatch {
    shared: Arc<Shared>,
}

struct Shared {
    pattern: TopicPattern,
    state: Mutex<State>,
    changed: AtomicBool,
    wake: Condvar,
}

#[derive(Default)]
struct State {
    topics: BTreeSet<String>,
    stop: bool,
}

impl PatternWatch {
    pub(super) fn start(handle: &Arc<Handle>, pattern: TopicPattern, interval: Duration) -> Result<Self> {
        let shared = Arc::new(Shared {
            pattern,
            state: Mutex::default(),
            changed: AtomicBool::new(false),
            wake: Condvar::new(),
        });
        let first = shared.look(handle);
        let (theirs, handle) = (Arc::clone(&shared), Arc::clone(handle));
        std::thread::Builder::new()
            .name(format!("topics-{}", handle.client_id()))
            .spawn(move || theirs.run(&handle, interval, first))?;
        Ok(Self { shared })
    }

    /// The matching topics, if they changed since the last call.
    pub(super) fn news(&self) -> Option<Vec<String>> {
        if !self.shared.changed.swap(false, Ordering::AcqRel) {
            return None;
        }
        Some(self.shared.state.lock().topics.iter().cloned().collect())
    }
}

impl Drop for PatternWatch {
    fn drop(&mut self) {
        // Not waited for: a look at an unreachable broker takes a while to end.
        self.shared.state.lock().stop = true;
        self.shared.wake.notify_all();
    }
}

impl Shared {
    fn run(&self, handle: &Handle, interval: Duration, mut looked: bool) {
        loop {
            let pause = if looked { interval } else { RETRY };
            let mut state = self.state.lock();
            if !state.stop {
                self.wake.wait_for(&mut state, pause);
            }
            if state.stop {
                return;
            }
            drop(state);
            looked = self.look(handle);
        }
    }

    /// True if the cluster answered.
    fn look(&self, handle: &Handle) -> bool {
        let names = match metadata::fetch(handle, Scope::AllTopics, LOOK) {
            Ok(metadata) => topic_names(&metadata),
            Err(error) => {
                tracing::warn!(%error, "Could not list topics to match the pattern; trying again");
                return false;
            }
        };
        let topics: BTreeSet<String> = names.into_iter().filter(|name| self.pattern.matches(name)).collect();
        let mut state = self.state.lock();
        if state.topics != topics {
            state.topics = topics;
            self.changed.store(true, Ordering::Release);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_whole_names_as_in_java() {
        let pattern = TopicPattern::new("orders-.*|a", true).expect("valid");
        assert!(pattern.matches("orders-eu"));
        assert!(pattern.matches("a"));
        assert!(!pattern.matches("my-orders-eu"));
        assert!(!pattern.matches("ab"));
        let lookahead = TopicPattern::new("(?!test)[a-z]+", true).expect("valid");
        assert!(lookahead.matches("prod"));
        assert!(!lookahead.matches("testing"));
    }

    #[test]
    fn internal_topics_are_left_out_unless_wanted() {
        assert!(!TopicPattern::new(".*", true).expect("valid").matches("__consumer_offsets"));
        assert!(TopicPattern::new(".*", false).expect("valid").matches("__consumer_offsets"));
        let error = TopicPattern::new("(", true).err().expect("refused");
        assert!(error.message().contains('('), "{error}");
    }
}
