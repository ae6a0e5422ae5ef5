use std::time::Duration;

use jiff::Timestamp;

use crate::{Backups, Name, Retention, StoreError};

/// What pruning removed, or would remove.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pruned {
    /// The backups that were too old.
    pub removed: Vec<String>,
    /// Files that no backup belongs to any more: of one that was interrupted by force, or half removed.
    pub leftovers: Vec<String>,
    /// How many backups are left.
    pub kept: usize,
}

// === impl Backups ===

impl Backups {
    /// Removes what the retention lets go, and what interrupted backups left behind. With `dry_run` it only says.
    ///
    /// # Errors
    ///
    /// When the place cannot be read, or something not be removed; what was removed until then is.
    pub async fn prune(&self, dry_run: bool) -> Result<Pruned, StoreError> {
        let (inner, now) = (&self.inner, Timestamp::now());
        let listing = inner.list().await?;
        let retention = Retention {
            keep: usize::try_from(inner.config.keep).unwrap_or(usize::MAX),
            keep_for: inner.config.keep_for,
        };
        let times: Vec<Timestamp> = listing.backups.iter().map(|manifest| manifest.time).collect();
        let expired = retention.expired(&times, now);
        let mut pruned = Pruned { kept: times.len() - expired.len(), ..Pruned::default() };
        for index in expired {
            let manifest = &listing.backups[index];
            if !dry_run {
                // The manifest first: a backup that is half removed must not look like one.
                inner.store.delete(&format!("{}.json", manifest.name)).await?;
                inner.store.delete(&manifest.file).await?;
            }
            pruned.removed.push(manifest.name.clone());
        }
        for file in inner.store.files().await? {
            if self.is_leftover(&file, now, |name| listing.backups.iter().any(|m| m.name == name.to_string()))
            {
                if !dry_run {
                    inner.store.delete(&file).await?;
                }
                pruned.leftovers.push(file);
            }
        }
        Ok(pruned)
    }

    /// Whether a file belongs to no backup, and to none that could still be running.
    fn is_leftover(&self, file: &str, now: Timestamp, known: impl Fn(&Name) -> bool) -> bool {
        let hidden = file.strip_prefix('.').filter(|rest| rest.ends_with(".partial"));
        let Some(name) = Name::of_file(hidden.unwrap_or(file)) else { return false };
        let ours = Name::new(&self.inner.service, now);
        if name.service() != ours.service() || (hidden.is_none() && known(&name)) {
            return false;
        }
        // Unreadable manifests get as much time as backups: somebody may want to look.
        let patience = match hidden {
            Some(_) => self.inner.config.timeout * 2,
            None => self.inner.config.keep_for.max(self.inner.config.timeout * 2),
        };
        let age = now.as_millisecond().saturating_sub(name.time().as_millisecond());
        u64::try_from(age).is_ok_and(|age| Duration::from_millis(age) > patience)
    }
}
