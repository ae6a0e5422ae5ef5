//! A configuration of one's own: `cargo run --example config -- explain-config --table`.
//!
//! Try `GREETER__GREETING__NAME=Ada`, `NAME_OF_GUEST=Ada`, `--set greeting.times=99` and a typo in any of them.

use std::process::ExitCode;
use std::time::Duration;

use groundcrew::config::{FromConfig, Secret};
use groundcrew::runtime::Reason;
use groundcrew::{Crew, Service};

/// Everything that can be set besides what every service has.
#[derive(FromConfig)]
struct Config {
    greeting: Greeting,
    /// What the door asks for. Never shown, wherever it comes from.
    #[config(alias = "DOOR_KEY")]
    key: Option<Secret<String>>,
}

/// Whom to greet, and how often.
#[derive(FromConfig)]
struct Greeting {
    /// The guest.
    #[config(default = "world", alias = "NAME_OF_GUEST")]
    name: String,
    /// How often.
    #[config(default = 3, range = 1..=10)]
    times: u32,
    /// How long to wait in between.
    #[config(default = "200ms")]
    pause: Duration,
}

async fn start(config: Config, crew: Crew) -> Result<(), std::io::Error> {
    let leave = crew.clone();
    crew.critical("greeter", move |stop| async move {
        let Greeting { name, times, pause } = config.greeting;
        for _ in 0..times {
            println!("hello, {name}");
            stop.unless(tokio::time::sleep(pause)).await;
        }
        println!("the key is {:?}", config.key);
        leave.request_shutdown(Reason::Requested("everybody is greeted".into()));
        stop.requested().await;
    });
    Ok(())
}

fn main() -> ExitCode {
    Service::new("greeter", env!("CARGO_PKG_VERSION")).run(start)
}
