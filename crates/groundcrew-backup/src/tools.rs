//! `pg_dump` and `pg_restore`: which ones are there, and which of them fits.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use tokio::process::Command;

use crate::ToolError;

/// Where Debian puts every version apart.
const DEBIAN: &str = "/usr/lib/postgresql";

/// One of PostgreSQL's programs, with its major version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Tool {
    pub(crate) program: &'static str,
    pub(crate) path: PathBuf,
    pub(crate) major: u32,
    pub(crate) version: String,
}

// === impl Tool ===

impl Tool {
    /// The oldest version that is new enough: a newer one may write what an older server does not read.
    pub(crate) async fn find(
        program: &'static str,
        folder: Option<&Path>,
        needed: u32,
    ) -> Result<Self, ToolError> {
        let mut found = Vec::new();
        for path in candidates(program, folder) {
            found.extend(Self::ask(program, path).await);
        }
        choose(found, needed).map_err(|newest| match newest {
            Some(found) => ToolError::TooOld { program, found, needed },
            None => ToolError::Missing { program, place: place(folder), major: needed },
        })
    }

    async fn ask(program: &'static str, path: PathBuf) -> Option<Self> {
        let mut command = Command::new(&path);
        command.arg("--version").stdin(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
        let output = command.output().await.ok()?;
        let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        Some(Self { program, path, major: major(&text)?, version: text })
    }
}

fn choose(mut found: Vec<Tool>, needed: u32) -> Result<Tool, Option<u32>> {
    found.sort_by_key(|tool| tool.major);
    let newest = found.last().map(|tool| tool.major);
    found.into_iter().find(|tool| tool.major >= needed).ok_or(newest)
}

fn candidates(program: &str, folder: Option<&Path>) -> Vec<PathBuf> {
    if let Some(folder) = folder {
        return vec![folder.join(program)];
    }
    let versions = std::fs::read_dir(DEBIAN).into_iter().flatten().flatten();
    let debian = versions.map(|version| version.path().join("bin").join(program));
    let path = std::env::var_os("PATH").unwrap_or_default();
    let on_path: Vec<_> = std::env::split_paths(&path).map(|folder| folder.join(program)).collect();
    debian.chain(on_path).filter(|path| path.is_file()).collect()
}

fn place(folder: Option<&Path>) -> String {
    match folder {
        Some(folder) => format!("in {} (backup.pg_bin)", folder.display()),
        None => format!("under {DEBIAN} or on PATH"),
    }
}

/// `pg_dump (PostgreSQL) 15.18 (Debian …)` → 15.
fn major(version: &str) -> Option<u32> {
    let number = version.split_once("(PostgreSQL)")?.1.trim_start();
    let digits: String = number.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tool(major: u32) -> Tool {
        Tool { program: "pg_dump", path: PathBuf::from(format!("/{major}")), major, version: String::new() }
    }

    #[test]
    fn the_version_is_read_from_what_the_program_says() {
        assert_eq!(major("pg_dump (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)"), Some(15));
        assert_eq!(major("pg_dump (PostgreSQL) 18beta1"), Some(18));
        assert_eq!(major("pg_dump"), None);
    }

    #[test]
    fn the_oldest_that_is_new_enough_is_taken() {
        assert_eq!(choose(vec![tool(17), tool(13), tool(15)], 14), Ok(tool(15)));
        assert_eq!(choose(vec![tool(13), tool(12)], 14), Err(Some(13)));
        assert_eq!(choose(vec![], 14), Err(None));
    }

    #[tokio::test]
    async fn a_missing_program_is_told_with_the_command_that_installs_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let error = Tool::find("pg_dump", Some(folder.path()), 16).await.unwrap_err().to_string();
        assert!(error.contains("apt-get install -y postgresql-client-16"), "{error}");
        assert!(error.contains("PG_BIN"), "{error}");
    }
}
