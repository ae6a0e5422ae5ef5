//! SQLite in a file of its own, Postgres from the machine's binaries.

use groundcrew_jobs::Jobs;
use groundcrew_sql::{Database, SqlConfig};

use crate::stage::{App, Stage, config, crew};

/// A stage whose jobs are in this database.
pub(crate) async fn stage(database: &Database, keep: impl Send + 'static) -> Stage {
    let jobs: Jobs<App> = config().connect(&crew(), database).await.expect("jobs");
    let backend = jobs.publisher().backend().clone();
    Stage::shared(backend, crew(), keep)
}

#[cfg(feature = "sqlite")]
pub(crate) mod sqlite {
    use super::{Database, SqlConfig, Stage, crew, stage};

    pub(crate) async fn database() -> (Database, tempfile::TempDir) {
        let folder = tempfile::tempdir().expect("a folder");
        let url = format!("sqlite:{}", folder.path().join("jobs.db").display());
        (SqlConfig::of(url).connect(&crew()).await.expect("SQLite"), folder)
    }

    pub(crate) async fn open() -> Stage {
        let (database, folder) = database().await;
        stage(&database, folder).await
    }
}

#[cfg(feature = "postgres")]
pub(crate) mod postgres {
    use groundcrew_testkit::postgres::{Database as TestDatabase, Postgres};

    use super::{Database, SqlConfig, Stage, crew, stage};

    pub(crate) async fn database() -> (Database, (Postgres, TestDatabase)) {
        let server = Postgres::start().await.expect("a server");
        let empty = server.database().await.expect("a database");
        let database = SqlConfig::of(empty.url()).connect(&crew()).await.expect("Postgres");
        (database, (server, empty))
    }

    pub(crate) async fn open() -> Stage {
        let (database, keep) = database().await;
        stage(&database, keep).await
    }
}
