//! Applying migrations: one process at a time, nothing half-done, and an older replica may start beside a
//! database that a newer one has migrated.
//!
//! `Migrator::table_name` is hidden in sqlx's documentation; there is no other way to ask for the table. Its
//! `run` tells nothing while it works, and waits for its lock inside of Postgres.

#[cfg(feature = "postgres")]
mod lost;
mod patience;
#[cfg(feature = "postgres")]
pub(crate) mod postgres;
#[cfg(feature = "sqlite")]
pub(crate) mod sqlite;
#[cfg(feature = "sqlite")]
mod turn;
#[cfg(feature = "sqlite")]
mod unchecked;

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use sqlx::migrate::{AppliedMigration, Migrate, MigrateError, Migration, Migrator};

use crate::contract::{Breach, Judge};
use crate::migrations::{ContractMode, MigrationPlan};
use crate::{MigrationProgress, MigrationState, MigrationStatus, Migrations, MigrationsError};

/// Whom progress is told.
pub(crate) type Tell<'a> = &'a mut (dyn FnMut(MigrationProgress<'_>) + Send);

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

/// Refuses pending migrations that take away what the version may use that runs now. An empty database has no
/// such version. `unique` are the names of its unique indexes.
fn keeps_the_contract(
    migrator: &Migrator,
    before: &MigrationStatus,
    migrations: Migrations,
    plan: &MigrationPlan,
    unique: BTreeSet<String>,
) -> Result<(), MigrationsError> {
    let mode = plan.contract;
    if mode == ContractMode::Allow || before.applied.is_empty() {
        return Ok(());
    }
    let mut judge = Judge::of(unique);
    for migration in pending(migrator, before) {
        let Some(Breach { line, statement, problem }) = judge.judge(migration.sql.as_str()) else { continue };
        if migration.version <= migrations.judged_after {
            continue;
        }
        let MigrationState { version, description } = state(migration);
        let refused = MigrationsError::Contract { version, description, line, statement, problem };
        if mode == ContractMode::Refuse {
            return Err(refused);
        }
        tracing::warn!(migration.version = version, "{refused}");
    }
    Ok(())
}

/// Of a database that is not there yet.
pub(crate) fn nothing_applied(migrator: &Migrator) -> Result<MigrationStatus, MigrationsError> {
    compare(&[], migrator)
}

fn pending<'a>(migrator: &'a Migrator, before: &'a MigrationStatus) -> impl Iterator<Item = &'a Migration> {
    ups(migrator).filter(|migration| before.pending.iter().any(|state| state.version == migration.version))
}

/// Makes the table of applied migrations where there is none.
async fn prepare<C: Migrate>(connection: &mut C, migrator: &Migrator) -> Result<(), MigrationsError> {
    let words = |error: MigrateError| MigrationsError::Database { cause: error.to_string() };
    for schema in migrator.create_schemas.iter() {
        connection.create_schema_if_not_exists(schema).await.map_err(words)?;
    }
    connection.ensure_migrations_table(&migrator.table_name).await.map_err(words)?;
    match connection.dirty_version(&migrator.table_name).await.map_err(words)? {
        None => Ok(()),
        Some(version) => Err(words(MigrateError::Dirty(version))),
    }
}

/// Applies one migration, and says so before and after.
async fn apply_one<C: Migrate>(
    connection: &mut C,
    migrator: &Migrator,
    migration: &Migration,
    tell: Tell<'_>,
) -> Result<(), String> {
    let (version, started) = (migration.version, Instant::now());
    tell(MigrationProgress::Applying(&state(migration)));
    tracing::info!(migration.version = version, migration.description = &*migration.description, "migrating");
    match connection.apply(&migrator.table_name, migration).await {
        Ok(_) => {
            tell(MigrationProgress::Applied(&state(migration), started.elapsed()));
            Ok(())
        }
        Err(MigrateError::ExecuteMigration(error, _) | MigrateError::Execute(error)) => {
            Err(error.to_string())
        }
        Err(error) => Err(error.to_string()),
    }
}

fn failed(migration: &Migration, cause: String, left: impl Into<String>) -> MigrationsError {
    let MigrationState { version, description } = state(migration);
    MigrationsError::Failed { version, description, cause, left: left.into() }
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
