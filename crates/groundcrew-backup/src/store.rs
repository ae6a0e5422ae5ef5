//! Where backups lie: whole files that appear at once or not at all.

#[cfg(feature = "s3")]
mod bucket;
mod folder;
mod partial;

use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use tokio::io::AsyncReadExt;

use crate::manifest::Sum;
use crate::{BackupConfig, Storage, StoreError};

pub(crate) use partial::{Partial, unique};

/// How much is read at once.
pub(crate) const CHUNK: usize = 1 << 20;
/// More than any manifest has.
const SMALL: u64 = 16 << 20;

/// The place that the configuration names.
#[derive(Debug, Clone)]
pub(crate) enum Store {
    Folder(folder::Folder),
    #[cfg(feature = "s3")]
    Bucket(bucket::Bucket),
}

/// A file that is being written. It exists for others when it is finished; dropped before, it is removed.
#[derive(Debug)]
pub(crate) struct Upload {
    kind: Kind,
    hash: Sha256,
    size: u64,
}

#[derive(Debug)]
enum Kind {
    Folder(folder::Writing),
    #[cfg(feature = "s3")]
    Bucket(Box<bucket::Writing>),
}

/// The data of a backup as a file of this machine, removed when it is only a copy.
#[derive(Debug)]
pub(crate) struct Fetched {
    pub(crate) path: PathBuf,
    pub(crate) sum: Sum,
    _copy: Option<Partial>,
}

// === impl Store ===

impl Store {
    pub(crate) fn open(config: &BackupConfig) -> Result<Self, StoreError> {
        match config.storage {
            Storage::Folder => Ok(Self::Folder(folder::Folder::new(config.folder.clone()))),
            #[cfg(feature = "s3")]
            Storage::S3 => bucket::Bucket::open(&config.s3).map(Self::Bucket),
            #[cfg(not(feature = "s3"))]
            Storage::S3 => Err(StoreError::Config(
                "backup.storage (STORAGE_BACKEND) is s3, but this program was built without it: turn on the feature \
                 s3 of groundcrew-backup, or set it to folder"
                    .to_owned(),
            )),
        }
    }

    /// The place, in words.
    pub(crate) fn describe(&self) -> String {
        match self {
            Self::Folder(folder) => folder.path().display().to_string(),
            #[cfg(feature = "s3")]
            Self::Bucket(bucket) => bucket.describe(),
        }
    }

    /// Where large files lie meanwhile.
    pub(crate) async fn scratch(&self, config: &BackupConfig) -> Result<PathBuf, StoreError> {
        match (&config.scratch, self) {
            (Some(scratch), _) => Ok(scratch.clone()),
            (None, Self::Folder(folder)) => folder.ready().await.map(Path::to_path_buf),
            #[cfg(feature = "s3")]
            (None, Self::Bucket(_)) => Ok(std::env::temp_dir()),
        }
    }

    pub(crate) async fn create(&self, file: &str) -> Result<Upload, StoreError> {
        let kind = match self {
            Self::Folder(folder) => Kind::Folder(folder.create(file).await?),
            #[cfg(feature = "s3")]
            Self::Bucket(bucket) => Kind::Bucket(Box::new(bucket.create(file).await?)),
        };
        Ok(Upload { kind, hash: Sha256::new(), size: 0 })
    }

    /// Writes a small file, at once or not at all.
    pub(crate) async fn put(&self, file: &str, bytes: Vec<u8>) -> Result<(), StoreError> {
        match self {
            Self::Folder(folder) => folder.put(file, &bytes).await,
            #[cfg(feature = "s3")]
            Self::Bucket(bucket) => bucket.put(file, bytes).await,
        }
    }

    /// A small file; `None` when there is none of this name.
    pub(crate) async fn get(&self, file: &str) -> Result<Option<Vec<u8>>, StoreError> {
        match self {
            Self::Folder(folder) => folder.get(file, SMALL).await,
            #[cfg(feature = "s3")]
            Self::Bucket(bucket) => bucket.get(file, SMALL).await,
        }
    }

    /// The names of all files that are whole.
    pub(crate) async fn files(&self) -> Result<Vec<String>, StoreError> {
        match self {
            Self::Folder(folder) => folder.files().await,
            #[cfg(feature = "s3")]
            Self::Bucket(bucket) => bucket.files().await,
        }
    }

    /// Removes a file; one that is gone already is no error.
    pub(crate) async fn delete(&self, file: &str) -> Result<(), StoreError> {
        match self {
            Self::Folder(folder) => folder.delete(file).await,
            #[cfg(feature = "s3")]
            Self::Bucket(bucket) => bucket.delete(file).await,
        }
    }

    /// Brings a file to this machine, and reads it as a whole. `None` when there is none of this name.
    pub(crate) async fn fetch(&self, file: &str, scratch: &Path) -> Result<Option<Fetched>, StoreError> {
        match self {
            Self::Folder(folder) => {
                let _ = scratch;
                let path = folder.path().join(file);
                if !path.is_file() {
                    return Ok(None);
                }
                let sum = sum(&path).await?;
                Ok(Some(Fetched { path, sum, _copy: None }))
            }
            #[cfg(feature = "s3")]
            Self::Bucket(bucket) => {
                let mut copy = Partial::create(scratch.join(unique(file))).await?;
                if !bucket.download(file, &mut copy).await? {
                    return Ok(None);
                }
                copy.sync().await?;
                let path = copy.path().to_path_buf();
                // From the disk, where the restore will read it.
                let sum = sum(&path).await?;
                Ok(Some(Fetched { path, sum, _copy: Some(copy) }))
            }
        }
    }
}

// === impl Upload ===

impl Upload {
    pub(crate) async fn write(&mut self, bytes: &[u8]) -> Result<(), StoreError> {
        self.hash.update(bytes);
        self.size += bytes.len() as u64;
        match &mut self.kind {
            Kind::Folder(writing) => writing.write(bytes).await,
            #[cfg(feature = "s3")]
            Kind::Bucket(writing) => writing.write(bytes).await,
        }
    }

    /// Makes it exist.
    pub(crate) async fn finish(self) -> Result<Sum, StoreError> {
        match self.kind {
            Kind::Folder(writing) => writing.finish().await?,
            #[cfg(feature = "s3")]
            Kind::Bucket(writing) => writing.finish().await?,
        }
        Ok(Sum { size: self.size, sha256: hex(&self.hash.finalize()) })
    }

    /// Removes what was written, and waits until it is.
    #[cfg_attr(not(feature = "s3"), expect(clippy::unused_async, reason = "only a bucket makes it wait"))]
    pub(crate) async fn abort(self) {
        match self.kind {
            Kind::Folder(writing) => drop(writing),
            #[cfg(feature = "s3")]
            Kind::Bucket(writing) => writing.abort().await,
        }
    }
}

async fn sum(path: &Path) -> Result<Sum, StoreError> {
    let mut file = tokio::fs::File::open(path).await.map_err(StoreError::file("read", path))?;
    let (mut hash, mut size, mut buffer) = (Sha256::new(), 0, vec![0; CHUNK]);
    loop {
        match file.read(&mut buffer).await.map_err(StoreError::file("read", path))? {
            0 => return Ok(Sum { size, sha256: hex(&hash.finalize()) }),
            read => {
                hash.update(&buffer[..read]);
                size += read as u64;
            }
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::with_capacity(64), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
