//! `apply`: makes connectors be as files say.

use clap::Args;
use hyper::Method;
use serde_json::{Value, json};

use super::client::connector;
use super::diff::{Change, Config, diff};
use super::failure::Failure;
use super::files::{FilesArgs, create_one, to_json};
use super::secrets::Secrets;
use super::{Session, each};
use crate::cli::output::{print, printable};
use crate::config::ConnectorFile;

/// What to apply.
#[derive(Debug, Args)]
pub(super) struct ApplyArgs {
    #[command(flatten)]
    files: FilesArgs,
    /// Only say what would be done, key by key
    #[arg(long)]
    dry_run: bool,
}

/// What has to be done for one connector.
enum Plan {
    Create,
    Change(Vec<Change>),
    Nothing,
}

impl Plan {
    fn of(is: Option<&Config>, wanted: &ConnectorFile) -> Self {
        let Some(is) = is else { return Self::Create };
        let changes = diff(is, &wanted.config);
        if changes.is_empty() { Self::Nothing } else { Self::Change(changes) }
    }

    /// What is done, for people and scripts alike.
    fn word(&self) -> &'static str {
        match self {
            Self::Create => "created",
            Self::Change(_) => "changed",
            Self::Nothing => "unchanged",
        }
    }

    /// The keys that differ; of a new connector all.
    fn changes(self, wanted: &ConnectorFile) -> Vec<Change> {
        match self {
            Self::Create => diff(&Config::new(), &wanted.config),
            Self::Change(changes) => changes,
            Self::Nothing => Vec::new(),
        }
    }
}

pub(super) async fn apply(session: &Session, args: &ApplyArgs) -> Result<(), Failure> {
    each(&args.files.read()?, async |wanted| one(session, wanted, args.dry_run).await).await
}

async fn one(session: &Session, wanted: &ConnectorFile, dry_run: bool) -> Result<(), Failure> {
    let found = session.client.find(&connector(&wanted.name, "/config")).await?;
    let is: Option<Config> = found.map(|answer| answer.json()).transpose()?;
    let plan = Plan::of(is.as_ref(), wanted);
    if !dry_run {
        match &plan {
            Plan::Create => drop(create_one(session, wanted).await?),
            Plan::Change(_) => {
                let path = connector(&wanted.name, "/config");
                session.client.call(Method::PUT, &path, Some(&to_json(&wanted.config))).await?;
            }
            Plan::Nothing => {}
        }
    }
    let word = plan.word();
    let changes = plan.changes(wanted);
    let text = if session.json {
        let changes: Vec<Value> = changes.iter().map(Change::json).collect();
        format!("{}\n", json!({ "name": wanted.name, "action": word, "dry_run": dry_run, "changes": changes }))
    } else if dry_run {
        let secrets = Secrets::of(&session.client, wanted.config.get("connector.class")).await;
        let lines = changes.iter().map(|change| format!("  {}\n", change.line(secrets.covers(change.key()))));
        let would = if changes.is_empty() { "is" } else { "would be" };
        format!("{} {would} {word}\n{}", printable(&wanted.name), lines.collect::<String>())
    } else {
        format!("{} is {word}\n", printable(&wanted.name))
    };
    Ok(print(&text)?)
}
