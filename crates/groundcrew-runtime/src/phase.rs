use std::fmt;

/// The named, ordered phases of a shutdown.
///
/// They run one after another inside one budget. Whatever registers for a phase runs concurrently with
/// everything else in that phase.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Phase {
    /// Still serving, but not ready: load balancers are given time to look away (the lame duck).
    Unready,
    /// Nothing new is taken: consumers are cancelled, the stop token of every task fires.
    Stop,
    /// What was taken is finished: requests in flight, running jobs, detached work.
    Drain,
    /// What was finished is made durable: publisher confirms, the outbox.
    Flush,
    /// Connections and pools are closed.
    Close,
    /// Logs and traces leave the process.
    Telemetry,
}

impl Phase {
    /// Every phase in the order in which it runs.
    pub const ALL: [Phase; 6] =
        [Phase::Unready, Phase::Stop, Phase::Drain, Phase::Flush, Phase::Close, Phase::Telemetry];

    /// The name that stands in logs and in the receipt.
    pub fn name(self) -> &'static str {
        match self {
            Phase::Unready => "unready",
            Phase::Stop => "stop",
            Phase::Drain => "drain",
            Phase::Flush => "flush",
            Phase::Close => "close",
            Phase::Telemetry => "telemetry",
        }
    }

    /// The share of the whole budget that must be left when this phase ends, in percent, so that a slow
    /// drain cannot eat the time in which pools are closed and logs are flushed.
    pub(crate) fn reserve_percent(self) -> u32 {
        match self {
            Phase::Unready => 40,
            Phase::Stop => 30,
            Phase::Drain => 12,
            Phase::Flush => 6,
            Phase::Close => 3,
            Phase::Telemetry => 0,
        }
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
