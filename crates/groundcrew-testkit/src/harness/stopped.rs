use groundcrew_runtime::{Phase, Reason, Receipt};
use std::fmt;

/// How a service stopped. Its `Display` is the receipt.
#[derive(Debug)]
#[must_use = "it says whether the shutdown was clean"]
pub struct Stopped {
    reason: Reason,
    receipt: Receipt,
}

impl Stopped {
    pub(super) fn new(reason: Reason, receipt: Receipt) -> Self {
        Self { reason, receipt }
    }

    /// Whether nothing failed and nothing was cut.
    pub fn is_clean(&self) -> bool {
        !self.reason.is_failure() && self.receipt.cut().next().is_none()
    }

    /// Whether this took part in this phase and finished.
    pub fn finished(&self, phase: Phase, name: &str) -> bool {
        let mut entries = self.receipt.entries();
        entries.any(|(of, entry)| of == phase && entry.name == name && !entry.outcome.is_cut())
    }

    /// Why it went down.
    pub fn reason(&self) -> &Reason {
        &self.reason
    }

    /// All that the shutdown did.
    pub fn receipt(&self) -> &Receipt {
        &self.receipt
    }
}

impl fmt::Display for Stopped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.receipt.fmt(f)
    }
}
