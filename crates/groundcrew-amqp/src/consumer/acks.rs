use std::collections::VecDeque;

/// Which acknowledgements are due: as few as tell the truth.
///
/// The tags of a channel with one consumer are 1, 2, 3 …; an acknowledgement of several takes all up to its tag. So it
/// is used where everything up to there is settled, and what was refused up to there was told to the broker before.
#[derive(Debug)]
pub(super) struct Acks {
    /// The tag of the first in `states`.
    base: u64,
    states: VecDeque<State>,
    /// Not settled.
    open: usize,
    /// Settled as done, and the broker does not know.
    due: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Open,
    Due,
    Told,
}

/// One frame for the broker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ack {
    pub(super) tag: u64,
    pub(super) multiple: bool,
}

// === impl Acks ===

impl Acks {
    pub(super) fn new() -> Self {
        Self { base: 1, states: VecDeque::new(), open: 0, due: 0 }
    }

    /// Takes note of a delivery. False if its tag is not the next one, which a broker does not do.
    pub(super) fn delivered(&mut self, tag: u64) -> bool {
        self.states.push_back(State::Open);
        self.open += 1;
        tag == self.base + self.states.len() as u64 - 1
    }

    /// Done; the broker is to be told.
    pub(super) fn done(&mut self, tag: u64) {
        if self.set(tag, State::Due) {
            self.due += 1;
        }
    }

    /// Refused, which the broker is told right now.
    pub(super) fn refused(&mut self, tag: u64) {
        self.set(tag, State::Told);
    }

    fn set(&mut self, tag: u64, state: State) -> bool {
        let at = tag.checked_sub(self.base).and_then(|at| usize::try_from(at).ok());
        let Some(known) = at.and_then(|at| self.states.get_mut(at)) else { return false };
        let was_open = *known == State::Open;
        if was_open {
            *known = state;
            self.open -= 1;
        }
        was_open
    }

    pub(super) fn open(&self) -> usize {
        self.open
    }

    pub(super) fn due(&self) -> usize {
        self.due
    }

    /// Everything that is due: one frame for what is settled without a gap, one for each of the others.
    pub(super) fn take(&mut self) -> Vec<Ack> {
        let mut acks = Vec::new();
        let (mut last, mut count) = (0, 0);
        while let Some(state) = self.states.pop_front_if(|state| *state != State::Open) {
            if state == State::Due {
                (last, count) = (self.base, count + 1);
            }
            self.base += 1;
        }
        if count > 0 {
            acks.push(Ack { tag: last, multiple: count > 1 });
        }
        if count < self.due {
            for (tag, state) in (self.base..).zip(&mut self.states) {
                if *state == State::Due {
                    *state = State::Told;
                    acks.push(Ack { tag, multiple: false });
                }
            }
        }
        self.due = 0;
        acks
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_done_without_a_gap_is_one_frame() {
        let mut acks = Acks::new();
        for tag in 1..=4 {
            acks.delivered(tag);
        }
        for tag in [2, 1, 4] {
            acks.done(tag);
        }
        assert_eq!(acks.take(), [Ack { tag: 2, multiple: true }, Ack { tag: 4, multiple: false }]);
        assert_eq!(acks.open(), 1);
    }

    #[test]
    fn the_last_of_several_is_one_that_the_broker_still_waits_for() {
        // A broker that waits for none of them closes the channel.
        let mut acks = Acks::new();
        acks.delivered(1);
        acks.delivered(2);
        acks.done(1);
        acks.refused(2);
        assert_eq!(acks.take(), [Ack { tag: 1, multiple: false }]);
        assert_eq!(acks.take(), []);
    }

    #[derive(Debug, Clone)]
    enum Step {
        Deliver,
        Done(prop::sample::Index),
        Refuse(prop::sample::Index),
        Take,
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            3 => Just(Step::Deliver),
            3 => any::<prop::sample::Index>().prop_map(Step::Done),
            1 => any::<prop::sample::Index>().prop_map(Step::Refuse),
            1 => Just(Step::Take),
        ]
    }

    proptest! {
        /// Against a broker that closes the channel for a tag that it does not wait for.
        #[test]
        fn exactly_what_is_done_is_acknowledged(steps in prop::collection::vec(step(), 0..200)) {
            let mut acks = Acks::new();
            let (mut next, mut open, mut done) = (1, Vec::new(), BTreeSet::new());
            let (mut waits, mut acked) = (BTreeSet::new(), BTreeSet::new());
            for step in steps.into_iter().chain([Step::Take]) {
                match step {
                    Step::Deliver => {
                        prop_assert!(acks.delivered(next));
                        open.push(next);
                        waits.insert(next);
                        next += 1;
                    }
                    Step::Done(_) | Step::Refuse(_) if open.is_empty() => {}
                    Step::Done(index) => {
                        let tag = open.swap_remove(index.index(open.len()));
                        acks.done(tag);
                        done.insert(tag);
                    }
                    Step::Refuse(index) => {
                        let tag = open.swap_remove(index.index(open.len()));
                        acks.refused(tag);
                        waits.remove(&tag);
                    }
                    Step::Take => for ack in acks.take() {
                        prop_assert!(waits.contains(&ack.tag), "unknown delivery tag {}", ack.tag);
                        let gone: Vec<u64> = if ack.multiple {
                            waits.range(..=ack.tag).copied().collect()
                        } else {
                            vec![ack.tag]
                        };
                        for tag in gone {
                            waits.remove(&tag);
                            acked.insert(tag);
                        }
                    }
                }
            }
            prop_assert_eq!(acked, done);
            prop_assert_eq!(acks.open(), open.len());
        }
    }
}
