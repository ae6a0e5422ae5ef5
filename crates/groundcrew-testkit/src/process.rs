//! A service as a child process: started, watched, signalled, and never left behind.
//!
//! [`Service`] says how to start it and can be started many times; [`ServiceProcess`] is one run. The child's
//! environment holds only what it was given, its standard input is empty, and both its outputs are kept by line.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use groundcrew_testkit::process::{Service, Signal};
//! use std::time::Duration;
//!
//! let service = Service::new("/bin/sh").args(["-c", "echo up; exec sleep 60"]);
//! let mut process = service.start()?;
//! process.wait_for_line("up", Duration::from_secs(10)).await?;
//! process.signal(Signal::Term)?;
//! let status = process.wait_exit(Duration::from_secs(10)).await?;
//! assert!(!status.success());
//! # Ok(())
//! # }
//! ```
//!
//! With [`Service::listener`] the child gets a listening socket as systemd would hand it over: file descriptor 3,
//! `LISTEN_FDS=1`, and `LISTEN_PID` its own process id. It does not restart what has ended, and it does not stop
//! the children of the child.

mod error;
mod output;

pub use error::Error;
pub use output::{Line, Stream};

use crate::http;
use output::Output;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// How often a condition that nothing announces is looked at.
const LOOK_AGAIN: Duration = Duration::from_millis(2);

/// Moves the socket from standard input to descriptor 3, and becomes the service under the same process id.
const HAND_OVER: &str = r#"exec 3<&0 0</dev/null; LISTEN_PID=$$ LISTEN_FDS=1 exec "$0" "$@""#;

/// How to start a service.
#[derive(Debug)]
pub struct Service {
    program: PathBuf,
    args: Vec<OsString>,
    env: Vec<(OsString, OsString)>,
    directory: Option<PathBuf>,
    listener: Option<OwnedFd>,
}

/// A running service; dropping it kills it.
#[derive(Debug)]
pub struct ServiceProcess {
    child: Child,
    output: Output,
    status: Option<ExitStatus>,
}

/// The signals that services care about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Signal {
    /// SIGTERM: please stop.
    Term,
    /// SIGINT: what Ctrl-C sends.
    Int,
    /// SIGHUP: the terminal is gone, or read your configuration again.
    Hup,
    /// SIGQUIT: stop and dump core.
    Quit,
    /// SIGKILL: stop without a word.
    Kill,
    /// SIGSTOP: stand still.
    Stop,
    /// SIGCONT: go on.
    Cont,
    /// SIGUSR1.
    Usr1,
    /// SIGUSR2.
    Usr2,
}

// === impl Service ===

impl Service {
    /// A program by its path, with no arguments, no environment and no listener.
    pub fn new(program: impl Into<PathBuf>) -> Self {
        Self { program: program.into(), args: Vec::new(), env: Vec::new(), directory: None, listener: None }
    }

    /// Adds an argument.
    pub fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.args.push(arg.as_ref().to_owned());
        self
    }

    /// Adds arguments.
    pub fn args<A: AsRef<OsStr>>(self, args: impl IntoIterator<Item = A>) -> Self {
        args.into_iter().fold(self, Self::arg)
    }

    /// Sets a variable; the child has no others.
    pub fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.env.push((name.as_ref().to_owned(), value.as_ref().to_owned()));
        self
    }

    /// Starts the service in this folder; by default in ours.
    pub fn current_dir(mut self, directory: impl Into<PathBuf>) -> Self {
        self.directory = Some(directory.into());
        self
    }

    /// Hands this socket over to every process that is started. It keeps listening while none runs.
    ///
    /// # Errors
    /// When the descriptor cannot be duplicated.
    pub fn listener(mut self, listener: &TcpListener) -> Result<Self, Error> {
        let copy = listener.try_clone().map_err(Error::HandOver)?;
        self.listener = Some(copy.into());
        Ok(self)
    }

    /// Starts it.
    ///
    /// # Errors
    /// When the program cannot be started.
    pub fn start(&self) -> Result<ServiceProcess, Error> {
        let mut command = self.command()?;
        command.args(&self.args).env_clear().envs(self.env.iter().map(|(name, value)| (name, value)));
        if let Some(directory) = &self.directory {
            command.current_dir(directory);
        }
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        let mut child = child.map_err(|cause| Error::Start { program: self.program.clone(), cause })?;
        let output = Output::read(child.stdout.take(), child.stderr.take());
        Ok(ServiceProcess { child, output, status: None })
    }

    /// The program itself, or the shell that hands it the socket: it needs its own process id in a variable.
    fn command(&self) -> Result<Command, Error> {
        let Some(listener) = &self.listener else {
            let mut command = Command::new(&self.program);
            command.stdin(Stdio::null());
            return Ok(command);
        };
        let socket = listener.try_clone().map_err(Error::HandOver)?;
        let mut command = Command::new("/bin/sh");
        command.args(["-c", HAND_OVER]).arg(&self.program).stdin(socket);
        Ok(command)
    }
}

// === impl ServiceProcess ===

impl ServiceProcess {
    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Every line of both outputs so far.
    pub fn lines(&self) -> Vec<Line> {
        self.output.lines()
    }

    /// Waits for a line that contains `text`, on either output, and returns it. Earlier lines count.
    ///
    /// # Errors
    /// [`Error::TimedOut`], or [`Error::Exited`] when the process ends first.
    pub async fn wait_for_line(&mut self, text: &str, timeout: Duration) -> Result<String, Error> {
        let deadline = Instant::now() + timeout;
        loop {
            // The status comes before the lines, or a last line could be missed.
            let ended = self.try_exit()?.filter(|_| self.output.is_complete());
            if let Some(line) = self.output.find(text) {
                return Ok(line);
            }
            self.check(ended, deadline, || format!("a line with `{text}`"))?;
            sleep(LOOK_AGAIN).await;
        }
    }

    /// Waits until `GET /ready` at this address answers 200.
    ///
    /// # Errors
    /// [`Error::TimedOut`], or [`Error::Exited`] when the process ends first.
    pub async fn wait_ready(&mut self, addr: SocketAddr, timeout: Duration) -> Result<(), Error> {
        let deadline = Instant::now() + timeout;
        loop {
            let asked = tokio::time::timeout_at(deadline, http::get(addr, "/ready")).await;
            if matches!(asked, Ok(Ok(response)) if response.status == 200) {
                return Ok(());
            }
            let ended = self.try_exit()?;
            self.check(ended, deadline, || format!("200 from http://{addr}/ready"))?;
            sleep(LOOK_AGAIN).await;
        }
    }

    /// Sends a signal.
    ///
    /// # Errors
    /// [`Error::Exited`] when the process has ended.
    pub fn signal(&mut self, signal: Signal) -> Result<(), Error> {
        if let Some(status) = self.try_exit()? {
            return Err(self.exited(status));
        }
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, signal.into()).map_err(|errno| Error::Process(errno.into()))
    }

    /// Waits for the end, and for the last line of output (one second at most: a grandchild may hold it open).
    ///
    /// # Errors
    /// [`Error::TimedOut`]; the process goes on then.
    pub async fn wait_exit(&mut self, timeout: Duration) -> Result<ExitStatus, Error> {
        let deadline = Instant::now() + timeout;
        let status = loop {
            if let Some(status) = self.try_exit()? {
                break status;
            }
            self.check(None, deadline, || "the end of the process".to_owned())?;
            sleep(LOOK_AGAIN).await;
        };
        let deadline = Instant::now() + Duration::from_secs(1);
        while !self.output.is_complete() && Instant::now() < deadline {
            sleep(LOOK_AGAIN).await;
        }
        Ok(status)
    }

    /// The exit status, if it has ended.
    ///
    /// # Errors
    /// When the system does not tell.
    pub fn try_exit(&mut self) -> Result<Option<ExitStatus>, Error> {
        if self.status.is_none() {
            self.status = self.child.try_wait().map_err(Error::Process)?;
        }
        Ok(self.status)
    }

    fn check(
        &self,
        ended: Option<ExitStatus>,
        deadline: Instant,
        what: impl FnOnce() -> String,
    ) -> Result<(), Error> {
        match ended {
            Some(status) => Err(self.exited(status)),
            None if Instant::now() >= deadline => {
                Err(Error::TimedOut { what: what(), output: self.output.to_string() })
            }
            None => Ok(()),
        }
    }

    fn exited(&self, status: ExitStatus) -> Error {
        Error::Exited { status, output: self.output.to_string() }
    }
}

impl fmt::Display for ServiceProcess {
    /// The output so far, for a message of a failed assertion.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.output.fmt(f)
    }
}

impl Drop for ServiceProcess {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl From<Signal> for rustix::process::Signal {
    fn from(signal: Signal) -> Self {
        match signal {
            Signal::Term => Self::TERM,
            Signal::Int => Self::INT,
            Signal::Hup => Self::HUP,
            Signal::Quit => Self::QUIT,
            Signal::Kill => Self::KILL,
            Signal::Stop => Self::STOP,
            Signal::Cont => Self::CONT,
            Signal::Usr1 => Self::USR1,
            Signal::Usr2 => Self::USR2,
        }
    }
}
