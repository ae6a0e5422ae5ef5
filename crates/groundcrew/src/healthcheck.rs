use std::process::ExitCode;
use std::time::Duration;

use groundcrew_config::{FromConfig, Loaded, Shape};
use groundcrew_http::{AdminConfig, HEALTH_PATH, HttpConfig};

use crate::arguments::Arguments;
use crate::local::Place;
use crate::{Service, exit};

/// As long as the probes of the container platforms wait.
const TIMEOUT: Duration = Duration::from_secs(3);

/// The sections of the listeners. A service without a public one has no `http`, which is all defaults then.
#[derive(Debug, FromConfig)]
struct Target {
    http: HttpConfig,
    admin: AdminConfig,
}

// === impl Target ===

impl Target {
    /// Whom to ask: the public listener, or the admin listener where there is none, and where it speaks TLS, since a
    /// certificate is not made out to this machine.
    fn place(&self, shape: &Shape) -> Result<Place, String> {
        let (http, admin) = (&self.http, &self.admin);
        // There is no TLS on a Unix socket.
        #[cfg(unix)]
        if let Some(path) = &http.socket {
            return Ok(Place::Unix(path.clone()));
        }
        let reason = match (shape.has("http"), speaks_tls(http)) {
            (true, false) => return Ok(Place::tcp(http.host.0, http.port)),
            (true, true) => "with http.tls",
            (false, _) => "without a section http",
        };
        if admin.enabled {
            return Ok(Place::tcp(admin.host.0, admin.port));
        }
        Err(format!("{reason} healthcheck asks the admin listener, but admin.enabled is false"))
    }
}

#[cfg(feature = "tls")]
fn speaks_tls(http: &HttpConfig) -> bool {
    http.tls.is_some()
}

#[cfg(not(feature = "tls"))]
fn speaks_tls(_http: &HttpConfig) -> bool {
    false
}

/// Asks the service that runs beside us whether it is alive: for images without curl.
pub(crate) fn run(service: &Service, arguments: &Arguments, shape: &Shape) -> ExitCode {
    let target = match service.part::<Target>(arguments, shape) {
        Ok((_loaded, target)) => target,
        Err(problems) => return exit::with(exit::CONFIG, &problems.to_string()),
    };
    let place = match target.place(shape) {
        Ok(place) => place,
        Err(words) => return exit::with(exit::FAILED, &words),
    };
    let head = format!("GET {HEALTH_PATH} HTTP/1.1\r\n");
    match place.ask(&head, "", TIMEOUT).map(|answer| answer.status) {
        Ok(200) => {
            println!("healthy");
            ExitCode::SUCCESS
        }
        Ok(status) => exit::with(exit::FAILED, &format!("{HEALTH_PATH} on {place} answers {status}")),
        Err(error) => exit::with(exit::FAILED, &format!("{HEALTH_PATH} on {place} gives no answer: {error}")),
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

#[cfg(test)]
mod tests {
    use groundcrew_config::Loader;
    use groundcrew_http::Http;
    use groundcrew_runtime::{Crew, RuntimeConfig};
    use tokio::runtime::Runtime;

    use super::*;
    use crate::reserved::Reserved;
    use crate::service::beside::Wrong;

    /// A service with nothing but an admin listener, which says that it is well for as long as both are kept.
    fn listening() -> (Runtime, Http) {
        let runtime = RuntimeConfig::default().build().unwrap();
        let admin = runtime.block_on(async {
            let crew = Crew::builder("test", "1.0.0").in_kubernetes(false).build();
            AdminConfig::ephemeral().bind(&crew).await.unwrap()
        });
        (runtime, admin)
    }

    fn to_port_of(admin: &Http, key: &str) -> Arguments {
        let set = vec![format!("{key}={}", admin.local_addr().unwrap().port())];
        Arguments { set, ..Arguments::default() }
    }

    fn place(settings: &[&str]) -> Result<Place, String> {
        place_of(&Target::shape(), settings)
    }

    fn place_of(shape: &Shape, settings: &[&str]) -> Result<Place, String> {
        let loader = settings.iter().copied().fold(Loader::new("test").container(false), Loader::set);
        loader.load(shape).unwrap().read::<Target>().unwrap().place(shape)
    }

    fn local(port: u16) -> Place {
        Place::Tcp(([127, 0, 0, 1], port).into())
    }

    #[test]
    fn a_plain_listener_is_asked_itself() {
        assert_eq!(place(&["http.port=5001"]), Ok(local(5001)));
        assert_eq!(place(&["http.port=5001", "http.host=0.0.0.0", "admin.enabled=false"]), Ok(local(5001)));
    }

    #[test]
    fn where_there_is_no_public_listener_the_admin_listener_is_asked() {
        assert_eq!(place_of(&Reserved::shape(), &["admin.port=8081"]), Ok(local(8081)));
        let words = place_of(&Reserved::shape(), &["admin.enabled=false"]).unwrap_err();
        assert!(words.contains("without a section http") && words.contains("admin.enabled"), "{words}");
    }

    #[test]
    fn a_service_without_a_public_listener_is_healthy_while_it_runs() {
        let (runtime, admin) = listening();
        let arguments = to_port_of(&admin, "admin.port");
        let check = || run(&Service::new("test", "1.0.0"), &arguments, &Reserved::shape());
        assert_eq!(check(), ExitCode::SUCCESS);
        drop((admin, runtime));
        assert_eq!(check(), ExitCode::from(exit::FAILED));
    }

    #[test]
    fn what_is_wrong_with_other_sections_is_no_matter_of_a_probe() {
        let (_runtime, admin) = listening();
        let arguments = to_port_of(&admin, "http.port");
        let service = Service::new("test", "1.0.0");
        let shape = Shape::merge(&[Target::shape(), Wrong::shape()]);
        assert!(service.load(&arguments, &shape).is_err());
        assert_eq!(run(&service, &arguments, &shape), ExitCode::SUCCESS);
    }

    #[cfg(feature = "tls")]
    #[test]
    fn where_the_listener_speaks_tls_the_admin_listener_is_asked() {
        let tls = ["http.tls.cert=a.pem", "http.tls.key=b.pem", "admin.port=8081"];
        assert_eq!(place(&tls), Ok(local(8081)));
        let words = place(&[&tls[..], &["admin.enabled=false"]].concat()).unwrap_err();
        assert!(words.contains("admin.enabled"), "{words}");
    }

    #[cfg(unix)]
    #[test]
    fn a_listener_on_a_unix_socket_is_asked_there_and_nobody_elses_port() {
        let folder = std::env::temp_dir().join(format!("groundcrew-healthcheck-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let path = folder.join("http.sock");
        let runtime = RuntimeConfig::default().build().unwrap();
        let elsewhere = runtime.block_on(async {
            let crew = Crew::builder("test", "1.0.0").in_kubernetes(false).build();
            let other = HttpConfig::ephemeral().bind(&crew).await.unwrap();
            let socket = HttpConfig { socket: Some(path.clone()), ..HttpConfig::default() };
            let _unready = socket.bind(&crew).await.unwrap();
            other.local_addr().unwrap().port()
        });
        let check = || {
            let set = [format!("http.port={elsewhere}"), format!("http.socket={}", path.display())];
            let arguments = Arguments { set: set.into(), ..Arguments::default() };
            run(&Service::new("test", "1.0.0"), &arguments, &Target::shape())
        };
        assert_eq!(check(), ExitCode::SUCCESS);
        std::fs::remove_file(&path).unwrap();
        assert_eq!(check(), ExitCode::from(exit::FAILED));
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
