use groundcrew_amqp::{Delivery, Field, Message};

/// Header: how often the job was moved on.
const MOVES: &str = "job-moves";

/// How often a job was moved on by its ends: by a retry, a snooze, a hand-back, its death.
///
/// All messages of a job have the same id: copies of one, and the one that follows from it. This tells them apart.
/// What follows from a message has a higher generation than it, and so has all that follows from that, through whatever
/// processes and queues it goes (a delay or a requeue by hand leaves the generation as it is). So a message that has at
/// most the generation of another one does not follow from it, and may be acknowledged once that one is moved.
///
/// A process of an older version leaves the header out. What follows from such a message stays without one as well: it
/// may follow from a message of any generation, and a count that began anew would be too low.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Generation(Option<u32>);

// === impl Generation ===

impl Generation {
    /// Of a job that is enqueued.
    pub(super) const FIRST: Self = Self(Some(0));
    /// Of what a process of an older version has sent, and all that follows from it.
    pub(super) const UNKNOWN: Self = Self(None);

    pub(super) fn of(delivery: &Delivery) -> Self {
        match delivery.header(MOVES) {
            Some(Field::Number(moves)) => Self(u32::try_from(moves).ok()),
            _ => Self::UNKNOWN,
        }
    }

    /// Of what follows from it.
    pub(super) fn next(self) -> Self {
        Self(self.0.and_then(|moves| moves.checked_add(1)))
    }

    /// Of two messages that end together: what follows from them follows from either.
    pub(super) fn with(self, other: Self) -> Self {
        Self(self.0.zip(other.0).map(|(one, other)| one.max(other)))
    }

    /// Whether a message of this one certainly does not follow from one of the other.
    pub(super) fn is_at_most(self, other: Self) -> bool {
        self.0.zip(other.0).is_some_and(|(one, other)| one <= other)
    }

    /// Whether a message of this one certainly is later than one of the other.
    pub(super) fn is_after(self, other: Self) -> bool {
        self.0.zip(other.0).is_some_and(|(one, other)| one > other)
    }

    /// Writes it on a message.
    pub(super) fn mark(self, message: Message) -> Message {
        match self.0 {
            Some(moves) => message.header(MOVES, moves),
            None => message,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const UNKNOWN: Generation = Generation::UNKNOWN;

    #[test]
    fn what_follows_is_later_than_all_that_it_follows_from() {
        let (one, other) = (Generation(Some(3)), Generation(Some(7)));
        let next = one.with(other).next();
        assert!(next.is_after(one) && next.is_after(other) && !next.is_at_most(other));
        assert!(one.is_at_most(one) && one.is_at_most(other) && !other.is_at_most(one));
    }

    #[test]
    fn an_unknown_one_is_neither_earlier_nor_later_and_stays_unknown() {
        let known = Generation(Some(3));
        assert_eq!((UNKNOWN.next(), UNKNOWN.with(known), known.with(UNKNOWN)), (UNKNOWN, UNKNOWN, UNKNOWN));
        for (one, other) in [(UNKNOWN, known), (known, UNKNOWN), (UNKNOWN, UNKNOWN)] {
            assert!(!one.is_at_most(other) && !one.is_after(other));
        }
        assert_eq!(Generation(Some(u32::MAX)).next(), UNKNOWN, "rather than one that is too low");
    }
}
