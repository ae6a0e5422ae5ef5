use std::sync::Arc;

use jiff::Timestamp;

use crate::backups::Inner;
use crate::bound::{Bound, apart};
use crate::client::Client;
use crate::manifest::{Backend, Contents};
use crate::restore::database_error;
use crate::scratch::Scratch;
use crate::store::unique;
use crate::{Backups, Manifest, Name, RestoreError, Which, postgres};

/// A backup that was restored, beside the service's database, and counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// The backup.
    pub manifest: Manifest,
    /// How many tables it has.
    pub tables: usize,
    /// How many rows they have together.
    pub rows: u64,
    /// Whether the manifest had numbers to compare them with.
    pub compared: bool,
}

// === impl Backups ===

impl Backups {
    /// Restores a backup into a database of its own, counts, compares with the manifest, and removes it again. For
    /// Postgres that database is made on the service's server, and its user needs `CREATEDB`.
    ///
    /// # Errors
    ///
    /// When the backup is damaged, cannot be restored, or does not hold what its manifest says.
    pub async fn verify(&self, which: &Which) -> Result<Verified, RestoreError> {
        let ((stop, bound), inner) = (self.inner.bound(), Arc::clone(&self.inner));
        let which = which.clone();
        apart(stop, async move { inner.verify(&which, &bound).await }).await
    }
}

// === impl Inner ===

impl Inner {
    async fn verify(&self, which: &Which, bound: &Bound) -> Result<Verified, RestoreError> {
        let manifest = bound.on(self.find(which)).await?;
        let found = match manifest.backend {
            Backend::Sqlite => bound.on(self.verify_sqlite(&manifest)).await?,
            Backend::Postgres => self.verify_postgres(&manifest, bound).await?,
        };
        let differences = manifest.differences(&found);
        if !differences.is_empty() {
            return Err(RestoreError::Differs { name: manifest.name, differences });
        }
        let compared = !manifest.rows.is_empty();
        Ok(Verified { manifest, tables: found.rows.len(), rows: found.rows.values().sum(), compared })
    }

    async fn verify_sqlite(&self, manifest: &Manifest) -> Result<Contents, RestoreError> {
        // Named by its own time, not by the backup's: by its name's age `prune` takes a file for a leftover.
        let name = Name::new(&self.service, Timestamp::now()).file("verify");
        let path = self.store.scratch(&self.config).await?.join(unique(&name));
        let new = self.unpacked(manifest, path).await?;
        let corrupt = |error: groundcrew_sql::sqlx::Error| RestoreError::Corrupt {
            name: manifest.name.clone(),
            words: error.to_string(),
        };
        Ok(crate::sqlite::inspect(new.path(), true).await.map_err(corrupt)?.contents)
    }

    async fn verify_postgres(&self, manifest: &Manifest, bound: &Bound) -> Result<Contents, RestoreError> {
        let fetched = bound.on(self.fetch(manifest)).await?;
        let server = bound
            .on(async {
                Ok::<_, RestoreError>(postgres::reach(&self.database, &self.service, self.environment).await?)
            })
            .await?;
        let mut scratch = Scratch::new(server);
        let options = scratch.options();
        let counted = bound.on(async {
            scratch.make().await?;
            let client = Client::of(&options);
            self.pg_restore(&client, &fetched.path, scratch.major, false, false).await?;
            let failed = |cause| database_error("count what was restored", &client, cause);
            let mut connection = postgres::connect(&options).await.map_err(failed)?;
            let contents = postgres::contents(&mut connection, true).await.map_err(failed)?;
            postgres::goodbye(connection).await;
            Ok(contents)
        });
        let counted = counted.await;
        scratch.remove().await;
        counted
    }
}
