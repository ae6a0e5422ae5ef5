use std::path::{Path, PathBuf};
use std::sync::Arc;

use groundcrew_config::{Origin, Secret, Sourced};
use groundcrew_sql::SqlConfig;
use groundcrew_sql::sqlx;
use groundcrew_sql::sqlx::postgres::PgConnectOptions;
use jiff::Timestamp;

use crate::archive::UnpackError;
use crate::backups::Inner;
use crate::bound::{Bound, apart};
use crate::client::{Client, Running};
use crate::manifest::Backend;
use crate::store::{Fetched, Partial, unique};
use crate::tools::Tool;
use crate::{Backups, Manifest, Name, RestoreError, StoreError, Which, archive, postgres, sqlite};

/// Where and how a backup is restored.
#[derive(Debug, Clone, Default)]
pub struct RestoreOptions {
    /// The database to restore into, instead of the service's own.
    pub into: Option<Secret<String>>,
    /// Overwrites what is there.
    pub force: bool,
    /// Postgres: brings back owners and grants too, for which their roles must exist. Otherwise everything
    /// belongs to the user that restores.
    pub owners: bool,
}

/// What was restored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restored {
    /// The backup.
    pub manifest: Manifest,
    /// Where it is now.
    pub target: String,
    /// The SQLite file that was there before, under its new name.
    pub kept: Option<PathBuf>,
}

// === impl Backups ===

impl Backups {
    /// Restores a backup, after its hash was checked. A database that is not empty is only overwritten by force.
    /// Until the last step the database is as it was.
    ///
    /// # Errors
    ///
    /// When the backup is damaged, the target is not empty, or it fails; the target is as it was.
    pub async fn restore(&self, which: &Which, options: &RestoreOptions) -> Result<Restored, RestoreError> {
        let ((stop, bound), inner) = (self.inner.bound(), Arc::clone(&self.inner));
        let (which, options) = (which.clone(), options.clone());
        apart(stop, async move { inner.restore(&which, &options, &bound).await }).await
    }
}

// === impl Inner ===

impl Inner {
    async fn restore(
        &self,
        which: &Which,
        options: &RestoreOptions,
        bound: &Bound,
    ) -> Result<Restored, RestoreError> {
        let manifest = bound.on(self.find(which)).await?;
        let database =
            options.into.as_ref().map_or_else(|| self.database.clone(), |into| instead(&self.database, into));
        let file = sqlite::file(&database, &self.service, self.environment);
        match (manifest.backend, file) {
            (Backend::Sqlite, Some(file)) => {
                bound.on(self.restore_sqlite(manifest, &file, options.force)).await
            }
            (Backend::Postgres, None) => self.restore_postgres(manifest, &database, options, bound).await,
            (backend, file) => Err(RestoreError::WrongBackend {
                name: manifest.name,
                backup: backend.name(),
                target: if file.is_some() { "SQLite" } else { "Postgres" },
            }),
        }
    }

    /// The manifest of the backup that is meant.
    pub(crate) async fn find(&self, which: &Which) -> Result<Manifest, RestoreError> {
        let not_found =
            |name: &str| RestoreError::NotFound { name: name.to_owned(), place: self.store.describe() };
        match which {
            Which::Latest => self.list().await?.backups.into_iter().next().ok_or_else(|| not_found("latest")),
            Which::Named(text) => {
                let name: Name = text.parse().map_err(|error| RestoreError::Name(text.clone(), error))?;
                let bytes = self.store.get(&name.file("json")).await?.ok_or_else(|| not_found(text))?;
                let corrupt = |words| RestoreError::Corrupt { name: text.clone(), words };
                Manifest::read(&name, &bytes)
                    .map_err(|words| corrupt(format!("its manifest cannot be read: {words}")))
            }
        }
    }

    /// The backup's data, when it is what was stored.
    pub(crate) async fn fetch(&self, manifest: &Manifest) -> Result<Fetched, RestoreError> {
        let corrupt = |words: String| RestoreError::Corrupt { name: manifest.name.clone(), words };
        let scratch = self.store.scratch(&self.config).await?;
        let fetched = self.store.fetch(&manifest.file, &scratch).await?;
        let fetched = fetched.ok_or_else(|| corrupt(format!("{} is missing", manifest.file)))?;
        if fetched.sum.size != manifest.size {
            let (is, was) = (fetched.sum.size, manifest.size);
            return Err(corrupt(format!("{} has {is} bytes, and was stored with {was}", manifest.file)));
        }
        if fetched.sum.sha256 != manifest.sha256 {
            return Err(corrupt(format!("the SHA-256 of {} is not that of its manifest", manifest.file)));
        }
        Ok(fetched)
    }

    async fn restore_sqlite(
        &self,
        manifest: Manifest,
        file: &Path,
        force: bool,
    ) -> Result<Restored, RestoreError> {
        let target = file.display().to_string();
        let failed = |cause| RestoreError::Database {
            what: "close the old database",
            target: target.clone(),
            cause: Box::new(cause),
            hint: "",
        };
        let there = file.exists() || sqlite::beside(file, "-wal").exists();
        if there && !force {
            return Err(RestoreError::NotEmpty { target, words: "the file exists".to_owned() });
        }
        let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let beside = folder.join(unique(&Name::new(&self.service, Timestamp::now()).file("restore")));
        let new = self.unpacked(&manifest, beside).await?;
        let mut kept = None;
        if file.exists() {
            if !sqlite::settle(file, self.database.lock_timeout).await.map_err(failed)? {
                return Err(RestoreError::InUse { file: target });
            }
            kept = Some(set_aside(file, folder, new.path()).await?);
        }
        // What is left of the old one's log would be played into the new file.
        for suffix in ["-wal", "-shm", "-journal"] {
            remove(&sqlite::beside(file, suffix), kept.as_deref().map(|kept| sqlite::beside(kept, suffix)))
                .await?;
        }
        new.keep_as(file).await?;
        Ok(Restored { manifest, target, kept })
    }

    /// The SQLite file of a backup, checked, under a temporary name.
    pub(crate) async fn unpacked(&self, manifest: &Manifest, path: PathBuf) -> Result<Partial, RestoreError> {
        let corrupt = |words: String| RestoreError::Corrupt { name: manifest.name.clone(), words };
        let fetched = self.fetch(manifest).await?;
        let mut new = Partial::create(path).await?;
        match archive::unpack(&fetched.path, &mut new, &self.progress).await {
            Ok(()) => {}
            Err(UnpackError::Archive(words)) => return Err(corrupt(words)),
            Err(UnpackError::Store(error)) => return Err(error.into()),
        }
        let found = sqlite::inspect(new.path(), self.config.count_rows).await;
        let found = found.map_err(|error| corrupt(error.to_string()))?;
        if let Some(words) = found.damage {
            return Err(corrupt(format!("SQLite's integrity check says {words}")));
        }
        if self.config.count_rows {
            let differences = manifest.differences(&found.contents);
            if !differences.is_empty() {
                return Err(RestoreError::Differs { name: manifest.name.clone(), differences });
            }
        }
        Ok(new)
    }

    async fn restore_postgres(
        &self,
        manifest: Manifest,
        database: &SqlConfig,
        options: &RestoreOptions,
        bound: &Bound,
    ) -> Result<Restored, RestoreError> {
        let work = async {
            let to = postgres::reach(database, &self.service, self.environment).await?;
            let client = Client::of(&to);
            let failed = |cause| database_error("look into the database", &client, cause);
            let mut connection = postgres::connect(&to).await.map_err(failed)?;
            let (major, _) = postgres::version(&mut connection).await.map_err(failed)?;
            let objects = postgres::objects(&mut connection).await.map_err(failed)?;
            postgres::goodbye(connection).await;
            if !objects.is_empty() && !options.force {
                let more = if objects.len() > 3 { " and more" } else { "" };
                let some = objects.iter().take(3).cloned().collect::<Vec<_>>().join(", ");
                return Err(RestoreError::NotEmpty {
                    target: client.target.clone(),
                    words: format!("it has {some}{more}"),
                });
            }
            let fetched = self.fetch(&manifest).await?;
            self.pg_restore(&client, &fetched.path, major, !objects.is_empty(), options.owners).await?;
            Ok((to, client.target.clone()))
        };
        let (to, target) = bound.on(work).await?;
        // Restored is restored: without statistics it would only be slow at first.
        if tokio::time::timeout_at(bound.deadline(), analyze(&to)).await.is_err() {
            tracing::warn!(database.target = target, "no time was left for ANALYZE; run it by hand");
        }
        Ok(Restored { manifest, target, kept: None })
    }

    pub(crate) async fn pg_restore(
        &self,
        client: &Client,
        archive: &Path,
        major: u32,
        clean: bool,
        owners: bool,
    ) -> Result<(), RestoreError> {
        let tool = Tool::find("pg_restore", self.config.pg_bin.as_deref(), major).await?;
        let mut command = client.command(&tool);
        command.args(["--exit-on-error", "--single-transaction"]).stdout(std::process::Stdio::null());
        if clean {
            command.args(["--clean", "--if-exists"]);
        }
        if !owners {
            command.args(["--no-owner", "--no-privileges"]);
        }
        command.arg("--dbname").arg(client.dbname()).arg(archive);
        Ok(client.end(Running::start(command, &tool)?).await?)
    }
}

/// The database's section with another URL, which leads to the server itself. A password in that URL is meant for it;
/// the pooler and the way past it are those of the service's own database.
fn instead(database: &SqlConfig, into: &Secret<String>) -> SqlConfig {
    let authority = into.expose().split_once("://").map_or("", |(_, rest)| rest);
    let authority = authority.split(['/', '?']).next().unwrap_or_default();
    let brings = authority.rsplit_once('@').is_some_and(|(user, _)| user.contains(':'));
    let url = Some(Sourced::new(into.clone(), Origin::Set));
    let password = database.password.clone().filter(|_| !brings);
    SqlConfig { url, password, direct_url: None, pgbouncer: false, ..database.clone() }
}

pub(crate) fn database_error(what: &'static str, client: &Client, cause: sqlx::Error) -> RestoreError {
    RestoreError::Database { what, target: client.target.clone(), cause: Box::new(cause), hint: "" }
}

async fn analyze(to: &PgConnectOptions) {
    let analyzed = async {
        let mut connection = postgres::connect(to).await?;
        sqlx::query("ANALYZE").execute(&mut connection).await?;
        postgres::goodbye(connection).await;
        Ok::<(), sqlx::Error>(())
    };
    if let Err(error) = analyzed.await {
        tracing::warn!(%error, "the restored database could not be analyzed; run ANALYZE by hand");
    }
}

/// Gives the old file a second name, and its owner and permissions to the new one.
async fn set_aside(file: &Path, folder: &Path, new: &Path) -> Result<PathBuf, RestoreError> {
    let stamp = Name::new("before", Timestamp::now());
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let kept = folder.join(format!("{name}.{stamp}"));
    if tokio::fs::hard_link(file, &kept).await.is_err() {
        tokio::fs::copy(file, &kept).await.map_err(StoreError::file("keep the old database as", &kept))?;
    }
    let meta = tokio::fs::metadata(file).await.map_err(StoreError::file("read", file))?;
    tokio::fs::set_permissions(new, meta.permissions())
        .await
        .map_err(StoreError::file("give permissions to", new))?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        // Only root may, and only root needs to.
        let _ = std::os::unix::fs::chown(new, Some(meta.uid()), Some(meta.gid()));
    }
    Ok(kept)
}

async fn remove(file: &Path, keep_as: Option<PathBuf>) -> Result<(), StoreError> {
    let removed = match keep_as {
        Some(kept) if !file.to_string_lossy().ends_with("-shm") => tokio::fs::rename(file, kept).await,
        _ => tokio::fs::remove_file(file).await,
    };
    match removed {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(StoreError::file("remove", file)(error))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_in_the_url_of_the_target_is_meant_for_it_and_otherwise_the_services_holds() {
        let mut database = SqlConfig::of("postgres://parcels@db/parcels");
        database.password = Some(Secret::new("the service's".to_owned()));
        let password = |url: &str| instead(&database, &Secret::new(url.to_owned())).password;
        assert!(password("postgres://clerk:own@spare/parcels").is_none());
        assert!(password("postgres://clerk@spare/parcels?x=a:b@c").is_some());
        assert!(password("postgres://spare:5432/parcels").is_some());
    }

    #[test]
    fn the_way_past_the_services_pooler_does_not_lead_to_another_target() {
        let database = SqlConfig {
            pgbouncer: true,
            direct_url: SqlConfig::of("postgres://parcels@db/parcels").url,
            ..SqlConfig::of("postgres://parcels@pooler/parcels")
        };
        let spare = "postgres://parcels@spare/parcels";
        let section = instead(&database, &Secret::new(spare.to_owned()));
        assert_eq!(section.url.expect("a URL").expose(), spare);
        assert!(section.direct_url.is_none() && !section.pgbouncer);
    }
}
