use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Something that goes wrong with REST requests, some times or until it is taken back.
///
/// ```
/// use groundcrew_testkit_discord::{Effect, Fault};
/// use std::time::Duration;
///
/// // The next two messages into any channel are too many.
/// let fault = Fault::on("POST", "/channels/*/messages").times(2).effect(Effect::too_many(Duration::from_millis(300)));
/// ```
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Fault {
    /// The method; `*` is any.
    pub method: String,
    /// The path below `/api/v10`; a `*` stands for one piece, a `**` at the end for all that follow.
    pub path: String,
    /// How often it still happens. None: until it is taken back.
    #[serde(default)]
    pub times: Option<u32>,
    /// What happens.
    pub effect: Effect,
}

/// What a [`Fault`] does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Effect {
    /// 429, with the headers that go with it.
    TooMany {
        /// Seconds until another attempt may be made.
        retry_after: f64,
        /// Whether all routes are meant.
        #[serde(default)]
        global: bool,
        /// Whether it is a limit shared with others (`X-RateLimit-Scope: shared`), which does not count as invalid.
        #[serde(default)]
        shared: bool,
    },
    /// A status, with a JSON error of this code; of the 5xx kind an HTML page, as a proxy in front sends it.
    Status {
        /// The status.
        status: u16,
        /// Discord's own code.
        #[serde(default)]
        code: u64,
    },
    /// The answer comes so much later; the request itself is carried out at once.
    Slow {
        /// Milliseconds.
        ms: u64,
    },
    /// The request is carried out, but the connection is cut before the answer.
    CutAfter,
    /// The connection is cut before anything happens.
    Cut,
}

/// The faults that are in force.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    list: Vec<Fault>,
}

// === impl Fault ===

impl Fault {
    /// On requests like these; without an effect named it is a 500, until it is taken back.
    pub fn on(method: &str, path: &str) -> Self {
        Self {
            method: method.to_owned(),
            path: path.to_owned(),
            times: None,
            effect: Effect::Status { status: 500, code: 0 },
        }
    }

    /// On every request.
    pub fn anywhere() -> Self {
        Self::on("*", "/**")
    }

    /// Only so often.
    pub fn times(mut self, times: u32) -> Self {
        self.times = Some(times);
        self
    }

    /// Only once.
    pub fn once(self) -> Self {
        self.times(1)
    }

    /// What happens.
    pub fn effect(mut self, effect: Effect) -> Self {
        self.effect = effect;
        self
    }

    fn meets(&self, method: &str, path: &str) -> bool {
        (self.method == "*" || self.method.eq_ignore_ascii_case(method)) && path_meets(&self.path, path)
    }
}

// === impl Effect ===

impl Effect {
    /// 429 on this route.
    pub fn too_many(retry_after: Duration) -> Self {
        Self::TooMany { retry_after: retry_after.as_secs_f64(), global: false, shared: false }
    }

    /// 429 on all routes.
    pub fn too_many_globally(retry_after: Duration) -> Self {
        Self::TooMany { retry_after: retry_after.as_secs_f64(), global: true, shared: false }
    }

    /// A status.
    pub fn status(status: u16) -> Self {
        Self::Status { status, code: 0 }
    }

    /// Later.
    pub fn slow(by: Duration) -> Self {
        Self::Slow { ms: u64::try_from(by.as_millis()).unwrap_or(u64::MAX) }
    }
}

// === impl Faults ===

impl Faults {
    pub(crate) fn add(&mut self, fault: Fault) {
        self.list.push(fault);
    }

    pub(crate) fn clear(&mut self) {
        self.list.clear();
    }

    /// What happens to this request; it counts as one time.
    pub(crate) fn take(&mut self, method: &str, path: &str) -> Option<Effect> {
        let at = self.list.iter().position(|fault| fault.meets(method, path))?;
        let fault = &mut self.list[at];
        let effect = fault.effect.clone();
        if let Some(times) = &mut fault.times {
            *times = times.saturating_sub(1);
            if *times == 0 {
                self.list.remove(at);
            }
        }
        Some(effect)
    }
}

fn path_meets(pattern: &str, path: &str) -> bool {
    let mut path = path.trim_matches('/').split('/');
    for piece in pattern.trim_matches('/').split('/') {
        if piece == "**" {
            return true;
        }
        match path.next() {
            Some(given) if piece == "*" || piece == given => {}
            _ => return false,
        }
    }
    path.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::path_meets;

    #[test]
    fn a_star_is_one_piece_and_two_are_the_rest() {
        assert!(path_meets("/channels/*/messages", "/channels/1/messages"));
        assert!(!path_meets("/channels/*/messages", "/channels/1/messages/2"));
        assert!(path_meets("/channels/**", "/channels/1/messages/2"));
        assert!(path_meets("/**", "/gateway/bot"));
        assert!(!path_meets("/guilds/*", "/channels/1"));
    }
}
