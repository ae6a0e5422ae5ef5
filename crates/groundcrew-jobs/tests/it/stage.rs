//! What the tests play on: a backend, a crew, and jobs that do what the test says.

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::future::BoxFuture;
use groundcrew_jobs::{
    Attempt, Backend, DeadJob, DeadQuery, Envelope, Job, JobError, JobId, Jobs, JobsConfig, Policy,
    Publisher, QueueStat, State,
};
use groundcrew_runtime::{Backoff, Crew, Reason, Receipt, Signals, supervise};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

/// A backend without jobs, and what must live as long as it.
pub(crate) struct Stage {
    pub(crate) backend: Arc<dyn Backend>,
    pub(crate) crew: Crew,
    /// For how long what is there may be on its way: a broker delivers when it likes.
    pub(crate) patience: Duration,
    _keep: Box<dyn std::any::Any + Send>,
}

/// What a job does.
type Act = Arc<dyn Fn(String, Attempt) -> BoxFuture<'static, Result<(), JobError>> + Send + Sync>;

/// The context of all jobs here.
#[derive(Clone)]
pub(crate) struct App {
    act: Act,
    /// What the jobs wrote down.
    pub(crate) log: Arc<Mutex<Vec<String>>>,
}

/// Defines a job of a name and a policy that does what the context says.
macro_rules! job {
    ($kind:ident, $name:literal, $version:literal, $policy:expr) => {
        #[derive(Debug, Clone, Serialize, Deserialize)]
        pub(crate) struct $kind(pub(crate) String);

        impl Job for $kind {
            const NAME: &'static str = $name;
            const VERSION: u32 = $version;
            type Context = App;

            fn policy() -> Policy {
                $policy
            }

            async fn run(self, app: App, attempt: Attempt) -> Result<(), JobError> {
                (app.act)(self.0, attempt).await
            }
        }
    };
}

fn soon() -> Policy {
    let brief = Backoff::new(Duration::from_millis(10), Duration::from_millis(20));
    Policy::default().max_attempts(3).backoff(brief)
}

job!(Plain, "plain", 1, soon());
job!(PlainNext, "plain", 2, soon());
job!(Other, "other", 1, soon());
job!(Brief, "brief", 1, soon().timeout(Duration::from_millis(50)));
job!(Endless, "endless", 1, soon().timeout(Duration::MAX));
job!(Alone, "alone", 1, soon().global_concurrency(1));
job!(Pair, "pair", 1, soon().concurrency(2));
job!(Rated, "rated", 1, soon().rate(2, Duration::from_secs(10)));
job!(Shared, "shared", 1, soon().global_rate(3, Duration::from_secs(3600)));
job!(Each, "each", 1, soon().rate(3, Duration::from_secs(3600)));
job!(Usual, "usual", 1, Policy::default());

// === impl Stage ===

impl Stage {
    pub(crate) fn new(backend: impl Backend, crew: Crew, keep: impl Send + 'static) -> Self {
        Self::shared(Arc::new(backend), crew, keep)
    }

    pub(crate) fn shared(backend: Arc<dyn Backend>, crew: Crew, keep: impl Send + 'static) -> Self {
        Self { backend, crew, patience: Duration::ZERO, _keep: Box::new(keep) }
    }

    /// One whose backend delivers when it likes.
    #[cfg(feature = "amqp")]
    pub(crate) fn patient(self) -> Self {
        Self { patience: Duration::from_secs(1), ..self }
    }

    /// Jobs on this backend, in the stage's own crew.
    pub(crate) fn jobs(&self) -> Jobs<App> {
        self.jobs_in(&self.crew, &config())
    }

    /// Jobs of another process.
    pub(crate) fn jobs_in(&self, crew: &Crew, config: &JobsConfig) -> Jobs<App> {
        config.connect_shared(crew, self.backend.clone()).expect("jobs")
    }

    /// Only to enqueue, as a process would that runs no jobs.
    pub(crate) fn publisher(&self) -> Publisher {
        self.jobs_in(&crew(), &config()).publisher()
    }

    pub(crate) async fn count(&self, state: State) -> u64 {
        self.sum(|stat| stat.state == state).await
    }

    /// Counted at once: a job that goes from one state to the next must not be missed.
    pub(crate) async fn live(&self) -> u64 {
        self.sum(|stat| stat.state != State::Dead).await
    }

    async fn sum(&self, counts: impl Fn(&QueueStat) -> bool) -> u64 {
        let all = self.backend.stats().await.expect("stats");
        all.iter().filter(|stat| counts(stat)).map(|stat| stat.count).sum()
    }

    pub(crate) async fn dead(&self) -> Vec<DeadJob> {
        self.backend.dead(DeadQuery { payload: true, ..DeadQuery::default() }).await.expect("dead jobs")
    }

    /// Waits until every job is over or dead.
    pub(crate) async fn idle(&self) {
        until("all jobs are over", || async {
            let idle = self.live().await == 0;
            if idle && !self.patience.is_zero() {
                // What is on its way from the broker is counted nowhere.
                tokio::time::sleep(self.patience / 10).await;
                return self.live().await == 0;
            }
            idle
        })
        .await;
    }
}

/// Settings that make no test wait longer than it must.
pub(crate) fn config() -> JobsConfig {
    JobsConfig {
        poll_period: Duration::from_millis(20),
        lease: Duration::from_secs(5),
        ..JobsConfig::default()
    }
}

pub(crate) fn crew() -> Crew {
    Crew::builder("parcels", "1.0.0").build()
}

/// Shuts a crew down, and gives the receipt.
pub(crate) async fn land(crew: &Crew) -> Receipt {
    crew.request_shutdown(Reason::Requested("the test is over".to_owned()));
    let signals = Signals::install().expect("signals");
    let landed = supervise(crew, signals, async { Ok::<(), std::io::Error>(()) }).await;
    landed.receipt.expect("a receipt")
}

// === impl App ===

impl App {
    /// Jobs that do this.
    pub(crate) fn new<F, Fut>(act: F) -> Self
    where
        F: Fn(String, Attempt) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), JobError>> + Send + 'static,
    {
        Self { act: Arc::new(move |tag, attempt| Box::pin(act(tag, attempt))), log: Arc::default() }
    }

    /// Jobs that write down their tags (and then do this).
    pub(crate) fn logging<F, Fut>(act: F) -> Self
    where
        F: Fn(String, Attempt) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), JobError>> + Send + 'static,
    {
        let log: Arc<Mutex<Vec<String>>> = Arc::default();
        let written = log.clone();
        let app = Self::new(move |tag, attempt| {
            written.lock().push(tag.clone());
            act(tag, attempt)
        });
        Self { log, ..app }
    }

    /// Jobs that only write down their tags.
    pub(crate) fn noting() -> Self {
        Self::logging(|_, _| async { Ok(()) })
    }

    /// Jobs that take so long, and how many of them were under way together at most.
    pub(crate) fn crowd(time: Duration) -> (Self, impl Fn() -> usize) {
        let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let seen = most.clone();
        let app = Self::logging(move |_, _| {
            let (now, most) = (now.clone(), most.clone());
            async move {
                most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                tokio::time::sleep(time).await;
                now.fetch_sub(1, Ordering::SeqCst);
                Ok(())
            }
        });
        (app, move || seen.load(Ordering::SeqCst))
    }

    pub(crate) fn runs(&self) -> usize {
        self.log.lock().len()
    }
}

impl fmt::Debug for App {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("App")
    }
}

/// Waits until something holds; fails loudly when it does not come.
pub(crate) async fn until<F: Future<Output = bool>>(what: &str, mut holds: impl FnMut() -> F) {
    let waited = tokio::time::timeout(Duration::from_secs(30), async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    });
    waited.await.unwrap_or_else(|_| panic!("waited 30 s until {what}"));
}

/// A job as a backend takes it.
pub(crate) fn envelope(name: &str) -> Envelope {
    Envelope {
        id: JobId::random(),
        name: name.to_owned(),
        version: 1,
        payload: "\"x\"".to_owned(),
        priority: groundcrew_jobs::Priority::Normal,
        key: None,
        unique: None,
        enqueued_at: jiff::Timestamp::now(),
        attempts: 0,
        max_attempts: 3,
        crashes: 0,
        history: Vec::new(),
        trace: None,
        checkpoint: None,
    }
}
