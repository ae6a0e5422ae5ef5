//! What a lease needs of the place where it is kept.

use std::pin::Pin;
use std::time::Duration;

use tokio::time::Instant;

use crate::error::Trouble;

pub(crate) type Asking<'a, T> = Pin<Box<dyn Future<Output = Result<T, Trouble>> + Send + 'a>>;

/// Somebody who would like to lead.
pub(crate) trait Candidate: Send + Sync {
    /// Asks once, in bounded time. Dropping the future, or what it returns, gives the lease back or lets it run out.
    fn ask(&mut self) -> Asking<'_, Option<Won>>;
}

/// A lease that is ours.
pub(crate) struct Won {
    pub(crate) held: Box<dyn Held>,
    pub(crate) epoch: u64,
    /// When it was asked for: what was true then is known to be true for a deadline from then on.
    pub(crate) asked: Instant,
    /// How long a leader before us may still believe to be one.
    pub(crate) grace: Duration,
}

/// What is held while leading.
pub(crate) trait Held: Send {
    /// Whether it can be lost while this process lives, and so needs a heartbeat.
    fn can_be_lost(&self) -> bool;

    /// Asks whether it is still ours, and returns when it asked what was answered; the caller bounds the time.
    fn beat(&mut self) -> Asking<'_, Instant>;

    /// What has gone wrong since the last beat that was answered.
    fn doubt(&self) -> Option<Trouble> {
        None
    }

    /// Gives it back, so that the next leader need not wait; the caller bounds the time.
    fn release(self: Box<Self>) -> Asking<'static, ()>;
}
