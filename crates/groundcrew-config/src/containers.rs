//! Values that may be missing, lists and maps.

use std::collections::BTreeMap;

use crate::value::{Data, ScalarKind, Value};
use crate::{FromConfig, Node, Shape};

impl<T: FromConfig> FromConfig for Option<T> {
    fn shape() -> Shape {
        T::shape().optional()
    }

    fn from_config(node: &Node<'_>) -> Option<Self> {
        if node.is_present() { T::from_config(node).map(Some) } else { Some(None) }
    }

    fn to_text(&self) -> Option<String> {
        self.as_ref().and_then(FromConfig::to_text)
    }
}

impl<T: FromConfig> FromConfig for Vec<T> {
    fn shape() -> Shape {
        Shape::list(T::shape())
    }

    /// Arrays in files; elsewhere items separated by commas, without the spaces around them.
    fn from_config(node: &Node<'_>) -> Option<Self> {
        let split: Vec<Value>;
        let items = match node.data() {
            None => {
                node.missing();
                return None;
            }
            Some(Data::List(items)) => items,
            Some(Data::Scalar(scalar)) if scalar.kind == ScalarKind::Untyped => {
                let items = scalar.text.split(',').map(str::trim).filter(|item| !item.is_empty());
                split = items.map(|item| Value::untyped(item, node.origin())).collect();
                &split
            }
            Some(_) => {
                node.problem(format!("found {}, expected a list such as `[\"a\", \"b\"]`", node.found()));
                return None;
            }
        };
        // All items are read before the first bad one counts, so that all problems are reported.
        let values: Vec<Option<T>> =
            items.iter().enumerate().map(|(index, item)| T::from_config(&node.item(index, item))).collect();
        values.into_iter().collect()
    }

    fn to_text(&self) -> Option<String> {
        let items: Option<Vec<String>> = self.iter().map(FromConfig::to_text).collect();
        items.map(|items| items.join(","))
    }
}

impl<T: FromConfig> FromConfig for BTreeMap<String, T> {
    fn shape() -> Shape {
        Shape::map(T::shape())
    }

    fn from_config(node: &Node<'_>) -> Option<Self> {
        let table = match node.data() {
            None => {
                node.missing();
                return None;
            }
            Some(Data::Table(table)) => table,
            Some(_) => {
                node.problem(format!("found {}, expected a table", node.found()));
                return None;
            }
        };
        let entries: Vec<Option<(String, T)>> = table
            .iter()
            .map(|(name, value)| Some((name.clone(), T::from_config(&node.entry(name, value))?)))
            .collect();
        entries.into_iter().collect()
    }
}
