//! SQL as words, for whoever must tell a statement from a text that looks like one.

/// A piece of SQL that matters; comments, literals and white space do not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Token<'a> {
    /// As it is written.
    pub(crate) text: &'a str,
    pub(crate) kind: Kind,
    /// From 1.
    pub(crate) line: usize,
    /// Where it begins, in bytes.
    pub(crate) start: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A keyword or a plain name.
    Word,
    /// A name in quotes.
    Quoted,
    /// A literal: a string or what stands between dollars.
    Literal,
    /// A single character of anything else.
    Mark,
    /// A comment that begins with `--`, without its end of line.
    Comment,
}

/// What is left to read.
struct Reader<'a> {
    sql: &'a str,
    at: usize,
    line: usize,
}

/// All tokens in order, comments of one line among them.
pub(crate) fn tokens(sql: &str) -> Vec<Token<'_>> {
    let mut reader = Reader { sql, at: 0, line: 1 };
    std::iter::from_fn(|| reader.next()).collect()
}

// === impl Token ===

impl Token<'_> {
    pub(crate) fn is(&self, keyword: &str) -> bool {
        self.kind == Kind::Word && self.text.eq_ignore_ascii_case(keyword)
    }

    pub(crate) fn is_mark(&self, mark: &str) -> bool {
        self.kind == Kind::Mark && self.text == mark
    }

    /// As the database knows it: plain names in small letters, quoted ones as they are.
    pub(crate) fn name(&self) -> String {
        match self.kind {
            Kind::Quoted => self.text[1..self.text.len().saturating_sub(1).max(1)].to_owned(),
            _ => self.text.to_ascii_lowercase(),
        }
    }
}

// === impl Reader ===

impl<'a> Reader<'a> {
    fn next(&mut self) -> Option<Token<'a>> {
        loop {
            let rest = &self.sql[self.at..];
            let first = rest.chars().next()?;
            let (kind, length) = match first {
                _ if first.is_whitespace() => {
                    self.skip(first.len_utf8());
                    continue;
                }
                '/' if rest.starts_with("/*") => {
                    self.skip(block_comment(rest));
                    continue;
                }
                '-' if rest.starts_with("--") => (Kind::Comment, rest.find('\n').unwrap_or(rest.len())),
                '\'' => (Kind::Literal, quoted(rest, '\'', false)),
                'e' | 'E' if rest[1..].starts_with('\'') => {
                    (Kind::Literal, 1 + quoted(&rest[1..], '\'', true))
                }
                '"' | '`' => (Kind::Quoted, quoted(rest, first, false)),
                '$' => match dollar_quoted(rest) {
                    Some(length) => (Kind::Literal, length),
                    None => (Kind::Mark, 1),
                },
                _ if is_word(first) => {
                    let end = |c: char| !is_word(c) && c != '$';
                    (Kind::Word, rest.find(end).unwrap_or(rest.len()))
                }
                _ => (Kind::Mark, first.len_utf8()),
            };
            let token = Token { text: &rest[..length], kind, line: self.line, start: self.at };
            self.skip(length);
            return Some(token);
        }
    }

    fn skip(&mut self, length: usize) {
        let skipped = &self.sql[self.at..self.at + length];
        self.line += skipped.matches('\n').count();
        self.at += length;
    }
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// The length of a comment in which others may stand, as Postgres has it. One without an end goes to the end.
fn block_comment(text: &str) -> usize {
    let (mut depth, mut at) = (0usize, 0);
    while at < text.len() {
        let rest = &text[at..];
        if rest.starts_with("/*") {
            depth += 1;
            at += 2;
        } else if rest.starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += rest.chars().next().map_or(1, char::len_utf8);
        }
    }
    text.len()
}

/// The length of a text between two quotes, where a doubled one stands for itself.
fn quoted(text: &str, quote: char, backslash: bool) -> usize {
    let mut chars = text.char_indices().skip(1).peekable();
    while let Some((at, c)) = chars.next() {
        if backslash && c == '\\' {
            chars.next();
        } else if c == quote && chars.next_if(|(_, next)| *next == quote).is_none() {
            return at + 1;
        }
    }
    text.len()
}

/// The length of `$tag$ … $tag$`, if this begins one. One without an end goes to the end.
fn dollar_quoted(text: &str) -> Option<usize> {
    let tag = &text[..text[1..].find('$')? + 2];
    let name = &tag[1..tag.len() - 1];
    let plain = name.chars().all(is_word) && !name.starts_with(|c: char| c.is_numeric());
    plain.then(|| text[tag.len()..].find(tag).map_or(text.len(), |end| tag.len() * 2 + end))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn words(sql: &str) -> Vec<&str> {
        tokens(sql).into_iter().filter(|it| it.kind == Kind::Word).map(|it| it.text).collect()
    }

    #[test]
    fn what_is_no_code_gives_no_words() {
        let sql = r#"a /* b /* c */ d */ e -- f
            'g''h' E'i\'j' $$k$$ $l$ m $$ n $l$ "o" `p` q$r"#;
        assert_eq!(words(sql), ["a", "e", "q$r"]);
    }

    #[test]
    fn a_parameter_begins_no_quote() {
        assert_eq!(words("$1 a $2 b"), ["1", "a", "2", "b"]);
    }

    #[test]
    fn lines_are_counted_through_comments_and_literals() {
        let last = *tokens("/*\n*/ '\n' $$\n$$\nhere").last().expect("a token");
        assert_eq!((last.text, last.line), ("here", 5));
    }

    #[test]
    fn a_name_is_as_the_database_knows_it() {
        let names: Vec<String> = tokens("Parcels \"Parcels\"").iter().map(Token::name).collect();
        assert_eq!(names, ["parcels", "Parcels"]);
    }

    /// Texts that end where they begin, whatever is in them.
    fn wrapped() -> impl Strategy<Value = String> {
        let inner = "[a-z '\"$;\n]{0,30}";
        prop_oneof![
            inner.prop_map(|text| format!("'{}'", text.replace('\'', "''"))),
            inner.prop_map(|text| format!("$t${}$t$", text.replace('$', ""))),
            inner.prop_map(|text| format!("/*{text}*/")),
            inner.prop_map(|text| format!("--{}\n", text.replace('\n', " "))),
            inner.prop_map(|text| format!("\"{}\"", text.replace('"', "\"\""))),
        ]
    }

    proptest! {
        #[test]
        fn any_text_is_read_to_its_end(sql in any::<String>()) {
            let mut end = 0;
            for token in tokens(&sql) {
                prop_assert!(token.start >= end && !token.text.is_empty());
                end = token.start + token.text.len();
            }
            prop_assert!(end <= sql.len());
        }

        #[test]
        fn nothing_inside_of_a_quote_or_a_comment_is_a_word(parts in prop::collection::vec(wrapped(), 0..6)) {
            let sql = format!("first {} last", parts.join(" "));
            prop_assert_eq!(words(&sql), ["first", "last"]);
        }
    }
}
