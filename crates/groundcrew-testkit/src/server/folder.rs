use super::Error;
use std::path::{Path, PathBuf};

/// A folder that is removed with everything in it.
#[derive(Debug)]
pub(crate) struct Folder(PathBuf);

impl Folder {
    /// In `/tmp`: the path of a Unix socket may not be long. `owner` has the ids of a user and a group.
    pub(crate) fn create(server: &str, owner: Option<(u32, u32)>) -> Result<Self, Error> {
        let path = PathBuf::from(format!("/tmp/testkit-{server}-{}", super::unique_name()));
        std::fs::create_dir(&path).map_err(Error::system("create a folder in /tmp"))?;
        let folder = Self(path);
        if let Some((uid, gid)) = owner {
            std::os::unix::fs::chown(&folder.0, Some(uid), Some(gid))
                .map_err(Error::system("give the folder away"))?;
        }
        Ok(folder)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
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
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
