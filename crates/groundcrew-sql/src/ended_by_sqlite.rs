//! Transactions that SQLite has ended by itself.
//!
//! It rolls back when the disk is full or an I/O error happens, and where a statement says `OR ROLLBACK`
//! (<https://sqlite.org/lang_transaction.html>). The driver counts transactions by its own statements, and one that
//! fails (`cannot rollback - no transaction is active`) changes nothing about its count: no other transaction could
//! begin on the connection, and SQLite has a single one that writes.

use sqlx::sqlite::SqliteTransactionManager;
use sqlx::{Connection, Error, SqliteConnection};
use sqlx_core::transaction::TransactionManager;

/// Makes a connection that goes back fit for the next transaction, or says that it must be closed.
///
/// It is repaired rather than closed, since a database in memory goes with its connection. In SQLite no transaction
/// is open: one that is begun past the driver and ended by it makes the count right. Where one is open after all, the
/// begin fails, and whoever asks closes the connection.
pub(crate) async fn repair(connection: &mut SqliteConnection) -> Result<bool, Error> {
    if depth(connection) == 0 {
        return Ok(true);
    }
    // A rollback that was sent when the transaction was dropped is done once this is answered.
    connection.ping().await?;
    if depth(connection) == 1 {
        sqlx::raw_sql("BEGIN").execute(&mut *connection).await?;
        SqliteTransactionManager::rollback(connection).await?;
    }
    // More than one are savepoints of somebody's own, whose names only the driver knows.
    Ok(depth(connection) == 0)
}

fn depth(connection: &SqliteConnection) -> usize {
    SqliteTransactionManager::get_transaction_depth(connection)
}
