//! The bot in Discord: serenity and our own client against a local server that speaks Discord's protocols.
#![cfg(unix)]

#[path = "../service/mod.rs"]
mod service;

mod buttons;
mod commands;
mod gateway;
mod settings;
mod stage;
mod town;
