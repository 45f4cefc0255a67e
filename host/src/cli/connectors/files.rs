//! Connector files: reading them, creating connectors from them, having them checked.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;

use clap::Args;
use hyper::Method;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::client::{Answer, part};
use super::failure::Failure;
use super::{Session, each};
use crate::cli::output::printable;
use crate::config::{ConnectorFile, InitialState, Props};

/// The files.
#[derive(Debug, Args)]
pub(super) struct FilesArgs {
    /// Connector files: Java properties, JSON or TOML, as a standalone worker takes them
    #[arg(short, long = "file", required = true, num_args = 1.., value_name = "FILE")]
    files: Vec<PathBuf>,
}

impl FilesArgs {
    /// Reads all files before anything is done, so that a wrong one leaves nothing behind.
    pub(super) fn read(&self) -> Result<Vec<ConnectorFile>, Failure> {
        let mut seen: BTreeMap<String, PathBuf> = BTreeMap::new();
        let mut connectors = Vec::with_capacity(self.files.len());
        for path in &self.files {
            let connector = ConnectorFile::read(path)?;
            connector.warnings.iter().for_each(|warning| eprintln!("ferroconnect: {warning}"));
            if let Some(first) = seen.insert(connector.name.clone(), path.clone()) {
                return Err(Failure::Config(format!(
                    "{}: connector {} is in {} too; give each connector one file",
                    path.display(),
                    connector.name,
                    first.display()
                )));
            }
            connectors.push(connector);
        }
        Ok(connectors)
    }
}

/// A configuration as JSON.
pub(super) fn to_json(config: &Props) -> Value {
    let entries = config.iter().map(|(key, value)| (key.to_owned(), value.map_or(Value::Null, Value::from)));
    Value::Object(entries.collect::<Map<_, _>>())
}

/// Has the worker create a connector that is not there yet.
pub(super) async fn create_one(session: &Session, connector: &ConnectorFile) -> Result<Answer, Failure> {
    let mut body = json!({ "name": connector.name, "config": to_json(&connector.config) });
    if let Some(state) = connector.initial_state {
        body["initial_state"] = Value::from(match state {
            InitialState::Running => "RUNNING",
            InitialState::Paused => "PAUSED",
            InitialState::Stopped => "STOPPED",
        });
    }
    session.client.call(Method::POST, "/connectors", Some(&body)).await
}

pub(super) async fn create(session: &Session, args: &FilesArgs) -> Result<(), Failure> {
    each(&args.read()?, async |connector| {
        let answer = create_one(session, connector).await?;
        session.told(&answer, &format!("{} is created", connector.name))
    })
    .await
}

/// What a worker says of a configuration.
#[derive(Deserialize)]
struct Verdict {
    configs: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    value: Option<Checked>,
}

#[derive(Deserialize)]
struct Checked {
    name: String,
    errors: Vec<String>,
}

pub(super) async fn validate(session: &Session, args: &FilesArgs) -> Result<(), Failure> {
    each(&args.read()?, async |connector| validate_one(session, connector).await).await
}

async fn validate_one(session: &Session, connector: &ConnectorFile) -> Result<(), Failure> {
    let file = connector.path.display();
    let class =
        connector.config.get("connector.class").map(str::trim).ok_or_else(|| {
            Failure::Config(format!("{file}: connector.class is missing; it names the plugin to run"))
        })?;
    let path = format!("/connector-plugins/{}/config/validate", part(class));
    let answer = session.client.call(Method::PUT, &path, Some(&to_json(&connector.config))).await?;
    let verdict: Verdict = answer.json()?;
    let wrong: Vec<&Checked> = verdict
        .configs
        .iter()
        .filter_map(|entry| entry.value.as_ref())
        .filter(|value| !value.errors.is_empty())
        .collect();
    session.show(&answer, || {
        Ok(if wrong.is_empty() { format!("{file}: {} is right\n", connector.name) } else { String::new() })
    })?;
    if wrong.is_empty() { Ok(()) } else { Err(Failure::Config(problems(&file.to_string(), &wrong))) }
}

/// One line for each error, with file and key.
fn problems(file: &str, wrong: &[&Checked]) -> String {
    let mut text = String::new();
    for Checked { name, errors } in wrong {
        for error in errors {
            let _ = write!(text, "{}{file}: {name}: {}", if text.is_empty() { "" } else { "\n" }, printable(error));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_error_is_a_line_with_file_and_key() {
        let checked = |name: &str, errors: &[&str]| Checked {
            name: name.to_owned(),
            errors: errors.iter().map(|&error| error.to_owned()).collect(),
        };
        let (topic, file) = (checked("topic", &["Missing", "Wrong"]), checked("file", &["Not\nthere"]));
        assert_eq!(
            problems("c.json", &[&topic, &file]),
            "c.json: topic: Missing\nc.json: topic: Wrong\nc.json: file: Not\\nthere"
        );
    }

    #[test]
    fn two_files_of_one_connector_are_refused_before_anything_is_sent() {
        let dir = tempfile::tempdir().unwrap();
        let files = ["a.properties", "b.properties"].map(|name| dir.path().join(name));
        for file in &files {
            std::fs::write(file, "name=c\n").unwrap();
        }
        let error = FilesArgs { files: files.to_vec() }.read().unwrap_err().to_string();
        assert!(error.contains("b.properties: connector c is in ") && error.contains("a.properties too"), "{error}");
    }

    #[test]
    fn nulls_stay_nulls() {
        let mut config = Props::from([("a", "1")]);
        config.set_nullable("b", None);
        assert_eq!(to_json(&config), json!({ "a": "1", "b": null }));
    }
}
