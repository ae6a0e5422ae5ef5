//! Who is measured: which package it is, how it is built, and what it must be told.

use crate::cargo::{self, JOBS, Workspace};
use crate::stream;
use crate::style::Style;
use anyhow::anyhow;
use std::path::{Path, PathBuf};
use std::process::Command;

/// One server in one mode.
#[derive(Debug)]
pub(crate) struct Contender {
    pub(crate) name: &'static str,
    pub(crate) build: Build,
    /// Variables besides the port.
    environment: &'static [(&'static str, &'static str)],
    /// Whether every request must be a line of its output.
    pub(crate) logs_every_request: bool,
}

/// Where a binary comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Build {
    pub(crate) package: &'static str,
    /// Also the name of the binary, where there is one.
    pub(crate) feature: Option<&'static str>,
}

pub(crate) const BARE_AXUM: Build = Build { package: "benches", feature: Some("bare-axum") };
pub(crate) const OURS: Build = Build { package: "hello", feature: None };
const LOAD: &str = "load";

/// The first that is named after `BARE_AXUM` is what the others are compared with.
pub(crate) const CONTENDERS: [Contender; 6] = [
    Contender::new("bare hyper", Build::of_benches("bare-hyper"), &[], false),
    Contender::new("bare axum", BARE_AXUM, &[], false),
    Contender::new("assembled", Build::of_benches("assembled"), &[("ACCESS_LOG", "off")], false),
    Contender::new("assembled, log", Build::of_benches("assembled"), &[("ACCESS_LOG", "on")], true),
    Contender::new("ours, 1 % log", OURS, &[("HELLO__HTTP__ACCESS_LOG", "0.01")], false),
    Contender::new("ours, log", OURS, &[("HELLO__HTTP__ACCESS_LOG", "1.0")], true),
];

// === impl Contender ===

impl Contender {
    const fn new(
        name: &'static str,
        build: Build,
        environment: &'static [(&'static str, &'static str)],
        logs_every_request: bool,
    ) -> Self {
        Self { name, build, environment, logs_every_request }
    }

    pub(crate) fn is_ours(&self) -> bool {
        self.build == OURS
    }

    pub(crate) fn is_baseline(&self) -> bool {
        self.build == BARE_AXUM
    }

    /// Tells the process its mode and where to listen.
    pub(crate) fn configure(&self, command: &mut Command, port: u16) {
        command.env("PORT", port.to_string()).envs(self.environment.iter().copied());
        if self.is_ours() {
            command.env("HELLO__ADMIN__PORT", "0");
        }
    }
}

// === impl Build ===

impl Build {
    const fn of_benches(feature: &'static str) -> Self {
        Self { package: "benches", feature: Some(feature) }
    }

    pub(crate) fn binary(&self, workspace: &Workspace) -> PathBuf {
        workspace.target.join("release").join(self.feature.unwrap_or(self.package))
    }

    /// Builds it alone, or it would get the features that the others ask of shared crates.
    pub(crate) fn build(&self, workspace: &Workspace, target: &Path) -> anyhow::Result<()> {
        let mut arguments = vec!["build", "--release", "-j", JOBS, "-p", self.package];
        if let Some(feature) = self.feature {
            arguments.extend(["--features", feature, "--bin", feature]);
        }
        let mut command = cargo::command(Style::detect());
        command.current_dir(&workspace.root).args(&arguments).arg("--quiet").arg("--target-dir").arg(target);
        let status = stream::run(&mut command, |_| {})?;
        if status.success() { Ok(()) } else { Err(anyhow!("cargo {} failed: {status}", arguments.join(" "))) }
    }
}

/// Builds all, and the client.
pub(crate) fn build_all(workspace: &Workspace) -> anyhow::Result<()> {
    let target = &workspace.target;
    let mut built: Vec<Build> = Vec::new();
    for contender in &CONTENDERS {
        if !built.contains(&contender.build) {
            contender.build.build(workspace, target)?;
            built.push(contender.build);
        }
    }
    Build::of_benches(LOAD).build(workspace, target)
}

pub(crate) fn load_client(workspace: &Workspace) -> PathBuf {
    workspace.target.join("release").join(LOAD)
}
