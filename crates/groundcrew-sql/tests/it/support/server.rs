//! A private Postgres in a folder of its own, from the binaries on this machine.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

pub(crate) const PASSWORD: &str = "hunter2-canary";

/// Stops when it is dropped.
pub(crate) struct Server {
    folder: TempDir,
    port: u16,
    running: Option<Child>,
}

impl Server {
    /// Made, but not started.
    pub(crate) fn prepare() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let server = Self { folder, port: free_port(), running: None };
        let password = server.folder.path().join("password");
        std::fs::write(&password, PASSWORD).expect("write");
        if is_root() {
            for path in [server.folder.path(), &password] {
                let done = Command::new("chown").arg("postgres").arg(path).status().expect("chown");
                assert!(done.success(), "there is no user `postgres`: apt-get install postgresql");
            }
        }
        let output = server
            .command("initdb")
            .args(["-U", "postgres", "-A", "scram-sha-256", "--no-sync", "--pwfile"])
            .arg(&password)
            .arg("-D")
            .arg(server.data())
            .output()
            .expect("initdb");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        server
    }

    pub(crate) async fn start() -> Self {
        let mut server = Self::prepare();
        server.launch();
        server.answering().await;
        server
    }

    pub(crate) fn launch(&mut self) {
        let child = self
            .command("postgres")
            .arg("-D")
            .arg(self.data())
            .args(["-F", "-h", "127.0.0.1", "-k", "", "-p", &self.port.to_string()])
            .args(["-c", "max_connections=30", "-c", "shared_buffers=8MB"])
            .spawn();
        self.running = Some(child.expect("postgres"));
    }

    pub(crate) async fn answering(&self) {
        let ready = || {
            let address = ["-h", "127.0.0.1", "-p", &self.port.to_string()];
            self.command("pg_isready").args(address).status().expect("pg_isready").success()
        };
        super::until("Postgres answers", ready).await;
    }

    /// Stops the server at once, as a crash would; `launch` brings it back.
    pub(crate) fn stop(&mut self) {
        if let Some(mut child) = self.running.take() {
            let stop =
                self.command("pg_ctl").args(["stop", "-m", "immediate", "-D"]).arg(self.data()).status();
            assert!(stop.expect("pg_ctl").success());
            child.wait().expect("an exit code");
        }
    }

    pub(crate) fn url(&self, password: &str) -> String {
        format!("postgres://postgres:{password}@127.0.0.1:{}/postgres", self.port)
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// One of Postgres' programs, which refuse to be run by root.
    fn command(&self, program: &str) -> Command {
        let program = binaries().join(program);
        let mut command = if is_root() {
            let mut command = Command::new("setpriv");
            command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups"]).arg(program);
            command
        } else {
            Command::new(program)
        };
        command
            .current_dir(self.folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        command
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
    }
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port").port()
}

fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output().expect("id");
    id.stdout.starts_with(b"0")
}

fn binaries() -> PathBuf {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let found = versions.map(|version| version.path().join("bin")).find(|bin| bin.join("initdb").exists());
    found
        .or_else(|| {
            let path = std::env::var_os("PATH")?;
            std::env::split_paths(&path).find(|folder| Path::new(folder).join("initdb").exists())
        })
        .expect("these tests need PostgreSQL: apt-get install postgresql")
}
