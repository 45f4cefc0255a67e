//! Log levels, with the names operators of Kafka Connect know.

use std::fmt;
use std::str::FromStr;

/// How much a logger says. Ordered: a logger at a level lets through every message at that level or a lower one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum LogLevel {
    /// Nothing. Only loggers have this level, never messages.
    Off = 0,
    /// Something failed.
    Error = 1,
    /// Something is odd and may need a hand.
    Warn = 2,
    /// What an operator wants to read in a normal day.
    Info = 3,
    /// For finding a fault.
    Debug = 4,
    /// Everything.
    Trace = 5,
}

impl LogLevel {
    /// Every level, quietest first.
    pub const ALL: [Self; 6] = [Self::Off, Self::Error, Self::Warn, Self::Info, Self::Debug, Self::Trace];

    /// The upper-case name, as in log lines and REST.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Off => "OFF",
            Self::Error => "ERROR",
            Self::Warn => "WARN",
            Self::Info => "INFO",
            Self::Debug => "DEBUG",
            Self::Trace => "TRACE",
        }
    }

    /// The level for a number that crossed the plugin border (0 = off … 5 = trace); larger numbers are `Trace`.
    pub const fn from_number(number: u8) -> Self {
        match number {
            0 => Self::Off,
            1 => Self::Error,
            2 => Self::Warn,
            3 => Self::Info,
            4 => Self::Debug,
            _ => Self::Trace,
        }
    }

    /// The filter `tracing` is to apply before it asks anyone.
    pub(super) const fn as_filter(self) -> tracing::level_filters::LevelFilter {
        use tracing::level_filters::LevelFilter;
        match self {
            Self::Off => LevelFilter::OFF,
            Self::Error => LevelFilter::ERROR,
            Self::Warn => LevelFilter::WARN,
            Self::Info => LevelFilter::INFO,
            Self::Debug => LevelFilter::DEBUG,
            Self::Trace => LevelFilter::TRACE,
        }
    }
}

impl From<&tracing::Level> for LogLevel {
    fn from(level: &tracing::Level) -> Self {
        match *level {
            tracing::Level::ERROR => Self::Error,
            tracing::Level::WARN => Self::Warn,
            tracing::Level::INFO => Self::Info,
            tracing::Level::DEBUG => Self::Debug,
            tracing::Level::TRACE => Self::Trace,
        }
    }
}

impl fmt::Display for LogLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A text that names no log level.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("invalid log level '{0}'.")]
pub struct UnknownLevel(pub String);

impl FromStr for LogLevel {
    type Err = UnknownLevel;

    /// Reads a level in any case. Java's `FATAL` and `ALL` become their nearest neighbours, `ERROR` and `TRACE`.
    fn from_str(text: &str) -> Result<Self, UnknownLevel> {
        match text.to_ascii_uppercase().as_str() {
            "OFF" => Ok(Self::Off),
            "ERROR" | "FATAL" => Ok(Self::Error),
            "WARN" => Ok(Self::Warn),
            "INFO" => Ok(Self::Info),
            "DEBUG" => Ok(Self::Debug),
            "TRACE" | "ALL" => Ok(Self::Trace),
            _ => Err(UnknownLevel(text.to_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_read_in_any_case_and_java_ones_find_a_neighbour() {
        assert_eq!("debug".parse(), Ok(LogLevel::Debug));
        assert_eq!("FATAL".parse(), Ok(LogLevel::Error));
        assert_eq!("All".parse(), Ok(LogLevel::Trace));
        let error = "LOUD".parse::<LogLevel>().unwrap_err();
        assert_eq!(error.to_string(), "invalid log level 'LOUD'.");
        assert!("".parse::<LogLevel>().is_err());
    }

    #[test]
    fn numbers_and_names_agree() {
        for level in LogLevel::ALL {
            assert_eq!(LogLevel::from_number(level as u8), level);
            assert_eq!(level.as_str().parse(), Ok(level));
        }
    }
}
