//! `ferroconnect transform`: what a connector's converters and transforms do to sample records.
//!
//! Reads one JSON object a line from standard input and shows each step of the connector's chain. Needs no Kafka, and
//! starts no connector: only converters, transforms and predicates are made, those from plugin libraries included.
//! `docs/dry-run.md` describes the form of the input.

mod input;
mod lines;
mod setup;
mod show;
mod steps;

use std::io::{self, BufRead as _, IsTerminal as _, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, ValueEnum};

use crate::error::ConnectError;
use setup::Setup;
use show::{Output, Totals};

/// What to try out.
#[derive(Debug, Args)]
pub(super) struct TransformArgs {
    /// The connector's file: Java properties, JSON or TOML
    connector: PathBuf,
    /// The worker's file, for its converters, config providers and plugin.path; without it, converters that the
    /// connector does not name are JsonConverter
    #[arg(long, value_name = "FILE")]
    worker: Option<PathBuf>,
    /// Directories with plugins, in place of those of the worker's file
    #[arg(long, value_name = "DIR", value_delimiter = ',')]
    plugin_path: Vec<PathBuf>,
    /// How to show it
    #[arg(long, value_enum, default_value_t = Form::Text)]
    output: Form,
    /// What the connector is, where its plugin is not there to say so
    #[arg(long, value_enum, value_name = "KIND")]
    kind: Option<Kind>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Form {
    /// For people: what each step changes
    Text,
    /// For programs: one JSON object a record
    Json,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Kind {
    /// Its records go into Kafka
    Source,
    /// Its records come out of Kafka
    Sink,
}

/// A record failed, or a line could not be read.
const EXIT_FAILED: u8 = 1;
/// A file is wrong.
const EXIT_SETUP: u8 = 2;

/// Runs the command. Steps go to standard output, what is wrong with files and lines to standard error.
pub(super) fn run(args: &TransformArgs) -> ExitCode {
    let setup = match Setup::new(args) {
        Ok(setup) => setup,
        Err(problems) => {
            for problem in problems {
                let causes: Vec<&str> = problem.chain().map(ConnectError::message).collect();
                eprintln!("ferroconnect: {}", causes.join(": "));
            }
            return ExitCode::from(EXIT_SETUP);
        }
    };
    for note in &setup.notes {
        eprintln!("ferroconnect: {note}");
    }
    if io::stdin().is_terminal() {
        eprintln!("ferroconnect: reading records, one JSON object a line; ctrl-D ends");
    }
    match try_records(setup, args.output) {
        Ok(totals) if totals.all_well() => ExitCode::SUCCESS,
        Ok(_) => ExitCode::from(EXIT_FAILED),
        // The reader, such as `head`, has seen enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("ferroconnect: {error}");
            ExitCode::from(EXIT_FAILED)
        }
    }
}

fn try_records(mut setup: Setup, form: Form) -> io::Result<Totals> {
    let mut output = Output::new(io::stdout().lock(), form == Form::Json);
    let mut totals = Totals::default();
    for (index, line) in io::stdin().lock().split(b'\n').enumerate() {
        let (line, number) = (line?, index + 1);
        if line.trim_ascii().is_empty() {
            continue;
        }
        match input::read(&line, number, &setup.sample) {
            Ok(input) => {
                let trace = steps::run(&mut setup, input);
                totals.count(&trace.outcome);
                output.trace(number, &trace, &setup)?;
            }
            Err(error) => {
                totals.unreadable += 1;
                eprintln!("ferroconnect: line {number}: {error}");
                output.unreadable(number, &error)?;
            }
        }
    }
    output.totals(&totals)?;
    io::stdout().flush()?;
    Ok(totals)
}
