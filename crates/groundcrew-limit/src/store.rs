use std::error::Error;
use std::sync::Arc;

use futures_util::future::BoxFuture;

use crate::{Decision, Quota};

/// Where the counts of several processes are kept together.
///
/// The [`Limiter`](crate::Limiter) bounds the time of a call and answers itself when the store cannot, so a store
/// reports what went wrong and does not try again. The future may be dropped at any point: whatever connection it
/// holds must not be left half used.
pub trait LimitStore: Send + Sync + 'static {
    /// Takes `cost` units from `key` under `quota`, atomically over all processes: see [`Quota::decide`].
    ///
    /// The key names the limiter too, and has at most [`MAX_KEY`](crate::MAX_KEY) bytes beside that name.
    fn take<'a>(
        &'a self,
        key: &'a str,
        quota: &'a Quota,
        cost: u32,
    ) -> BoxFuture<'a, Result<Decision, StoreError>>;
}

/// A shared store did not answer, or not what it should.
#[derive(Debug, thiserror::Error)]
#[error("the store of the rate limits failed")]
pub struct StoreError(#[source] Box<dyn Error + Send + Sync>);

// === impl StoreError ===

impl StoreError {
    /// With its cause, which must not show a secret.
    pub fn new(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self(cause.into())
    }
}

impl<S: LimitStore + ?Sized> LimitStore for Arc<S> {
    fn take<'a>(
        &'a self,
        key: &'a str,
        quota: &'a Quota,
        cost: u32,
    ) -> BoxFuture<'a, Result<Decision, StoreError>> {
        (**self).take(key, quota, cost)
    }
}
