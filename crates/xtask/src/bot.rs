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

/// A running bot.
pub(crate) struct Bot {
    process: Child,
    folder: PathBuf,
    /// `127.0.0.1` and its port.
    pub(crate) address: String,
}

/// Builds the bot, optimised or not; where it is.
pub(crate) fn build(workspace: &Workspace, release: bool) -> Result<PathBuf, Failure> {
    let mut build = cargo::command(Style::detect());
    build.current_dir(&workspace.root).args(["build", "-p", "summary-bot", "-j", JOBS]);
    if release {
        build.arg("--release");
    }
    let status = stream::run(&mut build, |_| {})?;
    if !status.success() {
        return Err(anyhow!("cargo build -p summary-bot failed: {status}").into());
    }
    Ok(workspace.target.join(if release { "release/summary-bot" } else { "debug/summary-bot" }))
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

/// Reads up to the line that says where the page is; the rest is read and passed over.
fn told(output: ChildStdout) -> anyhow::Result<String> {
    let mut lines = BufReader::new(output).lines();
    for line in lines.by_ref().map_while(Result::ok) {
        let line: Value = serde_json::from_str(&line).unwrap_or_default();
        if let Some(page) = line["page"].as_str() {
            let address = page.trim_start_matches("http://").trim_end_matches('/').to_owned();
            std::thread::spawn(move || lines.for_each(drop));
            return Ok(address);
        }
    }
    Err(anyhow!("the bot ended before it said where it is"))
}
