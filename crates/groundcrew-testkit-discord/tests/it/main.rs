//! The local Discord, as bots see it.

mod bot;
mod control;
mod endpoint;
mod gateway;
mod interactions;
mod limits;
mod oauth;
mod raw;
mod serenity;
