//! The section as the loader reads it.

use std::time::Duration;

use groundcrew_cache::CacheConfig;
use groundcrew_config::{FromConfig, Loader};

/// The configuration of a service.
#[derive(Debug, FromConfig)]
struct Config {
    cache: CacheConfig,
}

fn load<const N: usize>(variables: [(&str, &str); N]) -> CacheConfig {
    let loaded = Loader::new("parcels").variables(variables).load(&Config::shape()).expect("no problems");
    loaded.read::<Config>().expect("a configuration").cache
}

#[test]
fn nothing_needs_to_be_set() {
    let config = load([]);
    assert_eq!((config.ttl, config.budget), (Duration::from_secs(300), Duration::from_millis(100)));
    assert_eq!((config.jitter, config.max_entries), (10, 10_000));
}

#[test]
fn the_plain_variable_is_a_number_of_seconds() {
    assert_eq!(load([("CACHE_TTL", "3600")]).ttl_seconds, Some(3600));
}
