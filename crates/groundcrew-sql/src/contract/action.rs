use super::Tokens;
use super::depth::Depth;
use super::name::behind_the_name;
use crate::sql_text::Token;

const DEMANDS: &str = "it demands a value that the running version may not give";

/// The actions of an `ALTER TABLE`: what stands between commas outside of parentheses.
pub(super) fn actions<'t, 'a>(rest: Tokens<'t, 'a>) -> impl Iterator<Item = Tokens<'t, 'a>> {
    let mut depth = Depth::default();
    rest.split(move |token| depth.is_outside(token) && token.is_mark(","))
}

/// What is wrong with one of them, if anything is.
pub(super) fn breach_of(action: Tokens<'_, '_>) -> Option<&'static str> {
    let [first, rest @ ..] = action else { return None };
    if first.is("DROP") {
        return (!begins(rest, &["CONSTRAINT"]))
            .then_some("it drops a column that the running version may use");
    }
    if first.is("RENAME") {
        return (!begins(rest, &["CONSTRAINT"])).then_some("it renames what the running version may use");
    }
    if first.is("SET") {
        return begins(rest, &["SCHEMA"]).then_some("it moves what the running version may use");
    }
    if first.is("ALTER") {
        return breach_of_change(rest);
    }
    if first.is("ADD") {
        return breach_of_addition(rest);
    }
    None
}

/// What is wrong with an action of an `ALTER DOMAIN`. What that one drops is no column, and what it adds is none.
pub(super) fn breach_of_domain(action: Tokens<'_, '_>) -> Option<&'static str> {
    if begins(action, &["SET"]) && has(action, &["NOT", "NULL"]) {
        return Some(DEMANDS);
    }
    breach_of(action).filter(|_| begins(action, &["RENAME", "SET"]))
}

/// Of `ALTER COLUMN …`.
fn breach_of_change(rest: Tokens<'_, '_>) -> Option<&'static str> {
    if has(rest, &["SET", "NOT", "NULL"]) {
        return Some(DEMANDS);
    }
    // After the name of the column, which may be `type`.
    let change = without(rest, &["COLUMN", "ATTRIBUTE"]).get(1..)?;
    if begins(change, &["DROP"]) && begins(&change[1..], &["DEFAULT", "IDENTITY"]) {
        return Some("it drops a default that the running version may leave a column to");
    }
    let change = without(without(change, &["SET"]), &["DATA"]);
    begins(change, &["TYPE"]).then_some("it changes the type of a column that the running version may use")
}

/// Of `ADD COLUMN …`.
fn breach_of_addition(rest: Tokens<'_, '_>) -> Option<&'static str> {
    let constraint = ["CONSTRAINT", "PRIMARY", "UNIQUE", "CHECK", "FOREIGN", "EXCLUDE"];
    if begins(rest, &constraint) || !has(rest, &["NOT", "NULL"]) {
        return None;
    }
    let column = match without(rest, &["COLUMN", "ATTRIBUTE"]) {
        [a, b, c, column @ ..] if a.is("IF") && b.is("NOT") && c.is("EXISTS") => column,
        column => column,
    };
    (!is_filled(behind_the_name(column)))
        .then_some("it adds a column that the running version gives no value, NOT NULL and without a default")
}

/// Whether a column of this definition has a value where none is given. Nothing in parentheses says so, and no
/// `SET DEFAULT` of a foreign key.
fn is_filled(definition: Tokens<'_, '_>) -> bool {
    let mut depth = Depth::default();
    let outside: Vec<&Token<'_>> = definition.iter().filter(|token| depth.is_outside(token)).collect();
    let is_default = |at: usize| outside[at].is("DEFAULT") && (at == 0 || !outside[at - 1].is("SET"));
    begins(definition, &["SERIAL", "BIGSERIAL", "SMALLSERIAL"])
        // `GENERATED ALWAYS AS …`, or without its first words.
        || (0..outside.len()).any(|at| outside[at].is("AS") || is_default(at))
}

/// Whether tokens begin with one of these words.
fn begins(tokens: Tokens<'_, '_>, words: &[&str]) -> bool {
    tokens.first().is_some_and(|token| words.iter().any(|word| token.is(word)))
}

/// Whether these words stand somewhere, one behind the other.
fn has(tokens: Tokens<'_, '_>, words: &[&str]) -> bool {
    tokens.windows(words.len()).any(|window| window.iter().zip(words).all(|(token, word)| token.is(word)))
}

/// Without the first word, where it is one of these.
fn without<'t, 'a>(tokens: Tokens<'t, 'a>, words: &[&str]) -> Tokens<'t, 'a> {
    if begins(tokens, words) { &tokens[1..] } else { tokens }
}
