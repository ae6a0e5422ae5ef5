use super::Error;
use super::binaries::Binaries;
use super::database::succeeded;
use super::setup::{Setup, encoded};
use crate::port::Port;
use crate::server::{self, ATTEMPTS, Family, Folder, Running, START, TEMPORARY, blocking};
use rustix::process::Signal;
use std::fs::File;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::Instant;

/// How soon a server is started again that could not start yet.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// A server of our own, running or not.
#[derive(Debug)]
pub(super) struct Server {
    binaries: Arc<Binaries>,
    // Before the folder: fields are dropped in this order.
    running: Option<Running>,
    folder: Folder,
    setup: Setup,
    port: Port,
}

// === impl Server ===

impl Server {
    /// With its data made and a port chosen, but not running.
    pub(super) async fn prepare(binaries: Arc<Binaries>, setup: Setup) -> Result<Self, Error> {
        let folder = Folder::create(TEMPORARY, "postgres", binaries.user().map(|user| (user.uid, user.gid)))?;
        let port = server::free_port()?;
        let server = Self { binaries, running: None, folder, setup, port };
        server.init().await?;
        Ok(server)
    }

    /// Starts it for the first time: on another port, should somebody have taken the one that was chosen.
    pub(super) async fn start(&mut self) -> Result<(), Error> {
        for _ in 1..ATTEMPTS {
            match self.launch().await {
                Err(error) if server::port_was_taken(&error) => self.port = server::free_port()?,
                launched => return launched,
            }
        }
        self.launch().await
    }

    pub(super) fn port(&self) -> u16 {
        self.port.number()
    }

    pub(super) fn url(&self, database: &str) -> String {
        let password = self.setup.password.as_ref().map(|password| format!(":{}", encoded(password)));
        format!("postgres://postgres{}@127.0.0.1:{}/{database}", password.unwrap_or_default(), self.port())
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
        if let Some(running) = self.running.take() {
            running.stop(Signal::INT).await;
        }
    }

    /// Starts the postmaster and waits until it lets us in.
    pub(super) async fn launch(&mut self) -> Result<(), Error> {
        let deadline = Instant::now() + START;
        while !self.attempt(deadline).await? {
            self.kill();
            let log = self.folder.tail("log");
            // The backends of a server that was killed take a moment to notice, and no other may start before.
            if !log.contains("pre-existing shared memory block") || Instant::now() >= deadline {
                return Err(Error::NotReady { server: "PostgreSQL", log });
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
        Ok(())
    }

    /// False if it ends, or does not let us in before the deadline.
    async fn attempt(&mut self, deadline: Instant) -> Result<bool, Error> {
        // Left behind by a kill; we know that the process is gone.
        let _ = std::fs::remove_file(self.data().join("postmaster.pid"));
        let log = File::create(self.folder.file("log")).map_err(Error::system("create the server's log"))?;
        let mut command = self.binaries.command("postgres");
        command.arg("-D").arg(self.data()).arg("-k").arg(self.folder.path());
        command.args(["-h", "127.0.0.1", "-p", &self.port().to_string(), "-N", "200"]);
        // Safe where only processes die: what was committed survives a kill, as it must in tests of that.
        for setting in ["fsync=off", "full_page_writes=off", "shared_buffers=16MB"] {
            command.args(["-c", setting]);
        }
        for (name, value) in &self.setup.settings {
            command.args(["-c", &format!("{name}={value}")]);
        }
        command.stdout(Stdio::null()).stderr(log);
        let running = self.running.insert(Running::start(command, &self.folder)?);
        let addr = self.port.address();
        let lets_us_in = async || lets_us_in(addr, "postgres", "postgres").await.unwrap_or(false);
        Ok(running.wait(deadline, lets_us_in).await)
    }

    async fn init(&self) -> Result<(), Error> {
        let mut command = self.binaries.command("initdb");
        command.arg("-D").arg(self.data()).args(["-U", "postgres", "-E", "UTF8"]);
        if let Some(password) = &self.setup.password {
            let file = self.folder.write("password", password)?;
            command.args(["-A", "scram-sha-256", "--pwfile"]).arg(file);
        } else {
            command.args(["-A", "trust"]);
        }
        command.args(["--locale", "C", "--no-sync", "--no-instructions"]).stdin(Stdio::null());
        succeeded("initdb", &blocking(move || command.output(), "start initdb").await?)
    }

    fn data(&self) -> PathBuf {
        self.folder.file("data")
    }
}

/// Knocks as a client does: a server that is still starting listens already, and answers with an error.
pub(crate) async fn lets_us_in(addr: SocketAddr, user: &str, database: &str) -> io::Result<bool> {
    let mut stream = TcpStream::connect(addr).await?;
    let parameters = format!("\0\x03\0\0user\0{user}\0database\0{database}\0\0");
    let length = u32::try_from(parameters.len() + 4).map_err(io::Error::other)?;
    stream.write_all(&[&length.to_be_bytes()[..], parameters.as_bytes()].concat()).await?;
    let authentication_request = b'R';
    let answer = stream.read_u8().await?;
    let terminate = [b'X', 0, 0, 0, 4];
    stream.write_all(&terminate).await?;
    Ok(answer == authentication_request)
}
