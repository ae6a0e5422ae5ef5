use crate::server::{self, Error, Folder, TEMPORARY};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Where Debian keeps the broker, a folder per version. Its wrapper on `PATH` wants a user and folders of its own.
const DEBIAN: &str = "/usr/lib/rabbitmq/lib";

/// The script that starts a broker.
#[derive(Debug)]
pub(super) struct Scripts {
    /// Its path inside the root.
    server: PathBuf,
    /// Another system's files, where the broker is not of ours.
    root: Option<PathBuf>,
}

impl Scripts {
    pub(super) fn find() -> Result<Self, Error> {
        let missing = || Error::Missing { program: "rabbitmq-server", package: "rabbitmq-server" };
        if let Some(root) = server::given("RABBITMQ_ROOT").map(PathBuf::from) {
            let script = newest(&root.join(inside(Path::new("/"), Path::new(DEBIAN)))).ok_or_else(missing)?;
            let server = Path::new("/").join(inside(&root, &script));
            return Ok(Self { server, root: Some(root) });
        }
        let given = server::given("RABBITMQ_SERVER").map(PathBuf::from);
        let server = given.or_else(|| newest(Path::new(DEBIAN)));
        let server = server.or_else(|| server::program("RABBITMQ_SERVER", &["rabbitmq-server"]));
        server.map(|server| Self { server, root: None }).ok_or_else(missing)
    }

    /// With nothing in its environment that is meant for another broker.
    pub(super) fn command(&self) -> Command {
        let path = std::env::var_os("PATH").unwrap_or_else(|| "/usr/bin:/bin".into());
        let mut command = match &self.root {
            None => Command::new(&self.server),
            Some(root) => {
                let mut command = Command::new("chroot");
                command.arg(root).arg(&self.server);
                command
            }
        };
        command.env_clear().env("PATH", path).env("LC_ALL", "C.UTF-8");
        command
    }

    /// A folder that the broker can reach.
    pub(super) fn folder(&self) -> Result<Folder, Error> {
        let root = self.root.as_deref().unwrap_or(Path::new("")).display();
        Folder::create(&format!("{root}{TEMPORARY}"), "rabbitmq", None)
    }

    /// The path of something of ours as the broker sees it.
    pub(super) fn seen(&self, path: &Path) -> PathBuf {
        self.root.as_ref().map_or_else(|| path.to_owned(), |root| Path::new("/").join(inside(root, path)))
    }

    /// Another system's root has no `/proc`, from which a broker learns how much memory there is.
    pub(super) fn settings(&self) -> &'static str {
        match self.root {
            None => "",
            Some(_) => {
                "vm_memory_high_watermark.absolute = 1GB\nvm_memory_calculation_strategy = allocated\n"
            }
        }
    }
}

fn inside<'a>(root: &Path, path: &'a Path) -> &'a Path {
    path.strip_prefix(root).unwrap_or(path)
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
