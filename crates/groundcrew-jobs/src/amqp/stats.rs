//! How many jobs there are, as far as the broker says.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use groundcrew_amqp::lapin::options::QueueDeclareOptions;
use groundcrew_amqp::lapin::types::FieldTable;
use groundcrew_amqp::lapin::{self, Channel};
use jiff::Timestamp;

use super::{AmqpJobs, ladder, unavailable};
use crate::{BackendError, QueueStat, State};

/// Under this name are counted those of all kinds together: delayed and dead jobs share queues.
const ALL: &str = "*";

/// Since when each kind has something waiting.
pub(super) type Waiting = HashMap<String, Instant>;

/// Asks for the depth of queues.
struct Gauge<'a> {
    jobs: &'a AmqpJobs,
    channel: Channel,
}

#[derive(Debug, Default, Clone, Copy)]
struct Depth {
    messages: u64,
    consumers: u64,
}

// === impl AmqpJobs ===

impl AmqpJobs {
    pub(super) async fn count(&self) -> Result<Vec<QueueStat>, BackendError> {
        let channel = self.inner.amqp.channel().await.map_err(|error| failed(&error))?;
        let mut gauge = Gauge { jobs: self, channel };
        // Before and after: what is moved meanwhile is seen at least once.
        let mut running = self.inner.hands.counts();
        let mut stats = Vec::new();
        let routes: Vec<_> = self.inner.routes.read().values().cloned().collect();
        for route in routes {
            let mut sum = Depth::default();
            for queue in route.queues() {
                let depth = gauge.depth(queue).await?;
                sum = Depth {
                    messages: sum.messages + depth.messages,
                    consumers: sum.consumers + depth.consumers,
                };
            }
            let source = self.inner.sources.read().get(route.name.as_str()).cloned();
            sum.messages += source.map_or(0, |source| source.fetched());
            let oldest = self.oldest(&route.name, sum);
            stats.push(QueueStat {
                name: route.name.clone(),
                state: State::Ready,
                count: sum.messages,
                oldest,
            });
        }
        let mut together = async |state, queues: Vec<String>| {
            let mut count = 0;
            for queue in &queues {
                count += gauge.depth(queue).await?.messages;
            }
            stats.push(QueueStat { name: ALL.to_owned(), state, count, oldest: Duration::ZERO });
            Ok::<_, BackendError>(())
        };
        let names = &self.inner.names;
        together(State::Scheduled, ladder::STEPS.map(|step| names.delay_queue(step)).to_vec()).await?;
        together(State::Dead, vec![names.dead()]).await?;
        // It has done what it was for.
        let _closed = gauge.channel.close(200, "counted".into()).await;
        for (name, count) in self.inner.hands.counts() {
            let before = running.entry(name).or_default();
            *before = count.max(*before);
        }
        let stat = |(name, count)| QueueStat { name, state: State::Running, count, oldest: Duration::ZERO };
        stats.extend(running.into_iter().map(stat));
        Ok(stats)
    }

    /// For how long the oldest has been waiting at most. What others consume is not known, and counts as nothing.
    fn oldest(&self, name: &str, depth: Depth) -> Duration {
        let mut waiting = self.inner.waiting.lock();
        if depth.messages == 0 {
            waiting.remove(name);
            return Duration::ZERO;
        }
        let since = waiting.entry(name.to_owned()).or_insert_with(Instant::now).elapsed();
        let latest = self.inner.sources.read().get(name).map(|source| source.latest());
        match latest {
            // What comes next was enqueued after what came last.
            Some(latest) if latest != i64::MAX => {
                let age = Timestamp::now().as_microsecond().saturating_sub(latest);
                since.min(Duration::from_micros(u64::try_from(age).unwrap_or_default()))
            }
            _ if depth.consumers == 0 || latest.is_some() => since,
            _ => Duration::ZERO,
        }
    }
}

// === impl Gauge ===

impl Gauge<'_> {
    async fn depth(&mut self, queue: &str) -> Result<Depth, BackendError> {
        let options = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
        let asked = self.channel.queue_declare(queue.into(), options, FieldTable::default()).await;
        match asked {
            Ok(queue) => {
                let (messages, consumers) = (queue.message_count().into(), queue.consumer_count().into());
                Ok(Depth { messages, consumers })
            }
            // Somebody deleted it; the question ended the channel.
            Err(error) if !matches!(error.kind(), lapin::ErrorKind::IOError(_)) => {
                self.channel = self.jobs.inner.amqp.channel().await.map_err(|error| failed(&error))?;
                Ok(Depth::default())
            }
            Err(error) => Err(failed(&error)),
        }
    }
}

fn failed(error: &lapin::Error) -> BackendError {
    unavailable("count jobs", error)
}
