//! Jobs in the service's own database.

pub(crate) mod once;
pub(crate) mod outbox;
mod portions;
#[cfg(feature = "postgres")]
pub(crate) mod postgres;
mod rows;
mod schema;
#[cfg(feature = "sqlite")]
pub(crate) mod sqlite;
pub(crate) mod within;

use std::sync::Arc;

use groundcrew_runtime::Crew;
use groundcrew_sql::Database;

use crate::{Backend, ConnectError, Jobs, JobsConfig};

pub use once::Effects;
pub(crate) use rows::json;
pub use schema::migrate;
pub use within::Within;

// === impl JobsConfig ===

impl JobsConfig {
    /// Jobs in this database ([`Database`], `Postgres` or `Sqlite`), in tables of their own that are made or
    /// brought up to date first.
    ///
    /// # Errors
    ///
    /// When the tables cannot be prepared, the configuration cannot work, or the service has jobs already.
    pub async fn connect<C>(
        &self,
        crew: &Crew,
        database: &(impl Clone + Into<Database>),
    ) -> Result<Jobs<C>, ConnectError>
    where
        C: Clone + Send + Sync + 'static,
    {
        let database = database.clone().into();
        schema::migrate(&database).await?;
        let kept = database.clone();
        let backend: Arc<dyn Backend> = match database {
            #[cfg(feature = "sqlite")]
            Database::Sqlite(sqlite) => Arc::new(sqlite::SqliteJobs::new(sqlite)),
            #[cfg(feature = "postgres")]
            Database::Postgres(postgres) => Arc::new(postgres::PostgresJobs::start(crew, postgres)),
        };
        let jobs = self.connect_shared(crew, backend)?;
        jobs.publisher().stands_on(kept);
        Ok(jobs)
    }

    /// Jobs in a broker, with this database beside it for the outbox ([`Publisher::enqueue_in`]) and the marks of
    /// effects ([`Attempt::begin_once`]).
    ///
    /// [`Publisher::enqueue_in`]: crate::Publisher::enqueue_in
    /// [`Attempt::begin_once`]: crate::Attempt::begin_once
    ///
    /// # Errors
    ///
    /// As [`connect`](Self::connect).
    pub async fn connect_beside<C>(
        &self,
        crew: &Crew,
        backend: Arc<dyn Backend>,
        database: &(impl Clone + Into<Database>),
    ) -> Result<Jobs<C>, ConnectError>
    where
        C: Clone + Send + Sync + 'static,
    {
        let database = database.clone().into();
        schema::migrate(&database).await?;
        let jobs = self.connect_shared(crew, backend.clone())?;
        jobs.publisher().stands_on(database.clone());
        outbox::start(crew, self, database, jobs.publisher())?;
        Ok(jobs)
    }
}
