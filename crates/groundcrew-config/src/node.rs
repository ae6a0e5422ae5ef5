//! One place in the tree while a type is read, and the list that collects what is wrong.

use std::cell::RefCell;

use crate::display::quoted;
use crate::keys::{ANY, Keys};
use crate::value::{Data, ScalarKind, Value};
use crate::{FromConfig, Origin, Problem, Surroundings, suggest};

/// One place in the configuration: a key with its value, or without one.
///
/// What is wrong is reported to the node, so that all problems come at once.
pub struct Node<'a> {
    reader: &'a Reader<'a>,
    value: Option<&'a Value>,
    /// With `*` for the keys of maps and the items of lists.
    path: Vec<String>,
    key: String,
    secret: bool,
}

pub(crate) struct Reader<'a> {
    keys: &'a Keys,
    surroundings: Surroundings,
    problems: RefCell<Vec<Problem>>,
}

// === impl Reader ===

impl<'a> Reader<'a> {
    pub(crate) fn new(keys: &'a Keys, surroundings: Surroundings) -> Self {
        Self { keys, surroundings, problems: RefCell::default() }
    }

    pub(crate) fn into_problems(self) -> Vec<Problem> {
        self.problems.into_inner()
    }
}

// === impl Node ===

impl<'a> Node<'a> {
    pub(crate) fn root(reader: &'a Reader<'a>, value: Option<&'a Value>) -> Self {
        Self { reader, value, path: Vec::new(), key: String::new(), secret: false }
    }

    pub(crate) fn child<'b>(&self, name: &str, value: Option<&'b Value>) -> Node<'b>
    where
        'a: 'b,
    {
        let key = if self.key.is_empty() { name.to_owned() } else { format!("{}.{name}", self.key) };
        self.below(name, key, value)
    }

    /// A key of a map: its name is the user's.
    pub(crate) fn entry<'b>(&self, name: &str, value: &'b Value) -> Node<'b>
    where
        'a: 'b,
    {
        self.below(ANY, format!("{}.{name}", self.key), Some(value))
    }

    pub(crate) fn item<'b>(&self, index: usize, value: &'b Value) -> Node<'b>
    where
        'a: 'b,
    {
        self.below(ANY, format!("{}[{index}]", self.key), Some(value))
    }

    fn below<'b>(&self, segment: &str, key: String, value: Option<&'b Value>) -> Node<'b>
    where
        'a: 'b,
    {
        let mut path = self.path.clone();
        path.push(segment.to_owned());
        let secret = self.secret || self.reader.keys.is_secret(&path);
        Node { reader: self.reader, value, path, key, secret }
    }

    /// The same place, whose value no message may show.
    pub(crate) fn as_secret(&self) -> Node<'a> {
        let (path, key) = (self.path.clone(), self.key.clone());
        Node { reader: self.reader, value: self.value, path, key, secret: true }
    }

    /// The key as people write it: `http.port`, `peers[2].url`.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// Whether any layer set a value here or below.
    pub fn is_present(&self) -> bool {
        self.value.is_some()
    }

    /// Where the value came from; the default when nobody set one.
    pub fn origin(&self) -> Origin {
        self.value.map_or(Origin::Default, |value| value.origin.clone())
    }

    /// What is known about the machine.
    pub fn surroundings(&self) -> Surroundings {
        self.reader.surroundings
    }

    /// Reports a problem. The message must not hold the value if it could be a secret.
    pub fn problem(&self, message: impl Into<String>) {
        let origin = self.value.map(|value| value.origin.clone());
        self.reader.problems.borrow_mut().push(Problem::new(self.key.clone(), origin, message));
    }

    /// Reports that the value is not what it should be; secrets are not shown.
    pub fn wrong_value(&self, expected: &str) {
        match self.value.map(|value| &value.data) {
            Some(Data::Scalar(scalar)) if !self.secret => {
                self.problem(format!("{} is not {expected}", quoted(&scalar.text)));
            }
            _ => self.problem(format!("the value (not shown) is not {expected}")),
        }
    }

    /// Reads a value that is written as text: `parse` returns nothing when the text is not right.
    pub fn parse<T: FromConfig>(&self, parse: impl FnOnce(&str) -> Option<T>) -> Option<T> {
        self.read(&[ScalarKind::Untyped, ScalarKind::Text], parse)
    }

    /// Reads one of a few names (in any case, `_` as `-`) and returns its index.
    pub fn choice(&self, names: &[&str]) -> Option<usize> {
        let expects = || {
            let names: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
            format!("one of {}", names.join(", "))
        };
        let text = self.scalar(&[ScalarKind::Untyped, ScalarKind::Text], expects)?;
        let plain = |name: &str| name.to_lowercase().replace('_', "-");
        let found = names.iter().position(|name| plain(name) == plain(text.trim()));
        if found.is_none() {
            match suggest::nearest(text, names.iter().copied()).filter(|_| !self.secret) {
                Some(near) => self.wrong_value(&format!("{}; did you mean `{near}`?", expects())),
                None => self.wrong_value(&expects()),
            }
        }
        found
    }

    pub(crate) fn read<T: FromConfig>(
        &self,
        kinds: &[ScalarKind],
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Option<T> {
        let value = parse(self.scalar(kinds, || T::shape().expects())?);
        if value.is_none() {
            self.wrong_value(&T::shape().expects());
        }
        value
    }

    /// The text of a scalar of one of the kinds, or a problem.
    fn scalar(&self, kinds: &[ScalarKind], expects: impl FnOnce() -> String) -> Option<&'a str> {
        let Some(value) = self.value else {
            self.missing();
            return None;
        };
        match &value.data {
            Data::Scalar(scalar) if kinds.contains(&scalar.kind) => return Some(&scalar.text),
            Data::Scalar(scalar) if scalar.kind == ScalarKind::Text => {
                self.problem(format!("found a string, expected {}, without quotes", expects()));
            }
            Data::Scalar(_) if kinds.contains(&ScalarKind::Text) => {
                self.problem(format!("found {}, expected {}, in quotes", value.kind(), expects()));
            }
            _ => self.problem(format!("found {}, expected {}", value.kind(), expects())),
        }
        None
    }

    pub(crate) fn missing(&self) {
        let keys = self.reader.keys;
        match keys.find(&self.path).filter(|_| keys.prefix.is_some()) {
            Some(key) => self.problem(format!("missing: {}", keys.ways_to_set(key))),
            None => self.problem("missing, and it has no default"),
        }
    }

    pub(crate) fn data(&self) -> Option<&'a Data> {
        self.value.map(|value| &value.data)
    }

    pub(crate) fn found(&self) -> &'static str {
        self.value.map_or("nothing", Value::kind)
    }
}
