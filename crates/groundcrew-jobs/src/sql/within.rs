use std::future::Future;

use groundcrew_sql::DatabaseTransaction;
use groundcrew_sql::sqlx::{self, Error};

use crate::{BackendError, Enqueue, EnqueueError, Enqueued, Job, JobId, NewJob, Publisher};

/// A transaction of the user's that jobs can be written in: of `Postgres`, `Sqlite` or whichever a `Database` is.
#[diagnostic::on_unimplemented(
    message = "jobs cannot be enqueued in `{Self}`",
    note = "hand it `&mut transaction`, the transaction that `begin()` returned"
)]
pub trait Within: Send {
    /// `Postgres` or `SQLite`.
    fn name(&self) -> &'static str;

    /// Writes jobs to the jobs themselves, in as few round trips as it can; one answer for each, in their order.
    fn write(&mut self, jobs: &[&NewJob]) -> impl Future<Output = Result<Vec<Enqueued>, Error>> + Send;

    /// Writes a job to the outbox, as JSON.
    fn post(&mut self, record: &str) -> impl Future<Output = Result<(), Error>> + Send;
}

// === impl Publisher ===

impl Publisher {
    /// Enqueues a job in a transaction of yours: it exists exactly if the transaction commits. For options use
    /// [`Enqueue::within`].
    ///
    /// ```
    /// # #[cfg(feature = "postgres")]
    /// # mod example {
    /// # use groundcrew_jobs::{Job, Publisher};
    /// # use groundcrew_sql::{Postgres, sqlx};
    /// async fn order<J: Job>(
    ///     postgres: &Postgres,
    ///     publisher: &Publisher,
    ///     job: &J,
    /// ) -> Result<(), Box<dyn std::error::Error>> {
    ///     let mut transaction = postgres.begin().await?;
    ///     sqlx::query("INSERT INTO orders DEFAULT VALUES").execute(&mut *transaction).await?;
    ///     publisher.enqueue_in(&mut transaction, job).await?;
    ///     transaction.commit().await?;
    ///     Ok(())
    /// }
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// What the database says, what the backend cannot keep, and [`EnqueueError::Foreign`] when the jobs are in a
    /// database of another kind.
    pub async fn enqueue_in<J: Job, W: Within>(
        &self,
        transaction: &mut W,
        job: &J,
    ) -> Result<JobId, EnqueueError> {
        self.enqueue(job).within(transaction).await
    }
}

impl Publisher {
    /// Writes jobs in a transaction: to where they are run, or to the outbox.
    pub(crate) async fn write_in<W: Within>(
        &self,
        transaction: &mut W,
        jobs: Vec<NewJob>,
    ) -> Result<Vec<Enqueued>, EnqueueError> {
        let name = transaction.name();
        let failed = |error: Error| BackendError::Unavailable {
            backend: name,
            action: "enqueue jobs in a transaction",
            cause: error.to_string(),
        };
        jobs.iter().try_for_each(|job| self.backend().accepts(&job.envelope))?;
        let done = match self.backend().sql() {
            Some(home) if home == name => {
                transaction.write(&jobs.iter().collect::<Vec<_>>()).await.map_err(failed)?
            }
            Some(home) => return Err(EnqueueError::Foreign { transaction: name, jobs: home }),
            None => {
                for job in &jobs {
                    transaction.post(&super::outbox::record(job)).await.map_err(failed)?;
                }
                jobs.iter().map(|job| Enqueued::New(job.envelope.id)).collect()
            }
        };
        for (job, enqueued) in jobs.iter().zip(&done) {
            self.count(&job.envelope.name, *enqueued);
        }
        match self.backend().sql() {
            Some(_) => self.backend().announce(),
            None => self.posted(),
        }
        Ok(done)
    }
}

// === impl Enqueue ===

impl Enqueue {
    /// Enqueues it in a transaction of yours; see [`Publisher::enqueue_in`].
    ///
    /// # Errors
    ///
    /// As there.
    pub async fn within<W: Within>(self, transaction: &mut W) -> Result<JobId, EnqueueError> {
        let (publisher, job) = self.into_parts()?;
        let id = job.envelope.id;
        let done = publisher.write_in(transaction, vec![job]).await?;
        Ok(done.first().map_or(id, |enqueued| enqueued.id()))
    }
}

#[cfg(feature = "postgres")]
impl Within for groundcrew_sql::Transaction<sqlx::Postgres> {
    fn name(&self) -> &'static str {
        super::postgres::NAME
    }

    async fn write(&mut self, jobs: &[&NewJob]) -> Result<Vec<Enqueued>, Error> {
        super::postgres::insert(self, jobs).await
    }

    async fn post(&mut self, record: &str) -> Result<(), Error> {
        super::outbox::postgres::post(self, record).await
    }
}

#[cfg(feature = "sqlite")]
impl Within for groundcrew_sql::Transaction<sqlx::Sqlite> {
    fn name(&self) -> &'static str {
        super::sqlite::NAME
    }

    async fn write(&mut self, jobs: &[&NewJob]) -> Result<Vec<Enqueued>, Error> {
        super::sqlite::insert(self, jobs).await
    }

    async fn post(&mut self, record: &str) -> Result<(), Error> {
        super::outbox::sqlite::post(self, record).await
    }
}

impl Within for DatabaseTransaction {
    fn name(&self) -> &'static str {
        match self {
            #[cfg(feature = "sqlite")]
            Self::Sqlite(transaction) => transaction.name(),
            #[cfg(feature = "postgres")]
            Self::Postgres(transaction) => transaction.name(),
        }
    }

    async fn write(&mut self, jobs: &[&NewJob]) -> Result<Vec<Enqueued>, Error> {
        match self {
            #[cfg(feature = "sqlite")]
            Self::Sqlite(transaction) => transaction.write(jobs).await,
            #[cfg(feature = "postgres")]
            Self::Postgres(transaction) => transaction.write(jobs).await,
        }
    }

    async fn post(&mut self, record: &str) -> Result<(), Error> {
        match self {
            #[cfg(feature = "sqlite")]
            Self::Sqlite(transaction) => transaction.post(record).await,
            #[cfg(feature = "postgres")]
            Self::Postgres(transaction) => transaction.post(record).await,
        }
    }
}
