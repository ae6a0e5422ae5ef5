//! A local Discord for several processes and other languages.
fn main() {}
