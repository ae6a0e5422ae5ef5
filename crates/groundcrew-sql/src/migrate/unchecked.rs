use std::collections::BTreeSet;
use std::ops::{Deref, DerefMut};

use sqlx::{Error, SqliteConnection};

use crate::{Checkout, Session};

/// SQLite's only writer with its foreign keys off, as migrations need it: a table that is rebuilt is dropped, which
/// deletes its rows first, and with them those that refer to them (`ON DELETE CASCADE`). Inside of a transaction they
/// cannot be turned off any more.
///
/// It is lent again with its foreign keys on, or closed, whatever happens meanwhile.
pub(super) struct Unchecked {
    writer: Checkout<sqlx::Sqlite>,
    is_restored: bool,
}

/// A row that refers to one that is not there: its table, its rowid if it has one, and the table that it refers to.
pub(super) type Orphan = (String, Option<i64>, String);

/// All rows that refer to one that is not there, whether or not foreign keys are on.
pub(super) async fn orphans(connection: &mut SqliteConnection) -> Result<BTreeSet<Orphan>, Error> {
    let rows = sqlx::query_as::<_, Orphan>("PRAGMA foreign_key_check").fetch_all(connection).await?;
    Ok(rows.into_iter().collect())
}

// === impl Unchecked ===

impl Unchecked {
    pub(super) async fn from(writer: Checkout<sqlx::Sqlite>) -> Result<Self, Error> {
        let mut unchecked = Self { writer, is_restored: false };
        unchecked.turn_off().await?;
        Ok(unchecked)
    }

    pub(super) async fn turn_off(&mut self) -> Result<(), Error> {
        sqlx::raw_sql("PRAGMA foreign_keys = OFF").execute(self.raw()).await.map(drop)
    }

    /// Gives the writer back.
    pub(super) async fn restore(mut self) {
        let turned_on = sqlx::raw_sql("PRAGMA foreign_keys = ON").execute(self.raw()).await;
        // It says nothing where it has no effect, as in a transaction that a file has left open.
        let are_on = sqlx::query_scalar::<_, i64>("PRAGMA foreign_keys").fetch_one(self.raw()).await;
        self.is_restored = turned_on.is_ok() && are_on.is_ok_and(|are_on| are_on == 1);
    }
}

impl Deref for Unchecked {
    type Target = Session<sqlx::Sqlite>;

    fn deref(&self) -> &Session<sqlx::Sqlite> {
        &self.writer
    }
}

impl DerefMut for Unchecked {
    fn deref_mut(&mut self) -> &mut Session<sqlx::Sqlite> {
        &mut self.writer
    }
}

impl Drop for Unchecked {
    fn drop(&mut self) {
        if !self.is_restored {
            self.writer.close_on_drop();
        }
    }
}
