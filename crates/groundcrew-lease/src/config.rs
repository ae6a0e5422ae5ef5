use std::time::Duration;

use groundcrew_config::FromConfig;

use crate::LeaseError;

/// How quickly a leader notices that it is none any more, and how quickly another takes its place.
///
/// After a leader was killed, another leads after at most `retry + 1.25 × deadline`; after it was cut off without a
/// word, after `session_timeout` more.
#[derive(Debug, Clone, FromConfig)]
#[config(default_impl)]
pub struct LeaseConfig {
    /// How often the leader asks whether it still is one.
    #[config(default = "400ms")]
    pub heartbeat: Duration,
    /// How long the leader goes on without an answer. After an unclean end, its successor waits as long and a quarter.
    #[config(default = "1200ms")]
    pub deadline: Duration,
    /// After how long Postgres (14 and later) ends the session of a leader from which nothing comes.
    #[config(default = "5s")]
    pub session_timeout: Duration,
    /// How often the others ask whether the lease is free.
    #[config(default = "250ms")]
    pub retry: Duration,
    /// How long the leader's work may go on to its next good end when the service stops.
    #[config(default = "5s")]
    pub handover: Duration,
}

// === impl LeaseConfig ===

impl LeaseConfig {
    /// What cannot work, found at the start.
    pub(crate) fn validate(&self) -> Result<(), LeaseError> {
        if self.heartbeat.is_zero() || self.retry.is_zero() || self.heartbeat * 2 > self.deadline {
            return Err(LeaseError::Hasty { heartbeat: self.heartbeat, deadline: self.deadline });
        }
        if self.session_timeout < self.deadline * 2 {
            return Err(LeaseError::ShortSession {
                session_timeout: self.session_timeout,
                deadline: self.deadline,
            });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_can_work() {
        assert!(LeaseConfig::default().validate().is_ok());
    }

    #[test]
    fn a_deadline_that_one_late_heartbeat_breaks_is_refused() {
        let config = LeaseConfig { heartbeat: Duration::from_secs(1), ..LeaseConfig::default() };
        assert!(matches!(config.validate(), Err(LeaseError::Hasty { .. })));
    }

    #[test]
    fn a_session_that_ends_before_the_leader_gives_up_is_refused() {
        let config = LeaseConfig { session_timeout: Duration::from_secs(2), ..LeaseConfig::default() };
        assert!(matches!(config.validate(), Err(LeaseError::ShortSession { .. })));
    }
}
