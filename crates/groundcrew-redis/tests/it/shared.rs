//! Commands that share a connection.

use std::time::{Duration, Instant};

use groundcrew_redis::deadpool_redis::redis::aio::{ConnectionManager, ConnectionManagerConfig};
use groundcrew_redis::deadpool_redis::redis::{AsyncCommands, Client, RedisResult, Script, cmd, pipe};
use groundcrew_telemetry::Context;
use groundcrew_testkit::proxy::{FaultProxy, Mode};

use crate::support::{addr, config, connect, crew, metric, server, server_that_is_down, until, within};

const SOON: Duration = Duration::from_secs(5);

fn client(url: &str) -> Client {
    Client::open(url).expect("a URL")
}

#[tokio::test]
async fn commands_pipelines_and_scripts_run_on_a_shared_connection_and_are_counted() {
    let server = server().await;
    let crew = crew();
    let redis = config(server.url()).connect(&crew).await.expect("a handle");
    let mut shared = redis.shared("parcels");
    let () = shared.set("a", 1).await.expect("set");
    let (a, b): (u64, u64) = pipe().incr("a", 1).incr("b", 5).query_async(&mut shared).await.expect("two");
    assert_eq!((a, b), (2, 5));
    // Field note: NOSCRIPT fallback. The script was never loaded, and is again unknown after SCRIPT FLUSH.
    let script = Script::new("return redis.call('GET', KEYS[1])");
    for _ in 0..2 {
        let got: u64 = script.key("a").invoke_async(&mut shared).await.expect("a value");
        assert_eq!(got, 2);
        server.command(&["SCRIPT", "FLUSH"]).await.expect("an answer");
    }
    let refused: RedisResult<u64> = cmd("LPUSH").arg("a").arg(1).query_async(&mut shared).await;
    assert!(refused.is_err());
    let series = |status: &str| {
        let labels = format!("operation=\"parcels\",pool=\"redis\",status=\"{status}\",service=\"parcels\"");
        metric(&crew, &format!("redis_operations_total{{{labels}}}"))
    };
    assert!(series("ok") >= 4);
    assert!(series("error") >= 1);
    assert_eq!(metric(&crew, "redis_shared_connections"), 1);
}

// Field note: a plain MultiplexedConnection never reconnects; the manager fails the first command after an
// idle drop: retry once, idempotent commands only.
#[tokio::test]
async fn an_idempotent_command_survives_a_connection_that_was_dropped_while_idle() {
    let server = server().await;
    let redis = connect(server.url()).await;
    let mut ours = redis.shared("parcels").idempotent();
    let mut once = redis.shared("parcels");
    let mut plain = client(server.url()).get_multiplexed_async_connection().await.expect("connected");
    let mut manager = ConnectionManager::new(client(server.url())).await.expect("connected");
    let () = ours.set("a", 1).await.expect("set");
    assert_eq!((plain.get("a").await, manager.get("a").await), (Ok(1), Ok(1)));

    server.close_all_connections().await.expect("closed");
    assert_eq!(ours.get("a").await, Ok(1), "ours tries once more");
    let lost: RedisResult<u64> = manager.get("a").await;
    assert!(lost.is_err(), "control: the manager fails the first command");
    for _ in 0..3 {
        let lost: RedisResult<u64> = plain.get("a").await;
        assert!(lost.is_err(), "control: the plain connection never comes back");
    }

    server.close_all_connections().await.expect("closed");
    let lost: RedisResult<u64> = once.incr("a", 1).await;
    assert!(lost.is_err(), "what may not be run twice is not");
    assert_eq!(once.incr("a", 1).await, Ok(2), "and was not");
}

// Field note: half-open sockets. A black hole acknowledges bytes, so that neither keepalive nor user_timeout
// notices it.
#[tokio::test]
async fn a_silent_connection_is_replaced() {
    let server = server().await;
    let proxy = FaultProxy::to(addr(&server)).await.expect("a proxy");
    let url = format!("redis://{}", proxy.addr());
    let redis = connect(url.clone()).await;
    let shared = redis.shared("parcels").idempotent();
    let short = ConnectionManagerConfig::new().set_response_timeout(Some(Duration::from_millis(200)));
    let mut manager = ConnectionManager::new_with_config(client(&url), short).await.expect("connected");
    let () = shared.clone().set("a", 1).await.expect("set");

    proxy.set(Mode::BlackHole).await;
    let silent: RedisResult<u64> = shared.clone().get("a").await;
    assert!(silent.unwrap_err().is_timeout());
    let silent: RedisResult<u64> = manager.get("a").await;
    assert!(silent.is_err());
    proxy.heal().await;

    let get = || async { shared.clone().get::<_, u64>("a").await };
    assert_eq!(within(SOON, "recovery", get).await, 1);
    for _ in 0..5 {
        let silent: RedisResult<u64> = manager.get("a").await;
        assert!(silent.is_err(), "control: the manager keeps the silent connection");
    }
}

#[tokio::test]
async fn a_hasty_caller_does_not_cost_the_others_their_connection() {
    let mut server = server().await;
    let redis = connect(server.url()).await;
    let id = || async { cmd("CLIENT").arg("ID").query_async::<u64>(&mut redis.shared("id")).await };
    let before = id().await.expect("an id");
    server.pause().expect("paused");
    let mut hasty = redis.shared("hasty").within(Duration::from_millis(5));
    let late: RedisResult<u64> = hasty.get("a").await;
    server.resume().expect("it goes on");
    assert!(late.unwrap_err().is_timeout());
    assert_eq!(id().await, Ok(before));
}

// A demoted primary answers writes with READONLY for ever; the name it stood behind leads elsewhere.
#[tokio::test]
async fn a_server_that_became_a_replica_is_left() {
    let server = server().await;
    let redis = connect(server.url()).await;
    let mut manager = ConnectionManager::new(client(server.url())).await.expect("connected");
    let id = cmd("CLIENT").arg("ID").to_owned();
    let ours: u64 = id.query_async(&mut redis.shared("id")).await.expect("an id");
    let theirs: u64 = id.query_async(&mut manager).await.expect("an id");
    server.command(&["REPLICAOF", "127.0.0.1", "1"]).await.expect("an answer");
    let refused: RedisResult<()> = redis.shared("set").set("a", 1).await;
    assert!(refused.is_err());
    let refused: RedisResult<()> = manager.set("a", 1).await;
    assert!(refused.is_err());
    let later: u64 = id.query_async(&mut redis.shared("id")).await.expect("an id");
    assert_ne!(later, ours, "a new connection");
    assert_eq!(id.query_async(&mut manager).await, Ok(theirs), "control: the manager stays");
}

#[tokio::test]
async fn what_would_block_or_change_a_shared_connection_is_refused_before_it_is_sent() {
    let server = server().await;
    let redis = connect(server.url()).await;
    for words in [&["watch", "a"][..], &["SELECT", "1"], &["XREAD", "block", "0", "STREAMS", "a", "$"]] {
        let mut command = cmd(words[0]);
        command.arg(&words[1..]);
        let refused: RedisResult<()> = command.query_async(&mut redis.shared("shared")).await;
        assert!(refused.unwrap_err().to_string().contains("shared connection"), "{words:?}");
        let mut pipeline = pipe();
        pipeline.add_command(command);
        let refused: RedisResult<()> = pipeline.query_async(&mut redis.shared("shared")).await;
        assert!(refused.is_err(), "{words:?}");
    }
    let atomic: RedisResult<(u64,)> =
        pipe().atomic().incr("a", 1).query_async(&mut redis.shared("shared")).await;
    assert_eq!(atomic, Ok((1,)));
}

#[tokio::test]
async fn while_redis_is_down_commands_fail_at_once_and_attempts_to_connect_are_few() {
    let server = server().await;
    let proxy = FaultProxy::to(addr(&server)).await.expect("a proxy");
    let redis = connect(format!("redis://{}", proxy.addr())).await;
    proxy.set(Mode::Cut).await;
    let before = proxy.accepted();
    let started = Instant::now();
    let mut failed = 0_u32;
    while started.elapsed() < Duration::from_secs(1) {
        let mut shared = redis.shared("parcels").idempotent();
        let lost: RedisResult<u64> = shared.get("a").await;
        failed += u32::from(lost.is_err());
    }
    let attempts = proxy.accepted() - before;
    assert!(failed > 200, "{failed} commands failed, so they do not wait");
    assert!(attempts <= 15, "{attempts} attempts for {failed} commands");

    proxy.heal().await;
    let set = || async { redis.shared("parcels").set::<_, _, ()>("a", 1).await };
    within(Duration::from_secs(3), "recovery", set).await;
}

#[tokio::test]
async fn a_command_waits_no_longer_than_its_request() {
    let mut server = server().await;
    let redis = connect(server.url()).await;
    server.pause().expect("paused");
    let started = Instant::now();
    let mut shared = redis.shared("parcels").within(Duration::from_secs(20)).idempotent();
    let context = Context::random().with_timeout(Duration::from_millis(50)).into_arc();
    let late: RedisResult<u64> = context.scope(shared.get("a")).await;
    server.resume().expect("it goes on");
    assert!(late.unwrap_err().is_timeout());
    assert!(started.elapsed() < SOON);
}

#[tokio::test]
async fn a_caller_who_goes_away_does_not_take_the_connecting_along() {
    let mut server = server_that_is_down().await;
    let redis = connect(server.url()).await;
    server.restart().await.expect("it is back");
    let crew = crew();
    drop(crew);
    // Polled once: the attempt to connect is begun, and nobody waits for it any more.
    let gone = tokio::time::timeout(Duration::ZERO, async {
        within(SOON, "the pause is over", || async { redis.shared("gone").exists::<_, bool>("a").await })
            .await
    });
    assert!(gone.await.is_err());
    until("the next one finds a connection", || {
        futures_util::FutureExt::now_or_never(redis.shared("next").exists::<_, bool>("a")).is_none()
    })
    .await;
    within(SOON, "an answer", || async { redis.shared("next").exists::<_, bool>("a").await }).await;
}
