//! Tries a library out in a child process, so that one whose constructor crashes or hangs costs a line in the log and
//! not the worker.
//!
//! The child is the worker's own program, called as `plugins inspect --probe FILE` with the worker properties that
//! libraries may see as JSON on its standard input. It writes one marked line with an [`Outcome`] as JSON; anything else
//! on its output is the library's and only looked at when the line is missing.

use std::io::{PipeReader, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use ferroconnect_plugin_abi::info::PluginInfo;

use super::load::Library;
use super::quarantine::{Reason, Refusal};
use super::registry::Plugin;
use super::report::{LibraryReport, Outcome};
use crate::config::Props;

/// What the line with the outcome begins with.
const MARK: &str = "ferroconnect-probe: ";

/// The most a child may write. A description longer than this is taken for a fault.
const OUTPUT_LIMIT: u64 = 16 << 20;

/// How libraries are tried out.
#[derive(Debug, Clone)]
pub(super) struct Prober {
    /// The program that knows `plugins inspect --probe FILE`.
    pub(super) program: PathBuf,
    /// How long one library may take.
    pub(super) timeout: Duration,
}

impl Prober {
    /// Tries out one library. Blocks until the child has answered, died or run out of time.
    pub(super) fn probe(&self, path: &Path, worker: &Props) -> Outcome {
        let failed = |error: std::io::Error| {
            let message = format!("it could not be tried out: {} cannot be started: {error}", self.program.display());
            Outcome::Refused(Refusal::new(path, Reason::Crashed, message, "Start the worker again when this is solved"))
        };
        let started = Instant::now();
        let (mut child, output) = match self.start(path, worker) {
            Ok(started) => started,
            Err(error) => return failed(error),
        };
        let output = read_in_background(output);
        let text = collect(&output, self.timeout);
        let left = self.timeout.saturating_sub(started.elapsed()).max(Duration::from_millis(100));
        let status = match text {
            Ok(_) => wait(&mut child, left),
            Err(_) => None,
        };
        if status.is_none() {
            kill(&mut child);
        }
        let text = text.unwrap_or_else(|written| written);
        if let Some(outcome) = marked(&text) {
            return outcome;
        }
        Outcome::Refused(self.lost(path, status, &text))
    }

    fn start(&self, path: &Path, worker: &Props) -> std::io::Result<(Child, PipeReader)> {
        let (reader, writer) = std::io::pipe()?;
        let mut command = Command::new(&self.program);
        command.args(["plugins", "inspect", "--probe"]).arg(path);
        command.stdin(Stdio::piped()).stdout(writer.try_clone()?).stderr(writer);
        // A group of its own, so that what the library starts can be ended with it.
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let mut child = command.spawn()?;
        // The command holds the writing ends; with them gone the child's death ends the stream.
        drop(command);
        if let Some(mut input) = child.stdin.take() {
            // A child that died already is told by its status.
            let _ = input.write_all(visible_props(worker).as_bytes());
        }
        Ok((child, reader))
    }

    /// Why there is no outcome.
    fn lost(&self, path: &Path, status: Option<ExitStatus>, text: &str) -> Refusal {
        let words = last_words(text);
        let Some(status) = status else {
            let message = format!("it did not say what it holds within {} ms{words}", self.timeout.as_millis());
            let way_out = "If it only needs longer, raise plugin.probe.timeout.ms; else ask its makers";
            return Refusal::new(path, Reason::TimedOut, message, way_out);
        };
        let end = describe(status);
        let message = format!("the process that tried it out {end}{words}");
        Refusal::new(path, Reason::Crashed, message, "The worker goes on without it; ask its makers")
    }
}

/// What the child does: opens the library, asks what it holds and writes it on standard output. For
/// `ferroconnect plugins inspect --probe FILE`; nobody else calls this, since it lets the library do what it likes.
pub fn child_main(path: &Path) -> ExitCode {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, Rlimit, setrlimit};
        // A crash is expected here and needs no core file. Where the limit cannot be set, there may be one.
        let _ = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) });
    }
    let mut input = String::new();
    let read = std::io::stdin().read_to_string(&mut input);
    let worker = read.ok().and_then(|_| read_props(&input)).unwrap_or_default();
    let outcome = match try_out(path, &worker) {
        Ok(report) => Outcome::Fits(report),
        Err(refusal) => Outcome::Refused(refusal),
    };
    let Ok(line) = serde_json::to_string(&outcome) else { return ExitCode::from(2) };
    let mut out = std::io::stdout().lock();
    // The library may have left the cursor anywhere.
    let written = writeln!(out, "\n{MARK}{line}").and_then(|()| out.flush());
    if written.is_ok() { ExitCode::SUCCESS } else { ExitCode::from(2) }
}

/// Loads a library into this process and asks what it holds.
pub(super) fn try_out(path: &Path, worker: &Props) -> Result<LibraryReport, Refusal> {
    let library = Library::open(path)?;
    // The parent keeps the time.
    let plugins = plugins_of(&library, library.describe(worker)?)?;
    Ok(LibraryReport::new(&library, &plugins))
}

/// The plugins of a library by what it says of them.
pub(super) fn plugins_of(library: &Library, infos: Vec<PluginInfo>) -> Result<Vec<Plugin>, Refusal> {
    let plugins: Result<Vec<Option<Plugin>>, _> =
        infos.into_iter().map(|info| Plugin::of_library(library, info)).collect();
    let broken = |message: String| Refusal::new(library.path(), Reason::Broken, message, "Ask its makers");
    let plugins: Vec<Plugin> = match plugins {
        Ok(plugins) => plugins.into_iter().flatten().collect(),
        Err(error) => {
            let causes: Vec<&str> = error.chain().map(|cause| cause.message()).collect();
            return Err(broken(causes.join(": ")));
        }
    };
    Plugin::fault_in(&plugins).map_or(Ok(plugins), |fault| Err(broken(fault)))
}

/// The properties that libraries may see, those under `plugin.`, as text.
pub(super) fn visible_props(worker: &Props) -> String {
    let visible: Vec<(&str, Option<&str>)> = worker.iter().filter(|(key, _)| key.starts_with("plugin.")).collect();
    serde_json::to_string(&visible).unwrap_or_default()
}

fn read_props(text: &str) -> Option<Props> {
    let entries: Vec<(String, Option<String>)> = serde_json::from_str(text).ok()?;
    Some(entries.into_iter().collect())
}

/// Reads to the end, or to the marked line, on a thread of its own: a process that the library started may hold the
/// stream open for ever.
fn read_in_background(output: PipeReader) -> Receiver<Vec<u8>> {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        let mut output = output.take(OUTPUT_LIMIT);
        let mut buffer = vec![0; 1 << 16];
        while let Ok(count) = output.read(&mut buffer) {
            if count == 0 || sender.send(buffer[..count].to_vec()).is_err() {
                break;
            }
        }
    });
    receiver
}

/// What was written until the stream ended or the marked line was there; as an error what was written when the time was
/// up.
fn collect(output: &Receiver<Vec<u8>>, timeout: Duration) -> Result<String, String> {
    let deadline = Instant::now() + timeout;
    let mut bytes: Vec<u8> = Vec::new();
    loop {
        match output.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok(more) => {
                bytes.extend(more);
                if bytes.ends_with(b"\n") && marked(&String::from_utf8_lossy(&bytes)).is_some() {
                    break;
                }
            }
            Err(RecvTimeoutError::Disconnected) => break,
            Err(RecvTimeoutError::Timeout) => return Err(String::from_utf8_lossy(&bytes).into_owned()),
        }
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn marked(text: &str) -> Option<Outcome> {
    let line = text.lines().rev().find_map(|line| line.strip_prefix(MARK))?;
    serde_json::from_str(line).ok()
}

/// The last line that the library wrote before it died, if any.
fn last_words(text: &str) -> String {
    match text.lines().map(str::trim).rfind(|line| !line.is_empty()) {
        Some(line) => format!("; its last words were: {}", line.chars().take(200).collect::<String>()),
        None => String::new(),
    }
}

fn describe(status: ExitStatus) -> String {
    #[cfg(unix)]
    if let Some(signal) = std::os::unix::process::ExitStatusExt::signal(&status) {
        let name = signal_hook::low_level::signal_name(signal).unwrap_or("an unnamed signal");
        return format!("was ended by {name} ({signal})");
    }
    match status.code() {
        Some(code) => format!("ended with exit code {code} before it said what the library holds"),
        None => "ended before it said what the library holds".to_owned(),
    }
}

/// Waits for a child that has said all it has to say. There is no wait with a deadline in the standard library.
fn wait(child: &mut Child, limit: Duration) -> Option<ExitStatus> {
    let deadline = Instant::now() + limit;
    let mut pause = Duration::from_micros(200);
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Some(status),
            Ok(None) if Instant::now() < deadline => std::thread::sleep(pause),
            _ => return None,
        }
        pause = (pause * 2).min(Duration::from_millis(10));
    }
}

/// Ends the child and what it started.
fn kill(child: &mut Child) {
    #[cfg(unix)]
    if let Some(group) = i32::try_from(child.id()).ok().and_then(rustix::process::Pid::from_raw) {
        // It may be gone already.
        let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
    }
    let _ = child.kill();
    // Reaps it; a killed process always ends.
    let _ = child.wait();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    fn script(body: &str) -> (tempfile::TempDir, Prober) {
        use std::os::unix::fs::PermissionsExt as _;
        let home = tempfile::tempdir().unwrap();
        let program = home.path().join("probe");
        std::fs::write(&program, format!("#!/bin/sh\n{body}\n")).unwrap();
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
        (home, Prober { program, timeout: Duration::from_secs(5) })
    }

    #[cfg(unix)]
    fn refusal(body: &str, timeout: Duration) -> Refusal {
        let (_home, mut prober) = script(body);
        prober.timeout = timeout;
        match prober.probe(Path::new("x.so"), &Props::new()) {
            Outcome::Refused(refusal) => refusal,
            Outcome::Fits(report) => panic!("{report:?}"),
        }
    }

    #[cfg(unix)]
    #[test]
    fn names_the_signal_and_the_last_words() {
        let crashed = refusal("echo going down; kill -ABRT $$", Duration::from_secs(5));
        assert_eq!(crashed.reason, Reason::Crashed);
        assert!(crashed.message.contains("was ended by SIGABRT (6); its last words were: going down"), "{crashed}");
        let left = refusal("exit 3", Duration::from_secs(5));
        assert!(left.message.contains("exit code 3"), "{left}");
    }

    #[cfg(unix)]
    #[test]
    fn ends_what_takes_too_long_together_with_its_children() {
        let started = Instant::now();
        let late = refusal("sleep 60 & echo $!; sleep 60", Duration::from_millis(300));
        assert_eq!(late.reason, Reason::TimedOut);
        assert!(started.elapsed() < Duration::from_secs(20));
        let child: i32 = late.message.rsplit(' ').next().unwrap().parse().unwrap();
        let child = rustix::process::Pid::from_raw(child).unwrap();
        let deadline = Instant::now() + Duration::from_secs(10);
        let gone = || match std::fs::read_to_string(format!("/proc/{}/stat", child.as_raw_nonzero())) {
            Ok(stat) => stat.contains(") Z "),
            Err(_) => true,
        };
        while !gone() {
            assert!(Instant::now() < deadline, "the grandchild is still there");
            std::thread::yield_now();
        }
    }

    #[cfg(unix)]
    #[test]
    fn an_outcome_counts_even_when_the_stream_stays_open() {
        let outcome = Outcome::Refused(Refusal::new(Path::new("x.so"), Reason::Contract, "old", "build it"));
        let line = serde_json::to_string(&outcome).unwrap();
        let (_home, prober) = script(&format!("read props; echo noise; echo '{MARK}{line}'; sleep 60 & exit 0"));
        let started = Instant::now();
        assert_eq!(prober.probe(Path::new("x.so"), &Props::new()), outcome);
        assert!(started.elapsed() < Duration::from_secs(4));
    }

    #[test]
    fn only_plugin_properties_reach_the_child() {
        let props = Props::from([("plugin.jvm.home", "/j"), ("sasl.password", "secret")]);
        let text = visible_props(&props);
        assert!(!text.contains("secret"));
        assert_eq!(read_props(&text).unwrap(), Props::from([("plugin.jvm.home", "/j")]));
    }
}
