//! The state machine of a job, against every sequence of ends.

use std::sync::Arc;
use std::time::Duration;

use groundcrew_jobs::{Delivery, Ending, Envelope, Failure, FailureKind, Fate, Settlement};
use proptest::prelude::*;

use crate::stage::envelope;

fn ending() -> impl Strategy<Value = Ending> {
    let after = (0u64..100).prop_map(Duration::from_secs);
    let failure = |kind: FailureKind| {
        let at = jiff::Timestamp::UNIX_EPOCH;
        // Longer than what is kept, and of letters that have two bytes.
        Failure { attempt: 1, at, kind, cause: "ä".repeat(3_001) }
    };
    let kinds = prop_oneof![
        Just(FailureKind::Error),
        Just(FailureKind::Panic),
        Just(FailureKind::Payload),
        Just(FailureKind::Crash)
    ];
    prop_oneof![
        1 => Just(Ending::Done),
        1 => Just(Ending::Cancelled { reason: "no".to_owned() }),
        4 => (after.clone(), kinds.clone())
            .prop_map(move |(after, kind)| Ending::Retry { after, failure: failure(kind) }),
        4 => after.clone().prop_map(|after| Ending::Snoozed { after }),
        4 => after.prop_map(|after| Ending::HandedBack { after }),
        1 => kinds.prop_map(move |kind| Ending::Dead { failure: failure(kind) }),
    ]
}

fn settle(envelope: &Envelope, ending: Ending, checkpoint: Option<&str>) -> Fate {
    let delivery = Arc::new(Delivery { envelope: envelope.clone(), token: 1, due_at: envelope.enqueued_at });
    Settlement { delivery, ending, checkpoint: checkpoint.map(str::to_owned) }.fate()
}

proptest! {
    #[test]
    fn only_failures_cost_attempts_and_a_job_that_lives_has_one_left(
        max in 1u32..40,
        steps in prop::collection::vec((ending(), 0u32..3, any::<bool>()), 0..60),
    ) {
        let mut job = Envelope { max_attempts: max, ..envelope("a") };
        let mut failures = 0;
        for (ending, crashes, saves) in steps {
            job.crashes += crashes;
            let before = job.clone();
            failures += u32::from(matches!(ending, Ending::Retry { .. }));
            match settle(&job, ending.clone(), saves.then_some("1")) {
                Fate::Over => {
                    let over = matches!(ending, Ending::Done | Ending::Cancelled { .. });
                    prop_assert!(over, "{} is no end", ending.name());
                    return Ok(());
                }
                Fate::Dead { envelope } => {
                    let spent = envelope.attempts >= max;
                    prop_assert!(spent || matches!(ending, Ending::Dead { .. }), "{}", ending.name());
                    prop_assert!(!envelope.history.is_empty(), "a dead job says why");
                    return Ok(());
                }
                Fate::Waits { envelope, .. } => job = envelope,
            }
            prop_assert_eq!(job.attempts, failures, "snoozes, hand-backs and crashes cost none");
            prop_assert!(job.attempts < max);
            let expected = if matches!(ending, Ending::HandedBack { .. }) { before.crashes } else { 0 };
            prop_assert_eq!(job.crashes, expected, "an outcome clears them, a hand-back is none");
            prop_assert!(job.history.len() <= 20);
            prop_assert!(job.history.iter().all(|failure| failure.cause.len() <= 2_000));
            if saves { prop_assert_eq!(job.checkpoint.as_deref(), Some("1")) }
            if before.checkpoint.is_some() { prop_assert!(job.checkpoint.is_some(), "never lost") }
            prop_assert_eq!((job.id, &job.payload, job.enqueued_at), (before.id, &before.payload, before.enqueued_at));
        }
    }
}
