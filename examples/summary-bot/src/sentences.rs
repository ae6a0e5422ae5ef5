//! Sentences of a plain text, and each sentence as it would have been said without the stumbles.

use unicode_segmentation::UnicodeSegmentation;

use crate::lang::{Language, Lexicon};

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
    let initial = bare.chars().count() == 1 && bare.chars().all(char::is_uppercase) && bare != "I";
    initial || KNOWN.contains(&bare.to_lowercase().as_str())
}

/// The words of a text, lower-case, as terms are made from; apostrophes stay inside.
pub(crate) fn words(text: &str) -> impl Iterator<Item = String> + '_ {
    text.unicode_words().map(|word| word.to_lowercase().replace('’', "'"))
}

/// How long a text is: words between white space, or half its letters in scripts without spaces.
pub(crate) fn length(text: &str) -> usize {
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

/// A sentence without hesitations, false starts, repetitions and empty openings; nothing if little is left.
///
/// A false start inside (a dash of its own) splits the sentence, since neither half goes on with the other.
pub(crate) fn fluent(sentence: &str, lexicon: &Lexicon) -> Vec<String> {
    let mut pieces: Vec<Vec<&str>> = vec![Vec::new()];
    for word in sentence.split_whitespace() {
        if word == "—" {
            pieces.push(Vec::new());
        } else {
            let last = pieces.len() - 1;
            pieces[last].push(word);
        }
    }
    let mut joined: Vec<Vec<&str>> = Vec::new();
    for piece in pieces {
        match joined.last_mut() {
            Some(before) => match taken_up(before, &piece) {
                Some(keep) => {
                    before.truncate(keep);
                    before.extend(piece);
                }
                None => joined.push(piece),
            },
            None => joined.push(piece),
        }
    }
    joined.iter().filter_map(|piece| smooth(piece, lexicon)).collect()
}

/// Where to cut `before` if `after` takes its last words up again ("we look at — look at what").
fn taken_up(before: &[&str], after: &[&str]) -> Option<usize> {
    if after.is_empty() || before.is_empty() {
        return Some(before.len());
    }
    let reach = before.len().min(6);
    (1..=reach).rev().map(|back| before.len() - back).find(|at| bare(before[*at]) == bare(after[0]))
}

fn bare(word: &str) -> String {
    word.trim_matches(|letter: char| !letter.is_alphanumeric()).to_lowercase()
}

fn smooth(words: &[&str], lexicon: &Lexicon) -> Option<String> {
    let mut kept: Vec<&str> = Vec::with_capacity(words.len());
    for (at, word) in words.iter().enumerate() {
        let lower = bare(word);
        let visible = word.chars().any(char::is_alphanumeric);
        let stutter = words.get(at + 1).is_some_and(|next| is_stutter(&lower, &bare(next), word, lexicon));
        let drop = (visible && lexicon.is_filler(&lower)) || stutter;
        if drop || (!visible && kept.is_empty()) {
            // The stop after a dropped word still ends what was before it.
            continue;
        }
        kept.push(word);
    }
    once(&mut kept);
    if lexicon.language == Language::English {
        drop_asides(&mut kept);
    }
    drop_opening(&mut kept, lexicon);
    drop_closing(&mut kept);
    let text = kept.join(" ").trim_matches([',', ' ', ';', '-']).replace(",,", ",");
    text.chars().any(char::is_alphanumeric).then_some(text)
}

/// `w we're`, `th the`: a beginning of the next word, too short to be one.
fn is_stutter(word: &str, next: &str, written: &str, lexicon: &Lexicon) -> bool {
    let length = word.chars().count();
    let fragment = length == 1 && !matches!(word, "a" | "i" | "o" | "y" | "e" | "à" | "é" | "u")
        || (2..=3).contains(&length) && !lexicon.is_empty_word(word);
    fragment && written.chars().all(char::is_alphabetic) && next.len() > word.len() && next.starts_with(word)
}

/// Says repeated runs of up to four words once.
fn once(words: &mut Vec<&str>) {
    for run in (1..=4).rev() {
        let mut at = 0;
        while at + 2 * run <= words.len() {
            let same = (0..run).all(|offset| {
                let (first, second) = (words[at + offset], words[at + run + offset]);
                bare(first) == bare(second)
                    && !bare(first).is_empty()
                    && (offset + 1 == run || first.ends_with(char::is_alphanumeric))
            });
            let numbers = words[at].chars().any(|letter| letter.is_ascii_digit());
            if same && !numbers && !words[at + run - 1].ends_with(['.', '?', '!']) {
                words.drain(at..at + run);
            } else {
                at += 1;
            }
        }
    }
}

/// "you know", "I mean", "sort of", "like" between commas: said, not meant.
fn drop_asides(words: &mut Vec<&str>) {
    let mut at = 0;
    while at + 1 < words.len() {
        let pair = (bare(words[at]), bare(words[at + 1]));
        let before = if at == 0 { String::new() } else { bare(words[at - 1]) };
        let cut_before = at == 0 || words[at - 1].ends_with([',', '.', ';']);
        let aside = match (pair.0.as_str(), pair.1.as_str()) {
            ("you", "know") => {
                let goes_on = words.get(at + 2).is_some_and(|next| {
                    matches!(
                        bare(next).as_str(),
                        "what" | "how" | "that" | "the" | "if" | "where" | "why" | "who" | "about"
                    )
                });
                let verb = matches!(
                    before.as_str(),
                    "do" | "did" | "as" | "if" | "that" | "let" | "would" | "should"
                );
                !verb && (!goes_on || words[at + 1].ends_with(',')) && !words[at + 1].ends_with('?')
            }
            ("i", "mean") => cut_before || words[at + 1].ends_with(','),
            ("sort" | "kind", "of") => !matches!(
                before.as_str(),
                "this"
                    | "that"
                    | "what"
                    | "some"
                    | "any"
                    | "a"
                    | "the"
                    | "same"
                    | "these"
                    | "those"
                    | "which"
                    | "one"
                    | "certain"
                    | "other"
                    | "another"
                    | "every"
                    | "each"
                    | "different"
            ),
            _ => false,
        };
        if aside {
            words.drain(at..at + 2);
            continue;
        }
        let like = pair.0 == "like" && words[at].ends_with(',') && at > 0;
        let hedge = matches!(
            pair.0.as_str(),
            "basically" | "actually" | "obviously" | "literally" | "really" | "just"
        );
        let flat = words[at].ends_with(char::is_alphabetic) || cut_before;
        if like
            || (hedge
                && flat
                && !matches!(
                    before.as_str(),
                    "not" | "don't" | "doesn't" | "didn't" | "isn't" | "is" | "was"
                ))
        {
            words.remove(at);
        } else {
            at += 1;
        }
    }
}

/// "So", "well", "yeah, but": openings that link to what is not shown.
fn drop_opening(words: &mut Vec<&str>, lexicon: &Lexicon) {
    const LINKS: [&str; 50] = [
        "so",
        "and",
        "but",
        "well",
        "then",
        "now",
        "anyway",
        "also",
        "like",
        "basically",
        "actually",
        "because",
        "cause",
        "cos",
        "or",
        "though",
        "plus",
        "either",
        "anyways",
        "however",
        "therefore",
        "thus",
        "too",
        "still",
        "just",
        "maybe",
        "und",
        "aber",
        "naja",
        "dann",
        "tja",
        "et",
        "mais",
        "donc",
        "alors",
        "bon",
        "ben",
        "pues",
        "entonces",
        "y",
        "pero",
        "bueno",
        "allora",
        "quindi",
        "e",
        "ma",
        "então",
        "mas",
        "dus",
        "nou",
    ];
    while words.len() > 1 {
        let first = bare(words[0]);
        let next_starts = bare(words[1]);
        let keeps_sense =
            (first == "now" || first == "then" || first == "just" || first == "like" || first == "maybe")
                && matches!(next_starts.as_str(), "that" | "the" | "a");
        let i_mean = first == "i" && (next_starts == "mean") && words.len() > 2;
        if i_mean {
            words.drain(..2);
        } else if first.is_empty()
            || (LINKS.contains(&first.as_str()) && !keeps_sense)
            || is_interjection(words, &first, lexicon)
        {
            words.remove(0);
        } else {
            break;
        }
    }
}

/// Agreement and the like, if a comma or stop sets it off or another follows: "Yeah, right, we could".
fn is_interjection(words: &[&str], first: &str, lexicon: &Lexicon) -> bool {
    let set_off = !words[0].ends_with(char::is_alphanumeric);
    let always = matches!(
        first,
        "yeah" | "okay" | "ok" | "yep" | "yes" | "alright" | "oh" | "ja" | "oui" | "sí" | "sim"
    );
    lexicon.is_chatter(first) && (set_off || always)
}

/// "…, you know", "…, so", "…, right?" at the end.
fn drop_closing(words: &mut Vec<&str>) {
    while words.len() > 3 {
        let last = bare(words[words.len() - 1]);
        let stop_before = words[words.len() - 2].ends_with(',');
        let dangling = matches!(
            last.as_str(),
            "so" | "and" | "but" | "or" | "um" | "uh" | "because" | "then" | "the" | "a"
        ) || (stop_before
            && matches!(last.as_str(), "right" | "okay" | "ok" | "yeah" | "though" | "anyway" | "too"));
        if !dangling {
            break;
        }
        words.pop();
    }
}
