//! What the configuration says about servers: the sections `guild_defaults` and `guilds.<id>`.

use groundcrew::config::{FromConfig, Node, Shape, Sourced};

use super::checks;

/// What holds for a server, as far as it is said. Members with the right to do so override it in Discord and by the
/// API.
#[derive(Debug, Clone, Default, FromConfig)]
pub struct GuildConfig {
    /// The channels that may be summarised, as ids; empty: all that the bot can read.
    #[config(alias = "GUILD_*_ENABLED_CHANNELS")]
    pub enabled_channels: Option<Sourced<Vec<Snowflake>>>,
    /// Channels that are never summarised, as ids.
    #[config(alias = "GUILD_*_EXCLUDED_CHANNELS")]
    pub excluded_channels: Option<Sourced<Vec<Snowflake>>>,
    /// Users whose messages are left out, as ids.
    #[config(alias = "GUILD_*_EXCLUDED_USERS")]
    pub excluded_users: Option<Sourced<Vec<Snowflake>>>,
    /// How long summaries are unless somebody asks otherwise.
    #[config(alias = "GUILD_*_DEFAULT_SUMMARY_LENGTH")]
    pub length: Option<Sourced<DefaultLength>>,
    /// Whose interests weigh more unless somebody asks otherwise.
    #[config(alias = "GUILD_*_DEFAULT_PERSPECTIVE")]
    pub perspective: Option<Sourced<DefaultPerspective>>,
    /// The language of summaries, as a code such as `de`; unset: the conversation's own.
    #[config(alias = "GUILD_*_LANGUAGE")]
    pub language: Option<Sourced<Language>>,
    /// The time zone in which members give times of the day, by its name such as `Europe/Berlin`; unset: UTC.
    #[config(alias = "GUILD_*_TIME_ZONE")]
    pub time_zone: Option<Sourced<ZoneName>>,
    /// The model that writes, by its name in the configuration; unset: the first of the chain.
    #[config(alias = "GUILD_*_MODEL", alias = "GUILD_*_CLAUDE_MODEL")]
    pub model: Option<Sourced<String>>,
    /// How free the model is, from 0 to 2.
    #[config(alias = "GUILD_*_TEMPERATURE", range = 0.0..=2.0)]
    pub temperature: Option<Sourced<f64>>,
    /// With fewer messages there is no summary.
    #[config(alias = "GUILD_*_MIN_MESSAGES", range = 1..=10_000)]
    pub min_messages: Option<Sourced<u64>>,
    /// Whether what programs wrote counts.
    #[config(alias = "GUILD_*_INCLUDE_BOTS")]
    pub include_bots: Option<Sourced<bool>>,
    /// What summaries of one day may cost, in the currency of the price table.
    #[config(alias = "GUILD_*_DAILY_BUDGET", range = 0.0..=1_000_000.0)]
    pub daily_budget: Option<Sourced<f64>>,
    /// After how many days summaries are deleted; 0: never.
    #[config(alias = "GUILD_*_RETENTION_DAYS", range = 0..=36_500)]
    pub retention_days: Option<Sourced<u32>>,
    /// Whether only those with a rule may do anything.
    #[config(alias = "GUILD_*_REQUIRE_PERMISSIONS")]
    pub require_permissions: Option<Sourced<bool>>,
    /// Roles that may have summaries made, as ids.
    #[config(default, alias = "GUILD_*_ALLOWED_ROLES")]
    pub allowed_roles: Vec<Snowflake>,
    /// Users who may have summaries made, as ids.
    #[config(default, alias = "GUILD_*_ALLOWED_USERS")]
    pub allowed_users: Vec<Snowflake>,
    /// Roles that may change the server's settings, as ids.
    #[config(default, alias = "GUILD_*_ADMIN_ROLES")]
    pub admin_roles: Vec<Snowflake>,
}

/// `brief`, `detailed` or `comprehensive`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, FromConfig)]
pub enum DefaultLength {
    /// 80 words.
    Brief,
    /// 180 words.
    Detailed,
    /// 400 words.
    Comprehensive,
}

/// A perspective, by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, FromConfig)]
pub enum DefaultPerspective {
    /// Nobody's in particular.
    General,
    /// Code, faults, systems.
    Developer,
    /// Customers, brand, campaigns.
    Marketing,
    /// Features, users, plans.
    Product,
    /// Money.
    Finance,
    /// Decisions, risks, money, dates.
    Executive,
    /// Users' problems and what helped.
    Support,
}

/// An id of Discord's: digits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snowflake(pub(crate) String);

/// A language, as a code such as `de` or `pt-BR`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Language(pub(crate) String);

/// Languages that are offered while one is typed; others are as good.
pub(crate) const LANGUAGES: [&str; 10] = ["en", "de", "fr", "es", "it", "nl", "pl", "pt-BR", "ja", "uk"];

/// A time zone, by its name in the IANA database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ZoneName(pub(crate) String);

// === impl DefaultLength ===

impl DefaultLength {
    pub(crate) const NAMES: [&'static str; 3] = ["brief", "detailed", "comprehensive"];

    pub(crate) fn name(self) -> &'static str {
        Self::NAMES[self as usize]
    }
}

// === impl DefaultPerspective ===

impl DefaultPerspective {
    pub(crate) fn name(self) -> &'static str {
        crate::Perspective::ALL[self as usize].0
    }
}

// === impl Snowflake ===

impl FromConfig for Snowflake {
    fn shape() -> Shape {
        Shape::text("an id of Discord's, such as `175928847299117063`")
    }

    fn from_config(node: &Node<'_>) -> Option<Self> {
        node.parse(|text| checks::is_id(text).then(|| Self(text.to_owned())))
    }

    fn to_text(&self) -> Option<String> {
        Some(self.0.clone())
    }
}

// === impl Language ===

impl FromConfig for Language {
    fn shape() -> Shape {
        Shape::text("a language's code, such as `de` or `pt-BR`")
    }

    fn from_config(node: &Node<'_>) -> Option<Self> {
        node.parse(|text| checks::is_language(text).then(|| Self(text.to_owned())))
    }

    fn to_text(&self) -> Option<String> {
        Some(self.0.clone())
    }
}

// === impl ZoneName ===

impl FromConfig for ZoneName {
    fn shape() -> Shape {
        Shape::text("the name of a time zone, such as `Europe/Berlin`")
    }

    fn from_config(node: &Node<'_>) -> Option<Self> {
        node.parse(|text| checks::is_time_zone(text).then(|| Self(text.to_owned())))
    }

    fn to_text(&self) -> Option<String> {
        Some(self.0.clone())
    }
}
