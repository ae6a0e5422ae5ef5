use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tempfile::tempdir;

use crate::support::{
    bounded, config, connect, database, files, number, on, on_sqlite, open, server, sqlite, sqlite_url,
};

fn command(folder: &Path, url: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_groundcrew-backup"));
    command.current_dir(folder).env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command
        .env("SERVICE_NAME", "parcels")
        .env("DATABASE_URL", url)
        .env("BACKUP_FOLDER", folder.join("backups"));
    command
}

fn run(folder: &Path, url: &str, arguments: &[&str]) -> Output {
    command(folder, url).args(arguments).output().expect("it runs")
}

fn json(output: &Output) -> Value {
    let words = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{words}");
    serde_json::from_slice(&output.stdout).expect("JSON in a pipe")
}

#[tokio::test]
async fn the_commands_back_up_list_verify_restore_and_prune() {
    bounded(async {
        let folder = tempdir().expect("a folder");
        let (path, url) = (folder.path(), sqlite_url(&folder.path().join("parcels.db")));
        let mut connection = sqlite(&path.join("parcels.db")).await;
        on_sqlite(&mut connection, "CREATE TABLE parcels (n INT); INSERT INTO parcels VALUES (1), (2);")
            .await;

        let made = json(&run(path, &url, &["backup"]));
        let name = made["backup"]["name"].as_str().expect("a name").to_owned();
        assert_eq!(made["backup"]["rows"]["parcels"], 2);
        assert_eq!(json(&run(path, &url, &["list"]))["backups"][0]["name"], name.as_str());
        assert_eq!(json(&run(path, &url, &["backup", "list"]))["backups"][0]["name"], name.as_str());
        assert_eq!(json(&run(path, &url, &["verify", &name]))["rows"], 2);
        let elsewhere = sqlite_url(&path.join("elsewhere.db"));
        json(&run(path, &url, &["restore", &name, "--into", &elsewhere]));
        assert!(path.join("elsewhere.db").is_file());
        assert_eq!(json(&run(path, &url, &["prune"]))["kept"], 1);
        let table = run(path, &url, &["list", "--table"]);
        assert!(String::from_utf8_lossy(&table.stdout).contains("2 rows"));
    })
    .await;
}

#[tokio::test]
async fn each_way_to_fail_has_its_exit_code() {
    bounded(async {
        let folder = tempdir().expect("a folder");
        let (path, url) = (folder.path(), sqlite_url(&folder.path().join("parcels.db")));
        let code = |arguments: &[&str]| run(path, &url, arguments).status.code();
        assert_eq!(code(&["frobnicate"]), Some(2));
        assert_eq!(code(&["verify", "--force"]), Some(2));
        assert_eq!(code(&["--set", "backup.keep=0", "list"]), Some(78));
        assert_eq!(code(&["--set", "backup.storage=s3", "list"]), Some(78), "no bucket is named");
        let half = ["--set", "backup.storage=s3", "--set", "backup.s3.bucket=b"];
        let half =
            half.iter().chain(&["--set", "backup.s3.access_key_id=k", "list"]).copied().collect::<Vec<_>>();
        assert_eq!(code(&half), Some(78), "a key without its secret");
        assert_eq!(run(path, "mysql://h/d", &["backup"]).status.code(), Some(78));
        assert_eq!(code(&["backup"]), Some(1), "there is no file");
        assert_eq!(code(&["restore"]), Some(1), "there is no backup");

        let mut connection = sqlite(&path.join("parcels.db")).await;
        on_sqlite(&mut connection, "CREATE TABLE parcels (n INT);").await;
        assert_eq!(code(&["backup"]), Some(0));
        let data =
            files(&path.join("backups")).into_iter().find(|file| file.ends_with(".db.gz")).expect("data");
        std::fs::write(path.join("backups").join(data), "x").expect("damaged");
        assert_eq!(code(&["verify"]), Some(3));
    })
    .await;
}

#[tokio::test]
async fn a_backup_that_gets_sigterm_says_so_and_leaves_nothing() {
    bounded(async {
        let (server, folder) = (server().await, tempdir().expect("a folder"));
        let source = database(&server).await;
        let mut holder = connect(source.url()).await;
        on(&mut holder, "CREATE TABLE parcels (n INT)").await;
        on(&mut holder, "BEGIN; LOCK TABLE parcels IN ACCESS EXCLUSIVE MODE").await;
        let mut child = command(folder.path(), source.url())
            .arg("backup")
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("it runs");
        // Not the holder: a transaction sees one state of the sessions.
        let mut watcher = connect(source.url()).await;
        let sessions = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'groundcrew-backup'";
        while number(&mut watcher, sessions).await < 2 {}
        let signalled = Command::new("kill").args(["-TERM", &child.id().to_string()]).status();
        assert!(signalled.expect("kill").success());
        let status =
            tokio::task::spawn_blocking(move || child.wait()).await.expect("no panic").expect("it ended");
        assert_eq!(status.code(), Some(130));
        assert!(files(&folder.path().join("backups")).is_empty());
        // The next one is not in the way of anything.
        on(&mut holder, "ROLLBACK").await;
        open(source.url(), config(&folder.path().join("backups"))).backup().await.expect("a backup");
    })
    .await;
}
