//! The layer of `--set key=value`.

use crate::candidates::Candidates;
use crate::keys::{Key, Keys};
use crate::{Origin, suggest};

/// Collects the settings of the command line; the later of two wins.
pub(crate) fn collect<'k>(keys: &'k Keys, settings: &[String]) -> Candidates<'k> {
    let mut candidates = Candidates::new(keys);
    for setting in settings {
        let Some((name, text)) = setting.split_once('=') else {
            candidates.problem(setting, Origin::Set, "expected `key=value`, as in `--set http.port=5000`");
            continue;
        };
        let path: Vec<String> = name.trim().split('.').map(String::from).collect();
        match keys.find(&path).filter(|key| key.textual) {
            Some(key) => candidates.take(&[(path, key)], name, text, &Origin::Set),
            None => candidates.problem(name, Origin::Set, unknown(keys, name.trim(), &path)),
        }
    }
    candidates
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
