#![doc = include_str!("../README.md")]

mod clean;
pub mod cli;
mod collect;
mod conversation;
mod engine;
mod fluency;
mod hash;
mod lang;
mod options;
mod progress;
pub mod read;
pub mod render;
mod sentences;
mod sketch;
mod summary;

pub use collect::{Collector, Conversation, Counts, Filter, Item, Person};
pub use conversation::{Author, Kind, Message, When};
pub use engine::summarize;
pub use options::{Length, Options, Perspective};
pub use summary::{ActionItem, Metadata, Participant, Point, Priority, Summary, Term, Warning};
