//! What the process uses of the machine. Linux tells in `/proc`; elsewhere there is no answer.

use std::time::Duration;

/// Memory, processor time and open files of this process.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ProcessUsage {
    /// Resident memory, in bytes.
    pub resident_bytes: u64,
    /// The most that was ever resident, in bytes.
    pub peak_resident_bytes: u64,
    /// Processor time spent in the process and in the kernel for it.
    pub cpu: Duration,
    /// Open file descriptors.
    pub open_files: u64,
    /// How many may be open; `None` if there is no limit.
    pub max_open_files: Option<u64>,
    /// Threads of the process.
    pub threads: u64,
}

/// Reads the present usage; `None` if the system does not tell.
#[cfg(target_os = "linux")]
pub fn process_usage() -> Option<ProcessUsage> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    let open_files = std::fs::read_dir("/proc/self/fd").ok()?.count() as u64;
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
    let kilobytes = |field| number_of(&status, field).map(|kilobytes| kilobytes * 1024);
    Some(ProcessUsage {
        resident_bytes: kilobytes("VmRSS:")?,
        peak_resident_bytes: kilobytes("VmHWM:")?,
        cpu: cpu_of(&stat, rustix::param::clock_ticks_per_second())?,
        // Reading the directory takes a descriptor of its own.
        open_files: open_files.saturating_sub(1),
        max_open_files: limit,
        threads: number_of(&status, "Threads:")?,
    })
}

/// Reads the present usage; `None` if the system does not tell.
#[cfg(not(target_os = "linux"))]
pub fn process_usage() -> Option<ProcessUsage> {
    None
}

/// The number after a field's name in `/proc/self/status`.
#[cfg(target_os = "linux")]
fn number_of(status: &str, field: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(field))?;
    line.split_whitespace().next()?.parse().ok()
}

/// User and system time, fields 14 and 15 of `/proc/self/stat`. The second field, the program's name, is in parentheses
/// and may hold anything, so fields are counted from the last one on.
#[cfg(target_os = "linux")]
fn cpu_of(stat: &str, ticks_per_second: u64) -> Option<Duration> {
    let (_, after_name) = stat.rsplit_once(')')?;
    let mut fields = after_name.split_whitespace().skip(11);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    Some(Duration::from_secs_f64((user + system) as f64 / ticks_per_second as f64))
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn this_process_uses_something() {
        let usage = process_usage().unwrap();
        assert!(usage.resident_bytes > 100_000 && usage.peak_resident_bytes >= usage.resident_bytes);
        assert!(usage.open_files >= 3 && usage.threads >= 1);
        let files: Vec<_> = (0..5).map(|_| std::fs::File::open("/dev/null").unwrap()).collect();
        assert!(process_usage().unwrap().open_files >= usage.open_files.min(5));
        drop(files);
    }

    #[test]
    fn a_program_s_name_may_hold_anything() {
        let stat = "42 (a) b (c)) S 1 42 42 0 -1 4194304 1 2 3 4 150 50 7 8 20 0 1 0 99";
        assert_eq!(cpu_of(stat, 100), Some(Duration::from_secs(2)));
        assert_eq!(cpu_of("garbage", 100), None);
    }

    #[test]
    fn fields_are_found_by_name() {
        assert_eq!(number_of("Name:\tx\nVmRSS:\t  1234 kB\n", "VmRSS:"), Some(1234));
        assert_eq!(number_of("Name:\tx\n", "VmRSS:"), None);
    }
}
