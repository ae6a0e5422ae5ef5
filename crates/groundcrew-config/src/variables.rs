//! The layer of environment variables.

use std::ffi::{OsStr, OsString};

use crate::Origin;
use crate::candidates::{Candidates, Meaning, dotted};
use crate::keys::{Key, Keys};
use crate::shape::Json;

/// Collects every variable that means a key, and the prefixed ones that mean none.
pub(crate) fn collect<'k>(keys: &'k Keys, variables: &[(OsString, OsString)]) -> Candidates<'k> {
    let mut candidates = Candidates::new(keys);
    for (name, value) in variables {
        match name.to_str() {
            Some(name) => variable(&mut candidates, name, value),
            None => unreadable_name(&mut candidates, name),
        }
    }
    candidates
}

fn variable(candidates: &mut Candidates<'_>, name: &str, value: &OsStr) {
    let origin = Origin::Variable { name: name.to_owned() };
    let keys = candidates.keys;
    let (targets, file) = match keys.meaning(name) {
        Meaning::Value(targets) => (targets, false),
        Meaning::File(targets) => (targets, true),
        Meaning::Nothing => return nothing(candidates, name, value, origin),
    };
    let Some(text) = value.to_str() else {
        candidates.problem(&dotted(&targets), origin, "the variable is not UTF-8 text");
        return;
    };
    if file {
        candidates.take_file(&targets, name, text, origin);
    } else if is_service_link(name, text, &targets) {
        candidates.warning(
            &dotted(&targets),
            origin,
            "ignored: Kubernetes set it for a service of that name; `enableServiceLinks: false` turns that off",
        );
    } else {
        candidates.take(&targets, name, text, &origin);
    }
}

fn nothing(candidates: &mut Candidates<'_>, name: &str, value: &OsStr, origin: Origin) {
    let keys = candidates.keys;
    let Some(prefix) = keys.prefix.as_deref() else { return };
    if name.starts_with(prefix) {
        candidates.problem(name, origin, keys.unknown_variable(name));
        return;
    }
    if let Some(meant) = keys.near_alias(name) {
        candidates.warning(name, origin, format!("ignored; did you mean {meant}?"));
        return;
    }
    // `SUMMARY_BOT_HTTP_PORT`: right but for the doubled separators.
    let ours = name.starts_with(&prefix[..prefix.len() - 1]) && !is_link(&value.to_string_lossy());
    if !ours {
        return;
    }
    let mut meant = keys.all.iter().filter_map(|key| keys.variable(key));
    if let Some(meant) = meant.find(|variable| variable.replace("__", "_") == name.replace("__", "_")) {
        candidates.warning(name, origin, format!("ignored; did you mean {meant}?"));
    }
}

fn unreadable_name(candidates: &mut Candidates<'_>, name: &OsStr) {
    let name = name.to_string_lossy();
    if candidates.keys.prefix.as_deref().is_some_and(|prefix| name.starts_with(prefix)) {
        let origin = Origin::Variable { name: name.to_string() };
        candidates.problem(&name, origin, "the variable's name is not UTF-8 text");
    }
}

/// Whether Kubernetes, not a person, set the variable: `<SERVICE>_PORT=tcp://…`, or a link where a number goes.
fn is_service_link(name: &str, text: &str, targets: &[(Vec<String>, &Key)]) -> bool {
    let port = name.ends_with("PORT") || name.contains("_PORT_");
    let number =
        targets.iter().all(|(_, key)| key.leaf.as_ref().is_some_and(|leaf| leaf.json == Json::Integer));
    is_link(text) && (port || number)
}

fn is_link(text: &str) -> bool {
    ["tcp://", "udp://", "sctp://"].iter().any(|scheme| text.starts_with(scheme))
}
