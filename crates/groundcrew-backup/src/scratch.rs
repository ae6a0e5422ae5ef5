//! A database that lives as long as a verification.

use std::time::Duration;

use groundcrew_sql::sqlx::postgres::PgConnectOptions;
use groundcrew_sql::sqlx::{self, AssertSqlSafe};
use tokio::task::JoinHandle;

use crate::client::Client;
use crate::store::unique;
use crate::{RestoreError, postgres};

/// How long removing it may take.
const REMOVE: Duration = Duration::from_secs(30);

/// A database beside the service's own.
pub(crate) struct Scratch {
    server: PgConnectOptions,
    name: String,
    /// The server's version, once the database is made.
    pub(crate) major: u32,
    /// While it is being made.
    making: Option<JoinHandle<Result<(), sqlx::Error>>>,
}

// === impl Scratch ===

impl Scratch {
    /// Only a name: whoever makes the database must also remove it, made or not.
    pub(crate) fn new(server: PgConnectOptions) -> Self {
        let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
        let name = format!("groundcrew_verify{}", unique("")).chars().map(plain).collect();
        Self { server, name, major: 0, making: None }
    }

    pub(crate) async fn make(&mut self) -> Result<(), RestoreError> {
        let client = Client::of(&self.server);
        let failed = |hint| {
            let (what, target) = ("make a database for the verification", client.target.clone());
            move |cause| RestoreError::Database { what, target, cause: Box::new(cause), hint }
        };
        let mut connection = postgres::connect(&self.server).await.map_err(failed(""))?;
        (self.major, _) = postgres::version(&mut connection).await.map_err(failed(""))?;
        let create = AssertSqlSafe(format!("CREATE DATABASE {} TEMPLATE template0", self.name));
        // In a task of its own: the server goes on with it when nobody waits any more, and it must be over before it
        // can be taken back.
        let making = self.making.insert(tokio::spawn(async move {
            let made = sqlx::query(create).execute(&mut connection).await.map(drop);
            postgres::goodbye(connection).await;
            made
        }));
        let made = making.await.unwrap_or(Err(sqlx::Error::WorkerCrashed));
        self.making = None;
        made.map_err(failed("; the user needs CREATEDB (ALTER ROLE … CREATEDB)"))
    }

    pub(crate) fn options(&self) -> PgConnectOptions {
        self.server.clone().database(&self.name)
    }

    /// Removes it, with whoever is still in it.
    pub(crate) async fn remove(self) {
        let force = if self.major >= 13 { " WITH (FORCE)" } else { "" };
        let drop = AssertSqlSafe(format!("DROP DATABASE IF EXISTS {}{force}", self.name));
        let removed = async {
            if let Some(making) = self.making {
                let _ = making.await;
            }
            let mut connection = postgres::connect(&self.server).await?;
            sqlx::query(drop).execute(&mut connection).await?;
            postgres::goodbye(connection).await;
            Ok::<(), sqlx::Error>(())
        };
        let removed = tokio::time::timeout(REMOVE, removed).await;
        if !matches!(removed, Ok(Ok(()))) {
            tracing::warn!(
                database.name = self.name,
                "the database of a verification is left behind: drop it"
            );
        }
    }
}
