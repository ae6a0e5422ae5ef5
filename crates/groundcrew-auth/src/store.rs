//! The tables of this crate, on either database.

use std::borrow::Cow;
use std::sync::LazyLock;

use groundcrew_sql::sqlx::SqlSafeStr;
use groundcrew_sql::sqlx::migrate::{Migration, MigrationType, Migrator};
use groundcrew_sql::{Database, Migrations, MigrationsError};

/// Our own record of migrations, apart from the service's.
const TABLE: &str = "groundcrew_auth_migrations";

static MIGRATOR: LazyLock<Migrator> = LazyLock::new(|| {
    let sql = include_str!("store/schema.sql").into_sql_str();
    let migration = Migration::new(1, Cow::Borrowed("auth"), MigrationType::Simple, sql, false);
    Migrator { table_name: Cow::Borrowed(TABLE), ..Migrator::with_migrations(vec![migration]) }
});

/// Makes the tables of keys and sessions, or brings them up to date, one process at a time. Connecting does it, too.
///
/// They only ever grow, so that an older version of the service can go on beside a newer one.
///
/// # Errors
///
/// When the database cannot be reached, or the user may not make tables.
pub async fn migrate(database: &Database) -> Result<(), MigrationsError> {
    database.apply_migrations(Migrations::both(&MIGRATOR, &MIGRATOR)).await?;
    Ok(())
}
