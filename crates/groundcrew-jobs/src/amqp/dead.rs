//! The dead set: a queue that is read without taking anything out of it, unless that is confirmed elsewhere first.

use groundcrew_amqp::lapin::message::BasicGetMessage;
use groundcrew_amqp::lapin::options::{BasicAckOptions, BasicGetOptions, BasicNackOptions};
use groundcrew_amqp::lapin::{self, Channel};
use groundcrew_amqp::{Delivery, Message};
use jiff::Timestamp;

use super::generation::Generation;
use super::letter::{self, Wait};
use super::{AmqpJobs, publish_failed, unavailable};
use crate::{BackendError, DeadJob, DeadQuery, Envelope, Selection};

/// How many dead jobs are looked at in one call at most, the oldest first.
const LOOK_AT: usize = 10_000;
/// How many are taken out together.
const TOGETHER: usize = 256;

/// The dead set as one call sees it. What it has read goes back with its channel, however that ends.
struct Reading {
    channel: Channel,
    queue: String,
    left: usize,
}

/// One of the dead.
struct Corpse {
    tag: u64,
    envelope: Envelope,
    generation: Generation,
    died: Timestamp,
}

// === impl AmqpJobs ===

impl AmqpJobs {
    pub(super) async fn list(&self, query: &DeadQuery) -> Result<Vec<DeadJob>, BackendError> {
        let _one = self.inner.reading.lock().await;
        let mut reading = self.read().await?;
        let which =
            Selection { ids: query.id.into_iter().collect(), name: query.name.clone(), before: query.before };
        let mut found: Vec<DeadJob> = Vec::new();
        while let Some(corpse) = reading.next().await? {
            let Some(Corpse { envelope, died, .. }) = corpse else { continue };
            if which.holds(envelope.id, &envelope.name, died) {
                found.push(DeadJob::of(envelope, died, query.payload));
            }
        }
        reading.put_back().await?;
        found.sort_by_key(|job| std::cmp::Reverse((job.died_at, job.id)));
        // One that was moved here twice, since its process died in between.
        found.dedup_by_key(|job| job.id);
        found.truncate(query.limit as usize);
        Ok(found)
    }

    /// Takes out what is selected: after it is confirmed where it waits to run again, if it is to.
    pub(super) async fn take_out(&self, which: &Selection, run_again: bool) -> Result<u64, BackendError> {
        let _one = self.inner.reading.lock().await;
        let mut reading = self.read().await?;
        let (mut count, mut together) = (0, Vec::new());
        loop {
            let next = reading.next().await?;
            let is_last = next.is_none();
            if let Some(corpse) = next.flatten()
                && which.holds(corpse.envelope.id, &corpse.envelope.name, corpse.died)
            {
                together.push(corpse);
            }
            if together.len() >= TOGETHER || is_last {
                count += self.take_out_together(&reading, std::mem::take(&mut together), run_again).await?;
            }
            if is_last {
                break;
            }
        }
        reading.put_back().await?;
        Ok(count)
    }

    async fn take_out_together(
        &self,
        reading: &Reading,
        corpses: Vec<Corpse>,
        run_again: bool,
    ) -> Result<u64, BackendError> {
        let tags: Vec<u64> = corpses.iter().map(|corpse| corpse.tag).collect();
        let mut outcomes = vec![Ok(()); tags.len()];
        if run_again {
            let mut messages: Vec<Message> = Vec::with_capacity(corpses.len());
            for Corpse { mut envelope, generation, .. } in corpses {
                (envelope.attempts, envelope.crashes) = (0, 0);
                let route = self.inner.route(&envelope.name).await?;
                let (names, suspect) = (&self.inner.names, self.inner.suspect);
                messages.push(letter::waiting(names, &route, &envelope, generation, suspect, Wait::No));
            }
            outcomes = self.inner.publisher.publish_all(messages).await;
        }
        let (mut count, mut failure) = (0, None);
        for (tag, outcome) in tags.into_iter().zip(outcomes) {
            match outcome {
                Ok(()) => {
                    reading.ack(tag).await?;
                    count += 1;
                }
                Err(error) => failure = Some(publish_failed("requeue dead jobs", &error)),
            }
        }
        failure.map_or(Ok(count), Err)
    }

    async fn read(&self) -> Result<Reading, BackendError> {
        let channel = self.inner.amqp.channel().await.map_err(|error| failed(&error))?;
        Ok(Reading { channel, queue: self.inner.names.dead(), left: LOOK_AT })
    }
}

// === impl Reading ===

impl Reading {
    /// The next one, `Some(None)` for a message that is no job, `None` at the end.
    async fn next(&mut self) -> Result<Option<Option<Corpse>>, BackendError> {
        if self.left == 0 {
            return Ok(None);
        }
        let got = self.channel.basic_get(self.queue.as_str().into(), BasicGetOptions::default()).await;
        let Some(BasicGetMessage { delivery, message_count, .. }) = got.map_err(|error| failed(&error))?
        else {
            return Ok(None);
        };
        // What dies meanwhile is for the next call.
        self.left = self.left.min(message_count as usize + 1) - 1;
        let tag = delivery.delivery_tag;
        let delivery = Delivery::from(delivery);
        let generation = Generation::of(&delivery);
        let read = letter::read_dead(&delivery);
        Ok(Some(read.ok().map(|(envelope, died)| Corpse { tag, envelope, generation, died })))
    }

    async fn ack(&self, tag: u64) -> Result<(), BackendError> {
        self.channel.basic_ack(tag, BasicAckOptions::default()).await.map_err(|error| failed(&error))
    }

    /// All that was read and not taken out.
    async fn put_back(&self) -> Result<(), BackendError> {
        let all = BasicNackOptions { multiple: true, requeue: true };
        self.channel.basic_nack(0, all).await.map_err(|error| failed(&error))?;
        // Answered after all that was written before.
        self.channel.close(200, "read".into()).await.map_err(|error| failed(&error))
    }
}

fn failed(error: &lapin::Error) -> BackendError {
    unavailable("read dead jobs", error)
}
