#![doc = include_str!("../README.md")]

mod bind;
mod bytesize;
mod candidates;
mod containers;
mod directory;
mod display;
mod duration;
mod environment;
mod explain;
mod files;
mod keys;
mod leaf;
mod loaded;
mod loader;
mod node;
mod origin;
mod overrides;
mod problem;
mod reference;
mod schema;
mod secret;
mod section;
mod shape;
mod sourced;
mod suggest;
mod toml_file;
mod traits;
mod unknown;
mod value;
mod variables;
#[cfg(feature = "yaml")]
mod yaml_file;

pub use crate::bind::BindIp;
pub use crate::bytesize::ByteSize;
pub use crate::environment::{Environment, Surroundings};
pub use crate::explain::Explanation;
pub use crate::loaded::Loaded;
pub use crate::loader::Loader;
pub use crate::node::Node;
pub use crate::origin::Origin;
pub use crate::problem::{Problem, Problems};
pub use crate::reference::{Reference, reference};
pub use crate::secret::Secret;
pub use crate::section::Section;
pub use crate::shape::{Field, Shape};
pub use crate::sourced::Sourced;
pub use crate::traits::{FromConfig, defaults};
pub use groundcrew_config_derive::FromConfig;

#[doc(hidden)]
pub mod __private;
