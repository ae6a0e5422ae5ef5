//! From the worker's hands back to the broker: what is to be kept is confirmed where it goes, and only then is the old
//! message acknowledged. Should the process die in between, the job is there twice, and `begin_once` makes one effect.

use jiff::Timestamp;

use super::hands::InHand;
use super::letter::{self, Wait};
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
            let Some(in_hand) = inner.hands.take(token).filter(|in_hand| !in_hand.held.is_lost()) else {
                continue;
            };
            if self.is_untouched(settlement) {
                // As it came, to where it was: without a copy.
                in_hand.held.requeue();
                continue;
            }
            let message = match settlement.fate() {
                Fate::Over => {
                    in_hand.held.ack();
                    continue;
                }
                Fate::Waits { envelope, after: delay } => {
                    let wait = if delay.is_zero() { Wait::No } else { Wait::Until(after(Timestamp::now(), delay)) };
                    letter::waiting(&inner.names, &in_hand.route, &envelope, inner.suspect, wait)
                }
                Fate::Dead { envelope } => letter::dead(&inner.names, &envelope, Timestamp::now()),
            };
            messages.push(message);
            moving.push((token, in_hand));
        }
        if messages.is_empty() { Ok(()) } else { self.settle_moves(messages, moving).await }
    }

    async fn settle_moves(
        &self,
        messages: Vec<groundcrew_amqp::Message>,
        moving: Vec<(u64, InHand)>,
    ) -> Result<(), BackendError> {
        let moved = self.inner.publisher.publish_all(messages).await;
        let mut settled = Ok(());
        for ((token, in_hand), moved) in moving.into_iter().zip(moved) {
            match moved {
                Ok(()) => in_hand.held.ack(),
                Err(error) => {
                    self.inner.hands.put_back(token, in_hand);
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
