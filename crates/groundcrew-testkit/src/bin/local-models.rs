//! A local language model's server for several processes: `local-models [address] [reply …]`.

use std::process::ExitCode;

use groundcrew_testkit::models::{Models, Reply};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("local-models: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let address = arguments.next().unwrap_or_else(|| "127.0.0.1:0".to_owned());
    let models = Models::listen(address.parse().map_err(|_| format!("no address: {address:?}"))?).await?;
    for name in arguments {
        models.script([Reply::of_name(&name).ok_or_else(|| format!("no reply: {name:?}"))?]);
    }
    println!("{}", models.url());
    std::future::pending().await
}
