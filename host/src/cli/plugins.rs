//! `ferroconnect plugins`: what is in a plugin path, what a library holds, and whether a directory can be used.
//!
//! Nothing here needs a running worker or Kafka.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde::Serialize;

use crate::config::{ConfigFile, Props};
use crate::error::{ConnectError, Result};
use crate::plugins::{Finder, LibraryReport, Outcome, PluginReport, Plugins, Refusal, plugin_settings, probe};

use super::output::{print, table};

/// The commands under `ferroconnect plugins`.
#[derive(Debug, Subcommand)]
pub enum PluginsCommand {
    /// List the plugins of the worker and of a plugin path, and the files that are refused
    List(ListArgs),
    /// Say what a library holds, without loading it into this process
    Inspect(InspectArgs),
    /// Check that every library in a directory can be loaded; exit code 1 if one cannot
    Verify(VerifyArgs),
}

/// Where to look.
#[derive(Debug, Args)]
pub struct ListArgs {
    /// A worker file, whose plugin.path and other plugin keys count
    worker: Option<PathBuf>,
    /// Directories in place of those of the worker file
    #[arg(long, value_name = "DIR", value_delimiter = ',')]
    plugin_path: Vec<PathBuf>,
    /// Write JSON
    #[arg(long)]
    json: bool,
}

/// What to look at.
#[derive(Debug, Args)]
pub struct InspectArgs {
    /// The library
    file: PathBuf,
    /// A worker file whose properties the library may see
    #[arg(long, value_name = "FILE")]
    worker: Option<PathBuf>,
    /// Write JSON
    #[arg(long)]
    json: bool,
    /// Load the library into this process and write one line for the worker that asked
    #[arg(long, hide = true)]
    probe: bool,
}

/// What to check.
#[derive(Debug, Args)]
pub struct VerifyArgs {
    /// The directory, looked through as an element of plugin.path
    directory: PathBuf,
    /// Write JSON
    #[arg(long)]
    json: bool,
}

/// Runs a command. Results go to standard output, a failure to standard error.
pub fn run(command: PluginsCommand) -> ExitCode {
    let done = match command {
        PluginsCommand::List(args) => list(&args),
        PluginsCommand::Inspect(args) if args.probe => return probe::child_main(&args.file),
        PluginsCommand::Inspect(args) => inspect(&args),
        PluginsCommand::Verify(args) => verify(&args),
    };
    match done {
        Ok(code) => code,
        Err(error) => {
            let causes: Vec<&str> = error.chain().map(ConnectError::message).collect();
            eprintln!("ferroconnect: {}", causes.join(": "));
            ExitCode::from(2)
        }
    }
}

fn list(args: &ListArgs) -> Result<ExitCode> {
    let worker = worker_props(args.worker.as_deref())?;
    let mut settings = plugin_settings(&worker)?;
    if !args.plugin_path.is_empty() {
        settings.path.clone_from(&args.plugin_path);
    }
    let plugins = Finder::new(&settings, &worker).find()?;
    show(args.json, &Listing::new(&plugins), Listing::to_table)?;
    Ok(ExitCode::SUCCESS)
}

fn worker_props(file: Option<&Path>) -> Result<Props> {
    file.map_or(Ok(Props::new()), |file| Ok(ConfigFile::read(file)?.into_props()))
}

fn inspect(args: &InspectArgs) -> Result<ExitCode> {
    let worker = worker_props(args.worker.as_deref())?;
    let outcome = Finder::new(&plugin_settings(&worker)?, &worker).inspect(&args.file);
    show(args.json, &outcome, describe_outcome)?;
    Ok(match outcome {
        Outcome::Fits(_) => ExitCode::SUCCESS,
        Outcome::Refused(_) => ExitCode::FAILURE,
    })
}

fn verify(args: &VerifyArgs) -> Result<ExitCode> {
    if !args.directory.is_dir() {
        let directory = args.directory.display();
        return Err(ConnectError::config(format!("{directory} is not a directory; name one that holds plugins")));
    }
    let worker = Props::new();
    let mut settings = plugin_settings(&worker)?;
    settings.path = vec![args.directory.clone()];
    let plugins = Finder::new(&settings, &worker).cache(None).find()?;
    let verdict = Verdict { libraries: plugins.libraries(), refused: plugins.refused() };
    show(args.json, &verdict, Verdict::to_text)?;
    Ok(if plugins.refused().is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn show<T: Serialize>(json: bool, what: &T, text: impl Fn(&T) -> String) -> Result<()> {
    let text = if json { serde_json::to_string_pretty(what)? + "\n" } else { text(what) };
    match print(&text) {
        // The reader, such as `head`, has seen enough.
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        written => Ok(written?),
    }
}

/// All plugins and all refused files.
#[derive(Serialize)]
struct Listing<'a> {
    plugins: Vec<PluginReport>,
    warnings: &'a [String],
    refused: &'a [Refusal],
}

impl<'a> Listing<'a> {
    fn new(plugins: &'a Plugins) -> Listing<'a> {
        let mut all: Vec<PluginReport> = plugins.registry().all().map(|plugin| plugin.report()).collect();
        // Stable: within a kind the registry's order stays.
        all.sort_by(|one, other| one.kind.cmp(&other.kind));
        Listing { plugins: all, warnings: plugins.registry().warnings(), refused: plugins.refused() }
    }

    fn to_table(&self) -> String {
        let mut rows = vec![["TYPE", "CLASS", "VERSION", "ALIASES", "LOCATION"].map(str::to_owned)];
        rows.extend(self.plugins.iter().map(|plugin| {
            let aliases = plugin.aliases.join(", ");
            [&plugin.kind, &plugin.class, &plugin.version, &aliases, &plugin.location].map(String::clone)
        }));
        let mut out = table(&rows);
        // Writing to a String cannot fail.
        let _ = writeln!(out, "\n{} plugins, {} files refused", self.plugins.len(), self.refused.len());
        for warning in self.warnings {
            let _ = writeln!(out, "warning: {warning}");
        }
        for refusal in self.refused {
            let _ = writeln!(out, "refused: {refusal}");
        }
        out
    }
}

fn describe_outcome(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Fits(report) => describe_library(report),
        Outcome::Refused(refusal) => format!("refused: {refusal}\n"),
    }
}

fn describe_library(library: &LibraryReport) -> String {
    let build = &library.build;
    let age = if library.older { ", older than this worker's" } else { "" };
    let mut out = format!(
        "{}\n  package   {} {}\n  ABI       {}.{}{age}\n  SDK       {}\n  compiler  {}\n  target    {}\n",
        library.path.display(),
        build.package,
        build.version,
        build.abi.0,
        build.abi.1,
        build.sdk,
        build.rustc,
        build.target
    );
    if !build.capabilities.is_empty() {
        let _ = writeln!(out, "  can       {}", build.capabilities.join(", "));
    }
    for plugin in &library.plugins {
        let _ = write!(out, "\n{}", describe_plugin(plugin));
    }
    out
}

fn describe_plugin(plugin: &PluginReport) -> String {
    let mut out = format!("{} {} {}\n", plugin.kind, plugin.class, plugin.version);
    if !plugin.documentation.is_empty() {
        let _ = writeln!(out, "  {}", plugin.documentation);
    }
    if !plugin.aliases.is_empty() {
        let _ = writeln!(out, "  also called {}", plugin.aliases.join(", "));
    }
    let rows: Vec<[String; 4]> = plugin
        .config
        .iter()
        .map(|key| {
            let default = match &key.default {
                _ if key.required => "required".to_owned(),
                Some(default) => format!("= {default}"),
                None => String::new(),
            };
            [format!("  {}", key.name), key.ty.to_lowercase(), default, key.documentation.replace('\n', " ")]
        })
        .collect();
    out.push_str(&table(&rows));
    out
}

/// What came of checking a directory.
#[derive(Serialize)]
struct Verdict<'a> {
    libraries: &'a [LibraryReport],
    refused: &'a [Refusal],
}

impl Verdict<'_> {
    fn to_text(&self) -> String {
        let mut out = String::new();
        for library in self.libraries {
            let _ = writeln!(out, "ok       {}: {}", library.path.display(), summary(library));
        }
        for refusal in self.refused {
            let _ = writeln!(out, "refused  {refusal}");
        }
        let _ = writeln!(out, "{} libraries can be loaded, {} cannot", self.libraries.len(), self.refused.len());
        out
    }
}

fn summary(library: &LibraryReport) -> String {
    let (build, classes) = (&library.build, &library.plugins);
    let classes: Vec<&str> = classes.iter().map(|plugin| short_name(&plugin.class)).collect();
    format!("{} {} (ABI {}.{}) with {}", build.package, build.version, build.abi.0, build.abi.1, classes.join(", "))
}

fn short_name(class: &str) -> &str {
    class.rsplit('.').next().unwrap_or(class)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_names() {
        assert_eq!(short_name("org.example.Sink"), "Sink");
        assert_eq!(short_name("Sink"), "Sink");
    }
}
