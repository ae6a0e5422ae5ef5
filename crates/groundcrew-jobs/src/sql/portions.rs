use std::time::Duration;

use groundcrew_sql::sqlx::Error;
use tokio::time::Instant;

/// How long one table may be swept at a time: what is left goes with the next sweep.
const SHARE: Duration = Duration::from_secs(30);

/// Removes a portion after the other, each a transaction of its own, until one is not full: one statement for all would
/// be ended half-way once there is too much, and keep others waiting meanwhile.
pub(super) async fn in_portions<F>(full: u32, portion: impl Fn() -> F) -> Result<(), Error>
where
    F: Future<Output = Result<u64, Error>>,
{
    let began = Instant::now();
    while portion().await? >= u64::from(full) && began.elapsed() < SHARE {}
    Ok(())
}
