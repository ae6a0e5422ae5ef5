use super::Tokens;
use crate::sql_text::{Kind, Token};

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

/// How many tokens a name has: `a`, `a.b`, `"a".b`.
fn name_length(tokens: Tokens<'_, '_>) -> usize {
    let mut length = 1;
    while tokens.get(length).is_some_and(|token| token.is_mark(".")) {
        length += 2;
    }
    length.min(tokens.len())
}

/// The name that tokens begin with, if they begin with one. SQLite's `[a]` is none here: Postgres reads it otherwise.
pub(super) fn name(tokens: Tokens<'_, '_>) -> Option<Name> {
    let parts = tokens[..name_length(tokens)].iter().step_by(2);
    let part = |token: &Token<'_>| matches!(token.kind, Kind::Word | Kind::Quoted).then(|| token.name());
    parts.map(part).collect::<Option<Name>>().filter(|name| !name.is_empty())
}

/// What stands between the commas of a list of names.
pub(super) fn listed<'t, 'a>(names: Tokens<'t, 'a>) -> impl Iterator<Item = Tokens<'t, 'a>> {
    names.split(|token| token.is_mark(","))
}

pub(super) fn after_the_name<'t, 'a>(tokens: Tokens<'t, 'a>) -> Tokens<'t, 'a> {
    let rest = &tokens[name_length(tokens)..];
    // `ALTER TABLE parcels * …` is the same with the tables below it.
    if rest.first().is_some_and(|token| token.is_mark("*")) { &rest[1..] } else { rest }
}
