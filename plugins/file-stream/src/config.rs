//! The configuration of both connectors.

use ferroconnect_plugin_sdk::{Config, ConfigDef, Key, Result};
use std::path::{Path, PathBuf};

/// The file to read or write; none = standard input or output.
pub const FILE: &str = "file";
/// The topic to write to.
pub const TOPIC: &str = "topic";
/// Records in one poll.
pub const BATCH_SIZE: &str = "batch.size";
/// What to look for beside growth of the file.
pub const CHANGE_DETECTION: &str = "file.change.detection";
/// Whether the sink syncs its file before offsets are committed.
pub const FSYNC: &str = "fsync";

/// What the source notices beside growth of its file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangeDetection {
    /// Nothing, as in Kafka: the position stays where it is.
    None,
    /// A file shorter than the position is read from its start.
    Truncate,
    /// As `Truncate`; also a new file under the same name is read from its start, once the old one is read to its
    /// end.
    Replace,
}

/// The configuration of the source.
#[derive(Debug, Clone)]
pub struct SourceOptions {
    /// The file as configured; none = standard input.
    pub file: Option<String>,
    /// The topic.
    pub topic: String,
    /// The most records of one poll, at least 1.
    pub batch_size: usize,
    /// What to look for.
    pub detection: ChangeDetection,
}

/// The configuration of the sink.
#[derive(Debug, Clone)]
pub struct SinkOptions {
    /// The file; none = standard output.
    pub file: Option<PathBuf>,
    /// Whether to sync before offsets are committed.
    pub fsync: bool,
}

/// The keys of the source.
pub fn source_def() -> ConfigDef {
    ConfigDef::new()
        .key(Key::string(FILE).high().doc("The file to read. Without one, standard input is read."))
        .key(Key::string(TOPIC).required().non_empty().high().doc("The topic that gets one record for each line."))
        .key(
            Key::int(BATCH_SIZE)
                .default_value("2000")
                .low()
                .doc("How many records one poll gives at most. A value below 1 counts as 1."),
        )
        .key(Key::string(CHANGE_DETECTION).default_value("none").one_of(&["none", "truncate", "replace"]).low().doc(
            "What to do when the file does not just grow. 'none': keep the position, as Kafka does. 'truncate': read a \
             file that became shorter than the position from its start. 'replace': do that too, and when another file \
             was put under the name, read the old one to its end and then the new one from its start.",
        ))
}

/// The keys of the sink.
pub fn sink_def() -> ConfigDef {
    ConfigDef::new()
        .key(Key::string(FILE).high().doc("The file to append to. Without one, lines go to standard output."))
        .key(Key::boolean(FSYNC).default_value("true").low().doc(
            "Whether the file is synced to disk before offsets are committed, so that a crash of the machine loses no \
             committed record.",
        ))
}

/// The configured file; an empty name is none.
pub fn file_of(config: &Config) -> Option<&str> {
    config.get(FILE).filter(|file| !file.is_empty())
}

impl SourceOptions {
    /// Reads a configuration.
    pub fn parse(config: &Config) -> Result<SourceOptions> {
        let detection = match config.get(CHANGE_DETECTION) {
            Some("truncate") => ChangeDetection::Truncate,
            Some("replace") => ChangeDetection::Replace,
            // The worker has refused everything else.
            _ => ChangeDetection::None,
        };
        Ok(SourceOptions {
            file: file_of(config).map(str::to_owned),
            topic: config.text(TOPIC)?.to_owned(),
            batch_size: usize::try_from(config.parse::<i32>(BATCH_SIZE)?).unwrap_or(0).max(1),
            detection,
        })
    }

    /// The input for people.
    pub fn input_name(&self) -> &str {
        self.file.as_deref().unwrap_or("standard input")
    }
}

impl SinkOptions {
    /// Reads a configuration.
    pub fn parse(config: &Config) -> Result<SinkOptions> {
        Ok(SinkOptions { file: file_of(config).map(PathBuf::from), fsync: config.flag(FSYNC)? })
    }

    /// The output for people.
    pub fn output_name(&self) -> String {
        self.file.as_deref().map_or("standard output".into(), |file: &Path| file.display().to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(pairs: &[(&str, &str)]) -> SourceOptions {
        let mut config = Config::default();
        for (key, value) in pairs {
            config.set(key, value);
        }
        SourceOptions::parse(&source_def().parse(&config.to_pairs()).unwrap()).unwrap()
    }

    #[test]
    fn an_empty_file_name_is_standard_input() {
        assert_eq!(source(&[("topic", "t"), ("file", " ")]).file, None);
        assert_eq!(source(&[("topic", "t"), ("file", " f ")]).file.as_deref(), Some("f"));
    }

    #[test]
    fn a_batch_holds_at_least_one_record() {
        assert_eq!(source(&[("topic", "t")]).batch_size, 2000);
        assert_eq!(source(&[("topic", "t"), ("batch.size", "-3")]).batch_size, 1);
    }
}
