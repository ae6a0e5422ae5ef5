//! `cargo xtask bench`: our server beside what one would use instead.

mod bot;
mod contender;
mod http;
mod instructions;
mod jobs;
mod load;
mod options;
mod server;
mod start;
mod target;

use crate::cargo::Workspace;
use crate::failure::Failure;
use crate::{help, tools};
use options::Options;

pub(crate) fn run(arguments: &[String]) -> Result<(), Failure> {
    let Some((what, rest)) = arguments.split_first() else {
        return Err(Failure::Usage(format!("`bench` needs to know what\n\n{}", help::BENCH)));
    };
    let options = Options::parse(rest)?;
    need("taskset", "util-linux")?;
    if options.callgrind {
        need("valgrind", "valgrind")?;
    }
    let workspace = Workspace::load()?;
    match what.as_str() {
        "bot" => bot::run(&workspace, &options),
        "http" => http::run(&workspace, &options),
        "jobs" => jobs::run(&workspace, &options),
        "start" => start::run(&workspace, &options),
        other => Err(Failure::Usage(format!("there is no benchmark `{other}`\n\n{}", help::BENCH))),
    }
}

fn need(program: &str, package: &str) -> Result<(), Failure> {
    match tools::on_path(program) {
        Some(_) => Ok(()),
        None => Err(Failure::MissingTool(format!("install it with\n  sudo apt-get install -y {package}"))),
    }
}
