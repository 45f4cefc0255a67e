//! A child process with its output in files, which does not outlive the test.

use rustix::process::{Pid, Signal, kill_process};
use std::fs::OpenOptions;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

/// A running or ended program. Dropping it kills it.
#[derive(Debug)]
pub struct Process {
    child: Child,
    /// What it wrote to standard output.
    pub stdout: PathBuf,
    /// What it wrote to standard error: the log of a worker.
    pub stderr: PathBuf,
}

impl Process {
    /// Starts `command` with its output in `dir/<name>.out` and `dir/<name>.err`.
    ///
    /// # Panics
    /// When the program cannot be started or the files cannot be made.
    pub fn start(mut command: Command, dir: &Path, name: &str) -> Self {
        let open = |suffix: &str| {
            let path = dir.join(format!("{name}.{suffix}"));
            let file = OpenOptions::new().create(true).append(true).open(&path);
            (file.unwrap_or_else(|e| panic!("{}: {e}", path.display())), path)
        };
        let (out, stdout) = open("out");
        let (err, stderr) = open("err");
        command.stdin(Stdio::null()).stdout(out).stderr(err);
        let child = command.spawn().unwrap_or_else(|e| panic!("cannot start {:?}: {e}", command.get_program()));
        Self { child, stdout, stderr }
    }

    /// Process id, for looking into `/proc`.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal; one to a process that has ended already is without effect.
    pub fn signal(&self, signal: Signal) {
        // An ended child stays a zombie until it is waited for, so its id cannot belong to another process yet.
        let _ = kill_process(Pid::from_child(&self.child), signal);
    }

    /// The exit status, if the process has ended.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().expect("the child can be waited for")
    }

    /// Waits for the end of the process.
    ///
    /// # Panics
    /// When it has not ended within `patience`.
    pub fn wait(&mut self, patience: Duration) -> ExitStatus {
        let log = self.stderr.clone();
        crate::wait::until_some("the process to end", patience, || {
            self.ended().ok_or_else(|| format!("still running; its log ends:\n{}", tail(&log, 30)))
        })
    }

    /// Sends SIGKILL and waits until the process is gone.
    pub fn kill(&mut self) -> ExitStatus {
        self.signal(Signal::KILL);
        self.child.wait().expect("the child can be waited for")
    }

    /// All of standard error so far.
    pub fn log(&self) -> String {
        read_lossy(&self.stderr)
    }

    /// All of standard output so far.
    pub fn output(&self) -> String {
        read_lossy(&self.stdout)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            self.kill();
        }
        if std::thread::panicking() {
            eprintln!("--- end of {} ---\n{}", self.stderr.display(), tail(&self.stderr, 60));
        }
    }
}

/// The file as text, bad UTF-8 replaced; empty when it does not exist.
pub fn read_lossy(path: &Path) -> String {
    String::from_utf8_lossy(&std::fs::read(path).unwrap_or_default()).into_owned()
}

/// The last `lines` lines of a file, long ones cut.
pub fn tail(path: &Path, lines: usize) -> String {
    let text = read_lossy(path);
    let all: Vec<String> = text.lines().map(|line| line.chars().take(400).collect()).collect();
    all[all.len().saturating_sub(lines)..].join("\n")
}
