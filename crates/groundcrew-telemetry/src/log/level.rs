//! Which events are wanted: a level for all, others for some targets, and a way back.

use std::fmt;
use std::str::FromStr;
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::{Duration, Instant};
use tracing_core::{LevelFilter, Metadata};

/// Which events are wanted: `info,hyper=warn,my_app::db=debug,noisy=off`.
///
/// A level alone counts for every target that no other directive names. `target=level` counts for that
/// target and the modules below it; the longest that fits wins. Levels are `trace`, `debug`, `info`, `warn`,
/// `error` and `off`, in any case. Without a level alone, the rest is at `info`.
///
/// ```
/// use groundcrew_telemetry::Directives;
///
/// let directives: Directives = "WARN,my_app=debug".parse()?;
/// assert_eq!(directives.to_string(), "warn,my_app=debug");
/// assert!("info,my_app=loud".parse::<Directives>().is_err());
/// # Ok::<(), groundcrew_telemetry::DirectiveError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Directives {
    rest: LevelFilter,
    /// Longest target first, so that the first that fits is the one that counts.
    targets: Vec<(Box<str>, LevelFilter)>,
}

/// A directive that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DirectiveError {
    /// What should be a level is none.
    #[error("`{0}` is not a level: trace, debug, info, warn, error or off")]
    Level(String),
    /// A target is empty or has characters that no module path has.
    #[error("`{0}` is not a target: a module path such as my_app::db")]
    Target(String),
}

/// The directives in force, shared by the layer, the handle and the writer's thread.
#[derive(Debug)]
pub(crate) struct LevelControl {
    state: RwLock<State>,
}

#[derive(Debug)]
struct State {
    usual: Directives,
    temporary: Option<(Directives, Instant)>,
}

// === impl Directives ===

impl Directives {
    fn level_of(&self, target: &str) -> LevelFilter {
        self.targets.iter().find(|(named, _)| is_below(target, named)).map_or(self.rest, |(_, level)| *level)
    }

    fn most_verbose(&self) -> LevelFilter {
        self.targets.iter().map(|(_, level)| *level).fold(self.rest, Ord::max)
    }
}

impl Default for Directives {
    fn default() -> Self {
        Self { rest: LevelFilter::INFO, targets: Vec::new() }
    }
}

impl FromStr for Directives {
    type Err = DirectiveError;

    fn from_str(text: &str) -> Result<Self, DirectiveError> {
        let mut directives = Self::default();
        for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            match part.split_once('=') {
                Some((target, level)) => {
                    directives.targets.push((parse_target(target)?, parse_level(level)?));
                }
                None => directives.rest = parse_level(part)?,
            }
        }
        // Turned round before a stable sort: of two directives for one target the later counts.
        directives.targets.reverse();
        directives.targets.sort_by(|(a, _), (b, _)| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        directives.targets.dedup_by(|(a, _), (b, _)| a == b);
        Ok(directives)
    }
}

impl fmt::Display for Directives {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.rest)?;
        self.targets.iter().try_for_each(|(target, level)| write!(f, ",{target}={level}"))
    }
}

fn parse_level(text: &str) -> Result<LevelFilter, DirectiveError> {
    let text = text.trim();
    let known = [
        ("trace", LevelFilter::TRACE),
        ("debug", LevelFilter::DEBUG),
        ("info", LevelFilter::INFO),
        ("warn", LevelFilter::WARN),
        ("warning", LevelFilter::WARN),
        ("error", LevelFilter::ERROR),
        ("off", LevelFilter::OFF),
    ];
    let found = known.iter().find(|(name, _)| name.eq_ignore_ascii_case(text));
    found.map(|(_, level)| *level).ok_or_else(|| DirectiveError::Level(text.to_owned()))
}

fn parse_target(text: &str) -> Result<Box<str>, DirectiveError> {
    let text = text.trim();
    let fits = |c: char| c.is_alphanumeric() || matches!(c, '_' | ':' | '-' | '.' | '/');
    if text.is_empty() || !text.chars().all(fits) {
        return Err(DirectiveError::Target(text.to_owned()));
    }
    Ok(text.into())
}

fn is_below(target: &str, named: &str) -> bool {
    target.strip_prefix(named).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

// === impl LevelControl ===

impl LevelControl {
    pub(crate) fn new(usual: Directives) -> Self {
        Self { state: RwLock::new(State { usual, temporary: None }) }
    }

    /// Whether events and spans of this kind are wanted.
    pub(crate) fn wants(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() <= self.read().active().level_of(metadata.target())
    }

    pub(crate) fn most_verbose(&self) -> LevelFilter {
        self.read().active().most_verbose()
    }

    pub(crate) fn active(&self) -> Directives {
        self.read().active().clone()
    }

    /// The time until the usual directives come back, if others are in force for a while.
    pub(crate) fn returns_in(&self, now: Instant) -> Option<Duration> {
        self.read().temporary.as_ref().map(|(_, until)| until.saturating_duration_since(now))
    }

    /// Puts `directives` in force: for good, or until `until`.
    pub(crate) fn set(&self, directives: Directives, until: Option<Instant>) {
        let mut state = self.write();
        if let Some(until) = until {
            state.temporary = Some((directives, until));
        } else {
            *state = State { usual: directives, temporary: None };
        }
        drop(state);
        tracing_core::callsite::rebuild_interest_cache();
    }

    /// Brings the usual directives back if it is time; otherwise the time until then.
    pub(crate) fn return_if_due(&self, now: Instant) -> Option<Duration> {
        let left = self.returns_in(now)?;
        if !left.is_zero() {
            return Some(left);
        }
        let mut state = self.write();
        state.temporary.take_if(|(_, until)| *until <= now);
        drop(state);
        tracing_core::callsite::rebuild_interest_cache();
        None
    }

    fn read(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, State> {
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn active(&self) -> &Directives {
        self.temporary.as_ref().map_or(&self.usual, |(directives, _)| directives)
    }
}

#[cfg(test)]
mod tests {
    use super::{Directives, LevelControl};
    use proptest::prelude::*;
    use std::time::{Duration, Instant};
    use tracing_core::LevelFilter;

    fn directives(text: &str) -> Directives {
        text.parse().expect("directives")
    }

    #[test]
    fn the_longest_target_that_fits_wins() {
        let directives = directives("warn,app=info,app::db=debug,app::db=trace");
        assert_eq!(directives.level_of("app::db::pool"), LevelFilter::TRACE);
        assert_eq!(directives.level_of("app::http"), LevelFilter::INFO);
        assert_eq!(directives.level_of("apple"), LevelFilter::WARN);
    }

    #[test]
    fn a_mistyped_level_is_an_error_and_not_a_target() {
        assert!("inof".parse::<Directives>().is_err());
        assert!("app=".parse::<Directives>().is_err());
        assert!("=info".parse::<Directives>().is_err());
        assert!("app[span]=info".parse::<Directives>().is_err());
    }

    #[test]
    fn the_usual_directives_come_back_when_it_is_time_and_not_before() {
        let control = LevelControl::new(directives("info"));
        let now = Instant::now();
        let until = now + Duration::from_mins(1);
        control.set(directives("debug"), Some(until));
        assert!(control.return_if_due(now).is_some());
        assert_eq!(control.active(), directives("debug"));
        assert!(control.return_if_due(until).is_none());
        assert_eq!(control.active(), directives("info"));
    }

    #[test]
    fn a_change_for_good_ends_a_temporary_one() {
        let control = LevelControl::new(directives("info"));
        control.set(directives("debug"), Some(Instant::now() + Duration::from_mins(1)));
        control.set(directives("warn"), None);
        assert_eq!(control.active(), directives("warn"));
        assert!(control.returns_in(Instant::now()).is_none());
    }

    proptest! {
        #[test]
        fn what_is_displayed_reads_back_the_same(
            rest in "trace|debug|info|warn|error|off",
            targets in proptest::collection::btree_map("[a-z]{1,5}(::[a-z]{1,5}){0,2}", "trace|info|off", 0..4),
        ) {
            let mut text = rest;
            for (target, level) in targets {
                text = format!("{text},{target}={level}");
            }
            let parsed = directives(&text);
            prop_assert_eq!(directives(&parsed.to_string()), parsed);
        }

        #[test]
        fn no_text_makes_the_parser_panic(text: String) {
            let _ = text.parse::<Directives>();
        }
    }
}
