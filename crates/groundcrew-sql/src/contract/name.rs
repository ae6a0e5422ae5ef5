use super::Tokens;
use super::depth::Depth;
use crate::sql_text::Kind;

/// The parts of a name: `a`, `a.b`.
pub(super) type Name = Vec<String>;

/// Without `IF EXISTS` and `ONLY`.
pub(super) fn without_if_exists<'t, 'a>(rest: Tokens<'t, 'a>) -> Tokens<'t, 'a> {
    let rest = match rest {
        [a, b, rest @ ..] if a.is("IF") && b.is("EXISTS") => rest,
        rest => rest,
    };
    match rest {
        [only, rest @ ..] if only.is("ONLY") => rest,
        rest => rest,
    }
}

/// How many tokens a part of a name has: one, or those from `[` to `]`, which is how SQLite quotes as well.
fn part_length(tokens: Tokens<'_, '_>) -> usize {
    let is_bracketed = tokens.first().is_some_and(|token| token.is_mark("["));
    let end = tokens.iter().position(|token| token.is_mark("]")).filter(|_| is_bracketed);
    end.map_or(1, |end| end + 1).min(tokens.len())
}

/// The parts that tokens begin with, as in `a`, `a.b`, `"a".[b]`, and what stands behind them.
fn parts<'t, 'a>(tokens: Tokens<'t, 'a>) -> (Vec<Tokens<'t, 'a>>, Tokens<'t, 'a>) {
    let (mut parts, mut rest) = (Vec::new(), tokens);
    loop {
        let (part, behind) = rest.split_at(part_length(rest));
        parts.push(part);
        match behind {
            [dot, next @ ..] if dot.is_mark(".") => rest = next,
            _ => return (parts, behind),
        }
    }
}

/// What a part says, if it is one of a name.
fn text(part: Tokens<'_, '_>) -> Option<String> {
    match part {
        [token] => matches!(token.kind, Kind::Word | Kind::Quoted).then(|| token.name()),
        [open, inner @ .., _] => Some(between(open.start + 1, inner)),
        [] => None,
    }
}

/// What stands between brackets, in small letters: SQLite does not mind them.
fn between(start: usize, inner: Tokens<'_, '_>) -> String {
    let mut text = String::new();
    for token in inner {
        text.push_str(&" ".repeat(token.start - start - text.len()));
        text.push_str(token.text);
    }
    text.make_ascii_lowercase();
    text
}

/// The name that tokens begin with, if they begin with one.
pub(super) fn name(tokens: Tokens<'_, '_>) -> Option<Name> {
    parts(tokens).0.into_iter().map(text).collect()
}

/// What stands between the commas of a list of names.
pub(super) fn listed<'t, 'a>(names: Tokens<'t, 'a>) -> impl Iterator<Item = Tokens<'t, 'a>> {
    names.split(|token| token.is_mark(","))
}

pub(super) fn behind_the_name<'t, 'a>(tokens: Tokens<'t, 'a>) -> Tokens<'t, 'a> {
    parts(tokens).1
}

/// What is done to what has this name; the types of a function's arguments belong to the name.
pub(super) fn after_the_name<'t, 'a>(tokens: Tokens<'t, 'a>) -> Tokens<'t, 'a> {
    let (rest, mut depth) = (behind_the_name(tokens), Depth::default());
    let arguments = rest.iter().position(|token| depth.is_outside(token)).unwrap_or(rest.len());
    let rest = &rest[arguments..];
    // `ALTER TABLE parcels * …` is the same with the tables below it.
    if rest.first().is_some_and(|token| token.is_mark("*")) { &rest[1..] } else { rest }
}
