//! Offsets of connectors.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use hyper::Method;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::Session;
use super::client::{Answer, connector};
use super::confirm::ConfirmArgs;
use super::failure::Failure;
use crate::cli::output::{printable, table};

#[derive(Debug, Subcommand)]
pub(super) enum OffsetsCommand {
    /// Show the offsets of a connector
    Get {
        /// The connector's name
        name: String,
    },
    /// Change offsets of a stopped connector
    Alter(AlterArgs),
    /// Forget all offsets of a stopped connector: it begins anew
    Reset(ResetArgs),
}

/// What to change.
#[derive(Debug, Args)]
pub(super) struct AlterArgs {
    /// The connector's name
    name: String,
    /// A file of JSON as `offsets get --json` writes it, with the new offsets, null to forget one; - for standard input
    #[arg(short, long, value_name = "FILE")]
    file: PathBuf,
}

/// What to forget.
#[derive(Debug, Args)]
pub(super) struct ResetArgs {
    /// The connector's name
    name: String,
    #[command(flatten)]
    confirm: ConfirmArgs,
}

#[derive(Deserialize)]
struct Offsets {
    offsets: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    partition: Map<String, Value>,
    offset: Value,
}

/// What a worker says after a change.
#[derive(Deserialize)]
struct Message {
    message: String,
}

pub(super) async fn run(session: &Session, command: &OffsetsCommand) -> Result<(), Failure> {
    match command {
        OffsetsCommand::Get { name } => {
            let answer = session.client.get(&connector(name, "/offsets")).await?;
            session.show(&answer, || Ok(offsets_table(&answer.json()?)))
        }
        OffsetsCommand::Alter(args) => {
            let body = read(&args.file)?;
            let answer = session.client.call(Method::PATCH, &connector(&args.name, "/offsets"), Some(&body)).await?;
            session.show(&answer, || message(&answer))
        }
        OffsetsCommand::Reset(args) => {
            args.confirm.ask(&format!("forget all offsets of {}", args.name))?;
            let answer = session.client.call(Method::DELETE, &connector(&args.name, "/offsets"), None).await?;
            session.show(&answer, || message(&answer))
        }
    }
}

fn read(file: &Path) -> Result<Value, Failure> {
    let mut text = String::new();
    let read = if file == Path::new("-") {
        std::io::stdin().lock().read_to_string(&mut text)
    } else {
        std::fs::File::open(file).and_then(|mut file| file.read_to_string(&mut text))
    };
    read.map_err(|error| Failure::Config(format!("{}: cannot be read: {error}", file.display())))?;
    serde_json::from_str(&text).map_err(|error| Failure::Config(format!("{}: is not JSON: {error}", file.display())))
}

fn message(answer: &Answer) -> Result<String, Failure> {
    let Message { message } = answer.json()?;
    Ok(format!("{}\n", printable(&message)))
}

/// Offsets of a sink are topics, partitions and numbers; those of a source are whatever its plugin says.
fn offsets_table(Offsets { offsets }: &Offsets) -> String {
    if offsets.is_empty() {
        return "no offsets\n".to_owned();
    }
    if let Some(mut rows) = offsets.iter().map(sink_row).collect::<Option<Vec<_>>>() {
        rows.sort();
        let header = ["TOPIC", "PARTITION", "OFFSET"].map(str::to_owned);
        let cells = rows.into_iter().map(|(topic, partition, offset)| [topic, partition.to_string(), offset]);
        return table(&std::iter::once(header).chain(cells).collect::<Vec<_>>());
    }
    let mut rows: Vec<[String; 2]> = offsets
        .iter()
        .map(|entry| [Value::Object(entry.partition.clone()), entry.offset.clone()].map(|v| v.to_string()))
        .collect();
    rows.sort();
    rows.insert(0, ["PARTITION", "OFFSET"].map(str::to_owned));
    table(&rows)
}

fn sink_row(Entry { partition, offset }: &Entry) -> Option<(String, i64, String)> {
    let topic = partition.get("kafka_topic")?.as_str()?.to_owned();
    let offset = match offset {
        Value::Null => "none".to_owned(),
        offset => offset.get("kafka_offset")?.to_string(),
    };
    Some((topic, partition.get("kafka_partition")?.as_i64()?, offset))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(json: &str) -> String {
        offsets_table(&serde_json::from_str(json).unwrap())
    }

    #[test]
    fn offsets_of_sinks_are_in_the_order_of_partitions() {
        let entry =
            |p: u32, o: &str| format!(r#"{{"partition":{{"kafka_topic":"t","kafka_partition":{p}}},"offset":{o}}}"#);
        let offset = r#"{"kafka_offset":42}"#;
        let json = format!(r#"{{"offsets":[{},{}]}}"#, entry(10, offset), entry(9, "null"));
        assert_eq!(shown(&json), "TOPIC  PARTITION  OFFSET\nt      9          none\nt      10         42\n");
    }

    #[test]
    fn offsets_of_sources_are_json() {
        let json = r#"{"offsets":[{"partition":{"filename":"b"},"offset":{"position":7}},{"partition":{"filename":"a"},"offset":null}]}"#;
        let expected = "PARTITION         OFFSET\n{\"filename\":\"a\"}  null\n{\"filename\":\"b\"}  {\"position\":7}\n";
        assert_eq!(shown(json), expected);
        assert_eq!(shown(r#"{"offsets":[]}"#), "no offsets\n");
    }
}
