//! What is wrong with a configuration, all of it at once.

use std::error::Error;
use std::fmt;

use crate::Origin;

/// One thing that is wrong: the key, where the value came from, what is wrong and what would be right.
///
/// The message never holds the value of a secret key, nor that of a key that nobody knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The key, such as `http.port`; a file's name when the file as a whole is wrong.
    pub key: String,
    /// Where the value came from; none when it is missing.
    pub origin: Option<Origin>,
    /// What is wrong, and what would be right.
    pub message: String,
}

/// Everything that is wrong with a configuration. `Display` prints one line for each problem.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problems {
    problems: Vec<Problem>,
    warnings: Vec<Problem>,
}

// === impl Problem ===

impl Problem {
    /// A problem of one key.
    pub fn new(key: impl Into<String>, origin: Option<Origin>, message: impl Into<String>) -> Self {
        Self { key: key.into(), origin, message: message.into() }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.origin {
            Some(origin) => write!(f, "{} ({origin}): {}", self.key, self.message),
            None => write!(f, "{}: {}", self.key, self.message),
        }
    }
}

// === impl Problems ===

impl Problems {
    pub(crate) fn new(problems: Vec<Problem>, warnings: Vec<Problem>) -> Self {
        let mut distinct: Vec<Problem> = Vec::with_capacity(problems.len());
        for problem in problems {
            if !distinct.contains(&problem) {
                distinct.push(problem);
            }
        }
        Self { problems: distinct, warnings }
    }

    /// The problems one by one.
    pub fn iter(&self) -> std::slice::Iter<'_, Problem> {
        self.problems.iter()
    }

    /// What was noticed beside the problems; often the reason for one of them.
    pub fn warnings(&self) -> &[Problem] {
        &self.warnings
    }
}

impl<'a> IntoIterator for &'a Problems {
    type Item = &'a Problem;
    type IntoIter = std::slice::Iter<'a, Problem>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.problems.len() {
            1 => write!(f, "1 problem in the configuration:")?,
            count => write!(f, "{count} problems in the configuration:")?,
        }
        for problem in &self.problems {
            write!(f, "\n  {problem}")?;
        }
        for warning in &self.warnings {
            write!(f, "\n  warning: {warning}")?;
        }
        Ok(())
    }
}

impl Error for Problems {}
