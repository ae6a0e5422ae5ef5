//! What the scenarios share: where the built services are.

pub mod ledger_job;

use std::path::PathBuf;
use std::process::Command;
use std::sync::Once;

/// The path of a service of this workspace, built as the tests are.
///
/// # Panics
///
/// When it does not build.
pub fn service(package: &str) -> PathBuf {
    let folder = profile_folder();
    let mut build = Command::new(env!("CARGO"));
    build.args(["build", "--quiet", "--package", package, "--target-dir"]);
    build.arg(folder.parent().expect("target/<profile>"));
    if folder.ends_with("release") {
        build.arg("--release");
    }
    let status = build.status().expect("cargo runs");
    assert!(status.success(), "`cargo build -p {package}` failed");
    folder.join(package).with_extension(std::env::consts::EXE_EXTENSION)
}

/// The path of an example of this workspace. It is built as `cargo xtask test` has built it already, with every feature
/// of every crate; otherwise the whole tree would be compiled once more.
///
/// # Panics
///
/// When it does not build.
pub fn example(name: &str) -> PathBuf {
    static BUILT: Once = Once::new();
    let folder = profile_folder();
    BUILT.call_once(|| {
        let mut build = Command::new(env!("CARGO"));
        build.args(["build", "--quiet", "--workspace", "--all-features", "--examples", "--target-dir"]);
        build.arg(folder.parent().expect("target/<profile>")).current_dir(env!("CARGO_MANIFEST_DIR"));
        if folder.ends_with("release") {
            build.arg("--release");
        }
        assert!(build.status().expect("cargo runs").success(), "the examples do not build");
    });
    folder.join("examples").join(name).with_extension(std::env::consts::EXE_EXTENSION)
}

/// `target/<profile>`: the tests run from its `deps`.
fn profile_folder() -> PathBuf {
    let test = std::env::current_exe().expect("the path of this test");
    let deps = test.parent().expect("target/<profile>/deps");
    deps.parent().expect("target/<profile>").to_owned()
}
