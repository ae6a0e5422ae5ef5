//! What can be configured, besides what every service has.

use std::collections::BTreeMap;
use std::time::Duration;

use groundcrew::amqp::AmqpConfig;
use groundcrew::auth::AuthConfig;
use groundcrew::cache::CacheConfig;
use groundcrew::client::ClientConfig;
use groundcrew::config::{ByteSize, FromConfig};
use groundcrew::http::{AdminConfig, HttpConfig};
use groundcrew::jobs::JobsConfig;
use groundcrew::lease::{KubernetesLeaseConfig, LeaseConfig};
use groundcrew::limit::LimitConfig;
use groundcrew::redis::RedisConfig;
use groundcrew::sql::SqlConfig;

use crate::api::ApiConfig;
use crate::auth::SignInConfig;
use crate::discord::{DiscordConfig, QuotaConfig};
use crate::models::{AnthropicConfig, BudgetConfig, ModelsConfig, OpenAiConfig};
use crate::plans::{MailConfig, SchedulesConfig};
use crate::retention::RetentionConfig;
use crate::settings::GuildConfig;
use crate::webhooks::WebhooksConfig;

/// The whole configuration of the bot: one field per section.
#[derive(Debug, Clone, Default, FromConfig)]
pub struct Config {
    /// The listener of the API and the page.
    pub http: HttpConfig,
    /// The facade binds it; the bot says where it is.
    pub admin: AdminConfig,
    /// Where summaries are kept.
    pub database: SqlConfig,
    /// How summaries are made.
    pub summaries: SummariesConfig,
    /// What the API remembers.
    pub api: ApiConfig,
    /// Discord.
    pub discord: DiscordConfig,
    /// Language models.
    pub models: ModelsConfig,
    /// OpenAI's, or whoever speaks as OpenAI does.
    pub openai: OpenAiConfig,
    /// Anthropic's.
    pub anthropic: AnthropicConfig,
    /// What may be spent on language models.
    pub budget: BudgetConfig,
    /// How other services are called.
    pub client: ClientConfig,
    /// How it is proved who asks.
    pub auth: AuthConfig,
    /// Signing in with Discord.
    pub sign_in: SignInConfig,
    /// How often one client may ask.
    pub rate_limiting: LimitConfig,
    /// How long summaries are kept at hand.
    pub cache: CacheConfig,
    /// Schedules that people make.
    pub schedules: SchedulesConfig,
    /// Mail for summaries of schedules.
    pub mail: MailConfig,
    /// How jobs run.
    pub jobs: JobsConfig,
    /// How replicas choose one of them for what must happen once.
    pub lease: LeaseConfig,
    /// The same, where `discord.lease` is `kubernetes`.
    pub kubernetes_lease: KubernetesLeaseConfig,
    /// Shares the cache and the rate limits among replicas.
    pub redis: RedisConfig,
    /// Carries the jobs; without it the database does.
    pub rabbitmq: AmqpConfig,
    /// Who may be told of summaries.
    pub webhooks: WebhooksConfig,
    /// How many summaries may be asked for in Discord.
    pub discord_limits: QuotaConfig,
    /// How long things are kept.
    pub retention: RetentionConfig,
    /// What holds for every server.
    pub guild_defaults: GuildConfig,
    /// What holds for one server, by its id.
    #[config(default)]
    pub guilds: BTreeMap<String, GuildConfig>,
}

/// How summaries are made: section `summaries`.
#[derive(Debug, Clone, FromConfig)]
#[config(default_impl)]
pub struct SummariesConfig {
    /// The largest conversation that may be sent, in bytes. Other routes keep `http.body_limit`.
    #[config(default = "64MiB")]
    pub body_limit: ByteSize,
    /// The most messages that a conversation may have.
    #[config(default = 250_000, range = 1..=100_000_000)]
    pub max_messages: u64,
    /// The most messages that are summarised while the client waits: more are answered 202, and made later.
    #[config(default = 5000, range = 0..=100_000_000)]
    pub sync_messages: u64,
    /// How many summaries are made at a time; each keeps one core busy.
    #[config(default = 2, range = 1..=1024)]
    pub concurrency: usize,
    /// How many conversations may wait for their turn before further ones are answered 503.
    #[config(default = 64, range = 0..=10_000)]
    pub queue: usize,
    /// How much memory the conversations that are received, wait or are worked on may take, in bytes as they
    /// were sent, before further ones are answered 503.
    #[config(default = "256MiB")]
    pub memory: ByteSize,
    /// How long sending a conversation, waiting and summarising may take together before the client gets 504.
    /// What was begun is finished and stored all the same.
    #[config(default = "60s")]
    pub timeout: Duration,
}
