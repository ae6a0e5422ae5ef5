use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

/// Why there is no value. It never is because of the shared store. All callers who waited for one load get the
/// same.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// The load failed.
    #[error("cannot load a value of the cache `{cache}`")]
    Failed {
        /// The cache's name.
        cache: Arc<str>,
        /// What the load said.
        source: Arc<dyn Error + Send + Sync>,
    },
    /// The load panicked. The next caller loads again.
    #[error("the load of a value of the cache `{cache}` panicked: {message}")]
    Panicked {
        /// The cache's name.
        cache: Arc<str>,
        /// The panic's message.
        message: String,
    },
    /// The load takes too long, or longer than the caller's deadline; in the latter case it goes on.
    #[error(
        "no value of the cache `{cache}` within {within:?}: the smaller of cache.load_timeout and the request's deadline"
    )]
    TimedOut {
        /// The cache's name.
        cache: Arc<str>,
        /// How long it was waited.
        within: Duration,
    },
    /// The load was given up, since the process ends.
    #[error("the load of a value of the cache `{cache}` was given up: the process ends")]
    Stopped {
        /// The cache's name.
        cache: Arc<str>,
    },
    /// The arguments cannot be made into a key.
    #[error(transparent)]
    Key(#[from] KeyError),
}

/// The arguments cannot be written as JSON, as a map whose keys are no texts.
#[derive(Debug, Clone, thiserror::Error)]
#[error("the arguments cannot be made into a key of the cache `{cache}`")]
pub struct KeyError {
    /// The cache's name.
    pub(crate) cache: Arc<str>,
    /// What the serializer said.
    pub(crate) source: Arc<serde_json::Error>,
}

/// Why a value was not removed everywhere.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RemoveError {
    /// The arguments cannot be made into a key.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// It is gone from this process, but the shared store could not be told.
    #[error("the value is gone from this process, but not from the shared store of the cache `{cache}`")]
    Store {
        /// The cache's name.
        cache: Arc<str>,
        /// What the store said.
        source: crate::StoreError,
    },
}

// === impl LoadError ===

impl LoadError {
    /// The error of the load, if it is one of this type.
    ///
    /// ```
    /// # use groundcrew_cache::LoadError;
    /// fn is_missing(error: &LoadError) -> bool {
    ///     error.downcast_ref::<std::io::Error>().is_some_and(|e| e.kind() == std::io::ErrorKind::NotFound)
    /// }
    /// ```
    pub fn downcast_ref<E: Error + 'static>(&self) -> Option<&E> {
        match self {
            Self::Failed { source, .. } => source.downcast_ref(),
            _ => None,
        }
    }
}
