use std::sync::Arc;
use std::time::Duration;

use futures_util::{FutureExt, StreamExt};
use lapin::options::{
    BasicAckOptions, BasicCancelOptions, BasicConsumeOptions, BasicNackOptions, BasicQosOptions,
};
use lapin::types::FieldTable;
use lapin::{Channel, Consumer};
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::acks::{Ack, Acks};
use super::held::{Held, Slip};
use super::inbox::Inbox;
use super::stopping::Stopping;
use crate::error::words;
use crate::link::Link;
use crate::metrics::ConsumerMetrics;
use crate::{Delivery, Verdict};

/// So many acknowledgements go together.
const TOGETHER: usize = 32;
/// So long one waits for others.
const WAIT: Duration = Duration::from_millis(3);
const AT_ONCE: usize = 64;

/// One channel with one consumer, from its start to its end.
pub(super) struct Session {
    link: Arc<Link>,
    channel: Channel,
    consumer: Consumer,
    acks: Acks,
    slips: mpsc::UnboundedSender<(u64, Verdict)>,
    settled: mpsc::UnboundedReceiver<(u64, Verdict)>,
    inbox: Arc<Inbox>,
    metrics: Arc<ConsumerMetrics>,
    together: usize,
}

/// A channel whose consumer is not there yet. Given up, also by dropping the future, it is closed: the broker may begin
/// to deliver after all, to nobody, and the library keeps a channel that has a consumer.
struct Opening(Option<Channel>);

/// How a session ended.
#[derive(Debug)]
pub(super) enum End {
    /// As it was told to; nothing is left unsettled.
    Drained(Drained),
    /// The channel or the connection is gone, or the broker has cancelled the consumer.
    Broken(String),
}

/// What happened between the stop and the end.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Drained {
    /// Messages that had been taken and were finished.
    pub(super) finished: usize,
    /// Messages that nobody had taken.
    pub(super) handed_back: usize,
}

// === impl Session ===

impl Session {
    /// Opens the channel and begins to consume.
    pub(super) async fn start(
        link: Arc<Link>,
        queue: &str,
        prefetch: u16,
        inbox: Arc<Inbox>,
        metrics: Arc<ConsumerMetrics>,
    ) -> Result<Self, lapin::Error> {
        let channel = link.channel().await?;
        let opening = Opening(Some(channel.clone()));
        let consumer = consume(&link, &channel, queue, prefetch).await?;
        opening.done();
        let (slips, settled) = mpsc::unbounded_channel();
        let (acks, together) = (Acks::new(), TOGETHER.min(usize::from(prefetch).div_ceil(2)));
        Ok(Self { link, channel, consumer, acks, slips, settled, inbox, metrics, together })
    }

    /// Hands deliveries on and verdicts back, until it is stopped or something breaks.
    pub(super) async fn run(mut self, stopping: &mut Stopping) -> End {
        let ended = self.serve(stopping).await;
        let end = match ended {
            Err(reason) => End::Broken(reason),
            Ok(()) => self.drain().await,
        };
        if matches!(end, End::Broken(_)) {
            // The broker gives them to somebody; whoever works on one already finds out by `is_lost`.
            self.settled.close();
            drop(self.inbox.clear());
        }
        self.metrics.unsettled.sub(i64::try_from(self.acks.open()).unwrap_or_default());
        end
    }

    async fn serve(&mut self, stopping: &mut Stopping) -> Result<(), String> {
        let mut verdicts = Vec::with_capacity(AT_ONCE);
        let mut flush_at = None;
        loop {
            let flush = async {
                match flush_at {
                    Some(at) => tokio::time::sleep_until(at).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                () = stopping.requested() => return Ok(()),
                () = flush => self.flush()?,
                _ = self.settled.recv_many(&mut verdicts, AT_ONCE) => self.settle(&mut verdicts)?,
                delivery = self.consumer.next() => match delivery {
                    Some(Ok(delivery)) => self.deliver(delivery)?,
                    Some(Err(error)) => return Err(words(&error)),
                    None => return Err("the broker cancelled the consumer: its queue may be deleted".to_owned()),
                },
            }
            flush_at = match self.acks.due() {
                0 => None,
                _ => flush_at.or_else(|| Some(Instant::now() + WAIT)),
            };
        }
    }

    fn deliver(&mut self, delivery: lapin::message::Delivery) -> Result<(), String> {
        let tag = delivery.delivery_tag;
        if !self.acks.delivered(tag) {
            return Err(format!("the broker skipped a number before {tag}"));
        }
        self.metrics.unsettled.inc();
        if delivery.redelivered {
            self.metrics.redelivered.inc();
        }
        let slip = Slip { tag, session: self.slips.clone() };
        self.inbox.put(Held::new(Delivery::new(delivery), slip));
        // Only now: what is counted can be taken.
        self.metrics.delivered.inc();
        Ok(())
    }

    fn settle(&mut self, verdicts: &mut Vec<(u64, Verdict)>) -> Result<(), String> {
        for (tag, verdict) in verdicts.drain(..) {
            self.metrics.unsettled.dec();
            match verdict {
                Verdict::Ack => {
                    self.metrics.acked.inc();
                    self.acks.done(tag);
                }
                Verdict::Requeue => {
                    self.metrics.requeued.inc();
                    self.refuse(tag, true)?;
                }
                Verdict::Reject => {
                    self.metrics.rejected.inc();
                    self.refuse(tag, false)?;
                }
            }
        }
        if self.acks.due() >= self.together { self.flush() } else { Ok(()) }
    }

    /// Tells the broker at once: an acknowledgement of several that comes later must find it told.
    fn refuse(&mut self, tag: u64, requeue: bool) -> Result<(), String> {
        self.acks.refused(tag);
        let options = BasicNackOptions { multiple: false, requeue };
        written(self.channel.basic_nack(tag, options))
    }

    fn flush(&mut self) -> Result<(), String> {
        for Ack { tag, multiple } in self.acks.take() {
            written(self.channel.basic_ack(tag, BasicAckOptions { multiple }))?;
        }
        Ok(())
    }

    /// Cancel, hand back what nobody has taken, finish the rest, say good-bye.
    async fn drain(&mut self) -> End {
        match self.try_drain().await {
            Ok(drained) => End::Drained(drained),
            Err(reason) => End::Broken(reason),
        }
    }

    async fn try_drain(&mut self) -> Result<Drained, String> {
        let mut drained = Drained::default();
        let cancelled = self.channel.basic_cancel(self.consumer.tag(), BasicCancelOptions::default());
        self.link.bounded(cancelled).await.map_err(|error| words(&error))?;
        // Everything that came before the cancel was confirmed, up to the end of the stream.
        let link = self.link.clone();
        let rest = async {
            while let Some(Ok(delivery)) = self.consumer.next().await {
                self.deliver(delivery)?;
            }
            Ok::<_, String>(())
        };
        link.bounded(async { Ok(rest.await) }).await.map_err(|error| words(&error))??;
        let untaken = self.inbox.close();
        drained.handed_back = untaken.len();
        drop(untaken);
        let mut verdicts = Vec::new();
        while self.acks.open() > 0 {
            let Ok(count) = tokio::time::timeout(WAIT, self.settled.recv_many(&mut verdicts, AT_ONCE)).await
            else {
                self.flush()?;
                if !self.channel.status().connected() {
                    return Err("the channel was lost in the drain".to_owned());
                }
                continue;
            };
            drained.finished += count;
            self.settle(&mut verdicts)?;
        }
        drained.finished = drained.finished.saturating_sub(drained.handed_back);
        self.flush()?;
        // Answered after everything that was written before it, so that nothing is lost in a buffer of ours.
        let closed = self.channel.close(200, "drained".into());
        self.link.bounded(closed).await.map_err(|error| words(&error))?;
        Ok(drained)
    }
}

async fn consume(
    link: &Link,
    channel: &Channel,
    queue: &str,
    prefetch: u16,
) -> Result<Consumer, lapin::Error> {
    // Before the consumer is there: what it is given at once would be without limit.
    link.bounded(channel.basic_qos(prefetch, BasicQosOptions::default())).await?;
    let options = BasicConsumeOptions::default();
    link.bounded(channel.basic_consume(queue.into(), "".into(), options, FieldTable::default())).await
}

// === impl Opening ===

impl Opening {
    fn done(mut self) {
        self.0 = None;
    }
}

impl Drop for Opening {
    fn drop(&mut self) {
        if let Some(channel) = self.0.take() {
            let _asked = written(channel.close(200, "given up".into()));
        }
    }
}

/// The frame is in the library's queue once the future was polled; nobody answers it, so nobody waits.
fn written(frame: impl Future<Output = Result<(), lapin::Error>>) -> Result<(), String> {
    match frame.now_or_never() {
        Some(Err(error)) => Err(words(&error)),
        Some(Ok(())) | None => Ok(()),
    }
}
