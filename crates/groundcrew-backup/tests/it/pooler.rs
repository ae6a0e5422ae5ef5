//! A service behind PgBouncer, which its backups must go past.

use std::process::Command;
use std::time::Duration;

use groundcrew_backup::{BackupError, BackupSections, Backups, RestoreOptions, Which};
use groundcrew_config::Environment;
use groundcrew_sql::{ConnectError, SqlConfig, sqlx};
use groundcrew_testkit::pgbouncer::PgBouncer;
use tempfile::tempdir;

use crate::support::{bounded, config, connect, database, files, on, open, server};

fn behind(pooler: &str, direct: Option<&str>) -> SqlConfig {
    SqlConfig {
        pgbouncer: true,
        direct_url: direct.and_then(|direct| SqlConfig::of(direct).url),
        connect_retry: Duration::from_millis(200),
        ..SqlConfig::of(pooler)
    }
}

#[tokio::test]
async fn a_backup_its_verification_and_its_restore_go_past_the_pooler() {
    bounded(async {
        let (server, folder) = (server().await, tempdir().expect("a folder"));
        let source = database(&server).await;
        let mut connection = connect(source.url()).await;
        on(&mut connection, "CREATE TABLE parcels (n INT); INSERT INTO parcels VALUES (1)").await;
        let mut bouncer = PgBouncer::in_front_of(&server).await.expect("a pooler");
        let section = behind(&bouncer.url_to(source.url()), Some(source.url()));
        // Nothing goes through it now.
        bouncer.kill();
        let sections = BackupSections { database: section, backup: config(folder.path()) };
        let backups = Backups::open(sections, "parcels", Environment::Testing).expect("a store");
        backups.backup().await.expect("a backup");
        assert_eq!(backups.verify(&Which::Latest).await.expect("verified").rows, 1);
        let force = RestoreOptions { force: true, ..RestoreOptions::default() };
        backups.restore(&Which::Latest, &force).await.expect("restored");
    })
    .await;
}

#[tokio::test]
async fn behind_a_pooler_without_a_direct_url_nothing_is_tried() {
    bounded(async {
        let folder = tempdir().expect("a folder");
        // Nobody listens there: whoever tries says so.
        let section = behind("postgres://parcels@127.0.0.1:1/parcels", None);
        let sections = BackupSections { database: section, backup: config(folder.path()) };
        let backups = Backups::open(sections, "parcels", Environment::Testing).expect("a store");
        let error = backups.backup().await.unwrap_err();
        assert!(matches!(error, BackupError::Connect(ConnectError::Url(_))), "{error}");
        assert!(error.to_string().contains("DATABASE_DIRECT_URL"), "{error}");
        assert!(files(folder.path()).is_empty());
    })
    .await;
}

/// The control: why they must not.
#[tokio::test]
async fn after_a_restore_through_a_pooler_the_service_does_not_find_its_tables() {
    bounded(async {
        let (server, folder) = (server().await, tempdir().expect("a folder"));
        let (source, target) = (database(&server).await, database(&server).await);
        on(&mut connect(source.url()).await, "CREATE TABLE parcels (n INT)").await;
        let manifest = open(source.url(), config(folder.path())).backup().await.expect("a backup");
        let setup = PgBouncer::setup().setting("default_pool_size", "1");
        let bouncer = setup.in_front_of(&server).await.expect("a pooler");
        let through = bouncer.url_to(target.url());
        let mut naive = Command::new("pg_restore");
        naive.args(["--exit-on-error", "--single-transaction", "--no-owner", "--dbname", &through]);
        let restored = naive.arg(folder.path().join(&manifest.file)).output().expect("pg_restore");
        assert!(restored.status.success(), "{}", String::from_utf8_lossy(&restored.stderr));

        let mut service = connect(&through).await;
        let error = sqlx::raw_sql("INSERT INTO parcels VALUES (1)").execute(&mut service).await.unwrap_err();
        assert!(error.to_string().contains("relation \"parcels\" does not exist"), "{error}");
    })
    .await;
}
