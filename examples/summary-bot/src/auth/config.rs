use groundcrew::config::{FromConfig, Secret};

/// Signing in to the page with Discord: section `sign_in`. The client's secret turns it on.
#[derive(Debug, Clone, FromConfig)]
#[config(default_impl)]
pub struct SignInConfig {
    /// The secret from “OAuth2” in Discord's developer portal. Without it nobody signs in.
    #[config(alias = "DISCORD_CLIENT_SECRET")]
    pub client_secret: Option<Secret<String>>,
    /// The client's id from the same page. Unset: `discord.application_id`, which is the same.
    #[config(alias = "DISCORD_CLIENT_ID")]
    pub client_id: Option<String>,
    /// Where browsers reach this service, as `https://bot.example`: `/auth/callback` behind it is to be entered under
    /// “Redirects” there. Unset: the address of the listener, outside of production.
    #[config(alias = "PUBLIC_URL")]
    pub public_url: Option<String>,
    /// Discord's ids of users who may do everything here.
    #[config(default)]
    pub admins: Vec<String>,
    /// Discord's ids of servers whose members may sign in. Unset: those that the bot is in.
    #[config(default)]
    pub guilds: Vec<String>,
    /// Give people who have signed in tokens for programs of their own (`/api/v1/auth/tokens`), with refresh tokens.
    /// Takes `JWT_SECRET`.
    #[config(default = false)]
    pub tokens: bool,
}

// === impl SignInConfig ===

impl SignInConfig {
    /// Whether people can sign in.
    pub(crate) fn is_on(&self) -> bool {
        self.client_secret.is_some()
    }
}
