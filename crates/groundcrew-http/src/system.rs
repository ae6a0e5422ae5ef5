use parking_lot::Mutex;

/// The machine's memory and processor use, as `/proc` has it; 0 where there is no `/proc`.
#[derive(Debug, Default)]
pub(crate) struct System {
    last: Mutex<Ticks>,
}

/// Processor time since boot, in ticks.
#[derive(Debug, Default, Clone, Copy)]
struct Ticks {
    busy: u64,
    total: u64,
}

// === impl System ===

impl System {
    /// Used memory in percent: what is not available.
    #[expect(clippy::unused_self, reason = "the twin of `cpu_percent`")]
    pub(crate) fn memory_percent(&self) -> f64 {
        std::fs::read_to_string("/proc/meminfo").ok().and_then(|text| memory(&text)).unwrap_or(0.0)
    }

    /// Busy processor time in percent since the last call (since boot at the first).
    pub(crate) fn cpu_percent(&self) -> f64 {
        let Some(now) = std::fs::read_to_string("/proc/stat").ok().and_then(|text| ticks(&text)) else {
            return 0.0;
        };
        let last = std::mem::replace(&mut *self.last.lock(), now);
        percent(now.busy.saturating_sub(last.busy), now.total.saturating_sub(last.total))
    }
}

fn percent(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { (part as f64 / whole as f64 * 1000.0).round() / 10.0 }
}

fn memory(meminfo: &str) -> Option<f64> {
    let field = |name: &str| {
        let line = meminfo.lines().find(|line| line.starts_with(name))?;
        line.split_whitespace().nth(1)?.parse::<u64>().ok()
    };
    let (total, available) = (field("MemTotal:")?, field("MemAvailable:")?);
    Some(percent(total.saturating_sub(available), total))
}

/// The first line: user, nice, system, idle, iowait, irq, softirq, steal.
fn ticks(stat: &str) -> Option<Ticks> {
    let line = stat.lines().next()?.strip_prefix("cpu ")?;
    let fields: Vec<u64> = line.split_whitespace().take(8).filter_map(|field| field.parse().ok()).collect();
    let idle = fields.get(3)? + fields.get(4)?;
    let total: u64 = fields.iter().sum();
    Some(Ticks { busy: total - idle, total })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_in_use_is_what_is_not_available() {
        let meminfo = "MemTotal:       1000 kB\nMemFree:  100 kB\nMemAvailable:    250 kB\n";
        assert_eq!(memory(meminfo), Some(75.0));
    }

    #[test]
    fn idle_and_waiting_time_is_not_busy() {
        let ticks = ticks("cpu  10 0 20 60 10 0 0 0 0 0\ncpu0 1 2 3 4\n").unwrap();
        assert_eq!((ticks.busy, ticks.total), (30, 100));
    }
}
