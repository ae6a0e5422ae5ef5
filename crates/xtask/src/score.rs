//! `cargo xtask score`: the scorer's Python environment, the bot, and the two put together.

use crate::cargo::{self, JOBS, Workspace};
use crate::failure::Failure;
use crate::style::Style;
use crate::{help, stream, tools};
use anyhow::{Context, anyhow};
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
    let python = environment(&workspace.target.join("score-venv"), &source.join("requirements.txt"))?;
    let bot = build_bot(&workspace)?;
    let mut score = Command::new(python);
    score.arg(source.join("score.py")).arg("--bot").arg(bot).arg(folder);
    succeed(&mut score, "the scorer")
}

/// The environment's Python. It is made once, and again when the requirements change.
fn environment(folder: &Path, requirements: &Path) -> Result<PathBuf, Failure> {
    let wanted =
        std::fs::read(requirements).with_context(|| format!("cannot read {}", requirements.display()))?;
    let python = folder.join("bin/python");
    let stamp = folder.join("installed-requirements.txt");
    if std::fs::read(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(python);
    }
    if tools::on_path("python3").is_none() {
        return Err(Failure::MissingTool(
            "install it with\n  sudo apt-get install -y python3 python3-venv".into(),
        ));
    }
    let mut make = Command::new("python3");
    make.args(["-m", "venv", "--clear"]).arg(folder);
    if !stream::run(&mut make, |_| {})?.success() {
        return Err(Failure::MissingTool("install it with\n  sudo apt-get install -y python3-venv".into()));
    }
    let mut install = Command::new(&python);
    install.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r"]).arg(requirements);
    succeed(&mut install, "pip install")?;
    std::fs::write(&stamp, wanted).with_context(|| format!("cannot write {}", stamp.display()))?;
    Ok(python)
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
