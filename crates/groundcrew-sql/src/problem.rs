use sqlx::Error;
use sqlx::error::ErrorKind;

use crate::DeadlineExceeded;

/// What an error of sqlx means for whoever asked, so that a handler can answer with the right status.
///
/// ```
/// use groundcrew_sql::SqlProblem;
///
/// /// The status of an answer, for an error of the database.
/// fn status(error: &sqlx::Error) -> u16 {
///     match SqlProblem::of(error) {
///         SqlProblem::Unavailable => 503, // with Retry-After
///         SqlProblem::DeadlineExceeded => 504,
///         SqlProblem::NotFound => 404,
///         SqlProblem::Exists | SqlProblem::StillReferenced | SqlProblem::Conflict => 409,
///         SqlProblem::Rejected => 422,
///         _ => 500, // ours: log it
///     }
/// }
/// assert_eq!(status(&sqlx::Error::RowNotFound), 404);
/// assert_eq!(status(&sqlx::Error::PoolClosed), 503);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum SqlProblem {
    /// No row where one was asked for.
    NotFound,
    /// A value that must be unique is there already.
    Exists,
    /// A row refers to one that is not there, or one that others refer to was to be deleted.
    StillReferenced,
    /// A check or a NOT NULL of the schema says no to the value.
    Rejected,
    /// Another transaction was in the way (serialisation, deadlock, a lock that was waited for too long, a file
    /// that is busy): the same transaction may succeed when it is begun again.
    Conflict,
    /// The database cannot be reached, starts up, shuts down, or has no connection left. Nothing is wrong with
    /// the request.
    Unavailable,
    /// The time of the operation was over, by our limit or by the database's own. Whether it took effect is not
    /// known.
    DeadlineExceeded,
    /// Anything else: a mistake in the statement, in a type, in the schema.
    Other,
}

// === impl SqlProblem ===

impl SqlProblem {
    /// What this error means.
    pub fn of(error: &Error) -> Self {
        match error {
            Error::RowNotFound => Self::NotFound,
            Error::Database(error) => match error.kind() {
                ErrorKind::UniqueViolation => Self::Exists,
                ErrorKind::ForeignKeyViolation => Self::StillReferenced,
                ErrorKind::NotNullViolation | ErrorKind::CheckViolation => Self::Rejected,
                _ => Self::of_code(error.code().as_deref().unwrap_or_default()),
            },
            error if DeadlineExceeded::of(error).is_some() => match DeadlineExceeded::of(error) {
                Some(exceeded) if exceeded.awaited == crate::Awaited::Connection => Self::Unavailable,
                _ => Self::DeadlineExceeded,
            },
            Error::Io(_) | Error::Tls(_) | Error::PoolTimedOut | Error::PoolClosed | Error::WorkerCrashed => {
                Self::Unavailable
            }
            _ => Self::Other,
        }
    }

    /// Whether the database is away: an answer of 503 rather than of 500, and no bug of the service's.
    pub fn is_unavailable(self) -> bool {
        self == Self::Unavailable
    }

    /// Of Postgres five characters, of SQLite a number.
    fn of_code(code: &str) -> Self {
        // The low byte of an extended code of SQLite is the plain one: busy, locked.
        let sqlite = code.parse::<u32>().ok().filter(|_| code.len() != 5).map(|code| code & 0xff);
        match (code, sqlite) {
            ("40001" | "40P01" | "55P03", _) | (_, Some(5 | 6)) => Self::Conflict,
            ("57014", _) => Self::DeadlineExceeded,
            ("53300" | "57P01" | "57P02" | "57P03", _) => Self::Unavailable,
            (code, None) if code.starts_with("08") => Self::Unavailable,
            _ => Self::Other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::SqlProblem;

    #[test]
    fn codes_are_told_apart() {
        for (code, problem) in [
            ("40001", SqlProblem::Conflict),
            ("40P01", SqlProblem::Conflict),
            ("55P03", SqlProblem::Conflict),
            ("5", SqlProblem::Conflict),
            ("517", SqlProblem::Conflict),
            ("57014", SqlProblem::DeadlineExceeded),
            ("57P03", SqlProblem::Unavailable),
            ("08006", SqlProblem::Unavailable),
            ("42601", SqlProblem::Other),
            ("1", SqlProblem::Other),
        ] {
            assert_eq!(SqlProblem::of_code(code), problem, "{code}");
        }
    }

    #[test]
    fn a_connection_that_is_gone_is_unavailable() {
        let gone = std::io::Error::from(std::io::ErrorKind::ConnectionReset);
        assert!(SqlProblem::of(&sqlx::Error::Io(gone)).is_unavailable());
    }
}
