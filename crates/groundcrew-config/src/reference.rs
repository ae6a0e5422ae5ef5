//! The reference of a service's configuration, from the types themselves.

use std::fmt::Write as _;

use crate::keys::{Key, Keys};
use crate::loader::{prefix, reserved};
use crate::schema;
use crate::shape::{DefaultText, Field, Json, Kind, Shape};

/// The reference of a service's configuration: sample file, table of variables, JSON Schema.
///
/// It depends on the types only, so that a committed copy can be compared.
#[derive(Debug, Clone)]
pub struct Reference {
    shape: Shape,
    service: String,
}

/// The reference for a shape and the service whose name prefixes the variables.
///
/// ```
/// use groundcrew_config::{FromConfig, reference};
///
/// #[derive(FromConfig)]
/// struct Config {
///     /// How many workers run.
///     #[config(default = 4)]
///     workers: usize,
/// }
///
/// let sample = reference(&Config::shape(), "summary-bot").toml();
/// assert!(sample.contains("## How many workers run.\n## SUMMARY_BOT__WORKERS\n# workers = 4\n"));
/// ```
pub fn reference(shape: &Shape, service: &str) -> Reference {
    Reference { shape: shape.clone(), service: service.to_owned() }
}

// === impl Reference ===

impl Reference {
    fn keys(&self) -> Keys {
        Keys::of(&Shape::merge(&[reserved(), self.shape.clone()]), Some(prefix(&self.service)))
    }

    /// A sample `config.toml`: words behind `##`, keys with their defaults behind `#`, so that the sample as it
    /// stands changes nothing.
    pub fn toml(&self) -> String {
        let mut sample = Sample { text: String::new(), keys: self.keys() };
        let _ = writeln!(sample.text, "## Configuration of {}: every key with its default.", self.service);
        sample.section(&self.shape, &mut Vec::new());
        sample.text
    }

    /// A Markdown table of every variable: its name, its aliases, the key, type, default and meaning.
    pub fn markdown(&self) -> String {
        let keys = self.keys();
        let mut table = String::from(
            "| variable | also | key | value | default | meaning |\n|---|---|---|---|---|---|\n",
        );
        for key in keys.all.iter().filter(|key| key.textual) {
            let variable = keys.variable(key).unwrap_or_default();
            let also: Vec<_> = key.shown_aliases().iter().map(|alias| format!("`{alias}`")).collect();
            let cells = [
                format!("`{variable}`"),
                also.join(", "),
                format!("`{}`", key.dotted()),
                values(key),
                default_words(key),
                key.doc.replace('\n', " "),
            ];
            let cells = cells.map(|cell| cell.replace('|', "\\|"));
            let _ = writeln!(table, "| {} |", cells.join(" | "));
        }
        table
    }

    /// A JSON Schema (draft 2020-12) of the configuration files.
    pub fn json_schema(&self) -> String {
        format!("{:#}\n", schema::document(&self.shape, &self.service))
    }
}

/// What is expected, with unit, range and secrecy.
fn values(key: &Key) -> String {
    let integer = key.leaf.as_ref().is_some_and(|leaf| leaf.json == Json::Integer);
    let mut words =
        if integer && key.range.is_some() { "a whole number".into() } else { key.expects.clone() };
    if let Some(unit) = key.unit {
        let _ = write!(words, " ({unit})");
    }
    if let Some(range) = &key.range {
        let _ = write!(words, ", {range}");
    }
    if key.secret {
        words.push_str(", secret");
    }
    words
}

fn default_words(key: &Key) -> String {
    match &key.default {
        Some(DefaultText::Text(_)) if key.secret => "built in".into(),
        Some(DefaultText::Text(text)) if text.is_empty() => "empty".into(),
        Some(DefaultText::Text(text)) => format!("`{text}`"),
        Some(DefaultText::Hidden) => "built in".into(),
        None => match key.leaf.as_ref().and_then(|leaf| leaf.contextual) {
            Some(contextual) => contextual.words.into(),
            None if key.required => "**required**".into(),
            None => "unset".into(),
        },
    }
}

// === the sample ===

struct Sample {
    text: String,
    keys: Keys,
}

impl Sample {
    /// Values before tables: a key after a table's header would belong to that table.
    fn section(&mut self, shape: &Shape, path: &mut Vec<String>) {
        let in_files = |field: &&Field| !(path.is_empty() && field.name == "environment");
        let (values, tables): (Vec<&Field>, Vec<&Field>) =
            shape.fields().iter().filter(in_files).partition(|field| is_value(&field.shape));
        for field in values {
            path.push(field.name.into());
            self.value(field, path);
            path.pop();
        }
        for field in tables {
            path.push(field.name.into());
            self.table(field, &field.shape, path);
            path.pop();
        }
    }

    fn value(&mut self, field: &Field, path: &[String]) {
        let Some(key) = self.keys.find(path).cloned() else { return };
        let mut names = key.shown_aliases();
        names.extend(self.keys.variable(&key));
        self.text.push('\n');
        self.comment(field.doc);
        self.comment(&names.join(", "));
        for (name, doc) in key.leaf.iter().flat_map(|leaf| &leaf.choices) {
            let gap = if doc.is_empty() { "" } else { ": " };
            self.comment(&format!("- {name}{gap}{doc}"));
        }
        if let Some(literal) = default_literal(&key) {
            self.line(&format!("# {} = {literal}", field.name));
        } else {
            let default = default_words(&key).replace("**", "");
            self.comment(&format!("{} = … ({}; {default})", field.name, values(&key)));
        }
    }

    fn table(&mut self, field: &Field, shape: &Shape, path: &mut Vec<String>) {
        let (header, inner) = match &shape.kind {
            Kind::List(item) => (format!("[[{}]]", path.join(".")), &**item),
            Kind::Map(value) => {
                path.push("<name>".into());
                (format!("[{}]", path.join(".")), &**value)
            }
            Kind::Leaf(_) | Kind::Section { .. } => (format!("[{}]", path.join(".")), shape),
        };
        self.text.push('\n');
        let doc = match &shape.kind {
            Kind::Section { doc, .. } if field.doc.is_empty() => doc,
            _ => field.doc,
        };
        self.comment(doc);
        if let Kind::Leaf(leaf) = &inner.kind {
            // A map of values: a line for each name.
            path.pop();
            self.line(&format!("# [{}]", path.join(".")));
            self.comment(&format!("<name> = … ({})", leaf.expects));
            return;
        }
        self.line(&format!("# {header}"));
        self.section(inner, &mut pattern(path));
        if matches!(shape.kind, Kind::Map(_)) {
            path.pop();
        }
    }

    fn comment(&mut self, text: &str) {
        text.lines().for_each(|line| self.line(&format!("## {line}")));
    }

    fn line(&mut self, line: &str) {
        let _ = writeln!(self.text, "{}", line.trim_end());
    }
}

fn pattern(path: &[String]) -> Vec<String> {
    path.iter().map(|segment| if segment == "<name>" { "*".into() } else { segment.clone() }).collect()
}

fn is_value(shape: &Shape) -> bool {
    match &shape.kind {
        Kind::Leaf(_) => true,
        Kind::List(item) => is_value(item),
        Kind::Map(_) | Kind::Section { .. } => false,
    }
}

/// The default as TOML.
fn default_literal(key: &Key) -> Option<String> {
    let Some(DefaultText::Text(text)) = key.default.as_ref().filter(|_| !key.secret) else { return None };
    let json = key.leaf.as_ref().map(|leaf| leaf.json);
    Some(match json {
        Some(Json::String) => toml_string(text),
        Some(Json::Integer | Json::Number | Json::Boolean) => text.clone(),
        None => {
            let items: Vec<_> = text.split(',').filter(|item| !item.is_empty()).map(toml_string).collect();
            format!("[{}]", items.join(", "))
        }
    })
}

fn toml_string(text: &str) -> String {
    // What JSON escapes, TOML reads alike.
    serde_json::Value::from(text).to_string()
}
