//! Every key of a shape in one flat list, and the ways in which each can be named.

use crate::Shape;
use crate::shape::{DefaultText, Field, Kind, Leaf};

/// What stands for any key of a map and any item of a list.
pub(crate) const ANY: &str = "*";

/// All keys, and the prefix of their variables.
pub(crate) struct Keys {
    pub(crate) all: Vec<Key>,
    pub(crate) prefix: Option<String>,
}

/// One key that holds a value.
#[expect(clippy::struct_excessive_bools, reason = "independent facts, not states")]
#[derive(Clone)]
pub(crate) struct Key {
    pub(crate) path: Vec<String>,
    pub(crate) doc: &'static str,
    pub(crate) aliases: Vec<&'static str>,
    pub(crate) default: Option<DefaultText>,
    pub(crate) unit: Option<&'static str>,
    pub(crate) range: Option<String>,
    pub(crate) secret: bool,
    pub(crate) required: bool,
    /// May be left out, or lies in a section that may: an empty variable means unset.
    pub(crate) optional: bool,
    /// Can be written as one piece of text.
    pub(crate) textual: bool,
    pub(crate) leaf: Option<Leaf>,
    pub(crate) expects: String,
}

#[derive(Clone, Copy)]
struct Inherited {
    secret: bool,
    optional: bool,
    textual: bool,
}

// === impl Keys ===

impl Keys {
    pub(crate) fn of(shape: &Shape, prefix: Option<String>) -> Self {
        let mut keys = Self { all: Vec::new(), prefix };
        keys.walk(shape, &mut Vec::new(), Inherited { secret: shape.secret, optional: false, textual: true });
        keys
    }

    fn walk(&mut self, shape: &Shape, path: &mut Vec<String>, inherited: Inherited) {
        for field in shape.fields() {
            path.push(field.name.into());
            self.add(&field.shape, field, path, inherited);
            path.pop();
        }
    }

    fn add(&mut self, shape: &Shape, field: &Field, path: &mut Vec<String>, above: Inherited) {
        let here = Inherited {
            secret: above.secret || shape.secret || field.shape.secret,
            optional: above.optional || field.shape.optional,
            textual: above.textual,
        };
        match &shape.kind {
            Kind::Leaf(leaf) => self.push(Some(leaf), shape, field, path, here),
            Kind::List(item) => {
                let simple = matches!(item.kind, Kind::Leaf(_));
                let textual = here.textual && simple;
                let secret = here.secret || item.secret;
                self.push(None, shape, field, path, Inherited { secret, textual, ..here });
                if !simple {
                    path.push(ANY.into());
                    self.add(item, field, path, Inherited { textual: false, ..here });
                    path.pop();
                }
            }
            Kind::Map(value) => {
                path.push(ANY.into());
                self.add(value, field, path, here);
                path.pop();
            }
            Kind::Section { .. } => self.walk(shape, path, here),
        }
    }

    fn push(&mut self, leaf: Option<&Leaf>, shape: &Shape, field: &Field, path: &[String], here: Inherited) {
        let in_map = path.iter().any(|segment| segment == ANY);
        // With one name to fill in, an alias says where it stands.
        let names = path.iter().filter(|segment| *segment == ANY).count();
        let aliases = field.aliases.iter().copied();
        let aliases = aliases.filter(|alias| alias.matches(ANY).count() == names).collect();
        self.all.push(Key {
            path: path.to_vec(),
            doc: field.doc,
            aliases,
            default: field.default.clone().filter(|_| !in_map),
            unit: field.unit,
            range: field.range.clone(),
            secret: here.secret,
            required: field.is_required() && path.last().is_some_and(|name| name != ANY),
            optional: here.optional || !field.is_required(),
            textual: here.textual,
            leaf: leaf.cloned(),
            expects: shape.expects(),
        });
    }

    /// The key at a path, whose map keys may be real or `*`.
    pub(crate) fn find<S: AsRef<str>>(&self, path: &[S]) -> Option<&Key> {
        self.all.iter().find(|key| key.matches(path))
    }

    /// Whether something at or above the path is secret.
    pub(crate) fn is_secret<S: AsRef<str>>(&self, path: &[S]) -> bool {
        (1..=path.len()).any(|length| self.find(&path[..length]).is_some_and(|key| key.secret))
    }

    /// Whether keys lie below the path.
    pub(crate) fn is_section<S: AsRef<str>>(&self, path: &[S]) -> bool {
        self.all.iter().any(|key| key.path.len() > path.len() && key.begins_with(path))
    }

    /// The prefixed variable of a key.
    pub(crate) fn variable(&self, key: &Key) -> Option<String> {
        let prefix = self.prefix.as_ref()?;
        key.textual.then(|| {
            let segments: Vec<_> = key.path.iter().map(|segment| variable_segment(segment)).collect();
            format!("{prefix}{}", segments.join("__"))
        })
    }

    /// How a missing key can be set.
    pub(crate) fn ways_to_set(&self, key: &Key) -> String {
        let mut names = key.shown_aliases();
        names.extend(self.variable(key));
        let file = format!("`{}` in config.toml", key.dotted());
        if names.is_empty() {
            format!("set {file}")
        } else {
            format!("set {}, or {file}", names.join(" or "))
        }
    }
}

// === impl Key ===

impl Key {
    pub(crate) fn dotted(&self) -> String {
        self.path.join(".")
    }

    fn matches<S: AsRef<str>>(&self, path: &[S]) -> bool {
        self.path.len() == path.len() && self.begins_with(path)
    }

    fn begins_with<S: AsRef<str>>(&self, path: &[S]) -> bool {
        self.path.iter().zip(path).all(|(known, given)| known == ANY || known == given.as_ref())
    }

    /// The aliases as people read them.
    pub(crate) fn shown_aliases(&self) -> Vec<String> {
        self.aliases.iter().map(|alias| alias.replace(ANY, "<NAME>")).collect()
    }

    /// The key's path, if one of its aliases is meant: `GUILD_7_MODEL` by `GUILD_*_MODEL`.
    pub(crate) fn path_of_alias(&self, name: &str) -> Option<Vec<String>> {
        self.aliases.iter().find_map(|alias| match alias.split_once(ANY) {
            None => (*alias == name).then(|| self.path.clone()),
            Some((front, back)) => {
                let filled = name.strip_prefix(front)?.strip_suffix(back)?;
                // Without underscores, or one alias would swallow the words of another.
                let plain = !filled.is_empty() && filled.bytes().all(|byte| byte.is_ascii_alphanumeric());
                let fill = |segment: &String| {
                    if segment == ANY { filled.to_lowercase() } else { segment.clone() }
                };
                plain.then(|| self.path.iter().map(fill).collect())
            }
        })
    }

    /// Fills the key's path with the segments of a variable (any case, `-` as `_`), if they fit.
    pub(crate) fn path_of_variable(&self, segments: &[&str]) -> Option<Vec<String>> {
        if self.path.len() != segments.len() {
            return None;
        }
        let fits = |(known, given): (&String, &&str)| {
            if known == ANY {
                (!given.is_empty()).then(|| given.to_lowercase())
            } else {
                (variable_segment(known) == given.to_uppercase()).then(|| known.clone())
            }
        };
        self.path.iter().zip(segments).map(fits).collect()
    }
}

/// A segment as it is written in a variable.
pub(crate) fn variable_segment(segment: &str) -> String {
    if segment == ANY { "<NAME>".into() } else { segment.to_uppercase().replace('-', "_") }
}
