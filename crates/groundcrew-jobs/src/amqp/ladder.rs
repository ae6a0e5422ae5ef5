//! The delays that the broker knows: one queue for each, since a message's own time to live is only looked at when it
//! has come to the head. A longer delay takes several steps, so it ends when it should and not at the next step.

use std::time::Duration;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;

/// Part of the queues' names; each can be added or dropped, none can change.
pub(super) const STEPS: [Duration; 10] = [
    Duration::from_millis(100),
    Duration::from_secs(1),
    Duration::from_secs(5),
    Duration::from_secs(15),
    Duration::from_secs(MINUTE),
    Duration::from_secs(5 * MINUTE),
    Duration::from_secs(15 * MINUTE),
    Duration::from_secs(HOUR),
    Duration::from_secs(6 * HOUR),
    Duration::from_secs(24 * HOUR),
];

/// The next step of a delay: the longest that does not overshoot, or else the shortest.
pub(super) fn step(left: Duration) -> Duration {
    STEPS.into_iter().rev().find(|step| *step <= left).unwrap_or(STEPS[0])
}

/// `100ms`, `15s`.
pub(super) fn label(step: Duration) -> String {
    let millis = step.as_millis();
    if millis.is_multiple_of(1000) { format!("{}s", millis / 1000) } else { format!("{millis}ms") }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How long it waits in all, and in how many steps.
    fn walk(delay: Duration) -> (Duration, u32) {
        let (mut waited, mut steps) = (Duration::ZERO, 0);
        while waited < delay {
            waited += step(delay.saturating_sub(waited));
            steps += 1;
        }
        (waited, steps)
    }

    #[test]
    fn a_delay_is_never_short_and_less_than_the_shortest_step_too_long() {
        for millis in [1, 99, 100, 101, 999, 4_321, 61_001, 3_599_950, 86_399_999, 3 * 86_400_000 + 17] {
            let delay = Duration::from_millis(millis);
            let (waited, _) = walk(delay);
            assert!(waited >= delay && waited < delay + STEPS[0], "{delay:?}: {waited:?}");
        }
    }

    #[test]
    fn a_long_delay_takes_few_steps() {
        // 23:59:59.95, the worst within a day.
        let (_, steps) = walk(Duration::from_millis(86_399_950));
        // 3 × 6 h, 5 × 1 h, 3 × 15 min, 2 × 5 min, 4 × 1 min, 3 × 15 s, 2 × 5 s, 4 × 1 s, 10 × 100 ms
        assert!(steps <= 36, "{steps}");
    }
}
