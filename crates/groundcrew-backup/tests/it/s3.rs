use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use groundcrew_backup::{BackupConfig, Manifest, RestoreError, RestoreOptions, S3Config, Storage, Which};
use groundcrew_config::{ByteSize, Secret};
use tempfile::tempdir;

use crate::support::{
    bounded, config, connect, database, number, on, on_sqlite, open, server, sqlite, sqlite_number,
    sqlite_url, until,
};

const BUCKET: &str = "parcels";
const SECRET: &str = "s3-canary-secret";

/// A server that speaks S3, with one bucket.
struct Store {
    child: Child,
    addr: SocketAddr,
}

impl Store {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let addr = listener.local_addr().expect("its number");
        drop(listener);
        let mut command = Command::new(moto());
        command.args(["-H", "127.0.0.1", "-p", &addr.port().to_string()]);
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("moto_server starts");
        let store = Self { child, addr };
        until("the store answers", || async { store.ask("PUT", &format!("/{BUCKET}")).contains(" 200 ") })
            .await;
        store
    }

    /// What the store answers to somebody who is not under test.
    fn ask(&self, method: &str, path: &str) -> String {
        let mut answer = String::new();
        if let Ok(mut stream) = TcpStream::connect(self.addr) {
            let _ = stream.set_read_timeout(Some(Duration::from_secs(10)));
            let request = format!(
                "{method} {path} HTTP/1.1\r\nHost: {}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
                self.addr
            );
            let _ = stream.write_all(request.as_bytes());
            let _ = stream.read_to_string(&mut answer);
        }
        answer
    }

    fn config(&self) -> BackupConfig {
        let s3 = S3Config {
            bucket: Some(BUCKET.to_owned()),
            endpoint: Some(format!("http://{}", self.addr)),
            access_key_id: Some(Secret::new("key".to_owned())),
            secret_access_key: Some(Secret::new(SECRET.to_owned())),
            part_size: ByteSize(5 << 20),
            request_timeout: Duration::from_secs(10),
            ..S3Config::default()
        };
        BackupConfig { storage: Storage::S3, s3, ..config(std::path::Path::new("unused")) }
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn moto() -> PathBuf {
    let given = std::env::var_os("MOTO_SERVER").map(PathBuf::from);
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("moto");
    let path = std::env::var_os("PATH").unwrap_or_default();
    let on_path: Vec<_> = std::env::split_paths(&path).map(|folder| folder.join("moto_server")).collect();
    let places = given.into_iter().chain([folder.join("bin/moto_server")]).chain(on_path);
    places.into_iter().find(|place| place.is_file()).unwrap_or_else(|| {
        panic!(
            "there is no moto_server, the S3 server for these tests; install it with\n  \
             cargo xtask test tools\nor set MOTO_SERVER"
        )
    })
}

#[tokio::test]
async fn a_backup_of_several_parts_comes_back_from_the_object_store() {
    bounded(async {
        let (store, folder) = (Store::start().await, tempdir().expect("a folder"));
        let file = folder.path().join("parcels.db");
        let mut connection = sqlite(&file).await;
        // Random bytes, which gzip cannot make smaller: three parts of 5 MiB.
        on_sqlite(
            &mut connection,
            "CREATE TABLE parcels (n BLOB); \
             WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 12000) \
             INSERT INTO parcels SELECT randomblob(1000) FROM n;",
        )
        .await;
        let backups = open(&sqlite_url(&file), store.config());
        let manifest = backups.backup().await.expect("a backup");
        assert!(manifest.size > 10 << 20, "{}", manifest.size);
        assert_eq!(backups.list().await.expect("a list").backups, std::slice::from_ref(&manifest));
        backups.verify(&Which::Latest).await.expect("verified");

        let elsewhere = folder.path().join("elsewhere.db");
        let into = Some(Secret::new(sqlite_url(&elsewhere)));
        let options = RestoreOptions { into, ..RestoreOptions::default() };
        backups.restore(&Which::Latest, &options).await.expect("restored");
        let mut restored = sqlite(&elsewhere).await;
        assert_eq!(sqlite_number(&mut restored, "SELECT count(*) FROM parcels").await, 12_000);

        // Somebody changes it: another object of the same size under its name.
        let object = format!("/{BUCKET}/backups/{}", manifest.file);
        store.ask("DELETE", &object);
        store.ask("PUT", &object);
        let error = backups.verify(&Which::Named(manifest.name.clone())).await.unwrap_err();
        assert!(matches!(error, RestoreError::Corrupt { .. }), "{error}");
    })
    .await;
}

#[tokio::test]
async fn retention_removes_objects() {
    bounded(async {
        let (store, folder) = (Store::start().await, tempdir().expect("a folder"));
        let file = folder.path().join("parcels.db");
        on_sqlite(&mut sqlite(&file).await, "CREATE TABLE parcels (n INT);").await;
        let config = BackupConfig { keep: 1, keep_for: Duration::ZERO, ..store.config() };
        let backups = open(&sqlite_url(&file), config);
        let first: Manifest = backups.backup().await.expect("a backup");
        let second = backups.backup().await.expect("a backup");
        let pruned = backups.prune(false).await.expect("pruned");
        assert_eq!((pruned.removed, pruned.kept), (vec![first.name.clone()], 1));
        let objects = store.ask("GET", &format!("/{BUCKET}?list-type=2"));
        assert!(objects.contains(&second.file) && !objects.contains(&first.name), "{objects}");
    })
    .await;
}

/// Parts of an upload that is never completed are shown nowhere and cost money.
#[tokio::test]
async fn a_stopped_backup_aborts_its_upload() {
    bounded(async {
        let (store, server) = (Store::start().await, server().await);
        let source = database(&server).await;
        let mut connection = connect(source.url()).await;
        on(&mut connection, "CREATE TABLE parcels (n INT)").await;
        let mut holder = connect(source.url()).await;
        on(&mut holder, "BEGIN; LOCK TABLE parcels IN ACCESS EXCLUSIVE MODE").await;
        let backups = open(source.url(), store.config());
        let running = tokio::spawn({
            let backups = backups.clone();
            async move { backups.backup().await }
        });
        let sessions = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'groundcrew-backup'";
        while number(&mut connection, sessions).await < 2 {}
        let uploads = || store.ask("GET", &format!("/{BUCKET}?uploads"));
        assert!(uploads().contains("<UploadId>"), "it has begun: {}", uploads());
        backups.stop();
        running.await.expect("no panic").unwrap_err();
        assert!(uploads().contains(" 200 ") && !uploads().contains("<UploadId>"), "{}", uploads());
        let objects = store.ask("GET", &format!("/{BUCKET}?list-type=2"));
        assert!(!objects.contains("<Contents>"), "{objects}");
    })
    .await;
}

#[tokio::test]
async fn a_store_that_is_away_is_told_with_its_settings_and_without_the_secret() {
    bounded(async {
        let folder = tempdir().expect("a folder");
        let file = folder.path().join("parcels.db");
        on_sqlite(&mut sqlite(&file).await, "CREATE TABLE parcels (n INT);").await;
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let addr = listener.local_addr().expect("its number");
        drop(listener);
        let s3 = S3Config {
            bucket: Some(BUCKET.to_owned()),
            endpoint: Some(format!("http://{addr}")),
            access_key_id: Some(Secret::new("key".to_owned())),
            secret_access_key: Some(Secret::new(SECRET.to_owned())),
            request_timeout: Duration::from_millis(300),
            ..S3Config::default()
        };
        let away = BackupConfig { storage: Storage::S3, s3, ..config(folder.path()) };
        let error = open(&sqlite_url(&file), away).backup().await.unwrap_err();
        let words = format!("{error} {error:?}");
        assert!(words.contains("S3_ENDPOINT") && words.contains(BUCKET), "{words}");
        assert!(!words.contains(SECRET), "{words}");
    })
    .await;
}
