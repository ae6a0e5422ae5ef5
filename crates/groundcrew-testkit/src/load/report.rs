use super::Latency;
use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

/// What became of every request and every connection.
///
/// `sent == answered + lost.total() + after_fin` holds once the load has stopped.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Report {
    /// Requests written.
    pub sent: u64,
    /// Complete responses, of whatever status.
    pub answered: u64,
    /// Complete responses by status code.
    pub by_status: BTreeMap<u16, u64>,
    /// Requests that the server should have answered and did not.
    pub lost: Lost,
    /// Requests that crossed the peer's FIN; nobody can answer those.
    pub after_fin: u64,
    /// Connections established.
    pub connections: u64,
    /// Connections that the peer closed while no request was under way.
    pub closed_idle: u64,
    /// Attempts to connect that nobody was listening to (`ECONNREFUSED`).
    pub refused: u64,
    /// Attempts to connect that failed in another way, a timeout of 5 s included.
    pub connect_failed: u64,
    /// From the write to the end of the response.
    pub latency: Latency,
    /// From the start to the end of the load.
    pub took: Duration,
}

/// Requests written on an established connection before the peer's FIN, without a complete response: how it ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Lost {
    /// The peer reset the connection.
    pub reset: u64,
    /// The peer closed the connection without a byte of the response.
    pub closed: u64,
    /// The connection ended within the response.
    pub truncated: u64,
    /// No complete response within the timeout.
    pub timed_out: u64,
    /// What came is no HTTP/1.1 response, or more than one.
    pub malformed: u64,
}

impl Lost {
    /// The sum.
    pub fn total(&self) -> u64 {
        self.reset + self.closed + self.truncated + self.timed_out + self.malformed
    }
}

impl Report {
    /// Answers per second.
    pub fn rate(&self) -> f64 {
        self.answered as f64 / self.took.as_secs_f64().max(f64::MIN_POSITIVE)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { sent, answered, lost, after_fin, latency, .. } = self;
        let Lost { reset, closed, truncated, timed_out, malformed } = lost;
        writeln!(f, "sent          {sent}")?;
        write!(f, "answered      {answered}")?;
        for (status, count) in &self.by_status {
            write!(f, "  {status}: {count}")?;
        }
        writeln!(f, "  ({:.0}/s)", self.rate())?;
        write!(
            f,
            "lost          {}  reset: {reset}  closed: {closed}  truncated: {truncated}",
            lost.total()
        )?;
        writeln!(f, "  timed out: {timed_out}  malformed: {malformed}")?;
        writeln!(f, "after FIN     {after_fin}")?;
        write!(f, "connections   {}  closed idle: {}", self.connections, self.closed_idle)?;
        writeln!(f, "  refused: {}  failed: {}", self.refused, self.connect_failed)?;
        let (p50, p99, max) = (latency.quantile(0.5), latency.quantile(0.99), latency.max());
        write!(f, "latency       p50: {p50:?}  p99: {p99:?}  max: {max:?}")
    }
}
