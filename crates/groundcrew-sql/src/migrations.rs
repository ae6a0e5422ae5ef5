use std::time::Duration;

use sqlx::migrate::Migrator;

pub(crate) use crate::config::ContractMode;
use crate::{MigrateMode, SqlConfig};

/// The migrations of a service, for each backend that it supports.
///
/// ```
/// use groundcrew_sql::Migrations;
/// use sqlx::migrate::Migrator;
///
/// static SQLITE: Migrator = Migrator { ..Migrator::DEFAULT }; // `sqlx::migrate!("migrations/sqlite")`
/// static POSTGRES: Migrator = Migrator { ..Migrator::DEFAULT };
/// static MIGRATIONS: Migrations = Migrations::both(&SQLITE, &POSTGRES);
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Migrations {
    sqlite: Option<&'static Migrator>,
    #[cfg_attr(not(feature = "postgres"), expect(dead_code, reason = "the other backend reads it"))]
    postgres: Option<&'static Migrator>,
    /// Of migrations up to this one nobody asks whether they keep the contract.
    pub(crate) judged_after: i64,
}

/// One migration, as files and the database know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MigrationState {
    /// The number that its file begins with.
    pub version: i64,
    /// What its file says after the number; empty for one that only the database knows.
    pub description: String,
}

/// Which migrations are applied and which are not, in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MigrationStatus {
    /// Applied, and known to this version of the service.
    pub applied: Vec<MigrationState>,
    /// Not applied.
    pub pending: Vec<MigrationState>,
    /// Applied by a newer version of the service.
    pub newer: Vec<MigrationState>,
}

/// What happens while migrations are applied, for whoever shows it.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum MigrationProgress<'a> {
    /// Another process migrates, and is waited for at most for so long.
    Waiting(Duration),
    /// This one is being applied.
    Applying(&'a MigrationState),
    /// This one was applied, and took so long.
    Applied(&'a MigrationState, Duration),
}

/// Why migrations could not be applied.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum MigrationsError {
    /// The service has no migrations for this backend.
    #[error("the service has no migrations for {backend}; give it some, or choose another database.url")]
    NoneFor {
        /// `SQLite` or `Postgres`.
        backend: &'static str,
    },
    /// A migration failed.
    #[error(
        "migration {version} ({description}) failed: {cause}; {left}; mend it and start or `migrate` again"
    )]
    Failed {
        /// Its version.
        version: i64,
        /// Its description.
        description: String,
        /// What the database said.
        cause: String,
        /// In which state it left the database.
        left: String,
    },
    /// A pending migration takes away what the version may use that runs now.
    #[error(
        "migration {version} ({description}) is refused: {problem}: line {line}, `{statement}`; release a version \
         first that does without, then mark the migration with a line `-- groundcrew: contract <why>` (or see \
         database.migrate_contract)"
    )]
    Contract {
        /// Its version.
        version: i64,
        /// Its description.
        description: String,
        /// The line in its file, from 1.
        line: usize,
        /// The statement, shortened.
        statement: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// After the pending migrations a row would refer to one that is not there. SQLite only.
    #[error(
        "after the migrations {} of {table} refers to a row of {parent} that is not there; foreign keys are off while \
         SQLite migrates, since a table that is rebuilt would take rows of others along, so nothing cascades: let the \
         migration delete or mend what refers to rows that it takes away; {left}", row_name(.row.as_ref())
    )]
    Orphan {
        /// The table of that row.
        table: String,
        /// Its rowid, where the table has one.
        row: Option<i64>,
        /// The table that it refers to.
        parent: String,
        /// In which state this left the database.
        left: &'static str,
    },
    /// A pending migration creates an index that is there already, and invalid.
    #[error(
        "migration {version} ({description}) creates the index {index}, which an attempt before it has left \
         behind invalid; unless somebody is creating it right now: DROP INDEX CONCURRENTLY {index}, and start or \
         `migrate` again"
    )]
    InvalidIndex {
        /// Its version.
        version: i64,
        /// Its description.
        description: String,
        /// The index.
        index: String,
    },
    /// A migration that is applied does not say any more what it said then.
    #[error(
        "migration {version} ({description}) was changed after it was applied; put its file back as it was \
         released, and the change into a new migration"
    )]
    Changed {
        /// Its version.
        version: i64,
        /// Its description.
        description: String,
    },
    /// The database has a migration that this version of the service does not know, among those it knows.
    #[error(
        "the database has migration {version}, which this version of the service does not know although it \
         knows later ones; this is another service's database, or a file was deleted: bring it back"
    )]
    Unknown {
        /// Its version.
        version: i64,
    },
    /// Somebody else migrates all the time.
    #[error(
        "another process has been migrating the database for {within:?} (database.migrate_timeout); look for \
         it, or raise the timeout if its migration takes that long"
    )]
    Locked {
        /// How long we waited.
        within: Duration,
    },
    /// The database could not be asked.
    #[error("cannot read or lock the migrations of the database: {cause}")]
    Database {
        /// What it said.
        cause: String,
    },
}

/// What the configuration says about migrations.
#[derive(Debug)]
pub(crate) struct MigrationPlan {
    pub(crate) at_start: bool,
    pub(crate) patience: Duration,
    pub(crate) contract: ContractMode,
    /// How long Postgres may take to answer what is asked beside the migrations; `None` for no limit.
    #[cfg(feature = "postgres")]
    pub(crate) answer: Option<Duration>,
}

// === impl Migrations ===

impl Migrations {
    /// For services that run on either backend.
    pub const fn both(sqlite: &'static Migrator, postgres: &'static Migrator) -> Self {
        Self { sqlite: Some(sqlite), postgres: Some(postgres), judged_after: i64::MIN }
    }

    /// For services that only know SQLite.
    pub const fn sqlite(migrator: &'static Migrator) -> Self {
        Self { sqlite: Some(migrator), postgres: None, judged_after: i64::MIN }
    }

    /// For services that only know Postgres.
    pub const fn postgres(migrator: &'static Migrator) -> Self {
        Self { sqlite: None, postgres: Some(migrator), judged_after: i64::MIN }
    }

    /// Leaves migrations up to this version unjudged by `database.migrate_contract`: those from before the
    /// service knew the rule, whose files must not change any more.
    pub const fn judged_after(self, version: i64) -> Self {
        Self { judged_after: version, ..self }
    }

    /// What is pending in a SQLite file that is not there yet: everything.
    ///
    /// # Errors
    ///
    /// When there are none for SQLite.
    pub fn for_a_new_sqlite_file(self) -> Result<MigrationStatus, MigrationsError> {
        crate::migrate::nothing_applied(self.for_sqlite()?)
    }

    pub(crate) fn for_sqlite(self) -> Result<&'static Migrator, MigrationsError> {
        self.sqlite.ok_or(MigrationsError::NoneFor { backend: "SQLite" })
    }

    #[cfg(feature = "postgres")]
    pub(crate) fn for_postgres(self) -> Result<&'static Migrator, MigrationsError> {
        self.postgres.ok_or(MigrationsError::NoneFor { backend: "Postgres" })
    }
}

/// The same migrations whatever the backend, which is right for SQL that both understand.
impl From<&'static Migrator> for Migrations {
    fn from(migrator: &'static Migrator) -> Self {
        Self::both(migrator, migrator)
    }
}

// === impl MigrationPlan ===

impl MigrationPlan {
    pub(crate) fn of(config: &SqlConfig) -> Self {
        Self {
            at_start: config.migrate == MigrateMode::Start,
            patience: config.migrate_timeout,
            contract: config.migrate_contract,
            #[cfg(feature = "postgres")]
            answer: config.operation_limit().map(|limit| limit.max(config.connect_timeout)),
        }
    }
}

// === impl MigrationsError ===

impl From<sqlx::Error> for MigrationsError {
    fn from(error: sqlx::Error) -> Self {
        Self::Database { cause: error.to_string() }
    }
}

fn row_name(rowid: Option<&i64>) -> String {
    rowid.map_or_else(|| "a row".to_owned(), |rowid| format!("row {rowid}"))
}
