//! Sentences and words of a plain text.

use unicode_segmentation::UnicodeSegmentation;

/// Splits a plain text into sentences, at line ends too.
pub(crate) fn split(text: &str) -> Vec<&str> {
    text.lines().flat_map(split_line).collect()
}

fn split_line(line: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut start = 0;
    let mut letters = line.char_indices().peekable();
    while let Some((at, letter)) = letters.next() {
        let wide = matches!(letter, '。' | '！' | '？' | '｡' | '।' | '؟');
        if !wide && !matches!(letter, '.' | '!' | '?' | '…') {
            continue;
        }
        let mut end = at + letter.len_utf8();
        while let Some((at, closing)) = letters.next_if(|(_, next)| ".!?…\"'”’)»".contains(*next)) {
            end = at + closing.len_utf8();
        }
        let rest = &line[end..];
        let ends = wide || (rest.starts_with(char::is_whitespace) && !is_abbreviation(&line[start..end]));
        let goes_on = letter == '.' && rest.trim_start().starts_with(char::is_lowercase) && !wide;
        if rest.is_empty() || (ends && !goes_on) {
            found.push(&line[start..end]);
            start = end;
        }
    }
    found.push(&line[start..]);
    found.into_iter().map(str::trim).filter(|sentence| !sentence.is_empty()).collect()
}

/// `Dr.`, `e.g.`, a single initial: a full stop that ends no sentence.
fn is_abbreviation(sentence: &str) -> bool {
    const KNOWN: [&str; 22] = [
        "mr", "mrs", "ms", "dr", "hon", "prof", "st", "vs", "etc", "e.g", "i.e", "z.b", "bzw", "ca", "nr",
        "no", "approx", "sr", "sra", "m", "mme", "dott",
    ];
    let last = sentence.rsplit(char::is_whitespace).next().unwrap_or("");
    let Some(bare) = last.strip_suffix('.') else { return false };
    let bare = bare.trim_start_matches(['(', '"']);
    // "den 1. März": German ordinals.
    let before = sentence.trim_end().rsplit(char::is_whitespace).nth(1).unwrap_or("");
    let dated = matches!(before, "den" | "am" | "dem" | "der" | "vom" | "zum" | "bis" | "ab" | "seit");
    if dated && bare.len() <= 2 && bare.bytes().all(|byte| byte.is_ascii_digit()) {
        return true;
    }
    let initial = bare.chars().count() == 1 && bare.chars().all(char::is_uppercase) && bare != "I";
    initial || KNOWN.contains(&bare.to_lowercase().as_str())
}

/// The words of a text, lower-case, as terms are made from; apostrophes stay inside.
pub(crate) fn words(text: &str) -> impl Iterator<Item = String> + '_ {
    text.unicode_words().map(|word| word.to_lowercase().replace('’', "'"))
}

/// How long a text is: words between white space, or half its letters in scripts without spaces.
pub(crate) fn length(text: &str) -> usize {
    if text.is_ascii() {
        return text.split_ascii_whitespace().count();
    }
    let spaced = text.split_whitespace().count();
    let wide = text.chars().filter(|letter| is_unspaced(*letter)).count();
    spaced.max(wide.div_ceil(2))
}

/// Whether a letter belongs to a script that puts no spaces between words.
pub(crate) fn is_unspaced(letter: char) -> bool {
    matches!(letter, '\u{0e00}'..='\u{0eff}' | '\u{1000}'..='\u{109f}' | '\u{1780}'..='\u{17ff}'
        | '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}'
        | '\u{20000}'..='\u{2fa1f}')
}

/// With a capital first letter.
pub(crate) fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}
