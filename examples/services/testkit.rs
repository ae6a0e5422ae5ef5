//! What a test of a service looks like: `cargo run --example testkit`. A real Redis, a network that swallows what it is
//! told, a service that keeps its promises, and a verdict. It needs `redis-server` and nothing else.

use std::time::{Duration, Instant};

use groundcrew::Crew;
use groundcrew::redis::deadpool_redis::redis::AsyncCommands;
use groundcrew::redis::{RedisConfig, SharedConnection};
use groundcrew_testkit::harness::Harness;
use groundcrew_testkit::proxy::{FaultProxy, Mode};
use groundcrew_testkit::redis::Redis;

/// The service under test, as its `main` would start it.
async fn start(config: RedisConfig, crew: Crew) -> anyhow::Result<SharedConnection> {
    Ok(config.connect(&crew).await?.shared("visits"))
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let redis = Redis::private().await?; // gone when this value is, also after a kill -9
    let port = redis.port().expect("a private one has a port");
    let proxy = FaultProxy::to(([127, 0, 0, 1], port).into()).await?;
    let config = RedisConfig {
        check_period: Duration::from_millis(100),
        ..RedisConfig::of(proxy.url_to(redis.url()))
    };

    let service = Harness::start(config, start).await?;
    service.ready().await?;
    let mut visits = service.started().clone();
    println!("visits: {}", visits.incr::<_, _, u64>("visits", 1).await?);

    proxy.set(Mode::BlackHole).await; // the connection stays open, and nothing ever answers
    let began = Instant::now();
    let refused = visits.incr::<_, _, u64>("visits", 1).await.expect_err("nobody answers");
    println!("after {:?}: {refused}", began.elapsed());
    assert!(began.elapsed() < Duration::from_secs(2), "an operation is bounded");
    let readiness = service.until(Duration::from_secs(10), |readiness| readiness.degraded).await?;
    println!("ready: {}, degraded: {}", readiness.ready, readiness.degraded);

    proxy.heal().await;
    service.until(Duration::from_secs(10), |readiness| !readiness.degraded).await?;
    println!("visits: {}", visits.incr::<_, _, u64>("visits", 1).await?);

    let stopped = service.stop().await;
    assert!(stopped.is_clean(), "{stopped}");
    println!("{stopped}");
    Ok(())
}
