use super::watcher::Watcher;
use super::{Error, Family, Folder, LOOK_AGAIN};
use rustix::process::{Pid, Signal};
use std::future::Future;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use tokio::time::{Instant, sleep};

const STOP: Duration = Duration::from_secs(20);

/// Ends the server with all that descend from it.
const WATCH: &str = r#"end() {
    kill -STOP "$1"
    for pid in $(cat "/proc/$1/task/$1/children" 2>/dev/null); do end "$pid"; done
    kill -KILL "$1"
}
read -r _; end "$1""#;

/// A server's first process, and who ends it should we be killed.
#[derive(Debug)]
pub(crate) struct Running {
    server: Child,
    watcher: Option<Watcher>,
}

impl Running {
    /// Starts it in a process group of its own: a Ctrl-C at the terminal is for the tests, which then end it.
    pub(crate) fn start(mut command: Command, folder: &Folder) -> Result<Self, Error> {
        let server = command.stdin(Stdio::null()).process_group(0).spawn();
        let server = server.map_err(Error::system("start the server"))?;
        let mut running = Self { server, watcher: None };
        // It keeps the folder until the server is ended: a server must not lose its files while it runs.
        let watcher = Watcher::start(WATCH, running.server.id().to_string(), folder.leash()?)?;
        running.watcher = Some(watcher);
        Ok(running)
    }

    pub(crate) fn family(&self) -> Family {
        Family::new(Pid::from_child(&self.server))
    }

    /// Waits until `ready` says so. False when the process ends first or the time is over.
    pub(crate) async fn wait<F>(&mut self, deadline: Instant, mut ready: impl FnMut() -> F) -> bool
    where
        F: Future<Output = bool>,
    {
        while Instant::now() < deadline && self.is_alive() {
            if matches!(tokio::time::timeout_at(deadline, ready()).await, Ok(true)) {
                return true;
            }
            sleep(LOOK_AGAIN).await;
        }
        false
    }

    /// Stops in order, or kills what does not stop in time.
    pub(crate) async fn stop(mut self, signal: Signal) {
        self.family().stop(signal);
        let deadline = Instant::now() + STOP;
        while self.is_alive() && Instant::now() < deadline {
            sleep(LOOK_AGAIN).await;
        }
    }

    fn is_alive(&mut self) -> bool {
        matches!(self.server.try_wait(), Ok(None))
    }
}

impl Drop for Running {
    /// The watcher first: it must not end another process that has the server's number by then.
    fn drop(&mut self) {
        self.watcher = None;
        if self.is_alive() {
            self.family().kill();
            let _ = self.server.wait();
        }
    }
}
