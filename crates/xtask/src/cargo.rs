//! Cargo as a child: its commands, and what it knows about the workspace.

use crate::style::Style;
use anyhow::{Context, anyhow};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Jobs that Cargo may run at once: the smallest machine that must do has two cores.
pub(crate) const JOBS: &str = "2";

/// The workspace as Cargo describes it.
pub(crate) struct Workspace {
    pub(crate) root: PathBuf,
    pub(crate) target: PathBuf,
    /// The packages under `crates/` that have a library.
    pub(crate) libraries: Vec<Library>,
}

/// A package with a library, and the names of its features except `default`.
pub(crate) struct Library {
    pub(crate) name: String,
    pub(crate) features: Vec<String>,
}

impl Workspace {
    /// Asks `cargo metadata`.
    pub(crate) fn load() -> anyhow::Result<Self> {
        let output = command(Style::detect())
            .args(["metadata", "--format-version", "1", "--no-deps"])
            .output()
            .context("cannot start cargo")?;
        if !output.status.success() {
            return Err(anyhow!("cargo metadata failed: {}", String::from_utf8_lossy(&output.stderr).trim()));
        }
        Self::from_metadata(&serde_json::from_slice(&output.stdout).context("cargo metadata is not JSON")?)
    }

    fn from_metadata(metadata: &Value) -> anyhow::Result<Self> {
        let root = PathBuf::from(text(metadata, "workspace_root")?);
        let target = PathBuf::from(text(metadata, "target_directory")?);
        let crates = root.join("crates");
        let mut libraries = Vec::new();
        for package in list(metadata, "packages") {
            let inside = Path::new(text(package, "manifest_path")?).starts_with(&crates);
            if inside && has_library(package) {
                libraries
                    .push(Library { name: text(package, "name")?.to_owned(), features: features(package) });
            }
        }
        Ok(Self { root, target, libraries })
    }
}

/// Cargo, free of the variables that the cargo around us set for its own package: build scripts that watch them
/// would run again at every change between the two.
pub(crate) fn command(style: Style) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") || text == "CARGO_BIN_NAME" {
            command.env_remove(&name);
        }
    }
    command.env("CARGO_TERM_COLOR", style.for_children());
    command
}

fn text<'a>(value: &'a Value, key: &str) -> anyhow::Result<&'a str> {
    value[key].as_str().ok_or_else(|| anyhow!("cargo metadata has no `{key}`"))
}

fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value[key].as_array().map_or(&[], Vec::as_slice)
}

fn has_library(package: &Value) -> bool {
    let kinds = list(package, "targets").iter().flat_map(|target| list(target, "kind"));
    kinds.filter_map(Value::as_str).any(|kind| matches!(kind, "lib" | "rlib" | "proc-macro"))
}

fn features(package: &Value) -> Vec<String> {
    let names = package["features"].as_object().into_iter().flat_map(|features| features.keys());
    names.filter(|name| *name != "default").cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::Workspace;
    use serde_json::json;

    #[test]
    fn only_libraries_under_crates_are_taken_with_their_features() {
        let package = |name: &str, folder: &str, kind: &str| {
            json!({
                "name": name,
                "manifest_path": format!("/w/{folder}/{name}/Cargo.toml"),
                "targets": [{ "kind": [kind] }],
                "features": { "default": ["a"], "a": [], "b": [] },
            })
        };
        let workspace = Workspace::from_metadata(&json!({
            "workspace_root": "/w",
            "target_directory": "/t",
            "packages": [
                package("one", "crates", "lib"),
                package("two", "crates", "bin"),
                package("three", "examples", "lib"),
                package("four", "crates", "proc-macro"),
            ],
        }))
        .expect("it is complete");
        let names: Vec<&str> = workspace.libraries.iter().map(|library| library.name.as_str()).collect();
        assert_eq!(names, ["one", "four"]);
        assert_eq!(workspace.libraries[0].features, ["a", "b"]);
    }

    #[test]
    fn metadata_without_a_root_is_an_error_that_names_the_key() {
        let error = Workspace::from_metadata(&json!({})).err().expect("it is incomplete");
        assert_eq!(error.to_string(), "cargo metadata has no `workspace_root`");
    }
}
