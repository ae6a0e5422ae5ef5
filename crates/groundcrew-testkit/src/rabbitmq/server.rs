use super::broker::Broker;
use super::control::{Control, SCRIPT};
use super::scripts::Scripts;
use super::setup::Setup;
use crate::port::Port;
use crate::server::{self, ATTEMPTS, Error, Family, Folder, Running, START, unique_name};
use rustix::process::Signal;
use std::fs::File;
use std::process::Command;
use tokio::time::Instant;

/// A broker of our own, running or not.
#[derive(Debug)]
pub(super) struct Server {
    scripts: Scripts,
    // Before the folder: fields are dropped in this order.
    running: Option<Running>,
    folder: Folder,
    setup: Setup,
    node: String,
    ports: Ports,
    control: Control,
}

/// All that a node listens on.
#[derive(Debug)]
struct Ports {
    amqp: Port,
    distribution: Port,
    control: Port,
}

// === impl Server ===

impl Server {
    pub(super) async fn start(setup: Setup) -> Result<Self, Error> {
        let scripts = Scripts::find()?;
        let folder = scripts.folder()?;
        let ports = Ports::free()?;
        let node = format!("{}@localhost", unique_name());
        let control = Control::new(ports.control.number())?;
        let mut server = Self { scripts, running: None, folder, setup, node, ports, control };
        for attempt in 1.. {
            match server.launch().await {
                Err(error) if attempt < ATTEMPTS && server::port_was_taken(&error) => {}
                launched => return launched.map(|()| server),
            }
            server.ports = Ports::free()?;
            server.control = Control::new(server.ports.control.number())?;
        }
        unreachable!("the last attempt returns")
    }

    pub(super) fn port(&self) -> u16 {
        self.ports.amqp.number()
    }

    pub(super) fn url(&self) -> String {
        format!("amqp://guest:guest@127.0.0.1:{}/%2f", self.port())
    }

    pub(super) fn broker(&self) -> Broker {
        Broker::ours(self.control.clone())
    }

    pub(super) fn environment(&self) -> (&'static str, String) {
        Broker::environment(&self.control)
    }

    pub(super) fn family(&self) -> Option<Family> {
        self.running.as_ref().map(Running::family)
    }

    pub(super) fn kill(&mut self) {
        if self.running.is_some() {
            self.control.keep_queues();
        }
        self.running = None;
    }

    pub(super) async fn stop(&mut self) {
        if let Some(running) = self.running.take() {
            running.stop(Signal::TERM).await;
        }
    }

    /// Starts the node and waits until it has started all of itself: only then does it open our socket.
    pub(super) async fn launch(&mut self) -> Result<(), Error> {
        let command = self.command()?;
        let running = self.running.insert(Running::start(command, &self.folder)?);
        let control = &self.control;
        let answers = async || {
            let control = control.clone();
            tokio::task::spawn_blocking(move || control.answers()).await.unwrap_or(false)
        };
        if running.wait(Instant::now() + START, answers).await {
            return Ok(());
        }
        self.running = None;
        Err(Error::NotReady { server: "RabbitMQ", log: self.folder.tail("log") })
    }

    fn command(&self) -> Result<Command, Error> {
        let log = || File::create(self.folder.file("log")).map_err(Error::system("create the broker's log"));
        let path = |name: &str| self.scripts.seen(&self.folder.file(name));
        self.configure()?;
        let mut command = self.scripts.command();
        command.current_dir(self.folder.path()).env("HOME", self.scripts.seen(self.folder.path()));
        // It makes the script become the node instead of its parent.
        command.env("detached", "1");
        command.env("RABBITMQ_NODENAME", &self.node).env("RABBITMQ_LOGS", "-");
        command.env("RABBITMQ_CONF_ENV_FILE", "/dev/null");
        command.env("RABBITMQ_CONFIG_FILE", path("rabbitmq.conf"));
        command.env("RABBITMQ_ADVANCED_CONFIG_FILE", path("advanced.config"));
        command.env("RABBITMQ_ENABLED_PLUGINS_FILE", path("plugins"));
        command.env("RABBITMQ_MNESIA_BASE", path("data")).env("RABBITMQ_LOG_BASE", path("logs"));
        command.env("RABBITMQ_PID_FILE", path("pid")).env("RABBITMQ_GENERATED_CONFIG_DIR", path("generated"));
        command.env("RABBITMQ_FEATURE_FLAGS_FILE", path("feature_flags"));
        // A distributed node, as the broker must be, that registers nowhere and is found by nobody else.
        command.args(["-sname", &self.node, "-start_epmd", "false"]);
        command.args(["-erl_epmd_port", &self.ports.distribution.number().to_string()]);
        command.args(["-kernel", "inet_dist_use_interface", "{127,0,0,1}"]);
        // Tables for a test's needs, not for a million of processes.
        command.args(["+P", "131072", "+t", "1048576"]);
        command.env("TESTKIT_PORT", self.ports.control.number().to_string());
        command.env("TESTKIT_TOKEN", self.control.token()).args(["-eval", SCRIPT]);
        command.stdout(log()?).stderr(log()?);
        Ok(command)
    }

    fn configure(&self) -> Result<(), Error> {
        let port = self.port();
        let theirs = self.scripts.settings();
        let settings = self.setup.configuration(&format!(
            "listeners.tcp.1 = 127.0.0.1:{port}\n\
             disk_free_limit.absolute = 64MB\n\
             raft.wal_max_size_bytes = 33554432\n\
             log.console.level = warning\n{theirs}"
        ));
        self.folder.write("rabbitmq.conf", &settings)?;
        self.folder.write("advanced.config", "[].\n")?;
        self.folder.write("plugins", &self.setup.plugins()).map(drop)
    }
}

// === impl Ports ===

impl Ports {
    fn free() -> Result<Self, Error> {
        let free = server::free_port;
        Ok(Self { amqp: free()?, distribution: free()?, control: free()? })
    }
}
