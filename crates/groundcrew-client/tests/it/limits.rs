use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use groundcrew_client::ClientError;
use groundcrew_telemetry::Context;

use crate::support::{Server, answer, bounded, client, crew, drip, metric, quick, quick_but};

/// A server that notes how many requests it has at once at most.
async fn crowded() -> (Server, Arc<AtomicUsize>) {
    let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let noted = Arc::clone(&most);
    let server = Server::answering(move |_, _| {
        let (now, most) = (Arc::clone(&now), Arc::clone(&noted));
        async move {
            most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            tokio::time::sleep(Duration::from_millis(20)).await;
            now.fetch_sub(1, Ordering::SeqCst);
            answer(200, &[])
        }
    })
    .await;
    (server, most)
}

#[tokio::test]
async fn no_more_calls_are_under_way_than_allowed_and_the_others_wait() {
    bounded(async {
        let (server, most) = crowded().await;
        let limited = client(&quick_but(|config| config.max_in_flight = 3));
        let results = join_all((0..30).map(|_| limited.get(server.url("/")).send())).await;
        assert!(results.iter().all(Result::is_ok));
        assert_eq!(most.load(Ordering::SeqCst), 3);

        // Control: all at once.
        let (server, most) = crowded().await;
        let free = client(&quick());
        join_all((0..30).map(|_| free.get(server.url("/")).send())).await;
        assert!(most.load(Ordering::SeqCst) > 3);
    })
    .await;
}

#[tokio::test]
async fn more_waiting_calls_than_allowed_fail_at_once() {
    bounded(async {
        let (server, _) = crowded().await;
        let client = client(&quick_but(|config| (config.max_in_flight, config.max_waiting) = (2, 3)));
        let results = join_all((0..20).map(|_| client.get(server.url("/")).send())).await;
        let refused = results.iter().filter(|result| matches!(result, Err(ClientError::Saturated { .. })));
        assert_eq!(refused.count(), 15);
        assert_eq!(server.hits(), 5);
    })
    .await;
}

#[tokio::test]
async fn an_answer_keeps_its_place_until_it_is_read_or_dropped() {
    bounded(async {
        let crew = crew();
        let server = Server::answering(|_, _| async { drip(1000, Duration::from_millis(10)) }).await;
        let config = quick_but(|config| config.max_in_flight = 1);
        let client = config.named("one").build(&crew).unwrap();
        let mut chunks = client.get(server.url("/")).send().await.unwrap().chunks();
        chunks.next().await.unwrap().unwrap();
        assert_eq!(metric(&crew, "http_client_in_flight{client=\"one\""), Some(1.0));
        let second = client.get(server.url("/")).timeout(Duration::from_millis(100)).send().await;
        assert!(matches!(second, Err(ClientError::Saturated { .. })));
        drop(chunks);
        assert!(client.get(server.url("/")).send().await.is_ok());
        assert_eq!(metric(&crew, "http_client_in_flight{client=\"one\""), Some(0.0));
    })
    .await;
}

#[tokio::test]
async fn a_caller_that_goes_away_gives_its_place_back() {
    bounded(async {
        let server = Server::answering(|number, _| async move {
            if number == 1 { std::future::pending().await } else { answer(200, &[]) }
        })
        .await;
        let client = client(&quick_but(|config| config.max_in_flight = 1));
        let send = client.get(server.url("/")).attempt_timeout(Duration::from_secs(5)).send();
        assert!(tokio::time::timeout(Duration::from_millis(100), send).await.is_err());
        assert!(client.get(server.url("/")).send().await.is_ok());
    })
    .await;
}

#[tokio::test]
async fn attempts_keep_to_the_rate_and_say_so_when_there_is_no_room_in_time() {
    bounded(async {
        let server = Server::saying(200, &[]).await;
        let client = client(&quick_but(|config| {
            (config.rate, config.rate_burst) = (Some(20), Some(1));
        }));
        let started = Instant::now();
        let results = join_all((0..10).map(|_| client.get(server.url("/")).send())).await;
        assert!(results.iter().all(Result::is_ok));
        assert!(started.elapsed() >= Duration::from_millis(440), "{:?}", started.elapsed());

        let request = Context::random().with_timeout(Duration::from_millis(120)).into_arc();
        let calls = join_all((0..10).map(|_| client.get(server.url("/")).send()));
        let results = request.scope(calls).await;
        let refused = results.iter().filter(|result| matches!(result, Err(ClientError::RateLimited { .. })));
        assert!(refused.count() >= 6);
    })
    .await;
}
