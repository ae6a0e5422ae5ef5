use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream};
use std::process::ExitCode;
use std::time::Duration;

use groundcrew_config::{FromConfig, Loaded, Shape};
use groundcrew_http::{HEALTH_PATH, HttpConfig};

use crate::arguments::Arguments;
use crate::{Service, exit};

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
    let address = address(&target.http);
    match ask(address) {
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

fn address(http: &HttpConfig) -> SocketAddr {
    let host = if http.host.0.is_unspecified() { IpAddr::V4(Ipv4Addr::LOCALHOST) } else { http.host.0 };
    SocketAddr::new(host, http.port)
}

fn ask(address: SocketAddr) -> std::io::Result<u16> {
    let mut stream = TcpStream::connect_timeout(&address, TIMEOUT)?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    write!(stream, "GET {HEALTH_PATH} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n")?;
    let mut head = [0; 12];
    stream.read_exact(&mut head)?;
    let status = std::str::from_utf8(&head[9..]).ok().and_then(|code| code.parse().ok());
    status.ok_or_else(|| std::io::Error::other("the answer is not HTTP/1.1"))
}
