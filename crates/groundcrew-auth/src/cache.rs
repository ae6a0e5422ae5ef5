use std::collections::HashMap;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

use crate::{AuthConfig, Principal, clock};

/// Who was found good lately, by the hash of what they showed. Who was not is not remembered: that would fill up with
/// what attackers make up.
#[derive(Debug)]
pub(crate) struct Seen {
    held: Mutex<Held>,
    good_for: Duration,
    most: usize,
}

#[derive(Debug, Default)]
struct Held {
    entries: HashMap<String, (Principal, Instant)>,
    /// How often something was taken back.
    generation: u64,
}

/// What there was to know when a look-up began.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Generation(u64);

// === impl Seen ===

impl Seen {
    pub(crate) fn new(config: &AuthConfig) -> Self {
        Self { held: Mutex::default(), good_for: config.cache, most: config.cache_entries }
    }

    pub(crate) fn get(&self, hash: &str) -> Result<Principal, Generation> {
        let held = self.held.lock();
        match held.entries.get(hash) {
            Some((who, until)) if *until > Instant::now() => Ok(who.clone()),
            _ => Err(Generation(held.generation)),
        }
    }

    /// Remembers who was found, not beyond the time at which what they showed expires, and not at all if something
    /// was taken back since the look-up began.
    pub(crate) fn put(&self, hash: String, who: &Principal, expires_at: Option<i64>, since: Generation) {
        let left = expires_at.map_or(u64::MAX, |at| u64::try_from(at - clock::now()).unwrap_or(0));
        let until = Instant::now() + self.good_for.min(Duration::from_secs(left));
        let mut held = self.held.lock();
        if held.generation != since.0 || self.good_for.is_zero() {
            return;
        }
        if held.entries.len() >= self.most {
            let now = Instant::now();
            held.entries.retain(|_, (_, until)| *until > now);
        }
        if held.entries.len() < self.most {
            held.entries.insert(hash, (who.clone(), until));
        }
    }

    /// Something was taken back: everything is looked up anew.
    pub(crate) fn clear(&self) {
        let mut held = self.held.lock();
        held.generation += 1;
        held.entries.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{PrincipalKind, Scopes};

    fn seen(most: usize) -> Seen {
        Seen::new(&AuthConfig { cache_entries: most, ..AuthConfig::default() })
    }

    fn who() -> Principal {
        Principal::new("a", Scopes::none(), PrincipalKind::Key)
    }

    #[tokio::test(start_paused = true)]
    async fn who_was_seen_is_known_for_ten_seconds() {
        let seen = seen(10);
        let since = seen.get("h").expect_err("nobody");
        seen.put("h".into(), &who(), None, since);
        tokio::time::advance(Duration::from_millis(9_999)).await;
        assert!(seen.get("h").is_ok());
        tokio::time::advance(Duration::from_millis(2)).await;
        assert!(seen.get("h").is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn a_look_up_that_a_revocation_overtook_is_not_remembered() {
        let seen = seen(10);
        let since = seen.get("h").expect_err("nobody");
        seen.clear();
        seen.put("h".into(), &who(), None, since);
        assert!(seen.get("h").is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn it_holds_no_more_than_it_may() {
        let seen = seen(2);
        for hash in ["a", "b", "c"] {
            let since = seen.get(hash).expect_err("nobody");
            seen.put(hash.into(), &who(), None, since);
        }
        assert!(seen.get("b").is_ok() && seen.get("c").is_err());
        tokio::time::advance(Duration::from_secs(11)).await;
        let since = seen.get("c").expect_err("nobody");
        seen.put("c".into(), &who(), None, since);
        assert!(seen.get("c").is_ok());
    }
}
