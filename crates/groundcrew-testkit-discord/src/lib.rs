#![doc = include_str!("../README.md")]

mod answer;
mod control;
mod discord;
mod error;
mod fault;
mod gateway;
mod interaction;
mod ledger;
mod limit;
mod oauth;
mod options;
mod random;
mod rest;
mod server;
mod shared;
mod signing;
mod snowflake;
mod validate;
mod world;

pub use discord::Discord;
pub use error::{Error, Unmet};
pub use fault::{Effect, Fault};
pub use gateway::SessionInfo;
pub use interaction::{Action, Fire, Interaction, InteractionRecord, Receipt, Refusal, Step, Via};
pub use ledger::{Report, Request};
pub use limit::Limits;
pub use options::Options;
pub use snowflake::Snowflake;
pub use world::application::Privileged;
pub use world::build::{
    ChannelBuilder, GuildBuilder, MemberBuilder, MessageBuilder, RoleBuilder, ThreadBuilder,
};
pub use world::channel::ChannelKind;
pub use world::permissions::Permissions;
