use std::collections::HashMap;
use std::time::{Duration, Instant};

/// How many requests fit into which period. Discord does not publish its numbers and changes them; what counts for a
/// bot is that it obeys the headers.
#[derive(Debug, Clone)]
pub struct Limits {
    rules: Vec<Rule>,
    /// For routes without a rule of their own.
    fallback: Option<(u64, Duration)>,
    /// All routes together, the answers to interactions apart.
    global: Option<u64>,
}

#[derive(Debug, Clone)]
struct Rule {
    method: &'static str,
    /// As [`Route::template`].
    template: String,
    limit: u64,
    period: Duration,
}

/// Where a request goes, as far as limits are concerned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Route {
    /// With `*` for ids and tokens.
    pub(crate) template: String,
    /// The channel, guild or webhook whose limit it is.
    pub(crate) major: String,
}

/// What the headers say about a bucket.
#[derive(Debug, Clone)]
pub(crate) struct Allowance {
    pub(crate) bucket: String,
    pub(crate) limit: u64,
    pub(crate) remaining: u64,
    pub(crate) reset_after: Duration,
}

/// What became of a request at the limits.
#[derive(Debug)]
pub(crate) enum Verdict {
    /// Fine; no limit is known to the bot.
    Free,
    /// Fine.
    Allowed(Allowance),
    /// Too many in this bucket.
    Refused(Allowance),
    /// Too many of all.
    RefusedGlobally(Duration),
}

/// Counts.
#[derive(Debug)]
pub(crate) struct Buckets {
    limits: Limits,
    windows: HashMap<(String, String), Window>,
    global: Option<Window>,
}

#[derive(Debug, Clone, Copy)]
struct Window {
    began: Instant,
    used: u64,
}

// === impl Limits ===

impl Limits {
    /// About what Discord allows, as far as bots' authors have seen it.
    pub fn discord() -> Self {
        let second = Duration::from_secs(1);
        let five = Duration::from_secs(5);
        let rule = |method, template: &str, limit, period| Rule {
            method,
            template: template.to_owned(),
            limit,
            period,
        };
        Self {
            rules: vec![
                rule("POST", "/channels/*/messages", 5, five),
                rule("PATCH", "/channels/*/messages/*", 5, five),
                rule("DELETE", "/channels/*/messages/*", 5, five),
                rule("GET", "/channels/*/messages", 10, second),
                rule("GET", "/guilds/*/members", 10, Duration::from_secs(10)),
                rule("PUT", "/applications/*/commands", 5, Duration::from_secs(20)),
                rule("PUT", "/applications/*/guilds/*/commands", 5, Duration::from_secs(20)),
                rule("POST", "/webhooks/*/*", 5, Duration::from_secs(2)),
                rule("PATCH", "/webhooks/*/*/messages/*", 5, Duration::from_secs(2)),
                rule("DELETE", "/webhooks/*/*/messages/*", 5, Duration::from_secs(2)),
            ],
            fallback: Some((10, second)),
            global: Some(50),
        }
    }

    /// None at all.
    pub fn none() -> Self {
        Self { rules: Vec::new(), fallback: None, global: None }
    }

    /// A limit of one route, such as `("GET", "/channels/*/messages", 2, 1 s)`, before all others.
    pub fn with(mut self, method: &'static str, template: &str, limit: u64, period: Duration) -> Self {
        self.rules.insert(0, Rule { method, template: template.to_owned(), limit, period });
        self
    }

    /// How many requests of all kinds fit into a second.
    pub fn with_global(mut self, per_second: u64) -> Self {
        self.global = Some(per_second);
        self
    }

    fn of(&self, method: &str, template: &str) -> Option<(u64, Duration)> {
        let rule = self.rules.iter().find(|rule| rule.method == method && rule.template == template);
        rule.map(|rule| (rule.limit, rule.period)).or(self.fallback)
    }
}

// === impl Route ===

impl Route {
    /// Of a path below `/api/v10`.
    pub(crate) fn of(path: &str) -> Self {
        let pieces: Vec<&str> = path.trim_matches('/').split('/').collect();
        let first = pieces.first().copied().unwrap_or_default();
        let mut template = String::new();
        for (at, piece) in pieces.iter().enumerate() {
            template.push('/');
            let id = !piece.is_empty() && piece.bytes().all(|byte| byte.is_ascii_digit());
            // `/webhooks/{id}/{token}/messages/@original`, `/interactions/{id}/{token}/callback`, reactions' emoji
            let token = matches!(first, "webhooks" | "interactions") && at == 2;
            let message = *piece == "@original";
            let emoji = at == 5 && pieces.get(4) == Some(&"reactions");
            template.push_str(if id || token || message || emoji { "*" } else { piece });
        }
        let majors = match first {
            "channels" | "guilds" => 2,
            "webhooks" | "interactions" => 3,
            _ => 0,
        };
        Self { template, major: pieces.iter().take(majors).copied().collect::<Vec<_>>().join("/") }
    }
}

// === impl Buckets ===

impl Buckets {
    pub(crate) fn new(limits: Limits) -> Self {
        Self { limits, windows: HashMap::new(), global: None }
    }

    pub(crate) fn set(&mut self, limits: Limits) {
        *self = Self::new(limits);
    }

    /// Counts a request.
    pub(crate) fn take(&mut self, method: &str, route: &Route) -> Verdict {
        // Answers to interactions know no limit, nor do they count for the global one.
        if route.template.starts_with("/interactions") {
            return Verdict::Free;
        }
        let now = Instant::now();
        if let Some(limit) = self.limits.global.filter(|_| !route.template.starts_with("/webhooks")) {
            let window = self.global.get_or_insert(Window { began: now, used: 0 });
            if let Err(wait) = window.take(now, limit, Duration::from_secs(1)) {
                return Verdict::RefusedGlobally(wait);
            }
        }
        let Some((limit, period)) = self.limits.of(method, &route.template) else { return Verdict::Free };
        let bucket = format!("{method} {}", route.template);
        if self.windows.len() > 10_000 {
            self.windows.retain(|_, window| now.duration_since(window.began) < Duration::from_secs(60));
        }
        let key = (bucket.clone(), route.major.clone());
        let window = self.windows.entry(key).or_insert(Window { began: now, used: 0 });
        let taken = window.take(now, limit, period);
        let allowance = Allowance {
            bucket: name(&bucket),
            limit,
            remaining: limit.saturating_sub(window.used),
            reset_after: period.saturating_sub(now.duration_since(window.began)),
        };
        if taken.is_ok() { Verdict::Allowed(allowance) } else { Verdict::Refused(allowance) }
    }
}

// === impl Window ===

impl Window {
    fn take(&mut self, now: Instant, limit: u64, period: Duration) -> Result<(), Duration> {
        if now.duration_since(self.began) >= period {
            *self = Self { began: now, used: 0 };
        }
        if self.used >= limit {
            return Err(period.saturating_sub(now.duration_since(self.began)));
        }
        self.used += 1;
        Ok(())
    }
}

/// Discord's names of buckets say nothing either.
fn name(bucket: &str) -> String {
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    for byte in bucket.bytes() {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    }
    format!("{hash:016x}{:016x}", hash.rotate_left(17))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_is_a_route_of_one_channel() {
        let route = Route::of("/channels/12/messages/34");
        assert_eq!(
            (route.template.as_str(), route.major.as_str()),
            ("/channels/*/messages/*", "channels/12")
        );
        let route = Route::of("/webhooks/1/aToken/messages/@original");
        assert_eq!(
            (route.template.as_str(), route.major.as_str()),
            ("/webhooks/*/*/messages/*", "webhooks/1/aToken")
        );
    }

    #[test]
    fn one_channel_at_its_limit_leaves_the_others_alone() {
        let limits = Limits::none().with("POST", "/channels/*/messages", 1, Duration::from_secs(60));
        let mut buckets = Buckets::new(limits);
        let (one, other) = (Route::of("/channels/1/messages"), Route::of("/channels/2/messages"));
        assert!(matches!(buckets.take("POST", &one), Verdict::Allowed(_)));
        assert!(matches!(buckets.take("POST", &one), Verdict::Refused(_)));
        assert!(matches!(buckets.take("POST", &other), Verdict::Allowed(_)));
    }
}
