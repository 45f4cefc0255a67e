//! What a check has found.

use std::fmt::Write as _;

use serde::Serialize;
use serde_json::json;

use crate::cli::output::printable;
use crate::error::ConnectError;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Level {
    /// As it should be.
    Ok,
    /// The worker would start, but somebody should look at it.
    Warning,
    /// A start would fail, or nothing could run.
    Error,
}

/// What findings about connector files are about.
pub(super) const CONNECTOR: &str = "connector";

/// One thing.
#[derive(Debug, Serialize)]
pub(super) struct Finding {
    level: Level,
    /// The part of the worker, such as `brokers`.
    about: &'static str,
    /// The connector file, where it is about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<String>,
    /// The key in that file.
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<String>,
    message: String,
}

/// All of them, in the order of finding.
#[derive(Debug, Default)]
pub(super) struct Findings(Vec<Finding>);

impl Findings {
    /// Notes what is as it should be.
    pub(super) fn ok(&mut self, about: &'static str, message: impl Into<String>) {
        self.add(Level::Ok, about, message.into());
    }

    pub(super) fn warning(&mut self, about: &'static str, message: impl Into<String>) {
        self.add(Level::Warning, about, message.into());
    }

    pub(super) fn error(&mut self, about: &'static str, message: impl Into<String>) {
        self.add(Level::Error, about, message.into());
    }

    /// Notes an error with its causes.
    pub(super) fn failure(&mut self, about: &'static str, error: &ConnectError) {
        self.error(about, chain(error));
    }

    /// Notes what is as it should be in a connector file.
    pub(super) fn file_ok(&mut self, file: &str, message: impl Into<String>) {
        let file = Some(file.to_owned());
        self.0.push(Finding { level: Level::Ok, about: CONNECTOR, file, key: None, message: message.into() });
    }

    /// Notes an error of a connector file; of one key, if it is one key's.
    pub(super) fn file_error(&mut self, file: &str, key: Option<&str>, message: impl Into<String>) {
        let (file, key) = (Some(file.to_owned()), key.map(str::to_owned));
        self.0.push(Finding { level: Level::Error, about: CONNECTOR, file, key, message: message.into() });
    }

    fn add(&mut self, level: Level, about: &'static str, message: String) {
        self.0.push(Finding { level, about, file: None, key: None, message });
    }

    fn count(&self, level: Level) -> usize {
        self.0.iter().filter(|finding| finding.level == level).count()
    }

    pub(super) fn errors(&self) -> usize {
        self.count(Level::Error)
    }

    /// A line for each, and how many there are.
    pub(super) fn to_text(&self) -> String {
        let mut out = String::new();
        for Finding { level, about, file, key, message } in &self.0 {
            let level = match level {
                Level::Ok => "ok",
                Level::Warning => "warning",
                Level::Error => "error",
            };
            let place: String = file.iter().chain(key).map(|part| format!("{}: ", printable(part))).collect();
            // Writing to a String cannot fail.
            let _ = writeln!(out, "{level:7}  {about:11}  {place}{}", printable(message));
        }
        let _ = writeln!(out, "{} errors, {} warnings", self.errors(), self.count(Level::Warning));
        out
    }

    pub(super) fn to_json(&self) -> String {
        let (errors, warnings) = (self.errors(), self.count(Level::Warning));
        let all = json!({ "errors": errors, "warnings": warnings, "findings": self.0 });
        format!("{all:#}\n")
    }
}

/// The messages of an error and its causes.
pub(super) fn chain(error: &ConnectError) -> String {
    error.chain().map(ConnectError::message).collect::<Vec<_>>().join(": ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings() -> Findings {
        let mut findings = Findings::default();
        findings.ok("worker file", "w.properties");
        findings.warning("plugins", "x.so: is no library");
        findings.failure("brokers", &ConnectError::connect("no answer").caused_by(ConnectError::connect("refused")));
        findings.file_error("c.json", Some("topic"), "Missing\u{1b}");
        findings
    }

    #[test]
    fn every_finding_is_a_line() {
        let expected = "\
ok       worker file  w.properties
warning  plugins      x.so: is no library
error    brokers      no answer: refused
error    connector    c.json: topic: Missing\\u{1b}
2 errors, 1 warnings
";
        assert_eq!(findings().to_text(), expected);
    }

    #[test]
    fn scripts_get_the_same() {
        let json: serde_json::Value = serde_json::from_str(&findings().to_json()).unwrap();
        assert_eq!((&json["errors"], &json["warnings"]), (&2.into(), &1.into()));
        let last = json!({ "level": "error", "about": "connector", "file": "c.json", "key": "topic", "message": "Missing\u{1b}" });
        assert_eq!(json["findings"][3], last);
    }
}
