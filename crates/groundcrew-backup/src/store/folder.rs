use std::path::{Path, PathBuf};

use super::Partial;
use super::partial::unique;
use crate::StoreError;

/// A folder of this machine.
#[derive(Debug, Clone)]
pub(crate) struct Folder {
    path: PathBuf,
}

/// A file of the folder under its temporary name.
#[derive(Debug)]
pub(super) struct Writing {
    partial: Partial,
    path: PathBuf,
}

// === impl Folder ===

impl Folder {
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The folder, made where it is missing.
    pub(super) async fn ready(&self) -> Result<&Path, StoreError> {
        let mut builder = tokio::fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        builder.mode(0o700);
        builder.create(&self.path).await.map_err(StoreError::file("make the folder", &self.path))?;
        Ok(&self.path)
    }

    pub(super) async fn create(&self, file: &str) -> Result<Writing, StoreError> {
        let path = self.ready().await?.join(file);
        if path.exists() {
            let cause = std::io::ErrorKind::AlreadyExists.into();
            return Err(StoreError::file("create", &path)(cause));
        }
        Ok(Writing { partial: Partial::create(self.path.join(unique(file))).await?, path })
    }

    pub(super) async fn put(&self, file: &str, bytes: &[u8]) -> Result<(), StoreError> {
        let mut writing = self.create(file).await?;
        writing.write(bytes).await?;
        writing.finish().await
    }

    pub(super) async fn get(&self, file: &str, most: u64) -> Result<Option<Vec<u8>>, StoreError> {
        let path = self.path.join(file);
        let read = async {
            if tokio::fs::metadata(&path).await?.len() > most {
                return Err(std::io::ErrorKind::FileTooLarge.into());
            }
            tokio::fs::read(&path).await
        };
        match read.await {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(StoreError::file("read", &path)(error)),
        }
    }

    pub(super) async fn files(&self) -> Result<Vec<String>, StoreError> {
        let failed = |error| StoreError::file("list", &self.path)(error);
        let mut entries = match tokio::fs::read_dir(&self.path).await {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(failed(error)),
        };
        let mut files = Vec::new();
        while let Some(entry) = entries.next_entry().await.map_err(failed)? {
            files.extend(entry.file_name().into_string());
        }
        Ok(files)
    }

    pub(super) async fn delete(&self, file: &str) -> Result<(), StoreError> {
        let path = self.path.join(file);
        match tokio::fs::remove_file(&path).await {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(StoreError::file("remove", &path)(error))
            }
            _ => Ok(()),
        }
    }
}

// === impl Writing ===

impl Writing {
    pub(super) async fn write(&mut self, bytes: &[u8]) -> Result<(), StoreError> {
        self.partial.write(bytes).await
    }

    pub(super) async fn finish(self) -> Result<(), StoreError> {
        self.partial.keep_as(&self.path).await
    }
}
