//! The expand/contract rule: while a new version of a service is rolled out, or is rolled back, the version
//! before it runs on the migrated database, so a migration takes away nothing that it may use.

mod action;
mod depth;
mod name;

use std::collections::BTreeSet;

use self::action::{actions, breach_of, breach_of_domain};
use self::name::{Name, after_the_name, listed, name, without_if_exists};
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
    created: BTreeSet<Name>,
    /// The unique indexes that the database has, those behind constraints among them.
    unique: BTreeSet<String>,
}

type Tokens<'t, 'a> = &'t [Token<'a>];

/// What is used by its name, so that dropping it is a breach.
const USED: [&str; 14] = [
    "TABLE",
    "VIEW",
    "MATERIALIZED",
    "FOREIGN",
    "SCHEMA",
    "DATABASE",
    "TYPE",
    "DOMAIN",
    "SEQUENCE",
    "FUNCTION",
    "PROCEDURE",
    "ROUTINE",
    "AGGREGATE",
    "EXTENSION",
];

/// What has the actions of an `ALTER TABLE`, or some of them.
const ALTERED: [&str; 12] = [
    "TABLE",
    "VIEW",
    "MATERIALIZED",
    "FOREIGN",
    "TYPE",
    "DOMAIN",
    "SEQUENCE",
    "SCHEMA",
    "FUNCTION",
    "PROCEDURE",
    "ROUTINE",
    "AGGREGATE",
];

const NO_LONGER_UNIQUE: &str = "it drops a uniqueness that the running version may name in ON CONFLICT";

// === impl Judge ===

impl Judge {
    /// For a database with these unique indexes.
    pub(crate) fn of(unique: BTreeSet<String>) -> Self {
        Self { unique, ..Self::default() }
    }

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
            [drop, what, rest @ ..] if drop.is("DROP") => self.dropped(what, rest),
            [alter, what, rest @ ..] if alter.is("ALTER") => {
                let rest = if what.is("MATERIALIZED") || what.is("FOREIGN") { rest.get(1..)? } else { rest };
                let rest = without_if_exists(rest);
                let is_table = what.is("TABLE") || what.is("FOREIGN");
                let is_new = is_table && name(rest).is_some_and(|name| self.created.contains(&name));
                if is_new || !ALTERED.iter().any(|kind| what.is(kind)) {
                    return None;
                }
                let judged: fn(Tokens<'_, '_>) -> Option<&'static str> =
                    if what.is("DOMAIN") { breach_of_domain } else { breach_of };
                actions(after_the_name(rest))
                    .find_map(|action| self.breach_of_uniqueness(action).or_else(|| judged(action)))
            }
            _ => None,
        }
    }

    fn dropped(&mut self, what: &Token<'_>, rest: Tokens<'_, '_>) -> Option<&'static str> {
        match rest {
            [concurrently, rest @ ..] if what.is("INDEX") && concurrently.is("CONCURRENTLY") => {
                return self.dropped(what, rest);
            }
            [table, rest @ ..] if what.is("FOREIGN") && table.is("TABLE") => {
                return self.dropped(table, rest);
            }
            _ => {}
        }
        let rest = without_if_exists(rest);
        if what.is("INDEX") {
            return listed(rest).any(|index| self.is_unique(index)).then_some(NO_LONGER_UNIQUE);
        }
        if what.is("TABLE") && self.takes_back(rest) {
            return None;
        }
        USED.iter().any(|kind| what.is(kind)).then_some("it drops what the running version may use")
    }

    /// Whether all of these tables were created by these migrations. They are gone now: another of such a name is
    /// not theirs.
    fn takes_back(&mut self, tables: Tokens<'_, '_>) -> bool {
        let names: Option<Vec<Name>> = listed(tables).map(name).collect();
        let Some(names) = names.filter(|names| names.iter().all(|name| self.created.contains(name))) else {
            return false;
        };
        for name in &names {
            self.created.remove(name);
        }
        true
    }

    fn breach_of_uniqueness(&self, action: Tokens<'_, '_>) -> Option<&'static str> {
        let [drop, constraint, rest @ ..] = action else { return None };
        let is_dropped = drop.is("DROP") && constraint.is("CONSTRAINT");
        (is_dropped && self.is_unique(without_if_exists(rest))).then_some(NO_LONGER_UNIQUE)
    }

    /// Whether the database has a unique index of this name, in whatever schema. SQLite does not mind capitals.
    fn is_unique(&self, index: Tokens<'_, '_>) -> bool {
        let index = name(index).and_then(|mut parts| parts.pop());
        index.is_some_and(|index| self.unique.iter().any(|known| known.eq_ignore_ascii_case(&index)))
    }
}

/// `-- groundcrew: contract <why>`.
fn is_the_mark(token: &Token<'_>) -> bool {
    let text = token.text.trim_start_matches('-').trim();
    token.kind == Kind::Comment
        && text.get(..MARK.len()).is_some_and(|start| start.eq_ignore_ascii_case(MARK))
        && !text[MARK.len()..].trim().is_empty()
}

/// The table that a `CREATE` creates for sure: one with `IF NOT EXISTS` may be there already, and in use.
fn created_table(rest: Tokens<'_, '_>) -> Option<Name> {
    let table = rest.iter().position(|token| token.is("TABLE"))?;
    let rest = &rest[table + 1..];
    // `CREATE TEMPORARY TABLE`, `CREATE UNLOGGED TABLE`; not the `TABLE` of a trigger or a function.
    let creates = table <= 2 && !matches!(rest, [a, b, ..] if a.is("IF") && b.is("NOT"));
    creates.then(|| name(rest))?
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
            "ALTER TABLE parcels ADD COLUMN serial TEXT NOT NULL",
            "ALTER TABLE parcels ADD COLUMN [serial] TEXT NOT NULL",
            "ALTER TABLE parcels ADD COLUMN w TEXT NOT NULL CHECK (CAST(w AS INT) > 0)",
            "ALTER TABLE parcels ADD COLUMN t INT NOT NULL REFERENCES towns ON DELETE SET DEFAULT",
            "ALTER TABLE parcels ALTER weight DROP DEFAULT",
            "ALTER TABLE parcels ALTER COLUMN weight DROP DEFAULT",
            "ALTER TABLE parcels ALTER id DROP IDENTITY IF EXISTS",
            "ALTER TABLE [parcels] DROP COLUMN weight",
            "ALTER TABLE [parcels] RENAME TO boxes",
            "ALTER TABLE main.[many parcels] DROP COLUMN weight",
            "ALTER TABLE parcels SET SCHEMA archive",
            "ALTER TYPE size RENAME VALUE 'small' TO 'tiny'",
            "ALTER TYPE size RENAME TO extent",
            "ALTER TYPE address DROP ATTRIBUTE IF EXISTS town CASCADE",
            "ALTER TYPE address ALTER ATTRIBUTE town TYPE INT",
            "ALTER SEQUENCE numbers RENAME TO counts",
            "ALTER SCHEMA parcels RENAME TO boxes",
            "ALTER FUNCTION total(int, numeric(9, 2)) RENAME TO sum",
            "ALTER FUNCTION total RENAME TO sum",
            "ALTER PROCEDURE settle() SET SCHEMA archive",
            "ALTER ROUTINE settle(int) RENAME TO pay",
            "ALTER AGGREGATE sums(*) RENAME TO totals",
            "ALTER DOMAIN weight RENAME TO mass",
            "ALTER DOMAIN weight SET SCHEMA archive",
            "ALTER DOMAIN weight SET NOT NULL",
            "DROP FUNCTION IF EXISTS total(int, text)",
            "DROP PROCEDURE settle",
            "DROP AGGREGATE sums (int)",
            "DROP SEQUENCE numbers",
            "DROP FOREIGN TABLE remote",
            "DROP DOMAIN weight",
            "DROP EXTENSION pg_trgm",
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
            "ALTER TABLE parcels ADD serial SERIAL NOT NULL",
            "ALTER TABLE parcels ADD total INT NOT NULL GENERATED ALWAYS AS (a + b) STORED",
            "ALTER TABLE parcels ADD total INT NOT NULL AS (a + b)",
            "ALTER TABLE parcels ADD id INT NOT NULL GENERATED BY DEFAULT AS IDENTITY",
            "ALTER TABLE parcels ADD t INT DEFAULT 1 NOT NULL REFERENCES towns ON DELETE SET DEFAULT",
            "ALTER TABLE [parcels] ADD [a weight] INT NOT NULL DEFAULT 0",
            "ALTER TABLE parcels ADD CONSTRAINT heavy CHECK (weight IS NOT NULL)",
            "ALTER TABLE parcels DROP CONSTRAINT heavy",
            "ALTER TABLE parcels RENAME CONSTRAINT heavy TO light",
            "ALTER TABLE parcels ALTER weight DROP NOT NULL",
            "ALTER TABLE parcels ALTER weight SET DEFAULT 1",
            "ALTER TABLE parcels ALTER type SET DEFAULT 1",
            "ALTER INDEX heavy RENAME TO light",
            "DROP INDEX CONCURRENTLY IF EXISTS heavy",
            "DROP TRIGGER heavy ON parcels",
            "ALTER TYPE size ADD VALUE IF NOT EXISTS 'huge' BEFORE 'large'",
            "ALTER TYPE address ADD ATTRIBUTE town TEXT",
            "ALTER SEQUENCE numbers RESTART WITH 7",
            "ALTER FUNCTION total(int) OWNER TO clerk",
            "ALTER FUNCTION total(int) SET search_path TO a, b",
            "ALTER DOMAIN weight DROP NOT NULL",
            "ALTER DOMAIN weight DROP DEFAULT",
            "ALTER DOMAIN weight DROP CONSTRAINT heavy",
            "ALTER DOMAIN weight ADD CHECK (VALUE IS NOT NULL)",
            "ALTER DOMAIN weight SET DEFAULT 1",
            "ALTER DOMAIN weight RENAME CONSTRAINT heavy TO light",
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
        assert_eq!(judge.judge("CREATE TABLE parcels (n INT); CREATE FOREIGN TABLE b (n INT)"), None);
        assert_eq!(judge.judge("ALTER TABLE \"parcels\" DROP n; DROP TABLE Parcels"), None);
        assert_eq!(judge.judge("DROP FOREIGN TABLE IF EXISTS b CASCADE"), None);
        assert!(judge.judge("DROP TABLE other").is_some());
    }

    #[test]
    fn only_what_is_created_for_sure_and_is_still_there_is_new() {
        for sql in [
            "CREATE TABLE tmp (n INT); DROP TABLE tmp, parcels",
            "CREATE TABLE tmp (n INT); DROP TABLE IF EXISTS parcels, tmp CASCADE",
            "CREATE TABLE IF NOT EXISTS parcels (n INT); ALTER TABLE parcels DROP COLUMN weight",
            "CREATE TABLE IF NOT EXISTS parcels (n INT); DROP TABLE parcels",
            "CREATE TEMP TABLE parcels (n INT); DROP TABLE parcels; DROP TABLE parcels",
            "CREATE TABLE audit (n INT); DROP SCHEMA audit CASCADE",
            "CREATE TABLE totals (n INT); DROP FUNCTION totals",
            "CREATE TABLE totals (n INT); ALTER FUNCTION totals RENAME TO sums",
            "CREATE TABLE \"a.parcels\" (n INT); DROP TABLE a.parcels",
            "CREATE TABLE [tmp] (n INT); DROP TABLE [parcels]",
        ] {
            assert!(problem(sql).is_some(), "{sql}");
        }
        assert_eq!(problem("CREATE TABLE a (n INT); CREATE TABLE x.b (n INT); DROP TABLE a, x.b"), None);
        assert_eq!(problem("CREATE TABLE [A b] (n INT); ALTER TABLE [a b] DROP n; DROP TABLE [a B]"), None);
    }

    #[test]
    fn what_keeps_values_unique_may_be_named_by_the_running_version() {
        let problem = |sql| {
            let unique = ["parcels_name_key", "By Town"].map(str::to_owned);
            Judge::of(unique.into()).judge(sql).map(|breach| breach.problem)
        };
        for sql in [
            "ALTER TABLE parcels DROP CONSTRAINT parcels_name_key",
            "ALTER TABLE parcels ADD n INT, DROP CONSTRAINT IF EXISTS Parcels_Name_Key CASCADE",
            "DROP INDEX parcels_name_key",
            "DROP INDEX CONCURRENTLY IF EXISTS heavy, public.\"By Town\" RESTRICT",
            "DROP INDEX [parcels_name_key]",
            "DROP INDEX main.[By Town]",
        ] {
            assert_eq!(problem(sql), Some(NO_LONGER_UNIQUE), "{sql}");
        }
        for sql in [
            "DROP INDEX heavy",
            "ALTER TABLE parcels DROP CONSTRAINT heavy",
            "CREATE TABLE a (n INT); ALTER TABLE a DROP CONSTRAINT parcels_name_key",
        ] {
            assert_eq!(problem(sql), None, "{sql}");
        }
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
                    "INDEX", "CONCURRENTLY", "FOREIGN", "CONSTRAINT", "DOMAIN", "DEFAULT", "[", "]",
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
