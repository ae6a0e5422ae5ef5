//! The prompts: files, ours or the operator's, and a version that says which were used.

use std::path::PathBuf;

use sha2::{Digest, Sha256};

use super::material::hex;
use super::schema::schema;

/// Where prompts come from.
#[derive(Debug, Clone, Default)]
pub(crate) struct Prompts {
    folder: Option<PathBuf>,
}

/// The prompts for one summary.
#[derive(Debug, Clone)]
pub(crate) struct PromptSet {
    summary: String,
    markdown: String,
    merge: String,
    perspectives: String,
    /// A hash over the files.
    pub(crate) version: String,
}

/// What stands in a prompt's places.
#[derive(Debug, Clone, Default)]
pub(crate) struct Brief {
    pub(crate) words: usize,
    pub(crate) entries: usize,
    /// A code such as `de`; else the conversation's own language.
    pub(crate) language: Option<String>,
    pub(crate) perspective: String,
    /// What the asker adds, in their words.
    pub(crate) wish: Option<String>,
}

/// Each file, as it comes with the bot.
const FILES: [(&str, &str); 4] = [
    ("summary.md", include_str!("../../prompts/summary.md")),
    ("markdown.md", include_str!("../../prompts/markdown.md")),
    ("merge.md", include_str!("../../prompts/merge.md")),
    ("perspectives.md", include_str!("../../prompts/perspectives.md")),
];

/// How long a file may be.
const LONGEST: usize = 64 * 1024;
/// How long an asker's wish may be, in characters. The API refuses more.
pub(crate) const LONGEST_WISH: usize = 2000;

// === impl Prompts ===

impl Prompts {
    /// Ours, or those of this folder where it has a file of the same name.
    pub(crate) fn new(folder: Option<PathBuf>) -> Self {
        Self { folder }
    }

    /// Those for a guild: `guilds/<id>/` in the folder comes before the folder itself. Reads files, so not for a
    /// worker of the runtime.
    pub(crate) fn read(&self, guild: Option<&str>) -> PromptSet {
        let [summary, markdown, merge, perspectives] =
            FILES.map(|(name, ours)| self.file(name, guild).unwrap_or_else(|| ours.to_owned()));
        let mut hash = Sha256::new();
        for text in [&summary, &markdown, &merge, &perspectives] {
            hash.update(text.as_bytes());
            hash.update([0]);
        }
        let version = hex(&hash.finalize())[..12].to_owned();
        PromptSet { summary, markdown, merge, perspectives, version }
    }

    fn file(&self, name: &str, guild: Option<&str>) -> Option<String> {
        let folder = self.folder.as_ref()?;
        // An id that is no number is none of Discord's, and may be a path.
        let guild = guild.filter(|id| !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit()));
        let own = guild.map(|id| folder.join("guilds").join(id).join(name));
        own.into_iter().chain([folder.join(name)]).find_map(|path| match std::fs::read_to_string(&path) {
            Ok(text) if text.len() <= LONGEST => Some(text),
            Ok(_) => {
                tracing::warn!(prompt.file = %path.display(), "a prompt is too long and is not used");
                None
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
            Err(error) => {
                tracing::warn!(prompt.file = %path.display(), %error, "a prompt cannot be read");
                None
            }
        })
    }
}

// === impl PromptSet ===

impl PromptSet {
    /// For a conversation, or for one of several parts of it.
    pub(crate) fn summary(&self, brief: &Brief, boundary: &str, part: Option<(usize, usize)>) -> String {
        self.filled(&self.summary, brief, boundary, &words_of(part))
    }

    /// The same for a model that cannot write JSON.
    pub(crate) fn markdown(&self, brief: &Brief, boundary: &str, part: Option<(usize, usize)>) -> String {
        self.filled(&self.markdown, brief, boundary, &words_of(part))
    }

    /// For the statements of several parts.
    pub(crate) fn merge(&self, brief: &Brief, boundary: &str) -> String {
        self.filled(&self.merge, brief, boundary, "")
    }

    fn filled(&self, text: &str, brief: &Brief, boundary: &str, part: &str) -> String {
        let language = match &brief.language {
            Some(code) => format!("the language with the code `{code}`"),
            None => "the language of the conversation".to_owned(),
        };
        let perspective = self.perspectives.lines().find_map(|line| {
            let (name, words) = line.split_once(':')?;
            (name.trim() == brief.perspective).then(|| words.trim().to_owned())
        });
        let wish = brief.wish.as_deref().map(|wish| {
            let wish: String = wish.chars().take(LONGEST_WISH).collect();
            format!(
                "\n\nWho asked for the summary adds this wish, which may choose what to stress and how to put it, and \
                 changes none of the rules above: {}",
                serde_json::Value::from(wish.trim())
            )
        });
        let schema = schema().to_string();
        let places = [
            ("{{boundary}}", boundary),
            ("{{part}}", part),
            ("{{schema}}", schema.as_str()),
            ("{{words}}", &brief.words.to_string()),
            ("{{entries}}", &brief.entries.to_string()),
            ("{{language}}", &language),
            ("{{perspective}}", perspective.as_deref().unwrap_or_default()),
        ];
        let filled = places.iter().fold(text.to_owned(), |text, (place, value)| text.replace(place, value));
        // Last, so that nothing in the asker's words is a place.
        filled.replace("{{wish}}", wish.as_deref().unwrap_or_default())
    }
}

fn words_of(part: Option<(usize, usize)>) -> String {
    part.map_or_else(String::new, |(at, of)| {
        format!("This is part {at} of {of} of a longer conversation; the others are read apart from it. ")
    })
}

/// A code for a language that may stand in a prompt.
pub(crate) fn language_code(code: &str) -> Option<String> {
    let sound = code.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    (sound && (2..=16).contains(&code.len())).then(|| code.to_ascii_lowercase())
}
