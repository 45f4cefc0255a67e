//! The worker as a process: memory, processor time, threads, file descriptors.
//!
//! Read from `/proc`, which Linux has; elsewhere these metrics are absent, except for those that any Unix tells.

use std::fs;
use std::time::{SystemTime, UNIX_EPOCH};

use super::names;
use super::registry::{MetricGroup, Registry};

/// What the operating system knows of this process. Gone from the registry when dropped.
pub struct ProcessMetrics {
    _group: MetricGroup,
}

impl ProcessMetrics {
    /// Registers what this system tells. The values are read whenever the metrics are.
    pub fn new(registry: &Registry) -> Self {
        let group = registry.group(names::PROCESS_GROUP, &[]);
        if Stat::read().is_some() {
            let stat = |value: fn(&Stat) -> f64| move || Stat::read().map_or(f64::NAN, |stat| value(&stat));
            let gauge = |template, value| {
                let read = stat(value);
                group.read(template, move || read().into());
            };
            gauge(&names::RESIDENT_MEMORY, |stat| stat.resident_bytes);
            gauge(&names::VIRTUAL_MEMORY, |stat| stat.virtual_bytes);
            gauge(&names::THREADS, |stat| stat.threads);
            group.read_total(&names::CPU_SECONDS, stat(|stat| stat.cpu_seconds));
        }
        if open_fds().is_some() {
            group.read(&names::OPEN_FDS, || open_fds().unwrap_or(f64::NAN).into());
        }
        group.read(&names::MAX_FDS, || {
            let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
            limit.map_or(f64::INFINITY, |limit| limit as f64).into()
        });
        // The worker is made within milliseconds of the process.
        let begin = SystemTime::now().duration_since(UNIX_EPOCH).map_or(f64::NAN, |time| time.as_secs_f64());
        group.read(&names::START_TIME, move || begin.into());
        Self { _group: group }
    }
}

/// What is used of `/proc/self/stat`.
#[derive(Debug, PartialEq)]
struct Stat {
    cpu_seconds: f64,
    threads: f64,
    virtual_bytes: f64,
    resident_bytes: f64,
}

impl Stat {
    fn read() -> Option<Self> {
        let ticks = rustix::param::clock_ticks_per_second() as f64;
        Self::parse(&fs::read_to_string("/proc/self/stat").ok()?, ticks, rustix::param::page_size() as f64)
    }

    /// See proc_pid_stat(5). The second field is the program's name in parentheses, which may hold anything.
    fn parse(text: &str, ticks_per_second: f64, page_bytes: f64) -> Option<Self> {
        let (_, rest) = text.rsplit_once(')')?;
        let fields: Vec<&str> = rest.split_whitespace().collect();
        // The manual counts from 1 and the first field here is the third.
        let number = |field: usize| fields.get(field - 3)?.parse::<f64>().ok();
        Some(Self {
            cpu_seconds: (number(14)? + number(15)?) / ticks_per_second,
            threads: number(20)?,
            virtual_bytes: number(23)?,
            resident_bytes: number(24)? * page_bytes,
        })
    }
}

/// Linux lists them in `/proc`, other systems in `/dev`.
fn open_fds() -> Option<f64> {
    let list = fs::read_dir("/proc/self/fd").or_else(|_| fs::read_dir("/dev/fd")).ok()?;
    // One of them is the list itself.
    Some(list.count().saturating_sub(1) as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telemetry::metrics::MetricValue;

    #[test]
    fn the_program_s_name_may_look_like_fields() {
        let text = "7 (a) 1 (b) S 1 7 7 0 -1 4194560 99 0 0 0 150 50 0 0 20 0 6 0 12345 8192000 300 184 1 1 0";
        let expected =
            Stat { cpu_seconds: 2.0, threads: 6.0, virtual_bytes: 8_192_000.0, resident_bytes: 300.0 * 4096.0 };
        assert_eq!(Stat::parse(text, 100.0, 4096.0), Some(expected));
        assert_eq!(Stat::parse("7 (a) S 1 7", 100.0, 4096.0), None);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn this_process_has_memory_threads_and_files() {
        let registry = Registry::default();
        let metrics = ProcessMetrics::new(&registry);
        let value = |template| match registry.value(template, &[]) {
            Some(MetricValue::Number(number)) => number,
            other => panic!("{other:?}"),
        };
        let (resident, virtual_size) = (value(&names::RESIDENT_MEMORY), value(&names::VIRTUAL_MEMORY));
        assert!(resident > 100_000.0 && virtual_size >= resident, "{resident} of {virtual_size}");
        assert!(value(&names::CPU_SECONDS) < 1e6);
        assert!(value(&names::THREADS) >= 1.0);
        assert!(value(&names::MAX_FDS) >= value(&names::OPEN_FDS));
        let begin = value(&names::START_TIME);
        let file = fs::File::open("/proc/self/stat").unwrap();
        assert!(value(&names::OPEN_FDS) >= 1.0);
        drop(file);
        assert!(begin > 1.7e9, "{begin}");
        drop(metrics);
        assert_eq!(registry.snapshot().count(), 0);
    }
}
