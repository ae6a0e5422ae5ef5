use std::os::unix::fs::PermissionsExt;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use groundcrew_backup::{
    BackupConfig, BackupError, BackupSections, Backups, RestoreError, RestoreOptions, Which,
};
use groundcrew_config::{Environment, Secret};
use groundcrew_sql::SqlConfig;
use groundcrew_sql::sqlx::postgres::PgConnection;
use groundcrew_testkit::postgres::Postgres;
use tempfile::tempdir;

use crate::support::{bounded, config, connect, database, files, number, on, open, server, text, until};

const CANARY: &str = "correct horse/b@ttery";
const ROWS: &str = "SELECT coalesce(md5(string_agg(p::text, '|' ORDER BY id)), '') FROM parcels p";

fn into(url: &str) -> RestoreOptions {
    RestoreOptions { into: Some(Secret::new(url.to_owned())), ..RestoreOptions::default() }
}

async fn parcels(url: &str) -> PgConnection {
    let mut connection = connect(url).await;
    on(
        &mut connection,
        "CREATE TYPE mood AS ENUM ('sad', 'glad'); \
         CREATE TABLE parcels (id BIGSERIAL PRIMARY KEY, name TEXT NOT NULL, mood mood, weight NUMERIC); \
         CREATE TABLE \"Odd 'name\" (id INT REFERENCES parcels); \
         CREATE INDEX ON parcels (name); \
         INSERT INTO parcels (name, mood, weight) \
         SELECT 'parcel ' || n || E'\\n\\t\\\\', CASE WHEN n % 3 = 0 THEN 'glad'::mood END, n / 7.0 \
         FROM generate_series(1, 5000) n; \
         INSERT INTO \"Odd 'name\" VALUES (1);",
    )
    .await;
    connection
}

/// Every transaction writes to both tables, so that a snapshot in which they differ is none.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_under_writes_is_restored_elsewhere_row_by_row() {
    bounded(async {
        let (server, folder) = (server().await, tempdir().expect("a folder"));
        let (source, target) = (database(&server).await, database(&server).await);
        let mut connection = parcels(source.url()).await;
        let rows = text(&mut connection, ROWS).await;
        on(&mut connection, "CREATE TABLE debit (n INT); CREATE TABLE credit (n INT)").await;
        let (stop, written) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let writer = tokio::spawn({
            let (stop, written) = (Arc::clone(&stop), Arc::clone(&written));
            async move {
                while !stop.load(Ordering::Relaxed) {
                    on(&mut connection, "INSERT INTO debit VALUES (1); INSERT INTO credit VALUES (1)").await;
                    written.fetch_add(1, Ordering::Relaxed);
                }
            }
        });
        until("the writer writes", || async { written.load(Ordering::Relaxed) > 10 }).await;
        let before = written.load(Ordering::Relaxed);
        let backups = open(source.url(), config(folder.path()));
        let manifest = backups.backup().await.expect("a backup");
        stop.store(true, Ordering::Relaxed);
        writer.await.expect("no write failed");

        backups.restore(&Which::Latest, &into(target.url())).await.expect("restored");
        let mut restored = connect(target.url()).await;
        assert_eq!(text(&mut restored, ROWS).await, rows);
        let debit = number(&mut restored, "SELECT count(*) FROM debit").await;
        assert_eq!(debit, number(&mut restored, "SELECT count(*) FROM credit").await);
        assert!(u64::try_from(debit).expect("a number") >= before);
        // Counted in the very snapshot that was dumped.
        assert_eq!(manifest.rows["public.debit"], u64::try_from(debit).expect("a number"));
        assert_eq!((manifest.rows["public.parcels"], manifest.rows["public.Odd 'name"]), (5000, 1));
        on(&mut restored, "INSERT INTO parcels (name) VALUES ('next')").await;
        let next = number(&mut restored, "SELECT max(id) FROM parcels").await;
        assert_eq!(next, 5001, "sequences go on where they were");
    })
    .await;
}

#[tokio::test]
async fn a_verification_restores_counts_and_leaves_nothing_behind() {
    bounded(async {
        let (server, folder) = (server().await, tempdir().expect("a folder"));
        let source = database(&server).await;
        let mut connection = parcels(source.url()).await;
        on(&mut connection, "CREATE TABLE _sqlx_migrations (version BIGINT, success BOOLEAN)").await;
        on(&mut connection, "INSERT INTO _sqlx_migrations VALUES (7, true), (8, false)").await;
        let backups = open(source.url(), config(folder.path()));
        let manifest = backups.backup().await.expect("a backup");
        assert_eq!(manifest.migration, Some(7));
        let verified = backups.verify(&Which::Latest).await.expect("verified");
        assert_eq!((verified.tables, verified.rows, verified.compared), (3, 5003, true));

        // Control: one that holds less than it says is found out.
        let path = folder.path().join(format!("{}.json", manifest.name));
        let mut lying = manifest.clone();
        lying.rows.insert("public.parcels".to_owned(), 5001);
        std::fs::write(&path, serde_json::to_vec(&lying).expect("JSON")).expect("written");
        let error = backups.verify(&Which::Latest).await.unwrap_err();
        assert!(error.to_string().contains("public.parcels: 5001 expected, 5000 found"), "{error}");

        let left = "SELECT count(*) FROM pg_database WHERE datname LIKE 'groundcrew%'";
        assert_eq!(number(&mut connection, left).await, 0);
    })
    .await;
}

#[tokio::test]
async fn a_verification_that_is_stopped_while_its_database_is_made_leaves_none_behind() {
    bounded(async {
        let (server, folder) = (Postgres::private().await.expect("a server"), tempdir().expect("a folder"));
        let source = database(&server).await;
        let mut connection = parcels(source.url()).await;
        let backups = open(source.url(), config(folder.path()));
        backups.backup().await.expect("a backup");
        // Whoever makes a database of that template waits behind this.
        let mut holder = connect(source.url()).await;
        on(&mut holder, "BEGIN; COMMENT ON DATABASE template0 IS 'held'").await;
        let verifying = tokio::spawn({
            let backups = backups.clone();
            async move { backups.verify(&Which::Latest).await }
        });
        let making = "SELECT count(*) FROM pg_stat_activity \
                      WHERE state = 'active' AND query LIKE 'CREATE DATABASE groundcrew_verify%'";
        while number(&mut connection, making).await == 0 {}
        backups.stop();
        // Whoever does not wait for the server is done meanwhile, and has found nothing to drop.
        for _ in 0..500 {
            assert_eq!(number(&mut connection, making).await, 1);
        }
        on(&mut holder, "ROLLBACK").await;
        let stopped = verifying.await.expect("no panic");
        assert!(matches!(stopped, Err(RestoreError::Stopped)), "{stopped:?}");
        while number(&mut connection, making).await > 0 {}
        let left = "SELECT count(*) FROM pg_database WHERE datname LIKE 'groundcrew_verify%'";
        assert_eq!(number(&mut connection, left).await, 0);
    })
    .await;
}

#[tokio::test]
async fn a_database_that_is_not_empty_is_only_overwritten_by_force() {
    bounded(async {
        let (server, folder) = (server().await, tempdir().expect("a folder"));
        let source = database(&server).await;
        let mut connection = parcels(source.url()).await;
        let rows = text(&mut connection, ROWS).await;
        let backups = open(source.url(), config(folder.path()));
        backups.backup().await.expect("a backup");
        on(&mut connection, "DELETE FROM parcels WHERE id > 17").await;
        let changed = text(&mut connection, ROWS).await;

        let error = backups.restore(&Which::Latest, &RestoreOptions::default()).await.unwrap_err();
        assert!(matches!(error, RestoreError::NotEmpty { .. }), "{error}");
        assert!(
            error.to_string().contains("public.parcels") && error.to_string().contains("--force"),
            "{error}"
        );
        assert_eq!(text(&mut connection, ROWS).await, changed);

        let force = RestoreOptions { force: true, ..RestoreOptions::default() };
        backups.restore(&Which::Latest, &force).await.expect("restored");
        assert_eq!(text(&mut connect(source.url()).await, ROWS).await, rows);
    })
    .await;
}

#[tokio::test]
async fn a_restore_that_fails_half_way_leaves_the_database_as_it_was() {
    bounded(async {
        let (server, folder) = (server().await, tempdir().expect("a folder"));
        let (source, target) = (database(&server).await, database(&server).await);
        parcels(source.url()).await;
        let backups = open(source.url(), config(folder.path()));
        let manifest = backups.backup().await.expect("a backup");
        // In the way of the index, which comes long after tables and rows.
        let mut connection = connect(target.url()).await;
        on(&mut connection, "CREATE TYPE parcels_name_idx AS (n INT)").await;
        let tables = "SELECT count(*) FROM pg_class WHERE relname IN ('parcels', 'Odd ''name')";

        let error = backups.restore(&Which::Latest, &into(target.url())).await.unwrap_err();
        let words = error.to_string();
        assert!(words.contains("parcels_name_idx"), "{words}");
        assert_eq!(number(&mut connection, tables).await, 0, "{words}");

        // Control: without the transaction half of it stays.
        let archive = folder.path().join(&manifest.file);
        let mut naive = Command::new("pg_restore");
        naive.args(["--exit-on-error", "--no-owner", "--dbname", target.url()]).arg(&archive);
        assert!(!naive.output().expect("pg_restore").status.success());
        assert_ne!(number(&mut connection, tables).await, 0);
    })
    .await;
}

#[tokio::test]
async fn a_damaged_backup_is_refused_before_the_database_is_touched() {
    bounded(async {
        let (server, folder) = (server().await, tempdir().expect("a folder"));
        let source = database(&server).await;
        let mut connection = parcels(source.url()).await;
        let backups = open(source.url(), config(folder.path()));
        let manifest = backups.backup().await.expect("a backup");
        let path = folder.path().join(&manifest.file);
        let mut bytes = std::fs::read(&path).expect("the backup");
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        std::fs::write(&path, bytes).expect("damaged");
        let before = text(&mut connection, ROWS).await;
        let force = RestoreOptions { force: true, ..RestoreOptions::default() };
        let error = backups.restore(&Which::Latest, &force).await.unwrap_err();
        assert!(matches!(error, RestoreError::Corrupt { .. }), "{error}");
        assert_eq!(text(&mut connection, ROWS).await, before);
    })
    .await;
}

/// How many sessions of a dump the server has.
async fn dumps(connection: &mut PgConnection) -> i64 {
    number(connection, "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'groundcrew-backup'")
        .await
}

#[tokio::test]
async fn a_backup_that_is_dropped_stopped_or_late_leaves_nothing() {
    bounded(async {
        let (server, folder) = (server().await, tempdir().expect("a folder"));
        let source = database(&server).await;
        let mut connection = parcels(source.url()).await;
        // A dump waits behind this lock.
        let mut holder = connect(source.url()).await;
        on(&mut holder, "BEGIN; LOCK TABLE parcels IN ACCESS EXCLUSIVE MODE").await;

        let backups = open(source.url(), config(folder.path()));
        let dropped = tokio::spawn({
            let backups = backups.clone();
            async move { backups.backup().await }
        });
        while dumps(&mut connection).await < 2 {}
        assert_eq!(files(folder.path()).len(), 1, "it has begun");
        dropped.abort();
        until("everything is gone", || async { files(folder.path()).is_empty() }).await;
        while dumps(&mut connection).await > 0 {}

        let running = tokio::spawn({
            let backups = backups.clone();
            async move { backups.backup().await }
        });
        while dumps(&mut connection).await < 2 {}
        backups.stop();
        assert!(matches!(running.await.expect("no panic"), Err(BackupError::Stopped)));
        assert!(files(folder.path()).is_empty());

        let timeout = Duration::from_millis(500);
        let late = open(source.url(), BackupConfig { timeout, ..config(folder.path()) });
        assert!(matches!(late.backup().await, Err(BackupError::TimedOut(_))));
        assert!(files(folder.path()).is_empty());
    })
    .await;
}

/// Asks for a password from now on, where the server is ours.
async fn ask_for_passwords(connection: &mut PgConnection, ours: bool) {
    on(connection, &format!("CREATE ROLE clerk LOGIN PASSWORD '{CANARY}'")).await;
    if ours {
        let file = text(connection, "SHOW hba_file").await;
        let rule = "host all clerk 127.0.0.1/32 scram-sha-256";
        let trust = "host all all 127.0.0.1/32 trust";
        on(connection, &format!("COPY (VALUES ('{rule}'), ('{trust}')) TO '{file}'")).await;
        on(connection, "SELECT pg_reload_conf()").await;
    }
}

fn as_clerk(url: &str, password: &str, folder: &std::path::Path) -> Backups {
    let (_, rest) = url.split_once('@').expect("a user");
    let mut database = SqlConfig::of(format!("postgres://clerk@{rest}"));
    database.password = Some(Secret::new(password.to_owned()));
    database.connect_retry = Duration::from_millis(200);
    let sections = BackupSections { database, backup: config(folder) };
    Backups::open(sections, "parcels", Environment::Testing).expect("a store")
}

#[tokio::test]
async fn a_wrong_password_is_told_with_the_variable_and_without_the_password() {
    bounded(async {
        let (server, folder) = (server().await, tempdir().expect("a folder"));
        let source = database(&server).await;
        let mut connection = parcels(source.url()).await;
        ask_for_passwords(&mut connection, server.port().is_some()).await;
        let refused = || async {
            let wrong = as_clerk(source.url(), "wr0ng-secret", folder.path()).backup().await;
            wrong.err().is_some_and(|error| {
                let words = format!("{error} {error:?}");
                assert!(!words.contains("wr0ng-secret"), "{words}");
                words.contains("DATABASE_PASSWORD")
            })
        };
        until("the server asks for passwords", refused).await;
        assert!(files(folder.path()).is_empty());

        // The right one lets in, and then the rights are missing.
        let error = as_clerk(source.url(), CANARY, folder.path()).backup().await.unwrap_err();
        let words = format!("{error} {error:?}");
        assert!(words.contains("permission denied"), "{words}");
        assert!(!words.contains("horse"), "{words}");
        assert!(files(folder.path()).is_empty());
    })
    .await;
}

/// A command line can be read by every user of the machine.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn the_password_reaches_pg_dump_and_stands_on_no_command_line() {
    bounded(async {
        let (server, folder) = (server().await, tempdir().expect("a folder"));
        let source = database(&server).await;
        let mut connection = parcels(source.url()).await;
        ask_for_passwords(&mut connection, server.port().is_some()).await;
        on(&mut connection, "GRANT pg_read_all_data TO clerk").await;
        let mut holder = connect(source.url()).await;
        on(&mut holder, "BEGIN; LOCK TABLE parcels IN ACCESS EXCLUSIVE MODE").await;
        let backups = as_clerk(source.url(), CANARY, folder.path());
        let running = tokio::spawn(async move { backups.backup().await });
        while dumps(&mut connection).await < 2 {}

        let us = std::process::id().to_string();
        let mut seen = 0;
        for entry in std::fs::read_dir("/proc").expect("/proc").flatten() {
            let stat = std::fs::read_to_string(entry.path().join("stat")).unwrap_or_default();
            let parent = stat.rsplit_once(')').and_then(|(_, rest)| rest.split_whitespace().nth(1));
            let line = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
            let line = String::from_utf8_lossy(&line).into_owned();
            if parent == Some(us.as_str()) && line.contains("pg_dump") {
                seen += 1;
                assert!(!line.contains("horse") && !line.contains("clerk"), "{line}");
            }
        }
        assert_eq!(seen, 1, "pg_dump runs");
        on(&mut holder, "ROLLBACK").await;
        running.await.expect("no panic").expect("a backup");
    })
    .await;
}

#[tokio::test]
async fn a_pg_dump_older_than_the_server_is_told_with_the_command_that_installs_the_right_one() {
    bounded(async {
        let (server, folder) = (server().await, tempdir().expect("a folder"));
        let source = database(&server).await;
        let tool = folder.path().join("pg_dump");
        std::fs::write(&tool, "#!/bin/sh\necho 'pg_dump (PostgreSQL) 9.6.24'\n").expect("written");
        std::fs::set_permissions(&tool, std::fs::Permissions::from_mode(0o755)).expect("executable");
        let place = folder.path().join("backups");
        let old = BackupConfig { pg_bin: Some(folder.path().to_path_buf()), ..config(&place) };
        let error = open(source.url(), old).backup().await.unwrap_err().to_string();
        assert!(error.contains("pg_dump 9 is too old"), "{error}");
        assert!(error.contains("apt-get install -y postgresql-client-"), "{error}");
        assert!(files(&place).is_empty());
    })
    .await;
}

#[tokio::test]
async fn a_backup_of_the_other_kind_is_refused() {
    bounded(async {
        let (server, folder) = (server().await, tempdir().expect("a folder"));
        let source = database(&server).await;
        parcels(source.url()).await;
        let backups = open(source.url(), config(folder.path()));
        backups.backup().await.expect("a backup");
        let error = backups.restore(&Which::Latest, &into("sqlite:x.db")).await.unwrap_err();
        assert!(matches!(error, RestoreError::WrongBackend { .. }), "{error}");
    })
    .await;
}
