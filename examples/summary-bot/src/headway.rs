//! How far a summary is, for whoever waits for it.

use tokio::sync::watch;

/// What is being done to a conversation.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Phase {
    /// It waits for its turn.
    #[default]
    Queued,
    /// Its messages are read.
    Reading,
    /// The summary is written.
    Summarising,
    /// It is stored.
    Storing,
    /// There is nothing left to do.
    Done,
}

/// How far it is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Step {
    /// From 0 to 100.
    pub(crate) percent: u8,
    pub(crate) phase: Phase,
}

tokio::task_local! {
    static HEADWAY: watch::Sender<Step>;
}

/// Says how far the work is that this task does, if anybody follows it; percent never fall.
pub(crate) fn report(percent: u8, phase: Phase) {
    let _unfollowed = HEADWAY.try_with(|steps| {
        steps.send_if_modified(|step| {
            let next = Step { percent: percent.min(100).max(step.percent), phase };
            std::mem::replace(step, next) != next
        })
    });
}

/// Runs work whose reports can be followed.
pub(crate) fn followed<F: Future>(work: F) -> (impl Future<Output = F::Output>, watch::Receiver<Step>) {
    let (steps, receiver) = watch::channel(Step::default());
    (HEADWAY.scope(steps, work), receiver)
}

// === impl Phase ===

impl Phase {
    /// Every one of them, in their order.
    pub(crate) const ALL: [Self; 5] =
        [Self::Queued, Self::Reading, Self::Summarising, Self::Storing, Self::Done];

    /// As clients read it, and as it is stored.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Reading => "reading",
            Self::Summarising => "summarising",
            Self::Storing => "storing",
            Self::Done => "done",
        }
    }

    /// One that a newer version has stored is shown as the nearest that everybody knows.
    pub(crate) fn of_name(name: &str) -> Self {
        Self::ALL.into_iter().find(|phase| phase.name() == name).unwrap_or(Self::Summarising)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_reported_is_seen_and_never_falls() {
        report(50, Phase::Reading); // nobody follows
        let (work, steps) = followed(async {
            report(40, Phase::Summarising);
            report(20, Phase::Summarising);
        });
        work.await;
        assert_eq!(*steps.borrow(), Step { percent: 40, phase: Phase::Summarising });
    }

    #[test]
    fn every_phase_is_known_by_its_name() {
        assert!(Phase::ALL.into_iter().all(|phase| Phase::of_name(phase.name()) == phase));
    }
}
