use super::Tokens;

/// The actions of an `ALTER TABLE`: what stands between commas outside of parentheses.
pub(super) fn actions<'t, 'a>(rest: Tokens<'t, 'a>) -> impl Iterator<Item = Tokens<'t, 'a>> {
    let mut depth = 0usize;
    rest.split(move |token| {
        if token.is_mark("(") {
            depth += 1;
        } else if token.is_mark(")") {
            depth = depth.saturating_sub(1);
        }
        depth == 0 && token.is_mark(",")
    })
}

/// What is wrong with one of them, if anything is.
pub(super) fn breach_of(action: Tokens<'_, '_>) -> Option<&'static str> {
    let has = |words: &[&str]| {
        action.windows(words.len()).any(|window| window.iter().zip(words).all(|(token, word)| token.is(word)))
    };
    let second_is =
        |words: &[&str]| action.get(1).is_some_and(|token| words.iter().any(|word| token.is(word)));
    let [first, ..] = action else { return None };
    if first.is("DROP") {
        return (!second_is(&["CONSTRAINT"])).then_some("it drops a column that the running version may use");
    }
    if first.is("RENAME") {
        return (!second_is(&["CONSTRAINT"])).then_some("it renames what the running version may use");
    }
    if first.is("SET") {
        return second_is(&["SCHEMA"]).then_some("it moves what the running version may use");
    }
    if first.is("ALTER") {
        if has(&["SET", "NOT", "NULL"]) {
            return Some("it demands a value that the running version may not give");
        }
        // After the name of the column, which may be `type`.
        let name = if second_is(&["COLUMN", "ATTRIBUTE"]) { 2 } else { 1 };
        let change = action.get(name + 1..).unwrap_or_default();
        let change = if change.first()?.is("SET") { &change[1..] } else { change };
        let change = if change.first()?.is("DATA") { &change[1..] } else { change };
        return change
            .first()?
            .is("TYPE")
            .then_some("it changes the type of a column that the running version may use");
    }
    if first.is("ADD") {
        let constraint = ["CONSTRAINT", "PRIMARY", "UNIQUE", "CHECK", "FOREIGN", "EXCLUDE"];
        let filled = ["DEFAULT", "GENERATED", "AS", "SERIAL", "BIGSERIAL", "SMALLSERIAL"];
        let is_filled = action.iter().any(|token| filled.iter().any(|word| token.is(word)));
        return (!second_is(&constraint) && has(&["NOT", "NULL"]) && !is_filled).then_some(
            "it adds a column that the running version gives no value, NOT NULL and without a default",
        );
    }
    None
}
