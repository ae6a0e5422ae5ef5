//! What people have set for their servers.

use groundcrew::sql::{Statement, statement};
use jiff::Timestamp;

use super::Store;
use crate::settings::{Change, Key, Rule, Source, Stored, StoredValue, Subject, SubjectKind};

/// Why a change was not made.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refusal {
    /// Somebody else was faster.
    #[error("the settings have another version by now")]
    Version,
    #[error(transparent)]
    Storage(#[from] sqlx::Error),
}

type ValueRow = (String, String, String, i64);
type RuleRow = (String, String, String, String, i64);

const VERSION: &str = "SELECT version FROM guilds WHERE guild_id = $1";
const VALUES: &str =
    "SELECT name, value, updated_by, updated_ms FROM guild_settings WHERE guild_id = $1 ORDER BY name";
const RULES: &str = "SELECT kind, subject_id, level, updated_by, updated_ms FROM guild_rules \
     WHERE guild_id = $1 ORDER BY kind, subject_id";
const RAISE: &str = "INSERT INTO guilds (guild_id, version) VALUES ($1, 1) \
     ON CONFLICT (guild_id) DO UPDATE SET version = guilds.version + 1 RETURNING version";
const SET_VALUE: &str = "INSERT INTO guild_settings (guild_id, name, value, updated_by, updated_ms) \
     VALUES ($1, $2, $3, $4, $5) ON CONFLICT (guild_id, name) DO UPDATE \
     SET value = excluded.value, updated_by = excluded.updated_by, updated_ms = excluded.updated_ms";
const DROP_VALUE: &str = "DELETE FROM guild_settings WHERE guild_id = $1 AND name = $2";
const SET_RULE: &str = "INSERT INTO guild_rules (guild_id, kind, subject_id, level, updated_by, updated_ms) \
     VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (guild_id, kind, subject_id) DO UPDATE \
     SET level = excluded.level, updated_by = excluded.updated_by, updated_ms = excluded.updated_ms";
const DROP_RULE: &str = "DELETE FROM guild_rules WHERE guild_id = $1 AND kind = $2 AND subject_id = $3";
const DROP_VALUES: &str = "DELETE FROM guild_settings WHERE guild_id = $1";
const DROP_RULES: &str = "DELETE FROM guild_rules WHERE guild_id = $1";

/// One statement of a change, ready to be bound.
enum Step {
    SetValue { name: &'static str, value: String },
    DropValue { name: &'static str },
    SetRule { subject: Subject, level: String },
    DropRule { subject: Subject },
}

// === impl Store ===

impl Store {
    /// What is stored about a server; nothing, with version 0, where there was no change.
    pub(crate) async fn guild(&self, guild: &str) -> sqlx::Result<Stored> {
        // The version first: what is read with an older version than it has is refused when it is changed.
        let read = async {
            let version = statement(VERSION).bind(guild).scalar().fetch_optional(self.0.read()).await?;
            let values: Vec<ValueRow> = statement(VALUES).bind(guild).fetch_all(self.0.read()).await?;
            let rules: Vec<RuleRow> = statement(RULES).bind(guild).fetch_all(self.0.read()).await?;
            Ok::<_, sqlx::Error>((version, values, rules))
        };
        let (version, values, rules) = self.0.read().timed("select_guild", read).await?;
        let values = values.into_iter().filter_map(value_of).collect();
        let rules = rules.into_iter().filter_map(rule_of).collect();
        Ok(Stored { version: version.unwrap_or(0), values, rules })
    }

    /// Makes a change, all of it or nothing.
    pub(crate) async fn change_guild(
        &self,
        guild: &str,
        by: &str,
        expected: Option<i64>,
        change: Change,
    ) -> Result<(), Refusal> {
        let (steps, now) = (steps(change), Timestamp::now().as_millisecond());
        let write = async {
            let mut transaction = self.0.begin().await?;
            let version: i64 = statement(RAISE).bind(guild).scalar().fetch_one(&mut transaction).await?;
            if expected.is_some_and(|expected| expected + 1 != version) {
                return Err(Refusal::Version);
            }
            for step in steps {
                step.statement(guild, by, now).execute(&mut transaction).await?;
            }
            Ok(transaction.commit().await?)
        };
        self.0.write().timed("change_guild", write).await
    }

    /// Takes back all that was set for a server.
    pub(crate) async fn reset_guild(&self, guild: &str) -> sqlx::Result<()> {
        let write = async {
            let mut transaction = self.0.begin().await?;
            for sql in [RAISE, DROP_VALUES, DROP_RULES] {
                statement(sql).bind(guild).execute(&mut transaction).await?;
            }
            transaction.commit().await
        };
        self.0.write().timed("reset_guild", write).await
    }
}

fn steps(change: Change) -> Vec<Step> {
    let values = change.values.into_iter().map(|(key, value)| match value {
        Some(value) => Step::SetValue { name: key.name(), value: value.to_string() },
        None => Step::DropValue { name: key.name() },
    });
    let rules = change.rules.into_iter().map(|(subject, level)| match level {
        Some(level) => Step::SetRule { subject, level: level.name().to_owned() },
        None => Step::DropRule { subject },
    });
    values.chain(rules).collect()
}

/// What this version does not know was set by a newer one: it is left alone.
fn value_of((name, value, by, at): ValueRow) -> Option<StoredValue> {
    let (key, value) = (Key::of_name(&name)?, serde_json::from_str(&value).ok()?);
    Some(StoredValue { key, value, by, at: Timestamp::from_millisecond(at).ok()? })
}

fn rule_of((kind, id, level, by, at): RuleRow) -> Option<Rule> {
    let subject = Subject { kind: SubjectKind::of_name(&kind)?, id };
    let level = crate::discord::access::Level::of_name(&level)?;
    Some(Rule { subject, level, origin: Source::Stored { by, at: Timestamp::from_millisecond(at).ok()? } })
}

// === impl Step ===

impl Step {
    fn statement<'a>(self, guild: &'a str, by: &'a str, now: i64) -> Statement<'a> {
        match self {
            Self::SetValue { name, value } => {
                statement(SET_VALUE).bind(guild).bind(name).bind(value).bind(by).bind(now)
            }
            Self::DropValue { name } => statement(DROP_VALUE).bind(guild).bind(name),
            Self::SetRule { subject, level } => {
                let set = statement(SET_RULE).bind(guild).bind(subject.kind.name()).bind(subject.id);
                set.bind(level).bind(by).bind(now)
            }
            Self::DropRule { subject } => {
                statement(DROP_RULE).bind(guild).bind(subject.kind.name()).bind(subject.id)
            }
        }
    }
}
