//! The step that checks each library with no feature and with each feature alone.

use crate::cargo::{self, JOBS, Library, Workspace};
use crate::stream;
use crate::style::{Style, plain};

/// True when every check passed without a warning.
pub(crate) fn check(workspace: &Workspace, style: Style) -> anyhow::Result<bool> {
    let checks: Vec<Check<'_>> = workspace.libraries.iter().flat_map(Check::all).collect();
    let mut failed = Vec::new();
    for (index, check) in checks.iter().enumerate() {
        println!("  ({}/{}) {}", index + 1, checks.len(), check.label());
        if !check.passes(workspace, style)? {
            failed.push(check.label());
        }
    }
    for label in &failed {
        println!("  {} {label}", style.red("does not build cleanly:"));
    }
    Ok(failed.is_empty())
}

/// One library with at most one feature.
struct Check<'a> {
    library: &'a str,
    feature: Option<&'a str>,
}

impl<'a> Check<'a> {
    fn all(library: &'a Library) -> impl Iterator<Item = Self> {
        let alone = library.features.iter().map(|feature| Some(feature.as_str()));
        std::iter::once(None).chain(alone).map(|feature| Self { library: &library.name, feature })
    }

    fn label(&self) -> String {
        format!("{} with {}", self.library, self.feature.unwrap_or("no feature"))
    }

    fn passes(&self, workspace: &Workspace, style: Style) -> anyhow::Result<bool> {
        let mut command = cargo::command(style);
        command.current_dir(&workspace.root);
        command.args(["check", "--quiet", "--lib", "-j", JOBS, "--no-default-features", "-p", self.library]);
        if let Some(feature) = self.feature {
            command.args(["--features", feature]);
        }
        let mut warned = false;
        let status = stream::run(&mut command, |line| warned |= plain(line).starts_with("warning: "))?;
        Ok(status.success() && !warned)
    }
}

#[cfg(test)]
mod tests {
    use super::Check;
    use crate::cargo::Library;

    #[test]
    fn a_library_is_checked_bare_and_with_each_feature_alone() {
        let library = Library { name: "one".into(), features: vec!["a".into(), "b".into()] };
        let labels: Vec<String> = Check::all(&library).map(|check| check.label()).collect();
        assert_eq!(labels, ["one with no feature", "one with a", "one with b"]);
    }
}
