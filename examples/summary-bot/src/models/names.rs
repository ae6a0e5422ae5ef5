//! The models that one may wish for, by their names.

use std::sync::Arc;

use super::catalogue::Known;

/// What the configuration calls each model, and what its server does. Clones share them.
#[derive(Debug, Clone, Default)]
pub(crate) struct ModelNames(Arc<[(Arc<str>, String)]>);

// === impl ModelNames ===

impl ModelNames {
    pub(super) fn of<'a>(known: impl Iterator<Item = &'a Known>) -> Self {
        Self(known.map(|known| (known.name.clone(), known.model.clone())).collect())
    }

    /// Whether there is one of this name.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(ours, theirs)| **ours == *name || theirs == name)
    }

    /// What a wish may be, in words.
    pub(crate) fn expected(&self) -> String {
        let names: Vec<&str> = self.0.iter().map(|(ours, _)| &**ours).collect();
        match names[..] {
            [] => "no language model is configured here: leave it out".to_owned(),
            _ => format!("expected one of {}", names.join(", ")),
        }
    }
}
