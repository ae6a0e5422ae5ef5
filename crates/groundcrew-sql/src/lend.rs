//! Connections for a statement that runs on either database. Nothing here has a name outside of the crate: the
//! guarantees are those of our own connections.

use std::ops::{Deref, DerefMut};

use sqlx::Error;

use crate::Session;
use crate::metrics::Queries;

/// Whatever has a connection for a statement.
#[diagnostic::on_unimplemented(
    message = "a statement cannot run on `{Self}`",
    note = "hand it `database.read()`, `database.write()` or `&mut transaction`; in a function that was given `&mut DatabaseTransaction`: `&mut *transaction`"
)]
pub trait Lends<'c>: Send {
    fn lend(self) -> impl Future<Output = Result<Lent<'c>, Error>> + Send;

    /// Where it is noted how long it took.
    fn queries(&self) -> Queries;
}

/// A connection for one statement.
pub enum Lent<'c> {
    #[cfg(feature = "sqlite")]
    Sqlite(Held<'c, sqlx::Sqlite>),
    #[cfg(feature = "postgres")]
    Postgres(Held<'c, sqlx::Postgres>),
}

/// A connection that goes back afterwards, or one that its owner goes on with.
pub enum Held<'c, DB: sqlx::Database> {
    Own(Session<DB>),
    Borrowed(&'c mut Session<DB>),
}

/// A kind of database that is compiled in.
pub trait Kind: sqlx::Database {
    fn lent(held: Held<'_, Self>) -> Lent<'_>;
}

// === impl Kind ===

#[cfg(feature = "sqlite")]
impl Kind for sqlx::Sqlite {
    fn lent(held: Held<'_, Self>) -> Lent<'_> {
        Lent::Sqlite(held)
    }
}

#[cfg(feature = "postgres")]
impl Kind for sqlx::Postgres {
    fn lent(held: Held<'_, Self>) -> Lent<'_> {
        Lent::Postgres(held)
    }
}

// === impl Held ===

impl<DB: sqlx::Database> Deref for Held<'_, DB> {
    type Target = Session<DB>;

    fn deref(&self) -> &Session<DB> {
        match self {
            Self::Own(session) => session,
            Self::Borrowed(session) => session,
        }
    }
}

impl<DB: sqlx::Database> DerefMut for Held<'_, DB> {
    fn deref_mut(&mut self) -> &mut Session<DB> {
        match self {
            Self::Own(session) => session,
            Self::Borrowed(session) => session,
        }
    }
}
