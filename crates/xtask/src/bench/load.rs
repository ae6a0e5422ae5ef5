//! The client on its own core.

use super::contender::load_client;
use crate::cargo::Workspace;
use anyhow::{Context, anyhow};
use serde_json::Value;
use std::process::Command;

/// The server has the other one.
const CLIENT_CORE: &str = "1";

/// What the client saw.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Load {
    pub(crate) requests: u64,
    pub(crate) per_second: f64,
    pub(crate) p99_us: u64,
}

/// Runs the client: `until` is a number of seconds, or of requests with an `x` behind it.
pub(crate) fn run(workspace: &Workspace, port: u16, connections: u32, until: &str) -> anyhow::Result<Load> {
    let mut command = Command::new("taskset");
    command.args(["-c", CLIENT_CORE]).arg(load_client(workspace));
    command.args([&port.to_string(), &connections.to_string(), until]);
    let output = command.output().context("cannot start the client")?;
    if !output.status.success() {
        return Err(anyhow!("the client failed: {}", String::from_utf8_lossy(&output.stderr).trim()));
    }
    let seen: Value = serde_json::from_slice(&output.stdout).context("the client prints JSON")?;
    let load = || {
        Some(Load {
            requests: seen["requests"].as_u64()?,
            per_second: seen["per_second"].as_f64()?,
            p99_us: seen["p99_us"].as_u64()?,
        })
    };
    load().ok_or_else(|| anyhow!("the client left something out: {seen}"))
}
