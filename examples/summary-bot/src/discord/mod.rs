//! The bot in Discord.

pub(crate) mod access;
mod render;
mod reply;
