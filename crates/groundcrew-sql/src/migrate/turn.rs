use std::fs::{File, TryLockError};
use std::io;

use sqlx::SqliteConnection;

use super::Tell;
use super::patience::Patience;
use crate::MigrationsError;

/// The turn of one process to migrate a SQLite file step by step: a migration that must not run in a transaction cannot
/// be kept apart from itself by the write lock.
///
/// It is a lock on a file beside the database, which the system takes back however the process ends. That file stays:
/// somebody may be waiting for it. The database itself must not be opened for this: closing it again would end SQLite's
/// own locks (<https://sqlite.org/howtocorrupt.html>, 2.2).
pub(super) struct Turn {
    _lock: Option<File>,
}

// === impl Turn ===

impl Turn {
    pub(super) async fn take(
        connection: &mut SqliteConnection,
        mut patience: Patience,
        tell: Tell<'_>,
    ) -> Result<Self, MigrationsError> {
        // A database in memory has no file, and no second process.
        let Some(database) = file(connection).await? else { return Ok(Self { _lock: None }) };
        let path = format!("{database}.migrate");
        let cannot = |cause: io::Error| MigrationsError::Database { cause: format!("{path}: {cause}") };
        let lock = File::options().write(true).create(true).truncate(false).open(&path).map_err(cannot)?;
        loop {
            match lock.try_lock() {
                Ok(()) => return Ok(Self { _lock: Some(lock) }),
                Err(TryLockError::Error(cause)) => return Err(cannot(cause)),
                Err(TryLockError::WouldBlock) => {}
            }
            patience.wait(tell).await?;
        }
    }
}

/// The database's file as SQLite has found it, so that processes which name it differently meet.
async fn file(connection: &mut SqliteConnection) -> Result<Option<String>, sqlx::Error> {
    let query = "SELECT file FROM pragma_database_list WHERE name = 'main'";
    let file = sqlx::query_scalar::<_, Option<String>>(query).fetch_one(connection).await?;
    Ok(file.filter(|file| !file.is_empty()))
}
