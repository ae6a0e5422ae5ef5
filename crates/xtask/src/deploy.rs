//! What the bot is deployed with, held against its schemas and the usual rules.

use crate::cargo::Workspace;
use crate::failure::Failure;
use crate::{python, stream};
use std::process::Command;

const FOLDER: &str = "examples/summary-bot/deploy";
const COMPOSE: &[&str] = &["compose.yaml", "compose.replicas.yaml"];

/// Whether hadolint has nothing to say of the Dockerfile, and the compose files fit their specification.
pub(crate) fn check(workspace: &Workspace) -> Result<bool, Failure> {
    let requirements = workspace.root.join("crates/xtask/deploy/requirements.txt");
    let python = python::environment(&workspace.target.join("tmp/deploy"), &requirements)?;
    let folder = workspace.root.join(FOLDER);
    let mut lint = Command::new(python.with_file_name("hadolint"));
    lint.current_dir(&folder).arg("Dockerfile");
    let mut compose = Command::new(python.with_file_name("check-jsonschema"));
    compose.current_dir(&folder).args(["--builtin-schema", "vendor.compose-spec"]).args(COMPOSE);
    let clean = stream::run(&mut lint, |_| {})?.success();
    Ok(stream::run(&mut compose, |_| {})?.success() && clean)
}
