//! Connections of one's own.

use std::time::{Duration, Instant};

use groundcrew_redis::deadpool_redis::redis::{AsyncCommands, Client, RedisResult, cmd, pipe};
use groundcrew_redis::deadpool_redis::{self, Runtime};
use groundcrew_redis::{AcquireError, Redis, RedisConfig};
use groundcrew_runtime::{Phase, Reason, Signals, supervise};
use groundcrew_telemetry::Context;
use groundcrew_testkit::proxy::{FaultProxy, Mode};
use groundcrew_testkit::redis::{Redis as Server, Reply};

use crate::support::{addr, config, connect, crew, metric, server, until, within};

const SOON: Duration = Duration::from_secs(5);

/// Waits until the server says that so many commands block.
async fn blocked(server: &Server, count: u64) {
    within(SOON, "the server's view", move || async move {
        match server.command(&["INFO", "clients"]).await.expect("an answer") {
            Reply::Text(text) if text.contains(&format!("blocked_clients:{count}\r\n")) => Ok(()),
            other => Err(format!("{other:?}")),
        }
    })
    .await;
}

#[tokio::test]
async fn a_pool_that_is_used_up_says_so_in_time() {
    let server = server().await;
    let crew = crew();
    let config = RedisConfig { max_connections: 1, ..config(server.url()) };
    let redis = config.connect(&crew).await.expect("a handle");
    let mut own = redis.get().await.expect("a connection");
    let () = own.set("a", 1).await.expect("set");
    assert_eq!(metric(&crew, "redis_active_connections"), 1);
    let started = Instant::now();
    let error = redis.get().await.unwrap_err();
    assert!(matches!(error, AcquireError::TimedOut { in_use: 1, max: 1, .. }), "{error}");
    assert!(started.elapsed() < SOON);
    assert_eq!(metric(&crew, "redis_acquire_timeouts_total"), 1);
    drop(own);
    let mut own = redis.get().await.expect("a connection");
    assert_eq!(own.get("a").await, Ok(1));
}

#[tokio::test]
async fn a_request_with_little_time_left_does_not_wait_longer_for_a_connection() {
    let server = server().await;
    let config =
        RedisConfig { max_connections: 1, acquire_timeout: Duration::from_secs(20), ..config(server.url()) };
    let redis = config.connect(&crew()).await.expect("a handle");
    let _own = redis.get().await.expect("a connection");
    let started = Instant::now();
    let context = Context::random().with_timeout(Duration::from_millis(50)).into_arc();
    assert!(context.scope(redis.get()).await.is_err());
    assert!(started.elapsed() < SOON);
}

/// A pool of three, none of which has lately proved to be alive, and the server's numbers of them. Nothing but a
/// request's deadline ends a wait for one.
async fn three_that_rest(server: &Server) -> (Redis, Vec<u64>) {
    let config = RedisConfig {
        max_connections: 3,
        acquire_timeout: SOON,
        recycle_timeout: SOON,
        ..config(server.url())
    };
    let lately = config.response_timeout;
    let redis = config.connect(&crew()).await.expect("a handle");
    let numbers = numbers(&redis).await;
    let used = Instant::now();
    until("they rest", || used.elapsed() > lately).await;
    (redis, numbers)
}

/// The server's numbers of the three connections of a pool.
async fn numbers(redis: &Redis) -> Vec<u64> {
    let mut all = Vec::new();
    for _ in 0..3 {
        all.push(redis.get().await.expect("a connection"));
    }
    let mut numbers = Vec::new();
    for own in &mut all {
        numbers.push(cmd("CLIENT").arg("ID").query_async::<u64>(own).await.expect("an id"));
    }
    numbers.sort_unstable();
    numbers
}

/// How many of these connections the pool still has.
async fn kept(redis: &Redis, before: &[u64]) -> usize {
    numbers(redis).await.iter().filter(|number| before.contains(number)).count()
}

#[tokio::test]
async fn a_request_whose_time_is_over_leaves_the_pool_as_it_is() {
    let server = server().await;
    let (redis, before) = three_that_rest(&server).await;
    let context = Context::random().with_timeout(Duration::ZERO).into_arc();
    let error = context.scope(redis.get()).await.unwrap_err();
    assert!(matches!(error, AcquireError::TimedOut { .. }), "{error}");
    assert_eq!(numbers(&redis).await, before);
}

#[tokio::test]
async fn a_request_with_little_time_left_costs_the_pool_one_connection_at_most() {
    let mut server = server().await;
    let (redis, before) = three_that_rest(&server).await;
    server.pause().expect("it runs");
    let context = Context::random().with_timeout(Duration::from_millis(20)).into_arc();
    assert!(context.scope(redis.get()).await.is_err());
    server.resume().expect("it is paused");
    assert!(kept(&redis, &before).await >= 2, "all but the one that was asked");
}

#[tokio::test]
async fn a_command_with_a_limit_of_its_own_costs_the_pool_its_own_connection() {
    let server = server().await;
    let (redis, before) = three_that_rest(&server).await;
    let mut own = redis.get().await.expect("a connection");
    own.set_limit(Duration::from_millis(20));
    let late: RedisResult<Option<(String, String)>> = own.blpop("nothing", 10.0).await;
    assert!(late.unwrap_err().is_timeout());
    drop(own);
    assert_eq!(kept(&redis, &before).await, 2);
}

// Field note: deadpool has no wait, create or recycle timeouts by default. Set all.
#[tokio::test]
async fn a_black_holed_pool_is_bounded_and_recovers() {
    let server = server().await;
    let proxy = FaultProxy::to(addr(&server)).await.expect("a proxy");
    let url = format!("redis://{}", proxy.addr());
    let redis = connect(url.clone()).await;
    let naive = deadpool_redis::Config::from_url(url).create_pool(Some(Runtime::Tokio1)).expect("a pool");
    let mut all = Vec::new();
    for _ in 0..10 {
        all.push(redis.get().await.expect("a connection"));
    }
    drop(all);
    drop(naive.get().await.expect("a connection"));

    proxy.set(Mode::BlackHole).await;
    let started = Instant::now();
    assert!(redis.get().await.is_err());
    assert!(started.elapsed() < SOON);
    let waited = tokio::time::timeout(Duration::from_secs(1), async {
        // Two callers: the first is bounded by the library's own timeouts of a command, one after the other.
        let first = naive.get().await;
        (first.is_ok(), naive.get().await.is_ok())
    });
    assert!(waited.await.is_err(), "control: with the defaults, waiting adds up");

    proxy.heal().await;
    let get = || async {
        let mut own = redis.get().await.map_err(|error| error.to_string())?;
        own.set::<_, _, ()>("a", 1).await.map_err(|error| error.to_string())
    };
    within(SOON, "recovery", get).await;
}

#[tokio::test]
async fn a_connection_that_gave_no_answer_is_not_given_back() {
    let server = server().await;
    let redis = connect(server.url()).await;
    let mut own = redis.get().await.expect("a connection");
    let id: u64 = cmd("CLIENT").arg("ID").query_async(&mut own).await.expect("an id");
    // It goes back, and comes again.
    drop(own);
    let mut own = redis.get().await.expect("a connection");
    assert_eq!(cmd("CLIENT").arg("ID").query_async(&mut own).await, Ok(id));
    own.set_limit(Duration::from_millis(20));
    let late: RedisResult<Option<(String, String)>> = own.blpop("nothing", 10.0).await;
    assert!(late.unwrap_err().is_timeout());
    let closed: RedisResult<u64> = own.get("a").await;
    assert!(closed.is_err(), "its answers would be late by one for ever");
    drop(own);
    let mut own = redis.get().await.expect("a connection");
    let next: u64 = cmd("CLIENT").arg("ID").query_async(&mut own).await.expect("an id");
    assert_ne!(next, id);
}

// Field note: a timeout does not cancel the command on the server; no blocking commands on shared connections.
#[tokio::test]
async fn a_blocking_command_that_is_given_up_takes_nothing() {
    let server = server().await;
    let redis = connect(server.url()).await;
    let length = || async { server.command(&["LLEN", "inbox"]).await.expect("an answer") };

    let mut shared = redis.shared("inbox");
    let refused: RedisResult<Option<(String, String)>> = shared.blpop("inbox", 0.0).await;
    assert!(refused.unwrap_err().to_string().contains("Redis::get"), "before it is sent");
    let mut own = redis.get().await.expect("a connection");
    own.set_limit(Duration::from_millis(20));
    let late: RedisResult<Option<(String, String)>> = own.blpop("inbox", 0.0).await;
    assert!(late.unwrap_err().is_timeout());
    blocked(&server, 0).await;
    server.command(&["RPUSH", "inbox", "a letter"]).await.expect("an answer");
    assert_eq!(length().await, Reply::Integer(1));

    server.command(&["DEL", "inbox"]).await.expect("an answer");
    let client = Client::open(server.url()).expect("a URL");
    let mut naive = client.get_multiplexed_async_connection().await.expect("connected");
    let late: RedisResult<Option<(String, String)>> = naive.blpop("inbox", 0.0).await;
    assert!(late.unwrap_err().is_timeout());
    blocked(&server, 1).await;
    server.command(&["RPUSH", "inbox", "a letter"]).await.expect("an answer");
    assert_eq!(length().await, Reply::Integer(0), "control: the letter is lost");
}

/// Begins to wait for a letter, and goes away when the server knows of it.
async fn wait_and_go_away(own: &mut impl AsyncCommands, server: &Server) {
    let waiting = async {
        let _letter: RedisResult<Option<(String, String)>> = own.blpop("inbox", 0.0).await;
        std::future::pending::<()>().await;
    };
    tokio::select! {
        () = waiting => unreachable!("it never ends"),
        () = blocked(server, 1) => {}
    }
}

#[tokio::test]
async fn a_blocking_command_whose_caller_goes_away_takes_nothing() {
    let server = server().await;
    let redis = connect(server.url()).await;
    let letter_left = || async {
        server.command(&["RPUSH", "inbox", "a letter"]).await.expect("an answer");
        server.command(&["LLEN", "inbox"]).await.expect("an answer")
    };

    let mut own = redis.get().await.expect("a connection");
    own.set_limit(Duration::from_secs(60));
    wait_and_go_away(&mut own, &server).await;
    blocked(&server, 0).await;
    assert_eq!(letter_left().await, Reply::Integer(1), "although the connection was not dropped");
    let closed: RedisResult<u64> = own.get("a").await;
    assert!(closed.is_err());
    drop(own);
    let mut own = redis.get().await.expect("another connection");
    let () = own.set("a", 1).await.expect("set");

    server.command(&["DEL", "inbox"]).await.expect("an answer");
    let mut naive = redis.raw().get().await.expect("a connection");
    wait_and_go_away(&mut naive, &server).await;
    drop(naive);
    assert_eq!(letter_left().await, Reply::Integer(0), "control: the library's pool lets it be taken");
}

#[tokio::test]
async fn a_connection_that_was_changed_does_not_reach_the_next_borrower() {
    let server = server().await;
    let config = RedisConfig { max_connections: 1, ..config(server.url()) };
    let redis = config.connect(&crew()).await.expect("a handle");
    let id = cmd("CLIENT").arg("ID").to_owned();
    let written = || async { server.command(&["EXISTS", "a"]).await.expect("an answer") };

    let mut own = redis.get().await.expect("a connection");
    let first: u64 = id.query_async(&mut own).await.expect("an id");
    let () = cmd("SELECT").arg(1).query_async(&mut own).await.expect("selected");
    assert_eq!(id.query_async(&mut own).await, Ok(first), "whoever changed it keeps it");
    drop(own);
    let mut own = redis.get().await.expect("a connection");
    let () = own.set("a", 1).await.expect("set");
    assert_eq!(written().await, Reply::Integer(1), "where it belongs");
    let () = pipe().cmd("SELECT").arg(1).ignore().query_async(&mut own).await.expect("selected");
    drop(own);
    let mut own = redis.get().await.expect("a connection");
    let () = own.del("a").await.expect("deleted");
    assert_eq!(written().await, Reply::Integer(0), "a pipeline changes it, too");
    drop(own);

    let mut naive = redis.raw().get().await.expect("a connection");
    let () = cmd("SELECT").arg(1).query_async(&mut naive).await.expect("selected");
    drop(naive);
    let mut naive = redis.raw().get().await.expect("a connection");
    let () = naive.set("a", 1).await.expect("set");
    assert_eq!(written().await, Reply::Integer(0), "control: the library's pool hands it on");
}

#[tokio::test]
async fn the_shutdown_closes_what_is_open_and_says_so() {
    let server = server().await;
    let crew = crew();
    let redis = config(server.url()).connect(&crew).await.expect("a handle");
    drop(redis.get().await.expect("a connection"));
    crew.request_shutdown(Reason::Requested("the test is over".into()));
    let signals = Signals::install().expect("signal handlers");
    let landed = supervise(&crew, signals, async { Ok::<(), std::io::Error>(()) }).await;
    let receipt = landed.receipt.expect("a receipt");
    let text = receipt.to_string();
    assert!(text.contains("2 connections closed"), "{text}");
    assert!(receipt.phases.iter().any(|phase| phase.phase == Phase::Close), "{text}");
    assert!(matches!(redis.get().await, Err(AcquireError::Closed { .. })));
    let closed: RedisResult<u64> = redis.shared("late").get("a").await;
    assert!(closed.is_err());
}
