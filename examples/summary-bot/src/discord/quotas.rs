//! How many summaries somebody may ask for in Discord.

use std::time::Duration;

use groundcrew::Crew;
use groundcrew::config::FromConfig;
use groundcrew::http::Problem;
use groundcrew::http::axum::http::StatusCode;
use groundcrew::limit::{LimitConfig, LimitError, Limiter};
use groundcrew::redis::Redis;

/// How many summaries may be asked for in Discord, schedules that people run now among them: section `discord_limits`.
#[derive(Debug, Clone, FromConfig)]
#[config(default_impl)]
pub struct QuotaConfig {
    /// How many one user may ask for within an hour.
    #[config(default = 20, range = 1..=100_000)]
    pub per_user: u32,
    /// How many may be asked for within an hour in one server.
    #[config(default = 200, range = 1..=1_000_000)]
    pub per_guild: u32,
}

/// Counts them: all replicas together where there is a Redis.
#[derive(Debug, Clone)]
pub(crate) struct Quotas {
    users: Limiter,
    guilds: Limiter,
}

const HOUR: Duration = Duration::from_secs(3600);

// === impl Quotas ===

impl Quotas {
    pub(crate) fn new(config: &QuotaConfig, crew: &Crew, redis: Option<&Redis>) -> Result<Self, LimitError> {
        let limiter = |name: &str, most| {
            let limit = LimitConfig::of(most, HOUR);
            match redis {
                Some(redis) => limit.limiter_over(name, crew, redis.limits(crew.service())),
                None => limit.limiter(name, crew),
            }
        };
        let users = limiter("discord_users", config.per_user)?;
        Ok(Self { users, guilds: limiter("discord_guilds", config.per_guild)? })
    }

    /// Counts one summary, or says when to come back.
    pub(crate) async fn take(&self, user: &str, guild: Option<&str>) -> Result<(), Problem> {
        // The user first: a refused one costs the others nothing.
        let decision = self.users.take(user).await;
        if !decision.allowed {
            return Err(refused("you have asked", decision.limit, decision.retry_after));
        }
        let Some(guild) = guild else { return Ok(()) };
        let decision = self.guilds.take(guild).await;
        if decision.allowed {
            return Ok(());
        }
        Err(refused("this server has asked", decision.limit, decision.retry_after))
    }
}

fn refused(who: &str, most: u32, after: Option<Duration>) -> Problem {
    let after = after.unwrap_or(HOUR);
    let seconds = after.as_secs() + u64::from(after.subsec_nanos() > 0);
    let seconds = u32::try_from(seconds).unwrap_or(3600).max(1);
    let when = match seconds {
        1 => "in a second".to_owned(),
        2..=90 => format!("in {seconds} seconds"),
        _ => format!("in {} minutes", seconds.div_ceil(60)),
    };
    Problem::new(StatusCode::TOO_MANY_REQUESTS, "RATE_LIMITED")
        .detail(format!("{who} for as many summaries as are made within an hour ({most}); try again {when}"))
        .retry_after(seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quotas(per_user: u32, per_guild: u32) -> Quotas {
        let crew = Crew::builder("quotas", "1.0.0").build();
        Quotas::new(&QuotaConfig { per_user, per_guild }, &crew, None).expect("right")
    }

    #[tokio::test]
    async fn who_asks_too_often_is_told_when_to_come_back() {
        let quotas = quotas(2, 100);
        for _ in 0..2 {
            quotas.take("1", Some("7")).await.expect("within the quota");
        }
        let problem = quotas.take("1", Some("7")).await.expect_err("too often").to_json();
        assert_eq!(problem["code"], "RATE_LIMITED");
        let words = problem["detail"].as_str().expect("words");
        assert!(words.starts_with("you have asked") && words.ends_with("try again in 30 minutes"), "{words}");
        quotas.take("2", Some("7")).await.expect("another user has their own");
    }

    #[tokio::test]
    async fn a_server_has_a_quota_of_its_own() {
        let quotas = quotas(100, 1);
        quotas.take("1", Some("7")).await.expect("within the quota");
        let words = quotas.take("2", Some("7")).await.expect_err("too often").to_json();
        assert!(words["detail"].as_str().expect("words").starts_with("this server has asked"), "{words}");
        quotas.take("2", Some("8")).await.expect("another server has its own");
    }
}
