//! Log levels of the worker.

use std::collections::BTreeMap;

use clap::Args;
use hyper::{Method, StatusCode};
use serde::Deserialize;
use serde_json::json;

use super::Session;
use super::client::part;
use super::failure::Failure;
use crate::cli::output::table;

/// Which levels.
#[derive(Debug, Args)]
pub(super) struct LogsLevelArgs {
    /// A logger, such as org.apache.kafka.connect or root; all without one
    logger: Option<String>,
    /// The level to set for it and all below it: TRACE, DEBUG, INFO, WARN, ERROR, FATAL or OFF
    level: Option<String>,
    /// Set it on all workers of the cluster
    #[arg(long, requires = "level")]
    cluster: bool,
}

#[derive(Deserialize)]
struct Level {
    level: String,
}

pub(super) async fn run(session: &Session, args: &LogsLevelArgs) -> Result<(), Failure> {
    let Some(logger) = &args.logger else {
        let answer = session.client.get("/admin/loggers").await?;
        return session.show(&answer, || Ok(levels(answer.json()?)));
    };
    let path = format!("/admin/loggers/{}", part(logger));
    let Some(level) = &args.level else {
        let answer = session.client.get(&path).await?;
        return session.show(&answer, || Ok(levels(BTreeMap::from([(logger.clone(), answer.json()?)]))));
    };
    let path = if args.cluster { format!("{path}?scope=cluster") } else { path };
    let answer = session.client.call(Method::PUT, &path, Some(&json!({ "level": level }))).await?;
    if answer.status == StatusCode::NO_CONTENT {
        return session.told(&answer, &format!("all workers are told to set {logger} to {level}"));
    }
    session.show(&answer, || {
        let changed: Vec<String> = answer.json()?;
        Ok(match changed.len() {
            0 => format!("no logger has changed: {logger} has this level already\n"),
            1 => format!("1 logger is set to {level}\n"),
            count => format!("{count} loggers are set to {level}\n"),
        })
    })
}

fn levels(levels: BTreeMap<String, Level>) -> String {
    let rows = levels.into_iter().map(|(logger, Level { level })| [logger, level]);
    table(&std::iter::once(["LOGGER", "LEVEL"].map(str::to_owned)).chain(rows).collect::<Vec<_>>())
}
