//! The bot in Discord: serenity and our own client against a local server that speaks Discord's protocols.
#![cfg(unix)]

#[path = "../service/mod.rs"]
mod service;

mod buttons;
mod commands;
mod endpoint;
mod exclusions;
mod failover;
mod gateway;
mod kept;
mod limits;
mod privacy;
mod rules;
mod schedule;
mod servers;
mod settings;
mod several;
mod stage;
mod summarize;
mod told;
mod town;
