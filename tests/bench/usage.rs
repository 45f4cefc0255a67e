//! What a process has used, read from `/proc`.

use std::fs;

/// CPU time and memory of one process so far.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Usage {
    /// User and system time of all its threads, seconds.
    pub(crate) cpu: f64,
    /// Resident memory now, megabytes (10⁶ bytes).
    pub(crate) resident: f64,
    /// The most resident memory it ever had, megabytes.
    pub(crate) peak: f64,
}

/// Usage of the process `pid`; zeros when it is gone.
pub(crate) fn of(pid: u32) -> Usage {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // The name in parentheses may hold blanks; what follows it does not.
    let fields: Vec<&str> = stat.rsplit(") ").next().unwrap_or_default().split(' ').collect();
    let ticks = |n: usize| fields.get(n).and_then(|f| f.parse::<f64>().ok()).unwrap_or(0.0);
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let kilobytes = |name: &str| {
        let line = status.lines().find_map(|l| l.strip_prefix(name)).unwrap_or_default();
        line.trim().trim_end_matches(" kB").parse::<f64>().unwrap_or(0.0)
    };
    Usage {
        // Fields 14 and 15 of the whole line; 11 and 12 after the name. In hundredths of a second on every Linux.
        cpu: (ticks(11) + ticks(12)) / 100.0,
        resident: kilobytes("VmRSS:") * 1024.0 / 1e6,
        peak: kilobytes("VmHWM:") * 1024.0 / 1e6,
    }
}
