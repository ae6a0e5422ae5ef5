//! What a type expects of the configuration: the contract that checks, messages and the reference share.

use crate::{FromConfig, Node, Surroundings};

/// What a type expects: a single value, a list, a map or a section of named keys.
#[derive(Debug, Clone)]
pub struct Shape {
    pub(crate) kind: Kind,
    pub(crate) secret: bool,
    pub(crate) optional: bool,
    pub(crate) checks: Vec<fn(&Node<'_>)>,
}

#[derive(Debug, Clone)]
pub(crate) enum Kind {
    Leaf(Leaf),
    List(Box<Shape>),
    Map(Box<Shape>),
    Section { doc: &'static str, fields: Vec<Field> },
}

/// A single value.
#[derive(Debug, Clone)]
pub(crate) struct Leaf {
    /// What is expected, as the end of "is not …".
    pub(crate) expects: String,
    pub(crate) json: Json,
    /// The allowed values with their documentation; empty when it is not a choice.
    pub(crate) choices: Vec<(&'static str, &'static str)>,
    pub(crate) contextual: Option<Contextual>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Json {
    String,
    Integer,
    Number,
    Boolean,
}

/// A default that depends on where the service runs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Contextual {
    pub(crate) words: &'static str,
    pub(crate) value: fn(Surroundings) -> String,
}

/// One named key of a section.
#[derive(Debug, Clone)]
pub struct Field {
    pub(crate) name: &'static str,
    pub(crate) shape: Shape,
    pub(crate) doc: &'static str,
    pub(crate) aliases: Vec<&'static str>,
    pub(crate) default: Option<DefaultText>,
    pub(crate) unit: Option<&'static str>,
    pub(crate) range: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum DefaultText {
    Text(String),
    /// There is a default, which has no text: a secret or a whole section.
    Hidden,
}

// === impl Shape ===

impl Shape {
    fn leaf(expects: impl Into<String>, json: Json) -> Self {
        Self::new(Kind::Leaf(Leaf { expects: expects.into(), json, choices: Vec::new(), contextual: None }))
    }

    fn new(kind: Kind) -> Self {
        Self { kind, secret: false, optional: false, checks: Vec::new() }
    }

    /// The same keys, of which none is judged: for who reads some of the sections, and has no use for what is wrong
    /// with the others. What is [read](crate::Loaded::read) is judged all the same.
    pub fn unjudged(self) -> Self {
        Self { checks: Vec::new(), ..self }
    }

    /// A value that is written as text; `expects` ends the sentence "… is not" (`an IP address`).
    pub fn text(expects: impl Into<String>) -> Self {
        Self::leaf(expects, Json::String)
    }

    /// A whole number.
    pub fn integer(expects: impl Into<String>) -> Self {
        Self::leaf(expects, Json::Integer)
    }

    /// A number with a fraction.
    pub fn number(expects: impl Into<String>) -> Self {
        Self::leaf(expects, Json::Number)
    }

    /// `true` or `false`.
    pub fn boolean() -> Self {
        Self::leaf("`true` or `false`", Json::Boolean)
    }

    /// One of a few names, each with its documentation.
    pub fn choices(choices: impl IntoIterator<Item = (&'static str, &'static str)>) -> Self {
        let choices: Vec<_> = choices.into_iter().collect();
        let names: Vec<_> = choices.iter().map(|(name, _)| format!("`{name}`")).collect();
        let mut shape = Self::leaf(format!("one of {}", names.join(", ")), Json::String);
        if let Kind::Leaf(leaf) = &mut shape.kind {
            leaf.choices = choices;
        }
        shape
    }

    /// A list: an array in files, separated by commas in variables.
    pub fn list(item: Self) -> Self {
        Self::new(Kind::List(Box::new(item)))
    }

    /// A table with keys of the user's choice.
    pub fn map(value: Self) -> Self {
        Self::new(Kind::Map(Box::new(value)))
    }

    /// A section of named keys; `T` is the type that reads it.
    pub fn section<T: FromConfig>(doc: &'static str, fields: Vec<Field>) -> Self {
        let mut shape = Self::section_of(doc, fields);
        shape.checks.push(|node| drop(T::from_config(node)));
        shape
    }

    /// A section that no type reads.
    pub(crate) fn section_of(doc: &'static str, fields: Vec<Field>) -> Self {
        Self::new(Kind::Section { doc, fields })
    }

    /// Marks the value as secret: no output shows it.
    pub fn secret(mut self) -> Self {
        self.secret = true;
        self
    }

    /// Marks the value as one that may be left out.
    pub fn optional(mut self) -> Self {
        self.optional = true;
        self
    }

    /// Gives a single value a default that depends on where the service runs, with words for the reference.
    pub fn default_in(mut self, words: &'static str, value: fn(Surroundings) -> String) -> Self {
        if let Kind::Leaf(leaf) = &mut self.kind {
            leaf.contextual = Some(Contextual { words, value });
        }
        self
    }

    /// The shape of several sections that share one tree. Where two name the same key, both read it; its
    /// documentation, default and secrecy are those of the first, its aliases those of both.
    pub fn merge(shapes: &[Self]) -> Self {
        let mut merged = Self::new(Kind::Section { doc: "", fields: Vec::new() });
        for shape in shapes {
            merged.absorb(shape);
        }
        merged
    }

    fn absorb(&mut self, other: &Self) {
        self.checks.extend(&other.checks);
        self.secret |= other.secret;
        self.optional &= other.optional;
        let Kind::Section { fields: theirs, .. } = &other.kind else { return };
        let Kind::Section { fields: ours, .. } = &mut self.kind else { return };
        for field in theirs {
            match ours.iter_mut().find(|known| known.name == field.name) {
                Some(known) => known.absorb(field),
                None => ours.push(field.clone()),
            }
        }
    }

    /// Whether a section has a key of this name, such as another section.
    pub fn has(&self, name: &str) -> bool {
        self.fields().iter().any(|field| field.name == name)
    }

    /// What is expected, as the end of "is not …".
    pub(crate) fn expects(&self) -> String {
        match &self.kind {
            Kind::Leaf(leaf) => leaf.expects.clone(),
            Kind::List(item) => format!("a list; each item {}", item.expects()),
            Kind::Map(_) => "a table".into(),
            Kind::Section { fields, .. } => {
                let names: Vec<_> = fields.iter().map(|field| format!("`{}`", field.name)).collect();
                format!("a section with the keys {}", names.join(", "))
            }
        }
    }

    pub(crate) fn fields(&self) -> &[Field] {
        match &self.kind {
            Kind::Section { fields, .. } => fields,
            Kind::Leaf(_) | Kind::List(_) | Kind::Map(_) => &[],
        }
    }
}

// === impl Field ===

impl Field {
    /// A key of a section, as it is written in files.
    pub fn new(name: &'static str, shape: Shape) -> Self {
        Self { name, shape, doc: "", aliases: Vec::new(), default: None, unit: None, range: None }
    }

    /// What the key is for: the reference prints it.
    pub fn doc(mut self, doc: &'static str) -> Self {
        self.doc = doc;
        self
    }

    /// A plain variable that means the same key. Within a map, `*` stands for the name: letters and digits.
    pub fn alias(mut self, name: &'static str) -> Self {
        self.aliases.push(name);
        self
    }

    /// Marks the key as secret.
    pub fn secret(mut self) -> Self {
        self.shape = self.shape.secret();
        self
    }

    /// The unit of a bare number, for the reference.
    pub fn unit(mut self, unit: &'static str) -> Self {
        self.unit = Some(unit);
        self
    }

    /// The allowed range in words, for the reference.
    pub fn range(mut self, words: String) -> Self {
        self.range = Some(words);
        self
    }

    /// The default as text; nothing when there is one that cannot be written.
    pub fn default(mut self, text: Option<String>) -> Self {
        self.default = Some(text.map_or(DefaultText::Hidden, DefaultText::Text));
        self
    }

    /// Whether the key must be set by somebody.
    pub(crate) fn is_required(&self) -> bool {
        let contextual = matches!(&self.shape.kind, Kind::Leaf(Leaf { contextual: Some(_), .. }));
        let section = matches!(self.shape.kind, Kind::Section { .. });
        !self.shape.optional && self.default.is_none() && !contextual && !section
    }

    fn absorb(&mut self, other: &Self) {
        for alias in &other.aliases {
            if !self.aliases.contains(alias) {
                self.aliases.push(alias);
            }
        }
        self.shape.absorb(&other.shape);
    }
}
