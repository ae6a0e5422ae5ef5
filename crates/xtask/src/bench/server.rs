//! A contender that runs, from its first answer to its end.

use super::contender::Contender;
use crate::cargo::Workspace;
use anyhow::{Context, anyhow};
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// The core of every server; the client has the other one.
pub(crate) const SERVER_CORE: &str = "0";

/// How often it is asked whether it answers, and how long.
const ASK_EVERY: Duration = Duration::from_micros(100);
const PATIENCE: Duration = Duration::from_secs(60);

const QUESTION: &[u8] = b"GET /hello HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";

/// A server process; it ends with this value at the latest.
pub(crate) struct Server {
    child: Child,
    pub(crate) port: u16,
    log: PathBuf,
    /// From the start of the process to its first answer.
    pub(crate) took: Duration,
}

// === impl Server ===

impl Server {
    /// Starts it alone on its core, under `wrapper` if there is one, and waits for its first answer.
    pub(crate) fn start(
        workspace: &Workspace,
        contender: &Contender,
        wrapper: &[String],
    ) -> anyhow::Result<Self> {
        let port = free_port()?;
        let log = workspace.target.join(format!("bench-{port}.log"));
        let mut command = Command::new("taskset");
        command.args(["-c", SERVER_CORE]).args(wrapper).arg(contender.build.binary(workspace));
        contender.configure(&mut command, port);
        let output = File::create(&log).with_context(|| format!("cannot write {}", log.display()))?;
        command.stdin(Stdio::null()).stdout(output).stderr(Stdio::null());
        let began = Instant::now();
        let child = command.spawn().with_context(|| format!("cannot start {}", contender.name))?;
        let mut server = Self { child, port, log, took: Duration::ZERO };
        server.wait_until_ready(contender.name, began)?;
        server.took = began.elapsed();
        Ok(server)
    }

    fn wait_until_ready(&mut self, name: &str, began: Instant) -> anyhow::Result<()> {
        while !answers(self.port) {
            if let Some(status) = self.child.try_wait()? {
                return Err(anyhow!("{name} ended before it answered: {status}"));
            }
            if began.elapsed() > PATIENCE {
                return Err(anyhow!("{name} did not answer within {PATIENCE:?}"));
            }
            std::thread::sleep(ASK_EVERY);
        }
        Ok(())
    }

    /// Resident memory in bytes, where the system has `/proc`.
    pub(crate) fn resident_bytes(&self) -> Option<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
        line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok().map(|kib| kib * 1024)
    }

    /// Time on the processor so far, of all threads, where the system has `/proc`.
    pub(crate) fn busy(&self) -> Option<Duration> {
        let threads = std::fs::read_dir(format!("/proc/{}/task", self.child.id())).ok()?;
        let of_thread = |path: PathBuf| -> Option<u64> {
            let stat = std::fs::read_to_string(path.join("schedstat")).ok()?;
            stat.split_whitespace().next()?.parse().ok()
        };
        Some(Duration::from_nanos(threads.flatten().filter_map(|thread| of_thread(thread.path())).sum()))
    }

    /// Asks it to end, and hands back its output once it has.
    pub(crate) fn stop(mut self) -> anyhow::Result<Log> {
        let status = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status();
        if !status.context("cannot start kill")?.success() {
            return Err(anyhow!("the server had ended before it was asked to"));
        }
        self.child.wait()?;
        Ok(Log { path: std::mem::take(&mut self.log) })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It has ended already, unless we are here because something failed.
        let _ = self.child.kill().and_then(|()| self.child.wait());
        let _ = std::fs::remove_file(&self.log);
    }
}

/// What a server has written; the file goes with this value.
pub(crate) struct Log {
    path: PathBuf,
}

// === impl Log ===

impl Log {
    /// How many lines are about a request.
    pub(crate) fn request_lines(&self) -> anyhow::Result<u64> {
        let file = File::open(&self.path).context("cannot read the access log")?;
        let mut lines = BufReader::with_capacity(1 << 20, file).split(b'\n');
        lines.try_fold(0, |count, line| Ok(count + u64::from(is_about_a_request(&line?))))
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(Path::new(&self.path));
    }
}

/// A whole JSON object with a status, as both contenders that log write it.
fn is_about_a_request(line: &[u8]) -> bool {
    let has = |key: &[u8]| line.windows(key.len()).any(|part| part == key);
    line.starts_with(b"{") && line.ends_with(b"}") && has(br#"status":200"#)
}

fn free_port() -> anyhow::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

fn answers(port: u16) -> bool {
    let ask = || -> std::io::Result<bool> {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
        stream.write_all(QUESTION)?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer)?;
        Ok(answer.starts_with(b"HTTP/1.1 200"))
    };
    ask().unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::is_about_a_request;

    #[test]
    fn only_whole_lines_about_a_request_count() {
        assert!(is_about_a_request(br#"{"target":"groundcrew::access","http.status":200}"#));
        assert!(!is_about_a_request(br#"{"target":"groundcrew::access","http.status":200,"#));
        assert!(!is_about_a_request(br#"{"message":"listening"}"#));
    }
}
