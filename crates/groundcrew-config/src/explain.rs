//! `explain-config`: every value, its origin, and what it shadowed.

use std::fmt;

use serde_json::json;

use crate::display::{REDACTED, shown, text};
use crate::keys::{ANY, Key, Keys};
use crate::shape::DefaultText;
use crate::value::{Data, Value};
use crate::{Origin, Surroundings};

/// Every value with its origin and what it shadowed; secrets are masked.
///
/// `Display` is a table for people, [`Explanation::to_json`] is for pipes.
#[derive(Debug, Clone)]
pub struct Explanation {
    rows: Vec<Row>,
}

#[derive(Debug, Clone)]
struct Row {
    key: String,
    value: Option<String>,
    origin: Origin,
    shadowed: Vec<(String, Origin)>,
    secret: bool,
}

// === impl Explanation ===

impl Explanation {
    pub(crate) fn of(tree: &Value, keys: &Keys, surroundings: Surroundings) -> Self {
        let mut rows = Vec::new();
        for key in &keys.all {
            match key.path.iter().position(|segment| segment == ANY) {
                None => rows.push(row(key, key.dotted(), tree.at(&key.dotted()), surroundings)),
                Some(_) => expand(tree, key, &mut Vec::new(), &mut |path, value| {
                    // The explicit key has a row of its own.
                    if keys.find(path).is_some_and(|found| found.path == key.path) {
                        rows.push(row(key, path.join("."), Some(value), surroundings));
                    }
                }),
            }
        }
        rows.sort_by(|one, other| one.key.cmp(&other.key));
        Self { rows }
    }

    /// A JSON array of objects: `key`, `value` (text or null), `origin`, `secret`, and `shadowed` with `value`
    /// and `origin` of each, nearest layer first.
    pub fn to_json(&self) -> String {
        let rows: Vec<_> = self.rows.iter().map(Row::json).collect();
        format!("{:#}", serde_json::Value::Array(rows))
    }
}

fn expand<'v>(
    value: &'v Value,
    key: &Key,
    path: &mut Vec<String>,
    found: &mut impl FnMut(&[String], &'v Value),
) {
    let Some(segment) = key.path.get(path.len()) else {
        found(path, value);
        return;
    };
    let Data::Table(table) = &value.data else { return };
    for (name, child) in table.iter().filter(|(name, _)| segment == ANY || *name == segment) {
        path.push(name.clone());
        expand(child, key, path, found);
        path.pop();
    }
}

fn row(key: &Key, name: String, value: Option<&Value>, surroundings: Surroundings) -> Row {
    let secret = key.secret;
    let Some(value) = value else {
        let value = default_text(key, surroundings);
        return Row { key: name, value, origin: Origin::Default, shadowed: Vec::new(), secret };
    };
    let shadowed = value.shadowed.iter().filter(|older| !older.origin.is_default());
    Row {
        key: name,
        value: Some(shown(value, secret)),
        origin: value.origin.clone(),
        shadowed: shadowed.map(|older| (shown(older, secret), older.origin.clone())).collect(),
        secret,
    }
}

fn default_text(key: &Key, surroundings: Surroundings) -> Option<String> {
    match &key.default {
        Some(_) if key.secret => Some(REDACTED.into()),
        Some(DefaultText::Text(default)) if key.leaf.is_none() => Some(format!("[{default}]")),
        Some(DefaultText::Text(default)) => Some(text(default)),
        Some(DefaultText::Hidden) => Some("(built in)".into()),
        None => key.leaf.as_ref()?.contextual.map(|contextual| (contextual.value)(surroundings)),
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let keys = self.rows.iter().map(|row| row.key.chars().count()).max().unwrap_or(0).max(3);
        let values = self.rows.iter().map(|row| row.shown().chars().count()).max().unwrap_or(0).clamp(5, 48);
        writeln!(f, "{:keys$}  {:values$}  ORIGIN", "KEY", "VALUE")?;
        for row in &self.rows {
            writeln!(f, "{:keys$}  {:values$}  {}", row.key, row.shown(), row.origin)?;
            for (value, origin) in &row.shadowed {
                writeln!(f, "{:keys$}  {:values$}  {origin}", "", format!("  over {value}"))?;
            }
        }
        Ok(())
    }
}

// === impl Row ===

impl Row {
    fn shown(&self) -> &str {
        self.value.as_deref().unwrap_or("(unset)")
    }

    fn json(&self) -> serde_json::Value {
        let shadowed: Vec<_> = self
            .shadowed
            .iter()
            .map(|(value, origin)| json!({"value": value, "origin": origin.to_string()}))
            .collect();
        json!({
            "key": self.key,
            "value": self.value,
            "origin": self.origin.to_string(),
            "secret": self.secret,
            "shadowed": shadowed,
        })
    }
}
