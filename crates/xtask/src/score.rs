//! `cargo xtask score`: the scorer's Python environment, the bot, and the two put together.

use crate::cargo::{self, JOBS, Workspace};
use crate::failure::Failure;
use crate::style::Style;
use crate::{help, python, stream};
use anyhow::anyhow;
use std::path::{Path, PathBuf};
use std::process::Command;

pub(crate) fn run(arguments: &[String]) -> Result<(), Failure> {
    let [folder] = arguments else {
        return Err(Failure::Usage(format!("`score` takes one folder\n\n{}", help::SCORE)));
    };
    if !Path::new(folder).is_dir() {
        return Err(Failure::Usage(format!("`{folder}` is not a folder")));
    }
    let workspace = Workspace::load()?;
    let source = workspace.root.join("crates/xtask/score");
    let python = python::environment(&workspace.target.join("score-venv"), &source.join("requirements.txt"))?;
    let bot = build_bot(&workspace)?;
    let mut score = Command::new(python);
    score.arg(source.join("score.py")).arg("--bot").arg(bot).arg(folder);
    succeed(&mut score, "the scorer")
}

fn build_bot(workspace: &Workspace) -> Result<PathBuf, Failure> {
    let mut build = cargo::command(Style::detect());
    build.current_dir(&workspace.root).args(["build", "--release", "-p", "summary-bot", "-j", JOBS]);
    succeed(&mut build, "cargo build -p summary-bot")?;
    Ok(workspace.target.join("release/summary-bot"))
}

fn succeed(command: &mut Command, what: &str) -> Result<(), Failure> {
    let status = stream::run(command, |_| {})?;
    if status.success() { Ok(()) } else { Err(anyhow!("{what} failed: {status}").into()) }
}
