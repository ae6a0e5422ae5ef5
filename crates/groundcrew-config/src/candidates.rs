//! Layers made of named texts (variables, key files, `--set`): which key each name means, and conflicts.

use std::path::Path;

use crate::keys::{ANY, Key, Keys, variable_segment};
use crate::value::{Data, Value};
use crate::{Origin, Problem, suggest};

/// One layer of named texts while it is collected.
pub(crate) struct Candidates<'k> {
    pub(crate) keys: &'k Keys,
    pub(crate) problems: Vec<Problem>,
    pub(crate) warnings: Vec<Problem>,
    /// Whether the later of two counts; otherwise they must say the same.
    pub(crate) later_wins: bool,
    found: Vec<Candidate>,
}

struct Candidate {
    path: Vec<String>,
    /// Which names of the path a variable filled in: it cannot say their case, nor `-`.
    filled: Vec<bool>,
    /// The variable's or file's name.
    name: String,
    text: String,
    origin: Origin,
}

/// What a name means.
pub(crate) enum Meaning<'k> {
    /// The value of these keys (an alias may serve several).
    Value(Vec<(Vec<String>, &'k Key)>),
    /// The file that holds the value of these keys.
    File(Vec<(Vec<String>, &'k Key)>),
    Nothing,
}

// === impl Keys ===

impl Keys {
    /// What a variable means: a prefixed name or an alias, either with `_FILE`.
    pub(crate) fn meaning(&self, name: &str) -> Meaning<'_> {
        let value = self.named(name);
        let file = name.strip_suffix("_FILE").map(|name| self.named(name)).unwrap_or_default();
        // A map of values takes any name: there `_FILE` says what the text is, and is no part of the name.
        let takes_any = |(_, key): &(Vec<String>, &Key)| key.path.last().is_some_and(|last| last == ANY);
        if !value.is_empty() && (file.is_empty() || !value.iter().all(takes_any)) {
            return Meaning::Value(value);
        }
        if file.is_empty() { Meaning::Nothing } else { Meaning::File(file) }
    }

    fn named(&self, name: &str) -> Vec<(Vec<String>, &Key)> {
        if let Some(rest) = self.prefix.as_deref().and_then(|prefix| name.strip_prefix(prefix)) {
            let segments: Vec<&str> = rest.split("__").collect();
            let named = |key: &'_ Key| key.path_of_variable(&segments);
            let key = self.all.iter().filter(|key| key.textual).find_map(|key| Some((named(key)?, key)));
            return key.into_iter().collect();
        }
        let textual = self.all.iter().filter(|key| key.textual);
        textual.filter_map(|key| Some((key.path_of_alias(name)?, key))).collect()
    }

    /// The variable that was probably meant by one that looks like an alias with a name in it.
    pub(crate) fn near_alias(&self, name: &str) -> Option<String> {
        let aliases = || self.all.iter().filter(|key| key.textual).flat_map(|key| key.aliases.iter());
        let filled = aliases().find_map(|alias| {
            let (front, _) = alias.split_once(ANY).filter(|(front, _)| !front.is_empty())?;
            name.strip_prefix(front)?.split('_').next()
        })?;
        let known: Vec<String> =
            aliases().filter(|alias| alias.contains(ANY)).map(|alias| alias.replace(ANY, filled)).collect();
        suggest::nearest(name, known.iter().map(String::as_str)).map(str::to_owned)
    }

    /// Words about a prefixed variable that means nothing.
    pub(crate) fn unknown_variable(&self, name: &str) -> String {
        let prefix = self.prefix.as_deref().unwrap_or_default();
        let rest = name.strip_prefix(prefix).unwrap_or(name);
        let segments: Vec<String> = rest.split("__").map(str::to_lowercase).collect();
        if self.is_section(&segments) {
            return format!("`{}` is a section: set one of its keys, as {name}__<KEY>", segments.join("."));
        }
        let variables: Vec<String> = self.all.iter().filter_map(|key| self.variable(key)).collect();
        let rests = variables.iter().filter_map(|variable| variable.strip_prefix(prefix));
        let (rest, file) = rest.strip_suffix("_FILE").map_or((rest, ""), |rest| (rest, "_FILE"));
        match suggest::nearest(rest, rests) {
            Some(near) => format!("unknown variable; did you mean {prefix}{near}{file}?"),
            None => format!("unknown variable; the prefix {prefix} is for the keys of this service"),
        }
    }
}

// === impl Candidates ===

impl<'k> Candidates<'k> {
    pub(crate) fn new(keys: &'k Keys) -> Self {
        Self { keys, problems: Vec::new(), warnings: Vec::new(), later_wins: false, found: Vec::new() }
    }

    pub(crate) fn problem(&mut self, key: &str, origin: Origin, message: impl Into<String>) {
        self.problems.push(Problem::new(key, Some(origin), message));
    }

    pub(crate) fn warning(&mut self, key: &str, origin: Origin, message: impl Into<String>) {
        self.warnings.push(Problem::new(key, Some(origin), message));
    }

    /// Takes a text for its keys. Empty text leaves optional keys unset.
    pub(crate) fn take(&mut self, keys: &[(Vec<String>, &Key)], name: &str, text: &str, origin: &Origin) {
        for (path, key) in keys {
            if text.is_empty() && key.optional {
                continue;
            }
            // `--set` and key files may have the key itself, as it is written.
            let exact = name.trim() == path.join(".");
            let filled = key.path.iter().map(|segment| segment == ANY && !exact).collect();
            let (path, name, text) = (path.clone(), name.to_owned(), text.to_owned());
            self.found.push(Candidate { path, filled, name, text, origin: origin.clone() });
        }
    }

    /// Takes the content of the file that `NAME_FILE` names; `by` is where it is named.
    pub(crate) fn take_file(&mut self, keys: &[(Vec<String>, &Key)], name: &str, path: &str, by: Origin) {
        if path.is_empty() {
            return;
        }
        let file = |by| Origin::NamedFile { by: Box::new(by), path: path.into() };
        match read_value(Path::new(path)) {
            Ok(text) => self.take(keys, name, &text, &file(by)),
            Err(message) if looks_like_a_path(path) => self.problem(&dotted(keys), file(by), message),
            Err(message) => {
                let plain = name.strip_suffix("_FILE").unwrap_or(name);
                let message = format!(
                    "{message}; its name is not shown, as it may be the value, which goes into {plain}"
                );
                self.problem(&dotted(keys), by, message);
            }
        }
    }

    /// What this layer says of a key at the root.
    pub(crate) fn value(&self, name: &str) -> Option<Value> {
        let mut found = self.found.iter().filter(|candidate| candidate.path == [name]);
        let candidate = if self.later_wins { found.next_back() } else { found.next() }?;
        Some(Value::untyped(candidate.text.clone(), candidate.origin.clone()))
    }

    /// The tree of the layer that is laid over `below`, and the conflicts in it: two names with different values for
    /// one key are a problem that names both.
    pub(crate) fn into_layer(self, below: &Value) -> (Value, Vec<Problem>) {
        let mut layer = Value::table(Origin::Default);
        let mut problems = Vec::new();
        let mut kept: Vec<Candidate> = Vec::new();
        for mut candidate in self.found {
            match candidate.path_over(below) {
                Ok(path) => candidate.path = path,
                Err(problem) => {
                    problems.push(problem);
                    continue;
                }
            }
            let other = kept.iter().find(|other| other.path == candidate.path).filter(|_| !self.later_wins);
            if let Some(other) = other {
                problems.extend(conflict(other, &candidate));
                continue;
            }
            let value = Value::untyped(candidate.text.clone(), candidate.origin.clone());
            set(&mut layer, &candidate.path, value);
            kept.push(candidate);
        }
        (layer, problems)
    }
}

// === impl Candidate ===

impl Candidate {
    /// The path with the names that a variable filled in as the layers below spell them. Two that fit are a problem.
    fn path_over(&self, below: &Value) -> Result<Vec<String>, Problem> {
        let mut here = Some(below);
        let mut path: Vec<String> = Vec::with_capacity(self.path.len());
        for (segment, filled) in self.path.iter().zip(&self.filled) {
            let known = here.filter(|_| *filled).map(|value| names_like(segment, value)).unwrap_or_default();
            let name = match known.as_slice() {
                [] => segment,
                [one] => *one,
                [one, other, ..] => {
                    let message = format!("fits `{one}` and `{other}`: use `--set`, or rename one");
                    path.push(segment.clone());
                    return Err(Problem::new(path.join("."), Some(self.origin.clone()), message));
                }
            };
            here = here.and_then(|value| value.child(name));
            path.push(name.clone());
        }
        Ok(path)
    }
}

/// The names in a table that are written alike in a variable.
fn names_like<'v>(segment: &str, value: &'v Value) -> Vec<&'v String> {
    let Data::Table(table) = &value.data else { return Vec::new() };
    table.keys().filter(|known| variable_segment(known) == variable_segment(segment)).collect()
}

/// Puts a value into a layer; an earlier one of the same layer becomes shadowed.
fn set(layer: &mut Value, path: &[String], value: Value) {
    let mut single = Value::table(Origin::Default);
    single.insert(path, value);
    layer.overlay(single);
}

fn conflict(one: &Candidate, other: &Candidate) -> Option<Problem> {
    let pair = |name: &str, file: &str| file.strip_suffix("_FILE") == Some(name);
    let message = if pair(&one.name, &other.name) || pair(&other.name, &one.name) {
        format!("{} and {} are both set: keep one", one.name, other.name)
    } else if one.text == other.text {
        return None;
    } else {
        format!("{} and {} are set to different values: keep one, or make them equal", one.name, other.name)
    };
    Some(Problem::new(one.path.join("."), Some(other.origin.clone()), message))
}

pub(crate) fn dotted(keys: &[(Vec<String>, &Key)]) -> String {
    keys.iter().map(|(path, _)| path.join(".")).collect::<Vec<_>>().join(", ")
}

/// Whether a file is named and not, by mistake, the value itself, which may be a secret: a password, a whole key.
fn looks_like_a_path(text: &str) -> bool {
    (text.starts_with('.') || Path::new(text).has_root()) && !text.contains(char::is_control)
}

/// The content of a file as a value: UTF-8, less one trailing newline.
pub(crate) fn read_value(path: &Path) -> Result<String, String> {
    let bytes = std::fs::read(path).map_err(|error| format!("cannot read the file: {error}"))?;
    let mut text = String::from_utf8(bytes).map_err(|_| "the file is not UTF-8 text".to_owned())?;
    if text.ends_with('\n') {
        text.pop();
        if text.ends_with('\r') {
            text.pop();
        }
    }
    Ok(text)
}
