//! `cargo xtask rabbitmq4`: a RabbitMQ 4 beside the system's, for tests to run against.

use crate::cargo::Workspace;
use crate::failure::Failure;
use crate::{help, stream, tools};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The Debian release that brings it.
const RELEASE: &str = "trixie";
const MIRROR: &str = "http://deb.debian.org/debian";

/// Says when it is there, so that an interrupted installation is begun again.
const DONE: &str = "usr/lib/rabbitmq/.installed";

pub(crate) fn run(arguments: &[String]) -> Result<(), Failure> {
    let root = match arguments {
        [] => Workspace::load()?.target.join("rabbitmq4"),
        [folder] => std::path::absolute(PathBuf::from(folder))?,
        _ => return Err(Failure::Usage(help::RABBITMQ4.to_owned())),
    };
    if !root.join(DONE).is_file() {
        install(&root)?;
    }
    println!("RABBITMQ_ROOT={} cargo xtask test tests", root.display());
    Ok(())
}

/// A small Debian of its own: nothing is mounted into it, and nothing starts in it by itself.
fn install(root: &Path) -> Result<(), Failure> {
    if !tools::is_root() {
        return Err(Failure::MissingTool("only root can install another Debian; use sudo".to_owned()));
    }
    if tools::on_path("debootstrap").is_none() {
        let install =
            "debootstrap; install it with\n  apt-get install -y --no-install-recommends debootstrap";
        return Err(Failure::MissingTool(install.to_owned()));
    }
    must(Command::new("debootstrap").args(["--variant=minbase", RELEASE]).arg(root).arg(MIRROR))?;
    tools::forbid_services(&root.join("usr/sbin/policy-rc.d"))?;
    let mut apt = Command::new("chroot");
    apt.arg(root).args(["apt-get", "install", "-y", "--no-install-recommends", "rabbitmq-server"]);
    must(apt.env("DEBIAN_FRONTEND", "noninteractive"))?;
    Ok(std::fs::write(root.join(DONE), "")?)
}

fn must(command: &mut Command) -> Result<(), Failure> {
    if stream::run(command, |_| {})?.success() {
        return Ok(());
    }
    let program = command.get_program().to_string_lossy();
    Err(anyhow::anyhow!("{program} failed; what it said is above").into())
}
