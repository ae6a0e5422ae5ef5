use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use groundcrew_backup::{BackupError, RestoreError, RestoreOptions, Which};
use groundcrew_config::Secret;
use groundcrew_sql::sqlx::Connection;
use tempfile::tempdir;

use crate::support::{bounded, config, files, on_sqlite, open, sqlite, sqlite_number, sqlite_url, until};

const SCHEMA: &str = "CREATE TABLE debit (n INTEGER NOT NULL); CREATE TABLE credit (n INTEGER NOT NULL); \
     CREATE TABLE filler (bytes BLOB NOT NULL);";

fn into(path: &Path) -> RestoreOptions {
    RestoreOptions { into: Some(Secret::new(sqlite_url(path))), ..RestoreOptions::default() }
}

/// One row, and a backup of it.
async fn backed_up(folder: &Path) -> (groundcrew_backup::Backups, String) {
    let file = folder.join("parcels.db");
    let mut connection = sqlite(&file).await;
    on_sqlite(&mut connection, "CREATE TABLE parcels (name TEXT); INSERT INTO parcels VALUES ('north');")
        .await;
    connection.close().await.expect("closed");
    let backups = open(&sqlite_url(&file), config(&folder.join("backups")));
    let name = backups.backup().await.expect("a backup").name;
    (backups, name)
}

async fn rows(path: &Path) -> i64 {
    let mut connection = sqlite(path).await;
    let rows = sqlite_number(&mut connection, "SELECT count(*) FROM parcels").await;
    connection.close().await.expect("closed");
    rows
}

/// Every transaction writes to both tables: a copy in which they differ is of no moment that ever was.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_under_writes_holds_one_moment_and_makes_no_writer_fail() {
    bounded(async {
        let folder = tempdir().expect("a folder");
        let file = folder.path().join("parcels.db");
        let mut connection = sqlite(&file).await;
        on_sqlite(&mut connection, SCHEMA).await;
        on_sqlite(
            &mut connection,
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000) \
             INSERT INTO filler SELECT randomblob(1000) FROM n;",
        )
        .await;
        let (stop, written) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let writer = tokio::spawn({
            let (stop, written) = (Arc::clone(&stop), Arc::clone(&written));
            async move {
                while !stop.load(Ordering::Relaxed) {
                    let sql = "BEGIN IMMEDIATE; INSERT INTO debit VALUES (1); INSERT INTO credit VALUES (1); COMMIT;";
                    on_sqlite(&mut connection, sql).await;
                    written.fetch_add(1, Ordering::Relaxed);
                }
            }
        });
        until("the writer writes", || async { written.load(Ordering::Relaxed) > 10 }).await;

        let before = written.load(Ordering::Relaxed);
        let backups = open(&sqlite_url(&file), config(&folder.path().join("backups")));
        let manifest = backups.backup().await.expect("a backup");
        let during = written.load(Ordering::Relaxed) - before;
        stop.store(true, Ordering::Relaxed);
        writer.await.expect("no write failed");
        assert!(during > 0, "writers go on meanwhile");

        let elsewhere = folder.path().join("elsewhere.db");
        backups.restore(&Which::Latest, &into(&elsewhere)).await.expect("restored");
        let mut restored = sqlite(&elsewhere).await;
        let debit = sqlite_number(&mut restored, "SELECT count(*) FROM debit").await;
        let credit = sqlite_number(&mut restored, "SELECT count(*) FROM credit").await;
        assert_eq!(debit, credit);
        assert!(debit >= i64::try_from(before).expect("few"), "what was committed before is in it");
        assert_eq!(manifest.rows["debit"], u64::try_from(debit).expect("a number"));
        assert_eq!(sqlite_number(&mut restored, "SELECT count(*) FROM filler").await, 20_000);
        let verified = backups.verify(&Which::Latest).await.expect("verified");
        assert!(verified.compared && verified.tables == 3);
    })
    .await;
}

/// Control: what everybody tries first.
#[tokio::test]
async fn copying_the_file_alone_loses_what_was_committed() {
    bounded(async {
        let folder = tempdir().expect("a folder");
        let file = folder.path().join("parcels.db");
        let mut service = sqlite(&file).await;
        on_sqlite(&mut service, "CREATE TABLE parcels (name TEXT); PRAGMA wal_checkpoint(TRUNCATE);").await;
        on_sqlite(&mut service, "INSERT INTO parcels VALUES ('north');").await;

        let copy = folder.path().join("copy.db");
        std::fs::copy(&file, &copy).expect("copied");
        assert_eq!(rows(&copy).await, 0, "the row is still in the log");

        let backups = open(&sqlite_url(&file), config(&folder.path().join("backups")));
        backups.backup().await.expect("a backup");
        let restored = folder.path().join("restored.db");
        backups.restore(&Which::Latest, &into(&restored)).await.expect("restored");
        assert_eq!(rows(&restored).await, 1);
    })
    .await;
}

#[tokio::test]
async fn a_damaged_backup_is_refused_and_nothing_is_touched() {
    bounded(async {
        let folder = tempdir().expect("a folder");
        let (backups, name) = backed_up(folder.path()).await;
        let target = folder.path().join("parcels.db");
        let before = std::fs::read(&target).expect("the database");
        let data = folder.path().join("backups").join(format!("{name}.db.gz"));
        let whole = std::fs::read(&data).expect("the backup");
        let mut flipped = whole.clone();
        flipped[whole.len() / 2] ^= 1;
        for damaged in [&flipped[..], &whole[..whole.len() - 1], &[]] {
            std::fs::write(&data, damaged).expect("damaged");
            let force = RestoreOptions { force: true, ..RestoreOptions::default() };
            let error = backups.restore(&Which::Latest, &force).await.unwrap_err();
            assert!(matches!(error, RestoreError::Corrupt { .. }), "{error}");
            assert!(backups.verify(&Which::Named(name.clone())).await.is_err());
        }
        std::fs::remove_file(&data).expect("removed");
        assert!(matches!(backups.verify(&Which::Latest).await, Err(RestoreError::Corrupt { .. })));
        assert_eq!(std::fs::read(&target).expect("the database"), before);
        assert_eq!(files(folder.path()), ["backups", "parcels.db"], "nothing is left over");
    })
    .await;
}

#[tokio::test]
async fn a_backup_without_a_manifest_is_none() {
    bounded(async {
        let folder = tempdir().expect("a folder");
        let (backups, name) = backed_up(folder.path()).await;
        std::fs::remove_file(folder.path().join("backups").join(format!("{name}.json"))).expect("removed");
        assert_eq!(backups.list().await.expect("a list").backups, []);
        assert!(matches!(backups.verify(&Which::Latest).await, Err(RestoreError::NotFound { .. })));
    })
    .await;
}

#[tokio::test]
async fn a_file_that_exists_is_only_replaced_by_force_and_kept_under_another_name() {
    bounded(async {
        let folder = tempdir().expect("a folder");
        let (backups, _) = backed_up(folder.path()).await;
        let file = folder.path().join("parcels.db");
        let mut service = sqlite(&file).await;
        on_sqlite(&mut service, "INSERT INTO parcels VALUES ('south');").await;
        service.close().await.expect("closed");

        let error = backups.restore(&Which::Latest, &RestoreOptions::default()).await.unwrap_err();
        assert!(matches!(error, RestoreError::NotEmpty { .. }), "{error}");
        assert!(error.to_string().contains("--force"), "{error}");
        assert_eq!(rows(&file).await, 2);

        let force = RestoreOptions { force: true, ..RestoreOptions::default() };
        let restored = backups.restore(&Which::Latest, &force).await.expect("restored");
        assert_eq!(rows(&file).await, 1);
        assert_eq!(rows(&restored.kept.expect("the old one")).await, 2);
    })
    .await;
}

#[tokio::test]
async fn a_database_that_somebody_has_open_is_not_replaced() {
    bounded(async {
        let folder = tempdir().expect("a folder");
        let (_, _) = backed_up(folder.path()).await;
        let file = folder.path().join("parcels.db");
        let mut service = sqlite(&file).await;
        on_sqlite(&mut service, "INSERT INTO parcels VALUES ('south');").await;
        let force = RestoreOptions { force: true, ..RestoreOptions::default() };
        let mut database = groundcrew_sql::SqlConfig::of(sqlite_url(&file));
        database.lock_timeout = std::time::Duration::from_millis(50);
        let sections =
            groundcrew_backup::BackupSections { database, backup: config(&folder.path().join("backups")) };
        let impatient =
            groundcrew_backup::Backups::open(sections, "parcels", groundcrew_config::Environment::Testing)
                .expect("a store");
        let error = impatient.restore(&Which::Latest, &force).await.unwrap_err();
        assert!(matches!(error, RestoreError::InUse { .. }), "{error}");
        assert_eq!(sqlite_number(&mut service, "SELECT count(*) FROM parcels").await, 2);
    })
    .await;
}

/// A service that was killed leaves its log beside the file. It must not be played into what is restored.
#[tokio::test]
async fn the_log_of_the_old_database_does_not_reach_the_new_one() {
    bounded(async {
        let folder = tempdir().expect("a folder");
        let (backups, _) = backed_up(folder.path()).await;
        let file = folder.path().join("parcels.db");
        killed_with_a_log(&file).await;

        let force = RestoreOptions { force: true, ..RestoreOptions::default() };
        let restored = backups.restore(&Which::Latest, &force).await.expect("restored");
        assert_eq!(rows(&file).await, 1);
        assert_eq!(rows(&restored.kept.expect("the old one")).await, 101, "nothing of the old one is lost");
    })
    .await;
}

/// What restores are for. The log that lies beside the wreck belongs to it.
#[tokio::test]
async fn a_damaged_database_with_a_log_is_replaced() {
    bounded(async {
        let folder = tempdir().expect("a folder");
        let (backups, _) = backed_up(folder.path()).await;
        let file = folder.path().join("parcels.db");
        killed_with_a_log(&file).await;
        std::fs::write(&file, [b'x'; 8192]).expect("damaged");

        let force = RestoreOptions { force: true, ..RestoreOptions::default() };
        let restored = backups.restore(&Which::Latest, &force).await.expect("restored");
        assert_eq!(rows(&file).await, 1);
        assert!(restored.kept.expect("the old one").is_file());
    })
    .await;
}

/// Control of the two tests above: the same restore by hand, with `cp`.
#[tokio::test]
async fn a_log_that_is_left_beside_a_new_file_is_played_into_it() {
    bounded(async {
        let folder = tempdir().expect("a folder");
        let (backups, _) = backed_up(folder.path()).await;
        let restored = folder.path().join("restored.db");
        backups.restore(&Which::Latest, &into(&restored)).await.expect("restored");
        let file = folder.path().join("parcels.db");
        killed_with_a_log(&file).await;
        std::fs::copy(&restored, &file).expect("copied over");
        let mut connection = sqlite(&file).await;
        let count = groundcrew_sql::sqlx::query_scalar::<_, i64>("SELECT count(*) FROM parcels");
        assert_ne!(
            count.fetch_one(&mut connection).await.ok(),
            Some(1),
            "the old rows are back, or it is broken"
        );
    })
    .await;
}

/// Leaves 101 rows, of which 100 stand only in the log, as a process does that dies.
async fn killed_with_a_log(file: &Path) {
    let mut service = sqlite(file).await;
    for _ in 0..100 {
        on_sqlite(&mut service, "INSERT INTO parcels VALUES ('south');").await;
    }
    let wal = file.with_extension("db-wal");
    let (database, log) = (std::fs::read(file).expect("the file"), std::fs::read(&wal).expect("its log"));
    service.close().await.expect("closed");
    std::fs::write(file, database).expect("as it was");
    std::fs::write(wal, log).expect("as it was");
}

#[tokio::test]
async fn a_damaged_database_gives_no_backup_and_leaves_nothing() {
    bounded(async {
        let folder = tempdir().expect("a folder");
        let file = folder.path().join("parcels.db");
        std::fs::write(&file, [b'x'; 8192]).expect("no database");
        let backups = open(&sqlite_url(&file), config(&folder.path().join("backups")));
        let error = backups.backup().await.unwrap_err();
        assert!(matches!(error, BackupError::Database { .. }), "{error}");
        assert!(files(&folder.path().join("backups")).is_empty());
    })
    .await;
}

#[tokio::test]
async fn a_missing_database_is_not_made_to_be_backed_up() {
    bounded(async {
        let folder = tempdir().expect("a folder");
        let file = folder.path().join("parcels.db");
        let backups = open(&sqlite_url(&file), config(&folder.path().join("backups")));
        let error = backups.backup().await.unwrap_err().to_string();
        assert!(error.contains("there is no SQLite file"), "{error}");
        assert!(!file.exists());
    })
    .await;
}

/// Other users of the machine must not read the data.
#[cfg(unix)]
#[tokio::test]
async fn only_the_owner_may_read_a_backup() {
    use std::os::unix::fs::PermissionsExt;
    bounded(async {
        let folder = tempdir().expect("a folder");
        backed_up(folder.path()).await;
        let backups = folder.path().join("backups");
        let mode = |path: &Path| std::fs::metadata(path).expect("metadata").permissions().mode() & 0o077;
        assert_eq!(mode(&backups), 0);
        assert!(files(&backups).iter().all(|file| mode(&backups.join(file)) == 0));
    })
    .await;
}
