use std::ops::{Deref, DerefMut};

use sqlx::{Database, Error, SqlStr};
use sqlx_core::transaction::TransactionManager;

use crate::Session;
use crate::deadline::Budget;

/// An open transaction, from [`Connections::begin`](crate::Connections::begin). It is rolled back when it is
/// dropped without `commit`.
///
/// `&mut *transaction` is a sqlx executor whose operations have a deadline. A transaction in which one was cut
/// cannot be committed any more: whether its effect is part of it nobody knows.
#[derive(Debug)]
pub struct Transaction<DB: Database> {
    session: Session<DB>,
    open: bool,
}

// === impl Transaction ===

impl<DB: Database> Transaction<DB> {
    pub(crate) async fn begin(
        mut session: Session<DB>,
        statement: SqlStr,
        budget: Budget,
    ) -> Result<Self, Error> {
        session.begin(statement, budget).await?;
        Ok(Self { session, open: true })
    }

    /// Commits. Bounded as any operation is; when it is cut, whether it was committed is not known.
    ///
    /// # Errors
    ///
    /// What the database says, [`DeadlineExceeded`](crate::DeadlineExceeded), and a refusal when an operation of
    /// the transaction was cut before.
    pub async fn commit(mut self) -> Result<(), Error> {
        if self.session.is_cut() {
            let words = "an operation of this transaction was cut, or its connection is of no use any more: it is rolled \
                         back, begin another one";
            return Err(Error::Io(std::io::Error::new(std::io::ErrorKind::ConnectionAborted, words)));
        }
        self.session.commit().await?;
        self.open = false;
        Ok(())
    }

    /// Rolls back, which dropping does too, without waiting for the answer.
    ///
    /// # Errors
    ///
    /// As [`commit`](Self::commit); the transaction does not take place in any case.
    pub async fn rollback(mut self) -> Result<(), Error> {
        self.session.rollback().await?;
        self.open = false;
        Ok(())
    }
}

impl<DB: Database> Deref for Transaction<DB> {
    type Target = Session<DB>;

    fn deref(&self) -> &Session<DB> {
        &self.session
    }
}

impl<DB: Database> DerefMut for Transaction<DB> {
    fn deref_mut(&mut self) -> &mut Session<DB> {
        &mut self.session
    }
}

impl<DB: Database> Drop for Transaction<DB> {
    fn drop(&mut self) {
        if self.open {
            // It is sent when the connection goes back; one that is discarded needs none.
            DB::TransactionManager::start_rollback(self.session.raw());
        }
    }
}
