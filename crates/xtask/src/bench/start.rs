//! `cargo xtask bench start`: start to ready, idle memory, crates in the tree, and a clean build.

use super::contender::{self, BARE_AXUM, Build, CONTENDERS, Contender, OURS};
use super::http::median;
use super::options::Options;
use super::server::Server;
use super::target::{self, Bound, Target};
use crate::cargo::{self, Workspace};
use crate::failure::Failure;
use crate::style::Style;
use anyhow::{Context, anyhow};
use serde_json::json;
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

/// Starts per contender and round: one takes milliseconds.
const STARTS: usize = 5;
/// How long a server is left alone before its memory is read.
const IDLE: Duration = Duration::from_millis(500);
const MIB: f64 = 1_048_576.0;

/// The same numbers of one contender.
struct Cost {
    ready_ms: f64,
    idle_mib: f64,
    crates: f64,
    build_seconds: Option<f64>,
}

pub(crate) fn run(workspace: &Workspace, options: &Options) -> Result<(), Failure> {
    contender::build_all(workspace)?;
    let (bare, ours) = (find(BARE_AXUM)?, find(OURS)?);
    let (mut bare_ms, mut ours_ms) = (Vec::new(), Vec::new());
    for _ in 0..options.rounds * STARTS {
        bare_ms.push(ready_ms(workspace, bare)?);
        ours_ms.push(ready_ms(workspace, ours)?);
    }
    let bare = Cost::of(workspace, bare, &bare_ms, options)?;
    let ours = Cost::of(workspace, ours, &ours_ms, options)?;
    report(&bare, &ours, options)
}

fn find(build: Build) -> anyhow::Result<&'static Contender> {
    let found = CONTENDERS.iter().find(|contender| contender.build == build);
    found.ok_or_else(|| anyhow!("{} is no contender", build.package))
}

fn ready_ms(workspace: &Workspace, contender: &Contender) -> anyhow::Result<f64> {
    let server = Server::start(workspace, contender, &[])?;
    let took = server.took;
    server.stop()?;
    Ok(took.as_secs_f64() * 1e3)
}

fn report(bare: &Cost, ours: &Cost, options: &Options) -> Result<(), Failure> {
    let mut targets = vec![
        Target::new("ms to ready, more than bare axum", ours.ready_ms - bare.ready_ms, Bound::AtMost(2.0)),
        Target::new("idle memory in MiB", ours.idle_mib, Bound::AtMost(7.0)),
        Target::new("crates in the tree of hello", ours.crates, Bound::AtMost(120.0)),
    ];
    if let (Some(bare), Some(ours)) = (bare.build_seconds, ours.build_seconds) {
        targets.push(Target::new("clean build, of bare axum's", ours / bare, Bound::AtMost(3.0)));
    }
    if options.json {
        let targets: Vec<_> = targets.iter().map(Target::json).collect();
        println!("{:#}", json!({"bare axum": bare.json(), "ours": ours.json(), "targets": targets}));
    } else {
        println!(
            "{:<12} {:>11} {:>11} {:>7} {:>14}",
            "contender", "ready in ms", "idle in MiB", "crates", "build in s"
        );
        println!("{}", bare.line("bare axum"));
        println!("{}", ours.line("ours"));
        target::print(&targets);
    }
    target::verdict(&targets)
}

// === impl Cost ===

impl Cost {
    fn of(
        workspace: &Workspace,
        contender: &Contender,
        ready_ms: &[f64],
        options: &Options,
    ) -> anyhow::Result<Self> {
        let build_seconds =
            options.build.then(|| clean_build_seconds(workspace, contender.build)).transpose()?;
        Ok(Self {
            ready_ms: median(ready_ms.iter().copied()),
            idle_mib: idle_bytes(workspace, contender)? as f64 / MIB,
            crates: crates(workspace, contender.build)? as f64,
            build_seconds,
        })
    }

    fn line(&self, name: &str) -> String {
        let build = self.build_seconds.map_or("-".to_owned(), |seconds| format!("{seconds:.1}"));
        let Self { ready_ms, idle_mib, crates, .. } = self;
        format!("{name:<12} {ready_ms:>11.2} {idle_mib:>11.2} {crates:>7} {build:>14}")
    }

    fn json(&self) -> serde_json::Value {
        json!({
            "ready_ms": self.ready_ms,
            "idle_mib": self.idle_mib,
            "crates": self.crates,
            "build_seconds": self.build_seconds,
        })
    }
}

fn idle_bytes(workspace: &Workspace, contender: &Contender) -> anyhow::Result<u64> {
    let server = Server::start(workspace, contender, &[])?;
    // Long enough for what a start leaves to be done.
    std::thread::sleep(IDLE);
    let bytes = server.resident_bytes().ok_or_else(|| anyhow!("this system has no /proc"))?;
    server.stop()?;
    Ok(bytes)
}

/// What is compiled for this machine: the package itself included, tests and other platforms not.
fn crates(workspace: &Workspace, build: Build) -> anyhow::Result<usize> {
    let mut command = cargo::command(Style::detect());
    command.current_dir(&workspace.root);
    command.args(["tree", "--prefix", "none", "-e", "normal,build", "--format", "{p}", "-p", build.package]);
    command.args(build.feature.into_iter().flat_map(|feature| ["--features", feature]));
    let output = command.output().context("cannot start cargo")?;
    if !output.status.success() {
        return Err(anyhow!("cargo tree failed: {}", String::from_utf8_lossy(&output.stderr).trim()));
    }
    Ok(count_crates(&String::from_utf8_lossy(&output.stdout)))
}

fn count_crates(tree: &str) -> usize {
    let names = tree.lines().map(|line| line.trim_end_matches(" (*)")).filter(|line| !line.is_empty());
    names.collect::<BTreeSet<_>>().len()
}

fn clean_build_seconds(workspace: &Workspace, build: Build) -> anyhow::Result<f64> {
    let target = workspace.target.join("bench-clean-build");
    let _ = std::fs::remove_dir_all(&target);
    let began = Instant::now();
    build.build(workspace, &target)?;
    let seconds = began.elapsed().as_secs_f64();
    std::fs::remove_dir_all(&target).context("cannot remove the folder of the clean build")?;
    Ok(seconds)
}

#[cfg(test)]
mod tests {
    use super::count_crates;

    #[test]
    fn a_crate_that_is_needed_twice_is_counted_once() {
        assert_eq!(count_crates("a v1.0.0\nb v1.0.0\nb v1.0.0 (*)\nb v2.0.0\n\n"), 3);
    }
}
