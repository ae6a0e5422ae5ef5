//! The one trait for values and sections alike.

use crate::keys::Keys;
use crate::node::Reader;
use crate::problem::Problems;
use crate::{Node, Shape, Surroundings};

/// A type that can be read from the configuration: a single value or a section of keys.
///
/// Derive it for structs (sections) and for enums without fields (choices). By hand it takes two functions:
///
/// ```
/// use groundcrew_config::{FromConfig, Node, Shape};
///
/// #[derive(Debug, PartialEq)]
/// struct Percent(u8);
///
/// impl FromConfig for Percent {
///     fn shape() -> Shape {
///         Shape::text("a percentage such as `80%`")
///     }
///
///     fn from_config(node: &Node<'_>) -> Option<Self> {
///         node.parse(|text| text.strip_suffix('%')?.parse().ok().filter(|p| *p <= 100).map(Percent))
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be read from the configuration",
    label = "not a type that configuration knows",
    note = "put `#[derive(FromConfig)]` on `{Self}`: a struct becomes a section, an enum without fields a choice",
    note = "values that are known: String, bool, numbers, Duration, ByteSize, PathBuf, SocketAddr, IpAddr, BindIp, \
            Environment, and Option, Vec, Secret, Sourced or BTreeMap<String, _> of a known type"
)]
pub trait FromConfig: Sized {
    /// What the type expects: its keys, their documentation, defaults and secrecy.
    fn shape() -> Shape;

    /// Reads the value, or reports to the node what is wrong and returns nothing.
    fn from_config(node: &Node<'_>) -> Option<Self>;

    /// The value as it would be written in a variable; nothing for sections and for secrets.
    fn to_text(&self) -> Option<String> {
        None
    }
}

/// The value of a type when nobody sets anything.
///
/// # Errors
///
/// Names every key that has no default.
///
/// ```
/// use groundcrew_config::FromConfig;
///
/// #[derive(FromConfig)]
/// struct Limits {
///     /// Requests per second.
///     #[config(default = 100)]
///     rate: u32,
/// }
///
/// let limits: Limits = groundcrew_config::defaults()?;
/// assert_eq!(limits.rate, 100);
/// # Ok::<(), groundcrew_config::Problems>(())
/// ```
pub fn defaults<T: FromConfig>() -> Result<T, Problems> {
    let keys = Keys::of(&T::shape(), None);
    let reader = Reader::new(&keys, Surroundings::default());
    let value = T::from_config(&Node::root(&reader, None));
    let problems = reader.into_problems();
    match value {
        Some(value) if problems.is_empty() => Ok(value),
        _ => Err(Problems::new(problems, Vec::new())),
    }
}
