//! A database of each kind.

use std::time::Duration;

use groundcrew_runtime::Crew;
use groundcrew_sql::{Database, SqlConfig};
use groundcrew_testkit::postgres::{Database as TestDatabase, Postgres};

use crate::stage::crew;

/// A database, and what must live as long.
pub(crate) struct Stage {
    pub(crate) crew: Crew,
    pub(crate) database: Database,
    pub(crate) server: Option<Postgres>,
    _empty: Option<TestDatabase>,
    _folder: Option<tempfile::TempDir>,
}

pub(crate) async fn sqlite() -> Stage {
    let folder = tempfile::tempdir().expect("a folder");
    let url = format!("sqlite:{}", folder.path().join("auth.db").display());
    let crew = crew();
    let database = SqlConfig::of(url).connect(&crew).await.expect("SQLite");
    Stage { crew, database, server: None, _empty: None, _folder: Some(folder) }
}

pub(crate) async fn postgres() -> Stage {
    let server = Postgres::start().await.expect("a server");
    let empty = server.database().await.expect("a database");
    let crew = crew();
    // Outages are to be told soon.
    let config = SqlConfig {
        acquire_timeout: Duration::from_secs(2),
        connect_timeout: Duration::from_millis(500),
        ..SqlConfig::of(empty.url())
    };
    let database = config.connect(&crew).await.expect("Postgres");
    Stage { crew, database, server: Some(server), _empty: Some(empty), _folder: None }
}

/// Waits until a condition holds.
pub(crate) async fn until<F, Fut>(what: &str, mut condition: F)
where
    F: FnMut() -> Fut,
    Fut: Future<Output = bool>,
{
    for _ in 0..500 {
        if condition().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("{what} did not come true");
}
