//! TOML into a tree that keeps the line of every value.

use std::path::PathBuf;
use std::sync::Arc;

use toml::de::{DeInteger, DeTable, DeValue};

use crate::value::{Data, ScalarKind, Table, Value};
use crate::{Origin, Problem};

/// Parses a document. All syntax errors are reported, none of them with the text of the file.
pub(crate) fn parse(path: &Arc<PathBuf>, text: &str) -> Result<Value, Vec<Problem>> {
    let lines = Lines::new(path, text);
    let (document, mut errors) = DeTable::parse_recoverable(text);
    if errors.is_empty() {
        return Ok(lines.table(document.get_ref(), 0));
    }
    errors.sort_by_key(|error| error.span().map_or(0, |span| span.start));
    let problem = |error: &toml::de::Error| {
        let start = error.span().map_or(0, |span| span.start);
        let file = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        Problem::new(file, Some(lines.origin(start)), format!("not TOML: {}", error.message()))
    };
    Err(errors.iter().map(problem).collect())
}

/// Where the lines of a file begin.
struct Lines<'a> {
    path: &'a Arc<PathBuf>,
    starts: Vec<usize>,
}

impl<'a> Lines<'a> {
    fn new(path: &'a Arc<PathBuf>, text: &str) -> Self {
        let breaks = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at + 1);
        Self { path, starts: breaks.collect() }
    }

    fn origin(&self, offset: usize) -> Origin {
        let line = self.starts.partition_point(|start| *start <= offset) + 1;
        Origin::File { path: Arc::clone(self.path), line }
    }

    fn table(&self, table: &DeTable<'_>, offset: usize) -> Value {
        let entry = |key: &str, value: &DeValue<'_>, offset| (key.to_owned(), self.value(value, offset));
        let entries: Table = table
            .iter()
            .map(|(key, value)| entry(key.get_ref(), value.get_ref(), value.span().start))
            .collect();
        Value::new(Data::Table(entries), self.origin(offset))
    }

    fn value(&self, value: &DeValue<'_>, offset: usize) -> Value {
        let origin = self.origin(offset);
        let scalar = |text: String, kind| Value::scalar(text, kind, origin.clone());
        match value {
            DeValue::String(text) => scalar(text.to_string(), ScalarKind::Text),
            DeValue::Integer(number) => scalar(decimal(number), ScalarKind::Integer),
            DeValue::Float(number) => scalar(number.as_str().replace('_', ""), ScalarKind::Float),
            DeValue::Boolean(truth) => scalar(truth.to_string(), ScalarKind::Boolean),
            DeValue::Datetime(date) => scalar(date.to_string(), ScalarKind::Date),
            DeValue::Table(table) => self.table(table, offset),
            DeValue::Array(items) => {
                let items = items.iter().map(|item| self.value(item.get_ref(), item.span().start));
                Value::new(Data::List(items.collect()), origin)
            }
        }
    }
}

/// The number in base ten; as it stands when it is too large for any type of ours.
fn decimal(number: &DeInteger<'_>) -> String {
    let digits = number.as_str().replace('_', "");
    i128::from_str_radix(&digits, number.radix()).map_or(digits, |number| number.to_string())
}
