//! The bot in a local Discord: real gateway, real REST, real interactions.
#![cfg(unix)]

#[path = "../service/mod.rs"]
mod service;

mod buttons;
mod commands;
mod settings;
mod stage;
