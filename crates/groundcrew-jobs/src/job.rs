use std::future::Future;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::{Attempt, JobError, Policy};

/// Work that is done later, perhaps by another process, perhaps more than once.
///
/// The value itself is the payload: it is stored as JSON, so it holds ids rather than things, and no secrets.
///
/// ```
/// use groundcrew_jobs::{Attempt, Job, JobError, Policy};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Clone)]
/// struct App; // what jobs need: pools, clients
///
/// #[derive(Serialize, Deserialize)]
/// struct Summarize { channel: u64 }
///
/// impl Job for Summarize {
///     const NAME: &'static str = "summarize";
///     type Context = App;
///
///     fn policy() -> Policy {
///         Policy::default().max_attempts(5)
///     }
///
///     async fn run(self, _app: App, attempt: Attempt) -> Result<(), JobError> {
///         attempt.progress(50, "half way");
///         Ok(())
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a job",
    label = "not a job",
    note = "implement `groundcrew_jobs::Job` for it: a NAME, a Context and `async fn run(self, context, attempt)`"
)]
pub trait Job: Serialize + DeserializeOwned + Send + 'static {
    /// What it is called in the queue. It outlives the type's name in Rust: jobs that wait carry it.
    const NAME: &'static str;

    /// The version of the payload. Raise it when workers of the last version could not read a new payload: they
    /// leave such jobs to workers that can. This version must read all earlier ones.
    const VERSION: u32 = 1;

    /// What every job of this service is handed when it runs.
    type Context: Clone + Send + Sync + 'static;

    /// How often it is tried, how long it may take, and how many run at once.
    fn policy() -> Policy {
        Policy::default()
    }

    /// Does the work. What the error decides is told at [`JobError`].
    fn run(
        self,
        context: Self::Context,
        attempt: Attempt,
    ) -> impl Future<Output = Result<(), JobError>> + Send;
}
