use super::Error;
use std::io::Write;
use std::os::unix::fs::{OpenOptionsExt, chown};
use std::path::{Path, PathBuf};

/// A folder that is removed with everything in it.
#[derive(Debug)]
pub(crate) struct Folder {
    path: PathBuf,
    owner: Option<(u32, u32)>,
}

impl Folder {
    /// `owner` has the ids of a user and a group.
    pub(crate) fn create(parent: &str, server: &str, owner: Option<(u32, u32)>) -> Result<Self, Error> {
        let path = Path::new(parent).join(format!("testkit-{server}-{}", super::unique_name()));
        std::fs::create_dir(&path).map_err(Error::system("create a temporary folder"))?;
        let folder = Self { path, owner };
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
        let _ = std::fs::remove_dir_all(&self.path);
    }
}
