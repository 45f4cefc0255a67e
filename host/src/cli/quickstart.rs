//! `ferroconnect quickstart`: a file's lines through a broker inside this process into another file, by way of plugin
//! libraries, while REST answers.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};
use std::time::{Duration, Instant};

use clap::Args;

use super::standalone::{end_signals, signal_name, start_log};
use crate::app::{self, Standalone};
use crate::error::{ConnectError, Result};
use crate::kafka::EmbeddedBroker;

/// The topic the lines go through.
const TOPIC: &str = "quickstart";
/// How long the lines may take.
const TIME_LIMIT: Duration = Duration::from_secs(60);
/// How often the copy is looked at.
const LOOK: Duration = Duration::from_millis(50);

/// What the quick start can be told.
#[derive(Debug, Args)]
pub(super) struct QuickstartArgs {
    /// Where the plugin libraries are
    #[arg(long, default_value = "target/release/plugins")]
    plugins: PathBuf,
    /// A file to copy; without one a small file is made
    #[arg(long)]
    file: Option<PathBuf>,
    /// Where the copy and the worker's files go; a fresh folder among the temporary files by default
    #[arg(long)]
    dir: Option<PathBuf>,
    /// Where REST listens; 0 = any free port
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// Go on until ctrl-C after the file is copied
    #[arg(long)]
    stay: bool,
}

pub(super) fn run(args: &QuickstartArgs) -> ExitCode {
    if !start_log() {
        return ExitCode::from(2);
    }
    match copy(args) {
        Ok(last_line) => {
            println!("{last_line}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("Quick start failed: {}", error.trace().trim_end());
            ExitCode::from(3)
        }
    }
}

struct Files {
    source: PathBuf,
    copy: PathBuf,
    worker: PathBuf,
    connectors: [PathBuf; 2],
}

fn copy(args: &QuickstartArgs) -> Result<String> {
    let signal = watch_signals()?;
    let begin = Instant::now();
    let broker = EmbeddedBroker::start()?;
    // One partition, so that the lines keep their order.
    broker.create_topic(TOPIC, 1)?;
    tracing::warn!(
        "The embedded broker at {} is for the quick start only: it forgets all records at the end and keeps only the newest few MB of a partition.",
        broker.bootstrap_servers()
    );
    let files = write_files(args, broker.bootstrap_servers())?;
    let wanted = complete_lines(&files.source)?;
    let (config, plugins) = app::load(&files.worker)?;
    let worker = Standalone::run(config, &plugins, &files.connectors, begin)?;
    println!("Copying {} to {}", files.source.display(), files.copy.display());
    println!("REST answers at {0} (try: curl {0}connectors?expand=status)", worker.url());
    let result = wait_for_copy(&worker, &files.copy, &wanted, &signal);
    if matches!(result, Ok(None)) && args.stay {
        println!("Copied. Add lines to {} and see them arrive; ctrl-C ends.", files.source.display());
        wait_for_signal(&signal);
    }
    worker.stop();
    let lines = wanted.iter().filter(|byte| **byte == b'\n').count();
    Ok(match result? {
        None => format!(
            "Quick start done: {lines} lines went from {} through Kafka into {} in {:.1} s, and are the same.",
            files.source.display(),
            files.copy.display(),
            begin.elapsed().as_secs_f64()
        ),
        Some(signal) => format!("Quick start ended early by {}; the worker stopped cleanly.", signal_name(signal)),
    })
}

/// The number of the signal that came, or 0.
fn watch_signals() -> Result<Arc<AtomicI32>> {
    let mut signals = end_signals()?;
    let seen = Arc::new(AtomicI32::new(0));
    let note = Arc::clone(&seen);
    std::thread::Builder::new().name("signals".to_owned()).spawn(move || {
        for signal in signals.forever() {
            if note.swap(signal, Ordering::SeqCst) != 0 {
                std::process::exit(130);
            }
        }
    })?;
    Ok(seen)
}

fn wait_for_signal(signal: &AtomicI32) {
    while signal.load(Ordering::SeqCst) == 0 {
        std::thread::sleep(LOOK);
    }
}

/// Waits until the copy is the same as `wanted`; some = a signal came first.
fn wait_for_copy(worker: &Standalone, copy: &Path, wanted: &[u8], signal: &AtomicI32) -> Result<Option<i32>> {
    let deadline = Instant::now() + TIME_LIMIT;
    loop {
        let there = fs::read(copy).unwrap_or_default();
        if there == wanted {
            return Ok(None);
        }
        match signal.load(Ordering::SeqCst) {
            0 => {}
            signal => return Ok(Some(signal)),
        }
        if let Some(failed) = worker.first_failure() {
            return Err(ConnectError::connect(failed));
        }
        if Instant::now() > deadline {
            return Err(ConnectError::timeout(format!(
                "{} holds {} of {} bytes after {} s",
                copy.display(),
                there.len(),
                wanted.len(),
                TIME_LIMIT.as_secs()
            )));
        }
        std::thread::sleep(LOOK);
    }
}

/// What the source emits of a file: everything up to its last line end.
fn complete_lines(file: &Path) -> Result<Vec<u8>> {
    let mut bytes = fs::read(file)
        .map_err(|error| ConnectError::io(format!("{} cannot be read", file.display())).caused_by(error))?;
    let end = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |last| last + 1);
    bytes.truncate(end);
    Ok(bytes)
}

fn write_files(args: &QuickstartArgs, brokers: &str) -> Result<Files> {
    let dir = match &args.dir {
        Some(dir) => dir.clone(),
        None => std::env::temp_dir().join(format!("ferroconnect-quickstart-{}", std::process::id())),
    };
    fs::create_dir_all(&dir)
        .map_err(|error| ConnectError::io(format!("{} cannot be made", dir.display())).caused_by(error))?;
    if !args.plugins.is_dir() {
        return Err(ConnectError::config(format!(
            "{} is no directory; build and stage the plugins first (scripts/quickstart.sh does both) or name another with --plugins",
            args.plugins.display()
        )));
    }
    let files = Files {
        source: args.file.clone().unwrap_or_else(|| dir.join("source.txt")),
        copy: dir.join("copy.txt"),
        worker: dir.join("worker.properties"),
        connectors: [dir.join("source.properties"), dir.join("sink.properties")],
    };
    if args.file.is_none() {
        let mut text = String::new();
        for number in 1..=1000 {
            text.push_str(&format!("This is line {number} of the quick start.\n"));
        }
        write(&files.source, &text)?;
    }
    // A run of its own each time: the copy and the offsets of an earlier one are gone with its broker.
    for old in [&files.copy, &dir.join("offsets")] {
        let _absent = fs::remove_file(old);
    }
    write(&files.worker, &worker_properties(args, &dir, brokers))?;
    let line = |key: &str, path: &Path| format!("{key}={}\n", escape(path));
    write(
        &files.connectors[0],
        &(format!("name=quickstart-source\nconnector.class=FileStreamSource\ntopic={TOPIC}\n")
            + &line("file", &files.source)),
    )?;
    write(
        &files.connectors[1],
        &(format!("name=quickstart-sink\nconnector.class=FileStreamSink\ntopics={TOPIC}\n")
            + "consumer.override.session.timeout.ms=6000\n"
            + &line("file", &files.copy)),
    )?;
    Ok(files)
}

fn worker_properties(args: &QuickstartArgs, dir: &Path, brokers: &str) -> String {
    const CONVERTER: &str = "org.apache.kafka.connect.storage.StringConverter";
    format!(
        "bootstrap.servers={brokers}\nlisteners=http://127.0.0.1:{}\nkey.converter={CONVERTER}\nvalue.converter={CONVERTER}\n\
         offset.storage.file.filename={}\noffset.flush.interval.ms=1000\nplugin.path={}\n",
        args.port,
        escape(&dir.join("offsets")),
        escape(&args.plugins)
    )
}

/// A path as the value of a property.
fn escape(path: &Path) -> String {
    path.display().to_string().replace('\\', "\\\\")
}

fn write(path: &Path, text: &str) -> Result<()> {
    let result = fs::File::create(path).and_then(|mut file| file.write_all(text.as_bytes()));
    result.map_err(|error| ConnectError::io(format!("{} cannot be written", path.display())).caused_by(error))
}
