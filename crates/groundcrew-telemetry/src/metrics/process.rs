//! What Linux says about this process, under the names that all Prometheus clients use.

use super::pull::{Kind, sample};
use prometheus::Opts;
use prometheus::core::{Collector, Desc, Describer};
use prometheus::proto::MetricFamily;
use std::fs;

/// The unit of times in `/proc/self/stat`, per second; the same on every architecture that Linux has.
const TICKS: f64 = 100.0;
const KIB: f64 = 1024.0;

type Read = fn() -> Option<f64>;

/// The metrics of the process. A value that cannot be read is left out.
pub(crate) struct Process {
    values: Vec<(Kind, Opts, Desc, Read)>,
}

// === impl Process ===

impl Process {
    pub(crate) fn new() -> Self {
        let values: [(Kind, &str, &str, Read); 7] = [
            (
                Kind::Counter,
                "process_cpu_seconds_total",
                "Processor time spent, user and system.",
                cpu_seconds,
            ),
            (Kind::Gauge, "process_resident_memory_bytes", "Memory that is resident.", || status("VmRSS:")),
            (Kind::Gauge, "process_virtual_memory_bytes", "Address space that is in use.", || {
                status("VmSize:")
            }),
            (Kind::Gauge, "process_open_fds", "File descriptors that are open.", open_fds),
            (Kind::Gauge, "process_max_fds", "File descriptors that may be open.", max_fds),
            (Kind::Gauge, "process_start_time_seconds", "When the process began, since 1970.", start_time),
            (Kind::Gauge, "process_threads", "Threads of the process.", || {
                status("Threads:").map(|n| n / KIB)
            }),
        ];
        let describe = |(kind, name, help, read)| {
            let opts = Opts::new::<&str, &str>(name, help);
            opts.describe().ok().map(|desc| (kind, opts, desc, read))
        };
        Self { values: values.into_iter().filter_map(describe).collect() }
    }
}

impl Collector for Process {
    fn desc(&self) -> Vec<&Desc> {
        self.values.iter().map(|(_, _, desc, _)| desc).collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let read = |(kind, opts, _, read): &(Kind, Opts, Desc, Read)| Some(sample(*kind, opts, read()?));
        self.values.iter().filter_map(read).flatten().collect()
    }
}

/// A field of `/proc/self/stat` by its number in proc(5), from 3: before that, a name may hold spaces.
fn stat(number: usize) -> Option<f64> {
    let text = fs::read_to_string("/proc/self/stat").ok()?;
    let (_, after_name) = text.rsplit_once(')')?;
    after_name.split_whitespace().nth(number - 3)?.parse().ok()
}

/// A value of `/proc/self/status`, which is in KiB.
fn status(key: &str) -> Option<f64> {
    number_after(&fs::read_to_string("/proc/self/status").ok()?, key).map(|kib| kib * KIB)
}

fn cpu_seconds() -> Option<f64> {
    Some((stat(14)? + stat(15)?) / TICKS)
}

fn start_time() -> Option<f64> {
    let boot = number_after(&fs::read_to_string("/proc/stat").ok()?, "btime ")?;
    Some(boot + stat(22)? / TICKS)
}

fn open_fds() -> Option<f64> {
    // The listing itself has one open.
    Some(fs::read_dir("/proc/self/fd").ok()?.count().saturating_sub(1) as f64)
}

fn max_fds() -> Option<f64> {
    number_after(&fs::read_to_string("/proc/self/limits").ok()?, "Max open files")
}

fn number_after(text: &str, key: &str) -> Option<f64> {
    let line = text.lines().find_map(|line| line.strip_prefix(key))?;
    line.split_whitespace().next()?.parse().ok()
}
