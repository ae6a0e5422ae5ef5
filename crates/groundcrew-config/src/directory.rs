//! The layer of a directory with one file per key, such as a mounted `ConfigMap` or `Secret`.

use std::fs;
use std::path::{Path, PathBuf};

use crate::candidates::{Candidates, Meaning, dotted, read_value};
use crate::keys::{Key, Keys};
use crate::{Origin, suggest};

/// Collects the files of a directory that mean a key; `config.*` and `..*` are not looked at.
pub(crate) fn collect<'k>(keys: &'k Keys, directory: &Path) -> Candidates<'k> {
    let mut candidates = Candidates::new(keys);
    match files_of(directory) {
        Ok(files) => files.iter().for_each(|path| file(&mut candidates, path)),
        Err(error) => {
            let origin = Origin::KeyFile { path: directory.to_owned() };
            candidates.problem("config", origin, format!("cannot list the directory: {error}"));
        }
    }
    candidates
}

/// The files in order of their names. Links are followed: Kubernetes links each key into `..data`. What cannot be
/// looked at, such as a link to nowhere, is among them: reading it says why.
fn files_of(directory: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let may_be_a_file = || fs::metadata(&path).ok().is_none_or(|found| found.is_file());
        if !name.starts_with("config.") && !name.starts_with("..") && may_be_a_file() {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

fn file(candidates: &mut Candidates<'_>, path: &Path) {
    let origin = Origin::KeyFile { path: path.to_owned() };
    let keys = candidates.keys;
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let (targets, names_a_file) = match keys.meaning(&name) {
        Meaning::Value(targets) => (targets, false),
        Meaning::File(targets) => (targets, true),
        Meaning::Nothing => (by_dotted_key(keys, &name), false),
    };
    if targets.is_empty() {
        candidates.warning(&name, origin, unknown(keys, &name));
        return;
    }
    match read_value(path) {
        Ok(text) if names_a_file => candidates.take_file(&targets, &name, &text, origin),
        Ok(text) => candidates.take(&targets, &name, &text, &origin),
        Err(message) => candidates.problem(&dotted(&targets), origin, message),
    }
}

/// A file may also bear the key itself: `http.port`.
fn by_dotted_key<'k>(keys: &'k Keys, name: &str) -> Vec<(Vec<String>, &'k Key)> {
    let path: Vec<String> = name.split('.').map(String::from).collect();
    let key = keys.find(&path).filter(|key| key.textual);
    key.map(|key| (path, key)).into_iter().collect()
}

fn unknown(keys: &Keys, name: &str) -> String {
    let mut names: Vec<String> =
        keys.all.iter().flat_map(|key| key.aliases.iter()).map(ToString::to_string).collect();
    names.extend(keys.all.iter().filter_map(|key| keys.variable(key)));
    names.extend(keys.all.iter().map(Key::dotted));
    match suggest::nearest(name, names.iter().map(String::as_str)) {
        Some(near) => format!("ignored: no key of this service; did you mean {near}?"),
        None => "ignored: no key of this service".into(),
    }
}
