//! A configuration with one key of each kind, and folders to read it from.
#![allow(dead_code, unreachable_pub, reason = "each test file uses its part")]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::Duration;

use groundcrew_config::{BindIp, FromConfig, Loaded, Loader, Problems, Secret, Sourced};
use tempfile::TempDir;

/// A service.
#[derive(Debug, Clone, FromConfig)]
pub struct Config {
    /// Where the service listens.
    pub http: HttpConfig,
    /// Where the data is.
    pub database: Option<SqlConfig>,
    /// Signs tokens.
    #[config(alias = "JWT_SECRET")]
    pub jwt_secret: Option<Secret<String>>,
    /// A greeting.
    #[config(default = "hello")]
    pub greeting: String,
    /// Something to say.
    pub motto: Option<String>,
    /// How much is logged.
    #[config(default = Level::Info, alias = "LOG_LEVEL")]
    pub level: Level,
    /// Labels of the service.
    #[config(default)]
    pub labels: BTreeMap<String, String>,
    /// What is different in some guilds.
    #[config(default)]
    pub guilds: BTreeMap<String, GuildConfig>,
}

/// One of many.
#[derive(Debug, Clone, FromConfig)]
pub struct GuildConfig {
    /// Which model writes.
    #[config(alias = "GUILD_*_MODEL", alias = "GUILD_*_CLAUDE_MODEL")]
    pub model: Option<Sourced<String>>,
    /// Where it reads.
    #[config(alias = "GUILD_*_ENABLED_CHANNELS")]
    pub enabled_channels: Option<Vec<String>>,
    /// How free the model is.
    #[config(alias = "GUILD_*_TEMPERATURE", range = 0.0..=2.0)]
    pub temperature: Option<Sourced<f64>>,
    /// How many it reads.
    #[config(default = Sourced::from(5), range = 1..=100)]
    pub least: Sourced<u32>,
}

/// Where the service listens.
#[derive(Debug, Clone, FromConfig)]
pub struct HttpConfig {
    /// Address of the listener.
    pub host: BindIp,
    /// Port of the listener.
    #[config(default = 5000, alias = "WEBHOOK_PORT", alias = "PORT", range = 1..=65535)]
    pub port: u16,
    /// How long an idle connection is kept.
    #[config(default = "75s")]
    pub idle_timeout: Duration,
    /// Who may call.
    #[config(default)]
    pub origins: Vec<String>,
}

/// A database.
#[derive(Debug, Clone, FromConfig)]
pub struct SqlConfig {
    /// Where it is.
    #[config(alias = "DATABASE_URL", alias = "POSTGRES_URL")]
    pub url: Sourced<String>,
    /// Completes the URL.
    #[config(alias = "DATABASE_PASSWORD")]
    pub password: Option<Secret<String>>,
    /// How many connections at most.
    #[config(default = 10)]
    pub max_connections: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, FromConfig)]
pub enum Level {
    /// Only what is wrong.
    Error,
    /// What happens.
    Info,
    /// All of it.
    VeryLoud,
}

/// A loader that finds nothing on the machine.
pub fn loader(folder: &TempDir) -> Loader {
    Loader::new("summary-bot").root(folder.path()).mount(folder.path().join("mount")).container(false)
}

pub fn folder() -> TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

pub fn write(folder: &Path, name: &str, text: impl AsRef<[u8]>) {
    let path = folder.join(name);
    fs::create_dir_all(path.parent().expect("below the folder")).expect("a folder");
    fs::write(path, text).expect("a file");
}

pub fn load(loader: Loader) -> Result<Loaded, Problems> {
    loader.load(&Config::shape())
}

pub fn read(loader: Loader) -> Config {
    let result = load(loader).and_then(|configuration| configuration.read());
    result.unwrap_or_else(|problems| panic!("{problems}"))
}

pub fn with_variables(variables: &[(&str, &str)]) -> Loader {
    loader(&folder()).variables(variables.iter().copied())
}

/// The problems as lines of text.
pub fn problems(loader: Loader) -> Vec<String> {
    match load(loader) {
        Ok(_) => Vec::new(),
        Err(problems) => problems.iter().map(ToString::to_string).collect(),
    }
}
