use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use crate::Crew;

type Run = dyn Fn(Vec<String>) -> Pin<Box<dyn Future<Output = Answer> + Send>> + Send + Sync;
type Answer = Result<String, OperationError>;

/// What an operator may ask of the running service.
#[derive(Clone)]
pub(crate) struct Operation {
    name: String,
    help: String,
    run: Arc<Run>,
}

/// The name of an operation, and what it is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OperationInfo {
    /// What it is called by.
    pub name: String,
    /// One line for people.
    pub help: String,
}

/// Why an operation did not happen.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OperationError {
    /// The words make no sense; the text says what would.
    #[error("{0}")]
    Usage(String),
    /// It was tried, and failed.
    #[error("{0}")]
    Failed(String),
    /// There is no operation of this name.
    #[error("there is no operation `{name}`; there are: {known}")]
    Unknown {
        /// What was asked for.
        name: String,
        /// What there is.
        known: String,
    },
}

// === impl Operation ===

impl fmt::Debug for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Operation").field("name", &self.name).finish_non_exhaustive()
    }
}

// === impl Crew ===

impl Crew {
    /// Offers something to operators: it gets the words of a command line and answers with JSON.
    ///
    /// Whoever serves the crew decides who may ask; the facade's admin listener asks for its token. Of two with one
    /// name the later counts.
    ///
    /// ```
    /// use groundcrew_runtime::{Crew, OperationError};
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), OperationError> {
    /// let crew = Crew::builder("parcels", "1.0.0").build();
    /// crew.operation("depot", "depot open|close", |words| async move {
    ///     match words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
    ///         ["open"] => Ok(r#"{"depot":"open"}"#.to_owned()),
    ///         _ => Err(OperationError::Usage("depot takes `open` or `close`".into())),
    ///     }
    /// });
    /// assert_eq!(crew.operate("depot", vec!["open".into()]).await?, r#"{"depot":"open"}"#);
    /// # Ok(()) }
    /// ```
    pub fn operation<F, Fut>(&self, name: impl Into<String>, help: impl Into<String>, run: F)
    where
        F: Fn(Vec<String>) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<String, OperationError>> + Send + 'static,
    {
        let run: Arc<Run> = Arc::new(move |words| Box::pin(run(words)));
        let operation = Operation { name: name.into(), help: help.into(), run };
        let mut operations = self.inner.operations.lock();
        operations.retain(|known| known.name != operation.name);
        operations.push(operation);
    }

    /// What there is to ask for, in the order in which it was offered.
    pub fn operations(&self) -> Vec<OperationInfo> {
        let operations = self.inner.operations.lock();
        operations
            .iter()
            .map(|known| OperationInfo { name: known.name.clone(), help: known.help.clone() })
            .collect()
    }

    /// Does it, and answers with JSON.
    ///
    /// # Errors
    ///
    /// When there is none of this name, and what the operation says.
    pub async fn operate(&self, name: &str, words: Vec<String>) -> Result<String, OperationError> {
        let found = self.inner.operations.lock().iter().find(|known| known.name == name).cloned();
        match found {
            Some(operation) => (operation.run)(words).await,
            None => {
                let known: Vec<String> = self.operations().into_iter().map(|known| known.name).collect();
                let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
                Err(OperationError::Unknown { name: name.to_owned(), known })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn say(crew: &Crew) -> String {
        crew.operate("say", Vec::new()).await.unwrap()
    }

    #[tokio::test]
    async fn of_two_operations_with_one_name_the_later_counts() {
        let crew = Crew::builder("test", "1.0.0").build();
        crew.operation("say", "", |_| async { Ok("1".into()) });
        crew.operation("say", "", |_| async { Ok("2".into()) });
        assert_eq!((say(&crew).await.as_str(), crew.operations().len()), ("2", 1));
    }

    #[tokio::test]
    async fn an_unknown_operation_is_answered_with_those_that_there_are() {
        let crew = Crew::builder("test", "1.0.0").build();
        crew.operation("jobs", "the dead set", |_| async { Ok("[]".into()) });
        let error = crew.operate("job", Vec::new()).await.unwrap_err();
        assert_eq!(error.to_string(), "there is no operation `job`; there are: jobs");
    }
}
