//! When a session with the gateway may be begun: Discord allows a thousand in a day and then resets the token.
//!
//! What was begun is kept in the database, so that neither restarts nor failovers forget it.

use std::time::Duration;

use jiff::Timestamp;

use super::rest::Gateway;
use crate::store::{Begun, Store};

/// Discord takes one session in five seconds, from when it hears of it: a second is for the way there.
pub(super) const APART: Duration = Duration::from_secs(6);
/// What was begun within this time makes the next one wait.
const RECENT: Duration = Duration::from_secs(3600);
/// So many are taken for restarts and failovers as they happen.
const USUAL: i64 = 10;
/// The longest wait for having begun too many: below the daily budget, if it goes on all day.
const LONGEST: Duration = Duration::from_secs(300);
/// How soon to look again when the day's budget is spent.
const SPENT: Duration = Duration::from_secs(600);
const DAY: Duration = Duration::from_secs(86_400);

/// Whether a session may be begun.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Permit {
    Granted,
    /// Not before, and why.
    Wait(Duration, String),
}

/// What was begun, as far as it matters.
#[derive(Debug, Clone, Copy, Default)]
struct Record {
    day: i64,
    recent: Begun,
}

/// Asks whether a session may be begun now.
pub(super) async fn permit(store: &Store, gateway: &Gateway, budget: u32) -> sqlx::Result<Permit> {
    let now = Timestamp::now().as_millisecond();
    let day = store.sessions_begun(now - milliseconds(DAY)).await?.count;
    let recent = store.sessions_begun(now - milliseconds(RECENT)).await?;
    Ok(decide(Record { day, recent }, gateway, budget, now))
}

/// Remembers that one is begun.
pub(super) async fn spend(store: &Store, epoch: u64) -> sqlx::Result<()> {
    let now = Timestamp::now().as_millisecond();
    store.begin_session(epoch, now).await?;
    store.forget_sessions(now - 2 * milliseconds(DAY)).await
}

fn decide(record: Record, gateway: &Gateway, budget: u32, now_ms: i64) -> Permit {
    let limit = gateway.session_start_limit;
    if limit.remaining == 0 {
        let reset = Duration::from_millis(limit.reset_after).clamp(APART, DAY);
        return Permit::Wait(
            reset,
            "Discord allows no further sessions before its limit is reset".to_owned(),
        );
    }
    if record.day >= i64::from(budget) {
        let words = format!("{} sessions were begun within a day (discord.identify_budget)", record.day);
        return Permit::Wait(SPENT, words);
    }
    let Some(last) = record.recent.last_ms else { return Permit::Granted };
    let since = Duration::from_millis(u64::try_from(now_ms - last).unwrap_or(0));
    let pause = pause(record.recent.count);
    match pause.checked_sub(since).filter(|left| !left.is_zero()) {
        Some(left) => {
            Permit::Wait(left, format!("{} sessions were begun within an hour", record.recent.count))
        }
        None => Permit::Granted,
    }
}

/// How long after the last one, if so many were begun lately.
fn pause(recent: i64) -> Duration {
    let beyond = u32::try_from(recent - USUAL).unwrap_or(0).min(16);
    (APART * 2_u32.pow(beyond)).min(LONGEST)
}

fn milliseconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_800_000_000_000;

    fn gateway(remaining: u32) -> Gateway {
        let limit = serde_json::json!({"remaining": remaining, "reset_after": 3_600_000});
        serde_json::from_value(serde_json::json!({"session_start_limit": limit})).unwrap()
    }

    fn record(day: i64, recent: i64, last_ago_ms: i64) -> Record {
        Record { day, recent: Begun { count: recent, last_ms: Some(NOW - last_ago_ms) } }
    }

    #[test]
    fn the_first_session_is_granted_at_once() {
        assert_eq!(decide(Record::default(), &gateway(1000), 900, NOW), Permit::Granted);
    }

    #[test]
    fn two_sessions_are_six_seconds_apart() {
        let Permit::Wait(wait, _) = decide(record(1, 1, 2_000), &gateway(999), 900, NOW) else {
            panic!("granted")
        };
        assert_eq!(wait, Duration::from_secs(4));
        assert_eq!(decide(record(1, 1, 6_000), &gateway(999), 900, NOW), Permit::Granted);
    }

    #[test]
    fn a_loop_of_restarts_stays_below_the_limit_of_a_day() {
        // The worst that can happen: every session ends at once, for a whole day.
        let (mut begun, mut now): (Vec<i64>, i64) = (Vec::new(), NOW);
        while now < NOW + milliseconds(DAY) {
            let day: i64 = begun.iter().filter(|at| **at > now - milliseconds(DAY)).map(|_| 1).sum();
            let recent: Vec<_> = begun.iter().filter(|at| **at > now - milliseconds(RECENT)).collect();
            let recent =
                Begun { count: recent.iter().map(|_| 1).sum(), last_ms: recent.last().map(|at| **at) };
            match decide(Record { day, recent }, &gateway(1000), 900, now) {
                Permit::Granted => begun.push(now),
                Permit::Wait(wait, _) => now += milliseconds(wait),
            }
        }
        assert!(begun.len() < 900, "{} sessions", begun.len());
    }

    #[test]
    fn a_spent_budget_waits_whatever_the_gateway_says() {
        assert!(matches!(decide(record(900, 0, 0), &gateway(1000), 900, NOW), Permit::Wait(..)));
    }

    #[test]
    fn what_discord_says_is_left_counts_more_than_what_we_remember() {
        let permit = decide(Record::default(), &gateway(0), 900, NOW);
        assert!(matches!(permit, Permit::Wait(wait, _) if wait == Duration::from_secs(3600)), "{permit:?}");
    }
}
