//! What a client is told about its quota: `RateLimit-Policy` and `RateLimit`, lists of structured fields
//! (draft-ietf-httpapi-ratelimit-headers-10).
//!
//! The trio of the older drafts (`RateLimit-Limit`, `-Remaining`, `-Reset`) is not sent: the draft has dropped it, it
//! has no place for a second policy, and what its `Reset` counts was read in several ways. `Retry-After`, which every
//! client knows, says when to come back.

use std::time::Duration;

use groundcrew_limit::{Decision, Limiter};
use http::{HeaderMap, HeaderName, HeaderValue};

const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const LIMIT: HeaderName = HeaderName::from_static("ratelimit");

/// One limiter's fields.
#[derive(Debug)]
pub(crate) struct Fields {
    /// The limiter's name as a string of a structured field, quotes included.
    name: String,
    policy: HeaderValue,
}

// === impl Fields ===

impl Fields {
    pub(crate) fn new(limiter: &Limiter) -> Self {
        // Printable ASCII is what such a string may hold, and without quotes and backslashes nothing needs escaping.
        let plain = |c: &char| matches!(c, ' '..='~') && !matches!(c, '"' | '\\');
        let name = format!("\"{}\"", limiter.name().chars().filter(plain).collect::<String>());
        let quota = limiter.quota();
        let policy = format!("{name};q={};w={}", quota.requests(), seconds(quota.window()).max(1));
        let policy = HeaderValue::try_from(policy).unwrap_or(HeaderValue::from_static(""));
        Self { name, policy }
    }

    /// Adds to the fields of limiters further inside, since a request may be under several.
    pub(crate) fn write(&self, decision: &Decision, headers: &mut HeaderMap) {
        let remaining = decision.remaining;
        let limit = match seconds(decision.more_after) {
            0 => format!("{};r={remaining}", self.name),
            more_after => format!("{};r={remaining};t={more_after}", self.name),
        };
        headers.append(POLICY, self.policy.clone());
        if let Ok(limit) = HeaderValue::try_from(limit) {
            headers.append(LIMIT, limit);
        }
    }
}

/// Rounded up: who comes back after so many whole seconds is not too early.
pub(crate) fn seconds(duration: Duration) -> u64 {
    duration.as_secs() + u64::from(duration.subsec_nanos() > 0)
}
