//! Who does the jobs: which program, on which servers, and how many it gets.

use super::servers::Needs;
use crate::bench::contender::Build;
use crate::cargo::Workspace;
use crate::failure::Failure;
use crate::python;
use std::path::{Path, PathBuf};
use std::process::Command;

/// One way to run jobs.
pub(super) struct Contender {
    pub(super) name: &'static str,
    program: Program,
    pub(super) needs: Needs,
    /// Its share of the jobs, so that the slow ones do not take minutes.
    pub(super) rate: f64,
}

enum Program {
    Celery,
    RawLapin,
    /// Ours, in this mode.
    Ours(&'static str),
}

const RAW_LAPIN: Build = Build { package: "benches", feature: Some("raw-lapin") };
const OURS: Build = Build { package: "benches", feature: Some("ours-jobs") };

pub(super) const CONTENDERS: [Contender; 6] = [
    Contender { name: "raw lapin", program: Program::RawLapin, needs: Needs::Broker, rate: 1.0 },
    Contender { name: "ours, RabbitMQ", program: Program::Ours("amqp"), needs: Needs::Broker, rate: 1.0 },
    Contender { name: "ours, one effect", program: Program::Ours("once"), needs: Needs::Both, rate: 0.2 },
    Contender {
        name: "ours, Postgres",
        program: Program::Ours("postgres"),
        needs: Needs::Postgres,
        rate: 0.5,
    },
    Contender { name: "ours, SQLite", program: Program::Ours("sqlite"), needs: Needs::File, rate: 0.5 },
    Contender { name: "Celery", program: Program::Celery, needs: Needs::Broker, rate: 0.15 },
];

// === impl Contender ===

impl Contender {
    pub(super) fn command(&self, workspace: &Workspace, python: &Path) -> Command {
        match self.program {
            Program::Celery => {
                let mut command = Command::new(python);
                command.arg(celery(workspace).join("bench.py"));
                command
            }
            Program::RawLapin => Command::new(RAW_LAPIN.binary(workspace)),
            Program::Ours(mode) => {
                let mut command = Command::new(OURS.binary(workspace));
                command.env("BENCH_MODE", mode);
                command
            }
        }
    }
}

pub(super) fn build_all(workspace: &Workspace) -> anyhow::Result<()> {
    RAW_LAPIN.build(workspace, &workspace.target)?;
    OURS.build(workspace, &workspace.target)
}

/// The Python that has Celery.
pub(super) fn python(workspace: &Workspace) -> Result<PathBuf, Failure> {
    let requirements = celery(workspace).join("requirements.txt");
    python::environment(&workspace.target.join("celery-venv"), &requirements)
}

fn celery(workspace: &Workspace) -> PathBuf {
    workspace.root.join("benches/celery")
}
