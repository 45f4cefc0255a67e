//! Writes log lines to a file descriptor without ever stopping the worker.
//!
//! A reader that has gone away or does not read costs log lines, not records: a line that cannot be written within
//! [`PATIENCE`] is dropped and counted, and the count is told once there is room again. Lines are written by the thread
//! that logs, so what was said before a crash is there after it.

use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

/// How long a line waits for a slow reader. While the reader stays stuck, later lines do not wait at all.
const PATIENCE: Duration = Duration::from_millis(50);

/// A pipe that is ready takes this much without blocking (`PIPE_BUF` on Linux).
const CHUNK: usize = 4096;

/// Writes whole lines to `W`; any thread may use it.
pub(super) struct LineWriter<W> {
    state: Mutex<State<W>>,
}

struct State<W> {
    out: W,
    /// Lines dropped since the last one that was written.
    lost: u64,
    /// The reader let us wait in vain the last time.
    stuck: bool,
    /// The last line was written in part.
    torn: bool,
}

impl<W: AsFd> LineWriter<W> {
    pub(super) const fn new(out: W) -> Self {
        Self { state: Mutex::new(State { out, lost: 0, stuck: false, torn: false }) }
    }

    /// Writes `line`, which ends with a line end. If lines were lost before it, `notice` makes a line that says how many.
    pub(super) fn write(&self, line: &str, notice: impl FnOnce(u64) -> String) {
        let mut state = self.state.lock();
        let patience = if state.stuck { Duration::ZERO } else { PATIENCE };
        let deadline = Instant::now() + patience;
        if state.lost > 0 {
            let text = notice(state.lost);
            if !state.write_line(&text, deadline) {
                state.lost += 1;
                return;
            }
            state.lost = 0;
        }
        if !state.write_line(line, deadline) {
            state.lost += 1;
        }
    }
}

impl<W: AsFd> State<W> {
    /// True if all of the line is out.
    fn write_line(&mut self, line: &str, deadline: Instant) -> bool {
        if self.torn && !self.write_all(b"\n", deadline).1 {
            return false;
        }
        self.torn = false;
        let (written, complete) = self.write_all(line.as_bytes(), deadline);
        self.torn = written > 0 && !complete;
        self.stuck = !complete;
        complete
    }

    /// How many bytes are out, and whether these are all.
    fn write_all(&self, bytes: &[u8], deadline: Instant) -> (usize, bool) {
        let mut written = 0;
        while written < bytes.len() {
            if !self.wait_until_ready(deadline) {
                return (written, false);
            }
            let end = bytes.len().min(written + CHUNK);
            match rustix::io::write(&self.out, &bytes[written..end]) {
                Ok(0) => return (written, false),
                Ok(count) => written += count,
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) if Instant::now() < deadline => {}
                // A closed pipe, a full disk: nobody is left to tell.
                Err(_) => return (written, false),
            }
        }
        (written, true)
    }

    fn wait_until_ready(&self, deadline: Instant) -> bool {
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let timeout = Timespec { tv_sec: 0, tv_nsec: left.subsec_nanos().into() };
            let mut fds = [PollFd::new(&self.out, PollFlags::OUT)];
            match poll(&mut fds, Some(&timeout)) {
                Ok(0) => return false,
                // Errors of the descriptor show when it is written to.
                Ok(_) => return true,
                Err(Errno::INTR) => {}
                // Not every system can poll every kind of descriptor; those that cannot are never pipes.
                Err(_) => return true,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;
    use std::io::pipe;

    fn notice(lost: u64) -> String {
        format!("lost {lost}\n")
    }

    #[test]
    fn a_reader_that_does_not_read_costs_lines_not_time() {
        let (mut reader, writer) = pipe().unwrap();
        let lines = LineWriter::new(writer);
        let line = format!("{}\n", "x".repeat(CHUNK - 1));
        let begin = Instant::now();
        for _ in 0..200 {
            lines.write(&line, notice);
        }
        assert!(begin.elapsed() < Duration::from_secs(5), "only the first line that does not fit may wait");
        let lost = lines.state.lock().lost;
        assert!(lost > 0, "a pipe does not hold 800 kB");

        let held = (200 - lost) * CHUNK as u64;
        let mut first = vec![0; usize::try_from(held).unwrap()];
        reader.read_exact(&mut first).unwrap();
        lines.write("again\n", notice);
        drop(lines);
        let mut rest = String::new();
        reader.read_to_string(&mut rest).unwrap();
        assert_eq!(rest, format!("lost {lost}\nagain\n"));
    }

    #[test]
    fn a_reader_that_has_gone_does_not_matter() {
        let (reader, writer) = pipe().unwrap();
        drop(reader);
        let lines = LineWriter::new(writer);
        lines.write("a\n", notice);
        lines.write("b\n", notice);
        assert_eq!(lines.state.lock().lost, 2);
    }

    #[test]
    fn a_long_line_arrives_whole() {
        let (mut reader, writer) = pipe().unwrap();
        let lines = LineWriter::new(writer);
        let line = format!("{}\n", "y".repeat(3 * CHUNK));
        lines.write(&line, notice);
        drop(lines);
        let mut text = String::new();
        reader.read_to_string(&mut text).unwrap();
        assert_eq!(text, line);
    }
}
