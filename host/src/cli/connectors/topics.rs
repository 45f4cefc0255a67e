//! The topics that connectors have used (KIP-558).

use std::collections::BTreeMap;

use clap::Subcommand;
use hyper::Method;
use serde::Deserialize;

use super::Session;
use super::client::connector;
use super::failure::Failure;
use crate::cli::output::printable;

#[derive(Debug, Subcommand)]
pub(super) enum TopicsCommand {
    /// Show the topics that a connector has used since it was created or they were forgotten
    Get {
        /// The connector's name
        name: String,
    },
    /// Forget the topics that a connector has used; the topics themselves stay as they are
    Reset {
        /// The connector's name
        name: String,
    },
}

#[derive(Deserialize)]
struct Used {
    topics: Vec<String>,
}

pub(super) async fn run(session: &Session, command: &TopicsCommand) -> Result<(), Failure> {
    match command {
        TopicsCommand::Get { name } => {
            let answer = session.client.get(&connector(name, "/topics")).await?;
            session.show(&answer, || {
                let used: BTreeMap<String, Used> = answer.json()?;
                let mut topics: Vec<String> = used.into_values().flat_map(|used| used.topics).collect();
                topics.sort();
                Ok(topics.iter().map(|topic| format!("{}\n", printable(topic))).collect())
            })
        }
        TopicsCommand::Reset { name } => {
            let answer = session.client.call(Method::PUT, &connector(name, "/topics/reset"), None).await?;
            session.told(&answer, &format!("the topics of {name} are forgotten"))
        }
    }
}
