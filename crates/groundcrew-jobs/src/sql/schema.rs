use std::borrow::Cow;
use std::sync::LazyLock;

use groundcrew_sql::sqlx::SqlSafeStr;
use groundcrew_sql::sqlx::migrate::{Migration, MigrationType, Migrator};
use groundcrew_sql::{Database, Migrations, MigrationsError};

/// Our own record of migrations, apart from the service's.
const TABLE: &str = "groundcrew_jobs_migrations";

/// Both databases read it.
const SCHEDULES: (&str, &str) = ("schedules", include_str!("schedules.sql"));

const TIMETABLE: (&str, &str) = ("timetable", include_str!("timetable.sql"));

const RATES: (&str, &str) = ("rates", include_str!("rates.sql"));

static SQLITE: LazyLock<Migrator> =
    LazyLock::new(|| migrator(&[("jobs", include_str!("sqlite.sql")), SCHEDULES, TIMETABLE, RATES]));
static POSTGRES: LazyLock<Migrator> =
    LazyLock::new(|| migrator(&[("jobs", include_str!("postgres.sql")), SCHEDULES, TIMETABLE, RATES]));

/// Makes the tables of jobs, or brings them up to date, one process at a time. [`JobsConfig::connect`] does it;
/// so does whoever uses [`Attempt::begin_once`] on another database than the one of the jobs.
///
/// They only ever grow, so that an older version of the service can go on beside a newer one.
///
/// [`JobsConfig::connect`]: crate::JobsConfig::connect
/// [`Attempt::begin_once`]: crate::Attempt::begin_once
///
/// # Errors
///
/// When the database cannot be reached, or the user may not make tables.
pub async fn migrate(database: &Database) -> Result<(), MigrationsError> {
    database.apply_migrations(Migrations::both(&SQLITE, &POSTGRES)).await?;
    Ok(())
}

fn migrator(migrations: &[(&'static str, &'static str)]) -> Migrator {
    let numbered = (1i64..).zip(migrations).map(|(version, (description, sql))| {
        let sql = (*sql).into_sql_str();
        Migration::new(version, Cow::Borrowed(*description), MigrationType::Simple, sql, false)
    });
    Migrator { table_name: Cow::Borrowed(TABLE), ..Migrator::with_migrations(numbered.collect()) }
}
