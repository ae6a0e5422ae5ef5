//! What tests stand on.

use groundcrew_runtime::Crew;

pub(crate) fn crew() -> Crew {
    Crew::builder("parcels", "1.0.0").build()
}

/// Ends a test that would hang.
#[cfg(any(feature = "client", all(feature = "sqlite", feature = "postgres")))]
pub(crate) async fn bounded<F: Future>(test: F) -> F::Output {
    tokio::time::timeout(std::time::Duration::from_secs(60), test).await.expect("within a minute")
}
