//! When connectors are to be started anew because values that config providers gave them lapse.

use std::collections::HashMap;
use std::time::{Duration, Instant};

/// A provider whose values never hold would otherwise keep its connectors restarting without a pause.
const SHORTEST: Duration = Duration::from_secs(1);

/// One clock per connector: a start asks all providers anew, so only the value that lapses first counts.
#[derive(Debug, Default)]
pub(super) struct Reloads {
    due: HashMap<String, Instant>,
}

impl Reloads {
    /// Sets a connector's clock; `None` stops it. At least a second is waited.
    pub(super) fn set(&mut self, connector: String, after: Option<Duration>, now: Instant) {
        // A time too far away for the clock of this machine is as good as none.
        match after.and_then(|after| now.checked_add(after.max(SHORTEST))) {
            Some(due) => {
                self.due.insert(connector, due);
            }
            None => {
                self.due.remove(&connector);
            }
        }
    }

    /// When the next connector is due.
    pub(super) fn next(&self) -> Option<Instant> {
        self.due.values().min().copied()
    }

    /// The connectors that are due; each is told once.
    pub(super) fn take_due(&mut self, now: Instant) -> Vec<String> {
        self.due.extract_if(|_, due| *due <= now).map(|(connector, _)| connector).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_clock_rings_once_unless_it_is_set_again() {
        let now = Instant::now();
        let at = |seconds| now + Duration::from_secs(seconds);
        let mut reloads = Reloads::default();
        reloads.set("a".into(), Some(Duration::from_secs(5)), now);
        reloads.set("b".into(), Some(Duration::from_secs(9)), now);
        assert_eq!(reloads.next(), Some(at(5)));
        reloads.set("a".into(), Some(Duration::ZERO), at(6));
        assert_eq!(reloads.next(), Some(at(7)), "at least a second");
        assert!(reloads.take_due(at(6)).is_empty());
        assert_eq!(reloads.take_due(at(8)), ["a"]);
        assert!(reloads.take_due(at(8)).is_empty());
        reloads.set("b".into(), None, at(8));
        reloads.set("c".into(), Some(Duration::MAX), at(8));
        assert_eq!(reloads.next(), None);
    }
}
