//! The section as the loader reads it.

use std::time::Duration;

use groundcrew_config::{FromConfig, Loader, reference};
use groundcrew_sql::{DatabaseImpact, MigrateMode, SqlConfig};

/// The configuration of a service.
#[derive(Debug, FromConfig)]
struct Config {
    database: SqlConfig,
}

fn load<const N: usize>(variables: [(&str, &str); N]) -> SqlConfig {
    let loaded = Loader::new("parcels").variables(variables).load(&Config::shape()).expect("no problems");
    loaded.read::<Config>().expect("a configuration").database
}

#[test]
fn nothing_needs_to_be_set() {
    let config = load([]);
    assert!(config.url.is_none() && config.password.is_none() && config.impact.is_none());
    assert_eq!((config.max_connections, config.acquire_timeout), (10, Duration::from_secs(3)));
    assert_eq!(config.migrate, MigrateMode::Start);
}

#[test]
fn the_plain_names_are_aliases_and_the_url_knows_its_origin() {
    for name in ["DATABASE_URL", "POSTGRES_URL", "PARCELS__DATABASE__URL"] {
        let config = load([(name, "postgres://user@host/name"), ("DATABASE_PASSWORD", "hunter2-canary")]);
        let url = config.url.expect("a url");
        assert_eq!(url.expose(), "postgres://user@host/name");
        assert_eq!(url.origin().to_string(), format!("env {name}"));
        assert_eq!(config.password.expect("a password").expose(), "hunter2-canary");
    }
}

#[test]
fn a_password_is_in_no_output_of_the_configuration() {
    let variables =
        [("DATABASE_URL", "postgres://user:url-canary@host/name"), ("DATABASE_PASSWORD", "own-canary")];
    let loaded = Loader::new("parcels").variables(variables).load(&Config::shape()).expect("no problems");
    let config: Config = loaded.read().expect("a configuration");
    let shown = format!("{config:?} {} {:?}", loaded.explain(), loaded.explain());
    assert!(!shown.contains("canary"), "{shown}");
}

#[test]
fn choices_are_written_in_small_letters() {
    let config = load([("PARCELS__DATABASE__IMPACT", "required"), ("PARCELS__DATABASE__MIGRATE", "never")]);
    assert_eq!((config.impact, config.migrate), (Some(DatabaseImpact::Required), MigrateMode::Never));
}

#[test]
fn the_reference_tells_about_every_key() {
    let text = reference(&Config::shape(), "parcels").toml();
    for key in ["url", "password", "max_connections", "statement_timeout", "impact", "migrate"] {
        assert!(text.contains(key), "{key}\n{text}");
    }
}
