//! The path by which the derive's output names the library.

use std::{env, fs, path::Path};

use proc_macro2::TokenStream;
use quote::quote;

/// `::groundcrew_config` where the package depends on it, `::groundcrew::config` where it has the facade only.
pub(crate) fn path() -> TokenStream {
    let manifest = env::var_os("CARGO_MANIFEST_DIR").map(|folder| Path::new(&folder).join("Cargo.toml"));
    let manifest = manifest.and_then(|path| fs::read_to_string(path).ok()).unwrap_or_default();
    if !mentions(&manifest, "groundcrew-config") && mentions(&manifest, "groundcrew") {
        return quote!(::groundcrew::config);
    }
    quote!(::groundcrew_config)
}

/// Whether a manifest has the package: its own name or a dependency.
fn mentions(manifest: &str, package: &str) -> bool {
    let dependency = |line: &str| {
        let table = line.strip_prefix('[').and_then(|line| line.strip_suffix(']'));
        if let Some(table) = table {
            return table.ends_with(&format!("dependencies.{package}"));
        }
        let key = line.split(['=', '.']).next().unwrap_or_default().trim();
        key == package || (key == "name" && line.ends_with(&format!("\"{package}\"")))
    };
    manifest.lines().map(str::trim).any(dependency)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dependency_is_found_however_it_is_written() {
        for manifest in [
            "[dependencies]\ngroundcrew-config.workspace = true",
            "groundcrew-config = \"0.1\"",
            "[dev-dependencies.groundcrew-config]\nversion = \"1\"",
            "[package]\nname = \"groundcrew-config\"",
        ] {
            assert!(mentions(manifest, "groundcrew-config"), "{manifest}");
            assert!(!mentions(manifest, "groundcrew"), "{manifest}");
        }
    }
}
