use std::io;

/// Why there is no PostgreSQL to test with.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The server's programs are not on this machine.
    #[error("PostgreSQL's `{program}` is not here; install it with: apt-get install -y postgresql")]
    Missing {
        /// The first program that was not found.
        program: &'static str,
    },
    /// One of PostgreSQL's programs failed.
    #[error("{program} failed: {output}")]
    Failed {
        /// The program.
        program: &'static str,
        /// What it printed.
        output: String,
    },
    /// The server did not get ready in time.
    #[error("PostgreSQL does not answer: {log}")]
    NotReady {
        /// The end of its log.
        log: String,
    },
    /// The fault needs a server of our own; `TEST_DATABASE_URL` names one that is not.
    #[error("the server of TEST_DATABASE_URL is not ours to stop")]
    NotOurs,
    /// The fault needs a server that runs.
    #[error("the server does not run")]
    NotRunning,
    /// The system refused something.
    #[error("cannot {what}")]
    System {
        /// What was tried.
        what: &'static str,
        /// What the system said.
        #[source]
        cause: io::Error,
    },
}

impl Error {
    /// For `map_err`.
    pub(super) fn system(what: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |cause| Self::System { what, cause }
    }
}
