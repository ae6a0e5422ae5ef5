//! What a Redis that is stopped costs a request that passes several limiters and caches over it.

use std::time::{Duration, Instant};

use groundcrew_cache::{Cache, CacheConfig};
use groundcrew_limit::LimitConfig;
use groundcrew_redis::RedisConfig;

use crate::support::{crew, metric, server, until};

const HOUR: Duration = Duration::from_secs(3600);
/// What the README says: one limiter and two caches.
const EACH: Duration = Duration::from_millis(40 + 90 + 90);
/// What two busy cores may add to anything.
const NOISE: Duration = Duration::from_millis(200);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_pays_for_each_limiter_and_cache_and_the_next_ones_for_fewer_and_none() {
    let mut server = server().await;
    let crew = crew();
    let config = RedisConfig { check_period: HOUR, ..RedisConfig::of(server.url()) };
    let redis = config.connect(&crew).await.expect("a handle");
    let quota = LimitConfig::of(100, HOUR);
    let limiter = quota.limiter_over("clients", &crew, redis.limits("parcels")).expect("a limiter");
    let caching = CacheConfig { pause: HOUR, ..CacheConfig::default() };
    let caches: [Cache<u32>; 2] = ["depots", "labels"]
        .map(|name| caching.named(name).over(redis.cache_store()).build(&crew).expect("a cache"));
    let request = |key: u32| {
        let (limiter, caches) = (&limiter, &caches);
        async move {
            let began = Instant::now();
            assert!(limiter.take("north").await.allowed);
            for cache in caches {
                let load = move || async move { Ok::<_, std::io::Error>(key) };
                assert_eq!(cache.get_or_load(&key, load).await.expect("a value"), key);
            }
            began.elapsed()
        }
    };
    request(0).await;
    let put = "redis_operations_total{operation=\"cache_put\",pool=\"redis\",status=\"ok\"";
    until("nothing is under way", || metric(&crew, put) == 2).await;
    server.pause().expect("it runs");
    let stopped = Instant::now();
    let first = request(1).await;
    assert!(first >= EACH && first < EACH + NOISE, "{first:?}");
    for key in 2..10 {
        request(key).await;
    }
    for name in ["depots", "labels"] {
        let errors = metric(&crew, &format!("cache_store_errors_total{{cache=\"{name}\""));
        assert_eq!(errors, 1, "{name}: only the first waited");
    }
    let failed = metric(&crew, r#"rate_limit_store_errors_total{cause="failed",limiter="clients""#);
    let most = 3 + stopped.elapsed().as_secs();
    assert!((3..=most).contains(&failed), "{failed}: the first three, and one each second");
    server.resume().expect("it runs");
}
