//! Text of messages as text in Discord: no markup, no mention, no hidden letter.

use crate::render::printable;

/// What keeps two letters from being read together; it takes no room on the screen.
const APART: char = '\u{200b}';

/// A text that Discord shows as it is and that calls nobody. Addresses stay whole, so that they can be followed.
pub(crate) fn escaped(text: &str) -> String {
    harmless(text, true)
}

/// The same for places where Discord reads no markup and would show a backslash: footers, names of files.
pub(crate) fn quiet(text: &str) -> String {
    harmless(text, false)
}

fn harmless(text: &str, markup: bool) -> String {
    let text = printable(text);
    let mut safe = String::with_capacity(text.len() + text.len() / 8);
    let mut rest = text.as_str();
    while let Some(letter) = rest.chars().next() {
        if let Some(length) = address(rest).filter(|_| markup) {
            safe.push_str(&rest[..length]);
            rest = &rest[length..];
            continue;
        }
        rest = &rest[letter.len_utf8()..];
        match letter {
            '<' => {
                safe.push_str(if markup { "\\<" } else { "<" });
                // Discord looks for mentions behind a backslash, too.
                if rest.starts_with(['@', '#', '/', ':', 'a', 't', 'i']) {
                    safe.push(APART);
                }
            }
            '@' => {
                safe.push('@');
                if calls_all(rest) {
                    safe.push(APART);
                }
            }
            '\\' | '`' | '*' | '_' | '~' | '|' | '>' | '#' | '[' | ']' | '(' | ')' if markup => {
                safe.push('\\');
                safe.push(letter);
            }
            // A list, where a line begins with it.
            '-' | '+' if markup && safe.is_empty() => {
                safe.push('\\');
                safe.push(letter);
            }
            _ => safe.push(letter),
        }
    }
    safe
}

fn calls_all(rest: &str) -> bool {
    let begins = |word: &str| rest.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word));
    begins("everyone") || begins("here")
}

/// The length of a web address at the start. Discord reads no markup within one.
fn address(rest: &str) -> Option<usize> {
    let after = rest.strip_prefix("https://").or_else(|| rest.strip_prefix("http://"))?;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/?#=&%+,;:".contains(&byte);
    let length = after.bytes().take_while(|byte| plain(*byte)).count();
    (length > 0).then_some(rest.len() - after.len() + length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_stays_text() {
        assert_eq!(
            escaped("**bold** _it_ ||x|| `c` [a](b)"),
            r"\*\*bold\*\* \_it\_ \|\|x\|\| \`c\` \[a\]\(b\)"
        );
        assert_eq!(escaped("- a > b"), r"\- a \> b");
    }

    #[test]
    fn nobody_is_called() {
        assert_eq!(
            escaped("<@1> @everyone @Here a@b.example"),
            "\\<\u{200b}@1\\> @\u{200b}everyone @\u{200b}Here a@b.example"
        );
    }

    #[test]
    fn an_address_stays_whole() {
        assert_eq!(escaped("see https://a.example/b_c?d=e_f."), "see https://a.example/b_c?d=e_f.");
        assert_eq!(escaped("https://"), "https://");
    }

    #[test]
    fn what_is_hidden_goes() {
        assert_eq!(escaped("a\u{202e}b\u{0}c"), "a b c");
    }
}
