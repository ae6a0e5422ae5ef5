use crate::Snowflake;
use crate::error::Unmet;
use crate::fault::Faults;
use crate::gateway::Sessions;
use crate::interaction::{Entry, InteractionRecord, Interactions};
use crate::ledger::{Ledger, Report};
use crate::limit::Buckets;
use crate::oauth::OAuth;
use crate::options::Options;
use crate::signing::Signer;
use crate::world::World;
use parking_lot::{Mutex, MutexGuard};
use std::net::SocketAddr;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::Instant;

/// What the server's tasks and the handles of tests share.
#[derive(Debug)]
pub(crate) struct Shared {
    state: Mutex<State>,
    changes: watch::Sender<u64>,
    stop: watch::Sender<bool>,
    pub(crate) address: SocketAddr,
    pub(crate) options: Options,
    pub(crate) signer: Signer,
}

/// All that changes. Locked for moments, never across an await.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) world: World,
    pub(crate) sessions: Sessions,
    pub(crate) interactions: Interactions,
    pub(crate) ledger: Ledger,
    pub(crate) faults: Faults,
    pub(crate) buckets: Buckets,
    pub(crate) oauth: OAuth,
    pub(crate) token_reset: bool,
    /// `http://address`, for the addresses of attachments.
    pub(crate) base: String,
}

// === impl Shared ===

impl Shared {
    pub(crate) fn new(state: State, address: SocketAddr, options: Options, signer: Signer) -> Self {
        Self {
            state: Mutex::new(state),
            changes: watch::Sender::new(0),
            stop: watch::Sender::new(false),
            address,
            options,
            signer,
        }
    }

    /// Ends connections and waiting requests.
    pub(crate) fn stop(&self) {
        self.stop.send_replace(true);
    }

    /// Returns when the server is to end; never before.
    pub(crate) async fn stopped(&self) {
        // The sender is ours, so waiting does not fail.
        let _ = self.stop.subscribe().wait_for(|stopped| *stopped).await;
    }

    /// To look only.
    pub(crate) fn look(&self) -> MutexGuard<'_, State> {
        self.state.lock()
    }

    /// Changes something, and wakes those who wait for a condition.
    pub(crate) fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let outcome = change(&mut self.state.lock());
        self.changes.send_modify(|version| *version += 1);
        outcome
    }

    /// Waits until something holds.
    pub(crate) async fn until<T>(
        &self,
        condition: &str,
        limit: Duration,
        mut holds: impl FnMut(&State) -> Result<T, String>,
    ) -> Result<T, Unmet> {
        let mut changes = self.changes.subscribe();
        let deadline = Instant::now() + limit;
        loop {
            changes.mark_unchanged();
            let seen = match holds(&self.state.lock()) {
                Ok(value) => return Ok(value),
                Err(seen) => seen,
            };
            if tokio::time::timeout_at(deadline, changes.changed()).await.is_err() {
                return Err(Unmet { condition: condition.to_owned(), waited: limit, seen });
            }
        }
    }

    pub(crate) fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    /// What happened so far, in numbers.
    pub(crate) fn report(&self) -> Report {
        let mut guard = self.state.lock();
        let state = &mut *guard;
        let invalid_requests = state.ledger.invalid();
        let entries = || state.interactions.all.values().map(|entry| (&entry.record, entry));
        let count = |holds: &dyn Fn(&InteractionRecord) -> bool| {
            entries().filter(|(record, _)| holds(record)).count()
        };
        let too_late = |entry: &Entry| {
            entry.acknowledged.is_none() && entry.began.elapsed() > self.options.acknowledge_within
        };
        Report {
            requests: state.ledger.count,
            by_status: state.ledger.by_status.clone(),
            by_route: state.ledger.by_route.clone(),
            invalid_requests,
            identifies: state.ledger.identifies,
            too_soon: state.ledger.too_soon,
            resumes: state.ledger.resumes,
            connected: state.sessions.connected(),
            interactions: state.interactions.all.len(),
            delivered: count(&InteractionRecord::was_received),
            acknowledged: count(&|record| record.acknowledged_after().is_some()),
            answered: count(&|record| record.answered),
            answered_once: count(&InteractionRecord::answered_once),
            refused: entries().map(|(record, _)| record.refused.len()).sum(),
            failed: entries()
                .filter(|(record, entry)| record.was_received() && too_late(entry))
                .map(|(record, _)| record.id)
                .collect(),
            token_reset: state.token_reset,
        }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }
}

// === impl State ===

impl State {
    /// Tells the sessions that may know about a message.
    pub(crate) fn announce(&mut self, event: &'static str, channel: Snowflake, message: Snowflake) {
        let Some(found) = self.world.message(channel, message) else { return };
        if found.flags & crate::world::message::EPHEMERAL != 0 {
            return;
        }
        let bot = self.world.application.bot;
        let visible = self.world.permissions(bot, channel).contains(crate::Permissions::VIEW_CHANNEL);
        let Some(guild) = self.world.channels.get(&channel).map(|channel| channel.guild) else { return };
        if !visible {
            return;
        }
        let always = found.author == bot || found.mentioned(&["@!", "@"]).contains(&bot);
        let data = self.world.message_event(found);
        self.sessions.dispatch_message(event, Some(guild), &data, always);
    }
}
