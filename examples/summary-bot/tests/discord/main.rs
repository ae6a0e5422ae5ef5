//! The bot in Discord: serenity and our own client against a local server that speaks Discord's protocols.

#[path = "../service/mod.rs"]
mod service;

mod endpoint;
#[cfg(unix)]
mod failover;
mod gateway;
mod limits;
mod privacy;
mod summarize;
mod town;
