//! What the scenarios share: where the built services are.

pub mod ledger_job;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// The path of a service of this workspace with the features that it asks for and no others, as its users have it.
///
/// # Panics
///
/// When it does not build.
pub fn service(package: &str) -> PathBuf {
    binary(&build(&["--package", package]), package)
}

/// The path of a service of this workspace with every feature there is, as the tests have built it already.
///
/// # Panics
///
/// When it does not build.
pub fn full_service(package: &str) -> PathBuf {
    binary(&build(&[WITH_THE_TESTS, &["--bin", package]].concat()), package)
}

/// The path of an example of this workspace.
///
/// # Panics
///
/// When it does not build.
pub fn example(name: &str) -> PathBuf {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    binary(&BUILT.get_or_init(|| build(WITH_THE_TESTS)).join("examples"), name)
}

/// What `cargo xtask test` has built already: every crate with every feature and with what its tests need. Anything else
/// compiles the tree once more.
const WITH_THE_TESTS: &[&str] = &["--workspace", "--all-features", "--examples"];

/// Builds what is asked for, and returns where it is.
fn build(what: &[&str]) -> PathBuf {
    let folder = profile_folder();
    let mut build = Command::new(env!("CARGO"));
    build.args(["build", "--quiet"]).args(what).current_dir(env!("CARGO_MANIFEST_DIR"));
    build.arg("--target-dir").arg(folder.parent().expect("target/<profile>"));
    if folder.ends_with("release") {
        build.arg("--release");
    }
    assert!(build.status().expect("cargo runs").success(), "{build:?} failed");
    folder
}

fn binary(folder: &Path, name: &str) -> PathBuf {
    folder.join(name).with_extension(std::env::consts::EXE_EXTENSION)
}

/// `target/<profile>`: the tests run from its `deps`.
fn profile_folder() -> PathBuf {
    let test = std::env::current_exe().expect("the path of this test");
    let deps = test.parent().expect("target/<profile>/deps");
    deps.parent().expect("target/<profile>").to_owned()
}
