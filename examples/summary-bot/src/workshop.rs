//! Where summaries are made: a bounded number at a time, off the workers, to the end even if the client goes.

use std::sync::Arc;

use groundcrew::Crew;
use groundcrew::http::Problem;
use groundcrew::http::axum::http::StatusCode;
use groundcrew::sql::SqlProblem;
use groundcrew::telemetry::{self, Context, prometheus::IntGauge, track_performance};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use uuid::Uuid;

use crate::benches::{Bench, Benches};
use crate::bot_metrics::BotMetrics;
use crate::config::Config;
use crate::document::Document;
use crate::headway::{self, Phase};
use crate::models;
use crate::order::Order;
use crate::scribe::{Scribe, internal_error};
use crate::store::Store;

/// After how many seconds it is worth trying again.
const RETRY_AFTER: u32 = 5;

/// Admits conversations and turns them into stored summaries.
#[derive(Debug, Clone)]
pub(crate) struct Workshop {
    crew: Crew,
    store: Store,
    metrics: BotMetrics,
    places: Arc<Semaphore>,
    /// In KiB, since permits are counted in 32 bits.
    memory: Arc<Semaphore>,
    room: u32,
    benches: Benches,
    scribe: Scribe,
}

/// What reading a conversation takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reading {
    /// A core: what was sent is parsed.
    AtBench,
    /// Patience: Discord is asked page by page, and nobody else waits for that.
    FromDiscord,
}

/// A place in the workshop: at first in its queue.
#[derive(Debug)]
pub(crate) struct Place {
    _permit: OwnedSemaphorePermit,
    _memory: OwnedSemaphorePermit,
    queue: Counted,
}

/// Counted by a gauge as long as it lives.
#[derive(Debug)]
struct Counted(IntGauge);

impl Counted {
    fn by(gauge: &IntGauge) -> Self {
        gauge.inc();
        Self(gauge.clone())
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.dec();
    }
}

// === impl Workshop ===

impl Workshop {
    pub(crate) fn new(
        crew: &Crew,
        store: Store,
        benches: Benches,
        scribe: Scribe,
        metrics: BotMetrics,
        config: &Config,
    ) -> Self {
        // Who waits for a model has left the queue, and takes no bench.
        let thinking = if models::configured(config) { config.models.concurrency } else { 0 };
        let config = &config.summaries;
        let places = Arc::new(Semaphore::new(config.concurrency + config.queue + thinking));
        let room = kib(config.memory.as_usize());
        let memory = Arc::new(Semaphore::new(room as usize));
        Self { crew: crew.clone(), store, metrics, places, memory, room, benches, scribe }
    }

    /// A place, before a conversation is even read: what is read has to be kept in memory until its turn.
    pub(crate) fn admit(&self, bytes: usize) -> Result<Place, Problem> {
        let full = |_| {
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, "QUEUE_FULL")
                .detail("as many conversations are waiting as may wait; try again a little later")
                .retry_after(RETRY_AFTER)
        };
        let permit = self.places.clone().try_acquire_owned().map_err(full)?;
        // A conversation that is larger than all the room has it alone.
        let memory = self.memory.clone().try_acquire_many_owned(kib(bytes).min(self.room)).map_err(full)?;
        Ok(Place { _permit: permit, _memory: memory, queue: Counted::by(&self.metrics.queue) })
    }

    /// How many conversations wait for their turn in this process.
    pub(crate) fn waiting(&self) -> i64 {
        self.metrics.queue.get()
    }

    /// Makes the summary of what the future reads, and stores it under this id, unless it is there already. Once begun
    /// it is finished, whether the client waits or not.
    pub(crate) async fn make_as<F>(
        &self,
        id: Uuid,
        place: Place,
        reading: Reading,
        order: F,
    ) -> Result<(Document, String), Problem>
    where
        F: Future<Output = Result<Order, Problem>> + Send + 'static,
    {
        let this = self.clone();
        let context = telemetry::current().unwrap_or_else(|| Context::random().into_arc());
        let by = context.deadline();
        let made = async move {
            let Place { _permit, _memory, queue } = place;
            let bench = this.bench(reading).await;
            drop(queue);
            let _in_progress = Counted::by(&this.metrics.in_progress);
            let write = async {
                let order = Self::read(order).await?;
                drop(bench);
                this.scribe.write_by(order, by).await
            };
            let document = track_performance(&this.metrics.generation, write).await?;
            this.keep(Document { id, ..document }).await
        };
        // The log lines of the work carry the ids of its request; its end is stored although nobody waits any more.
        let receiver = self.crew.detach("summary", context.detached().into_arc().scope(made));
        receiver.await.unwrap_or_else(|_| Err(internal_error()))
    }

    /// Makes a summary for a job, which stores it by itself. Jobs have no place in the queue: theirs is durable.
    pub(crate) async fn draft<F>(&self, reading: Reading, order: F) -> Result<Document, Problem>
    where
        F: Future<Output = Result<Order, Problem>>,
    {
        let _in_progress = Counted::by(&self.metrics.in_progress);
        let write = async {
            let bench = self.bench(reading).await;
            let order = Self::read(order).await?;
            drop(bench);
            self.scribe.write(order).await
        };
        track_performance(&self.metrics.generation, write).await
    }

    async fn bench(&self, reading: Reading) -> Option<Bench> {
        match reading {
            Reading::AtBench => Some(self.benches.take().await),
            Reading::FromDiscord => None,
        }
    }

    async fn read<F>(order: F) -> Result<Order, Problem>
    where
        F: Future<Output = Result<Order, Problem>>,
    {
        headway::report(5, Phase::Reading);
        let order = order.await?;
        headway::report(20, Phase::Summarising);
        Ok(order)
    }

    async fn keep(&self, document: Document) -> Result<(Document, String), Problem> {
        let json = serde_json::to_string(&document).map_err(|error| {
            tracing::error!(%error, "a summary cannot be written as JSON");
            internal_error()
        })?;
        match self.store.insert(&document, json.clone()).await {
            Ok(()) => {}
            // An earlier attempt at the same request has got that far.
            Err(error) if SqlProblem::of(&error) == SqlProblem::Exists => {
                return self.stored(document.id).await;
            }
            Err(error) => return Err(storage_problem(&error)),
        }
        report(&document);
        Ok((document, json))
    }

    async fn stored(&self, id: Uuid) -> Result<(Document, String), Problem> {
        let json = self.store.get(id).await.map_err(|error| storage_problem(&error))?;
        let json = json.ok_or_else(internal_error)?;
        let document = serde_json::from_str(&json).map_err(|error| {
            tracing::error!(%error, summary.id = %id, "a stored summary does not read");
            internal_error()
        })?;
        Ok((document, json))
    }
}

/// Says that a summary is stored.
pub(crate) fn report(document: &Document) {
    let metadata = &document.summary.metadata;
    tracing::info!(
        summary.id = %document.id,
        summary.messages = metadata.messages_counted,
        summary.words = metadata.summary_words,
        summary.duration_ms = metadata.duration_ms,
        "summary made"
    );
}

fn kib(bytes: usize) -> u32 {
    u32::try_from(bytes.div_ceil(1024)).unwrap_or(u32::MAX >> 3).min(u32::MAX >> 3)
}

/// What a client is told when the database does not do its part; the log says why.
pub(crate) fn storage_problem(error: &sqlx::Error) -> Problem {
    tracing::error!(%error, "the database did not do its part");
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "STORAGE_UNAVAILABLE")
        .detail("the database does not answer at the moment; try again")
        .retry_after(RETRY_AFTER)
}
