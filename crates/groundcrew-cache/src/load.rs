//! What a load is while it runs: bounded, guarded, and not the caller's.

use std::error::Error;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use groundcrew_runtime::panic_message;
use groundcrew_telemetry::Context;

use crate::LoadError;

/// Runs a load in a context with the caller's ids and a deadline of its own: it is for everybody who waits.
pub(crate) async fn run<T, E, F>(
    cache: &Arc<str>,
    within: Duration,
    caller: Option<Arc<Context>>,
    load: impl FnOnce() -> F + Send,
) -> Result<T, LoadError>
where
    F: Future<Output = Result<T, E>> + Send,
    E: Into<Box<dyn Error + Send + Sync>>,
{
    let context = match caller.as_deref() {
        Some(caller) => Context::new(*caller.request_id(), *caller.trace()),
        None => Context::random(),
    };
    let context = context.with_timeout(within).into_arc();
    // The closure itself may panic, too.
    let guarded = AssertUnwindSafe(context.scope(async { load().await })).catch_unwind();
    match tokio::time::timeout(within, guarded).await {
        Ok(Ok(Ok(value))) => Ok(value),
        Ok(Ok(Err(error))) => Err(LoadError::Failed { cache: cache.clone(), source: error.into().into() }),
        Ok(Err(panic)) => {
            let message = panic_message(&*panic).to_owned();
            Err(LoadError::Panicked { cache: cache.clone(), message })
        }
        Err(_) => Err(LoadError::TimedOut { cache: cache.clone(), within }),
    }
}
