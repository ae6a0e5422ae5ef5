use super::Error;
use super::binaries::{Binaries, User};
use super::database::succeeded;
use super::family::Family;
use rustix::process::Pid;
use std::fs::File;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, timeout_at};

const START: Duration = Duration::from_mins(1);
const STOP: Duration = Duration::from_secs(20);
const LOOK_AGAIN: Duration = Duration::from_millis(10);

/// Another process may take the port between our choice and the server's start.
const ATTEMPTS: usize = 5;

/// Waits until our end of its standard input closes, then ends the server and removes its folder.
const WATCH: &str = r#"read -r _
for pid in $(cat "/proc/$1/task/$1/children" 2>/dev/null); do kill -KILL "$pid"; done
kill -KILL "$1"; rm -rf "$2""#;

/// A server of our own, running or not.
#[derive(Debug)]
pub(super) struct Server {
    binaries: Arc<Binaries>,
    // Before the folder: fields are dropped in this order.
    running: Option<Running>,
    folder: Folder,
    port: u16,
}

/// The postmaster, and who ends it should we be killed.
#[derive(Debug)]
struct Running {
    postmaster: Child,
    watcher: Option<Child>,
}

/// A folder that is removed with everything in it.
#[derive(Debug)]
struct Folder(PathBuf);

// === impl Server ===

impl Server {
    pub(super) async fn start(binaries: Arc<Binaries>) -> Result<Self, Error> {
        let folder = Folder::create(binaries.user())?;
        let mut server = Self { binaries, running: None, folder, port: 0 };
        server.init().await?;
        let mut attempt = 1;
        loop {
            server.port = free_port()?;
            match server.launch().await {
                Err(Error::NotReady { log })
                    if attempt < ATTEMPTS && log.contains("Address already in use") =>
                {
                    attempt += 1;
                }
                launched => return launched.map(|()| server),
            }
        }
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }

    pub(super) fn url(&self, database: &str) -> String {
        format!("postgres://postgres@127.0.0.1:{}/{database}", self.port)
    }

    pub(super) fn family(&self) -> Option<Family> {
        self.running.as_ref().map(Running::family)
    }

    /// Kills every process and waits for the postmaster's end.
    pub(super) fn kill(&mut self) {
        self.running = None;
    }

    /// Stops in order, or kills what does not stop in time.
    pub(super) async fn stop(&mut self) {
        let Some(running) = &mut self.running else { return };
        running.family().stop();
        let deadline = Instant::now() + STOP;
        while matches!(running.postmaster.try_wait(), Ok(None)) && Instant::now() < deadline {
            sleep(LOOK_AGAIN).await;
        }
        self.running = None;
    }

    /// Starts the postmaster and waits until it lets us in.
    pub(super) async fn launch(&mut self) -> Result<(), Error> {
        // Left behind by a kill; we know that the process is gone.
        let _ = std::fs::remove_file(self.data().join("postmaster.pid"));
        let log = File::create(self.log()).map_err(Error::system("create the server's log"))?;
        let mut command = self.binaries.command("postgres");
        command.arg("-D").arg(self.data()).arg("-k").arg(&self.folder.0);
        command.args(["-h", "127.0.0.1", "-p", &self.port.to_string(), "-N", "200"]);
        // Safe where only processes die: what was committed survives a kill, as it must in tests of that.
        for setting in ["fsync=off", "full_page_writes=off", "shared_buffers=16MB"] {
            command.args(["-c", setting]);
        }
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).process_group(0);
        let postmaster = command.spawn().map_err(Error::system("start postgres"))?;
        let mut running = Running { postmaster, watcher: None };
        running.watch(&self.folder.0)?;
        self.running = Some(running);
        self.wait_ready().await
    }

    async fn init(&self) -> Result<(), Error> {
        let mut command = self.binaries.command("initdb");
        command.arg("-D").arg(self.data()).args(["-U", "postgres", "-A", "trust", "-E", "UTF8"]);
        command.args(["--locale", "C", "--no-sync", "--no-instructions"]).stdin(Stdio::null());
        succeeded("initdb", &output(move || command.output(), "start initdb").await?)
    }

    async fn wait_ready(&mut self) -> Result<(), Error> {
        let deadline = Instant::now() + START;
        let addr = SocketAddr::from((Ipv4Addr::LOCALHOST, self.port));
        while Instant::now() < deadline {
            let ended = self
                .running
                .as_mut()
                .is_none_or(|running| !matches!(running.postmaster.try_wait(), Ok(None)));
            if ended {
                break;
            }
            if matches!(timeout_at(deadline, lets_us_in(addr)).await, Ok(Ok(true))) {
                return Ok(());
            }
            sleep(LOOK_AGAIN).await;
        }
        self.kill();
        let log = std::fs::read_to_string(self.log()).unwrap_or_default();
        Err(Error::NotReady { log: log.trim().to_owned() })
    }

    fn data(&self) -> PathBuf {
        self.folder.0.join("data")
    }

    fn log(&self) -> PathBuf {
        self.folder.0.join("log")
    }
}

// === impl Running ===

impl Running {
    fn family(&self) -> Family {
        Family::new(Pid::from_child(&self.postmaster))
    }

    fn watch(&mut self, folder: &Path) -> Result<(), Error> {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", WATCH, "watch", &self.postmaster.id().to_string()]).arg(folder);
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).process_group(0);
        self.watcher = Some(command.spawn().map_err(Error::system("start a watcher"))?);
        Ok(())
    }
}

impl Drop for Running {
    /// The watcher first: it must not remove the folder of a server that is only killed.
    fn drop(&mut self) {
        if let Some(watcher) = &mut self.watcher {
            let _ = watcher.kill();
            let _ = watcher.wait();
        }
        if matches!(self.postmaster.try_wait(), Ok(None)) {
            self.family().kill();
            let _ = self.postmaster.wait();
        }
    }
}

// === impl Folder ===

impl Folder {
    /// In `/tmp`: the path of a Unix socket may not be long.
    fn create(owner: Option<User>) -> Result<Self, Error> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let nanos = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default().subsec_nanos();
        let path = PathBuf::from(format!("/tmp/testkit-postgres-{}-{number}-{nanos}", std::process::id()));
        std::fs::create_dir(&path).map_err(Error::system("create a folder in /tmp"))?;
        let folder = Self(path);
        if let Some(User { uid, gid }) = owner {
            std::os::unix::fs::chown(&folder.0, Some(uid), Some(gid))
                .map_err(Error::system("give the folder away"))?;
        }
        Ok(folder)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Runs something that blocks without blocking the test's other tasks.
pub(super) async fn output<T: Send + 'static>(
    run: impl FnOnce() -> io::Result<T> + Send + 'static,
    what: &'static str,
) -> Result<T, Error> {
    let ran = tokio::task::spawn_blocking(run).await.map_err(io::Error::other);
    ran.and_then(|ran| ran).map_err(Error::system(what))
}

fn free_port() -> Result<u16, Error> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(Error::system("find a free port"))?;
    Ok(listener.local_addr().map_err(Error::system("find a free port"))?.port())
}

/// Knocks as a client does: a server that is still starting listens already, and answers with an error.
async fn lets_us_in(addr: SocketAddr) -> io::Result<bool> {
    let mut stream = TcpStream::connect(addr).await?;
    let parameters = b"\0\x03\0\0user\0postgres\0database\0postgres\0\0";
    let length = u32::try_from(parameters.len() + 4).map_err(io::Error::other)?;
    stream.write_all(&[&length.to_be_bytes()[..], parameters].concat()).await?;
    let authentication_request = b'R';
    let answer = stream.read_u8().await?;
    let terminate = [b'X', 0, 0, 0, 4];
    stream.write_all(&terminate).await?;
    Ok(answer == authentication_request)
}
