//! The expand/contract rule: while a new version of a service is rolled out, or is rolled back, the version
//! before it runs on the migrated database, so a migration takes away nothing that it may use.

use std::collections::BTreeSet;

use crate::sql_text::{Kind, Token, tokens};

/// What marks a migration that takes something away on purpose, followed by why that is right now.
const MARK: &str = "groundcrew: contract";

/// A statement that takes away what a running version may use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Breach {
    pub(crate) line: usize,
    pub(crate) statement: String,
    pub(crate) problem: &'static str,
}

/// Judges migrations one after the other; what one of them has created nobody uses yet.
#[derive(Debug, Default)]
pub(crate) struct Judge {
    created: BTreeSet<String>,
}

type Tokens<'t, 'a> = &'t [Token<'a>];

// === impl Judge ===

impl Judge {
    /// The first breach in a migration, unless the migration is marked.
    pub(crate) fn judge(&mut self, sql: &str) -> Option<Breach> {
        let all = tokens(sql);
        let marked = all.iter().any(is_the_mark);
        let code: Vec<Token<'_>> = all.into_iter().filter(|token| token.kind != Kind::Comment).collect();
        let mut first = None;
        for statement in code.split(|token| token.is_mark(";")).filter(|statement| !statement.is_empty()) {
            let problem = self.problem(statement);
            if let Some(problem) = problem.filter(|_| first.is_none()) {
                first = Some(Breach { line: statement[0].line, statement: shown(sql, statement), problem });
            }
        }
        first.filter(|_| !marked)
    }

    fn problem(&mut self, statement: Tokens<'_, '_>) -> Option<&'static str> {
        match statement {
            [create, rest @ ..] if create.is("CREATE") => {
                self.created.extend(created_table(rest));
                None
            }
            [drop, what, rest @ ..] if drop.is("DROP") => {
                let rest = if what.is("MATERIALIZED") { rest.get(1..).unwrap_or_default() } else { rest };
                let kinds = ["TABLE", "VIEW", "MATERIALIZED", "SCHEMA", "TYPE", "DATABASE"];
                let used = kinds.iter().any(|kind| what.is(kind)) && !self.is_new(without_if_exists(rest));
                used.then_some("it drops what the running version may use")
            }
            [alter, what, rest @ ..] if alter.is("ALTER") => {
                let rest = if what.is("MATERIALIZED") || what.is("FOREIGN") { rest.get(1..)? } else { rest };
                let known = ["TABLE", "VIEW", "MATERIALIZED", "FOREIGN"].iter().any(|kind| what.is(kind));
                let rest = without_if_exists(rest);
                if !known || self.is_new(rest) {
                    return None;
                }
                actions(after_the_name(rest)).find_map(breach_of)
            }
            _ => None,
        }
    }

    /// Whether a name is of a table that these migrations have created.
    fn is_new(&self, name: Tokens<'_, '_>) -> bool {
        self.created.contains(&full_name(name))
    }
}

/// `-- groundcrew: contract <why>`.
fn is_the_mark(token: &Token<'_>) -> bool {
    let text = token.text.trim_start_matches('-').trim();
    token.kind == Kind::Comment
        && text.get(..MARK.len()).is_some_and(|start| start.eq_ignore_ascii_case(MARK))
        && !text[MARK.len()..].trim().is_empty()
}

fn created_table(rest: Tokens<'_, '_>) -> Option<String> {
    let table = rest.iter().position(|token| token.is("TABLE"))?;
    // `CREATE TEMPORARY TABLE`, `CREATE UNLOGGED TABLE`; not the `TABLE` of a trigger or a function.
    (table <= 2).then(|| full_name(without_if_exists(&rest[table + 1..])))
}

/// Without `IF [NOT] EXISTS` and `ONLY`.
fn without_if_exists<'t, 'a>(rest: Tokens<'t, 'a>) -> Tokens<'t, 'a> {
    let rest = match rest {
        [a, b, c, rest @ ..] if a.is("IF") && b.is("NOT") && c.is("EXISTS") => rest,
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

fn full_name(tokens: Tokens<'_, '_>) -> String {
    tokens[..name_length(tokens)].iter().map(Token::name).collect()
}

fn after_the_name<'t, 'a>(tokens: Tokens<'t, 'a>) -> Tokens<'t, 'a> {
    let rest = &tokens[name_length(tokens)..];
    // `ALTER TABLE parcels * …` is the same with the tables below it.
    if rest.first().is_some_and(|token| token.is_mark("*")) { &rest[1..] } else { rest }
}

/// The actions of an `ALTER TABLE`: what stands between commas outside of parentheses.
fn actions<'t, 'a>(rest: Tokens<'t, 'a>) -> impl Iterator<Item = Tokens<'t, 'a>> {
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

fn breach_of(action: Tokens<'_, '_>) -> Option<&'static str> {
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
        let name = if second_is(&["COLUMN"]) { 2 } else { 1 };
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

/// A statement on one line, cut where it is long.
fn shown(sql: &str, statement: Tokens<'_, '_>) -> String {
    const LONGEST: usize = 120;
    let (first, last) = (statement[0], statement[statement.len() - 1]);
    let text = &sql[first.start..last.start + last.text.len()];
    let mut line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if let Some((cut, _)) = line.char_indices().nth(LONGEST) {
        line.truncate(cut);
        line.push('…');
    }
    line
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn problem(sql: &str) -> Option<&'static str> {
        Judge::default().judge(sql).map(|breach| breach.problem)
    }

    #[test]
    fn what_takes_away_is_a_breach() {
        for sql in [
            "DROP TABLE parcels",
            "drop table if exists parcels, other cascade",
            "DROP MATERIALIZED VIEW totals",
            "DROP SCHEMA parcels CASCADE",
            "ALTER TABLE parcels DROP weight",
            "ALTER TABLE parcels DROP COLUMN IF EXISTS weight",
            "ALTER TABLE IF EXISTS ONLY public.\"Parcels\" * DROP COLUMN weight",
            "ALTER TABLE parcels ADD a INT, DROP COLUMN weight",
            "ALTER TABLE parcels ADD CHECK (a IN (1, 2)), DROP weight",
            "ALTER TABLE parcels RENAME TO boxes",
            "ALTER TABLE parcels RENAME weight TO mass",
            "ALTER TABLE parcels RENAME COLUMN weight TO mass",
            "ALTER VIEW totals RENAME TO sums",
            "ALTER TABLE parcels ALTER weight TYPE BIGINT",
            "ALTER TABLE parcels ALTER COLUMN weight SET DATA TYPE BIGINT USING weight::bigint",
            "ALTER TABLE parcels ALTER weight SET NOT NULL",
            "ALTER TABLE parcels ADD weight INT NOT NULL",
            "ALTER TABLE parcels ADD COLUMN IF NOT EXISTS weight INT NOT NULL CHECK (weight > 0)",
            "ALTER TABLE parcels SET SCHEMA archive",
        ] {
            assert!(problem(sql).is_some(), "{sql}");
        }
    }

    #[test]
    fn what_only_adds_or_relaxes_is_none() {
        for sql in [
            "CREATE TABLE parcels (weight INT NOT NULL)",
            "ALTER TABLE parcels ADD weight INT",
            "ALTER TABLE parcels ADD weight INT NOT NULL DEFAULT 0",
            "ALTER TABLE parcels ADD id BIGSERIAL NOT NULL",
            "ALTER TABLE parcels ADD total INT NOT NULL GENERATED ALWAYS AS (a + b) STORED",
            "ALTER TABLE parcels ADD CONSTRAINT heavy CHECK (weight IS NOT NULL)",
            "ALTER TABLE parcels DROP CONSTRAINT heavy",
            "ALTER TABLE parcels RENAME CONSTRAINT heavy TO light",
            "ALTER TABLE parcels ALTER weight DROP NOT NULL",
            "ALTER TABLE parcels ALTER weight SET DEFAULT 1",
            "ALTER TABLE parcels ALTER type SET DEFAULT 1",
            "ALTER INDEX heavy RENAME TO light",
            "DROP INDEX CONCURRENTLY IF EXISTS heavy",
            "UPDATE parcels SET drop_table = 'DROP TABLE parcels; ALTER TABLE parcels DROP weight'",
            "COMMENT ON TABLE parcels IS $$x; DROP TABLE parcels$$",
            "ALTER TABLE",
            "DROP",
            "ALTER MATERIALIZED",
        ] {
            assert_eq!(problem(sql), None, "{sql}");
        }
    }

    #[test]
    fn a_breach_is_named_by_line_and_statement() {
        let sql = "CREATE TABLE a (n INT);\n\n-- away\nALTER TABLE parcels\n  DROP COLUMN weight;\n";
        let breach = Judge::default().judge(sql).expect("a breach");
        assert_eq!((breach.line, &*breach.statement), (4, "ALTER TABLE parcels DROP COLUMN weight"));
    }

    #[test]
    fn a_mark_with_a_reason_allows_it_and_one_without_does_not() {
        assert_eq!(problem("-- groundcrew: contract unused since 1.4\nDROP TABLE parcels;"), None);
        for sql in [
            "-- groundcrew: contract\nDROP TABLE parcels;",
            "SELECT '-- groundcrew: contract no comment'; DROP TABLE parcels;",
        ] {
            assert!(problem(sql).is_some(), "{sql}");
        }
    }

    #[test]
    fn a_table_that_a_migration_before_has_created_is_used_by_nobody() {
        let mut judge = Judge::default();
        assert_eq!(judge.judge("CREATE TABLE IF NOT EXISTS parcels (n INT)"), None);
        assert_eq!(judge.judge("ALTER TABLE \"parcels\" DROP n; DROP TABLE Parcels"), None);
        assert!(judge.judge("DROP TABLE other").is_some());
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(sql in any::<String>()) {
            let _breach = problem(&sql);
        }

        #[test]
        fn no_mixture_of_its_words_makes_it_panic(
            words in prop::collection::vec(
                prop::sample::select(vec![
                    "ALTER", "TABLE", "DROP", "COLUMN", "RENAME", "TO", "IF", "EXISTS", "NOT", "ONLY", "ADD", "SET",
                    "TYPE", "DATA", "NULL", "MATERIALIZED", "VIEW", "CREATE", "(", ")", ",", ".", ";", "*", "a", "\"",
                ]),
                0..12,
            ),
        ) {
            let _breach = problem(&words.join(" "));
        }

        #[test]
        fn a_drop_is_found_behind_any_comment_and_literal(noise in "[a-z0-9 ]{0,20}") {
            let sql = format!("SELECT '{noise}'; /* {noise} */ -- {noise}\nDROP /* {noise} */ TABLE parcels");
            prop_assert_eq!(Judge::default().judge(&sql).map(|breach| breach.line), Some(2));
        }
    }
}
