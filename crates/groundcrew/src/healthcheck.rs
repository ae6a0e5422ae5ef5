use std::process::ExitCode;
use std::time::Duration;

use groundcrew_config::{FromConfig, Loaded, Shape};
use groundcrew_http::{HEALTH_PATH, HttpConfig};

use crate::arguments::Arguments;
use crate::{Service, exit, local};

/// As long as the probes of the container platforms wait.
const TIMEOUT: Duration = Duration::from_secs(3);

/// The section that services with a public listener have.
#[derive(Debug, FromConfig)]
struct Target {
    http: HttpConfig,
}

/// Asks the service that runs beside us whether it is alive: for images without curl.
pub(crate) fn run(service: &Service, arguments: &Arguments, shape: &Shape) -> ExitCode {
    let target: Target = match service.load(arguments, shape).and_then(|loaded| loaded.read()) {
        Ok(target) => target,
        Err(problems) => return exit::with(exit::CONFIG, &problems.to_string()),
    };
    let address = local::reachable(target.http.host.0, target.http.port);
    let head = format!("GET {HEALTH_PATH} HTTP/1.1\r\n");
    match local::ask(address, &head, "", TIMEOUT).map(|answer| answer.status) {
        Ok(200) => {
            println!("healthy");
            ExitCode::SUCCESS
        }
        Ok(status) => exit::with(exit::FAILED, &format!("http://{address}{HEALTH_PATH} answers {status}")),
        Err(error) => {
            exit::with(exit::FAILED, &format!("http://{address}{HEALTH_PATH} gives no answer: {error}"))
        }
    }
}

/// What `check-config` says of probes that would do harm.
pub(crate) fn warnings(loaded: &Loaded) -> Vec<String> {
    let target: Option<Target> = loaded.read().ok();
    let harmful = target.is_some_and(|target| target.http.probes.health_fails_with_dependencies);
    let words = "http.probes.health_fails_with_dependencies is on: a liveness probe on /health restarts every \
                 replica at once when a shared dependency fails";
    harmful.then(|| words.to_owned()).into_iter().collect()
}
