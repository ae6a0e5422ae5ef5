//! What several tests need.
#![cfg_attr(
    not(all(feature = "postgres", feature = "sqlite")),
    allow(dead_code, reason = "each backend uses its part")
)]

#[cfg(feature = "postgres")]
pub(crate) mod field;
#[cfg(feature = "postgres")]
pub(crate) mod server;

use std::time::{Duration, Instant};

use groundcrew_runtime::Crew;
use sqlx::SqlSafeStr;
use sqlx::migrate::{Migration, MigrationType, Migrator};

pub(crate) fn crew() -> Crew {
    Crew::builder("parcels", "1.0.0").build()
}

/// Waits until something holds; fails loudly when it does not come.
pub(crate) async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let started = Instant::now();
    while !holds() {
        assert!(started.elapsed() < Duration::from_secs(20), "waited 20 s until {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Migrations of these names and texts, numbered from 1, for the life of the test. Those that say so first ask for no
/// transaction.
pub(crate) fn migrator(migrations: &[(&'static str, &'static str)]) -> &'static Migrator {
    let migrations = (1i64..).zip(migrations).map(|(version, (description, sql))| {
        let no_tx = sql.starts_with("-- no-transaction");
        let sql = (*sql).into_sql_str();
        Migration::new(version, (*description).into(), MigrationType::Simple, sql, no_tx)
    });
    Box::leak(Box::new(Migrator::with_migrations(migrations.collect())))
}

/// Polls a future a number of times, and drops it if it has not ended by then.
pub(crate) async fn abandon_after(polls: usize, future: impl Future) {
    let mut future = std::pin::pin!(future);
    for _ in 0..polls {
        let ended = std::future::poll_fn(|cx| std::task::Poll::Ready(future.as_mut().poll(cx).is_ready()));
        if ended.await {
            return;
        }
        tokio::task::yield_now().await;
    }
}

/// Fails when a test hangs.
pub(crate) async fn within<T>(limit: Duration, what: &str, future: impl Future<Output = T>) -> T {
    let Ok(value) = tokio::time::timeout(limit, future).await else { panic!("not within {limit:?}: {what}") };
    value
}
