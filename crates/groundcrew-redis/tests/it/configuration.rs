//! The section as the loader reads it.

use std::time::Duration;

use groundcrew_config::{FromConfig, Loader, reference};
use groundcrew_redis::{RedisConfig, RedisImpact};

/// The configuration of a service.
#[derive(Debug, FromConfig)]
struct Config {
    redis: RedisConfig,
}

fn load<const N: usize>(variables: [(&str, &str); N]) -> RedisConfig {
    let loaded = Loader::new("parcels").variables(variables).load(&Config::shape()).expect("no problems");
    loaded.read::<Config>().expect("a configuration").redis
}

#[test]
fn nothing_needs_to_be_set_and_every_time_has_a_bound() {
    let config = load([]);
    assert!(config.url.is_none() && config.password.is_none());
    assert_eq!(config.impact, RedisImpact::Degraded);
    let times = [
        config.acquire_timeout,
        config.connect_timeout,
        config.recycle_timeout,
        config.response_timeout,
        config.tcp_keepalive,
        config.tcp_user_timeout,
        config.check_timeout,
    ];
    assert!(times.iter().all(|time| !time.is_zero() && *time <= Duration::from_secs(15)), "{times:?}");
}

#[test]
fn the_plain_names_are_aliases_and_nothing_shows_the_password() {
    let variables = [("REDIS_URL", "redis://:url-canary@host/2"), ("REDIS_PASSWORD", "own-canary")];
    let config = load(variables);
    assert_eq!(config.url.as_ref().expect("a url").origin().to_string(), "env REDIS_URL");
    assert_eq!(config.password.as_ref().expect("a password").expose(), "own-canary");
    let loaded = Loader::new("parcels").variables(variables).load(&Config::shape()).expect("no problems");
    let shown = format!("{config:?} {} {:?}", loaded.explain(), loaded.explain());
    assert!(!shown.contains("canary"), "{shown}");
}

#[test]
fn the_reference_tells_about_every_key() {
    let text = reference(&Config::shape(), "parcels").toml();
    for key in ["url", "password", "shared_connections", "tcp_user_timeout", "impact"] {
        assert!(text.contains(key), "{key}\n{text}");
    }
}
