use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::fs::{File, OpenOptions};
use tokio::io::AsyncWriteExt;

use crate::StoreError;

/// A file under a temporary name, removed unless it is kept. Only its owner may read it: it holds all data.
#[derive(Debug)]
pub(crate) struct Partial {
    path: PathBuf,
    file: Option<File>,
    kept: bool,
}

/// A hidden name that no other process uses.
pub(crate) fn unique(name: &str) -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let now = jiff::Timestamp::now().as_nanosecond();
    format!(".{name}.{}-{now}-{number}.partial", std::process::id())
}

// === impl Partial ===

impl Partial {
    pub(crate) async fn create(path: PathBuf) -> Result<Self, StoreError> {
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        options.mode(0o600);
        let file = options.open(&path).await.map_err(StoreError::file("create", &path))?;
        Ok(Self { path, file: Some(file), kept: false })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) async fn write(&mut self, bytes: &[u8]) -> Result<(), StoreError> {
        match &mut self.file {
            Some(file) => file.write_all(bytes).await.map_err(StoreError::file("write", &self.path)),
            None => Ok(()),
        }
    }

    /// Waits until everything is on the disk.
    pub(crate) async fn sync(&mut self) -> Result<(), StoreError> {
        if let Some(mut file) = self.file.take() {
            let synced = match file.flush().await {
                Ok(()) => file.sync_all().await,
                Err(error) => Err(error),
            };
            synced.map_err(StoreError::file("write", &self.path))?;
        }
        Ok(())
    }

    /// Gives it its name, in one step. Whatever had that name is replaced.
    pub(crate) async fn keep_as(mut self, path: &Path) -> Result<(), StoreError> {
        self.sync().await?;
        tokio::fs::rename(&self.path, path).await.map_err(StoreError::file("rename a file to", path))?;
        self.kept = true;
        sync_folder(path).await
    }
}

/// A rename is on the disk when its folder is.
async fn sync_folder(path: &Path) -> Result<(), StoreError> {
    #[cfg(unix)]
    {
        let folder = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let opened = File::open(folder).await.map_err(StoreError::file("open", folder))?;
        opened.sync_all().await.map_err(StoreError::file("write", folder))?;
    }
    #[cfg(not(unix))]
    let _ = path;
    Ok(())
}

impl Drop for Partial {
    fn drop(&mut self) {
        if !self.kept {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}
