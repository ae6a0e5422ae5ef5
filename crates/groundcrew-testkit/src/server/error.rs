use std::io;

/// Why there is no server to test with, or not the one that was asked for.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The server's programs are not on this machine.
    #[error("`{program}` is not here; install it with: apt-get install -y {package}")]
    Missing {
        /// The first program that was not found.
        program: &'static str,
        /// Debian's package that has it.
        package: &'static str,
    },
    /// One of the server's programs failed.
    #[error("{program} failed: {output}")]
    Failed {
        /// The program.
        program: &'static str,
        /// What it printed.
        output: String,
    },
    /// The server did not get ready in time.
    #[error("{server} does not answer: {log}")]
    NotReady {
        /// Which server.
        server: &'static str,
        /// The end of its log.
        log: String,
    },
    /// The server answers, and does not do what it was asked for.
    #[error("{server} does not {what}: {answer}")]
    Refused {
        /// Which server.
        server: &'static str,
        /// What it was asked for.
        what: &'static str,
        /// What it said.
        answer: String,
    },
    /// The fault needs a server of our own; a `TEST_…_URL` names one that is not.
    #[error("a server that a TEST_…_URL names is not ours to break; start a private one")]
    NotOurs,
    /// A `TEST_…_URL` is not one that can be used.
    #[error("{variable}: {problem}")]
    Given {
        /// The variable.
        variable: &'static str,
        /// What is wrong with it; never its value, which may hold a password.
        problem: &'static str,
    },
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
    pub(crate) fn system(what: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |cause| Self::System { what, cause }
    }
}
