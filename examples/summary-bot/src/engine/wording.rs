//! What the words of a sentence say about how well it stands alone.

use super::report::is_tellable;
use crate::lang::{Language, Lexicon, Marks};

/// Around 1: more for decisions and problems, less for scraps, listings and sentences that lean on others.
///
/// `words` are the lower-case words; `loose` says that people here write without stops.
pub(crate) fn wording(
    text: &str,
    words: &[&str],
    marks: Marks,
    question: bool,
    loose: bool,
    lexicon: &Lexicon,
) -> f64 {
    let mut worth = prose(words, lexicon);
    let when = |is: bool, factor: f64| if is { factor } else { 1.0 };
    worth *= when(marks.has(Marks::DECIDES), 1.35);
    worth *= when(marks.has(Marks::PROPOSES), 1.15);
    worth *= when(marks.has(Marks::ASSIGNS) && !question, 1.1);
    worth *= when(marks.has(Marks::MATTERS), 1.2);
    if lexicon.language == Language::English {
        worth *= english(words) * when(marks.has(Marks::LEANS), 0.85);
        // What can be told in the third person is a statement; the rest are scraps and commands.
        let told = question || is_tellable(text, words);
        worth *= when(!told, if loose { 0.7 } else { 0.45 });
    }
    worth
}

/// Sentences are held together by function words; listings and program output are not.
fn prose(words: &[&str], lexicon: &Lexicon) -> f64 {
    if lexicon.language == Language::Other {
        return 1.0;
    }
    let linking = words.iter().filter(|word| lexicon.is_function_word(word)).count();
    let share = linking as f64 / words.len().max(1) as f64;
    (share / 0.25).clamp(0.3, 1.0)
}

/// Less for sentences that point ("this", "there") or speak of "you" and "I" more than of the matter.
fn english(words: &[&str]) -> f64 {
    let count = |list: &[&str]| words.iter().filter(|word| list.contains(word)).count() as f64;
    let length = words.len().max(1) as f64;
    let pointing = count(&[
        "this", "that", "it", "these", "those", "he", "she", "there", "here", "thing", "things", "stuff",
    ]);
    let second = count(&["you", "your", "you're", "you've", "yourself"]);
    let first = count(&["i", "i'm", "i've", "i'll", "my", "me"]);
    let worth = 1.0
        - (pointing / length).min(0.3)
        - (0.8 * second / length).min(0.25)
        - (0.5 * first / length).min(0.15);
    worth.max(0.2)
}
