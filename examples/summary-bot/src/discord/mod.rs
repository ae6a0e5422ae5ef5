//! The bot in Discord. Nothing outside of this module knows serenity, and inside of it only [`session`], [`endpoint`]
//! and [`incoming`] do: everything else deals in plain types of our own.

pub(crate) mod access;
mod answer;
mod archive;
pub(crate) mod atlas;
mod board;
pub(crate) mod commands;
mod config;
mod connection;
pub(crate) mod costs;
pub(crate) mod definition;
mod dispatch;
mod endpoint;
mod first_words;
pub(crate) mod front;
pub(crate) mod gathered;
pub(crate) mod history;
mod identify;
mod incoming;
pub(crate) mod interaction;
mod launch;
pub(crate) mod metrics;
mod openness;
mod outgoing;
pub(crate) mod permissions;
pub(crate) mod quotas;
pub(crate) mod reading;
mod register;
mod remembered;
pub(crate) mod render;
pub(crate) mod reply;
pub(crate) mod rest;
mod said;
mod session;
pub(crate) mod since;
pub(crate) mod snowflake;
pub(crate) mod task;
pub(crate) mod words;

pub(crate) use answer::Answer;
pub(crate) use board::Board;
pub use config::{DiscordConfig, DiscordLease, DiscordMode};
pub(crate) use front::Front;
pub(crate) use launch::{Parts, front, run};
pub use quotas::QuotaConfig;
