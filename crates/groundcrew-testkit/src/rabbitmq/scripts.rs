use crate::server::{self, Error};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Where Debian keeps the broker, a folder per version. Its wrapper on `PATH` wants a user and folders of its own.
const DEBIAN: &str = "/usr/lib/rabbitmq/lib";

/// The script that starts a broker.
#[derive(Debug)]
pub(super) struct Scripts {
    server: PathBuf,
}

impl Scripts {
    pub(super) fn find() -> Result<Self, Error> {
        let given = server::given("RABBITMQ_SERVER").map(PathBuf::from);
        let server = given.or_else(|| newest(Path::new(DEBIAN)));
        let server = server.or_else(|| server::program("RABBITMQ_SERVER", &["rabbitmq-server"]));
        let missing = Error::Missing { program: "rabbitmq-server", package: "rabbitmq-server" };
        server.map(|server| Self { server }).ok_or(missing)
    }

    /// With nothing in its environment that is meant for another broker.
    pub(super) fn command(&self) -> Command {
        let mut command = Command::new(&self.server);
        let path = std::env::var_os("PATH").unwrap_or_else(|| "/usr/bin:/bin".into());
        command.env_clear().env("PATH", path).env("LC_ALL", "C.UTF-8");
        command
    }
}

fn newest(root: &Path) -> Option<PathBuf> {
    let entries = std::fs::read_dir(root).into_iter().flatten().flatten();
    let versions = entries.filter_map(|entry| {
        let version = entry.file_name().to_str()?.strip_prefix("rabbitmq_server-")?.to_owned();
        let numbers: Vec<u32> = version.split('.').filter_map(|number| number.parse().ok()).collect();
        let script = entry.path().join("sbin/rabbitmq-server");
        script.is_file().then_some((numbers, script))
    });
    versions.max().map(|(_, script)| script)
}
