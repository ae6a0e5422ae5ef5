//! Rate limits that several processes keep together in a real Redis, beside what the naive way does.
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use groundcrew_limit::{LimitConfig, Limiter};
use groundcrew_redis::deadpool_redis::redis::{AsyncCommands, Client, aio::MultiplexedConnection};
use groundcrew_redis::{Redis, RedisConfig};
use groundcrew_runtime::Crew;
use groundcrew_telemetry::Context;
use groundcrew_testkit::proxy::{FaultProxy, Mode};
use groundcrew_testkit::redis::Redis as Server;
use tokio::task::JoinSet;

use crate::support::{addr, crew, metric, server};

const HOUR: Duration = Duration::from_secs(3600);

/// As a service has it, but for the health check.
async fn connect(url: &str, crew: &Crew) -> Redis {
    let config = RedisConfig { check_period: HOUR, ..RedisConfig::of(url) };
    config.connect(crew).await.expect("a handle")
}

/// One process of a service: its own crew, connections and fallback.
async fn process(url: &str, quota: &LimitConfig) -> (Limiter, Crew) {
    let crew = crew();
    let redis = connect(url, &crew).await;
    // A slow test machine is no outage: the fallback of each process would allow the quota once more.
    let store = redis.limits(crew.service()).within(Duration::from_secs(10));
    let quota = LimitConfig { store_budget: Duration::from_secs(10), ..quota.clone() };
    (quota.limiter_over("clients", &crew, store).expect("a limiter"), crew)
}

async fn client(server: &Server) -> MultiplexedConnection {
    let client = Client::open(server.url()).expect("a URL");
    client.get_multiplexed_async_connection().await.expect("connected")
}

/// How many of so many tries, all at once, are allowed.
async fn allowed<F>(tries: usize, take: impl FnMut(usize) -> F) -> usize
where
    F: Future<Output = bool> + Send + 'static,
{
    let all: JoinSet<bool> = (0..tries).map(take).collect();
    all.join_all().await.into_iter().filter(|allowed| *allowed).count()
}

/// Waits until a decision comes from Redis again.
async fn asked_again(limiter: &Limiter, crew: &Crew) {
    let fallbacks = || metric(crew, r#"rate_limit_fallbacks_total{limiter="clients""#);
    let began = Instant::now();
    loop {
        let before = fallbacks();
        limiter.take_cost("another", 0).await;
        if fallbacks() == before {
            return;
        }
        assert!(began.elapsed() < Duration::from_secs(10), "Redis is not asked again");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn bounded(test: impl Future<Output = ()>) {
    tokio::time::timeout(Duration::from_secs(60), test).await.expect("a test ends");
}

// Field note: Lua limiter, one key with a hash tag, server TIME, always an expiry.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn processes_together_get_the_quota_and_no_more() {
    bounded(async {
        let server = server().await;
        let quota = LimitConfig::of(100, HOUR);
        let mut processes = Vec::new();
        for _ in 0..3 {
            processes.push(process(server.url(), &quota).await);
        }
        let began = Instant::now();
        let got = allowed(900, |number| {
            let limiter = processes[number % 3].0.clone();
            async move { limiter.take("north").await.allowed }
        })
        .await;
        assert!(began.elapsed() < Duration::from_secs(30), "one more would have come back");
        assert_eq!(got, 100);
        for (_, crew) in &processes {
            assert_eq!(metric(crew, r#"rate_limit_fallbacks_total{limiter="clients""#), 0);
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn control_to_read_and_then_write_gives_away_more_than_the_quota() {
    bounded(async {
        let server = server().await;
        let connections = [client(&server).await, client(&server).await, client(&server).await];
        let got = allowed(900, |number| {
            let mut connection = connections[number % 3].clone();
            async move {
                let used: u32 =
                    connection.get::<_, Option<u32>>("north").await.expect("an answer").unwrap_or(0);
                if used < 100 {
                    connection.set::<_, _, ()>("north", used + 1).await.expect("an answer");
                }
                used < 100
            }
        })
        .await;
        assert!(got > 100, "{got}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn over_time_it_is_never_more_than_the_burst_and_the_rate() {
    bounded(async {
        let server = server().await;
        // 200 a second, 20 at once.
        let quota = LimitConfig { burst: Some(20), ..LimitConfig::of(200, Duration::from_secs(1)) };
        let (one, other) = (process(server.url(), &quota).await, process(server.url(), &quota).await);
        let (got, began) = (Arc::new(AtomicUsize::new(0)), Instant::now());
        let mut takers = JoinSet::new();
        for limiter in [one.0.clone(), other.0.clone(), one.0.clone(), other.0.clone()] {
            let got = got.clone();
            takers.spawn(async move {
                while began.elapsed() < Duration::from_secs(2) {
                    if limiter.take("north").await.allowed {
                        got.fetch_add(1, Ordering::Relaxed);
                    }
                }
            });
        }
        takers.join_all().await;
        let most = 20.0 + 200.0 * began.elapsed().as_secs_f64();
        let got = got.load(Ordering::Relaxed) as f64;
        assert!(got <= most, "{got} of at most {most}");
        assert!(got > 70.0, "and whoever asks all the time gets more than the burst: {got}");
    })
    .await;
}

#[tokio::test]
async fn a_decision_says_the_same_as_one_made_in_process() {
    bounded(async {
        let server = server().await;
        let quota = LimitConfig { burst: Some(3), ..LimitConfig::of(10, Duration::from_secs(600)) };
        let (shared, crew) = process(server.url(), &quota).await;
        let local = quota.limiter("in process", &crew).expect("a limiter");
        for cost in [0, 1, 2, 1, 1, 5] {
            let (one, other) = (shared.take_cost("north", cost).await, local.take_cost("north", cost).await);
            assert_eq!(
                (one.allowed, one.limit, one.remaining),
                (other.allowed, other.limit, other.remaining)
            );
            let near = |one: Duration, other: Duration| one.abs_diff(other) < Duration::from_secs(5);
            assert!(near(one.reset_after, other.reset_after), "{one:?} {other:?}");
            assert!(near(one.more_after, other.more_after), "{one:?} {other:?}");
            let waits = (one.retry_after.unwrap_or_default(), other.retry_after.unwrap_or_default());
            assert!(one.retry_after.is_some() == other.retry_after.is_some() && near(waits.0, waits.1));
        }
    })
    .await;
}

#[tokio::test]
async fn every_key_has_a_hash_tag_and_goes_away_when_it_is_rested() {
    bounded(async {
        let server = server().await;
        let (limiter, _crew) = process(server.url(), &LimitConfig::of(10, Duration::from_secs(100))).await;
        limiter.take_cost("north", 3).await;
        let mut admin = client(&server).await;
        let keys: Vec<String> = admin.keys("*").await.expect("an answer");
        assert_eq!(keys, ["parcels:limit:{clients:north}"]);
        let left: i64 = admin.pttl(&keys[0]).await.expect("an answer");
        assert!((20_000..=30_000).contains(&left), "{left} ms");
        limiter.take_cost("south", 0).await;
        limiter.take_cost("south", 11).await;
        let keys: Vec<String> = admin.keys("*south*").await.expect("an answer");
        assert!(keys.is_empty(), "neither a look nor a refusal is remembered: {keys:?}");
    })
    .await;
}

// Field note: NOSCRIPT fallback.
#[tokio::test]
async fn a_server_that_forgot_the_script_is_told_again() {
    bounded(async {
        let server = server().await;
        let (limiter, crew) = process(server.url(), &LimitConfig::of(10, HOUR)).await;
        assert_eq!(limiter.take("north").await.remaining, 9);
        server.command(&["SCRIPT", "FLUSH"]).await.expect("an answer");
        assert_eq!(limiter.take("north").await.remaining, 8);
        assert_eq!(metric(&crew, r#"rate_limit_fallbacks_total{limiter="clients""#), 0);
    })
    .await;
}

#[tokio::test]
async fn requests_at_their_deadline_do_not_keep_the_others_from_redis() {
    bounded(async {
        let mut server = server().await;
        let (limiter, crew) = process(server.url(), &LimitConfig::of(10, HOUR)).await;
        server.pause().expect("it runs");
        for _ in 0..3 {
            let context = Context::random().with_timeout(Duration::from_millis(10)).into_arc();
            context.scope(limiter.take("north")).await;
        }
        server.resume().expect("it is paused");
        let fallbacks = || metric(&crew, r#"rate_limit_fallbacks_total{limiter="clients""#);
        assert_eq!(fallbacks(), 3, "decided in process");
        limiter.take("north").await;
        assert_eq!(fallbacks(), 3, "decided in Redis");
    })
    .await;
}

// Field note: Redis down, cache and limiter fail open within a 50-100 ms budget, with a metric.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_stopped_costs_500_callers_at_most_100_ms_once_and_no_limit() {
    bounded(async {
        let mut server = server().await;
        let crew = crew();
        let redis = connect(server.url(), &crew).await;
        let quota = LimitConfig::of(100, HOUR);
        let limiter = quota.limiter_over("clients", &crew, redis.limits("parcels")).expect("a limiter");
        limiter.take("warm").await;
        server.pause().expect("it runs");
        for round in 0..2 {
            let began = Instant::now();
            let got = allowed(500, |_| {
                let limiter = limiter.clone();
                async move { limiter.take("north").await.allowed }
            })
            .await;
            let (took, wanted) = (began.elapsed(), if round == 0 { 100 } else { 0 });
            // 100 ms of budget, and a wide margin for a machine that is busy with other tests.
            assert!(took < Duration::from_millis(100 + 200), "round {round}: {took:?}");
            assert_eq!(got, wanted, "the process's own count goes on");
        }
        assert!(metric(&crew, r#"rate_limit_store_errors_total{cause="failed",limiter="clients""#) >= 3);

        server.resume().expect("it runs");
        asked_again(&limiter, &crew).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_black_holed_connection_is_replaced_although_no_caller_waits_for_long() {
    bounded(async {
        let server = server().await;
        let proxy = FaultProxy::to(addr(&server)).await.expect("a proxy");
        let crew = crew();
        let config = RedisConfig {
            shared_connections: 1,
            check_period: HOUR, // nobody but the limiter asks
            ..RedisConfig::of(format!("redis://{}", proxy.addr()))
        };
        let redis = config.connect(&crew).await.expect("a handle");
        let quota = LimitConfig::of(1_000_000, HOUR);
        let limiter = quota.limiter_over("clients", &crew, redis.limits("parcels")).expect("a limiter");
        limiter.take("north").await;
        proxy.set(Mode::BlackHole).await;
        limiter.take("north").await;
        proxy.heal().await;
        let before = proxy.accepted();
        let (began, mut longest) = (Instant::now(), Duration::ZERO);
        while proxy.accepted() == before {
            let asked = Instant::now();
            assert!(limiter.take("north").await.allowed);
            longest = longest.max(asked.elapsed());
            assert!(began.elapsed() < Duration::from_secs(10), "the silent connection is kept");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        // 50 ms of budget, and a wide margin; the connection itself would wait for 500 ms.
        assert!(longest < Duration::from_millis(50 + 200), "{longest:?}");
        asked_again(&limiter, &crew).await;
    })
    .await;
}
