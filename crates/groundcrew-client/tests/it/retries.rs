use std::time::{Duration, Instant};

use futures_util::future::join_all;
use groundcrew_client::ClientError;

use crate::support::{Server, answer, bounded, client, quick, quick_but};

#[tokio::test]
async fn what_may_be_repeated_is_and_a_post_is_not() {
    bounded(async {
        let client = client(&quick());
        let failing_once =
            || Server::answering(|number, _| async move { answer(if number == 1 { 503 } else { 200 }, &[]) });

        let server = failing_once().await;
        let response = client.get(server.url("/")).send().await.unwrap();
        assert_eq!((response.status().as_u16(), response.attempts()), (200, 2));

        let server = failing_once().await;
        let response = client.post(server.url("/")).send().await.unwrap();
        assert_eq!((response.status().as_u16(), server.hits()), (503, 1), "the answer as it is");

        let server = failing_once().await;
        let response = client.post(server.url("/")).idempotent().send().await.unwrap();
        assert_eq!((response.status().as_u16(), server.hits()), (200, 2));

        let server = failing_once().await;
        let response = client.put(server.url("/")).at_most_once().send().await.unwrap();
        assert_eq!((response.status().as_u16(), server.hits()), (503, 1));
    })
    .await;
}

/// Nobody knows what a server did whose connection broke after it had read the request.
#[tokio::test]
async fn a_post_that_may_have_arrived_is_sent_once() {
    bounded(async {
        let client = client(&quick());
        let server = Server::writing(b"").await;
        let error = client.post(server.url("/")).body("order").send().await.unwrap_err();
        assert!(matches!(error, ClientError::Interrupted { attempts: 1, .. }), "{error}");
        assert_eq!(server.hits(), 1);

        // Control: the same server, asked what may be repeated.
        let error = client.get(server.url("/")).send().await.unwrap_err();
        assert!(matches!(error, ClientError::Interrupted { attempts: 3, .. }), "{error}");
        assert_eq!(server.hits(), 4);
    })
    .await;
}

#[tokio::test]
async fn what_will_not_pass_is_not_repeated() {
    bounded(async {
        let client = client(&quick());
        for status in [200, 302, 400, 401, 404, 501] {
            let server = Server::saying(status, &[]).await;
            let response = client.get(server.url("/")).send().await.unwrap();
            assert_eq!((response.status().as_u16(), server.hits()), (status, 1));
        }
    })
    .await;
}

#[tokio::test]
async fn retry_after_is_waited_for() {
    bounded(async {
        for (status, header) in [(429, ("retry-after", "1")), (503, ("retry-after-ms", "1000"))] {
            let server = Server::answering(move |number, _| async move {
                if number == 1 { answer(status, &[header]) } else { answer(200, &[]) }
            })
            .await;
            let started = Instant::now();
            let response = client(&quick()).get(server.url("/")).send().await.unwrap();
            assert_eq!(response.status(), 200);
            let took = started.elapsed();
            assert!(took >= Duration::from_millis(990) && took < Duration::from_secs(4), "{took:?}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_retry_after_beyond_the_deadline_is_handed_over_at_once() {
    bounded(async {
        let server = Server::saying(429, &[("retry-after", "60")]).await;
        let started = Instant::now();
        let response = client(&quick()).get(server.url("/")).send().await.unwrap();
        assert_eq!((response.status().as_u16(), server.hits()), (429, 1));
        assert_eq!(response.retry_after(), Some(Duration::from_secs(60)));
        assert!(started.elapsed() < Duration::from_secs(1));
        let error = response.error_for_status().unwrap_err();
        assert_eq!(error.retry_after(), Some(Duration::from_secs(60)));
        assert!(error.is_passing());
    })
    .await;
}

/// The trap: with three attempts each, a server in trouble gets three times its usual load.
#[tokio::test]
async fn a_storm_of_failures_is_not_tripled() {
    const CALLS: usize = 300;
    bounded(async {
        let storm = |percent, floor| async move {
            let server = Server::saying(503, &[]).await;
            let client = client(&quick_but(|config| {
                (config.retry_percent, config.retry_floor) = (percent, floor);
                config.breaker_failures = 0;
                config.attempt_timeout = Duration::from_secs(5);
            }));
            let calls = (0..CALLS).map(|_| client.get(server.url("/")).send());
            for response in join_all(calls).await {
                assert_eq!(response.unwrap().status(), 503);
            }
            server.hits()
        };
        let bounded_by_budget = storm(10, 0).await;
        assert!(bounded_by_budget > CALLS, "some retries: {bounded_by_budget}");
        assert!(bounded_by_budget <= CALLS + CALLS / 10, "{bounded_by_budget}");
        // Control: a budget that never ends.
        assert_eq!(storm(1000, 1000).await, 3 * CALLS);
    })
    .await;
}
