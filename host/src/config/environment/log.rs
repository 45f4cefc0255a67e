//! What the environment of a container says about the log.

use super::{Environment, in_environment, names};
use crate::error::{ConnectError, Result};
use crate::telemetry::LogFormat;
use crate::telemetry::loggers::{LEVELS_VARIABLE, LevelSpec};

/// Behind the prefix: settings of Java's log library.
const LOG4J: &str = "LOG4J_";

/// Which of these settings of Java's log library mean something here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Setting<'a> {
    Root,
    Several,
    One(&'a str),
}

impl<'a> Setting<'a> {
    fn parse(variable: &'a str) -> Option<Self> {
        match variable.strip_prefix(names::PREFIX)?.strip_prefix(LOG4J)? {
            "ROOT_LOGLEVEL" | "ROOTLOGGER" => Some(Self::Root),
            "LOGGERS" => Some(Self::Several),
            other => other.strip_prefix("LOGGER_").map(Self::One),
        }
    }
}

/// Whether a name behind the prefix is a setting of Java's log library, not a worker key.
pub(super) fn is_log_setting(name: &str) -> bool {
    name.starts_with(LOG4J)
}

impl Environment {
    /// The levels to begin with: `LOG_LEVEL` for all loggers, `CONNECT_LOG4J_ROOT_LOGLEVEL` likewise,
    /// `CONNECT_LOG4J_LOGGERS` and `CONNECT_LOG4J_LOGGER_NAME` for some, then those of `FERROCONNECT_LOG`.
    ///
    /// # Errors
    /// A level that is none; the message names the variable.
    pub fn log_levels(&self) -> Result<LevelSpec> {
        let mut items = Vec::new();
        for (variable, text) in self.level_texts() {
            if let Err(error) = text.parse::<LevelSpec>() {
                let reason = error.reason();
                return Err(ConnectError::config(format!("{}: {reason}", in_environment(variable))));
            }
            items.push(text);
        }
        items.join(",").parse().map_err(|_| ConnectError::illegal_state("Levels that are right make a right list"))
    }

    /// Each variable with levels, and what it says in the form of `FERROCONNECT_LOG`. Later ones count more.
    fn level_texts(&self) -> Vec<(&str, String)> {
        let mut texts = Vec::new();
        if let Some(level) = self.get("LOG_LEVEL") {
            texts.push(("LOG_LEVEL", level.to_owned()));
        }
        for (variable, value) in self.variables.iter().filter(|(_, value)| !value.is_empty()) {
            // A logger of log4j may have names of appenders behind its level.
            let level = value.split(',').next().unwrap_or_default().trim();
            match Setting::parse(variable) {
                Some(Setting::Root) => texts.push((variable.as_str(), level.to_owned())),
                Some(Setting::Several) => texts.push((variable, value.clone())),
                Some(Setting::One(logger)) => texts.push((variable, format!("{}={level}", names::key_of(logger)))),
                None => {}
            }
        }
        if let Some(levels) = self.get(LEVELS_VARIABLE) {
            texts.push((LEVELS_VARIABLE, levels.to_owned()));
        }
        texts
    }

    /// Settings of Java's log library that mean nothing here, such as appenders.
    pub(super) fn useless_log_settings(&self) -> impl Iterator<Item = &str> {
        let of_log = |name: &&str| name.strip_prefix(names::PREFIX).is_some_and(is_log_setting);
        self.variables.keys().map(String::as_str).filter(of_log).filter(|name| Setting::parse(name).is_none())
    }

    /// The form of log lines that a container is told by its worker key, for the lines before worker keys are read.
    pub fn log_format(&self) -> Option<LogFormat> {
        self.get("CONNECT_LOG_FORMAT").and_then(|text| text.parse().ok())
    }
}
