use std::convert::Infallible;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

use groundcrew_config::Environment;
use groundcrew_sql::SqlConfig;
use groundcrew_sql::sqlx::postgres::PgConnectOptions;
use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use crate::bound::{Bound, apart};
use crate::manifest::{Backend, Taken};
use crate::progress::Progress;
use crate::store::{Partial, Store, Upload, unique};
use crate::{
    BackupConfig, BackupError, BackupSections, Manifest, Name, StoreError, archive, postgres, sqlite,
};

/// The backups of one service. Clones share everything.
///
/// ```
/// # #[tokio::main] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use groundcrew_backup::{BackupConfig, BackupSections, Backups, RestoreOptions, Which};
/// use groundcrew_config::Environment;
/// use groundcrew_sql::SqlConfig;
/// # use groundcrew_sql::sqlx::{self, Connection, sqlite::SqliteConnection};
///
/// # let folder = tempfile::tempdir()?;
/// # let file = folder.path().join("parcels.db");
/// # let mut connection = SqliteConnection::connect(&format!("sqlite:{}?mode=rwc", file.display())).await?;
/// # sqlx::query("CREATE TABLE parcels (name TEXT)").execute(&mut connection).await?;
/// let sections = BackupSections {
///     database: SqlConfig::of(format!("sqlite:{}", file.display())),
///     backup: BackupConfig { folder: folder.path().join("backups"), ..BackupConfig::default() },
/// };
/// let backups = Backups::open(sections, "parcels", Environment::Development)?;
///
/// let manifest = backups.backup().await?;
/// assert_eq!(manifest.rows["parcels"], 0);
/// let verified = backups.verify(&Which::Latest).await?;
/// assert_eq!((verified.tables, verified.rows), (1, 0));
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
pub struct Backups {
    pub(crate) inner: Arc<Inner>,
}

#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) config: BackupConfig,
    pub(crate) database: SqlConfig,
    pub(crate) service: String,
    pub(crate) environment: Environment,
    pub(crate) store: Store,
    pub(crate) progress: Progress,
    stop: CancellationToken,
}

/// The backups that there are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Listing {
    /// Those that were finished, the newest first.
    pub backups: Vec<Manifest>,
    /// Manifests that cannot be read, with the reason. They count as no backup.
    pub unreadable: Vec<(Name, String)>,
}

/// Which backup is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Which {
    /// The newest one.
    Latest,
    /// The one of this name.
    Named(String),
}

/// What is backed up.
enum Source {
    Sqlite(PathBuf),
    Postgres(Box<PgConnectOptions>),
}

// === impl Backups ===

impl Backups {
    /// The backups of this service in the place that the configuration names. Nothing is tried yet.
    ///
    /// # Errors
    ///
    /// When the configuration names no place, or one that this program was built without.
    pub fn open(
        sections: BackupSections,
        service: &str,
        environment: Environment,
    ) -> Result<Self, StoreError> {
        let BackupSections { database, backup: config } = sections;
        let (store, service) = (Store::open(&config)?, service.to_owned());
        let (progress, stop) = (Progress::default(), CancellationToken::new());
        Ok(Self { inner: Arc::new(Inner { config, database, service, environment, store, progress, stop }) })
    }

    /// How far the work is that runs.
    pub fn progress(&self) -> Progress {
        self.inner.progress.clone()
    }

    /// Where backups are, in words.
    pub fn place(&self) -> String {
        self.inner.store.describe()
    }

    /// Ends what runs: it tidies up and returns `Stopped`. So does everything that is begun later.
    pub fn stop(&self) {
        self.inner.stop.cancel();
    }

    /// Makes a backup. It is there as a whole with its manifest, or not at all; that also holds when the future
    /// is dropped, which stops the work and lets it tidy up behind.
    ///
    /// # Errors
    ///
    /// When the database cannot be read or the backup not be stored.
    pub async fn backup(&self) -> Result<Manifest, BackupError> {
        let ((stop, bound), inner) = (self.inner.bound(), Arc::clone(&self.inner));
        apart(stop, async move { inner.backup(&bound).await }).await
    }

    /// The backups of this service.
    ///
    /// # Errors
    ///
    /// When the place cannot be read.
    pub async fn list(&self) -> Result<Listing, StoreError> {
        self.inner.list().await
    }
}

// === impl Inner ===

impl Inner {
    async fn backup(&self, bound: &Bound) -> Result<Manifest, BackupError> {
        let name = Name::new(&self.service, Timestamp::now());
        let source = bound.on(self.source()).await?;
        let file = name.file(source.backend().extension());
        let mut upload = bound.on(async { Ok::<_, BackupError>(self.store.create(&file).await?) }).await?;
        let taken = bound.on(self.take(&name, &source, &mut upload)).await;
        let taken = match taken {
            Ok(taken) => taken,
            Err(error) => {
                upload.abort().await;
                return Err(error);
            }
        };
        let sum = upload.finish().await?;
        let manifest = Manifest::new(&name, &self.service, source.backend(), taken, sum);
        // Last: with it the backup exists.
        if let Err(error) = self.store.put(&name.file("json"), manifest.to_bytes()).await {
            let _ = self.store.delete(&file).await;
            return Err(error.into());
        }
        tracing::info!(backup.name = %name, backup.size = manifest.size, backup.took_ms = manifest.took_ms, "backed up");
        Ok(manifest)
    }

    async fn source(&self) -> Result<Source, BackupError> {
        if let Some(file) = sqlite::file(&self.database, &self.service, self.environment) {
            if !file.is_file() {
                return Err(BackupError::Source(format!("there is no SQLite file {}", file.display())));
            }
            return Ok(Source::Sqlite(file));
        }
        let options = postgres::reach(&self.database, &self.service, self.environment).await?;
        Ok(Source::Postgres(Box::new(options)))
    }

    async fn take(&self, name: &Name, source: &Source, upload: &mut Upload) -> Result<Taken, BackupError> {
        match source {
            Source::Sqlite(file) => self.take_sqlite(name, file, upload).await,
            Source::Postgres(options) => postgres::dump(options, &self.config, upload, &self.progress).await,
        }
    }

    async fn take_sqlite(&self, name: &Name, file: &Path, upload: &mut Upload) -> Result<Taken, BackupError> {
        let target = file.display().to_string();
        let failed = |cause| BackupError::Database { target: target.clone(), cause: Box::new(cause) };
        let scratch = self.store.scratch(&self.config).await?;
        // Made by us, so that nobody else may read it.
        let mut copy = Partial::create(scratch.join(unique(&name.file("db")))).await?;
        copy.sync().await?;
        sqlite::copy(file, copy.path(), self.database.lock_timeout).await.map_err(failed)?;
        let found = sqlite::inspect(copy.path(), self.config.count_rows).await.map_err(failed)?;
        if let Some(words) = found.damage {
            return Err(BackupError::Damaged { file: target, words });
        }
        archive::pack(copy.path(), upload, self.config.compression, &self.progress).await?;
        let tool = format!("groundcrew-backup {}", env!("CARGO_PKG_VERSION"));
        Ok(Taken { server: found.version, tool, contents: found.contents })
    }

    pub(crate) async fn list(&self) -> Result<Listing, StoreError> {
        let files = self.store.files().await?;
        let manifests =
            files.iter().filter(|file| file.rsplit_once('.').is_some_and(|(_, end)| end == "json"));
        let ours = Name::new(&self.service, Timestamp::UNIX_EPOCH);
        let mut names: Vec<Name> = manifests
            .filter_map(|file| Name::of_file(file))
            .filter(|name| name.service() == ours.service())
            .collect();
        names.sort_unstable_by(|a, b| b.cmp(a));
        let mut listing = Listing::default();
        for name in names {
            // Gone meanwhile: somebody prunes.
            let Some(bytes) = self.store.get(&name.file("json")).await? else { continue };
            match Manifest::read(&name, &bytes) {
                Ok(manifest) => listing.backups.push(manifest),
                Err(words) => listing.unreadable.push((name, words)),
            }
        }
        Ok(listing)
    }

    pub(crate) fn bound(&self) -> (CancellationToken, Bound) {
        let stop = self.stop.child_token();
        (stop.clone(), Bound::new(stop, self.config.timeout))
    }
}

// === impl Source ===

impl Source {
    fn backend(&self) -> Backend {
        match self {
            Self::Sqlite(_) => Backend::Sqlite,
            Self::Postgres(_) => Backend::Postgres,
        }
    }
}

// === impl Which ===

impl FromStr for Which {
    type Err = Infallible;

    /// `latest`, or a name.
    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(if text == "latest" { Self::Latest } else { Self::Named(text.to_owned()) })
    }
}
