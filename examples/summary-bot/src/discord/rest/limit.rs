//! Discord's rate limits: per route and major id as its headers tell, and one for all of them together.

use std::collections::HashMap;
use std::time::Duration;

use groundcrew::http::axum::http::{HeaderMap, Method, StatusCode};
use parking_lot::Mutex;
use tokio::time::{Instant, sleep_until};

use super::RestError;

/// A map this large is cleared of what has no say any more.
const CROWDED: usize = 1024;
/// What Discord would say if it said nothing with a 429.
const UNSAID: Duration = Duration::from_secs(1);

/// A route as Discord limits it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Route {
    /// The method and the path, with names in place of ids.
    pub(super) template: &'static str,
    method: u8,
    major: u64,
}

/// What is known about limits.
#[derive(Debug, Default)]
pub(super) struct Limits(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    /// Nothing is sent before, whatever it is.
    global: Option<Instant>,
    /// Which bucket a route belongs to, as Discord's headers call it.
    names: HashMap<(&'static str, u8), String>,
    buckets: HashMap<(String, u64), Bucket>,
}

#[derive(Debug, Clone, Copy)]
struct Bucket {
    remaining: u32,
    reset: Instant,
}

/// What an answer says about limits.
#[derive(Debug)]
pub(super) struct Answered {
    limited: bool,
    bucket: Option<String>,
    remaining: Option<u32>,
    reset_after: Option<Duration>,
    retry_after: Option<Duration>,
    global: bool,
}

// === impl Route ===

impl Route {
    pub(super) fn new(method: &Method, template: &'static str, major: &str) -> Self {
        // Collisions would only make one wait for the other.
        let major = major.bytes().fold(0_u64, |sum, byte| sum.wrapping_mul(31).wrapping_add(u64::from(byte)));
        let method = method.as_str().bytes().fold(0_u8, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte));
        Self { template, method, major }
    }
}

// === impl Limits ===

impl Limits {
    /// Waits until this may be sent, and takes its place; an error if that is after `deadline`.
    pub(super) async fn wait(&self, route: &Route, deadline: Instant) -> Result<(), RestError> {
        loop {
            let Some(until) = self.0.lock().take(route, Instant::now()) else { return Ok(()) };
            if until > deadline {
                return Err(RestError::Limited { route: route.template });
            }
            sleep_until(until).await;
        }
    }

    /// Takes in what Discord says.
    pub(super) fn learn(&self, route: &Route, answered: &Answered) {
        self.0.lock().learn(route, answered, Instant::now());
    }
}

// === impl Known ===

impl Known {
    /// Until when to wait; `None` if there is a place, which is taken then.
    fn take(&mut self, route: &Route, now: Instant) -> Option<Instant> {
        if let Some(until) = self.global.filter(|until| *until > now) {
            return Some(until);
        }
        let key = self.key(route);
        let bucket = self.buckets.get_mut(&key)?;
        if bucket.reset <= now {
            // Nobody knows how many there are now: one finds out, and in the meantime others may, too.
            self.buckets.remove(&key);
            return None;
        }
        match bucket.remaining.checked_sub(1) {
            Some(left) => {
                bucket.remaining = left;
                None
            }
            None => Some(bucket.reset),
        }
    }

    fn learn(&mut self, route: &Route, answered: &Answered, now: Instant) {
        if answered.limited && answered.global {
            self.global = Some(now + answered.retry_after.unwrap_or(UNSAID));
            return;
        }
        if let Some(name) = &answered.bucket {
            self.names.insert((route.template, route.method), name.clone());
        }
        let wait = if answered.limited {
            Some((0, answered.retry_after.or(answered.reset_after).unwrap_or(UNSAID)))
        } else {
            answered.remaining.zip(answered.reset_after)
        };
        let Some((remaining, after)) = wait else { return };
        if self.buckets.len() > CROWDED {
            self.buckets.retain(|_, bucket| bucket.reset > now);
        }
        let reset = now + after;
        let bucket = self.buckets.entry(
            self.names
                .get(&(route.template, route.method))
                .map_or_else(|| (route.template.to_owned(), route.major), |name| (name.clone(), route.major)),
        );
        let bucket = bucket.or_insert(Bucket { remaining, reset });
        // Answers overtake each other: the one that leaves less is right, until the next window.
        *bucket = if bucket.reset <= now || answered.limited {
            Bucket { remaining, reset }
        } else {
            Bucket { remaining: remaining.min(bucket.remaining), reset: reset.max(bucket.reset) }
        };
    }

    fn key(&self, route: &Route) -> (String, u64) {
        let name = self.names.get(&(route.template, route.method)).map_or(route.template, String::as_str);
        (name.to_owned(), route.major)
    }
}

// === impl Answered ===

impl Answered {
    pub(super) fn of(status: StatusCode, headers: &HeaderMap) -> Self {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let seconds = |name: &str| text(name).and_then(|value| value.parse().ok()).and_then(duration);
        Self {
            limited: status == StatusCode::TOO_MANY_REQUESTS,
            bucket: text("x-ratelimit-bucket").map(str::to_owned),
            remaining: text("x-ratelimit-remaining").and_then(|value| value.parse().ok()),
            reset_after: seconds("x-ratelimit-reset-after"),
            retry_after: seconds("retry-after"),
            global: text("x-ratelimit-global").is_some() || text("x-ratelimit-scope") == Some("global"),
        }
    }

    /// What the body of a 429 says: the same, with fractions of a second.
    pub(super) fn complain(&mut self, retry_after: Option<f64>, global: bool) {
        self.retry_after = retry_after.and_then(duration).or(self.retry_after);
        self.global |= global;
    }
}

/// A nonsensical number of seconds is none.
fn duration(seconds: f64) -> Option<Duration> {
    Duration::try_from_secs_f64(seconds).ok().filter(|duration| *duration < Duration::from_secs(86_400))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn route(major: &str) -> Route {
        Route::new(&Method::GET, "GET /channels/:id/messages", major)
    }

    fn answered(remaining: u32, after: u64) -> Answered {
        Answered {
            limited: false,
            bucket: Some("abc".to_owned()),
            remaining: Some(remaining),
            reset_after: Some(Duration::from_secs(after)),
            retry_after: None,
            global: false,
        }
    }

    #[test]
    fn what_is_left_is_taken_and_then_waited_for() {
        let (mut known, now) = (Known::default(), Instant::now());
        known.learn(&route("7"), &answered(1, 5), now);
        assert_eq!(known.take(&route("7"), now), None);
        assert_eq!(known.take(&route("7"), now), Some(now + Duration::from_secs(5)));
        assert_eq!(known.take(&route("7"), now + Duration::from_secs(5)), None);
    }

    #[test]
    fn one_channel_does_not_wait_for_another() {
        let (mut known, now) = (Known::default(), Instant::now());
        known.learn(&route("7"), &answered(0, 5), now);
        assert!(known.take(&route("7"), now).is_some());
        assert_eq!(known.take(&route("8"), now), None);
    }

    #[test]
    fn a_global_limit_stops_everything() {
        let (mut known, now) = (Known::default(), Instant::now());
        let mut limited = Answered { limited: true, ..answered(3, 1) };
        limited.complain(Some(0.5), true);
        known.learn(&route("7"), &limited, now);
        assert_eq!(known.take(&route("8"), now), Some(now + Duration::from_millis(500)));
    }

    #[test]
    fn a_429_without_a_word_is_waited_for_all_the_same() {
        let (mut known, now) = (Known::default(), Instant::now());
        let silent = Answered {
            limited: true,
            bucket: None,
            remaining: None,
            reset_after: None,
            retry_after: None,
            global: false,
        };
        known.learn(&route("7"), &silent, now);
        assert_eq!(known.take(&route("7"), now), Some(now + UNSAID));
    }

    #[test]
    fn an_answer_that_was_overtaken_gives_nothing_back() {
        let (mut known, now) = (Known::default(), Instant::now());
        known.learn(&route("7"), &answered(0, 5), now);
        known.learn(&route("7"), &answered(3, 5), now);
        assert!(known.take(&route("7"), now).is_some());
    }

    #[test]
    fn nonsense_is_no_time() {
        assert_eq!(duration(f64::NAN), None);
        assert_eq!(duration(-1.0), None);
        assert_eq!(duration(1e300), None);
    }
}
