//! Why a command ended badly, and the exit code that says so.

use std::process::ExitCode;

/// One variant per documented exit code.
#[derive(Debug)]
pub(crate) enum Failure {
    /// A check failed and has already been reported in full: exit code 1.
    Checks,
    /// Something could not be done: exit code 1.
    Error(anyhow::Error),
    /// The command line was wrong: exit code 2.
    Usage(String),
    /// A program that is needed is not there: exit code 3. The text says how to install it.
    MissingTool(String),
}

impl Failure {
    /// Says what happened on standard error and hands back the exit code.
    pub(crate) fn report(&self) -> ExitCode {
        match self {
            Self::Checks => {}
            Self::Error(error) => eprintln!("error: {error:#}"),
            Self::Usage(text) => eprintln!("error: {text}"),
            Self::MissingTool(text) => eprintln!("error: a tool is missing: {text}"),
        }
        ExitCode::from(self.code())
    }

    pub(crate) fn code(&self) -> u8 {
        match self {
            Self::Checks | Self::Error(_) => 1,
            Self::Usage(_) => 2,
            Self::MissingTool(_) => 3,
        }
    }
}

impl<E: Into<anyhow::Error>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::Error(error.into())
    }
}
