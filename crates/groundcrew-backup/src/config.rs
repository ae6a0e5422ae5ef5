use std::path::PathBuf;
use std::time::Duration;

use groundcrew_config::{ByteSize, FromConfig, Secret};
use groundcrew_sql::SqlConfig;

/// The sections that the commands read: the service's own `database`, and `backup`.
#[derive(Debug, Clone, FromConfig)]
pub struct BackupSections {
    /// The database that is backed up and restored.
    pub database: SqlConfig,
    /// Where backups are, and how long they are kept.
    pub backup: BackupConfig,
}

/// Where backups are, and how long they are kept.
#[derive(Debug, Clone, FromConfig)]
#[config(default_impl)]
pub struct BackupConfig {
    /// Where backups are kept.
    #[config(default = "folder", alias = "STORAGE_BACKEND")]
    pub storage: Storage,
    /// The folder for `storage = "folder"`. It is made, for its owner alone, when it is missing.
    #[config(default = "backups", alias = "BACKUP_FOLDER")]
    pub folder: PathBuf,
    /// The bucket for `storage = "s3"`.
    pub s3: S3Config,
    /// How many of the newest backups are kept however old they are.
    #[config(default = 7, range = 1..=10_000)]
    pub keep: u32,
    /// Backups younger than this are kept however many they are.
    #[config(default = "7d")]
    pub keep_for: Duration,
    /// How hard to compress, from 0 (not at all) to 9.
    #[config(default = 6, range = 0..=9)]
    pub compression: u32,
    /// How long a backup, a restore or a verification may take as a whole.
    #[config(default = "1h")]
    pub timeout: Duration,
    /// Whether a backup counts the rows of every table, so that `verify` can compare. It reads everything once more.
    #[config(default = true)]
    pub count_rows: bool,
    /// Where large files lie meanwhile. Unset: the folder of the backups, or the system's one with `s3`.
    pub scratch: Option<PathBuf>,
    /// The folder of `pg_dump` and `pg_restore`. Unset: the fitting version under `/usr/lib/postgresql`, then `PATH`.
    #[config(alias = "PG_BIN")]
    pub pg_bin: Option<PathBuf>,
}

/// Where backups are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, FromConfig)]
pub enum Storage {
    /// In a folder of this machine, which should be a volume of its own.
    #[default]
    Folder,
    /// In a bucket of an S3-compatible object store.
    S3,
}

/// A bucket of an S3-compatible object store.
#[derive(Debug, Clone, FromConfig)]
#[config(default_impl)]
pub struct S3Config {
    /// The bucket, which must exist.
    #[config(alias = "S3_BUCKET_NAME")]
    pub bucket: Option<String>,
    /// Its region.
    #[config(default = "us-east-1", alias = "S3_REGION", alias = "AWS_REGION")]
    pub region: String,
    /// The access key. Unset: what AWS gives to the pod or the machine.
    #[config(alias = "S3_ACCESS_KEY_ID", alias = "AWS_ACCESS_KEY_ID")]
    pub access_key_id: Option<Secret<String>>,
    /// The secret of the access key.
    #[config(alias = "S3_SECRET_ACCESS_KEY", alias = "AWS_SECRET_ACCESS_KEY")]
    pub secret_access_key: Option<Secret<String>>,
    /// The endpoint of a store that is not Amazon's, as `https://minio.example:9000`.
    #[config(alias = "S3_ENDPOINT")]
    pub endpoint: Option<String>,
    /// What the names of the objects begin with.
    #[config(default = "backups/", alias = "S3_PREFIX")]
    pub prefix: String,
    /// How large the parts of an upload are. A store takes 10 000 of them; three are in memory at once.
    #[config(default = "16MiB")]
    pub part_size: ByteSize,
    /// How long one request may take. What fails is tried again, for three times as long.
    #[config(default = "60s")]
    pub request_timeout: Duration,
}
