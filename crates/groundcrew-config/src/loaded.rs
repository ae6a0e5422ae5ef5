//! A configuration that has been read and checked.

use std::fmt;

use crate::explain::Explanation;
use crate::keys::Keys;
use crate::node::{Node, Reader};
use crate::value::{Data, Value};
use crate::{Environment, FromConfig, Origin, Problem, Problems, Surroundings};

/// A configuration that has been read, merged and checked; types are read out of it.
pub struct Loaded {
    tree: Value,
    keys: Keys,
    surroundings: Surroundings,
    warnings: Vec<Problem>,
}

// === impl Loaded ===

impl Loaded {
    pub(crate) fn new(tree: Value, keys: Keys, surroundings: Surroundings, warnings: Vec<Problem>) -> Self {
        Self { tree, keys, surroundings, warnings }
    }

    /// Reads a type: it takes its own keys from the one tree, so that several types can share it.
    ///
    /// # Errors
    ///
    /// None if the type's shape was among those that were loaded; otherwise what is wrong with its keys.
    pub fn read<T: FromConfig>(&self) -> Result<T, Problems> {
        let keys = Keys::of(&T::shape(), self.keys.prefix.clone());
        let reader = Reader::new(&keys, self.surroundings);
        let value = T::from_config(&Node::root(&reader, Some(&self.tree)));
        let problems = reader.into_problems();
        match value {
            Some(value) if problems.is_empty() => Ok(value),
            _ => Err(Problems::new(problems, self.warnings.clone())),
        }
    }

    /// Where the service runs.
    pub fn environment(&self) -> Environment {
        self.surroundings.environment
    }

    /// What defaults may depend on.
    pub fn surroundings(&self) -> Surroundings {
        self.surroundings
    }

    /// What was noticed and is not wrong: ignored files and variables. Worth a log line each.
    pub fn warnings(&self) -> &[Problem] {
        &self.warnings
    }

    /// Who set a key such as `database.url`, or any key of a section; nothing when nobody did.
    pub fn origin(&self, key: &str) -> Option<Origin> {
        first_origin(self.tree.at(key)?)
    }

    /// Every value with its origin and what it shadowed; secrets masked.
    pub fn explain(&self) -> Explanation {
        Explanation::of(&self.tree, &self.keys, self.surroundings)
    }
}

fn first_origin(value: &Value) -> Option<Origin> {
    match &value.data {
        Data::Table(table) if !table.is_empty() => table.values().find_map(first_origin),
        _ => Some(value.origin.clone()).filter(|origin| !origin.is_default()),
    }
}

impl fmt::Debug for Loaded {
    /// The environment only: the tree holds secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Loaded").field("surroundings", &self.surroundings).finish_non_exhaustive()
    }
}
