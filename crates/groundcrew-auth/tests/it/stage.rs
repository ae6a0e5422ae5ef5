//! What tests stand on.

#[cfg(any(feature = "client", all(feature = "sqlite", feature = "postgres")))]
use std::pin::Pin;

use groundcrew_runtime::Crew;

pub(crate) fn crew() -> Crew {
    Crew::builder("parcels", "1.0.0").build()
}

/// Ends a test that would hang.
#[cfg(any(feature = "client", all(feature = "sqlite", feature = "postgres")))]
pub(crate) fn bounded<'a, F: Future + 'a>(test: F) -> Pin<Box<dyn Future<Output = F::Output> + 'a>> {
    let test = tokio::time::timeout(std::time::Duration::from_secs(60), test);
    Box::pin(async move { test.await.expect("within a minute") })
}
