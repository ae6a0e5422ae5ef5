use std::time::{Duration, Instant};

use groundcrew_client::{ClientError, Limit};
use groundcrew_telemetry::Context;
use groundcrew_testkit::proxy::{FaultProxy, Mode};
use tokio::net::{TcpSocket, TcpStream};

use crate::support::{Server, bounded, client, quick, quick_but};

#[tokio::test]
async fn a_black_hole_ends_each_attempt_and_then_the_call() {
    bounded(async {
        let server = Server::saying(200, &[]).await;
        let proxy = FaultProxy::to(server.addr).await.unwrap();
        proxy.set(Mode::BlackHole).await;
        let client = client(&quick());
        let started = Instant::now();
        let error = client.get(proxy.url_to(&server.url("/"))).send().await.unwrap_err();
        let ClientError::Timeout { limit, attempts, .. } = &error else { panic!("{error}") };
        assert_eq!((*limit, *attempts), (Limit::Attempt, 3));
        assert!(started.elapsed() < Duration::from_secs(3));
        assert_eq!(server.hits(), 0);

        // Control: the bare library waits.
        let bare = reqwest::get(proxy.url_to(&server.url("/")));
        assert!(tokio::time::timeout(Duration::from_secs(2), bare).await.is_err());
    })
    .await;
}

#[tokio::test]
async fn what_remains_of_the_requests_time_limits_the_call() {
    bounded(async {
        let server = Server::answering(|_, _| std::future::pending()).await;
        let client = client(&quick());
        let request = Context::random().with_timeout(Duration::from_millis(100)).into_arc();
        let error = request.scope(client.get(server.url("/")).send()).await.unwrap_err();
        let ClientError::Timeout { limit, attempts, within, .. } = &error else { panic!("{error}") };
        assert_eq!((*limit, *attempts), (Limit::Request, 1));
        assert!(*within <= Duration::from_millis(100));
    })
    .await;
}

#[tokio::test]
async fn a_request_without_time_left_calls_nobody() {
    bounded(async {
        let server = Server::saying(200, &[]).await;
        let client = client(&quick());
        let request = Context::random().with_timeout(Duration::ZERO).into_arc();
        let error = request.scope(client.get(server.url("/")).send()).await.unwrap_err();
        assert!(matches!(error, ClientError::Timeout { attempts: 0, .. }), "{error}");
        assert_eq!(server.hits(), 0);
    })
    .await;
}

#[tokio::test]
async fn the_total_limits_all_attempts_together_and_a_call_may_have_its_own() {
    bounded(async {
        let server = Server::answering(|_, _| std::future::pending()).await;
        let client = client(&quick_but(|config| config.max_retries = 20));
        let call = client.get(server.url("/")).timeout(Duration::from_millis(450));
        let error = call.send().await.unwrap_err();
        let ClientError::Timeout { limit, attempts, .. } = &error else { panic!("{error}") };
        assert_eq!((*limit, *attempts), (Limit::Total, 2));
    })
    .await;
}

/// Nothing was sent to a host that nobody listens on, so that even a `POST` is tried again.
#[tokio::test]
async fn a_refused_connection_is_tried_again_whatever_was_to_be_sent() {
    bounded(async {
        let server = Server::saying(200, &[]).await;
        let proxy = FaultProxy::to(server.addr).await.unwrap();
        proxy.set(Mode::Refuse).await;
        let client = client(&quick());
        let error = client.post(proxy.url_to(&server.url("/"))).body("x").send().await.unwrap_err();
        assert!(matches!(error, ClientError::Connect { attempts: 3, .. }), "{error}");
        assert!(error.never_sent());
        assert!(error.to_string().contains("onnection refused"), "{error}");
    })
    .await;
}

/// A listener whose queue is full drops what knocks, as a host behind a broken route does.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_host_that_does_not_let_us_connect_costs_the_connect_timeout() {
    bounded(async {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let listener = socket.listen(0).unwrap();
        let addr = listener.local_addr().unwrap();
        let _fills_the_queue = TcpStream::connect(addr).await.unwrap();
        let client = client(&quick_but(|config| {
            config.max_retries = 1;
            config.attempt_timeout = Duration::from_secs(5);
        }));
        let error = client.post(format!("http://{addr}/")).body("x").send().await.unwrap_err();
        let ClientError::Timeout { limit, attempts, .. } = &error else { panic!("{error}") };
        assert_eq!((*limit, *attempts), (Limit::Connect, 2));
        assert!(error.never_sent());
    })
    .await;
}
