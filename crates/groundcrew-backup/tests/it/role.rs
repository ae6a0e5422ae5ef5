//! What the settings of the service's role mean for its backups.

use std::time::Duration;

use groundcrew_backup::{BackupSections, Backups};
use groundcrew_config::Environment;
use groundcrew_sql::SqlConfig;
use tempfile::tempdir;

use crate::support::{bounded, config, connect, database, number, on, server};

/// Reading a large table takes longer; here the count waits for a lock instead.
#[tokio::test]
async fn a_statement_timeout_of_the_role_does_not_end_a_backup() {
    bounded(async {
        let (server, folder) = (server().await, tempdir().expect("a folder"));
        let source = database(&server).await;
        let (mut holder, mut watcher) = (connect(source.url()).await, connect(source.url()).await);
        on(&mut holder, "CREATE TABLE parcels (n INT); INSERT INTO parcels VALUES (1)").await;
        on(&mut holder, "CREATE ROLE hasty SUPERUSER LOGIN").await;
        on(&mut holder, "ALTER ROLE hasty SET statement_timeout = '500ms'").await;
        on(&mut holder, "BEGIN; LOCK TABLE parcels IN ACCESS EXCLUSIVE MODE").await;

        let (_, rest) = source.url().split_once('@').expect("a user");
        let hasty = SqlConfig::of(format!("postgres://hasty@{rest}"));
        let hasty = SqlConfig { lock_timeout: Duration::from_secs(60), ..hasty };
        let sections = BackupSections { database: hasty, backup: config(folder.path()) };
        let backups = Backups::open(sections, "parcels", Environment::Testing).expect("a store");
        let running = tokio::spawn(async move { backups.backup().await });
        let long = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'groundcrew-backup' \
                    AND state = 'active' AND query LIKE 'SELECT count(*)%' \
                    AND clock_timestamp() - query_start > interval '1 s'";
        while !running.is_finished() && number(&mut watcher, long).await == 0 {}
        on(&mut holder, "ROLLBACK").await;
        let manifest = running.await.expect("no panic").expect("a backup");
        assert_eq!(manifest.rows["public.parcels"], 1);
    })
    .await;
}
