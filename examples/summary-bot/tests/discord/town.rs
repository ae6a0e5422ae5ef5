//! A local Discord with a server in it, and a bot that is connected to it.

use std::time::Duration;

use groundcrew_testkit_discord::{Discord, Interaction, Limits, Options, Snowflake};
use serde_json::Value;
use sqlx::sqlite::SqlitePoolOptions;
use summary_bot::Config;
use tempfile::TempDir;

use crate::service::{self, Bot};

/// Longer than anything here should take on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A server with a channel and two people.
pub(crate) struct Town {
    pub(crate) discord: Discord,
    pub(crate) guild: Snowflake,
    pub(crate) apron: Snowflake,
    pub(crate) ada: Snowflake,
    pub(crate) ben: Snowflake,
    pub(crate) folder: TempDir,
}

/// What people said on the apron.
pub(crate) const SAID: [&str; 6] = [
    "The ARM build is broken since the compiler update on Monday.",
    "Which version of the compiler is on the build machine now?",
    "It is version 14.2, and the linker refuses the new relocations.",
    "We decided to pin the old compiler until the release is out.",
    "I will pin the compiler and rebuild the ARM packages by Friday.",
    "Good, then the release goes out on Monday as planned.",
];

impl Town {
    pub(crate) async fn new() -> Self {
        Self::with(options()).await
    }

    pub(crate) async fn with(options: Options) -> Self {
        let discord = Discord::start_with(options).await.expect("a local Discord");
        let guild = discord.guild("Ground crew").create();
        let apron = discord.channel(guild, "apron").create();
        let (ada, ben) = (discord.member(guild, "ada").create(), discord.member(guild, "ben").create());
        let folder = TempDir::new().expect("a folder");
        Self { discord, guild, apron, ada, ben, folder }
    }

    /// What the two of them said, a minute apart.
    pub(crate) fn talk(&self, channel: Snowflake) -> Vec<Snowflake> {
        let count = SAID.len() as u64;
        let said = SAID.iter().zip(0_u64..);
        said.map(|(text, index)| {
            let author = if index % 2 == 0 { self.ada } else { self.ben };
            let ago = Duration::from_secs(60 * (count - index));
            self.discord.message(channel, author, text).ago(ago).send()
        })
        .collect()
    }

    /// A configuration that leads here.
    pub(crate) fn config(&self) -> Config {
        self.point(service::config(&self.folder.path().join("bot.db")))
    }

    pub(crate) fn point(&self, mut config: Config) -> Config {
        config.discord.token = Some(self.discord.token().into());
        config.discord.api_url = self.discord.api();
        config
    }

    /// A bot that is connected and has registered its commands.
    pub(crate) async fn bot(&self) -> Bot {
        let bot = Bot::start(self.config()).await;
        self.settled().await;
        bot
    }

    /// The newest summary as the database has it: private ones are shown by the API to whoever asked for them.
    pub(crate) async fn newest(&self) -> Value {
        self.documents().await.pop().expect("a summary")
    }

    /// All summaries, the oldest first.
    pub(crate) async fn documents(&self) -> Vec<Value> {
        let file = format!("sqlite:{}", self.folder.path().join("bot.db").display());
        let pool = SqlitePoolOptions::new().connect(&file).await.expect("the database");
        let select = sqlx::query_scalar::<_, String>("SELECT document FROM summaries ORDER BY id");
        let documents = select.fetch_all(&pool).await.expect("the summaries");
        pool.close().await;
        documents.iter().map(|document| serde_json::from_str(document).expect("JSON")).collect()
    }

    /// Waits until somebody is connected and the commands are known.
    pub(crate) async fn settled(&self) {
        self.discord.connected(1, PATIENCE).await.expect("a session");
        let known = |discord: &Discord| !discord.commands(None).is_empty();
        self.discord.until("the commands are registered", PATIENCE, known).await.expect("commands");
    }

    /// Ada uses a command on the apron.
    pub(crate) fn ada_asks(&self, command: &str) -> Interaction {
        self.discord.command(command).by(self.ada).in_channel(self.apron).fire().expect("a command")
    }
}

/// Nothing that only takes time: sessions may follow each other at once, and no rate is limited.
pub(crate) fn options() -> Options {
    Options { identify_every: Duration::ZERO, limits: Limits::none(), ..Options::default() }
}
