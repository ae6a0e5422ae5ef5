//! What several tests need: a server, a crew, and waiting that ends.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use groundcrew_redis::{Redis, RedisConfig};
use groundcrew_runtime::Crew;
use groundcrew_testkit::redis::Redis as Server;

/// A private Redis; it ends with this value.
pub(crate) async fn server() -> Server {
    Server::private().await.expect("a server")
}

pub(crate) async fn server_with_password(password: &str) -> Server {
    let server = server().await;
    server.command(&["CONFIG", "SET", "requirepass", password]).await.expect("an answer");
    server
}

/// One that is down; `restart` starts it.
pub(crate) async fn server_that_is_down() -> Server {
    let mut server = server().await;
    server.kill().expect("it ran");
    server
}

pub(crate) fn addr(server: &Server) -> SocketAddr {
    ([127, 0, 0, 1], server.port().expect("a server of our own")).into()
}

pub(crate) fn crew() -> Crew {
    Crew::builder("parcels", "1.0.0").build()
}

/// The handle of a test: one shared connection, short times, and no health check that meddles.
pub(crate) fn config(url: impl Into<String>) -> RedisConfig {
    RedisConfig {
        shared_connections: 1,
        acquire_timeout: Duration::from_millis(600),
        connect_timeout: Duration::from_millis(300),
        recycle_timeout: Duration::from_millis(100),
        response_timeout: Duration::from_millis(200),
        check_period: Duration::from_secs(3600),
        ..RedisConfig::of(url)
    }
}

pub(crate) async fn connect(url: impl Into<String>) -> Redis {
    config(url).connect(&crew()).await.expect("a handle")
}

/// Waits until something holds; fails loudly when it does not come.
pub(crate) async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let started = Instant::now();
    while !holds() {
        assert!(started.elapsed() < Duration::from_secs(20), "waited 20 s until {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Tries until it works; for recovery, with the time that it may take.
pub(crate) async fn within<T, E, F>(limit: Duration, what: &str, mut attempt: impl FnMut() -> F) -> T
where
    F: Future<Output = Result<T, E>>,
    E: std::fmt::Display,
{
    let started = Instant::now();
    loop {
        match attempt().await {
            Ok(value) => return value,
            Err(error) => assert!(started.elapsed() < limit, "{what} took longer than {limit:?}: {error}"),
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// The value of a metric, by the beginning of its line.
pub(crate) fn metric(crew: &Crew, series: &str) -> u64 {
    let text = crew.metrics().encode();
    let line = text.lines().find(|line| line.starts_with(series));
    let value =
        line.and_then(|line| line.rsplit(' ').next()).unwrap_or_else(|| panic!("{series} in\n{text}"));
    value.parse().expect("a number")
}
