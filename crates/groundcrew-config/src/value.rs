//! The tree that every layer is read into, and how one layer is laid over another.

use std::collections::BTreeMap;

use crate::Origin;

/// A value with its origin and with what it covered. No `Debug`: it may hold secrets.
#[derive(Clone)]
pub(crate) struct Value {
    pub(crate) data: Data,
    pub(crate) origin: Origin,
    /// What lower layers said, nearest first.
    pub(crate) shadowed: Vec<Value>,
}

pub(crate) type Table = BTreeMap<String, Value>;

#[derive(Clone)]
pub(crate) enum Data {
    Scalar(Scalar),
    List(Vec<Value>),
    Table(Table),
}

/// A scalar as exact text, with the type that its source gave it.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Scalar {
    pub(crate) text: String,
    pub(crate) kind: ScalarKind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum ScalarKind {
    /// Text whose type nobody said: variables, key files, `--set`, plain YAML scalars, defaults.
    Untyped,
    /// A string in a file.
    Text,
    Integer,
    Float,
    Boolean,
    Date,
}

// === impl Value ===

impl Value {
    pub(crate) fn untyped(text: impl Into<String>, origin: Origin) -> Self {
        Self::scalar(text, ScalarKind::Untyped, origin)
    }

    pub(crate) fn scalar(text: impl Into<String>, kind: ScalarKind, origin: Origin) -> Self {
        Self::new(Data::Scalar(Scalar { text: text.into(), kind }), origin)
    }

    pub(crate) fn table(origin: Origin) -> Self {
        Self::new(Data::Table(Table::new()), origin)
    }

    pub(crate) fn new(data: Data, origin: Origin) -> Self {
        Self { data, origin, shadowed: Vec::new() }
    }

    /// Lays `upper` over this value: tables merge key by key, everything else is replaced and kept as shadowed.
    pub(crate) fn overlay(&mut self, upper: Self) {
        if let (Data::Table(below), Data::Table(_)) = (&mut self.data, &upper.data) {
            let Data::Table(above) = upper.data else { return };
            for (key, value) in above {
                match below.get_mut(&key) {
                    Some(old) => old.overlay(value),
                    None => drop(below.insert(key, value)),
                }
            }
            return;
        }
        let mut below = std::mem::replace(self, upper);
        let older = std::mem::take(&mut below.shadowed);
        self.shadowed.push(below);
        self.shadowed.extend(older);
    }

    /// Puts a value at a path, making the tables on the way.
    pub(crate) fn insert(&mut self, path: &[String], value: Self) {
        let Some((key, rest)) = path.split_first() else {
            self.overlay(value);
            return;
        };
        if !matches!(self.data, Data::Table(_)) {
            self.data = Data::Table(Table::new());
        }
        if let Data::Table(table) = &mut self.data {
            let origin = value.origin.clone();
            table.entry(key.clone()).or_insert_with(|| Self::table(origin)).place(rest, value);
        }
    }

    fn place(&mut self, path: &[String], value: Self) {
        if path.is_empty() {
            *self = value;
        } else {
            self.insert(path, value);
        }
    }

    pub(crate) fn child(&self, key: &str) -> Option<&Self> {
        match &self.data {
            Data::Table(table) => table.get(key),
            Data::Scalar(_) | Data::List(_) => None,
        }
    }

    /// The value at a dotted key such as `http.port`.
    pub(crate) fn at(&self, key: &str) -> Option<&Self> {
        key.split('.').try_fold(self, |value, segment| value.child(segment))
    }

    /// What the value is, for messages: never its content.
    pub(crate) fn kind(&self) -> &'static str {
        match &self.data {
            Data::Table(_) => "a table",
            Data::List(_) => "a list",
            Data::Scalar(scalar) => match scalar.kind {
                ScalarKind::Untyped => "text",
                ScalarKind::Text => "a string",
                ScalarKind::Integer => "a number",
                ScalarKind::Float => "a number with a fraction",
                ScalarKind::Boolean => "a boolean",
                ScalarKind::Date => "a date",
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(value: &Value) -> &str {
        match &value.data {
            Data::Scalar(scalar) => &scalar.text,
            Data::List(_) | Data::Table(_) => "not a scalar",
        }
    }

    fn tree(key: &str, value: &str, origin: Origin) -> Value {
        let path: Vec<String> = key.split('.').map(String::from).collect();
        let mut root = Value::table(Origin::Default);
        root.insert(&path, Value::untyped(value, origin));
        root
    }

    #[test]
    fn an_upper_layer_covers_a_scalar_and_keeps_it_as_shadowed() {
        let mut root = tree("http.port", "1", Origin::Default);
        root.overlay(tree("http.port", "2", Origin::Set));
        root.overlay(tree("http.port", "3", Origin::Variable { name: "PORT".into() }));
        let port = root.at("http.port").expect("set above");
        assert_eq!(text(port), "3");
        assert_eq!(port.shadowed.iter().map(text).collect::<Vec<_>>(), ["2", "1"]);
    }

    #[test]
    fn tables_of_two_layers_merge_key_by_key() {
        let mut root = tree("http.port", "1", Origin::Default);
        root.overlay(tree("http.host", "h", Origin::Set));
        assert_eq!(root.at("http.port").map(text), Some("1"));
        assert_eq!(root.at("http.host").map(text), Some("h"));
    }
}
