#![doc = include_str!("../README.md")]

mod archive;
mod backups;
mod bound;
mod client;
mod command;
mod config;
mod error;
mod manifest;
mod name;
mod postgres;
mod progress;
mod prune;
mod report;
mod restore;
mod retention;
mod run;
mod scratch;
mod sqlite;
mod store;
mod tools;
mod verify;

pub use backups::{Backups, Listing, Which};
pub use command::{COMMANDS, Command, exit};
pub use config::{BackupConfig, BackupSections, S3Config, Storage};
pub use error::{BackupError, RestoreError, StoreError, ToolError};
pub use manifest::{Backend, Manifest};
pub use name::{Name, NotAName};
pub use progress::Progress;
pub use prune::Pruned;
pub use restore::{RestoreOptions, Restored};
pub use retention::Retention;
pub use run::run;
pub use verify::Verified;
