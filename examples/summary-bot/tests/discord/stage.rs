//! A server with a channel, people and the bot in it.
#![allow(unreachable_pub, missing_docs, reason = "one binary")]

use std::time::Duration;

use groundcrew::config::Secret;
use groundcrew_testkit_discord::{Discord, Fire, Interaction, Snowflake};
use serde_json::Value;
use sqlx::sqlite::SqlitePoolOptions;
use summary_bot::Config;
use tempfile::TempDir;

use crate::service::{Bot, SAMPLE, config, file};

pub const PATIENCE: Duration = Duration::from_secs(60);

/// The bot, and where it is used.
pub struct Stage {
    pub discord: Discord,
    pub bot: Bot,
    pub guild: Snowflake,
    /// Everybody reads it.
    pub hall: Snowflake,
    /// Only Ada reads it.
    pub cellar: Snowflake,
    pub ada: Snowflake,
    pub ben: Snowflake,
    database: String,
    folder: TempDir,
}

/// Whose a summary is.
pub struct Of {
    pub channel: Snowflake,
    pub by: Snowflake,
    pub private: bool,
}

// === impl Stage ===

impl Stage {
    pub async fn set() -> Self {
        Self::set_with(|_| ()).await
    }

    /// With another configuration; the commands are registered when it returns.
    pub async fn set_with(change: impl FnOnce(&mut Config)) -> Self {
        Self::set_for(|config, _| change(config)).await
    }

    /// With a configuration that names Ben.
    pub async fn set_for(change: impl FnOnce(&mut Config, Snowflake)) -> Self {
        let discord = Discord::start().await.expect("a local Discord");
        let guild = discord.guild("Ferry App").create();
        let hall = discord.channel(guild, "hall").create();
        let keys = discord.role(guild, "keys").create();
        let cellar = discord.channel(guild, "cellar").only_for_role(keys).create();
        let ada = discord.member(guild, "ada").role(keys).create();
        let ben = discord.member(guild, "ben").create();

        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("bot.db");
        let mut config = config(&file);
        config.discord.token = Some(Secret::new(discord.token()));
        config.discord.api_url = discord.api();
        change(&mut config, ben);
        let bot = Bot::start(config).await;
        discord.connected(1, PATIENCE).await.expect("a session");
        discord
            .until("registered", PATIENCE, |discord| !discord.commands(None).is_empty())
            .await
            .expect("commands");
        let database = format!("sqlite:{}", file.display());
        Self { discord, bot, guild, hall, cellar, ada, ben, database, folder }
    }

    /// A stored summary of a channel.
    pub async fn summary(&self, of: Of) -> String {
        let made = self.bot.post("?min_messages=1", SAMPLE);
        assert_eq!(made.status, 201, "{}", made.body);
        let id = made.json()["id"].as_str().expect("an id").to_owned();
        let pool = SqlitePoolOptions::new().connect(&self.database).await.expect("the database");
        let (guild, channel, by) = (self.guild.to_string(), of.channel.to_string(), of.by.to_string());
        let update = sqlx::query(
            "UPDATE summaries SET guild_id = $1, channel_id = $2, requested_by = $3, private = $4, \
             document = json_set(document, '$.origin', json_object('guild_id', $1, 'channel_id', $2, \
             'requested_by', $3, 'private', json(CASE WHEN $4 THEN 'true' ELSE 'false' END))) WHERE id = $5",
        );
        let update = update.bind(guild).bind(channel).bind(by).bind(of.private).bind(&id);
        update.execute(&pool).await.expect("updated");
        pool.close().await;
        id
    }

    /// A summary as the database has it.
    pub async fn document(&self, id: &str) -> Value {
        let pool = SqlitePoolOptions::new().connect(&self.database).await.expect("the database");
        let select = sqlx::query_scalar::<_, String>("SELECT document FROM summaries WHERE id = $1").bind(id);
        let document = select.fetch_one(&pool).await.expect("a summary");
        pool.close().await;
        serde_json::from_str(&document).expect("JSON")
    }

    /// Whether the database has a summary.
    pub async fn has(&self, id: &str) -> bool {
        let pool = SqlitePoolOptions::new().connect(&self.database).await.expect("the database");
        let select = sqlx::query_scalar::<_, i64>("SELECT COUNT(*) FROM summaries WHERE id = $1").bind(id);
        let count = select.fetch_one(&pool).await.expect("counted");
        pool.close().await;
        count == 1
    }

    /// Leaves everything that was made for an `Idempotency-Key`, and no answer: as who dies before they have answered.
    pub async fn forget_answers(&self) {
        let pool = file(&self.folder).await;
        let forget = "UPDATE replays SET status = NULL, headers = NULL, body = NULL, claimed_ms = 0";
        sqlx::query(forget).execute(&pool).await.expect("forgotten");
        pool.close().await;
    }

    /// Waits until nothing is left of the runs of schedules, nor of what they send.
    pub async fn runs_over(&self) {
        let pool = SqlitePoolOptions::new().connect(&self.database).await.expect("the database");
        let left =
            "SELECT COUNT(*) FROM groundcrew_jobs WHERE name IN ('summarize_channels', 'post_summary')";
        let over = async {
            while sqlx::query_scalar::<_, i64>(left).fetch_one(&pool).await.expect("counted") > 0 {
                // Not a wait: a pause between two looks.
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(PATIENCE, over).await.expect("the runs come to their end");
        pool.close().await;
    }

    /// Somebody does something; the bot has answered once when it returns.
    pub async fn answer(&self, fire: Fire) -> Interaction {
        let interaction = fire.fire().expect("Discord lets it be done");
        let record = interaction.answered().await.expect("an answer");
        let late = record.acknowledged_after().expect("acknowledged");
        assert!(late < Duration::from_secs(3), "{late:?}");
        assert!(record.answered_once(), "{record:?}");
        interaction
    }

    /// `/name` in the hall.
    pub fn command(&self, name: &str, by: Snowflake) -> Fire {
        self.discord.command(name).by(by).in_channel(self.hall)
    }

    /// The owner of the server.
    pub fn owner(&self) -> Snowflake {
        self.discord.owner()
    }
}

/// Whether only whoever asked sees the answer.
pub fn is_private(interaction: &Interaction) -> bool {
    let flags = interaction.original().expect("an answer")["flags"].as_u64().unwrap_or_default();
    flags & 64 != 0
}

/// The ids of all buttons below a message.
pub fn buttons_of(message: &Value) -> Vec<String> {
    let rows = message["components"].as_array().into_iter().flatten();
    let buttons = rows.flat_map(|row| row["components"].as_array().into_iter().flatten());
    buttons.filter_map(|button| button["custom_id"].as_str().map(str::to_owned)).collect()
}
