use std::collections::BTreeSet;
use std::time::Instant;

use sqlx::SqliteConnection;
use sqlx::migrate::Migrator;

use super::{POLL, Tell, applied, apply_one, compare, failed, keeps_the_contract, pending, prepare, report};
use crate::sqlite::is_busy;
use crate::{MigrationProgress, MigrationStatus, Migrations, MigrationsError, Sqlite, Transaction};

pub(crate) async fn status(sqlite: &Sqlite, migrator: &Migrator) -> Result<MigrationStatus, MigrationsError> {
    compare(&applied(sqlite.write().acquire().await?.raw(), migrator).await?, migrator)
}

pub(crate) async fn apply(
    sqlite: &Sqlite,
    migrations: Migrations,
    tell: Tell<'_>,
) -> Result<MigrationStatus, MigrationsError> {
    let (migrator, started) = (migrations.for_sqlite()?, Instant::now());
    let mut connection = sqlite.write().acquire().await?;
    let before = compare(&applied(connection.raw(), migrator).await?, migrator)?;
    if before.pending.is_empty() {
        return Ok(before);
    }
    let unique = unique_indexes(connection.raw()).await?;
    keeps_the_contract(migrator, &before, migrations, sqlite.plan(), unique)?;
    if pending(migrator, &before).any(|migration| migration.no_tx) {
        // One that must not run in a transaction rules out ours around all of them.
        let left = "those before it are applied, and it may be half done, since it asked for no transaction";
        prepare(connection.raw(), migrator).await?;
        for migration in pending(migrator, &before) {
            apply_one(connection.raw(), migrator, migration, tell)
                .await
                .map_err(|cause| failed(migration, cause, left))?;
        }
        drop(connection);
    } else {
        drop(connection);
        let mut all = lock(sqlite, tell).await?;
        // Whoever held the lock may have migrated.
        let before = compare(&applied(all.raw(), migrator).await?, migrator)?;
        prepare(all.raw(), migrator).await?;
        let left = "none of the pending migrations is applied, all were rolled back";
        for migration in pending(migrator, &before) {
            apply_one(all.raw(), migrator, migration, tell)
                .await
                .map_err(|cause| failed(migration, cause, left))?;
        }
        all.commit().await?;
    }
    let after = status(sqlite, migrator).await?;
    report(&before, &after, started.elapsed());
    Ok(after)
}

/// The write lock, as a transaction around all migrations.
async fn lock(sqlite: &Sqlite, tell: Tell<'_>) -> Result<Transaction<sqlx::Sqlite>, MigrationsError> {
    let (started, patience, mut told) = (Instant::now(), sqlite.plan().patience, false);
    loop {
        match sqlite.begin().await {
            Ok(transaction) => return Ok(transaction),
            Err(error) if is_busy(&error) && started.elapsed() < patience => {
                if !std::mem::replace(&mut told, true) {
                    tell(MigrationProgress::Waiting(patience));
                }
                tokio::time::sleep(POLL).await;
            }
            Err(error) if is_busy(&error) => return Err(MigrationsError::Locked { within: patience }),
            Err(error) => return Err(error.into()),
        }
    }
}

/// The unique indexes, by name.
async fn unique_indexes(connection: &mut SqliteConnection) -> Result<BTreeSet<String>, MigrationsError> {
    let query = "SELECT indexes.name FROM sqlite_schema AS tables \
                 JOIN pragma_index_list(tables.name) AS indexes ON indexes.\"unique\" WHERE tables.type = 'table'";
    Ok(sqlx::query_scalar::<_, String>(query).fetch_all(connection).await?.into_iter().collect())
}
