use std::fmt;
use std::sync::Arc;

use groundcrew_runtime::Crew;
use groundcrew_telemetry::MetricsError;

use crate::cache::Cache;
use crate::{CacheConfig, SharedStore};

/// How a cache is made; begun by [`CacheConfig::named`].
pub struct Builder<T> {
    pub(crate) config: CacheConfig,
    pub(crate) name: &'static str,
    pub(crate) version: u32,
    pub(crate) absent: fn(&T) -> bool,
    pub(crate) store: Option<SharedStore>,
}

/// The cache could not be made.
#[derive(Debug, thiserror::Error)]
#[error("the metrics of the cache `{name}` cannot be registered; give each cache a name of its own")]
pub struct BuildError {
    name: &'static str,
    source: MetricsError,
}

// === impl CacheConfig ===

impl CacheConfig {
    /// Begins to make a cache. The name is a word from the source code: it stands in keys and metrics.
    pub fn named<T>(&self, name: &'static str) -> Builder<T> {
        Builder { config: self.clone(), name, version: 1, absent: |_| false, store: None }
    }
}

// === impl Builder ===

impl<T> Builder<T> {
    /// The version of what is cached, 1 by default. To be raised when a value means something else than before:
    /// old and new processes then do not read each other's values.
    pub fn version(mut self, version: u32) -> Self {
        self.version = version;
        self
    }

    /// Which values say that there is nothing, such as `Option::is_none`. They live for `negative_ttl`, and are
    /// not served stale.
    pub fn absent(mut self, absent: fn(&T) -> bool) -> Self {
        self.absent = absent;
        self
    }

    /// A store that processes share, if there is one. Without, the cache is this process's own.
    pub fn over(mut self, store: impl Into<Option<SharedStore>>) -> Self {
        self.store = store.into();
        self
    }

    /// The cache, named in the metrics.
    ///
    /// # Errors
    ///
    /// When another cache of the service has this name.
    pub fn build(self, crew: &Crew) -> Result<Cache<T>, BuildError>
    where
        T: Send + Sync + 'static,
    {
        let name = self.name;
        Cache::assemble(self, crew).map_err(|source| BuildError { name, source })
    }
}

impl<T> fmt::Debug for Builder<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("name", &self.name)
            .field("version", &self.version)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for dyn crate::CacheStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CacheStore")
    }
}

pub(crate) fn prefix<T>(builder: &Builder<T>, crew: &Crew) -> Arc<str> {
    format!("cache:{}:{}:v{}", crew.service(), builder.name, builder.version).into()
}
