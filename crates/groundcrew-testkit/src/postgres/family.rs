use super::Error;
use rustix::process::{Pid, Signal, kill_process};
use std::process::Command;

/// The postmaster and its children. Each child leads a session of its own, so no process group reaches them all.
#[derive(Debug, Clone, Copy)]
pub(super) struct Family {
    parent: Pid,
}

impl Family {
    pub(super) fn new(parent: Pid) -> Self {
        Self { parent }
    }

    /// The parent first: it must not have more children while we go through them.
    pub(super) fn pause(self) -> Result<(), Error> {
        kill_process(self.parent, Signal::STOP)
            .map_err(|errno| Error::System { what: "pause the server", cause: errno.into() })?;
        self.send_children(Signal::STOP);
        Ok(())
    }

    pub(super) fn resume(self) -> Result<(), Error> {
        self.send_children(Signal::CONT);
        kill_process(self.parent, Signal::CONT)
            .map_err(|errno| Error::System { what: "resume the server", cause: errno.into() })
    }

    /// Stops the parent first for the same reason, then kills all.
    pub(super) fn kill(self) {
        let _ = kill_process(self.parent, Signal::STOP);
        self.send_children(Signal::KILL);
        let _ = kill_process(self.parent, Signal::KILL);
    }

    /// An orderly stop that does not wait for clients.
    pub(super) fn stop(self) {
        let _ = self.resume();
        let _ = kill_process(self.parent, Signal::INT);
    }

    fn send_children(self, signal: Signal) {
        for child in self.children() {
            let _ = kill_process(child, signal);
        }
    }

    fn children(self) -> Vec<Pid> {
        let parent = self.parent.as_raw_nonzero().get();
        let from_kernel = std::fs::read_to_string(format!("/proc/{parent}/task/{parent}/children"));
        let list = from_kernel.unwrap_or_else(|_| pgrep(parent));
        list.split_ascii_whitespace().filter_map(|pid| Pid::from_raw(pid.parse().ok()?)).collect()
    }
}

/// For systems without that file.
fn pgrep(parent: i32) -> String {
    let output = Command::new("pgrep").args(["-P", &parent.to_string()]).output();
    output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default()
}
