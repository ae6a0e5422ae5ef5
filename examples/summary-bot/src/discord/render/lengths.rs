//! Discord's limits, and how it counts.

/// Text of a message.
pub(crate) const CONTENT: usize = 2000;
/// Title of an embed.
pub(crate) const TITLE: usize = 256;
/// Description of an embed.
pub(crate) const DESCRIPTION: usize = 4096;
/// Name of a field of an embed.
pub(crate) const FIELD_NAME: usize = 256;
/// Value of a field of an embed.
pub(crate) const FIELD_VALUE: usize = 1024;
/// Everything that stands in an embed, together.
pub(crate) const EMBED: usize = 6000;
/// Footer of an embed. Discord takes 2048; more than this nobody reads.
pub(crate) const FOOTER: usize = 512;

/// How long a text is. Discord's servers count code points and its apps UTF-16; what fits by the larger of the two
/// fits by both.
pub(crate) fn units(text: &str) -> usize {
    text.chars().map(char::len_utf16).sum()
}

/// At most `most` units of a text, with an ellipsis where something is missing; an escape is not cut in two.
pub(crate) fn cut(text: &str, most: usize) -> String {
    if units(text) <= most {
        return text.to_owned();
    }
    let mut kept = String::new();
    let mut room = most.saturating_sub(1);
    for letter in text.chars() {
        let Some(left) = room.checked_sub(letter.len_utf16()) else { break };
        room = left;
        kept.push(letter);
    }
    let backslashes = kept.chars().rev().take_while(|letter| *letter == '\\').count();
    if backslashes % 2 == 1 {
        kept.pop();
    }
    kept.truncate(kept.trim_end().len());
    kept.push('…');
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_letter_beyond_the_first_plane_counts_twice() {
        assert_eq!((units("a"), units("ä"), units("漢"), units("🦀")), (1, 1, 1, 2));
        assert_eq!(cut("🦀🦀🦀", 4), "🦀…");
        assert_eq!(cut("🦀🦀", 4), "🦀🦀");
    }

    #[test]
    fn an_escape_is_not_cut_in_two() {
        assert_eq!(cut(r"ab\*cd", 4), "ab…");
        assert_eq!(cut(r"a\\bcd", 5), r"a\\b…");
    }
}
