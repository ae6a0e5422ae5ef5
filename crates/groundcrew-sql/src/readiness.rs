//! What the health checks ask.

use groundcrew_runtime::CheckPolicy;

use crate::{DatabaseImpact, SqlConfig};

#[cfg(feature = "postgres")]
pub(crate) use self::of_postgres::postgres;
#[cfg(feature = "sqlite")]
pub(crate) use self::of_sqlite::{File, sqlite};

/// What the configuration says about the check, `usual` being what is right for the backend.
pub(crate) fn policy(config: &SqlConfig, usual: DatabaseImpact) -> CheckPolicy {
    let policy = match config.impact.unwrap_or(usual) {
        DatabaseImpact::Required => CheckPolicy::required(),
        DatabaseImpact::Degraded => CheckPolicy::degraded(),
    };
    policy.period(config.check_period).timeout(config.check_timeout)
}

#[cfg(feature = "sqlite")]
mod of_sqlite {
    use std::path::{Path, PathBuf};

    use crate::Connections;

    /// The file as it was when it was opened: SQLite itself goes on writing to one that is deleted.
    #[derive(Debug, Clone)]
    pub(crate) struct File(Option<(PathBuf, Option<u64>)>);

    impl File {
        pub(crate) fn of(path: Option<&Path>) -> Self {
            Self(path.map(|path| (path.to_path_buf(), identity(path).ok().flatten())))
        }

        fn check(&self) -> Result<(), String> {
            let Some((path, opened)) = &self.0 else { return Ok(()) };
            match identity(path) {
                Err(error) => Err(format!("{} is gone: {error}", path.display())),
                Ok(now) if now != *opened => {
                    Err(format!("{} was replaced by another file while it was open", path.display()))
                }
                Ok(_) => Ok(()),
            }
        }
    }

    /// What tells two files of one name apart, where the system has it.
    fn identity(path: &Path) -> std::io::Result<Option<u64>> {
        let metadata = std::fs::metadata(path)?;
        #[cfg(unix)]
        return Ok(Some(std::os::unix::fs::MetadataExt::ino(&metadata)));
        #[cfg(not(unix))]
        return Ok(metadata.is_file().then_some(0));
    }

    pub(crate) async fn sqlite(reader: Connections<sqlx::Sqlite>, file: File) -> Result<(), String> {
        let checked = tokio::task::spawn_blocking(move || file.check()).await;
        checked.map_err(|error| error.to_string())??;
        // Unlike `SELECT 1`, this reads the file.
        let read = sqlx::query("PRAGMA schema_version").execute(&reader).await;
        read.map(drop).map_err(|error| error.to_string())
    }
}

#[cfg(feature = "postgres")]
mod of_postgres {
    use std::time::Duration;

    use sqlx::postgres::PgConnectOptions;

    use crate::retry::{Failure, attempt};
    use crate::{Awaited, Connections, DeadlineExceeded, metrics};

    pub(crate) async fn postgres(
        connections: Connections<sqlx::Postgres>,
        options: PgConnectOptions,
        patience: Duration,
    ) -> Result<(), String> {
        let Err(error) = sqlx::query("SELECT 1").execute(&connections).await else { return Ok(()) };
        match DeadlineExceeded::of(&error) {
            Some(exceeded) if exceeded.awaited == Awaited::Connection => {
                Err(why_none_was_free(&connections.raw(), &options, patience).await)
            }
            _ => Err(error.to_string()),
        }
    }

    /// The pool only says that none came in time; a connection of our own finds out why.
    async fn why_none_was_free(
        pool: &sqlx::PgPool,
        options: &PgConnectOptions,
        patience: Duration,
    ) -> String {
        let (active, max) = (metrics::active(pool), pool.options().get_max_connections());
        // The check itself has 5 s, and the pool has used up some of them.
        match attempt(options, patience.min(Duration::from_millis(1500))).await {
            Ok(()) => format!(
                "Postgres answers, but none of the pool's {max} connections is free ({active} in use)"
            ),
            Err(Failure::Passing(words)) => words,
            Err(Failure::Lasting(error, hint)) => format!("{error}{hint}"),
        }
    }
}
