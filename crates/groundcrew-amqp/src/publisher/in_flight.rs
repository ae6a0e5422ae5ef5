//! The messages that were sent and have no outcome yet, and the truth about each.
//!
//! lapin puts what the broker sent back into a queue and hands its head to whichever confirm completes next, be it that
//! of another message. What is known: a message comes back before it is confirmed; the queue is first in, first out;
//! each confirm that completes takes the head, if there is one. From that follows:
//!
//! - a message that somebody's confirm brought back is unroutable;
//! - a confirm that brought nothing back found the queue empty, so its own message, had it come back, was brought by a
//!   confirm that completed earlier. Those are all known once nothing that is ready is left to be looked at;
//! - a confirm that brought another's message says nothing about its own: the message is in limbo until a confirm that
//!   completed later finds the queue empty, or until no message is unconfirmed, when the queue is empty too.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

use futures_util::task::AtomicWaker;
use lapin::types::ShortString;
use lapin::{Confirmation, ErrorKind};
use parking_lot::Mutex;

use super::driver::{Failure, Reply};
use crate::PublishError;
use crate::error::{code, words};

const NOT_FOUND: u16 = 404;

type Publishing = Pin<Box<dyn Future<Output = lapin::Result<Confirmation>> + Send>>;

/// The messages of one channel that have no outcome yet.
pub(super) struct InFlight {
    slots: Vec<Slot>,
    free: Vec<usize>,
    ready: Arc<Ready>,
    completed: Vec<(usize, lapin::Result<Confirmation>)>,
    limbo: Vec<Entry>,
}

/// What a look at everything that is ready brought.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Settled {
    /// How many messages have an outcome now.
    pub(super) count: usize,
    /// How many came back.
    pub(super) returned: u64,
    /// The channel's end, if one of them was told.
    pub(super) broken: Option<String>,
}

/// A place for a message; its waker is made once.
struct Slot {
    waker: Waker,
    /// Until it has completed.
    publishing: Option<Publishing>,
    entry: Option<Entry>,
}

struct Entry {
    id: ShortString,
    exchange: ShortString,
    reply: Reply,
    returned: Option<String>,
}

/// Which slots are to be polled.
#[derive(Default)]
struct Ready {
    queue: Mutex<Vec<usize>>,
    task: AtomicWaker,
}

struct SlotWaker {
    index: usize,
    ready: Arc<Ready>,
}

// === impl InFlight ===

impl InFlight {
    pub(super) fn new() -> Self {
        let (slots, free, completed, limbo) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        Self { slots, free, ready: Arc::default(), completed, limbo }
    }

    /// How many messages have no outcome yet.
    pub(super) fn len(&self) -> usize {
        self.unconfirmed() + self.limbo.len()
    }

    fn unconfirmed(&self) -> usize {
        self.slots.len() - self.free.len()
    }

    /// Polls the future for the first time, which writes the message: messages that are added one after the other are
    /// numbered by lapin in the order in which they leave.
    pub(super) fn add(
        &mut self,
        id: ShortString,
        exchange: ShortString,
        reply: Reply,
        publishing: impl Future<Output = lapin::Result<Confirmation>> + Send + 'static,
    ) {
        let index = self.free.pop().unwrap_or_else(|| {
            let index = self.slots.len();
            let waker = Waker::from(Arc::new(SlotWaker { index, ready: self.ready.clone() }));
            self.slots.push(Slot { waker, publishing: None, entry: None });
            index
        });
        let slot = &mut self.slots[index];
        slot.entry = Some(Entry { id, exchange, reply, returned: None });
        slot.publishing = Some(Box::pin(publishing));
        if let Poll::Ready(outcome) = slot.poll() {
            self.completed.push((index, outcome));
            self.ready.task.wake();
        }
    }

    /// Resolves when at least one message was confirmed, refused or lost.
    pub(super) fn poll_settle(&mut self, cx: &mut Context<'_>) -> Poll<Settled> {
        self.ready.task.register(cx.waker());
        // Until nothing is ready: only then is every confirm known that completed before those found here.
        loop {
            let ready = std::mem::take(&mut *self.ready.queue.lock());
            if ready.is_empty() {
                break;
            }
            for index in ready {
                if let Poll::Ready(outcome) = self.slots[index].poll() {
                    self.completed.push((index, outcome));
                }
            }
        }
        if self.completed.is_empty() { Poll::Pending } else { Poll::Ready(self.settle()) }
    }

    fn settle(&mut self) -> Settled {
        let mut completed = std::mem::take(&mut self.completed);
        let mut settled = Settled::default();
        for (_, outcome) in &completed {
            if let Ok(Confirmation::Ack(Some(message)) | Confirmation::Nack(Some(message))) = outcome {
                settled.returned += 1;
                let reason = format!("{} {}", message.reply_code, message.reply_text);
                self.mark_returned(message.properties.message_id().as_ref(), &reason);
            }
        }
        let found_empty = completed
            .iter()
            .any(|(_, outcome)| matches!(outcome, Ok(Confirmation::Ack(None) | Confirmation::Nack(None))));
        settled.count += self.leave_limbo(found_empty);
        for (index, outcome) in completed.drain(..) {
            let Some(entry) = self.slots[index].entry.take() else { continue };
            self.free.push(index);
            if entry.returned.is_none() && matches!(outcome, Ok(Confirmation::Ack(Some(_)))) {
                self.limbo.push(entry);
                continue;
            }
            settled.count += 1;
            if let Err(error) = &outcome {
                settled.broken.get_or_insert_with(|| words(error));
            }
            entry.tell(outcome);
        }
        self.completed = completed;
        if self.unconfirmed() == 0 {
            settled.count += self.leave_limbo(true);
        }
        settled
    }

    /// One id twice in flight: both are told, since neither is known to have arrived.
    fn mark_returned(&mut self, id: Option<&ShortString>, reason: &str) {
        let in_slots = self.slots.iter_mut().filter_map(|slot| slot.entry.as_mut());
        for entry in in_slots.chain(&mut self.limbo).filter(|entry| Some(&entry.id) == id) {
            entry.returned = Some(reason.to_owned());
        }
    }

    /// Those that came back leave it; all do once the queue was seen empty.
    fn leave_limbo(&mut self, queue_is_empty: bool) -> usize {
        let leaves = |entry: &mut Entry| queue_is_empty || entry.returned.is_some();
        self.limbo.extract_if(.., leaves).map(|entry| entry.tell(Ok(Confirmation::Ack(None)))).count()
    }

    /// The channel is gone: whatever has no outcome may have arrived or not.
    pub(super) fn lose(&mut self, reason: &str) -> usize {
        let entries = self.slots.iter_mut().filter_map(|slot| slot.entry.take());
        let lost: Vec<_> = entries.chain(self.limbo.drain(..)).collect();
        let count = lost.len();
        for entry in lost {
            entry.answer(Err(PublishError::Unknown { reason: reason.to_owned() }));
        }
        *self = Self::new();
        count
    }
}

// === impl Slot ===

impl Slot {
    fn poll(&mut self) -> Poll<lapin::Result<Confirmation>> {
        // One that has completed may be woken once more.
        let Some(publishing) = &mut self.publishing else { return Poll::Pending };
        let polled = publishing.as_mut().poll(&mut Context::from_waker(&self.waker));
        if polled.is_ready() {
            self.publishing = None;
        }
        polled
    }
}

// === impl Entry ===

impl Entry {
    fn tell(self, outcome: lapin::Result<Confirmation>) {
        let unknown = |reason: String| Err(PublishError::Unknown { reason });
        let outcome = match (&self.returned, outcome) {
            (Some(reason), _) => Err(PublishError::Unroutable { reason: reason.clone() }),
            (None, Ok(Confirmation::Ack(_))) => Ok(()),
            (None, Ok(Confirmation::Nack(_))) => Err(PublishError::Nacked),
            (None, Ok(Confirmation::NotRequested)) => unknown("the channel asks for no confirms".to_owned()),
            (None, Err(error)) => match error.kind() {
                ErrorKind::InvalidChannelState(_, "basic.publish") => {
                    Err(PublishError::Unavailable { reason: words(&error) })
                }
                _ if self.is_without_exchange(&error) => {
                    Err(PublishError::Unroutable { reason: words(&error) })
                }
                _ => unknown(words(&error)),
            },
        };
        self.answer(outcome);
    }

    /// An exchange that is missing ends the whole channel; only the messages for it are to blame.
    fn is_without_exchange(&self, error: &lapin::Error) -> bool {
        code(error) == Some(NOT_FOUND) && words(error).contains(&format!("no exchange '{}'", self.exchange))
    }

    fn answer(self, outcome: Result<(), PublishError>) {
        // The caller may have gone away; the message is on its way all the same.
        let _gone = self.reply.send(outcome.map_err(Failure::Told));
    }
}

// === impl SlotWaker ===

impl Wake for SlotWaker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.ready.queue.lock().push(self.index);
        self.ready.task.wake();
    }
}
