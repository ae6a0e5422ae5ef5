//! Keys in files that nobody reads, with what was probably meant.

use crate::keys::Keys;
use crate::shape::{Kind, Shape};
use crate::value::{Data, Table, Value};
use crate::{Problem, suggest};

/// Reports every key of a file that the shape does not know. Values are never shown.
pub(crate) fn check(value: &Value, shape: &Shape, keys: &Keys) -> Vec<Problem> {
    let mut search = Search { keys, problems: Vec::new() };
    match &value.data {
        Data::Table(_) => search.visit(value, shape, ""),
        Data::Scalar(_) | Data::List(_) => {
            let message = format!("found {}, expected sections and keys", value.kind());
            search.problems.push(Problem::new("config", Some(value.origin.clone()), message));
        }
    }
    search.problems
}

struct Search<'k> {
    keys: &'k Keys,
    problems: Vec<Problem>,
}

impl Search<'_> {
    fn visit(&mut self, value: &Value, shape: &Shape, path: &str) {
        match (&value.data, &shape.kind) {
            (Data::Table(table), Kind::Section { .. }) => self.section(table, shape, path),
            (Data::Table(table), Kind::Map(inner)) => {
                for (name, value) in table {
                    self.visit(value, inner, &join(path, name));
                }
            }
            (Data::List(items), Kind::List(inner)) => {
                for (index, item) in items.iter().enumerate() {
                    self.visit(item, inner, &format!("{path}[{index}]"));
                }
            }
            _ => {}
        }
    }

    fn section(&mut self, table: &Table, shape: &Shape, path: &str) {
        for (name, value) in table {
            let key = join(path, name);
            match shape.fields().iter().find(|field| field.name == name) {
                Some(_) if key == "environment" => self.report(
                    key,
                    value,
                    "not read from files, since it decides which files are read: set the variable ENVIRONMENT".into(),
                ),
                Some(field) => self.visit(value, &field.shape, &key),
                None => {
                    let words = self.words(name, shape, path);
                    self.report(key, value, words);
                }
            }
        }
    }

    fn report(&mut self, key: String, value: &Value, message: String) {
        self.problems.push(Problem::new(key, Some(value.origin.clone()), message));
    }

    fn words(&self, name: &str, shape: &Shape, path: &str) -> String {
        if let Some(near) = suggest::nearest(name, shape.fields().iter().map(|field| field.name)) {
            return format!("unknown key; did you mean `{}`?", join(path, near));
        }
        let elsewhere = |key: &&crate::keys::Key| {
            key.aliases.contains(&name) || key.path.last().is_some_and(|last| last == name)
        };
        if let Some(key) = self.keys.all.iter().find(elsewhere) {
            return format!("unknown key; did you mean `{}`?", key.dotted());
        }
        let known: Vec<_> = shape.fields().iter().map(|field| format!("`{}`", field.name)).collect();
        format!("unknown key; known here: {}", known.join(", "))
    }
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}
