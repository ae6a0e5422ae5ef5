use std::time::Duration;

use groundcrew_client::{BuildError, Resolving};

use crate::support::{Server, answer, bounded, crew, metric, quick, quick_but};

#[tokio::test]
async fn calls_are_counted_by_how_they_ended() {
    bounded(async {
        let crew = crew();
        let server = Server::answering(|number, _| async move {
            match number {
                1 => answer(200, &[]),
                2 => answer(404, &[]),
                3 => answer(429, &[]),
                4 => answer(500, &[]),
                5 => std::future::pending().await,
                6 => answer(503, &[]),
                _ => answer(204, &[]),
            }
        })
        .await;
        let client = quick().named("counted").build(&crew).unwrap();
        for _ in 1..=4 {
            client.get(server.url("/")).at_most_once().send().await.unwrap();
        }
        client.get(server.url("/")).at_most_once().send().await.unwrap_err();
        client.get(server.url("/")).send().await.unwrap();
        client.get("nonsense").send().await.unwrap_err();
        let counted = |outcome: &str| {
            let host = server.addr;
            let name = "http_client_requests_total";
            metric(&crew, &format!("{name}{{client=\"counted\",host=\"{host}\",outcome=\"{outcome}\""))
        };
        assert_eq!(counted("ok"), Some(2.0));
        for outcome in ["client_error", "rate_limited", "server_error", "timeout"] {
            assert_eq!(counted(outcome), Some(1.0), "{outcome}");
        }
        assert_eq!(metric(&crew, "http_client_retries_total{client=\"counted\""), Some(1.0));
        let timed = metric(&crew, "http_client_request_duration_seconds_count{client=\"counted\"");
        assert_eq!(timed, Some(6.0));
    })
    .await;
}

#[tokio::test]
async fn a_caller_that_goes_away_is_counted_too() {
    bounded(async {
        let crew = crew();
        let server = Server::answering(|_, _| std::future::pending()).await;
        let client = quick().named("cut").build(&crew).unwrap();
        let send = client.get(server.url("/")).send();
        assert!(tokio::time::timeout(Duration::from_millis(50), send).await.is_err());
        let name = format!("http_client_requests_total{{client=\"cut\",host=\"{}\"", server.addr);
        assert_eq!(metric(&crew, &format!("{name},outcome=\"cancelled\"")), Some(1.0));
    })
    .await;
}

/// Whoever calls the addresses of strangers must not get a series for each of them.
#[tokio::test]
async fn hosts_beyond_the_bound_share_a_series() {
    bounded(async {
        let crew = crew();
        let nowhere = |_| -> Resolving { Box::pin(async { Err(std::io::Error::other("no such name")) }) };
        let config = quick_but(|config| (config.max_hosts, config.max_retries) = (2, 0));
        let client = config.named("strangers").resolver(nowhere).build(&crew).unwrap();
        for number in 0..100 {
            client.get(format!("http://{number}.example/")).send().await.unwrap_err();
        }
        let text = crew.metrics().encode();
        let hosts: std::collections::BTreeSet<_> = text
            .lines()
            .filter_map(|line| line.split_once("host=\"")?.1.split_once('"').map(|(host, _)| host))
            .collect();
        assert_eq!(hosts.into_iter().collect::<Vec<_>>(), ["0.example", "1.example", "other"]);
        let others = "http_client_requests_total{client=\"strangers\",host=\"other\",outcome=\"connect\"";
        assert_eq!(metric(&crew, others), Some(98.0));
    })
    .await;
}

#[tokio::test]
async fn two_clients_of_one_name_are_refused_and_of_two_names_are_not() {
    let crew = crew();
    assert!(quick().named("a").build(&crew).is_ok());
    assert!(quick().named("b").build(&crew).is_ok());
    let error = quick().named("a").build(&crew).unwrap_err();
    assert!(matches!(error, BuildError::Metrics { .. }), "{error}");
}

#[tokio::test]
async fn a_rate_of_nothing_is_refused_with_words() {
    let error = quick_but(|config| config.rate = Some(0)).named("none").build(&crew()).unwrap_err();
    assert!(error.to_string().contains("`rate`"), "{error}");
}
