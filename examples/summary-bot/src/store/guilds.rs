//! What people have set for their servers, on either backend.

use groundcrew::sql::{Database, Session};
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

// Both backends read `$1`.
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
        let (version, values, rules): (Option<i64>, Vec<ValueRow>, Vec<RuleRow>) = match &self.0 {
            Database::Sqlite(database) => {
                let read = async {
                    let version =
                        sqlx::query_scalar(VERSION).bind(guild).fetch_optional(database.read()).await?;
                    let values = sqlx::query_as(VALUES).bind(guild).fetch_all(database.read()).await?;
                    let rules = sqlx::query_as(RULES).bind(guild).fetch_all(database.read()).await?;
                    Ok::<_, sqlx::Error>((version, values, rules))
                };
                database.read().timed("select_guild", read).await?
            }
            Database::Postgres(database) => {
                let read = async {
                    let version = sqlx::query_scalar(VERSION).bind(guild).fetch_optional(database).await?;
                    let values = sqlx::query_as(VALUES).bind(guild).fetch_all(database).await?;
                    let rules = sqlx::query_as(RULES).bind(guild).fetch_all(database).await?;
                    Ok::<_, sqlx::Error>((version, values, rules))
                };
                database.connections().timed("select_guild", read).await?
            }
        };
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
        match &self.0 {
            Database::Sqlite(database) => {
                let write = async {
                    let mut transaction = database.begin().await?;
                    let version: i64 =
                        sqlx::query_scalar(RAISE).bind(guild).fetch_one(&mut *transaction).await?;
                    if expected.is_some_and(|expected| expected + 1 != version) {
                        return Ok(false);
                    }
                    for step in steps {
                        sqlite_step(&mut transaction, guild, by, now, step).await?;
                    }
                    transaction.commit().await.map(|()| true)
                };
                made(database.write().timed("change_guild", write).await)
            }
            Database::Postgres(database) => {
                let write = async {
                    let mut transaction = database.begin().await?;
                    let version: i64 =
                        sqlx::query_scalar(RAISE).bind(guild).fetch_one(&mut *transaction).await?;
                    if expected.is_some_and(|expected| expected + 1 != version) {
                        return Ok(false);
                    }
                    for step in steps {
                        postgres_step(&mut transaction, guild, by, now, step).await?;
                    }
                    transaction.commit().await.map(|()| true)
                };
                made(database.connections().timed("change_guild", write).await)
            }
        }
    }

    /// Takes back all that was set for a server.
    pub(crate) async fn reset_guild(&self, guild: &str) -> sqlx::Result<()> {
        match &self.0 {
            Database::Sqlite(database) => {
                let write = async {
                    let mut transaction = database.begin().await?;
                    sqlx::query_scalar::<_, i64>(RAISE).bind(guild).fetch_one(&mut *transaction).await?;
                    sqlx::query(DROP_VALUES).bind(guild).execute(&mut *transaction).await?;
                    sqlx::query(DROP_RULES).bind(guild).execute(&mut *transaction).await?;
                    transaction.commit().await
                };
                database.write().timed("reset_guild", write).await
            }
            Database::Postgres(database) => {
                let write = async {
                    let mut transaction = database.begin().await?;
                    sqlx::query_scalar::<_, i64>(RAISE).bind(guild).fetch_one(&mut *transaction).await?;
                    sqlx::query(DROP_VALUES).bind(guild).execute(&mut *transaction).await?;
                    sqlx::query(DROP_RULES).bind(guild).execute(&mut *transaction).await?;
                    transaction.commit().await
                };
                database.connections().timed("reset_guild", write).await
            }
        }
    }
}

fn made(changed: sqlx::Result<bool>) -> Result<(), Refusal> {
    if changed? { Ok(()) } else { Err(Refusal::Version) }
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

async fn sqlite_step(
    connection: &mut Session<sqlx::Sqlite>,
    guild: &str,
    by: &str,
    now: i64,
    step: Step,
) -> sqlx::Result<()> {
    let statement = match step {
        Step::SetValue { name, value } => {
            sqlx::query(SET_VALUE).bind(guild).bind(name).bind(value).bind(by).bind(now)
        }
        Step::DropValue { name } => sqlx::query(DROP_VALUE).bind(guild).bind(name),
        Step::SetRule { subject, level } => {
            let statement = sqlx::query(SET_RULE).bind(guild).bind(subject.kind.name()).bind(subject.id);
            statement.bind(level).bind(by).bind(now)
        }
        Step::DropRule { subject } => {
            sqlx::query(DROP_RULE).bind(guild).bind(subject.kind.name()).bind(subject.id)
        }
    };
    statement.execute(connection).await.map(drop)
}

async fn postgres_step(
    connection: &mut Session<sqlx::Postgres>,
    guild: &str,
    by: &str,
    now: i64,
    step: Step,
) -> sqlx::Result<()> {
    let statement = match step {
        Step::SetValue { name, value } => {
            sqlx::query(SET_VALUE).bind(guild).bind(name).bind(value).bind(by).bind(now)
        }
        Step::DropValue { name } => sqlx::query(DROP_VALUE).bind(guild).bind(name),
        Step::SetRule { subject, level } => {
            let statement = sqlx::query(SET_RULE).bind(guild).bind(subject.kind.name()).bind(subject.id);
            statement.bind(level).bind(by).bind(now)
        }
        Step::DropRule { subject } => {
            sqlx::query(DROP_RULE).bind(guild).bind(subject.kind.name()).bind(subject.id)
        }
    };
    statement.execute(connection).await.map(drop)
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
