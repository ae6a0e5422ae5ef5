//! Postgres: a snapshot that `pg_dump` and our counting share, and a restore in one transaction.

use std::time::Duration;

use groundcrew_config::Environment;
use groundcrew_runtime::Crew;
use groundcrew_sql::sqlx::postgres::{PgConnectOptions, PgConnection};
use groundcrew_sql::sqlx::{self, AssertSqlSafe, ConnectOptions, Connection};
use groundcrew_sql::{ConnectError, SqlConfig, UrlError};
use tokio::io::AsyncReadExt;

use crate::client::{Client, Running, tail};
use crate::manifest::{Contents, Taken};
use crate::progress::Progress;
use crate::store::{CHUNK, Upload};
use crate::tools::Tool;
use crate::{BackupConfig, BackupError, ToolError};

/// How long a dump waits behind a migration that holds a table.
const LOCK_WAIT: &str = "--lock-wait-timeout=60s";
/// How long ending a connection may take that will be dropped anyway.
const GOODBYE: Duration = Duration::from_secs(2);

/// Tables with rows of their own: no views, no foreign tables, no partitioned parents, nothing of an extension.
const TABLES: &str = "SELECT format('%s.%s', n.nspname, c.relname), format('%I.%I', n.nspname, c.relname) \
     FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
     WHERE c.relkind = 'r' AND c.relpersistence <> 't' AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' \
     AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid \
                     AND d.deptype = 'e') ORDER BY 1";

/// What makes a database not empty.
const OBJECTS: &str = "SELECT format('%s.%s', n.nspname, c.relname) \
     FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
     WHERE c.relkind IN ('r','p','v','m','S','f') AND c.relpersistence <> 't' \
     AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' \
     AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid \
                     AND d.deptype = 'e') ORDER BY c.relkind = 'S', 1 LIMIT 4";

/// The limits that the role, the database or the URL sets are for the service; a backup reads whole tables. Turns off
/// those that this version of Postgres has.
const WITHOUT_LIMITS: &str = "SELECT set_config(name, '0', false) FROM pg_settings WHERE name IN \
     ('statement_timeout', 'transaction_timeout', 'idle_in_transaction_session_timeout')";

/// Connects once as a service does, with its checks, its patience and its words, and gives back how: to the server
/// itself, never to a pooler.
pub(crate) async fn reach(
    config: &SqlConfig,
    service: &str,
    environment: Environment,
) -> Result<PgConnectOptions, ConnectError> {
    let config = past_the_pooler(config)?;
    let crew = Crew::builder(service, env!("CARGO_PKG_VERSION")).environment(environment).build();
    // Not sent, since it would be for nothing: each of our own connections turns them off.
    let config = SqlConfig {
        statement_timeout: Duration::ZERO,
        idle_in_transaction_timeout: Duration::ZERO,
        min_connections: 0,
        ..config
    };
    let connected = config.connect_postgres(&crew).await;
    let options = connected.map(|postgres| postgres.raw().connect_options().as_ref().clone());
    crew.land().await;
    options
}

/// The section with the way past the pooler. What `pg_dump`, `pg_restore` and we set for a session would stay on the
/// pooler's connection, for the service that is lent it next.
fn past_the_pooler(config: &SqlConfig) -> Result<SqlConfig, UrlError> {
    match &config.direct_url {
        Some(direct) => {
            Ok(SqlConfig { url: Some(direct.clone()), direct_url: None, pgbouncer: false, ..config.clone() })
        }
        None if config.pgbouncer => Err(UrlError::Unavailable {
            origin: config.url.as_ref().map_or_else(|| "default".to_owned(), |url| url.origin().to_string()),
            backend: "Postgres",
            problem: "behind a pooler (database.pgbouncer), through which backups and restores must not go: set \
                      DATABASE_DIRECT_URL (database.direct_url) to the server itself",
        }),
        None => Ok(config.clone()),
    }
}

/// One connection of our own. No limit is set for its statements but `lock_timeout`: `backup.timeout` bounds the whole.
pub(crate) async fn connect(options: &PgConnectOptions) -> Result<PgConnection, sqlx::Error> {
    let mut connection = options.clone().application_name("groundcrew-backup").connect().await?;
    sqlx::raw_sql(WITHOUT_LIMITS).execute(&mut connection).await?;
    Ok(connection)
}

pub(crate) async fn goodbye(connection: PgConnection) {
    let _ = tokio::time::timeout(GOODBYE, connection.close()).await;
}

/// The major version of the server, and what it calls itself.
pub(crate) async fn version(connection: &mut PgConnection) -> Result<(u32, String), sqlx::Error> {
    let number: String = sqlx::query_scalar("SHOW server_version_num").fetch_one(&mut *connection).await?;
    let words: String = sqlx::query_scalar("SHOW server_version").fetch_one(connection).await?;
    Ok((number.parse::<u32>().unwrap_or_default() / 10_000, words))
}

/// The rows of all tables and the newest migration, as this connection sees them.
pub(crate) async fn contents(connection: &mut PgConnection, count: bool) -> Result<Contents, sqlx::Error> {
    let mut contents = Contents::default();
    let known: Option<String> = sqlx::query_scalar("SELECT to_regclass('_sqlx_migrations')::text")
        .fetch_one(&mut *connection)
        .await?;
    if known.is_some() {
        let newest = "SELECT max(version) FROM _sqlx_migrations WHERE success";
        contents.migration = sqlx::query_scalar(newest).fetch_one(&mut *connection).await?;
    }
    if !count {
        return Ok(contents);
    }
    let tables: Vec<(String, String)> = sqlx::query_as(TABLES).fetch_all(&mut *connection).await?;
    for (name, quoted) in tables {
        let count = AssertSqlSafe(format!("SELECT count(*) FROM ONLY {quoted}"));
        let rows: i64 = sqlx::query_scalar(count).fetch_one(&mut *connection).await?;
        contents.rows.insert(name, u64::try_from(rows).unwrap_or_default());
    }
    Ok(contents)
}

/// A few things that are there already.
pub(crate) async fn objects(connection: &mut PgConnection) -> Result<Vec<String>, sqlx::Error> {
    sqlx::query_scalar(OBJECTS).fetch_all(connection).await
}

/// Dumps the database into the upload.
pub(crate) async fn dump(
    options: &PgConnectOptions,
    config: &BackupConfig,
    upload: &mut Upload,
    progress: &Progress,
) -> Result<Taken, BackupError> {
    let client = Client::of(options);
    let target = client.target.clone();
    let failed = |cause| BackupError::Database { target: target.clone(), cause: Box::new(cause) };
    let mut connection = connect(options).await.map_err(failed)?;
    let (major, server) = version(&mut connection).await.map_err(failed)?;
    let tool = Tool::find("pg_dump", config.pg_bin.as_deref(), major).await?;
    let snapshot = export(&mut connection).await.map_err(failed)?;

    let mut command = client.command(&tool);
    command.args(["--format=custom", LOCK_WAIT, &format!("--snapshot={snapshot}")]);
    command.arg(format!("--compress={}", config.compression));
    let running = Running::start(command, &tool)?;
    let count = async { contents(&mut connection, config.count_rows).await.map_err(failed) };
    let ((), contents) = tokio::try_join!(stream(&client, &tool, running, upload, progress), count)?;
    goodbye(connection).await;
    Ok(Taken { server, tool: tool.version, contents })
}

/// Begins a transaction whose view of the database others can share.
async fn export(connection: &mut PgConnection) -> Result<String, sqlx::Error> {
    sqlx::query("BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY").execute(&mut *connection).await?;
    // An error is better than a count of the rows that this user happens to see.
    sqlx::query("SET LOCAL row_security = off").execute(&mut *connection).await?;
    sqlx::query_scalar("SELECT pg_export_snapshot()").fetch_one(connection).await
}

async fn stream(
    client: &Client,
    tool: &Tool,
    mut running: Running,
    upload: &mut Upload,
    progress: &Progress,
) -> Result<(), BackupError> {
    let failed = |cause| ToolError::Run { program: tool.program, cause };
    let (stdout, stderr) = (running.child.stdout.take(), running.child.stderr.take());
    let write = async {
        let Some(mut stdout) = stdout else { return Ok(()) };
        let mut buffer = vec![0; CHUNK];
        loop {
            match stdout.read(&mut buffer).await.map_err(failed)? {
                0 => return Ok::<(), BackupError>(()),
                read => {
                    upload.write(&buffer[..read]).await?;
                    progress.add(read);
                }
            }
        }
    };
    // A store that fails ends it all: pg_dump is killed when `running` goes.
    let words = tail(stderr);
    let ((), words) = tokio::try_join!(write, async { Ok(words.await) })?;
    let status = running.child.wait().await.map_err(failed)?;
    Ok(client.judge(tool.program, status, &words)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn behind_a_pooler_without_a_direct_url_its_name_is_told_and_no_part_of_the_url() {
        let config =
            SqlConfig { pgbouncer: true, ..SqlConfig::of("postgres://clerk:hunter2@pooler/parcels") };
        let error = past_the_pooler(&config).unwrap_err().to_string();
        assert!(error.contains("DATABASE_DIRECT_URL (database.direct_url)"), "{error}");
        assert!(!error.contains("hunter2"), "{error}");
    }
}
