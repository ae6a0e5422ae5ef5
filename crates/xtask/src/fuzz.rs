//! The running API against its own OpenAPI document: schemathesis with every check, for a bounded time.

use crate::bot::{self, Bot};
use crate::cargo::Workspace;
use crate::failure::Failure;
use crate::{python, stream};
use std::process::Command;

/// Seconds of making up requests, in every run and in a long one.
const SHORT: &str = "60";
const LONG: &str = "600";

/// Whether no answer was a 5xx, or another than the document says.
pub(crate) fn run(workspace: &Workspace, long: bool) -> Result<bool, Failure> {
    let source = workspace.root.join("crates/xtask/schemathesis");
    let folder = workspace.target.join("tmp/schemathesis");
    let python = python::environment(&folder, &source.join("requirements.txt"))?;
    let binary = bot::build(workspace, false)?;
    let bot = Bot::start(workspace, &binary, &["log.level=error"])?;
    let mut fuzz = Command::new(python.with_file_name("schemathesis"));
    fuzz.current_dir(&folder).arg("--config-file").arg(source.join("schemathesis.toml"));
    fuzz.args(["run", &format!("http://{}/openapi.json", bot.address), "--checks", "all", "--no-color"]);
    fuzz.args([
        "--continue-on-failure",
        "--request-timeout",
        "30",
        "--max-time",
        if long { LONG } else { SHORT },
    ]);
    if !long {
        // The same requests each time: what a run has found the next one finds again.
        fuzz.args(["--seed", "1", "--max-examples", "20"]);
    }
    let status = stream::run(&mut fuzz, |_| {})?;
    println!("the bot has taken {:.0} MiB at most", bot.peak_mib().unwrap_or_default());
    Ok(status.success() && bot.stop()?)
}
