use std::time::Duration;

use groundcrew_sql::ConnectError;

use crate::NotAName;

/// Why backups could not be stored, read or removed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The configuration names no store that can be opened.
    #[error("{0}")]
    Config(String),
    /// A file of the folder, or a temporary one, could not be used.
    #[error("cannot {what} {path}: {cause}")]
    File {
        /// What was tried.
        what: &'static str,
        /// The file.
        path: String,
        /// What the system said.
        cause: std::io::Error,
    },
    /// The object store refused or did not answer.
    #[error(
        "cannot {what} {object} in {bucket}: {cause}; look at backup.s3 (S3_BUCKET_NAME, S3_REGION, \
             S3_ACCESS_KEY_ID, S3_SECRET_ACCESS_KEY, S3_ENDPOINT)"
    )]
    Object {
        /// What was tried.
        what: &'static str,
        /// The object.
        object: String,
        /// The bucket.
        bucket: String,
        /// What the store said.
        cause: String,
    },
}

/// Why one of PostgreSQL's own programs did not do its work.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ToolError {
    /// It is not there.
    #[error(
        "there is no {program} {place}; install it with\n  apt-get install -y postgresql-client-{major}\n\
             (from apt.postgresql.org where the distribution is older), or run this command in the image of \
             groundcrew-backup, or set backup.pg_bin (PG_BIN)"
    )]
    Missing {
        /// `pg_dump` or `pg_restore`.
        program: &'static str,
        /// Where it was looked for.
        place: String,
        /// The version that is needed at least.
        major: u32,
    },
    /// It is older than what it should read.
    #[error(
        "{program} {found} is too old: version {needed} or newer is needed; install it with\n  apt-get install \
             -y postgresql-client-{needed}\n(from apt.postgresql.org where the distribution is older), or set \
             backup.pg_bin (PG_BIN)"
    )]
    TooOld {
        /// `pg_dump` or `pg_restore`.
        program: &'static str,
        /// The newest version that was found.
        found: u32,
        /// The version that is needed at least.
        needed: u32,
    },
    /// It could not be started or watched.
    #[error("cannot run {program}: {cause}")]
    Run {
        /// `pg_dump` or `pg_restore`.
        program: &'static str,
        /// What the system said.
        cause: std::io::Error,
    },
    /// It failed.
    #[error("{program} failed at {target} ({status}): {words}")]
    Failed {
        /// `pg_dump` or `pg_restore`.
        program: &'static str,
        /// Host, port and database.
        target: String,
        /// Its exit status.
        status: std::process::ExitStatus,
        /// What it said, with a hint where we have one.
        words: String,
    },
}

/// Why there is no backup. What was begun is removed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BackupError {
    /// The database does not let us in.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// Nothing can be backed up from there.
    #[error("there is nothing to back up: {0}")]
    Source(String),
    /// The database said no while it was read.
    #[error("cannot read {target}: {cause}")]
    Database {
        /// Which database.
        target: String,
        /// What it said.
        cause: Box<groundcrew_sql::sqlx::Error>,
    },
    /// The copy of a SQLite file is damaged, so the file itself is.
    #[error("the copy of {file} does not pass SQLite's integrity check, so the database is damaged: {words}")]
    Damaged {
        /// The database.
        file: String,
        /// What SQLite said first.
        words: String,
    },
    /// `pg_dump` did not do its work.
    #[error(transparent)]
    Tool(#[from] ToolError),
    /// It could not be stored.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// It took too long.
    #[error("not done within {0:?} (backup.timeout); what was written is removed")]
    TimedOut(Duration),
    /// It was stopped.
    #[error("stopped; what was written is removed")]
    Stopped,
}

/// Why a backup was not restored or did not pass its verification.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RestoreError {
    /// What was asked for is no name.
    #[error("`{0}`: {1}")]
    Name(String, NotAName),
    /// There is no such backup.
    #[error("there is no backup {name} in {place}; `list` shows those there are")]
    NotFound {
        /// The name, or `latest`.
        name: String,
        /// Where it was looked for.
        place: String,
    },
    /// It is not what was stored. Nothing was touched.
    #[error("backup {name} is damaged: {words}; nothing was touched: take an older one")]
    Corrupt {
        /// The backup.
        name: String,
        /// What is wrong.
        words: String,
    },
    /// It is of the other kind of database.
    #[error(
        "backup {name} is of {backup}, and the database is {target}; set DATABASE_URL or --into accordingly"
    )]
    WrongBackend {
        /// The backup.
        name: String,
        /// Its kind.
        backup: &'static str,
        /// The target's kind.
        target: &'static str,
    },
    /// There is something where it should go.
    #[error(
        "{target} is not empty: {words}; restore into an empty one (--into), or overwrite it with --force"
    )]
    NotEmpty {
        /// The database.
        target: String,
        /// What is there.
        words: String,
    },
    /// Somebody has the SQLite file open.
    #[error("another process has {file} open: stop the service first; nothing was touched")]
    InUse {
        /// The file.
        file: String,
    },
    /// The restored database is not what the backup says.
    #[error("backup {name} does not hold what its manifest says: {}", differences.join("; "))]
    Differs {
        /// The backup.
        name: String,
        /// The tables that differ.
        differences: Vec<String>,
    },
    /// The database does not let us in.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// The database said no.
    #[error("cannot {what} at {target}: {cause}{hint}")]
    Database {
        /// What was tried.
        what: &'static str,
        /// Which database.
        target: String,
        /// What it said.
        cause: Box<groundcrew_sql::sqlx::Error>,
        /// What to do; empty, or begins with `; `.
        hint: &'static str,
    },
    /// `pg_restore` did not do its work; its transaction is rolled back.
    #[error(transparent)]
    Tool(#[from] ToolError),
    /// The backup could not be read, or a file not be written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// It took too long.
    #[error("not done within {0:?} (backup.timeout); the database is as it was")]
    TimedOut(Duration),
    /// It was stopped.
    #[error("stopped; the database is as it was")]
    Stopped,
}

// === impl StoreError ===

impl StoreError {
    pub(crate) fn file(
        what: &'static str,
        path: &std::path::Path,
    ) -> impl FnOnce(std::io::Error) -> Self + use<> {
        let path = path.display().to_string();
        move |cause| Self::File { what, path, cause }
    }
}

// === impl RestoreError ===

impl RestoreError {
    /// Whether it is the backup that is wrong, not the place where it should go.
    pub fn is_about_the_backup(&self) -> bool {
        matches!(self, Self::Corrupt { .. } | Self::Differs { .. })
    }
}
