use std::time::Duration;

use groundcrew_client::{ClientConfig, ClientError};
use groundcrew_testkit::proxy::{FaultProxy, Mode};

use crate::support::{Server, bounded, client, crew, metric, quick_but, until};

const PAUSE: Duration = Duration::from_secs(1);

fn config() -> ClientConfig {
    quick_but(|config| {
        config.max_retries = 0;
        config.breaker_failures = 3;
        config.breaker_pause = PAUSE;
    })
}

#[tokio::test]
async fn a_dead_host_is_left_alone_tried_by_one_and_asked_again() {
    bounded(async {
        let server = Server::saying(200, &[]).await;
        let proxy = FaultProxy::to(server.addr).await.unwrap();
        let (client, url) = (client(&config()), proxy.url_to(&server.url("/")));
        proxy.set(Mode::Cut).await;
        for _ in 0..3 {
            let error = client.get(&url).send().await.unwrap_err();
            assert!(!matches!(error, ClientError::CircuitOpen { .. }), "{error}");
        }
        let asked = proxy.accepted();
        let error = client.get(&url).send().await.unwrap_err();
        assert!(matches!(error, ClientError::CircuitOpen { .. }), "{error}");
        assert!(error.retry_after().is_some_and(|wait| wait <= PAUSE * 2) && error.never_sent());
        assert_eq!(proxy.accepted(), asked, "nobody knocked");

        let healthy = Server::saying(200, &[]).await;
        assert!(client.get(healthy.url("/")).send().await.is_ok(), "another host is another matter");

        proxy.heal().await;
        let mut refused = 0;
        while client.get(&url).send().await.is_err() {
            refused += 1;
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        assert!(refused > 0, "the pause is kept");
        assert_eq!(server.hits(), 1);
        assert!(client.get(&url).send().await.is_ok());
    })
    .await;
}

/// Control for the one above: without a breaker everybody knocks.
#[tokio::test]
async fn without_a_breaker_a_dead_host_is_asked_by_everybody() {
    bounded(async {
        let server = Server::saying(500, &[]).await;
        let client = client(&quick_but(|config| {
            (config.max_retries, config.breaker_failures) = (0, 0);
        }));
        for _ in 0..20 {
            client.get(server.url("/")).send().await.unwrap();
        }
        assert_eq!(server.hits(), 20);
    })
    .await;
}

#[tokio::test]
async fn while_one_call_tries_a_host_the_others_do_not() {
    bounded(async {
        let server = Server::answering(|number, _| async move {
            if number > 3 {
                tokio::time::sleep(Duration::from_millis(150)).await;
            }
            crate::support::answer(if number > 3 { 200 } else { 500 }, &[])
        })
        .await;
        let client = client(&ClientConfig { attempt_timeout: Duration::from_secs(5), ..config() });
        for _ in 0..3 {
            client.get(server.url("/")).send().await.unwrap();
        }
        tokio::time::sleep(PAUSE * 3 / 2).await;
        let calls = (0..20).map(|_| client.get(server.url("/")).send());
        let results = futures_util::future::join_all(calls).await;
        assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1);
        assert_eq!(server.hits(), 4);
    })
    .await;
}

#[tokio::test]
async fn a_host_that_asks_for_patience_or_refuses_us_is_not_left_alone() {
    bounded(async {
        let client = client(&config());
        for status in [429, 404, 501] {
            let server = Server::saying(status, &[]).await;
            for _ in 0..10 {
                assert_eq!(client.get(server.url("/")).send().await.unwrap().status(), status);
            }
        }
    })
    .await;
}

/// Readiness never pays for a call.
#[tokio::test]
async fn the_check_says_degraded_from_memory_and_recovers_with_the_host() {
    bounded(async {
        let crew = crew();
        let server = Server::saying(200, &[]).await;
        let proxy = FaultProxy::to(server.addr).await.unwrap();
        let client = config().named("carrier").check("carrier").build(&crew).unwrap();
        let url = proxy.url_to(&server.url("/"));
        let gauge = format!("http_client_breaker_state{{client=\"carrier\",host=\"{}\"", proxy.addr());
        until(|| crew.readiness().checks.iter().any(|check| check.passing)).await;
        assert_eq!(proxy.accepted(), 0);

        proxy.set(Mode::Cut).await;
        for _ in 0..3 {
            client.get(&url).send().await.unwrap_err();
        }
        assert_eq!(metric(&crew, &gauge), Some(2.0));
        let check = || crew.readiness();
        until(|| check().degraded).await;
        assert!(check().ready, "degraded, not unready");
        let said = check().checks[0].last_error.clone().unwrap_or_default();
        assert_eq!(said, format!("calls to {} fail", proxy.addr()));

        proxy.heal().await;
        while client.get(&url).send().await.is_err() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        until(|| !check().degraded).await;
        assert_eq!(metric(&crew, &gauge), Some(0.0));
    })
    .await;
}
