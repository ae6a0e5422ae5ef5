use std::time::Duration;

use groundcrew_config::FromConfig;

use crate::CUT_GRACE;

/// How the service goes down.
#[derive(Debug, Clone, FromConfig)]
#[config(default_impl)]
pub struct ShutdownConfig {
    /// The whole budget from the first signal to the exit, lame duck included. Kubernetes kills after 30 s.
    #[config(default = "25s")]
    pub budget: Duration,
    /// How long to go on serving while unready, so that load balancers look away first.
    /// Unset: 5 s where KUBERNETES_SERVICE_HOST is set, otherwise none.
    pub lame_duck: Option<Duration>,
    /// The platform's grace period. Start-up refuses a budget that does not fit below it with 600 ms to spare, in which
    /// what is cut at the very end gives its last answer and threads that still block are left behind.
    #[config(default = "30s")]
    pub grace_period: Duration,
}

/// The lame-duck delay inside Kubernetes when nothing is configured.
pub const KUBERNETES_LAME_DUCK: Duration = Duration::from_secs(5);

/// How long threads that still block may hold up the exit after everything has landed: for
/// `Runtime::shutdown_timeout` in a `main` of your own.
pub const BLOCKING_GRACE: Duration = Duration::from_millis(100);

/// A shutdown that cannot work, found at start-up.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum ShutdownConfigError {
    /// The platform would kill the process in the middle of its own shutdown.
    #[error(
        "shutdown.budget is {budget:?} and the exit may take {:?} more, but the platform kills after \
         shutdown.grace_period = {grace:?}; lower the budget, or raise terminationGracePeriodSeconds and \
         shutdown.grace_period",
        CUT_GRACE + BLOCKING_GRACE
    )]
    BudgetAboveGracePeriod {
        /// The configured budget.
        budget: Duration,
        /// The platform's grace period.
        grace: Duration,
    },
    /// The lame duck alone would use the time in which requests are to be drained.
    #[error(
        "shutdown.lame_duck is {lame_duck:?} of a budget of {budget:?}: at most 60 % may be spent still \
         serving; lower it or raise shutdown.budget"
    )]
    LameDuckTooLong {
        /// The configured delay.
        lame_duck: Duration,
        /// The configured budget.
        budget: Duration,
    },
}

impl ShutdownConfig {
    /// The lame-duck delay in force, `in_kubernetes` being whether KUBERNETES_SERVICE_HOST is set.
    pub fn lame_duck(&self, in_kubernetes: bool) -> Duration {
        self.lame_duck.unwrap_or(if in_kubernetes { KUBERNETES_LAME_DUCK } else { Duration::ZERO })
    }

    /// Refuses a plan that the platform would interrupt.
    pub fn validate(&self, in_kubernetes: bool) -> Result<(), ShutdownConfigError> {
        if self.budget.saturating_add(CUT_GRACE + BLOCKING_GRACE) > self.grace_period {
            return Err(ShutdownConfigError::BudgetAboveGracePeriod {
                budget: self.budget,
                grace: self.grace_period,
            });
        }
        let lame_duck = self.lame_duck(in_kubernetes);
        if lame_duck > self.budget.mul_f64(0.6) {
            return Err(ShutdownConfigError::LameDuckTooLong { lame_duck, budget: self.budget });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lame_duck_is_on_only_inside_kubernetes_unless_configured() {
        let config = ShutdownConfig::default();
        assert_eq!(config.lame_duck(true), Duration::from_secs(5));
        assert_eq!(config.lame_duck(false), Duration::ZERO);
        let configured = ShutdownConfig { lame_duck: Some(Duration::from_secs(1)), ..config };
        assert_eq!(configured.lame_duck(true), Duration::from_secs(1));
        assert_eq!(configured.lame_duck(false), Duration::from_secs(1));
    }

    #[test]
    fn a_budget_at_or_above_the_grace_period_is_refused() {
        let config = ShutdownConfig { budget: Duration::from_secs(30), ..ShutdownConfig::default() };
        assert!(config.validate(false).unwrap_err().to_string().contains("terminationGracePeriodSeconds"));
    }

    #[test]
    fn a_budget_whose_last_cut_would_come_after_the_grace_period_is_refused() {
        let of =
            |millis| ShutdownConfig { budget: Duration::from_millis(millis), ..ShutdownConfig::default() };
        let error = of(29_401).validate(true).unwrap_err().to_string();
        assert!(error.contains("29.401s and the exit may take 600ms more"), "{error}");
        assert_eq!(of(29_400).validate(true), Ok(()));
        assert_eq!(ShutdownConfig::default().validate(true), Ok(()));
    }

    #[test]
    fn a_lame_duck_that_leaves_no_time_to_drain_is_refused() {
        let config = ShutdownConfig { lame_duck: Some(Duration::from_secs(20)), ..ShutdownConfig::default() };
        assert!(matches!(config.validate(false), Err(ShutdownConfigError::LameDuckTooLong { .. })));
    }
}
