//! From the worker's hands back to the broker: what is to be kept is confirmed where it goes, and only then is the old
//! message acknowledged. Should the process die in between, the job is there twice, and `begin_once` makes one effect.

use std::sync::Arc;

use groundcrew_amqp::{Held, Message};
use jiff::Timestamp;

use super::letter::{self, Wait};
use super::route::Route;
use super::{AmqpJobs, publish_failed};
use crate::memory::after;
use crate::{BackendError, Ending, Fate, Settlement};

// === impl AmqpJobs ===

impl AmqpJobs {
    pub(super) async fn put(&self, batch: &[Settlement]) -> Result<(), BackendError> {
        let inner = &*self.inner;
        let (mut messages, mut moving) = (Vec::new(), Vec::new());
        for settlement in batch {
            let token = settlement.delivery.token;
            // Settled before, or somebody else's by now.
            let ours = inner.hands.take(token).filter(|(held, _)| !held.is_lost());
            let Some((held, route)) = ours else { continue };
            if self.is_untouched(settlement) {
                // As it came, to where it was: without a copy.
                held.requeue();
                continue;
            }
            let message = match settlement.fate() {
                Fate::Over => {
                    held.ack();
                    continue;
                }
                Fate::Waits { envelope, after: delay } if delay.is_zero() => {
                    letter::waiting(&inner.names, &route, &envelope, inner.suspect, Wait::No)
                }
                Fate::Waits { envelope, after: delay } => {
                    let due = Wait::Until(after(Timestamp::now(), delay));
                    letter::waiting(&inner.names, &route, &envelope, inner.suspect, due)
                }
                Fate::Dead { envelope } => letter::dead(&inner.names, &envelope, Timestamp::now()),
            };
            inner.hands.keep(token, None, route.clone());
            messages.push(message);
            moving.push((token, held, route));
        }
        if messages.is_empty() { Ok(()) } else { self.settle_moves(messages, moving).await }
    }

    async fn settle_moves(
        &self,
        messages: Vec<Message>,
        moving: Vec<(u64, Held, Arc<Route>)>,
    ) -> Result<(), BackendError> {
        let moved = self.inner.publisher.publish_all(messages).await;
        let mut settled = Ok(());
        for ((token, held, route), moved) in moving.into_iter().zip(moved) {
            match moved {
                Ok(()) => {
                    held.ack();
                    self.inner.hands.take(token);
                }
                Err(error) => {
                    self.inner.hands.keep(token, Some(held), route);
                    settled = Err(publish_failed("settle jobs", &error));
                }
            }
        }
        settled
    }

    /// Whether it goes back as it came. One on trial does not: the broker would count that as a delivery.
    fn is_untouched(&self, settlement: &Settlement) -> bool {
        matches!(settlement.ending, Ending::HandedBack { after } if after.is_zero())
            && settlement.checkpoint.is_none()
            && settlement.delivery.envelope.crashes < self.inner.suspect
    }
}
