//! The time, in whole seconds since 1970, as tokens and signatures count it.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Now.
pub(crate) fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

/// A time so much later.
pub(crate) fn after(time: i64, span: Duration) -> i64 {
    time.saturating_add_unsigned(span.as_secs())
}

/// Whether a time is at most so far from now, on either side.
pub(crate) fn is_near(time: i64, now: i64, tolerance: Duration) -> bool {
    time.abs_diff(now) <= tolerance.as_secs()
}
