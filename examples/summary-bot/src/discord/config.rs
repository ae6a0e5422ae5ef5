use groundcrew::config::{FromConfig, Secret};

/// Discord: section `discord`. The token alone is enough.
#[derive(Debug, Clone, FromConfig)]
#[config(default_impl)]
pub struct DiscordConfig {
    /// The bot's token, from “Bot” in Discord's developer portal. Without it there is no Discord.
    #[config(alias = "DISCORD_TOKEN")]
    pub token: Option<Secret<String>>,
    /// How commands come in.
    #[config(default = "gateway")]
    pub mode: DiscordMode,
    /// Where it is kept which replica has the session with Discord.
    #[config(default = "database")]
    pub lease: DiscordLease,
    /// The application's id. Unset: Discord is asked for it.
    #[config(alias = "DISCORD_APPLICATION_ID")]
    pub application_id: Option<String>,
    /// The application's public key, in hexadecimal, with which requests to `/discord/interactions` are checked.
    /// Unset: Discord is asked for it. Needed in the mode `endpoint` only.
    #[config(alias = "DISCORD_PUBLIC_KEY")]
    pub public_key: Option<String>,
    /// Where Discord is: a proxy that shares its rate limits among several processes, or a local stand-in.
    #[config(alias = "DISCORD_API_URL", default = "https://discord.com")]
    pub api_url: String,
    /// Register commands in this server only, where changes show at once; for development. Unset: everywhere.
    #[config(alias = "DISCORD_GUILD_ID")]
    pub register_in: Option<String>,
    /// Tell Discord about the commands when they have changed.
    #[config(default = true)]
    pub register: bool,
    /// Ask for the contents of messages (a privileged intent, to be switched on in the portal). Discord then hands
    /// them to this bot in history, too; without it summaries have nothing to read.
    #[config(default = true)]
    pub message_content: bool,
    /// How many sessions may be begun within 24 hours. Discord allows 1000 and resets the token after that.
    #[config(default = 900, range = 1..=1000)]
    pub identify_budget: u32,
    /// The most messages that one summary reads.
    #[config(default = 5_000, range = 1..=100_000)]
    pub max_messages: u32,
    /// Do each interaction once, however often and wherever it arrives. `false` shows what this is good for, and is
    /// refused in production.
    #[config(default = true)]
    pub answer_once: bool,
}

/// How commands come in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, FromConfig)]
pub enum DiscordMode {
    /// Over a connection of the replica that leads. Another takes over within seconds.
    #[default]
    Gateway,
    /// Over `POST /discord/interactions`, at every replica: Discord has to reach the service over HTTPS.
    Endpoint,
    /// Not at all.
    Off,
}

/// Where it is kept which replica has the session with Discord.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, FromConfig)]
pub enum DiscordLease {
    /// In the database, by the section `lease`.
    #[default]
    Database,
    /// In a Lease of Kubernetes, by the section `kubernetes_lease`.
    Kubernetes,
}
