//! The environment a service runs in, and what the machine around it is like.

use std::fmt;

use crate::{FromConfig, Node, Shape};

/// `development`, `testing`, `staging` or `production`.
///
/// It is resolved from `--set`, then from the variables `ENVIRONMENT` or `NODE_ENV`, then from the directory
/// with one file per key; never from a configuration file, since it decides which files are read. The default
/// is development.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Environment {
    /// A developer's machine: embedded defaults are welcome.
    #[default]
    Development,
    /// Automated tests.
    Testing,
    /// A rehearsal of production.
    Staging,
    /// The real thing: what is not chosen explicitly is refused.
    Production,
}

/// What the loader knows about the machine; some defaults depend on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Surroundings {
    /// The resolved environment.
    pub environment: Environment,
    /// Whether the service runs in a container.
    pub container: bool,
}

const ALL: [Environment; 4] =
    [Environment::Development, Environment::Testing, Environment::Staging, Environment::Production];

// === impl Environment ===

impl Environment {
    /// The name as it is written in variables and in `config.<environment>.toml`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Development => "development",
            Self::Testing => "testing",
            Self::Staging => "staging",
            Self::Production => "production",
        }
    }

    /// Whether what is not chosen explicitly must be refused.
    pub fn is_production(self) -> bool {
        self == Self::Production
    }
}

impl fmt::Display for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromConfig for Environment {
    fn shape() -> Shape {
        Shape::choices(ALL.map(|environment| (environment.name(), "")))
    }

    fn from_config(node: &Node<'_>) -> Option<Self> {
        node.choice(&ALL.map(Self::name)).map(|index| ALL[index])
    }

    fn to_text(&self) -> Option<String> {
        Some(self.name().into())
    }
}
