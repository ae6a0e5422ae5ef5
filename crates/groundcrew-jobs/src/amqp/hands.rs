use std::collections::HashMap;
use std::sync::Arc;

use groundcrew_amqp::Held;
use parking_lot::Mutex;

use super::generation::Generation;
use super::route::Route;
use crate::{Beat, JobId};

/// What was handed to the worker and is not acknowledged.
///
/// A job may be there twice: whoever heard no confirm has sent it again, and whoever died between a confirm and the
/// acknowledgement that follows it has left both. A copy of a job that is in hand is kept with it and ends with it.
///
/// What follows from a message (a retry, a snooze) has the id of the job too, and may come before the message is let
/// go of: its confirm may be late, and a batch is looked at when all of it is answered. It must not end with what it
/// follows from, or the job is lost. So, by when a message of a job in hand comes:
///
/// - While the job runs, any message ends with it: either the job is over, or what follows from all of them is
///   confirmed first. That has a generation above each of theirs, or none at all.
/// - While the job is moved, only what [certainly does not follow](Generation::is_at_most) from it ends with it: a copy,
///   or the message itself, which the broker gives again after a cut. All else is a delivery of its own, at once: the
///   run before has ended. Where its generation is unknown (a process of an older version was at it) that may be a
///   copy, and the job runs twice.
/// - Could the job not be moved as far as is known, while what is [certainly later](Generation::is_after) came, then it
///   was sent: what is held ends with that one. Otherwise it is moved again, and all that came up to now ends with it.
/// - After the job is let go of, it is a delivery as any.
#[derive(Debug)]
pub(super) struct Hands<M = Held>(Mutex<State<M>>);

#[derive(Debug)]
struct State<M> {
    last: u64,
    jobs: HashMap<u64, InHand<M>>,
    /// The latest delivery of each job.
    tokens: HashMap<JobId, u64>,
}

/// The messages of one delivery of a job, and of which kind it is.
#[derive(Debug)]
struct InHand<M> {
    id: JobId,
    route: Arc<Route>,
    messages: Vec<M>,
    generation: Generation,
    /// Whether the others are being moved elsewhere.
    is_moving: bool,
}

/// What is taken out of the hands to be moved.
#[derive(Debug)]
pub(super) struct Lifted<M = Held> {
    pub(super) messages: Vec<M>,
    pub(super) route: Arc<Route>,
    pub(super) generation: Generation,
}

/// A message that the broker may have taken back.
pub(super) trait Loan {
    fn is_lost(&self) -> bool;
}

// === impl Loan for Held ===

impl Loan for Held {
    fn is_lost(&self) -> bool {
        Held::is_lost(self)
    }
}

// === impl Hands ===

impl<M> Default for Hands<M> {
    fn default() -> Self {
        Self(Mutex::new(State { last: 0, jobs: HashMap::new(), tokens: HashMap::new() }))
    }
}

impl<M: Loan> Hands<M> {
    /// Keeps it, under a number that no other delivery has; `None` where it ends with one that is kept.
    pub(super) fn put(&self, id: JobId, held: M, route: Arc<Route>, generation: Generation) -> Option<u64> {
        let state = &mut *self.0.lock();
        let older = state.tokens.get(&id).copied();
        if let Some(job) = older.and_then(|token| state.jobs.get_mut(&token))
            && job.takes(generation)
        {
            job.generation = job.generation.with(generation);
            job.messages.push(held);
            return None;
        }
        // What is being moved stays until that is done.
        if let Some(lost) = older.filter(|token| state.jobs.get(token).is_some_and(InHand::is_lost)) {
            state.jobs.remove(&lost);
        }
        state.last += 1;
        let job = InHand { id, route, messages: vec![held], generation, is_moving: false };
        state.jobs.insert(state.last, job);
        state.tokens.insert(id, state.last);
        Some(state.last)
    }

    /// Takes the messages of a job out, which stays in hand meanwhile; `None` if it is settled, or somebody else's.
    pub(super) fn lift(&self, token: u64) -> Option<Lifted<M>> {
        let mut state = self.0.lock();
        let job = state.jobs.get_mut(&token)?;
        let messages: Vec<M> = job.messages.extract_if(.., |held| !held.is_lost()).collect();
        if messages.is_empty() {
            state.forget(token);
            return None;
        }
        job.is_moving = true;
        Some(Lifted { messages, route: job.route.clone(), generation: job.generation })
    }

    /// Puts back what was taken out. False where what follows from it is in hand, so that nothing is left to be done.
    pub(super) fn lay_down(&self, token: u64, messages: Vec<M>) -> bool {
        let state = &mut *self.0.lock();
        let Some(job) = state.jobs.get_mut(&token) else { return true };
        job.is_moving = false;
        job.messages.extend(messages);
        let (id, generation) = (job.id, job.generation);
        let latest = state.tokens.get(&id).copied().filter(|latest| *latest != token);
        let is_later = |job: &InHand<M>| !job.is_lost() && job.generation.is_after(generation);
        let Some(latest) = latest.filter(|latest| state.jobs.get(latest).is_some_and(is_later)) else {
            return true;
        };
        let messages = state.forget(token).map(|job| job.messages).unwrap_or_default();
        if let Some(job) = state.jobs.get_mut(&latest) {
            job.messages.extend(messages);
        }
        false
    }

    /// Lets go of a job; the copies that have come while it was moved.
    pub(super) fn release(&self, token: u64) -> Vec<M> {
        self.0.lock().forget(token).map(|job| job.messages).unwrap_or_default()
    }

    /// Forgets those that the broker gives to somebody else, and says which of these they are. What is not in hand is
    /// settled, or was forgotten while another of several parts was asked about.
    pub(super) fn lost(&self, beats: &[Beat]) -> Vec<JobId> {
        let state = &mut *self.0.lock();
        let is_lost = |beat: &&Beat| state.jobs.get(&beat.token).is_none_or(InHand::is_lost);
        let lost = beats.iter().filter(is_lost).map(|beat| beat.id).collect();
        let gone: Vec<u64> =
            state.jobs.iter().filter(|(_, job)| job.is_lost()).map(|(token, _)| *token).collect();
        for token in gone {
            state.forget(token);
        }
        lost
    }

    /// How many there are of each kind.
    pub(super) fn counts(&self) -> HashMap<String, u64> {
        let mut counts = HashMap::new();
        for job in self.0.lock().jobs.values().filter(|job| !job.is_lost()) {
            *counts.entry(job.route.name.clone()).or_default() += 1;
        }
        counts
    }
}

// === impl State ===

impl<M> State<M> {
    fn forget(&mut self, token: u64) -> Option<InHand<M>> {
        let job = self.jobs.remove(&token)?;
        if self.tokens.get(&job.id) == Some(&token) {
            self.tokens.remove(&job.id);
        }
        Some(job)
    }
}

// === impl InHand ===

impl<M: Loan> InHand<M> {
    fn is_lost(&self) -> bool {
        !self.is_moving && self.messages.iter().all(M::is_lost)
    }

    /// Whether a further message of the job ends with these.
    fn takes(&self, generation: Generation) -> bool {
        if self.is_moving { generation.is_at_most(self.generation) } else { !self.is_lost() }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::super::route::Names;
    use super::*;

    const FIRST: Generation = Generation::FIRST;
    const UNKNOWN: Generation = Generation::UNKNOWN;

    /// A message with a name, and whether its connection was cut.
    #[derive(Debug, Clone)]
    struct Note(&'static str, Arc<AtomicBool>);

    impl Loan for Note {
        fn is_lost(&self) -> bool {
            self.1.load(Ordering::Relaxed)
        }
    }

    fn note(name: &'static str) -> Note {
        Note(name, Arc::default())
    }

    fn names(notes: &[Note]) -> Vec<&'static str> {
        notes.iter().map(|note| note.0).collect()
    }

    /// The messages of one job.
    struct Stage {
        hands: Hands<Note>,
        id: JobId,
        route: Arc<Route>,
    }

    impl Stage {
        fn new() -> Self {
            let route = Arc::new(Names::new("parcels").route("plain"));
            Self { hands: Hands::default(), id: JobId::random(), route }
        }

        fn put(&self, note: &Note, generation: Generation) -> Option<u64> {
            self.hands.put(self.id, note.clone(), self.route.clone(), generation)
        }

        fn lift(&self, token: u64) -> (Vec<Note>, Generation) {
            let lifted = self.hands.lift(token).expect("it is in hand");
            (lifted.messages, lifted.generation)
        }
    }

    #[test]
    fn what_follows_from_a_job_that_is_moved_is_a_delivery_of_its_own_and_does_not_end_with_it() {
        let stage = Stage::new();
        let token = stage.put(&note("first"), FIRST).expect("a delivery");
        let (first, generation) = stage.lift(token);
        let next = stage.put(&note("next"), generation.next()).expect("a delivery");
        assert_eq!((names(&first), stage.hands.release(token).len()), (vec!["first"], 0));
        assert_eq!(names(&stage.lift(next).0), ["next"]);
    }

    #[test]
    fn a_copy_of_what_follows_ends_with_it_also_when_the_first_is_let_go_of() {
        let stage = Stage::new();
        let token = stage.put(&note("first"), FIRST).expect("a delivery");
        let (_, generation) = stage.lift(token);
        let next = stage.put(&note("next"), generation.next()).expect("a delivery");
        assert!(stage.hands.release(token).is_empty());
        assert_eq!(stage.put(&note("copy"), generation.next()), None);
        assert_eq!(names(&stage.lift(next).0), ["next", "copy"]);
    }

    #[test]
    fn a_copy_that_comes_while_a_job_is_moved_ends_with_it() {
        let stage = Stage::new();
        let first = note("first");
        let token = stage.put(&first, FIRST).expect("a delivery");
        let _moved = stage.lift(token);
        first.1.store(true, Ordering::Relaxed);
        assert_eq!(stage.put(&note("again"), FIRST), None, "the broker gives it again after a cut");
        assert_eq!(names(&stage.hands.release(token)), ["again"]);
    }

    #[test]
    fn a_message_of_an_older_version_does_not_end_with_a_job_that_is_moved() {
        let stage = Stage::new();
        let token = stage.put(&note("first"), FIRST).expect("a delivery");
        let _moved = stage.lift(token);
        let unknown = stage.put(&note("unknown"), UNKNOWN).expect("it may follow from it");
        assert!(stage.hands.release(token).is_empty());
        assert_eq!(stage.lift(unknown).1.next(), UNKNOWN, "and so may all that follows");
    }

    #[test]
    fn what_follows_is_later_than_each_of_the_messages_that_end_together() {
        let stage = Stage::new();
        let token = stage.put(&note("first"), FIRST).expect("a delivery");
        let later = FIRST.next().next();
        assert_eq!(stage.put(&note("later"), later), None, "while it runs");
        let (both, generation) = stage.lift(token);
        assert_eq!((names(&both), generation), (vec!["first", "later"], later));
        assert_eq!(stage.put(&note("copy"), later), None);
        assert!(stage.put(&note("next"), generation.next()).is_some());
    }

    #[test]
    fn one_of_an_unknown_generation_that_ends_with_another_leaves_none_to_what_follows() {
        let stage = Stage::new();
        let token = stage.put(&note("first"), FIRST).expect("a delivery");
        assert_eq!(stage.put(&note("unknown"), UNKNOWN), None, "while it runs");
        assert_eq!(stage.lift(token).1, UNKNOWN);
    }

    /// The confirm was lost, not the message.
    #[test]
    fn a_job_that_was_moved_after_all_ends_with_what_follows_from_it() {
        let stage = Stage::new();
        let token = stage.put(&note("first"), FIRST).expect("a delivery");
        let (first, generation) = stage.lift(token);
        let next = stage.put(&note("next"), generation.next()).expect("a delivery");
        assert!(!stage.hands.lay_down(token, first), "it was sent");
        assert!(stage.hands.lift(token).is_none(), "so that it is not sent again");
        assert_eq!(names(&stage.lift(next).0), ["next", "first"]);
    }

    #[test]
    fn a_job_that_could_not_be_moved_is_moved_again_with_all_that_came_meanwhile() {
        let stage = Stage::new();
        let token = stage.put(&note("first"), FIRST).expect("a delivery");
        let (first, generation) = stage.lift(token);
        assert_eq!(stage.put(&note("copy"), FIRST), None);
        assert!(stage.hands.lay_down(token, first), "nothing says that it was sent");
        assert_eq!(stage.put(&note("next"), generation.next()), None, "it comes before the second time");
        let (all, generation) = stage.lift(token);
        assert_eq!((names(&all), generation), (vec!["copy", "first", "next"], FIRST.next()));
    }

    /// A worker that has many in hand gives its signs of life in several parts.
    #[test]
    fn jobs_that_are_lost_together_are_told_also_if_they_are_asked_about_one_after_another() {
        let stages = [Stage::new(), Stage::new()];
        let hands = &stages[0].hands;
        let beats = stages.each_ref().map(|stage| {
            let (cut, route) = (note("cut"), stage.route.clone());
            let token = hands.put(stage.id, cut.clone(), route, FIRST).expect("a delivery");
            cut.1.store(true, Ordering::Relaxed);
            Beat { id: stage.id, token, checkpoint: None, progress: None }
        });
        let told = beats.each_ref().map(|beat| hands.lost(std::slice::from_ref(beat)));
        assert_eq!(told, stages.each_ref().map(|stage| vec![stage.id]));
    }

    #[test]
    fn a_job_that_was_lost_with_its_connection_is_a_new_delivery_when_it_comes_again() {
        let stage = Stage::new();
        let first = note("first");
        let token = stage.put(&first, FIRST).expect("a delivery");
        first.1.store(true, Ordering::Relaxed);
        let again = stage.put(&note("again"), FIRST).expect("a delivery");
        assert!(stage.hands.lift(token).is_none(), "it is somebody else's");
        assert_eq!(names(&stage.lift(again).0), ["again"]);
    }
}
