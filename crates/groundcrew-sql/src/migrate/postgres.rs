use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use sqlx::migrate::{Migration, Migrator};
use sqlx::{Connection, PgConnection};

use super::lost::lost;
use super::patience::Patience;
use super::{Tell, applied, apply_one, compare, failed, keeps_the_contract, pending, prepare, report, state};
use crate::client_check::look_for_the_client;
use crate::migrations::MigrationPlan;
use crate::sql_text::{Token, tokens};
use crate::{MigrationState, MigrationStatus, Migrations, MigrationsError, Postgres};

/// Of the advisory lock, which belongs to the database and not to the server: `groundcr` in ASCII.
const LOCK: i64 = i64::from_be_bytes(*b"groundcr");

pub(crate) async fn status(
    postgres: &Postgres,
    migrator: &Migrator,
) -> Result<MigrationStatus, MigrationsError> {
    let (mut connection, limit) = (postgres.direct().await?, postgres.plan().answer);
    let status = compare(&in_time(limit, applied(&mut connection, migrator)).await?, migrator);
    close(connection, limit).await?;
    status
}

pub(crate) async fn apply(
    postgres: &Postgres,
    migrations: Migrations,
    tell: Tell<'_>,
) -> Result<MigrationStatus, MigrationsError> {
    let (migrator, started) = (migrations.for_postgres()?, Instant::now());
    let (plan, limit) = (postgres.plan(), postgres.plan().answer);
    // A connection of its own: no limit for a statement, and the lock goes when it is dropped.
    let mut connection = postgres.direct().await?;
    let before = compare(&in_time(limit, applied(&mut connection, migrator)).await?, migrator)?;
    if before.pending.is_empty() {
        close(connection, limit).await?;
        return Ok(before);
    }
    in_time(limit, without_limits(&mut connection)).await?;
    lock(&mut connection, plan, tell).await?;
    // Whoever held the lock may have migrated.
    let before = compare(&in_time(limit, applied(&mut connection, migrator)).await?, migrator)?;
    if before.pending.is_empty() {
        close(connection, limit).await?;
        return Ok(before);
    }
    let unique = in_time(limit, unique_indexes(&mut connection)).await?;
    keeps_the_contract(migrator, &before, migrations, plan, unique)?;
    in_time(limit, prepare(&mut connection, migrator)).await?;
    let session = in_time(limit, number(&mut connection)).await?;
    for migration in pending(migrator, &before) {
        tokio::select! {
            done = apply_alone(&mut connection, migrator, migration, limit, tell) => done?,
            () = lost(postgres, session, limit.unwrap_or(Duration::MAX)) => return Err(fell_silent(migration)),
        }
    }
    let invalid = in_time(limit, invalid_indexes(&mut connection)).await?;
    if !invalid.is_empty() {
        let indexes = invalid.join(", ");
        tracing::warn!(
            database.indexes = indexes,
            "invalid indexes, which no query uses: DROP INDEX CONCURRENTLY and create them again"
        );
    }
    let after = compare(&in_time(limit, applied(&mut connection, migrator)).await?, migrator)?;
    close(connection, limit).await?;
    report(&before, &after, started.elapsed());
    Ok(after)
}

/// Migrations may take as long as they take; whatever else is asked is answered soon, or a service that starts would
/// never be ready, and never say why, once its connection has fallen silent.
async fn in_time<T>(
    limit: Option<Duration>,
    question: impl Future<Output = Result<T, MigrationsError>>,
) -> Result<T, MigrationsError> {
    let Some(limit) = limit else { return question.await };
    tokio::time::timeout(limit, question).await.unwrap_or_else(|_| {
        let words = "the larger of database.operation_timeout and database.connect_timeout";
        Err(MigrationsError::Database { cause: format!("no answer within {limit:?} ({words})") })
    })
}

async fn close(connection: PgConnection, limit: Option<Duration>) -> Result<(), MigrationsError> {
    in_time(limit, async { Ok(connection.close().await?) }).await
}

/// The session, as the server counts them.
async fn number(connection: &mut PgConnection) -> Result<i32, MigrationsError> {
    Ok(sqlx::query_scalar("SELECT pg_backend_pid()").fetch_one(connection).await?)
}

fn fell_silent(migration: &Migration) -> MigrationsError {
    let cause = "its connection fell silent, and Postgres has nothing to do for it any more".to_owned();
    failed(migration, cause, "those before it are applied, and whether it is, `migrate --plan` tells")
}

/// A role's limits are for the service. The statement of a process that was killed must not hold the lock.
async fn without_limits(connection: &mut PgConnection) -> Result<(), MigrationsError> {
    let none = "SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0";
    sqlx::raw_sql(none).execute(&mut *connection).await?;
    Ok(look_for_the_client(connection).await?)
}

/// Asks again and again instead of waiting inside of Postgres: a waiting statement has a snapshot, and
/// `CREATE INDEX CONCURRENTLY` in the process that holds the lock would wait for that snapshot.
async fn lock(
    connection: &mut PgConnection,
    plan: &MigrationPlan,
    tell: Tell<'_>,
) -> Result<(), MigrationsError> {
    let mut patience = Patience::new(plan.patience);
    loop {
        let query = sqlx::query_scalar("SELECT pg_try_advisory_lock($1)").bind(LOCK);
        if in_time(plan.answer, async { Ok(query.fetch_one(&mut *connection).await?) }).await? {
            return Ok(());
        }
        patience.wait(tell).await?;
    }
}

async fn apply_alone(
    connection: &mut PgConnection,
    migrator: &Migrator,
    migration: &Migration,
    limit: Option<Duration>,
    tell: Tell<'_>,
) -> Result<(), MigrationsError> {
    if migration.no_tx {
        return apply_without_transaction(connection, migrator, migration, limit, tell).await;
    }
    let left = "those before it are applied, and it was rolled back";
    let done = apply_one(connection, migrator, migration, tell).await;
    done.map_err(|cause| failed(migration, cause, left))
}

async fn apply_without_transaction(
    connection: &mut PgConnection,
    migrator: &Migrator,
    migration: &Migration,
    limit: Option<Duration>,
    tell: Tell<'_>,
) -> Result<(), MigrationsError> {
    let created = created_indexes(migration.sql.as_str());
    let invalid = in_time(limit, invalid_indexes(connection)).await?;
    if let Some(index) = invalid.into_iter().find(|index| created.contains(index)) {
        let MigrationState { version, description } = state(migration);
        return Err(MigrationsError::InvalidIndex { version, description, index });
    }
    // `CREATE INDEX CONCURRENTLY` waits for every transaction that began before it.
    sqlx::raw_sql("SET lock_timeout = 0").execute(&mut *connection).await?;
    if let Err(cause) = apply_one(connection, migrator, migration, tell).await {
        let mut left =
            "those before it are applied, and it may be half done, since it asked for no transaction"
                .to_owned();
        let invalid = in_time(limit, invalid_indexes(connection)).await.unwrap_or_default();
        for index in invalid.into_iter().filter(|index| created.contains(index)) {
            left.push_str(&format!("; it left an invalid index: DROP INDEX CONCURRENTLY {index} first"));
        }
        return Err(failed(migration, cause, left));
    }
    sqlx::raw_sql("RESET lock_timeout").execute(connection).await?;
    Ok(())
}

/// What a `CREATE INDEX CONCURRENTLY` that was cut short leaves behind: kept up to date, and used by no query.
async fn invalid_indexes(connection: &mut PgConnection) -> Result<Vec<String>, MigrationsError> {
    let query = "SELECT relname::text FROM pg_index JOIN pg_class ON oid = indexrelid WHERE NOT indisvalid";
    Ok(sqlx::query_scalar(query).fetch_all(connection).await?)
}

/// The unique indexes, by name, which is that of the constraint where there is one.
async fn unique_indexes(connection: &mut PgConnection) -> Result<BTreeSet<String>, MigrationsError> {
    let query = "SELECT relname::text FROM pg_index JOIN pg_class ON oid = indexrelid WHERE indisunique";
    Ok(sqlx::query_scalar::<_, String>(query).fetch_all(connection).await?.into_iter().collect())
}

/// The indexes that a migration creates concurrently, by name.
fn created_indexes(sql: &str) -> Vec<String> {
    let all = tokens(sql);
    let behind = |(at, token): (usize, &Token<'_>)| {
        let is_one = token.is("CONCURRENTLY") && at > 0 && all[at - 1].is("INDEX");
        let mut rest =
            all[at + 1..].iter().filter(|token| !["IF", "NOT", "EXISTS"].iter().any(|word| token.is(word)));
        is_one.then(|| rest.next().map(Token::name))?
    };
    all.iter().enumerate().filter_map(behind).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_of_indexes_are_found() {
        let sql =
            "-- no-transaction\nCREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS \"By Weight\" ON parcels (w);
            create index concurrently by_name on parcels (name); CREATE INDEX plain ON parcels (n)";
        assert_eq!(created_indexes(sql), ["By Weight", "by_name"]);
    }
}
