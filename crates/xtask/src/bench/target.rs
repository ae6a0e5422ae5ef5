//! What must be reached, and whether it was.

use crate::failure::Failure;
use serde_json::{Value, json};

/// A number and the bound that it must keep.
#[derive(Debug)]
pub(crate) struct Target {
    what: String,
    value: f64,
    bound: Bound,
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum Bound {
    AtLeast(f64),
    AtMost(f64),
}

// === impl Target ===

impl Target {
    pub(crate) fn new(what: impl Into<String>, value: f64, bound: Bound) -> Self {
        Self { what: what.into(), value, bound }
    }

    fn is_met(&self) -> bool {
        match self.bound {
            Bound::AtLeast(bound) => self.value >= bound,
            Bound::AtMost(bound) => self.value <= bound,
        }
    }

    fn line(&self) -> String {
        let (word, bound) = match self.bound {
            Bound::AtLeast(bound) => ("at least", bound),
            Bound::AtMost(bound) => ("at most", bound),
        };
        let verdict = if self.is_met() { "met" } else { "MISSED" };
        format!("{:<44} {:>10} {word} {:<8} {verdict}", self.what, short(self.value), short(bound))
    }

    pub(crate) fn json(&self) -> Value {
        let (at_least, at_most) = match self.bound {
            Bound::AtLeast(bound) => (Some(bound), None),
            Bound::AtMost(bound) => (None, Some(bound)),
        };
        let mut target = json!({"target": self.what, "value": self.value, "met": self.is_met()});
        for (name, bound) in [("at_least", at_least), ("at_most", at_most)] {
            if let Some(bound) = bound {
                target[name] = bound.into();
            }
        }
        target
    }
}

pub(crate) fn print(targets: &[Target]) {
    println!();
    for target in targets {
        println!("{}", target.line());
    }
}

/// Fails when one was missed.
pub(crate) fn verdict(targets: &[Target]) -> Result<(), Failure> {
    if targets.iter().all(Target::is_met) { Ok(()) } else { Err(Failure::Checks) }
}

/// Whole numbers as such, others with as many digits as say something.
fn short(value: f64) -> String {
    if value.fract() == 0.0 { format!("{value}") } else { format!("{value:.3}") }
}

#[cfg(test)]
mod tests {
    use super::{Bound, Target, verdict};

    #[test]
    fn one_missed_target_fails_all() {
        let met = || Target::new("a", 0.92, Bound::AtLeast(0.92));
        let missed = Target::new("b", 20_001.0, Bound::AtMost(20_000.0));
        assert!(verdict(&[met()]).is_ok());
        assert_eq!(verdict(&[met(), missed]).map_err(|failure| failure.code()), Err(1));
    }

    #[test]
    fn a_number_that_is_none_meets_nothing() {
        assert!(verdict(&[Target::new("a", f64::NAN, Bound::AtMost(1.0))]).is_err());
    }
}
