//! Applying migrations: one process at a time, nothing half-done, and an older replica may start beside a
//! database that a newer one has migrated.
//!
//! `Migrator::run_direct` and `table_name` are hidden in sqlx's documentation; `run` makes a future that
//! cannot be spawned, and there is no other way to ask for the table.

use std::time::Duration;

use sqlx::migrate::{AppliedMigration, Migrate, MigrateError, Migration, Migrator};

use crate::{MigrationState, MigrationStatus, MigrationsError};

/// How often a lock that somebody else holds is asked for again.
const POLL: Duration = Duration::from_millis(100);

fn state(migration: &Migration) -> MigrationState {
    MigrationState { version: migration.version, description: migration.description.to_string() }
}

/// Migrations that go up, in order.
fn ups(migrator: &Migrator) -> impl Iterator<Item = &Migration> {
    migrator.iter().filter(|migration| !migration.migration_type.is_down_migration())
}

/// What the database has, or nothing where it has no table yet.
async fn applied<C: Migrate>(
    connection: &mut C,
    migrator: &Migrator,
) -> Result<Vec<AppliedMigration>, MigrationsError> {
    match connection.list_applied_migrations(&migrator.table_name).await {
        Ok(applied) => Ok(applied),
        Err(MigrateError::Execute(error)) if has_no_table(&error) => Ok(Vec::new()),
        Err(error) => Err(MigrationsError::Database { cause: error.to_string() }),
    }
}

fn has_no_table(error: &sqlx::Error) -> bool {
    error.as_database_error().is_some_and(|error| {
        // 42P01 and 3F000 are Postgres' codes for a missing table and schema; SQLite has only words.
        matches!(error.code().as_deref(), Some("42P01" | "3F000"))
            || error.message().contains("no such table")
    })
}

/// Compares what the database has with what the service knows.
fn compare(applied: &[AppliedMigration], migrator: &Migrator) -> Result<MigrationStatus, MigrationsError> {
    let mut status = MigrationStatus::default();
    for migration in ups(migrator) {
        match applied.iter().find(|applied| applied.version == migration.version) {
            None => status.pending.push(state(migration)),
            Some(applied) if applied.checksum == migration.checksum => status.applied.push(state(migration)),
            Some(_) => {
                let MigrationState { version, description } = state(migration);
                return Err(MigrationsError::Changed { version, description });
            }
        }
    }
    let newest = ups(migrator).map(|migration| migration.version).max().unwrap_or(i64::MIN);
    for version in applied.iter().map(|applied| applied.version) {
        if ups(migrator).any(|migration| migration.version == version) {
            continue;
        }
        // A newer version of the service has been here: this one is about to be replaced, and may serve.
        if version < newest || !status.pending.is_empty() {
            return Err(MigrationsError::Unknown { version });
        }
        status.newer.push(MigrationState { version, description: String::new() });
    }
    Ok(status)
}

fn failed(error: MigrateError, migrator: &Migrator, left: &'static str) -> MigrationsError {
    match error {
        MigrateError::ExecuteMigration(cause, version) => {
            let description = ups(migrator).find(|migration| migration.version == version);
            let description = description.map_or_else(String::new, |found| found.description.to_string());
            MigrationsError::Failed { version, description, cause: cause.to_string(), left }
        }
        error => MigrationsError::Database { cause: error.to_string() },
    }
}

fn report(before: &MigrationStatus, after: &MigrationStatus, took: Duration) {
    let names: Vec<String> =
        before.pending.iter().map(|state| format!("{} {}", state.version, state.description)).collect();
    tracing::info!(
        migrations.applied = names.join(", "),
        migrations.total = after.applied.len(),
        took = ?took,
        "migrations applied"
    );
}

#[cfg(feature = "sqlite")]
pub(crate) mod sqlite {
    use std::time::Instant;

    use sqlx::Transaction;
    use sqlx::migrate::Migrator;

    use super::{POLL, applied, compare, failed, report, ups};
    use crate::{MigrationStatus, MigrationsError, Sqlite};

    pub(crate) async fn status(
        sqlite: &Sqlite,
        migrator: &Migrator,
    ) -> Result<MigrationStatus, MigrationsError> {
        compare(&applied(&mut *sqlite.write().acquire().await?, migrator).await?, migrator)
    }

    pub(crate) async fn apply(
        sqlite: &Sqlite,
        migrator: &Migrator,
    ) -> Result<MigrationStatus, MigrationsError> {
        let started = Instant::now();
        let mut connection = sqlite.write().acquire().await?;
        let before = compare(&applied(&mut *connection, migrator).await?, migrator)?;
        if before.pending.is_empty() {
            return Ok(before);
        }
        let is_pending = |version| before.pending.iter().any(|state| state.version == version);
        if ups(migrator).any(|migration| migration.no_tx && is_pending(migration.version)) {
            // One that must not run in a transaction rules out ours around all of them.
            let left =
                "those before it are applied, and it may be half done, since it asked for no transaction";
            migrator
                .run_direct(None, &mut *connection, false)
                .await
                .map_err(|error| failed(error, migrator, left))?;
            drop(connection);
        } else {
            drop(connection);
            let mut all = lock(sqlite).await?;
            // Whoever held the lock may have migrated.
            compare(&applied(&mut *all, migrator).await?, migrator)?;
            let left = "none of the pending migrations is applied, all were rolled back";
            migrator
                .run_direct(None, &mut *all, false)
                .await
                .map_err(|error| failed(error, migrator, left))?;
            all.commit().await?;
        }
        let after = status(sqlite, migrator).await?;
        report(&before, &after, started.elapsed());
        Ok(after)
    }

    /// The write lock, as a transaction around all migrations.
    async fn lock(sqlite: &Sqlite) -> Result<Transaction<'static, sqlx::Sqlite>, MigrationsError> {
        let (started, patience) = (Instant::now(), sqlite.plan().patience);
        loop {
            match sqlite.begin().await {
                Ok(transaction) => return Ok(transaction),
                Err(error) if is_busy(&error) && started.elapsed() < patience => {
                    tokio::time::sleep(POLL).await;
                }
                Err(error) if is_busy(&error) => return Err(MigrationsError::Locked { within: patience }),
                Err(error) => return Err(error.into()),
            }
        }
    }

    fn is_busy(error: &sqlx::Error) -> bool {
        let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
        // The low byte of an extended code is the plain one: 5 is SQLITE_BUSY.
        code.and_then(|code| code.parse::<u32>().ok()).is_some_and(|code| code & 0xff == 5)
    }
}

#[cfg(feature = "postgres")]
pub(crate) mod postgres {
    use std::time::{Duration, Instant};

    use sqlx::migrate::Migrator;
    use sqlx::{ConnectOptions, Connection, PgConnection};

    use super::{POLL, applied, compare, failed, report};
    use crate::{MigrationStatus, MigrationsError, Postgres};

    /// Of the advisory lock, which belongs to the database and not to the server: `groundcr` in ASCII.
    const LOCK: i64 = i64::from_be_bytes(*b"groundcr");

    pub(crate) async fn status(
        postgres: &Postgres,
        migrator: &Migrator,
    ) -> Result<MigrationStatus, MigrationsError> {
        compare(&applied(&mut *postgres.connections().acquire().await?, migrator).await?, migrator)
    }

    pub(crate) async fn apply(
        postgres: &Postgres,
        migrator: &Migrator,
    ) -> Result<MigrationStatus, MigrationsError> {
        let started = Instant::now();
        let before = status(postgres, migrator).await?;
        if before.pending.is_empty() {
            return Ok(before);
        }
        // A connection of its own: no limit for a statement, and the lock goes when it is dropped.
        let mut connection = postgres.migrating().connect().await?;
        lock(&mut connection, postgres.plan().patience).await?;
        let before = compare(&applied(&mut connection, migrator).await?, migrator)?;
        if before.pending.is_empty() {
            connection.close().await?;
            return Ok(before);
        }
        let left = "those before it are applied, and it was rolled back unless it asked for no transaction";
        migrator
            .run_direct(None, &mut connection, false)
            .await
            .map_err(|error| failed(error, migrator, left))?;
        warn_of_invalid_indexes(&mut connection).await?;
        let after = compare(&applied(&mut connection, migrator).await?, migrator)?;
        connection.close().await?;
        report(&before, &after, started.elapsed());
        Ok(after)
    }

    /// Asks again and again instead of waiting inside of Postgres: a waiting statement has a snapshot, and
    /// `CREATE INDEX CONCURRENTLY` in the process that holds the lock would wait for that snapshot.
    async fn lock(connection: &mut PgConnection, patience: Duration) -> Result<(), MigrationsError> {
        let started = Instant::now();
        loop {
            let query = sqlx::query_scalar("SELECT pg_try_advisory_lock($1)").bind(LOCK);
            if query.fetch_one(&mut *connection).await? {
                return Ok(());
            }
            if started.elapsed() >= patience {
                return Err(MigrationsError::Locked { within: patience });
            }
            tokio::time::sleep(POLL).await;
        }
    }

    /// What a `CREATE INDEX CONCURRENTLY` that failed leaves behind: kept up to date, and used by no query.
    async fn warn_of_invalid_indexes(connection: &mut PgConnection) -> Result<(), MigrationsError> {
        let query = "SELECT indexrelid::regclass::text FROM pg_index WHERE NOT indisvalid";
        let invalid: Vec<String> = sqlx::query_scalar(query).fetch_all(connection).await?;
        if !invalid.is_empty() {
            let indexes = invalid.join(", ");
            tracing::warn!(database.indexes = indexes, "invalid indexes: drop them and create them again");
        }
        Ok(())
    }
}
