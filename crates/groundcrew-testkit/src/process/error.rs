use std::io;
use std::path::PathBuf;
use std::process::ExitStatus;

/// Why a service did not do what was waited for.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The program could not be started.
    #[error("cannot start {}", program.display())]
    Start {
        /// The program.
        program: PathBuf,
        /// What the system said.
        #[source]
        cause: io::Error,
    },
    /// The listener could not be duplicated.
    #[error("cannot hand over the listener")]
    HandOver(#[source] io::Error),
    /// It did not happen in time.
    #[error("waited too long for {what}; the output so far:\n{output}")]
    TimedOut {
        /// What was waited for.
        what: String,
        /// Both outputs.
        output: String,
    },
    /// The process ended first.
    #[error("it ended with {status}; its output:\n{output}")]
    Exited {
        /// How it ended.
        status: ExitStatus,
        /// Both outputs.
        output: String,
    },
    /// The system could not signal the process or tell its status.
    #[error("cannot reach the process")]
    Process(#[source] io::Error),
}
