//! The Summary Bot as a process of ours: in a folder that goes with it, on ports of the system's choice.

use crate::cargo::{self, JOBS, Workspace};
use crate::failure::Failure;
use crate::stream;
use crate::style::Style;
use anyhow::{Context, anyhow};
use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

/// How long a start may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running bot.
pub(crate) struct Bot {
    process: Child,
    folder: PathBuf,
    /// `127.0.0.1` and its port.
    pub(crate) address: String,
}

/// Builds the bot as users do, optimised; where it is.
pub(crate) fn release(workspace: &Workspace) -> Result<PathBuf, Failure> {
    built(workspace, &["build", "--release", "-p", "summary-bot"], "release/summary-bot")
}

/// Builds the bot as its tests do, which have built it already where they have run; where it is. `SUMMARY_BOT` names
/// another one.
pub(crate) fn debug(workspace: &Workspace) -> Result<PathBuf, Failure> {
    match std::env::var_os("SUMMARY_BOT").filter(|path| !path.is_empty()) {
        Some(path) => Ok(path.into()),
        None => built(workspace, &["test", "--no-run", "--workspace", "--all-features"], "debug/summary-bot"),
    }
}

fn built(workspace: &Workspace, arguments: &[&str], path: &str) -> Result<PathBuf, Failure> {
    let mut build = cargo::command(Style::detect());
    build.current_dir(&workspace.root).args(arguments).args(["-j", JOBS]);
    let status = stream::run(&mut build, |_| {})?;
    if !status.success() {
        return Err(anyhow!("cargo {} failed: {status}", arguments.join(" ")).into());
    }
    Ok(workspace.target.join(path))
}

impl Bot {
    /// Starts it with a SQLite file, and waits until it says where it is.
    pub(crate) fn start(workspace: &Workspace, binary: &Path, settings: &[&str]) -> anyhow::Result<Self> {
        let folder = workspace.target.join(format!("tmp/bot-{}", std::process::id()));
        std::fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        let mut command = Command::new(binary);
        let usual =
            ["http.port=0", "admin.port=0", "http.access_log=0", "rate_limiting.max_requests=1000000000"];
        for setting in usual.iter().chain(settings) {
            command.args(["--set", setting]);
        }
        let process =
            command.env_clear().current_dir(&folder).stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
        let process = process.with_context(|| format!("cannot start {}", binary.display()))?;
        let mut bot = Self { process, folder, address: String::new() };
        let output = bot.process.stdout.take().context("its output is ours")?;
        bot.address = told(output)?;
        Ok(bot)
    }

    /// The most memory that it has ever had, in MiB.
    pub(crate) fn peak_mib(&self) -> anyhow::Result<f64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("no VmHWM")?;
        let kib: f64 = line.trim().trim_end_matches("kB").trim().parse()?;
        Ok(kib / 1024.0)
    }

    /// Ends it as an operator would; whether it landed well.
    pub(crate) fn stop(mut self) -> anyhow::Result<bool> {
        let sent = Command::new("kill").arg(self.process.id().to_string()).status()?;
        Ok(sent.success() && self.process.wait()?.success())
    }
}

impl Drop for Bot {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// Reads up to the line that says where the page is; the rest is read and passed over. The log must show its level.
fn told(output: ChildStdout) -> anyhow::Result<String> {
    let (tell, told) = mpsc::channel();
    std::thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            let line: Value = serde_json::from_str(&line).unwrap_or_default();
            if let Some(page) = line["page"].as_str() {
                let _ = tell.send(page.trim_start_matches("http://").trim_end_matches('/').to_owned());
            }
        }
    });
    told.recv_timeout(PATIENCE)
        .map_err(|_| anyhow!("the bot ended, or took a minute, and did not say where it is"))
}
