//! A local Discord for several processes and other languages: `local-discord [address]`, until it is interrupted.
//!
//! It prints one line of JSON with its addresses, the token, the ids and keys, and is told what to do under `/control`.

use groundcrew_testkit_discord::{Discord, Options};
use std::error::Error;
use std::io::Write;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut options = Options::default();
    match std::env::args().nth(1).as_deref() {
        Some("-h" | "--help") => {
            println!("usage: local-discord [address:port]\n\nWithout an address: a free port of 127.0.0.1.");
            return Ok(());
        }
        Some(address) => options.listen = address.parse()?,
        None => {}
    }
    options.token = std::env::var("LOCAL_DISCORD_TOKEN").ok();
    let discord = Discord::start_with(options).await?;
    println!("{}", discord.description());
    std::io::stdout().flush()?;
    tokio::signal::ctrl_c().await?;
    Ok(())
}
