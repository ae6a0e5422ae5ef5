use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::Name;

/// The layout of a manifest that this version writes and the newest that it reads.
const FORMAT: u32 = 1;

/// What stands beside every backup. A backup without one was never finished, and is none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// The version of this layout.
    pub format: u32,
    /// The backup's name.
    pub name: String,
    /// The service that it is of.
    pub service: String,
    /// When it began: the state that it holds is this one or a little younger.
    pub time: Timestamp,
    /// How long it took, in milliseconds.
    pub took_ms: u64,
    /// The kind of database.
    pub backend: Backend,
    /// The version of the server, or of SQLite.
    pub server: String,
    /// What wrote it.
    pub tool: String,
    /// The file with the data.
    pub file: String,
    /// Its size in bytes.
    pub size: u64,
    /// Its SHA-256, in hexadecimal.
    pub sha256: String,
    /// The newest migration that was applied.
    pub migration: Option<i64>,
    /// How many rows each table has; empty when they were not counted.
    pub rows: BTreeMap<String, u64>,
}

/// The kind of database that a backup is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Backend {
    /// PostgreSQL, as a custom-format archive of `pg_dump`.
    Postgres,
    /// SQLite, as a gzipped database file.
    Sqlite,
}

/// What reading the data of a backup gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sum {
    pub(crate) size: u64,
    pub(crate) sha256: String,
}

/// What the database was like in the very state that a backup holds.
#[derive(Debug, Clone, Default)]
pub(crate) struct Contents {
    pub(crate) migration: Option<i64>,
    pub(crate) rows: BTreeMap<String, u64>,
}

/// What is known of a backup that was taken, besides its file.
#[derive(Debug)]
pub(crate) struct Taken {
    pub(crate) server: String,
    pub(crate) tool: String,
    pub(crate) contents: Contents,
}

// === impl Manifest ===

impl Manifest {
    pub(crate) fn new(name: &Name, service: &str, backend: Backend, taken: Taken, sum: Sum) -> Self {
        let took = Timestamp::now().as_millisecond() - name.time().as_millisecond();
        Self {
            format: FORMAT,
            name: name.to_string(),
            service: service.to_owned(),
            time: name.time(),
            took_ms: u64::try_from(took).unwrap_or_default(),
            backend,
            server: taken.server,
            tool: taken.tool,
            file: name.file(backend.extension()),
            size: sum.size,
            sha256: sum.sha256,
            migration: taken.contents.migration,
            rows: taken.contents.rows,
        }
    }

    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = serde_json::to_vec_pretty(self).unwrap_or_default();
        bytes.push(b'\n');
        bytes
    }

    /// Reads a manifest; the problem in words when it is none, or one from a newer version.
    pub(crate) fn read(name: &Name, bytes: &[u8]) -> Result<Self, String> {
        let manifest: Self = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
        if manifest.format > FORMAT {
            return Err(format!("it was written by a newer version (format {})", manifest.format));
        }
        // The file's name is part of a path, and the manifest may have been changed.
        if manifest.name != name.to_string() || manifest.file != name.file(manifest.backend.extension()) {
            return Err("it names another backup".to_owned());
        }
        Ok(manifest)
    }

    /// The tables whose number of rows differs, as `name: expected, found`. Empty where nothing was counted.
    pub(crate) fn differences(&self, found: &Contents) -> Vec<String> {
        if self.rows.is_empty() {
            return Vec::new();
        }
        let names: std::collections::BTreeSet<_> = self.rows.keys().chain(found.rows.keys()).collect();
        let count = |rows: Option<&u64>| rows.map_or_else(|| "no table".to_owned(), ToString::to_string);
        names
            .into_iter()
            .filter(|name| self.rows.get(*name) != found.rows.get(*name))
            .map(|name| {
                format!(
                    "{name}: {} expected, {} found",
                    count(self.rows.get(name)),
                    count(found.rows.get(name))
                )
            })
            .collect()
    }
}

// === impl Backend ===

impl Backend {
    pub(crate) fn extension(self) -> &'static str {
        match self {
            Self::Postgres => "dump",
            Self::Sqlite => "db.gz",
        }
    }

    /// `Postgres` or `SQLite`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Postgres => "Postgres",
            Self::Sqlite => "SQLite",
        }
    }
}
