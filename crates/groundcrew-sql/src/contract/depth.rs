use crate::sql_text::Token;

/// How many parentheses are open.
#[derive(Debug, Default)]
pub(super) struct Depth(usize);

// === impl Depth ===

impl Depth {
    /// Whether the next token stands outside of all parentheses, which themselves do not.
    pub(super) fn is_outside(&mut self, token: &Token<'_>) -> bool {
        if token.is_mark("(") {
            self.0 += 1;
            return false;
        }
        if token.is_mark(")") {
            self.0 = self.0.saturating_sub(1);
            return false;
        }
        self.0 == 0
    }
}
