//! Lines of a message, and pages of lines.

use super::escape::escaped;
use super::lengths::units;

/// A line is at most so long, so that pages are filled well.
const LINE: usize = 1500;

/// One line of the body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) text: String,
    /// Stays on the page of the line after it.
    pub(super) heading: bool,
}

// === impl Line ===

impl Line {
    pub(super) fn heading(title: &str) -> Self {
        Self { text: format!("### {title}"), heading: true }
    }

    /// Lines for a text: `front` before it and `back` behind it, both of them markup, on as many lines as it takes.
    pub(super) fn wrapped(front: &str, text: &str, back: &str) -> Vec<Self> {
        let mut lines = vec![front.to_owned()];
        let add = |word: &str, gap: &str, lines: &mut Vec<String>| {
            let last = lines.last_mut().filter(|last| units(last) + units(word) + gap.len() <= LINE);
            match last {
                Some(last) => {
                    last.push_str(gap);
                    last.push_str(word);
                }
                None => lines.push(word.trim_start().to_owned()),
            }
        };
        let mut gap = "";
        for word in text.split_whitespace() {
            for piece in pieces(word) {
                add(&piece, gap, &mut lines);
                gap = "";
            }
            gap = " ";
        }
        add(back, "", &mut lines);
        let filled = lines.into_iter().filter(|line| !line.trim().is_empty());
        filled.map(|text| Self { text, heading: false }).collect()
    }
}

/// A word as Discord shows it, in pieces that fit on a line.
fn pieces(word: &str) -> Vec<String> {
    let letters: Vec<char> = word.chars().collect();
    // A letter takes three units at most, with what keeps it apart from the next.
    letters.chunks(LINE / 4).map(|chunk| escaped(&chunk.iter().collect::<String>())).collect()
}

/// The lines on pages of at most `most` units.
pub(super) fn pages(lines: Vec<Line>, most: usize) -> Vec<String> {
    let mut pages = vec![String::new()];
    let mut lines = lines.into_iter().peekable();
    while let Some(line) = lines.next() {
        let below = lines.peek().filter(|_| line.heading).map_or(0, |next| units(&next.text) + 1);
        let room = most - units(pages.last().map_or("", String::as_str)).min(most);
        match pages.last_mut() {
            Some(page) if page.is_empty() => page.push_str(&line.text),
            Some(page) if units(&line.text) + below < room => {
                page.push('\n');
                page.push_str(&line.text);
            }
            _ => pages.push(line.text),
        }
    }
    pages.retain(|page| !page.is_empty());
    pages
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(text: &str) -> Line {
        Line { text: text.to_owned(), heading: false }
    }

    #[test]
    fn a_heading_stays_with_what_it_heads() {
        let lines = vec![plain("12345"), Line { text: "##".to_owned(), heading: true }, plain("abcde")];
        assert_eq!(pages(lines, 10), ["12345", "##\nabcde"]);
    }

    #[test]
    fn a_long_text_goes_on_in_the_next_line_between_words() {
        let text = vec!["word"; 400].join(" ");
        let lines = Line::wrapped("- ", &text, " (1)");
        assert_eq!(lines.len(), 2);
        assert!(lines.iter().all(|line| units(&line.text) <= LINE));
        assert!(lines[0].text.starts_with("- word word") && lines[1].text.ends_with("word (1)"));
    }

    #[test]
    fn a_word_without_end_is_cut_between_letters() {
        let lines = Line::wrapped("", &"*".repeat(3000), "");
        let stars: String = lines.iter().map(|line| line.text.as_str()).collect();
        assert_eq!(stars, r"\*".repeat(3000));
        assert!(lines.iter().all(|line| units(&line.text) <= LINE && line.text.len() % 2 == 0));
    }
}
