//! The layer of `--set key=value`.

use crate::candidates::Candidates;
use crate::keys::{Key, Keys};
use crate::{Origin, suggest};

const NOT_A_PAIR: &str = "expected `key=value`, as in `--set http.port=5000`";

/// Collects the settings of the command line; the later of two wins.
pub(crate) fn collect<'k>(keys: &'k Keys, settings: &[String]) -> Candidates<'k> {
    let mut candidates = Candidates::new(keys);
    candidates.later_wins = true;
    for (at, setting) in settings.iter().enumerate() {
        let Some((name, text)) = setting.split_once('=') else {
            candidates.problem(&shown(keys, setting, at), Origin::Set, NOT_A_PAIR);
            continue;
        };
        let path: Vec<String> = name.trim().split('.').map(String::from).collect();
        match keys.find(&path).filter(|key| key.textual) {
            Some(key) => candidates.take(&[(path, key)], name, text, &Origin::Set),
            None if name.trim().chars().all(in_a_name) => {
                candidates.problem(name, Origin::Set, unknown(keys, name.trim(), &path));
            }
            // The `=` may be the end of a value in base64.
            None => candidates.problem(&shown(keys, setting, at), Origin::Set, NOT_A_PAIR),
        }
    }
    candidates
}

/// What can be said of a setting that does not read as one: the known names that it begins with, or which one it is.
/// The rest may be a secret.
fn shown(keys: &Keys, setting: &str, at: usize) -> String {
    let front = setting.trim_start();
    let front = &front[..front.find(|c: char| !in_a_name(c)).unwrap_or(front.len())];
    let names: Vec<&str> = front.split('.').collect();
    let known = |length: &usize| keys.all.iter().any(|key| begins_with(key, &names[..*length]));
    let known = (1..=names.len()).rev().find(known);
    known.map_or_else(|| format!("setting {}", at + 1), |length| names[..length].join("."))
}

/// Whether these are the first names of the key; what stands for any name is none.
fn begins_with(key: &Key, names: &[&str]) -> bool {
    key.path.len() >= names.len() && key.path.iter().zip(names).all(|(known, name)| known == name)
}

fn in_a_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || "._-".contains(c)
}

fn unknown(keys: &Keys, name: &str, path: &[String]) -> String {
    if keys.is_section(path) {
        return format!("`{name}` is a section: set one of its keys, as `{name}.<key>`");
    }
    if let Some(key) = keys.all.iter().find(|key| key.aliases.contains(&name)) {
        return format!("{name} is a variable; its key is `{}`", key.dotted());
    }
    if keys.find(path).is_some() {
        return "holds sections and can be set in files only".into();
    }
    let dotted: Vec<String> = keys.all.iter().map(Key::dotted).collect();
    match suggest::nearest(name, dotted.iter().map(String::as_str)) {
        Some(near) => format!("unknown key; did you mean `{near}`?"),
        None => "unknown key; `config-reference` lists the keys".into(),
    }
}
