//! The bot in Discord. Nothing outside of this module knows serenity, and inside of it only [`session`] and
//! [`incoming`] do: everything else deals in plain types of our own.

pub(crate) mod access;
pub(crate) mod commands;
mod config;
pub(crate) mod costs;
pub(crate) mod definition;
pub(crate) mod front;
pub(crate) mod history;
pub(crate) mod interaction;
pub(crate) mod metrics;
pub(crate) mod quotas;
pub(crate) mod reading;
pub(crate) mod render;
pub(crate) mod reply;
pub(crate) mod snowflake;
pub(crate) mod task;

pub use config::{DiscordConfig, DiscordMode};
pub use quotas::QuotaConfig;
