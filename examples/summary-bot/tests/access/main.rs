//! Who is let in, and who reads what: the API of the running service, and signing in against a local Discord.

#[path = "../service/mod.rs"]
mod service;

mod admins;
mod desk;
mod doors;
mod erased;
mod keys;
mod sight;
mod sign_in;
mod stage;
