//! Checking connector files.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use indexmap::IndexSet;

use super::findings::{CONNECTOR, Findings, chain};
use super::worker::Checked;
use crate::config::{ConfigInfos, ConnectorFile};
use crate::connector_dir::connector_files;
use crate::error::{ConnectError, Result};
use crate::runtime::Runtime;
use crate::worker::Worker;

/// How long a plugin may think about a configuration, as behind the REST API.
const VALIDATION_TIMEOUT: Duration = Duration::from_secs(90);

/// Reads all files and has each checked as the REST API does. Without a worker they are only read. Files of the
/// connector directory that are wrong keep no worker from starting, but their connectors.
pub(super) fn check(files: &[PathBuf], worker: Option<&Checked>, findings: &mut Findings) {
    let directory = worker.and_then(|checked| checked.connectors_dir.as_deref()).map(connector_files);
    let followed = directory.transpose().unwrap_or_else(|error| {
        findings.failure(CONNECTOR, &error);
        None
    });
    let worker = worker.map(|checked| &checked.worker);
    let mut names: BTreeMap<String, String> = BTreeMap::new();
    for path in files.iter().chain(followed.iter().flatten()) {
        let place = path.display().to_string();
        let connector = match ConnectorFile::read(path) {
            Ok(connector) => connector,
            // Its message names the file.
            Err(error) => {
                findings.error(CONNECTOR, chain(&error));
                continue;
            }
        };
        for warning in &connector.warnings {
            findings.warning(CONNECTOR, warning);
        }
        if let Some(first) = names.insert(connector.name.clone(), place.clone()) {
            findings.file_error(&place, Some("name"), format!("Connector {} is in {first} too", connector.name));
        }
        match worker {
            Some(worker) => check_one(&place, connector, worker, findings),
            None => findings.file_ok(&place, "can be read; the rest needs a worker file that is right"),
        }
    }
}

fn check_one(place: &str, connector: ConnectorFile, worker: &Arc<Worker>, findings: &mut Findings) {
    if connector.config.get("connector.class").is_none_or(|class| class.trim().is_empty()) {
        let missing = "Missing required configuration \"connector.class\" which has no default value.";
        return findings.file_error(place, Some("connector.class"), missing);
    }
    let name = connector.name.clone();
    match validate(connector, worker) {
        Ok(infos) if infos.error_count == 0 => findings.file_ok(place, format!("{name} can be created")),
        Ok(infos) => {
            for value in infos.configs.iter().filter_map(|config| config.value.as_ref()) {
                // Where a provider gave the value, errors look the same without it.
                let errors: IndexSet<&String> = value.errors.iter().collect();
                errors.into_iter().for_each(|error| findings.file_error(place, Some(&value.name), error));
            }
        }
        Err(error) => findings.file_error(place, None, chain(&error)),
    }
}

/// On a thread of its own, because plugins may hang.
fn validate(connector: ConnectorFile, worker: &Arc<Worker>) -> Result<ConfigInfos> {
    let (sender, answer) = channel();
    let worker = Arc::clone(worker);
    std::thread::Builder::new().name("validate".to_owned()).spawn(move || {
        // Nobody waits any more for an answer that comes too late.
        let _ = sender.send(worker.validate(&connector.config));
    })?;
    answer.recv_timeout(VALIDATION_TIMEOUT).unwrap_or_else(|error| {
        Err(ConnectError::connect(match error {
            RecvTimeoutError::Timeout => {
                format!("The plugin has not answered within {} s", VALIDATION_TIMEOUT.as_secs())
            }
            RecvTimeoutError::Disconnected => "The plugin has panicked".to_owned(),
        }))
    })
}
