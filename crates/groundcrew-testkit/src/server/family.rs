use super::Error;
use rustix::process::{Pid, Signal, kill_process};
use std::process::Command;

/// A server's first process and all that descend from it. PostgreSQL's children lead sessions of their own, so no
/// process group reaches them all.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Family {
    parent: Pid,
}

impl Family {
    pub(super) fn new(parent: Pid) -> Self {
        Self { parent }
    }

    /// Parents first: they must not have more children while we go through them.
    pub(crate) fn pause(self) -> Result<(), Error> {
        send(self.parent, Signal::STOP, "pause the server")?;
        for child in self.children() {
            let _ = child.pause();
        }
        Ok(())
    }

    pub(crate) fn resume(self) -> Result<(), Error> {
        for child in self.children() {
            let _ = child.resume();
        }
        send(self.parent, Signal::CONT, "resume the server")
    }

    /// Stops parents first for the same reason, then kills all.
    pub(crate) fn kill(self) {
        let _ = kill_process(self.parent, Signal::STOP);
        for child in self.children() {
            child.kill();
        }
        let _ = kill_process(self.parent, Signal::KILL);
    }

    /// Asks for an orderly stop, also where it was paused.
    pub(crate) fn stop(self, signal: Signal) {
        let _ = self.resume();
        let _ = kill_process(self.parent, signal);
    }

    fn children(self) -> Vec<Self> {
        let parent = self.parent.as_raw_nonzero().get();
        let from_kernel = std::fs::read_to_string(format!("/proc/{parent}/task/{parent}/children"));
        let list = from_kernel.unwrap_or_else(|_| pgrep(parent));
        let pids = list.split_ascii_whitespace().filter_map(|pid| Pid::from_raw(pid.parse().ok()?));
        pids.map(Self::new).collect()
    }
}

fn send(pid: Pid, signal: Signal, what: &'static str) -> Result<(), Error> {
    kill_process(pid, signal).map_err(|errno| Error::System { what, cause: errno.into() })
}

/// For systems without that file.
fn pgrep(parent: i32) -> String {
    let output = Command::new("pgrep").args(["-P", &parent.to_string()]).output();
    output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default()
}
