//! How text is cut into words for searching: by the bot itself, so that every database finds the same.

use unicode_segmentation::UnicodeSegmentation;

/// The longest word that is kept, in bytes; of longer ones their beginning.
const LONGEST: usize = 120;
/// How many words of a text are kept.
const MOST: usize = 15_000;
/// How many words and phrases a query may have.
pub(crate) const MOST_TERMS: usize = 16;
/// The longest query, in bytes.
pub(crate) const LONGEST_QUERY: usize = 400;

/// What is searched for: all terms must be there, and none of the unwanted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Query {
    pub(crate) wanted: Vec<Term>,
    pub(crate) unwanted: Vec<Term>,
}

/// Words that follow each other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Term {
    /// Letters and digits only, so that no language of queries has a meaning for them.
    words: Vec<String>,
    /// Whether the last of them may go on.
    prefix: bool,
}

/// The words of a text in their order: lower case, letters and digits only. Of scripts that put no spaces between words,
/// each letter is one.
pub(crate) fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    for run in text.split(|letter: char| !letter.is_alphanumeric()).filter(|run| !run.is_empty()) {
        let mut word = String::new();
        for letter in run.graphemes(true) {
            let alone = letter.chars().next().is_some_and(stands_alone);
            if alone && !word.is_empty() {
                words.push(std::mem::take(&mut word));
            }
            word.extend(
                letter.chars().flat_map(char::to_lowercase).filter(|letter| letter.is_alphanumeric()),
            );
            if alone {
                words.push(std::mem::take(&mut word));
            }
        }
        words.push(word);
    }
    words.retain_mut(|word| {
        word.truncate(word.floor_char_boundary(LONGEST));
        !word.is_empty()
    });
    words.truncate(MOST);
    words
}

/// Thai, Lao, Khmer, kana, and Chinese characters.
fn stands_alone(letter: char) -> bool {
    matches!(letter, '\u{e00}'..='\u{eff}' | '\u{1780}'..='\u{17ff}' | '\u{3040}'..='\u{30ff}'
        | '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}')
}

// === impl Query ===

impl Query {
    /// Reads `two words "a phrase" begin* -without`.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        if text.len() > LONGEST_QUERY {
            return Err(format!("expected at most {LONGEST_QUERY} bytes"));
        }
        let mut query = Self::default();
        let mut rest = text.trim_start();
        while !rest.is_empty() {
            let unwanted = rest.strip_prefix('-');
            let from = unwanted.unwrap_or(rest);
            let (term, after) = match from.strip_prefix('"') {
                Some(quoted) => quoted.split_once('"').unwrap_or((quoted, "")),
                None => from.split_at(from.find([' ', '\t', '\n', '"']).unwrap_or(from.len())),
            };
            let after = after.strip_prefix('*').map_or((after, false), |after| (after, true));
            let prefix = after.1 || term.ends_with('*');
            let words = words(term);
            if !words.is_empty() {
                let terms = if unwanted.is_some() { &mut query.unwanted } else { &mut query.wanted };
                terms.push(Term { words, prefix });
            }
            rest = after.0.trim_start();
        }
        match (query.wanted.len(), query.unwanted.len()) {
            (0, _) => Err("expected at least one word to look for".to_owned()),
            (wanted, unwanted) if wanted + unwanted > MOST_TERMS => {
                Err(format!("expected at most {MOST_TERMS} words and phrases"))
            }
            _ => Ok(query),
        }
    }

    /// As SQLite's FTS5 reads it.
    pub(crate) fn for_fts5(&self) -> String {
        let term =
            |term: &Term| format!("\"{}\"{}", term.words.join(" "), if term.prefix { "*" } else { "" });
        let wanted: Vec<String> = self.wanted.iter().map(term).collect();
        let unwanted = self.unwanted.iter().map(|it| format!(" NOT {}", term(it)));
        unwanted.fold(format!("({})", wanted.join(" AND ")), |query, not| format!("({query}{not})"))
    }

    /// As Postgres reads a `tsquery`.
    pub(crate) fn for_postgres(&self) -> String {
        let term = |term: &Term| {
            let last = term.words.len() - 1;
            let words =
                term.words.iter().enumerate().map(|(at, word)| {
                    format!("'{word}'{}", if term.prefix && at == last { ":*" } else { "" })
                });
            format!("({})", words.collect::<Vec<_>>().join(" <-> "))
        };
        let unwanted = self.unwanted.iter().map(|it| format!("!{}", term(it)));
        self.wanted.iter().map(term).chain(unwanted).collect::<Vec<_>>().join(" & ")
    }
}

/// A `tsvector` as Postgres reads it.
pub(crate) fn tsvector(words: &[String]) -> String {
    let mut text = String::new();
    for (at, word) in words.iter().enumerate() {
        text.push_str(&format!("'{word}':{} ", at + 1));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_letters_and_digits_in_lower_case() {
        assert_eq!(words("The ARM-build, v14.2 of Łódź!"), ["the", "arm", "build", "v14", "2", "of", "łódź"]);
        assert_eq!(words("ẞ Größe '); DROP TABLE x; --"), ["ß", "größe", "drop", "table", "x"]);
    }

    #[test]
    fn scripts_without_spaces_are_cut_into_letters() {
        assert_eq!(words("東京の天気v2"), ["東", "京", "の", "天", "気", "v2"]);
    }

    #[test]
    fn a_query_is_read_as_people_mean_it() {
        let query = Query::parse("arm \"old compiler\" pack* -linker -\"two words\"").expect("a query");
        assert_eq!(
            query.for_fts5(),
            "(((\"arm\" AND \"old compiler\" AND \"pack\"*) NOT \"linker\") NOT \"two words\")"
        );
        assert_eq!(
            query.for_postgres(),
            "('arm') & ('old' <-> 'compiler') & ('pack':*) & !('linker') & !('two' <-> 'words')"
        );
    }

    #[test]
    fn nothing_in_a_query_has_a_meaning_for_a_database() {
        for text in ["a' | 'b", "a\" OR \"b", "a:* & !b", "(a) NEAR b", "a\\'b", "a <-> b", "words:a b^"] {
            let query = Query::parse(text).expect("a query");
            let words = query.wanted.iter().chain(&query.unwanted).flat_map(|term| &term.words);
            assert!(words.clone().count() > 0, "{text}");
            for word in words {
                assert!(word.chars().all(char::is_alphanumeric), "{text}: {word}");
            }
        }
    }

    #[test]
    fn a_query_without_a_word_is_refused() {
        for text in ["", "  ", "-only", "\"\"", "*", "!?"] {
            assert!(Query::parse(text).is_err(), "{text}");
        }
        assert!(Query::parse(&"a ".repeat(17)).is_err());
    }
}
