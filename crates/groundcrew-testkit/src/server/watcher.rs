use super::Error;
use std::ffi::OsStr;
use std::os::fd::AsFd;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};

/// A process that tidies up when we have ended, however that came: its standard input ends then. Dropped, it is ended
/// itself, and has done nothing.
#[derive(Debug)]
pub(super) struct Watcher(Child);

impl Watcher {
    /// Runs a shell's script, which finds `argument` in `$1`, in a process group of its own: a Ctrl-C at the terminal
    /// is not for it.
    pub(super) fn start(script: &str, argument: impl AsRef<OsStr>, stdout: Stdio) -> Result<Self, Error> {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", script, "watch"]).arg(argument);
        command.stdin(Stdio::piped()).stdout(stdout).stderr(Stdio::null()).process_group(0);
        command.spawn().map(Self).map_err(Error::system("start a watcher"))
    }

    /// Our end of its standard input once more, for a process that has to end before it, too.
    pub(super) fn leash(&self) -> Result<Stdio, Error> {
        let copy = self.0.stdin.as_ref().map(|pipe| pipe.as_fd().try_clone_to_owned()).transpose();
        copy.map(|copy| copy.map_or_else(Stdio::null, Stdio::from)).map_err(Error::system("copy a pipe"))
    }
}

impl Drop for Watcher {
    /// Killed before its input ends, and reaped.
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::Watcher;
    use std::path::{Path, PathBuf};
    use std::process::{Command, Stdio};

    const TOUCH: &str = "read -r _; : > \"$1\"";

    fn file() -> PathBuf {
        std::env::temp_dir().join(crate::server::unique_name())
    }

    #[test]
    fn a_watcher_that_is_not_needed_any_more_is_gone_and_has_done_nothing() {
        let file = file();
        let watcher = Watcher::start(TOUCH, &file, Stdio::null()).expect("it starts");
        let process = format!("/proc/{}", watcher.0.id());
        drop(watcher);
        assert!(!file.exists());
        assert!(!Path::new(&process).exists(), "not even a zombie");
    }

    #[test]
    fn a_watcher_acts_when_all_who_hold_it_have_ended() {
        let file = file();
        let mut watcher = Watcher::start(TOUCH, &file, Stdio::null()).expect("it starts");
        let leash = watcher.leash().expect("a copy");
        let mut other =
            Command::new("cat").stdin(Stdio::piped()).stdout(leash).spawn().expect("cat is there");
        drop(watcher.0.stdin.take());
        assert!(matches!(watcher.0.try_wait(), Ok(None)), "the other one holds it");
        drop(other.stdin.take());
        assert!(other.wait().expect("it ends").success());
        assert!(watcher.0.wait().expect("it acts").success());
        std::fs::remove_file(file).expect("it was made");
    }
}
