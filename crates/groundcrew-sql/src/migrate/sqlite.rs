use std::collections::BTreeSet;
use std::time::Instant;

use sqlx::migrate::{Migration, Migrator};
use sqlx::{SqlSafeStr, SqliteConnection};

use super::patience::Patience;
use super::turn::Turn;
use super::unchecked::{Unchecked, orphans};
use super::{Tell, applied, apply_one, compare, failed, keeps_the_contract, pending, prepare, report};
use crate::deadline::Awaited;
use crate::sqlite::is_busy;
use crate::{MigrationStatus, Migrations, MigrationsError, Sqlite};

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
    let mut writer = Unchecked::from(connection).await?;
    let done = if pending(migrator, &before).any(|migration| migration.no_tx) {
        // One that must not run in a transaction rules out ours around all of them.
        one_by_one(&mut writer, sqlite, migrator, &before, tell).await
    } else {
        together(&mut writer, sqlite, migrator, tell).await
    };
    writer.restore().await;
    done?;
    let after = status(sqlite, migrator).await?;
    report(&before, &after, started.elapsed());
    Ok(after)
}

async fn together(
    writer: &mut Unchecked,
    sqlite: &Sqlite,
    migrator: &Migrator,
    tell: Tell<'_>,
) -> Result<(), MigrationsError> {
    lock(writer, sqlite, tell).await?;
    let done = async {
        // Whoever held the lock may have migrated.
        let before = compare(&applied(writer.raw(), migrator).await?, migrator)?;
        prepare(writer.raw(), migrator).await?;
        let all: Vec<&Migration> = pending(migrator, &before).collect();
        let left = "none of the pending migrations is applied, all were rolled back";
        apply_checked(writer.raw(), migrator, &all, left, tell).await
    };
    let done = done.await;
    end(writer, done).await
}

async fn one_by_one(
    writer: &mut Unchecked,
    sqlite: &Sqlite,
    migrator: &Migrator,
    before: &MigrationStatus,
    tell: Tell<'_>,
) -> Result<(), MigrationsError> {
    let _turn = Turn::take(writer.raw(), Patience::new(sqlite.plan().patience), tell).await?;
    lock(writer, sqlite, tell).await?;
    let prepared = prepare(writer.raw(), migrator).await;
    end(writer, prepared).await?;
    for migration in pending(migrator, before) {
        // A file may have turned them on again, as SQLite's own instructions end.
        writer.turn_off().await?;
        if migration.no_tx {
            let left =
                "those before it are applied, and it may be half done, since it asked for no transaction";
            apply_missing(writer.raw(), migrator, migration, left, tell).await?;
        } else {
            let left = "those before it are applied, and it was rolled back";
            lock(writer, sqlite, tell).await?;
            let done = apply_missing(writer.raw(), migrator, migration, left, tell).await;
            end(writer, done).await?;
        }
    }
    Ok(())
}

/// Applies a migration, unless another process has done so meanwhile: whoever had the turn before, or one of an older
/// version, which knows of none that needs turns.
async fn apply_missing(
    connection: &mut SqliteConnection,
    migrator: &Migrator,
    migration: &Migration,
    left: &'static str,
    tell: Tell<'_>,
) -> Result<(), MigrationsError> {
    let now = compare(&applied(connection, migrator).await?, migrator)?;
    if pending(migrator, &now).any(|missing| missing.version == migration.version) {
        apply_checked(connection, migrator, &[migration], left, tell).await?;
    }
    Ok(())
}

/// Applies migrations, and finds rows that refer to none any more. Those from before are not theirs, and where they
/// cannot be asked for, as beside a reference that fits to no key, a migration may be what mends that.
async fn apply_checked(
    connection: &mut SqliteConnection,
    migrator: &Migrator,
    migrations: &[&Migration],
    left: &'static str,
    tell: Tell<'_>,
) -> Result<(), MigrationsError> {
    let known = orphans(connection).await.unwrap_or_default();
    for migration in migrations {
        apply_one(connection, migrator, migration, tell)
            .await
            .map_err(|cause| failed(migration, cause, left))?;
    }
    match orphans(connection).await?.into_iter().find(|orphan| !known.contains(orphan)) {
        Some((table, row, parent)) => Err(MigrationsError::Orphan { table, row, parent, left }),
        None => Ok(()),
    }
}

/// The write lock, as a transaction.
async fn lock(writer: &mut Unchecked, sqlite: &Sqlite, tell: Tell<'_>) -> Result<(), MigrationsError> {
    let mut patience = Patience::new(sqlite.plan().patience);
    loop {
        let (begin, budget) = (sqlite.write().shared.begin, writer.budget(Awaited::Begin));
        match writer.begin(begin.into_sql_str(), budget).await {
            Err(error) if is_busy(&error) => patience.wait(tell).await?,
            ended => return Ok(ended?),
        }
    }
}

/// Commits what was done, or takes it back.
async fn end(writer: &mut Unchecked, done: Result<(), MigrationsError>) -> Result<(), MigrationsError> {
    let ended = if done.is_ok() { writer.commit().await } else { writer.rollback().await };
    done.and(ended.map_err(MigrationsError::from))
}

/// The unique indexes, by name.
async fn unique_indexes(connection: &mut SqliteConnection) -> Result<BTreeSet<String>, MigrationsError> {
    let query = "SELECT indexes.name FROM sqlite_schema AS tables \
                 JOIN pragma_index_list(tables.name) AS indexes ON indexes.\"unique\" WHERE tables.type = 'table'";
    Ok(sqlx::query_scalar::<_, String>(query).fetch_all(connection).await?.into_iter().collect())
}
