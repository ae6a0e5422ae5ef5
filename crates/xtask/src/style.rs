//! Colours, on a terminal only.

use std::io::IsTerminal;

/// Whether to colour what we print.
#[derive(Clone, Copy)]
pub(crate) struct Style {
    colour: bool,
}

impl Style {
    /// Follows `CARGO_TERM_COLOR`, then `NO_COLOR`, then whether standard output is a terminal.
    pub(crate) fn detect() -> Self {
        let wish = std::env::var("CARGO_TERM_COLOR").unwrap_or_default();
        let no_colour = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Self { colour: choose(&wish, no_colour, std::io::stdout().is_terminal()) }
    }

    pub(crate) fn green(self, text: &str) -> String {
        self.paint("32", text)
    }

    pub(crate) fn red(self, text: &str) -> String {
        self.paint("31", text)
    }

    pub(crate) fn bold(self, text: &str) -> String {
        self.paint("1", text)
    }

    /// The value of `CARGO_TERM_COLOR` for children, whose output we pipe.
    pub(crate) fn for_children(self) -> &'static str {
        if self.colour { "always" } else { "never" }
    }

    fn paint(self, code: &str, text: &str) -> String {
        if self.colour { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }
}

fn choose(wish: &str, no_colour: bool, terminal: bool) -> bool {
    match wish {
        "always" => true,
        "never" => false,
        _ => terminal && !no_colour,
    }
}

/// The text without its terminal control sequences.
pub(crate) fn plain(line: &str) -> String {
    let mut text = String::with_capacity(line.len());
    let mut characters = line.chars();
    while let Some(character) = characters.next() {
        if character != '\x1b' {
            text.push(character);
            continue;
        }
        if characters.next() == Some('[') {
            let _final_byte = characters.by_ref().find(|c| ('@'..='~').contains(c));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{choose, plain};

    #[test]
    fn a_pipe_gets_no_colour_unless_it_was_asked_for() {
        assert!(!choose("", false, false));
        assert!(choose("always", true, false));
    }

    #[test]
    fn a_terminal_gets_colour_unless_it_was_refused() {
        assert!(choose("auto", false, true));
        assert!(!choose("auto", true, true));
        assert!(!choose("never", false, true));
    }

    #[test]
    fn control_sequences_are_dropped_and_text_is_kept() {
        assert_eq!(plain("\x1b[32;1m     Summary\x1b[0m [0.1s] 3 passé"), "     Summary [0.1s] 3 passé");
        assert_eq!(plain("cut short \x1b[3"), "cut short ");
    }
}
