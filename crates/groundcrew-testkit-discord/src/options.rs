use crate::limit::Limits;
use crate::world::application::Privileged;
use std::net::SocketAddr;
use std::time::Duration;

/// How the local Discord is set up: what the developer portal holds, and Discord's own periods.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), groundcrew_testkit_discord::Error> {
/// use groundcrew_testkit_discord::{Discord, Limits, Options};
///
/// let discord = Discord::start_with(Options { limits: Limits::none(), ..Options::default() }).await?;
/// # drop(discord); Ok(()) }
/// ```
#[derive(Debug, Clone)]
pub struct Options {
    /// Where to listen. Default: a free port of 127.0.0.1.
    pub listen: SocketAddr,
    /// The application's name. Default: `Local Bot`.
    pub name: String,
    /// The bot's token. Default: random.
    pub token: Option<String>,
    /// The switches of the developer portal. Default: all on.
    pub privileged: Privileged,
    /// Where OAuth may redirect to. Default: anywhere on this machine.
    pub redirect_uris: Vec<String>,
    /// The rate limits. Default: [`Limits::discord`].
    pub limits: Limits,
    /// How long an interaction waits for its acknowledgement. Discord's, and the default: 3 s.
    pub acknowledge_within: Duration,
    /// How long an interaction's token is good. Discord's, and the default: 15 min.
    pub token_lifetime: Duration,
    /// What `hello` asks for. Default: 41.25 s, Discord's.
    pub heartbeat_interval: Duration,
    /// How long a lost session can be resumed. Default: 3 min.
    pub resumable_for: Duration,
    /// The least time between two sessions' beginnings. Discord's, and the default: 5 s; earlier ones are refused as
    /// an invalid session.
    pub identify_every: Duration,
    /// How many sessions may begin in a day. Discord's, and the default: 1000; with the next one the token is reset.
    pub identify_budget: u64,
    /// How many 401, 403 and 429 in 10 minutes until nothing is answered any more. Discord's, and the default: 10 000.
    pub invalid_requests: u64,
}

// === impl Options ===

impl Default for Options {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            name: "Local Bot".to_owned(),
            token: None,
            privileged: Privileged::default(),
            redirect_uris: Vec::new(),
            limits: Limits::discord(),
            acknowledge_within: Duration::from_secs(3),
            token_lifetime: Duration::from_secs(15 * 60),
            heartbeat_interval: Duration::from_millis(41_250),
            resumable_for: Duration::from_secs(180),
            identify_every: Duration::from_secs(5),
            identify_budget: 1000,
            invalid_requests: 10_000,
        }
    }
}
