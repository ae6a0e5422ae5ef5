//! The local Discord, as bots see it.

mod bot;
mod serenity;
