use super::Event;
use std::ops::{Add, Sub};

/// How often each thing happened to one id.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Entry {
    attempted: u32,
    acknowledged: u32,
    pub(super) observed: u32,
}

/// How many ids there are of each kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Tally {
    pub(super) attempted: u64,
    pub(super) acknowledged: u64,
    pub(super) observed: u64,
    pub(super) lost: u64,
    pub(super) duplicated: u64,
    pub(super) unexpected: u64,
    pub(super) recovered: u64,
}

// === impl Entry ===

impl Entry {
    pub(super) fn with(mut self, event: Event) -> Self {
        let count = match event {
            Event::Attempted => &mut self.attempted,
            Event::Acknowledged => &mut self.acknowledged,
            Event::Observed => &mut self.observed,
        };
        *count = count.saturating_add(1);
        self
    }

    /// What this one id counts as.
    pub(super) fn tally(self) -> Tally {
        let (attempted, acknowledged) = (self.attempted > 0, self.acknowledged > 0);
        let observed = self.observed > 0;
        Tally {
            attempted: attempted.into(),
            acknowledged: acknowledged.into(),
            observed: observed.into(),
            lost: (acknowledged && !observed).into(),
            duplicated: (self.observed > 1).into(),
            unexpected: (observed && !attempted).into(),
            recovered: (observed && attempted && !acknowledged).into(),
        }
    }
}

// === impl Tally ===

impl Tally {
    fn each(self, other: Self, combine: fn(u64, u64) -> u64) -> Self {
        Self {
            attempted: combine(self.attempted, other.attempted),
            acknowledged: combine(self.acknowledged, other.acknowledged),
            observed: combine(self.observed, other.observed),
            lost: combine(self.lost, other.lost),
            duplicated: combine(self.duplicated, other.duplicated),
            unexpected: combine(self.unexpected, other.unexpected),
            recovered: combine(self.recovered, other.recovered),
        }
    }
}

impl Add for Tally {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        self.each(other, |one, other| one + other)
    }
}

impl Sub for Tally {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        self.each(other, |one, other| one - other)
    }
}
