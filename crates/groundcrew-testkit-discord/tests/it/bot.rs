//! A small bot, made of serenity itself.

use groundcrew_testkit_discord::Discord;
use parking_lot::Mutex;
use serenity::all::{
    Command, Context, CreateCommand, CreateCommandOption, CreateInteractionResponse,
    CreateInteractionResponseMessage, EditInteractionResponse, EventHandler, GatewayIntents, Http,
    HttpBuilder, Interaction, Message, Ready, ResumedEvent,
};
use serenity::client::ClientBuilder;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinHandle;

pub(crate) const SOON: Duration = Duration::from_secs(20);

/// What the bot heard.
#[derive(Debug, Default)]
pub(crate) struct Heard {
    pub(crate) ready: usize,
    pub(crate) resumed: usize,
    pub(crate) messages: Vec<String>,
}

pub(crate) struct Bot {
    pub(crate) heard: Arc<Mutex<Heard>>,
    task: JoinHandle<serenity::Result<()>>,
}

struct Handler(Arc<Mutex<Heard>>);

#[serenity::async_trait]
impl EventHandler for Handler {
    async fn ready(&self, context: Context, _: Ready) {
        self.0.lock().ready += 1;
        let text = CreateCommandOption::new(serenity::all::CommandOptionType::String, "text", "what to say");
        let say = CreateCommand::new("say").description("says it").add_option(text.required(true));
        Command::set_global_commands(&context.http, vec![say]).await.expect("registered");
    }

    async fn resume(&self, _: Context, _: ResumedEvent) {
        self.0.lock().resumed += 1;
    }

    async fn message(&self, _: Context, message: Message) {
        self.0.lock().messages.push(message.content);
    }

    /// Defers, then edits: what a bot with work to do does. Failures show in the interaction's record.
    async fn interaction_create(&self, context: Context, interaction: Interaction) {
        let Interaction::Command(command) = interaction else { return };
        let defer = CreateInteractionResponse::Defer(CreateInteractionResponseMessage::new());
        if command.create_response(&context.http, defer).await.is_err() {
            return;
        }
        let text = command.data.options[0].value.as_str().unwrap_or_default();
        let _ = command.edit_response(&context.http, EditInteractionResponse::new().content(text)).await;
    }
}

pub(crate) fn intents() -> GatewayIntents {
    GatewayIntents::GUILDS | GatewayIntents::GUILD_MESSAGES | GatewayIntents::MESSAGE_CONTENT
}

pub(crate) fn http(discord: &Discord) -> Http {
    HttpBuilder::new(discord.token()).proxy(discord.api()).ratelimiter_disabled(true).build()
}

impl Bot {
    pub(crate) async fn start(discord: &Discord) -> Self {
        let heard = Arc::new(Mutex::new(Heard::default()));
        let handler = Handler(Arc::clone(&heard));
        let mut client = ClientBuilder::new_with_http(http(discord), intents())
            .event_handler(handler)
            .await
            .expect("a client");
        let task = tokio::spawn(async move { client.start().await });
        Self { heard, task }
    }

    /// One that is connected and has registered its command.
    pub(crate) async fn ready(discord: &Discord) -> Self {
        let bot = Self::start(discord).await;
        discord.until("registered", SOON, |discord| !discord.commands(None).is_empty()).await.unwrap();
        bot
    }

    /// How its client ended.
    pub(crate) async fn ended(self) -> serenity::Result<()> {
        let mut task = self.task;
        match tokio::time::timeout(SOON, &mut task).await {
            Ok(outcome) => outcome.expect("no panic"),
            Err(elapsed) => panic!("still running: {elapsed}"),
        }
    }

    /// As a kill would.
    pub(crate) fn abort(&self) {
        self.task.abort();
    }
}
