//! Every code that a problem may have is told of.

use std::collections::BTreeSet;
use std::path::Path;

use crate::service::Fixture;

/// The codes in the sources of the bot: the second argument of `Problem::new`, and what stands in tables of codes.
fn codes(folder: &Path, found: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path()) {
        if entry.is_dir() {
            codes(&entry, found);
            continue;
        }
        let source = std::fs::read_to_string(&entry).expect("text");
        for call in source.split("Problem::new(").skip(1) {
            let code = call.split('"').nth(1).unwrap_or_default();
            let is_code =
                code.len() > 3 && code.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_');
            if is_code {
                found.insert(code.to_owned());
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_code_in_the_source_is_in_the_document_and_in_the_readme() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = BTreeSet::new();
    codes(&folder.join("src"), &mut found);
    assert!(found.len() > 12 && found.contains("IDEMPOTENCY_KEY_REUSED"), "the search finds them: {found:?}");
    let readme = std::fs::read_to_string(folder.join("README.md")).expect("the README");
    let bot = Fixture::start().await;
    let document = bot.get("/openapi.json").json();
    let told = document["components"]["schemas"]["Problem"]["properties"]["code"].to_string();
    let missing: Vec<&String> = found
        .iter()
        .filter(|code| !readme.contains(&format!("`{code}`")) || !told.contains(&format!("`{code}`")))
        .collect();
    assert!(missing.is_empty(), "src/api/codes.rs and README.md do not tell of {missing:?}");
}
