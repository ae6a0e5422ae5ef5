use std::ffi::OsString;
use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};
use std::time::Duration;

use groundcrew_runtime::Crew;
use groundcrew_sql::Sqlite;
use groundcrew_sql::sqlx;
use tokio::time::Instant;

use crate::alone::Alone;
use crate::candidate::{Asking, Candidate, Held, Won};
use crate::error::Trouble;
use crate::{Lease, LeaseConfig, LeaseError};

/// Runs for a lease that is the lock on a file beside the database. The system gives it back when the process ends,
/// however it ends, and never before: it needs no heartbeat.
struct LockFile {
    lease: String,
    path: PathBuf,
    sqlite: Sqlite,
}

struct Locked(File);

const TABLE: &str =
    "CREATE TABLE IF NOT EXISTS groundcrew_leases (name TEXT PRIMARY KEY, epoch INTEGER NOT NULL)";

const BEGIN_TERM: &str = "INSERT INTO groundcrew_leases VALUES (?, 1) \
    ON CONFLICT (name) DO UPDATE SET epoch = epoch + 1 RETURNING epoch";

// === impl LeaseConfig ===

impl LeaseConfig {
    /// A lease among the processes on this machine that use this file: the lock on `<file>-lease-<name>`, which stays
    /// there. For a database in memory, which no other process can have, as [`alone`](Self::alone).
    ///
    /// # Errors
    ///
    /// When the configuration cannot work, and when this process has a lease of that name already.
    pub fn sqlite(&self, name: &str, crew: &Crew, sqlite: &Sqlite) -> Result<Lease, LeaseError> {
        let options = sqlite.raw().connect_options();
        let file = options.get_filename();
        let candidate: Box<dyn Candidate> = if is_file(file) {
            Box::new(LockFile { lease: name.to_owned(), path: lock_path(file, name), sqlite: sqlite.clone() })
        } else {
            Box::new(Alone::default())
        };
        Lease::build(self, name, crew, candidate)
    }
}

/// The driver gives databases in memory names such as `file:sqlx-in-memory-1`.
fn is_file(path: &Path) -> bool {
    let path = path.as_os_str().as_encoded_bytes();
    !path.is_empty() && !path.starts_with(b"file:") && path != b":memory:"
}

fn lock_path(file: &Path, lease: &str) -> PathBuf {
    let safe = |c: char| if c.is_ascii_alphanumeric() || c == '-' || c == '_' { c } else { '_' };
    let mut path = OsString::from(file);
    path.push("-lease-");
    path.push(lease.chars().map(safe).collect::<String>());
    path.into()
}

// === impl LockFile ===

impl LockFile {
    async fn try_win(&self) -> Result<Option<Won>, Trouble> {
        let asked = Instant::now();
        let cannot = |what: &str, error| Trouble(format!("cannot {what} {}: {error}", self.path.display()));
        let file = OpenOptions::new().create(true).truncate(false).write(true).open(&self.path);
        let file = file.map_err(|error| cannot("open", error))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(error)) => return Err(cannot("lock", error)),
        }
        sqlx::query(TABLE).execute(&self.sqlite).await.map_err(Trouble::new)?;
        let term = sqlx::query_scalar(BEGIN_TERM).bind(&self.lease);
        let epoch: i64 = term.fetch_one(&self.sqlite).await.map_err(Trouble::new)?;
        let epoch = u64::try_from(epoch).unwrap_or(0);
        Ok(Some(Won { held: Box::new(Locked(file)), epoch, asked, grace: Duration::ZERO }))
    }
}

impl Candidate for LockFile {
    fn ask(&mut self) -> Asking<'_, Option<Won>> {
        Box::pin(self.try_win())
    }
}

// === impl Locked ===

impl Held for Locked {
    fn can_be_lost(&self) -> bool {
        false
    }

    fn beat(&mut self) -> Asking<'_, Instant> {
        Box::pin(std::future::ready(Ok(Instant::now())))
    }

    fn release(self: Box<Self>) -> Asking<'static, ()> {
        Box::pin(std::future::ready(self.0.unlock().map_err(Trouble::new)))
    }
}
