//! The programs that the tests need, installed where that is ours to do and asked for where it is not.

use crate::cargo::Workspace;
use crate::failure::Failure;
use crate::{python, stream};
use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A program that tests start, and the Debian package that brings it.
struct Tool {
    what: &'static str,
    package: &'static str,
    found: fn() -> bool,
}

/// Debian's packages start what they install unless this program forbids it.
const POLICY: &str = "/usr/sbin/policy-rc.d";

/// While it lives, no package starts a service: tests start their own servers, and end them.
struct NoServices {
    ours: bool,
}

const TOOLS: &[Tool] = &[
    Tool { what: "the PostgreSQL server", package: "postgresql", found: postgres },
    Tool { what: "the Redis server", package: "redis-server", found: redis },
    Tool { what: "the RabbitMQ broker", package: "rabbitmq-server", found: rabbitmq },
    Tool { what: "PgBouncer", package: "pgbouncer", found: pgbouncer },
    Tool { what: "a headless browser", package: "chromium", found: browser },
    Tool { what: "the driver of that browser", package: "chromium-driver", found: driver },
    Tool { what: "pgrep, which finds what a server has started", package: "procps", found: pgrep },
    Tool { what: "Python's environments, for the S3 server", package: "python3-venv", found: venv },
];

/// Installs what is missing on Debian as root; elsewhere fails with the one command that installs it. The S3 server,
/// which no distribution has, goes into the target folder.
pub(crate) fn ensure(workspace: &Workspace) -> Result<(), Failure> {
    packages()?;
    if !has_moto() {
        // The tests look here.
        let requirements = workspace.root.join("crates/xtask/moto/requirements.txt");
        python::environment(&workspace.target.join("tmp/moto"), &requirements)?;
    }
    println!("all there");
    Ok(())
}

fn packages() -> Result<(), Failure> {
    let missing = missing();
    if missing.is_empty() {
        return Ok(());
    }
    for tool in &missing {
        println!("missing: {} (Debian package {})", tool.what, tool.package);
    }
    if !(is_root() && on_path("apt-get").is_some()) {
        return Err(Failure::MissingTool(format!("install it with\n  sudo {}", install_line(&missing))));
    }
    let _no_services = NoServices::ensure()?;
    apt(&["update"])?;
    let mut arguments = vec!["install", "-y", "--no-install-recommends"];
    arguments.extend(missing.iter().map(|tool| tool.package));
    apt(&arguments)?;
    match self::missing().first() {
        None => Ok(()),
        Some(tool) => Err(Failure::MissingTool(format!("{} is not found after installing it", tool.what))),
    }
}

/// Writes the program that forbids packages to start services.
pub(crate) fn forbid_services(policy: &Path) -> Result<(), Failure> {
    let mut options = OpenOptions::new();
    let mut file = options.write(true).create(true).truncate(true).mode(0o755).open(policy)?;
    Ok(file.write_all(b"#!/bin/sh\nexit 101\n")?)
}

impl NoServices {
    /// A policy that is there already stays.
    fn ensure() -> Result<Self, Failure> {
        let ours = !Path::new(POLICY).exists();
        if ours {
            forbid_services(Path::new(POLICY))?;
        }
        Ok(Self { ours })
    }
}

impl Drop for NoServices {
    fn drop(&mut self) {
        if self.ours {
            let _ = std::fs::remove_file(POLICY);
        }
    }
}

fn missing() -> Vec<&'static Tool> {
    TOOLS.iter().filter(|tool| !(tool.found)()).collect()
}

fn install_line(missing: &[&Tool]) -> String {
    let packages: Vec<&str> = missing.iter().map(|tool| tool.package).collect();
    format!("apt-get install -y --no-install-recommends {}", packages.join(" "))
}

fn apt(arguments: &[&str]) -> Result<(), Failure> {
    let mut command = Command::new("apt-get");
    command.env("DEBIAN_FRONTEND", "noninteractive").args(arguments);
    if stream::run(&mut command, |_| {})?.success() {
        return Ok(());
    }
    Err(Failure::MissingTool(format!("apt-get {} failed; run it by hand to see why", arguments.join(" "))))
}

pub(crate) fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output();
    id.is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}

/// The same places where the test kit looks.
fn postgres() -> bool {
    given("TEST_DATABASE_URL") || given("PG_BIN") || debian_postgres() || on_path("postgres").is_some()
}

fn debian_postgres() -> bool {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    versions.map(|version| version.path().join("bin/postgres")).any(|binary| binary.is_file())
}

fn redis() -> bool {
    let names = ["redis-server", "valkey-server"];
    given("REDIS_SERVER") || names.iter().any(|name| on_path(name).is_some())
}

fn rabbitmq() -> bool {
    given("RABBITMQ_SERVER")
        || Path::new("/usr/lib/rabbitmq/lib").is_dir()
        || on_path("rabbitmq-server").is_some()
}

/// Debian's is where only root's `PATH` leads.
fn pgbouncer() -> bool {
    given("PGBOUNCER") || Path::new("/usr/sbin/pgbouncer").is_file() || on_path("pgbouncer").is_some()
}

fn given(variable: &str) -> bool {
    std::env::var_os(variable).is_some_and(|value| !value.is_empty())
}

fn pgrep() -> bool {
    on_path("pgrep").is_some()
}

/// An S3 server of one's own.
fn has_moto() -> bool {
    given("MOTO_SERVER") || on_path("moto_server").is_some()
}

/// Debian's Python comes without what puts pip into an environment.
fn venv() -> bool {
    let python = || Command::new("python3").args(["-c", "import ensurepip, venv"]).output();
    has_moto() || python().is_ok_and(|output| output.status.success())
}

fn browser() -> bool {
    let names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
    names.iter().any(|name| on_path(name).is_some())
}

fn driver() -> bool {
    given("CHROMEDRIVER") || on_path("chromedriver").is_some()
}

/// Where a program is on `PATH`.
pub(crate) fn on_path(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(program)).find(|file| Path::is_file(file))
}

#[cfg(test)]
mod tests {
    use super::{TOOLS, Tool, install_line, on_path};

    #[test]
    fn one_command_installs_all_that_is_missing() {
        let all: Vec<&Tool> = TOOLS.iter().collect();
        assert_eq!(
            install_line(&all),
            "apt-get install -y --no-install-recommends \
             postgresql redis-server rabbitmq-server pgbouncer chromium chromium-driver procps python3-venv"
        );
    }

    #[test]
    fn programs_are_found_on_the_path_and_others_are_not() {
        assert!(on_path("sh").is_some());
        assert!(on_path("no-such-program").is_none());
    }
}
