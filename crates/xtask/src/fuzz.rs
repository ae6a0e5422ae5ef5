//! The running API against its own OpenAPI document: schemathesis with every check, for a bounded time.

use crate::bot::{self, Bot};
use crate::cargo::Workspace;
use crate::failure::Failure;
use crate::{python, stream};
use anyhow::{Context, anyhow};
use std::process::Command;

/// Seconds of making up requests, in every run and in a long one.
const SHORT: &str = "60";
const LONG: &str = "600";

/// What signs the token of whoever asks.
const SECRET: &str = "between-the-hangar-and-the-apron-7193";

/// Whether no answer was a 5xx, or another than the document says.
pub(crate) fn run(workspace: &Workspace, long: bool) -> Result<bool, Failure> {
    let source = workspace.root.join("crates/xtask/schemathesis");
    let folder = workspace.target.join("tmp/schemathesis");
    let python = python::environment(&folder, &source.join("requirements.txt"))?;
    let binary = bot::debug(workspace)?;
    // A secret closes it: whoever has no key is nobody, and that is checked, too.
    let bot = Bot::start(workspace, &binary, &[&format!("auth.jwt_secret={SECRET}")])?;
    // Not a key of the bot's, which the requests that are made up would sooner or later take back.
    let url = format!("http://{}", bot.address);
    let mut token = Command::new(&python);
    let token =
        token.arg(source.join("token.py")).args([SECRET, &url]).output().context("cannot run Python")?;
    if !token.status.success() {
        let said = String::from_utf8_lossy(&token.stderr).into_owned();
        return Err(anyhow!("the bot believes no token: {said}").into());
    }
    let token = String::from_utf8_lossy(&token.stdout).trim().to_owned();
    let mut fuzz = Command::new(python.with_file_name("schemathesis"));
    fuzz.current_dir(&folder).arg("--config-file").arg(source.join("schemathesis.toml"));
    fuzz.args(["run", &format!("{url}/openapi.json"), "--checks", "all", "--no-color"]);
    fuzz.args(["-H", &format!("Authorization: Bearer {token}")]);
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
