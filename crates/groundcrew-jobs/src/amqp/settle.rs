//! From the worker's hands back to the broker: what is to be kept is confirmed where it goes, and only then is the old
//! message acknowledged. Should the process die in between, the job is there twice, and `begin_once` makes one effect.

use std::time::Duration;

use groundcrew_amqp::{Held, Message, PublishError};
use jiff::Timestamp;

use super::hands::Lifted;
use super::letter::{self, Wait};
use super::{AmqpJobs, publish_failed};
use crate::memory::after;
use crate::{Ending, Fate, Settlement, Unsettled};

/// How long ends wait for a connection that is just being made.
const CONNECTING: Duration = Duration::from_millis(250);

// === impl AmqpJobs ===

impl AmqpJobs {
    pub(super) async fn put(&self, batch: Vec<Settlement>) -> Result<(), Unsettled> {
        let inner = &*self.inner;
        let (mut messages, mut moving) = (Vec::new(), Vec::new());
        for settlement in batch {
            let token = settlement.delivery.token;
            // Settled before, or somebody else's by now.
            let Some(Lifted { messages: held, route, generation }) = inner.hands.lift(token) else {
                continue;
            };
            let (names, suspect, next) = (&inner.names, inner.suspect, generation.next());
            if self.is_untouched(&settlement) {
                // As it came, to where it was: without a copy.
                held.into_iter().chain(inner.hands.release(token)).for_each(Held::requeue);
                continue;
            }
            let message = match settlement.fate() {
                Fate::Over => {
                    held.into_iter().chain(inner.hands.release(token)).for_each(Held::ack);
                    continue;
                }
                Fate::Waits { envelope, after: delay } if delay.is_zero() => {
                    letter::waiting(names, &route, &envelope, next, suspect, Wait::No)
                }
                Fate::Waits { envelope, after: delay } => {
                    let due = Wait::Until(after(Timestamp::now(), delay));
                    letter::waiting(names, &route, &envelope, next, suspect, due)
                }
                Fate::Dead { envelope } => letter::dead(names, &envelope, next, Timestamp::now()),
            };
            messages.push(message);
            moving.push((settlement, held));
        }
        if messages.is_empty() { Ok(()) } else { self.settle_moves(messages, moving).await }
    }

    async fn settle_moves(
        &self,
        messages: Vec<Message>,
        moving: Vec<(Settlement, Vec<Held>)>,
    ) -> Result<(), Unsettled> {
        let inner = &*self.inner;
        // Whoever waits here holds up the ends that need no publishing, and a broker that is short of memory goes on
        // delivering.
        let moved = match inner.publisher.opened(CONNECTING).await {
            Ok(()) => inner.publisher.publish_all(messages).await,
            Err(shut) => vec![Err(shut); messages.len()],
        };
        let (mut left, mut failure, mut is_gone) = (Vec::new(), None, false);
        for ((settlement, held), moved) in moving.into_iter().zip(moved) {
            let token = settlement.delivery.token;
            match moved {
                Ok(()) => held.into_iter().chain(inner.hands.release(token)).for_each(Held::ack),
                Err(error) => {
                    if inner.hands.lay_down(token, held) {
                        left.push(settlement);
                        is_gone |= matches!(error, PublishError::Unroutable { .. });
                        failure = Some(error);
                    }
                }
            }
        }
        let Some(failure) = failure else { return Ok(()) };
        if is_gone {
            inner.mend().await;
        }
        Err(Unsettled { left, error: publish_failed("settle jobs", &failure) })
    }

    /// Whether it goes back as it came. One on trial does not: the broker would count that as a delivery.
    fn is_untouched(&self, settlement: &Settlement) -> bool {
        matches!(settlement.ending, Ending::HandedBack { after } if after.is_zero())
            && settlement.checkpoint.is_none()
            && settlement.delivery.envelope.crashes < self.inner.suspect
    }
}
