//! What the commands print.

use serde_json::json;

use crate::{Listing, Manifest, Pruned, Restored, Verified};

/// For whom it is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// For programs.
    Json,
    /// For people.
    Table,
}

pub(crate) fn backed_up(manifest: &Manifest, place: &str, form: Form) -> String {
    match form {
        Form::Json => json!({ "backup": manifest, "place": place }).to_string(),
        Form::Table => format!("{} is backed up to {place}", line(manifest)),
    }
}

pub(crate) fn restored(restored: &Restored, form: Form) -> String {
    let Restored { manifest, target, kept } = restored;
    match form {
        Form::Json => json!({ "restored": manifest, "target": target, "kept": kept }).to_string(),
        Form::Table => {
            let kept = kept.as_ref().map(|kept| format!("; what was there is now {}", kept.display()));
            format!("{} is restored into {target}{}", manifest.name, kept.unwrap_or_default())
        }
    }
}

pub(crate) fn list(listing: &Listing, form: Form) -> String {
    let unreadable = listing.unreadable.iter().map(|(name, words)| (name.to_string(), words));
    match form {
        Form::Json => {
            let unreadable: Vec<_> =
                unreadable.map(|(name, words)| json!({ "name": name, "problem": words })).collect();
            json!({ "backups": listing.backups, "unreadable": unreadable }).to_string()
        }
        Form::Table => {
            let mut lines: Vec<String> = listing.backups.iter().map(line).collect();
            lines.extend(unreadable.map(|(name, words)| format!("{name}  unreadable: {words}")));
            if lines.is_empty() { "there are no backups".to_owned() } else { lines.join("\n") }
        }
    }
}

pub(crate) fn pruned(pruned: &Pruned, dry_run: bool, form: Form) -> String {
    let Pruned { removed, leftovers, kept } = pruned;
    match form {
        Form::Json => json!({ "removed": removed, "leftovers": leftovers, "kept": kept, "dry_run": dry_run })
            .to_string(),
        Form::Table => {
            let mut lines: Vec<String> = removed.iter().chain(leftovers).cloned().collect();
            let would = if dry_run { "would be " } else { "" };
            lines.push(format!("{} {would}removed, {kept} kept", removed.len() + leftovers.len()));
            lines.join("\n")
        }
    }
}

pub(crate) fn verified(verified: &Verified, form: Form) -> String {
    let Verified { manifest, tables, rows, compared } = verified;
    match form {
        Form::Json => {
            json!({ "verified": manifest, "tables": tables, "rows": rows, "compared": compared }).to_string()
        }
        Form::Table => {
            let as_counted = if *compared { ", as they were counted when it was made" } else { "" };
            format!("{} restores: {rows} rows in {tables} tables{as_counted}", manifest.name)
        }
    }
}

fn line(manifest: &Manifest) -> String {
    let rows: u64 = manifest.rows.values().sum();
    let migration = manifest.migration.map_or_else(|| "-".to_owned(), |version| version.to_string());
    format!(
        "{}  {} {}  {}  {rows} rows  migration {migration}",
        manifest.name,
        manifest.backend.name(),
        manifest.server,
        size(manifest.size)
    )
}

/// Bytes for people.
pub(crate) fn size(bytes: u64) -> String {
    let mut size = bytes as f64;
    for unit in ["B", "KiB", "MiB", "GiB"] {
        if size < 1024.0 {
            return format!("{size:.1} {unit}");
        }
        size /= 1024.0;
    }
    format!("{size:.1} TiB")
}
