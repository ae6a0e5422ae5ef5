use super::Error;
use super::watcher::Watcher;
use std::io::Write;
use std::os::unix::fs::{OpenOptionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::Stdio;

/// Removes the folder, more than once where somebody still writes into it, as a program that was left alone half way.
const WATCH: &str = r#"read -r _; for _ in 1 2 3 4 5 6 7 8 9 10; do rm -rf "$1" && exit; sleep 1; done"#;

/// A folder that is removed with everything in it, by a watcher should we be killed.
#[derive(Debug)]
pub(crate) struct Folder {
    path: PathBuf,
    owner: Option<(u32, u32)>,
    watcher: Option<Watcher>,
}

impl Folder {
    /// `owner` has the ids of a user and a group.
    pub(crate) fn create(parent: &str, server: &str, owner: Option<(u32, u32)>) -> Result<Self, Error> {
        let path = Path::new(parent).join(format!("testkit-{server}-{}", super::unique_name()));
        std::fs::create_dir(&path).map_err(Error::system("create a temporary folder"))?;
        let mut folder = Self { path, owner, watcher: None };
        folder.watcher = Some(Watcher::start(WATCH, &folder.path, Stdio::null())?);
        folder.give_away(&folder.path)?;
        Ok(folder)
    }

    /// Writes a file that only the server may read.
    pub(crate) fn write(&self, name: &str, text: &str) -> Result<PathBuf, Error> {
        let path = self.file(name);
        let mut options = std::fs::OpenOptions::new();
        let file = options.write(true).create(true).truncate(true).mode(0o600).open(&path);
        let written = file.and_then(|mut file| file.write_all(text.as_bytes()));
        written.map_err(Error::system("write a file for the server"))?;
        self.give_away(&path)?;
        Ok(path)
    }

    fn give_away(&self, path: &Path) -> Result<(), Error> {
        let Some((uid, gid)) = self.owner else { return Ok(()) };
        chown(path, Some(uid), Some(gid)).map_err(Error::system("give a file to the server's user"))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// What keeps the watcher from removing it, in the hands of a process that has to end first.
    pub(super) fn leash(&self) -> Result<Stdio, Error> {
        self.watcher.as_ref().map_or_else(|| Ok(Stdio::null()), Watcher::leash)
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// The end of a file that a server has written, for a message.
    pub(crate) fn tail(&self, name: &str) -> String {
        const LONGEST: usize = 4000;
        let text = std::fs::read(self.file(name)).unwrap_or_default();
        let start = text.len().saturating_sub(LONGEST);
        String::from_utf8_lossy(&text[start..]).trim().to_owned()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        self.watcher = None;
        let _ = std::fs::remove_dir_all(&self.path);
    }
}
