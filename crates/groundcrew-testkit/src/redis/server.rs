use super::resp::{Address, Connection};
use crate::port::Port;
use crate::server::{self, ATTEMPTS, Error, Family, Folder, Running, START, TEMPORARY};
use rustix::process::Signal;
use std::fs::File;
use std::path::PathBuf;
use std::process::Command;
use tokio::time::Instant;

/// A server of our own, running or not.
#[derive(Debug)]
pub(super) struct Server {
    binary: PathBuf,
    // Before the folder: fields are dropped in this order.
    running: Option<Running>,
    folder: Folder,
    port: Port,
}

impl Server {
    pub(super) async fn start() -> Result<Self, Error> {
        let binary = server::program("REDIS_SERVER", &["redis-server", "valkey-server"]);
        let binary = binary.ok_or(Error::Missing { program: "redis-server", package: "redis-server" })?;
        let (folder, port) = (Folder::create(TEMPORARY, "redis", None)?, server::free_port()?);
        let mut server = Self { binary, running: None, folder, port };
        for _ in 1..ATTEMPTS {
            match server.launch().await {
                Err(error) if server::port_was_taken(&error) => server.port = server::free_port()?,
                launched => return launched.map(|()| server),
            }
        }
        server.launch().await.map(|()| server)
    }

    pub(super) fn port(&self) -> u16 {
        self.port.number()
    }

    pub(super) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port())
    }

    pub(super) fn family(&self) -> Option<Family> {
        self.running.as_ref().map(Running::family)
    }

    pub(super) fn kill(&mut self) {
        self.running = None;
    }

    pub(super) async fn stop(&mut self) {
        if let Some(running) = self.running.take() {
            running.stop(Signal::TERM).await;
        }
    }

    /// Starts it and waits until it answers.
    pub(super) async fn launch(&mut self) -> Result<(), Error> {
        let log = || File::create(self.folder.file("log")).map_err(Error::system("create the server's log"));
        let settings = format!("bind 127.0.0.1\nport {}\nsave \"\"\nappendonly no\n", self.port());
        let mut command = Command::new(&self.binary);
        command.env_clear().env("LC_ALL", "C").current_dir(self.folder.path());
        command.arg(self.folder.write("redis.conf", &settings)?);
        command.stdout(log()?).stderr(log()?);
        let running = self.running.insert(Running::start(command, &self.folder)?);
        let address = Address::local(self.port.number());
        let answers = async || match Connection::open(&address).await {
            Ok(mut connection) => connection.command(&["PING"]).await.is_ok(),
            Err(_) => false,
        };
        if running.wait(Instant::now() + START, answers).await {
            return Ok(());
        }
        self.kill();
        Err(Error::NotReady { server: "Redis", log: self.folder.tail("log") })
    }
}
