//! Who is let through, and above all who is not.

mod keys;
mod layer;
mod sessions;
mod stage;
mod tokens;
