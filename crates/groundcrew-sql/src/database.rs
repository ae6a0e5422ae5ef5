use groundcrew_runtime::Crew;

use crate::migrations::MigrationPlan;
use crate::{
    ConnectError, MigrationProgress, MigrationStatus, Migrations, MigrationsError, SqlConfig, migrate, target,
};

/// The database of a service that runs on SQLite and on Postgres: one repository for each, chosen here.
///
/// A service that needs only one takes [`Sqlite`](crate::Sqlite) from
/// [`connect_sqlite`](SqlConfig::connect_sqlite) or [`Postgres`](crate::Postgres) from
/// [`connect_postgres`](SqlConfig::connect_postgres).
#[derive(Debug, Clone)]
pub enum Database {
    /// A SQLite file.
    #[cfg(feature = "sqlite")]
    Sqlite(crate::Sqlite),
    /// A Postgres server.
    #[cfg(feature = "postgres")]
    Postgres(crate::Postgres),
}

// === impl Database ===

impl Database {
    /// `SQLite` or `Postgres`.
    pub fn backend(&self) -> &'static str {
        match self {
            #[cfg(feature = "sqlite")]
            Self::Sqlite(_) => "SQLite",
            #[cfg(feature = "postgres")]
            Self::Postgres(_) => "Postgres",
        }
    }

    /// What a start does about migrations: applies the pending ones, or with `migrate = never` only says
    /// that there are some. The service is not ready meanwhile.
    ///
    /// # Errors
    ///
    /// Names the migration that failed, and what to do about it.
    pub async fn migrate(
        &self,
        crew: &Crew,
        migrations: impl Into<Migrations>,
    ) -> Result<MigrationStatus, MigrationsError> {
        let gate = crew.gate("migrations");
        let migrations = migrations.into();
        let status = if self.plan().at_start {
            self.apply_migrations(migrations).await?
        } else {
            self.migration_status(migrations).await?
        };
        if !status.pending.is_empty() {
            tracing::warn!(
                migrations.pending = status.pending.len(),
                "migrations are pending, and database.migrate is `never`: run the command `migrate`"
            );
        }
        gate.open();
        Ok(status)
    }

    /// Applies the pending migrations whatever the configuration says: the command `migrate`.
    ///
    /// # Errors
    ///
    /// Names the migration that failed, and what to do about it.
    pub async fn apply_migrations(
        &self,
        migrations: impl Into<Migrations>,
    ) -> Result<MigrationStatus, MigrationsError> {
        self.apply_migrations_telling(migrations, &mut |_| {}).await
    }

    /// As [`apply_migrations`](Self::apply_migrations), and tells what it does meanwhile.
    ///
    /// # Errors
    ///
    /// Names the migration that failed, and what to do about it.
    pub async fn apply_migrations_telling(
        &self,
        migrations: impl Into<Migrations>,
        tell: &mut (dyn FnMut(MigrationProgress<'_>) + Send),
    ) -> Result<MigrationStatus, MigrationsError> {
        let migrations = migrations.into();
        match self {
            #[cfg(feature = "sqlite")]
            Self::Sqlite(sqlite) => Box::pin(migrate::sqlite::apply(sqlite, migrations, tell)).await,
            #[cfg(feature = "postgres")]
            Self::Postgres(postgres) => Box::pin(migrate::postgres::apply(postgres, migrations, tell)).await,
        }
    }

    /// Which migrations are applied and which are pending. Changes nothing.
    ///
    /// # Errors
    ///
    /// When the database cannot be asked, or does not fit to these migrations.
    pub async fn migration_status(
        &self,
        migrations: impl Into<Migrations>,
    ) -> Result<MigrationStatus, MigrationsError> {
        let migrations = migrations.into();
        match self {
            #[cfg(feature = "sqlite")]
            Self::Sqlite(sqlite) => migrate::sqlite::status(sqlite, migrations.for_sqlite()?).await,
            #[cfg(feature = "postgres")]
            Self::Postgres(postgres) => migrate::postgres::status(postgres, migrations.for_postgres()?).await,
        }
    }

    fn plan(&self) -> &MigrationPlan {
        match self {
            #[cfg(feature = "sqlite")]
            Self::Sqlite(sqlite) => sqlite.plan(),
            #[cfg(feature = "postgres")]
            Self::Postgres(postgres) => postgres.plan(),
        }
    }
}

#[cfg(feature = "sqlite")]
impl From<crate::Sqlite> for Database {
    fn from(sqlite: crate::Sqlite) -> Self {
        Self::Sqlite(sqlite)
    }
}

#[cfg(feature = "postgres")]
impl From<crate::Postgres> for Database {
    fn from(postgres: crate::Postgres) -> Self {
        Self::Postgres(postgres)
    }
}

// === impl SqlConfig ===

impl SqlConfig {
    /// Connects to the database that is configured, named `database` in health, metrics and the shutdown.
    ///
    /// # Errors
    ///
    /// Those of [`connect_sqlite`](Self::connect_sqlite) and [`connect_postgres`](Self::connect_postgres),
    /// and when the backend is not compiled in.
    pub async fn connect(&self, crew: &Crew) -> Result<Database, ConnectError> {
        self.connect_as("database", crew).await
    }

    /// As [`connect`](Self::connect), but `None` where the SQLite file is not there yet: nothing is created.
    ///
    /// # Errors
    ///
    /// Those of [`connect`](Self::connect).
    pub async fn connect_existing(&self, crew: &Crew) -> Result<Option<Database>, ConnectError> {
        #[cfg(feature = "sqlite")]
        if let target::Target::Sqlite { url, origin } =
            target::resolve(self, crew.service(), crew.environment())?
        {
            let url = url.as_ref().map(|url| url.expose().as_str());
            if crate::sqlite::is_missing(self, crew.service(), url, &origin)? {
                return Ok(None);
            }
        }
        self.connect(crew).await.map(Some)
    }

    /// As [`connect`](Self::connect), for a service with several databases.
    pub async fn connect_as(&self, name: &str, crew: &Crew) -> Result<Database, ConnectError> {
        match target::resolve(self, crew.service(), crew.environment())? {
            #[cfg(feature = "sqlite")]
            target::Target::Sqlite { url, origin } => {
                let url = url.as_ref().map(|url| url.expose().as_str());
                Ok(Database::Sqlite(crate::sqlite::open(self, name, crew, url, &origin).await?))
            }
            #[cfg(feature = "postgres")]
            target::Target::Postgres { url, origin } => {
                Ok(Database::Postgres(crate::postgres::open(self, name, crew, url.expose(), &origin).await?))
            }
            #[cfg(not(feature = "sqlite"))]
            target::Target::Sqlite { origin, .. } => Err(missing(origin, "SQLite")),
            #[cfg(not(feature = "postgres"))]
            target::Target::Postgres { origin, .. } => Err(missing(origin, "Postgres")),
        }
    }
}

#[cfg(not(all(feature = "sqlite", feature = "postgres")))]
fn missing(origin: String, backend: &'static str) -> ConnectError {
    let problem = "this program was built without it: turn on the feature of groundcrew-sql with that name";
    ConnectError::Url(crate::UrlError::Unavailable { origin, backend, problem })
}
