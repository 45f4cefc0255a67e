//! Showing a connector's configuration.

use clap::Args;

use super::Session;
use super::client::connector;
use super::diff::{Config, shown};
use super::failure::Failure;
use super::secrets::Secrets;
use crate::cli::output::printable;

/// Whose configuration.
#[derive(Debug, Args)]
pub(super) struct ConfigArgs {
    /// The connector's name. Secrets are hidden, unless with --json
    name: String,
}

pub(super) async fn config(session: &Session, args: &ConfigArgs) -> Result<(), Failure> {
    let answer = session.client.get(&connector(&args.name, "/config")).await?;
    let config: Config = answer.json()?;
    let class = config.get("connector.class").cloned().flatten();
    let secrets = Secrets::of(&session.client, class.as_deref()).await;
    session.show(&answer, || Ok(lines(&config, &secrets)))
}

/// One line for each key, in the order of keys.
fn lines(config: &Config, secrets: &Secrets) -> String {
    let line = |(key, value): (&String, &Option<String>)| {
        let secret = secrets.hides(key, value.as_deref());
        format!("{} = {}\n", printable(key), shown(value.as_deref(), secret))
    };
    config.iter().map(line).collect()
}
