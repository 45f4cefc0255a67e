//! Side by side: the Ferroconnect worker, the Java worker, and raw librdkafka loops, on the same file and the same broker.
//!
//! Run it through `scripts/bench.sh`, which builds everything and brings a broker.

mod arrival;
mod border;
mod connectors;
mod format;
mod raw_consume;
mod raw_produce;
mod report;
mod runs;
mod scale;
mod subject;
mod usage;

use clap::{Args, Parser, Subcommand};
use std::path::PathBuf;

#[derive(Debug, Parser)]
#[command(about = "Benchmarks of the worker beside the Java worker and raw librdkafka")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run all of it and print a table.
    Run(Options),
    /// Many connectors and tasks: REST, memory, start.
    Scale(scale::Options),
    /// The connectors for databases and Redis beside plain loops over the same drivers.
    Connectors(connectors::Options),
    /// Only what the border between worker and plugin costs.
    Border,
    /// The raw producer loop: reads lines and sends them.
    #[command(hide = true)]
    RawProduce(raw_produce::Options),
    /// The raw consumer loop: takes batches and counts.
    #[command(hide = true)]
    RawConsume(raw_consume::Options),
}

#[derive(Debug, Args)]
struct Options {
    /// Broker to use, host:port.
    #[arg(long)]
    bootstrap: String,
    /// Number of lines in the input file; each has 99 bytes and a line end.
    #[arg(long, default_value_t = 5_000_000)]
    lines: u64,
    /// How often every subject runs, in turns.
    #[arg(long, default_value_t = 2)]
    rounds: usize,
    /// What is moved.
    #[arg(long, value_enum, default_value_t = format::Format::String)]
    format: format::Format,
    /// Leave our worker out, for a machine where it is not built.
    #[arg(long)]
    without_ours: bool,
    /// Leave the Java worker out.
    #[arg(long)]
    without_java: bool,
    /// Put the tables into this Markdown file, between its `bench` markers.
    #[arg(long)]
    write: Option<PathBuf>,
}

fn main() {
    match Cli::parse().command {
        Command::Run(options) => {
            let results = runs::all(&options);
            let text = report::markdown(&options, &results);
            println!("{text}");
            if let Some(path) = &options.write {
                report::write(path, options.format.name(), &text);
            }
        }
        Command::Scale(options) => {
            let text = scale::markdown(&options, &scale::all(&options));
            println!("{text}");
            if let Some(path) = &options.write {
                report::write(path, "scale", &text);
            }
        }
        Command::Connectors(options) => {
            let text = connectors::markdown(&options, &connectors::all(&options));
            println!("{text}");
            if let Some(path) = &options.write {
                report::write(path, options.name(), &text);
            }
        }
        Command::Border => println!("{}", report::border(&border::measure())),
        Command::RawProduce(options) => raw_produce::run(&options),
        Command::RawConsume(options) => raw_consume::run(&options),
    }
}
