//! The words at the start: where to go, what is off, and which variable turns it on.

use std::fmt::Write;
use std::io::IsTerminal;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use crate::DiscordMode;
use crate::config::Config;

/// Something that the bot can do without.
struct Feature {
    name: &'static str,
    variable: &'static str,
    /// What is there instead.
    instead: &'static str,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    On,
    /// The variable turns it on.
    Off,
}

/// Says it: as a block to people at a terminal, as log events to everybody else.
pub(crate) fn greet(config: &Config, address: Option<SocketAddr>) {
    let features = features(config);
    if std::io::stderr().is_terminal() {
        eprint!("{}", block(config, address, &features));
        return;
    }
    let places = places(config, address);
    tracing::info!(page = places.page, docs = places.docs, metrics = places.metrics, "ready to summarise");
    for feature in features.iter().filter(|feature| feature.state != State::On) {
        let (feature_name, variable) = (feature.name, feature.variable);
        tracing::info!(feature = feature_name, variable, "{}", feature.words());
    }
}

struct Places {
    page: String,
    docs: String,
    metrics: String,
}

fn places(config: &Config, address: Option<SocketAddr>) -> Places {
    let base = match (address, &config.http.socket) {
        (Some(address), _) => format!("http://{}", reachable(address)),
        (None, Some(socket)) => format!("unix:{}", socket.display()),
        (None, None) => String::new(),
    };
    let admin = reachable(SocketAddr::new(config.admin.host.0, config.admin.port));
    let metrics = if config.admin.enabled { format!("http://{admin}/metrics") } else { "off".to_owned() };
    Places { page: format!("{base}/"), docs: format!("{base}/docs"), metrics }
}

/// An address that a browser on this machine can open.
fn reachable(address: SocketAddr) -> SocketAddr {
    let host = if address.ip().is_unspecified() { IpAddr::V4(Ipv4Addr::LOCALHOST) } else { address.ip() };
    SocketAddr::new(host, address.port())
}

fn features(config: &Config) -> [Feature; 5] {
    let url = config.database.url.as_ref().map(|url| url.expose().to_ascii_lowercase());
    let postgres = url.is_some_and(|url| url.starts_with("postgres"));
    let models = crate::models::configured(config);
    let on = |is_set| if is_set { State::On } else { State::Off };
    [
        Feature {
            name: "Discord",
            variable: "DISCORD_TOKEN",
            instead: "conversations come by the page, the API and `summarize`",
            state: on(config.discord.token.is_some() && config.discord.mode != DiscordMode::Off),
        },
        Feature {
            name: "Models",
            variable: "OPENAI_API_KEY",
            instead: "the built-in engine summarises, offline",
            state: on(models),
        },
        Feature {
            name: "Postgres",
            variable: "DATABASE_URL",
            instead: "summaries are kept in a SQLite file",
            state: on(postgres),
        },
        Feature {
            name: "Redis",
            variable: "REDIS_URL",
            instead: "this process caches and limits by itself",
            state: on(config.redis.url.is_some()),
        },
        Feature {
            name: "RabbitMQ",
            variable: "RABBITMQ_URL",
            instead: "jobs wait in the database",
            state: on(config.rabbitmq.url.is_some()),
        },
    ]
}

impl Feature {
    fn words(&self) -> String {
        let Self { name, variable, instead, .. } = self;
        match self.state {
            State::On => format!("{name} is on"),
            State::Off => format!("{name} is off, {instead}; {variable} turns it on"),
        }
    }
}

fn block(config: &Config, address: Option<SocketAddr>, features: &[Feature]) -> String {
    let places = places(config, address);
    let mut text = format!("\n  Summary Bot {}\n\n", env!("CARGO_PKG_VERSION"));
    for (name, place) in [("Page", &places.page), ("API", &places.docs), ("Metrics", &places.metrics)] {
        let _ = writeln!(text, "  {name:<16} {place}");
    }
    for feature in features {
        let words = match feature.state {
            State::On => "on".to_owned(),
            State::Off => format!("off: {}; {} turns it on", feature.instead, feature.variable),
        };
        let _ = writeln!(text, "  {:<16} {words}", feature.name);
    }
    text.push_str("\n  Ctrl+C lands the service.\n\n");
    text
}
