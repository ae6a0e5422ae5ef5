//! Where a value came from.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

/// Where a value came from, as exactly as it can be said.
///
/// `Display` is what problems and `explain-config` print: `config.toml:3`, `env DATABASE_URL`,
/// `env DATABASE_URL_FILE -> /run/secrets/url`, `file /app/config/DATABASE_URL`,
/// `file /app/config/DATABASE_URL_FILE -> /run/secrets/url`, `--set`, `default`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Origin {
    /// Nobody set it: the type's own default.
    Default,
    /// A line of `config.toml` or `config.yaml`.
    File {
        /// The file as it was named to the loader.
        path: Arc<PathBuf>,
        /// The line, counted from 1.
        line: usize,
    },
    /// A file that is named after the key, in a directory such as a Kubernetes mount.
    KeyFile {
        /// The whole file.
        path: PathBuf,
    },
    /// A variable of the environment.
    Variable {
        /// Its name: the prefixed one or an alias.
        name: String,
    },
    /// A file that a variable or a key file `NAME_FILE` names.
    NamedFile {
        /// The variable or the key file.
        by: Box<Origin>,
        /// The file that it names.
        path: PathBuf,
    },
    /// `--set key=value` on the command line.
    Set,
}

impl Origin {
    /// Whether nobody set the value.
    pub fn is_default(&self) -> bool {
        matches!(self, Self::Default)
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => write!(f, "default"),
            Self::File { path, line } => write!(f, "{}:{line}", path.display()),
            Self::KeyFile { path } => write!(f, "file {}", path.display()),
            Self::Variable { name } => write!(f, "env {name}"),
            Self::NamedFile { by, path } => write!(f, "{by} -> {}", path.display()),
            Self::Set => write!(f, "--set"),
        }
    }
}
