//! The bot in Discord. Nothing outside of this module knows serenity, and inside of it only [`session`], [`endpoint`]
//! and [`incoming`] do: everything else deals in plain types of our own.

pub(crate) mod access;
mod answer;
pub(crate) mod commands;
mod config;
mod connection;
pub(crate) mod definition;
mod dispatch;
mod endpoint;
pub(crate) mod front;
pub(crate) mod history;
mod identify;
mod incoming;
pub(crate) mod interaction;
mod launch;
pub(crate) mod metrics;
mod outgoing;
mod register;
pub(crate) mod reply;
pub(crate) mod rest;
mod session;
pub(crate) mod snowflake;
pub(crate) mod task;
pub(crate) mod words;

pub(crate) use answer::Answer;
pub use config::{DiscordConfig, DiscordMode};
pub(crate) use front::Front;
pub(crate) use launch::{Parts, front, run};
