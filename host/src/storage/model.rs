//! The words that config, status and REST share: task names and the states a connector or task can be in.
//!
//! Start with [`TaskId`]. Nothing here does I/O; the stores that keep these values are the other files of this folder.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::config::InitialState;

/// A connector's task, written `X-N` in logs, thread names and status keys.
///
/// Cheap to clone. Orders by connector, then by number, which is the order REST lists tasks in.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct TaskId {
    /// Name of the connector the task belongs to.
    pub connector: Arc<str>,
    /// Number of the task within its connector, from 0.
    pub task: u32,
}

impl TaskId {
    /// Names task `task` of `connector`.
    pub fn new(connector: impl Into<Arc<str>>, task: u32) -> Self {
        Self { connector: connector.into(), task }
    }
}

impl fmt::Display for TaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.connector, self.task)
    }
}

/// A text that is not the name of a state.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{found}` is no {what}; it must be one of {allowed}")]
pub struct UnknownState {
    what: &'static str,
    found: String,
    allowed: &'static str,
}

/// Declares an enum whose values have one upper-case name each, the same in REST, internal topics and logs.
macro_rules! named_states {
    (
        $(#[$doc:meta])* $type:ident, $what:literal, $allowed:literal:
        $( $(#[$variant_doc:meta])* $variant:ident = $name:literal ),+ $(,)?
    ) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum $type { $( $(#[$variant_doc])* $variant, )+ }

        impl $type {
            /// Every value, in the order of Kafka Connect's own enum.
            pub const ALL: &[Self] = &[ $( Self::$variant, )+ ];

            /// The upper-case name that clients and internal topics see.
            pub const fn as_str(self) -> &'static str {
                match self { $( Self::$variant => $name, )+ }
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl FromStr for $type {
            type Err = UnknownState;

            fn from_str(text: &str) -> Result<Self, UnknownState> {
                match text {
                    $( $name => Ok(Self::$variant), )+
                    _ => Err(UnknownState { what: $what, found: text.to_owned(), allowed: $allowed }),
                }
            }
        }

        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

named_states! {
    /// What a connector is doing, as its status record says.
    ConnectorState, "connector state",
    "UNASSIGNED, RUNNING, PAUSED, STOPPED, FAILED, RESTARTING, DESTROYED":
    /// No worker runs it at present.
    Unassigned = "UNASSIGNED",
    /// Started and working.
    Running = "RUNNING",
    /// Held by its user; keeps its tasks (KIP-52).
    Paused = "PAUSED",
    /// Held by its user; has no tasks, its offsets may be changed (KIP-875).
    Stopped = "STOPPED",
    /// Ended by an error; the record's trace says which.
    Failed = "FAILED",
    /// A restart was asked for and has not finished (KIP-745).
    Restarting = "RESTARTING",
    /// Deleted. Never shown: storing it removes the status.
    Destroyed = "DESTROYED",
}

named_states! {
    /// What a task is doing, as its status record says. A task is never STOPPED: a stopped connector has no tasks.
    TaskState, "task state", "UNASSIGNED, RUNNING, PAUSED, FAILED, RESTARTING, DESTROYED":
    /// No worker runs it at present.
    Unassigned = "UNASSIGNED",
    /// Started and working.
    Running = "RUNNING",
    /// Held by the connector's user.
    Paused = "PAUSED",
    /// Ended by an error; the record's trace says which.
    Failed = "FAILED",
    /// A restart was asked for and has not finished (KIP-745).
    Restarting = "RESTARTING",
    /// Deleted. Never shown: storing it removes the status.
    Destroyed = "DESTROYED",
}

named_states! {
    /// What the user wants a connector to do.
    TargetState, "target state", "STARTED, PAUSED, STOPPED":
    /// Run the connector and its tasks.
    Started = "STARTED",
    /// Keep the tasks but let them wait.
    Paused = "PAUSED",
    /// Keep the configuration only.
    Stopped = "STOPPED",
}

impl From<InitialState> for TargetState {
    fn from(state: InitialState) -> Self {
        match state {
            InitialState::Running => Self::Started,
            InitialState::Paused => Self::Paused,
            InitialState::Stopped => Self::Stopped,
        }
    }
}

impl TargetState {
    /// Reads the `initial_state` of a new connector, which is named after the state it will show, in any case (KIP-980).
    pub fn from_initial_state(text: &str) -> Option<Self> {
        match text.to_uppercase().as_str() {
            "RUNNING" => Some(Self::Started),
            "PAUSED" => Some(Self::Paused),
            "STOPPED" => Some(Self::Stopped),
            _ => None,
        }
    }

    /// The state a healthy connector shows once it has reached this target.
    pub const fn connector_state(self) -> ConnectorState {
        match self {
            Self::Started => ConnectorState::Running,
            Self::Paused => ConnectorState::Paused,
            Self::Stopped => ConnectorState::Stopped,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_is_written_with_its_connector_and_number() {
        assert_eq!(TaskId::new("file-source", 3).to_string(), "file-source-3");
        assert_eq!(serde_json::to_string(&TaskId::new("a", 0)).unwrap(), r#"{"connector":"a","task":0}"#);
    }

    #[test]
    fn tasks_order_by_number_not_by_text() {
        assert!(TaskId::new("a", 9) < TaskId::new("a", 10));
    }

    #[test]
    fn states_keep_their_names_both_ways() {
        for state in ConnectorState::ALL {
            assert_eq!(state.as_str().parse(), Ok(*state));
        }
        for state in TaskState::ALL {
            let json = serde_json::to_string(state).unwrap();
            assert_eq!(serde_json::from_str::<TaskState>(&json).unwrap(), *state);
        }
        for state in TargetState::ALL {
            assert_eq!(state.as_str().parse(), Ok(*state));
        }
    }

    #[test]
    fn a_task_cannot_be_stopped() {
        let error = "STOPPED".parse::<TaskState>().unwrap_err();
        assert_eq!(
            error.to_string(),
            "`STOPPED` is no task state; it must be one of UNASSIGNED, RUNNING, PAUSED, FAILED, RESTARTING, DESTROYED"
        );
    }

    #[test]
    fn initial_states_are_named_after_what_they_become() {
        assert_eq!(TargetState::from_initial_state("Running"), Some(TargetState::Started));
        assert_eq!(TargetState::from_initial_state("STARTED"), None);
        for target in TargetState::ALL {
            assert!(ConnectorState::ALL.contains(&target.connector_state()));
        }
    }
}
