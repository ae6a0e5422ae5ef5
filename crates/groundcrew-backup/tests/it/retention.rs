use std::path::Path;
use std::time::Duration;

use groundcrew_backup::{BackupConfig, Manifest, Name, Which};
use jiff::{Timestamp, ToSpan};
use tempfile::tempdir;

use crate::support::{bounded, config, files, on_sqlite, open, sqlite, sqlite_url};

const DAY: Duration = Duration::from_secs(86_400);

/// A backup as if it had been made some days ago.
fn age(folder: &Path, manifest: &Manifest, days: i64) -> String {
    let name = Name::new("parcels", manifest.time - (days * 24).hours());
    let (time, file) = (name.time(), format!("{name}.db.gz"));
    std::fs::copy(folder.join(&manifest.file), folder.join(&file)).expect("copied");
    let aged = Manifest { name: name.to_string(), time, file, ..manifest.clone() };
    std::fs::write(folder.join(format!("{name}.json")), serde_json::to_vec(&aged).expect("JSON"))
        .expect("written");
    name.to_string()
}

#[tokio::test]
async fn old_backups_and_leftovers_go_and_everything_else_stays() {
    bounded(async {
        let folder = tempdir().expect("a folder");
        let (file, place) = (folder.path().join("parcels.db"), folder.path().join("backups"));
        let mut connection = sqlite(&file).await;
        on_sqlite(&mut connection, "CREATE TABLE parcels (name TEXT);").await;
        let config = BackupConfig { keep: 2, keep_for: 7 * DAY, ..config(&place) };
        let backups = open(&sqlite_url(&file), config);
        let manifest = backups.backup().await.expect("a backup");
        let days: Vec<String> = [3, 8, 9].into_iter().map(|days| age(&place, &manifest, days)).collect();

        let long_ago = Name::new("parcels", Timestamp::now() - 999.hours());
        for strange in [
            format!("{long_ago}.dump"),
            format!(".{long_ago}.db.1-2-3.partial"),
            format!("parcels-eu-{}", &long_ago.to_string()[8..]) + ".dump",
            "notes.txt".to_owned(),
        ] {
            std::fs::write(place.join(strange), "x").expect("written");
        }

        let dry = backups.prune(true).await.expect("said");
        assert_eq!(files(&place).len(), 12, "a dry run removes nothing");
        let pruned = backups.prune(false).await.expect("pruned");
        assert_eq!(pruned, dry);
        assert_eq!(pruned.removed, days[1..]);
        assert_eq!(pruned.kept, 2);
        assert_eq!(pruned.leftovers.len(), 2, "{:?}", pruned.leftovers);
        let left = files(&place);
        assert!(left.contains(&"notes.txt".to_owned()));
        assert!(left.iter().any(|file| file.starts_with("parcels-eu-")), "another service's: {left:?}");
        assert_eq!(left.len(), 6);
    })
    .await;
}

#[tokio::test]
async fn a_verification_that_runs_is_no_leftover_however_old_its_backup_is() {
    bounded(async {
        let folder = tempdir().expect("a folder");
        let (file, place) = (folder.path().join("parcels.db"), folder.path().join("backups"));
        let mut connection = sqlite(&file).await;
        // Enough that it takes a while.
        let rows = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 20000) \
                    INSERT INTO parcels SELECT hex(randomblob(50)) FROM n;";
        on_sqlite(&mut connection, &format!("CREATE TABLE parcels (name TEXT); {rows}")).await;
        let backups = open(&sqlite_url(&file), BackupConfig { keep_for: 7 * DAY, ..config(&place) });
        let manifest = backups.backup().await.expect("a backup");
        let aged = Which::Named(age(&place, &manifest, 3));
        let verifying = tokio::spawn({
            let backups = backups.clone();
            async move { backups.verify(&aged).await }
        });
        let mut was_there = false;
        while !verifying.is_finished() {
            was_there |= files(&place).iter().any(|file| file.contains(".verify."));
            let pruned = backups.prune(false).await.expect("pruned");
            assert!(pruned.leftovers.is_empty(), "{:?}", pruned.leftovers);
        }
        assert!(was_there, "it was pruned while the file was there");
        verifying.await.expect("no panic").expect("verified");
    })
    .await;
}
