use std::future::Future;

use groundcrew_sql::sqlx::{self, Error};
use groundcrew_sql::{Database, DatabaseTransaction, Transaction};

use crate::{Attempt, JobId};

/// The part of a job's effect that is meant when nothing is said.
const WHOLE: &str = "";

/// A database that can mark, in a transaction, that a job has had its effect: `Postgres`, `Sqlite` and `Database`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot mark effects",
    note = "hand `begin_once` the `Database`, `Postgres` or `Sqlite` handle that the effect is written to"
)]
pub trait Effects: Sync {
    /// Its transactions.
    type Transaction: Send;

    /// Begins a transaction.
    fn begin(&self) -> impl Future<Output = Result<Self::Transaction, Error>> + Send;

    /// Marks the effect within a transaction; `false` if it is marked already.
    fn mark(
        transaction: &mut Self::Transaction,
        job: JobId,
        part: &str,
    ) -> impl Future<Output = Result<bool, Error>> + Send;

    /// Gives a transaction up.
    fn rollback(transaction: Self::Transaction) -> impl Future<Output = Result<(), Error>> + Send;
}

/// Exactly one effect.
impl Attempt {
    /// Begins a transaction for the effect of this job, or returns `None` if an earlier delivery has committed
    /// one. The mark is part of the transaction: both happen, or neither.
    ///
    /// ```
    /// # #[cfg(feature = "postgres")]
    /// # mod example {
    /// # use groundcrew_jobs::{Attempt, JobError};
    /// # use groundcrew_sql::{Postgres, sqlx};
    /// async fn run(postgres: Postgres, attempt: Attempt) -> Result<(), JobError> {
    ///     let Some(mut transaction) = attempt.begin_once(&postgres).await? else { return Ok(()) };
    ///     sqlx::query("UPDATE accounts SET balance = balance + 1").execute(&mut *transaction).await?;
    ///     transaction.commit().await?;
    ///     Ok(())
    /// }
    /// # }
    /// ```
    ///
    /// The tables must be there: they are in the database that jobs were connected with, and in others after
    /// [`migrate`](crate::migrate).
    ///
    /// # Errors
    ///
    /// What the database says; by `?` a failed attempt.
    pub async fn begin_once<E: Effects>(&self, database: &E) -> Result<Option<E::Transaction>, Error> {
        self.begin_once_for(WHOLE, database).await
    }

    /// As [`begin_once`](Self::begin_once), for a job with several effects, by a name for each.
    pub async fn begin_once_for<E: Effects>(
        &self,
        part: &str,
        database: &E,
    ) -> Result<Option<E::Transaction>, Error> {
        let mut transaction = database.begin().await?;
        if E::mark(&mut transaction, self.id(), part).await? {
            return Ok(Some(transaction));
        }
        E::rollback(transaction).await?;
        Ok(None)
    }
}

#[cfg(feature = "postgres")]
impl Effects for groundcrew_sql::Postgres {
    type Transaction = Transaction<sqlx::Postgres>;

    async fn begin(&self) -> Result<Transaction<sqlx::Postgres>, Error> {
        groundcrew_sql::Postgres::begin(self).await
    }

    async fn mark(transaction: &mut Self::Transaction, job: JobId, part: &str) -> Result<bool, Error> {
        const MARK: &str = concat!(
            "INSERT INTO groundcrew_jobs_effects (job_id, part, at) VALUES ($1::uuid, $2, ",
            super::postgres::now!(),
            ") ON CONFLICT DO NOTHING"
        );
        let mark = sqlx::query(MARK).bind(job.to_string()).bind(part);
        Ok(mark.execute(&mut **transaction).await?.rows_affected() == 1)
    }

    async fn rollback(transaction: Self::Transaction) -> Result<(), Error> {
        transaction.rollback().await
    }
}

#[cfg(feature = "sqlite")]
impl Effects for groundcrew_sql::Sqlite {
    type Transaction = Transaction<sqlx::Sqlite>;

    async fn begin(&self) -> Result<Transaction<sqlx::Sqlite>, Error> {
        groundcrew_sql::Sqlite::begin(self).await
    }

    async fn mark(transaction: &mut Self::Transaction, job: JobId, part: &str) -> Result<bool, Error> {
        const MARK: &str = "INSERT INTO groundcrew_jobs_effects (job_id, part, at) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING";
        let mark = sqlx::query(MARK).bind(job.to_string()).bind(part).bind(super::sqlite::now());
        Ok(mark.execute(&mut **transaction).await?.rows_affected() == 1)
    }

    async fn rollback(transaction: Self::Transaction) -> Result<(), Error> {
        transaction.rollback().await
    }
}

impl Effects for Database {
    type Transaction = DatabaseTransaction;

    async fn begin(&self) -> Result<DatabaseTransaction, Error> {
        Database::begin(self).await
    }

    async fn mark(transaction: &mut DatabaseTransaction, job: JobId, part: &str) -> Result<bool, Error> {
        match transaction {
            #[cfg(feature = "sqlite")]
            DatabaseTransaction::Sqlite(transaction) => {
                groundcrew_sql::Sqlite::mark(transaction, job, part).await
            }
            #[cfg(feature = "postgres")]
            DatabaseTransaction::Postgres(transaction) => {
                groundcrew_sql::Postgres::mark(transaction, job, part).await
            }
        }
    }

    async fn rollback(transaction: DatabaseTransaction) -> Result<(), Error> {
        transaction.rollback().await
    }
}
