//! Environments for the few tools that are written in Python.

use crate::failure::Failure;
use crate::{stream, tools};
use anyhow::{Context, anyhow};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The environment's Python. It is made once, and again when the requirements change.
pub(crate) fn environment(folder: &Path, requirements: &Path) -> Result<PathBuf, Failure> {
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
    let status = stream::run(&mut install, |_| {})?;
    if !status.success() {
        return Err(anyhow!("pip install failed: {status}").into());
    }
    std::fs::write(&stamp, wanted).with_context(|| format!("cannot write {}", stamp.display()))?;
    Ok(python)
}
