use super::setup::Setup;
use crate::port::Port;
use crate::postgres::{User, lets_us_in};
use crate::server::{self, ATTEMPTS, Error, Family, Folder, Running, START, TEMPORARY, Url};
use rustix::process::Signal;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use tokio::time::Instant;

/// Where Debian keeps it, and only root's `PATH` leads there.
const DEBIAN: &str = "/usr/sbin/pgbouncer";

/// A PgBouncer of our own, running or not.
#[derive(Debug)]
pub(super) struct Server {
    binary: PathBuf,
    // Before the folder: fields are dropped in this order.
    running: Option<Running>,
    folder: Folder,
    user: Option<User>,
    target: Url,
    setup: Setup,
    port: Port,
}

impl Server {
    pub(super) async fn start(target: Url, setup: Setup) -> Result<Self, Error> {
        let debian = || Some(PathBuf::from(DEBIAN)).filter(|binary| binary.is_file());
        let binary = server::program("PGBOUNCER", &["pgbouncer"]).or_else(debian);
        let binary = binary.ok_or(Error::Missing { program: "pgbouncer", package: "pgbouncer" })?;
        // Like PostgreSQL, it refuses to run as root.
        let user = User::for_servers()?;
        let folder = Folder::create(TEMPORARY, "pgbouncer", user.map(|user| (user.uid, user.gid)))?;
        let port = server::free_port()?;
        let mut server = Self { binary, running: None, folder, user, target, setup, port };
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

    /// Starts it and waits until it knows us, which says nothing about the server behind it.
    pub(super) async fn launch(&mut self) -> Result<(), Error> {
        let users = format!("{} {}\n", quoted(&self.target.user), quoted(&self.target.password));
        let users = self.folder.write("users", &users)?;
        let settings = self.folder.write("pgbouncer.ini", &self.configuration(&users))?;
        let log = std::fs::File::create(self.folder.file("log"));
        let log = log.map_err(Error::system("create PgBouncer's log"))?;
        let mut command = Command::new(&self.binary);
        command.env_clear().env("LC_ALL", "C").current_dir(self.folder.path()).arg(settings);
        if let Some(User { uid, gid }) = self.user {
            command.uid(uid).gid(gid);
        }
        command.stdout(Stdio::null()).stderr(log);
        let running = self.running.insert(Running::start(command, &self.folder)?);
        let addr = self.port.address();
        let user = self.target.user.as_str();
        let lets_us_in = async || lets_us_in(addr, user, "pgbouncer").await.unwrap_or(false);
        if running.wait(Instant::now() + START, lets_us_in).await {
            return Ok(());
        }
        self.kill();
        Err(Error::NotReady { server: "PgBouncer", log: self.folder.tail("log") })
    }

    fn configuration(&self, users: &Path) -> String {
        let Url { host, port, user, password, .. } = &self.target;
        let authentication = if password.is_empty() { "trust" } else { "scram-sha-256" };
        let ours = [
            ("listen_addr", "127.0.0.1".to_owned()),
            ("listen_port", self.port().to_string()),
            ("unix_socket_dir", String::new()),
            ("auth_type", authentication.to_owned()),
            ("auth_file", users.display().to_string()),
            ("admin_users", user.clone()),
            ("pool_mode", "transaction".to_owned()),
            ("ignore_startup_parameters", "extra_float_digits".to_owned()),
        ];
        let ours = ours.iter().map(|(name, value)| (*name, value.as_str()));
        let theirs = self.setup.settings.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let settings = ours.chain(theirs).map(|(name, value)| format!("{name} = {value}\n"));
        let port = port.unwrap_or(5432);
        let settings = settings.collect::<String>();
        format!("[databases]\n* = host={host} port={port}\n[pgbouncer]\n{settings}")
    }
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('"', "\"\""))
}
