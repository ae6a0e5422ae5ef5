//! The start, with and without a Redis.

use std::time::{Duration, Instant};

use groundcrew_config::{Environment, Secret};
use groundcrew_redis::deadpool_redis::redis::AsyncCommands;
use groundcrew_redis::{ConnectError, RedisConfig, RedisImpact, UrlError};
use groundcrew_runtime::Crew;

use crate::support::{config, crew, server, server_that_is_down, server_with_password, until, within};

const SOON: Duration = Duration::from_secs(5);

#[tokio::test]
async fn a_redis_that_is_down_does_not_stop_the_start_and_is_used_when_it_is_there() {
    let mut server = server_that_is_down().await;
    let crew = crew();
    let config = RedisConfig { check_period: Duration::from_millis(20), ..config(server.url()) };
    let redis = config.connect(&crew).await.expect("a handle");
    until("the service says so", || crew.readiness().degraded).await;
    assert!(crew.readiness().ready, "{:?}", crew.readiness());
    server.restart().await.expect("it is back");
    let set = || async { redis.shared("parcels").set::<_, _, ()>("a", 1).await };
    within(SOON, "recovery", set).await;
    until("the service is well", || !crew.readiness().degraded).await;
}

#[tokio::test]
async fn a_redis_that_is_required_and_down_makes_the_service_unready() {
    let server = server_that_is_down().await;
    let crew = crew();
    let config = RedisConfig {
        check_period: Duration::from_millis(20),
        impact: RedisImpact::Required,
        ..config(server.url())
    };
    config.connect(&crew).await.expect("a handle");
    until("the service is unready", || !crew.readiness().ready).await;
}

#[tokio::test]
async fn a_black_hole_at_the_start_costs_at_most_one_attempt() {
    // A listener whose backlog takes connections and never answers.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("redis://{}", silent.local_addr().expect("its address"));
    let started = Instant::now();
    config(url).connect(&crew()).await.expect("a handle");
    assert!(started.elapsed() < Duration::from_secs(2));
}

#[tokio::test]
async fn a_wrong_password_is_refused_with_the_setting_to_look_at() {
    let server = server_with_password("right").await;
    let right = Some(Secret::new("right".to_owned()));
    RedisConfig { password: right, ..config(server.url()) }.connect(&crew()).await.expect("a handle");
    for wrong in [None, Some(Secret::new("wrong-canary".to_owned()))] {
        let config = RedisConfig { password: wrong, ..config(server.url()) };
        let error = config.connect(&crew()).await.unwrap_err();
        assert!(matches!(error, ConnectError::Refused { .. }), "{error}");
        let shown = format!("{error} {error:?} {config:?}");
        assert!(shown.contains("REDIS_PASSWORD") && !shown.contains("canary"), "{shown}");
    }
}

#[tokio::test]
async fn without_a_url_the_error_says_what_to_set_and_a_service_may_do_without() {
    let error = RedisConfig::default().connect(&crew()).await.unwrap_err();
    assert!(matches!(error, ConnectError::Url(UrlError::NotConfigured)), "{error}");
    assert!(error.to_string().contains("REDIS_URL"), "{error}");
    let none = RedisConfig::default().connect_if_configured(&crew()).await;
    assert!(none.expect("no error").is_none());
}

#[tokio::test]
async fn in_production_doing_without_redis_has_to_be_chosen() {
    let crew = Crew::builder("parcels", "1.0.0").environment(Environment::Production).build();
    let nothing = RedisConfig::default();
    let error = nothing.connect_if_configured(&crew).await.unwrap_err();
    assert!(matches!(error, ConnectError::Url(UrlError::NotChosen)), "{error}");
    let words = error.to_string();
    assert!(words.contains("REDIS_URL") && words.contains("redis.in_process"), "{words}");
    // Who cannot do without is not told to.
    let error = nothing.connect(&crew).await.unwrap_err();
    assert!(matches!(error, ConnectError::Url(UrlError::NotConfigured)), "{error}");
    let chosen = RedisConfig { in_process: true, ..nothing };
    assert!(chosen.connect_if_configured(&crew).await.expect("it was chosen").is_none());
}

#[tokio::test]
async fn two_of_one_name_are_refused() {
    let (server, crew) = (server().await, crew());
    config(server.url()).connect(&crew).await.expect("a handle");
    let error = config(server.url()).connect(&crew).await.unwrap_err();
    assert!(matches!(error, ConnectError::Metrics { .. }), "{error}");
    config(server.url()).connect_as("sessions", &crew).await.expect("another name");
}
