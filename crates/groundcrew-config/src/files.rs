//! Which files and directories are read, and the layers of whole configuration files.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::value::Value;
use crate::{Environment, Origin, Problem, toml_file};

const EXTENSIONS: [&str; 3] = ["toml", "yaml", "yml"];

/// Where configuration is looked for.
pub(crate) struct Places {
    /// Folder and stem of configuration files, lower layers first.
    stems: Vec<Stem>,
    /// Directories with one file per key.
    pub(crate) directories: Vec<PathBuf>,
}

struct Stem {
    folder: PathBuf,
    name: String,
    /// The one base file when it was named; otherwise any known extension.
    exact: Option<PathBuf>,
}

// === impl Places ===

impl Places {
    /// What `--config` names, and nothing else.
    pub(crate) fn named(path: &Path) -> Result<Self, Problem> {
        if path.is_dir() {
            let stems = vec![Stem::of_folder(path)];
            return Ok(Self { stems, directories: vec![path.to_owned()] });
        }
        let lack = match is_there(path) {
            Ok(true) => None,
            Ok(false) => Some("which does not exist".to_owned()),
            Err(error) => Some(format!("which cannot be looked at: {error}")),
        };
        if let Some(lack) = lack {
            let message = format!("--config names {}, {lack}", path.display());
            return Err(Problem::new("config", None, message));
        }
        let stem = Stem {
            folder: path.parent().map(Path::to_owned).unwrap_or_default(),
            name: path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default(),
            exact: Some(path.to_owned()),
        };
        Ok(Self { stems: vec![stem], directories: Vec::new() })
    }

    /// The working directory, and the mount where there is one.
    pub(crate) fn usual(root: &Path, mount: &Path) -> Self {
        let mut places = Self { stems: vec![Stem::of_folder(root)], directories: Vec::new() };
        if mount.is_dir() {
            // A service may work in its mount.
            let here = if root.as_os_str().is_empty() { Path::new(".") } else { root };
            if fs::canonicalize(mount).ok() != fs::canonicalize(here).ok() {
                places.stems.push(Stem::of_folder(mount));
            }
            places.directories.push(mount.to_owned());
        }
        places
    }

    /// `config.*`, or the file that was named.
    pub(crate) fn base(&self) -> Vec<Result<Value, Vec<Problem>>> {
        let file = |stem: &Stem| match &stem.exact {
            Some(path) => Some(read(path)),
            None => stem.find(&stem.name),
        };
        self.stems.iter().filter_map(file).collect()
    }

    /// `config.<environment>.*`, beside the base files.
    pub(crate) fn of_environment(&self, environment: Environment) -> Vec<Result<Value, Vec<Problem>>> {
        let file = |stem: &Stem| stem.find(&format!("{}.{environment}", stem.name));
        self.stems.iter().filter_map(file).collect()
    }
}

// === impl Stem ===

impl Stem {
    fn of_folder(folder: &Path) -> Self {
        Self { folder: folder.to_owned(), name: "config".into(), exact: None }
    }

    fn find(&self, name: &str) -> Option<Result<Value, Vec<Problem>>> {
        let mut found = Vec::new();
        for extension in EXTENSIONS {
            let path = self.folder.join(format!("{name}.{extension}"));
            match is_there(&path) {
                Ok(true) => found.push(path),
                Ok(false) => {}
                // The folder may not be searched. Who needs no file may be started from there.
                Err(_) if fs::symlink_metadata(&path).is_err() => {}
                Err(error) => {
                    return Some(Err(vec![wrong(&path, format!("cannot look at the file: {error}"))]));
                }
            }
        }
        match found.as_slice() {
            [] => None,
            [one] => Some(read(one)),
            [one, other, ..] => {
                let message = format!("{} and {} both exist: keep one", one.display(), other.display());
                Some(Err(vec![Problem::new("config", None, message)]))
            }
        }
    }
}

/// Whether there is a file. A link to nowhere is one: a file was meant, and reading it says what is wrong.
fn is_there(path: &Path) -> io::Result<bool> {
    match fs::metadata(path) {
        Ok(found) => Ok(found.is_file()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(fs::symlink_metadata(path).is_ok()),
        Err(error) => Err(error),
    }
}

fn wrong(path: &Path, message: String) -> Problem {
    Problem::new(path.display().to_string(), None, message)
}

fn read(path: &Path) -> Result<Value, Vec<Problem>> {
    let problem = |message: String| vec![wrong(path, message)];
    let bytes = fs::read(path).map_err(|error| problem(format!("cannot read the file: {error}")))?;
    let text = String::from_utf8(bytes).map_err(|error| {
        let valid = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = valid.split(|byte| *byte == b'\n').count();
        let origin = Origin::File { path: Arc::new(path.to_owned()), line };
        vec![Problem::new("config", Some(origin), "the file is not UTF-8 text")]
    })?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let shared = Arc::new(path.to_owned());
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("toml") => toml_file::parse(&shared, text),
        #[cfg(feature = "yaml")]
        Some("yaml" | "yml") => crate::yaml_file::parse(&shared, text),
        #[cfg(not(feature = "yaml"))]
        Some("yaml" | "yml") => {
            Err(problem("this build does not read YAML: turn on the feature `yaml`, or write TOML".into()))
        }
        _ => Err(problem("expected a file that ends in .toml, .yaml or .yml".into())),
    }
}
