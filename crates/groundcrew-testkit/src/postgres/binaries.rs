use super::Error;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Where Debian keeps the servers, a folder per major version.
const DEBIAN: &str = "/usr/lib/postgresql";

/// The folder with PostgreSQL's programs, and the user that may run them.
#[derive(Debug)]
pub(super) struct Binaries {
    folder: PathBuf,
    user: Option<User>,
}

/// The ids of a user other than ourselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct User {
    pub(crate) uid: u32,
    pub(crate) gid: u32,
}

impl Binaries {
    pub(super) fn find() -> Result<Self, Error> {
        let folder = candidates().find(|folder| missing(folder).is_none());
        let Some(folder) = folder else {
            let program = candidates().find_map(|folder| missing(&folder)).unwrap_or("postgres");
            return Err(Error::Missing { program, package: "postgresql" });
        };
        Ok(Self { folder, user: User::for_servers()? })
    }

    /// Who owns the data and runs the server, where that is not us.
    pub(super) fn user(&self) -> Option<User> {
        self.user
    }

    /// One of the programs, to be run by whoever may.
    pub(super) fn command(&self, program: &str) -> Command {
        let mut command = Command::new(self.folder.join(program));
        command.env_clear().env("LC_ALL", "C").env("PATH", "/usr/bin:/bin");
        command.current_dir("/");
        if let Some(User { uid, gid }) = self.user {
            command.uid(uid).gid(gid);
        }
        command
    }
}

impl User {
    /// Who runs servers that refuse to run as root, where we are root.
    pub(crate) fn for_servers() -> Result<Option<Self>, Error> {
        if rustix::process::geteuid().is_root() { Self::unprivileged().map(Some) } else { Ok(None) }
    }

    fn unprivileged() -> Result<Self, Error> {
        let users = std::fs::read_to_string("/etc/passwd").map_err(Error::system("read /etc/passwd"))?;
        let found = ["postgres", "nobody"].iter().find_map(|name| Self::named(name, &users));
        found.ok_or_else(|| Error::Failed {
            program: "postgres",
            output: "it refuses to run as root, and there is no user postgres or nobody".to_owned(),
        })
    }

    fn named(name: &str, users: &str) -> Option<Self> {
        let fields = users.lines().map(|line| line.split(':').collect::<Vec<_>>());
        let user = fields.into_iter().find(|fields| fields.first() == Some(&name))?;
        Some(Self { uid: user.get(2)?.parse().ok()?, gid: user.get(3)?.parse().ok()? })
    }
}

/// The folders that may hold the programs, best first.
fn candidates() -> impl Iterator<Item = PathBuf> {
    let given = std::env::var_os("PG_BIN").map(PathBuf::from);
    let path = std::env::var_os("PATH").unwrap_or_default();
    let path: Vec<PathBuf> = std::env::split_paths(&path).collect();
    given.into_iter().chain(versions(Path::new(DEBIAN))).chain(path)
}

/// The program folders of all versions, newest first.
fn versions(root: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(root).into_iter().flatten().flatten();
    let mut versions: Vec<(u32, PathBuf)> = entries
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path().join("bin"))))
        .collect();
    versions.sort_unstable_by(|one, other| other.cmp(one));
    versions.into_iter().map(|(_, folder)| folder).collect()
}

fn missing(folder: &Path) -> Option<&'static str> {
    ["postgres", "initdb", "psql"].into_iter().find(|program| !folder.join(program).is_file())
}

#[cfg(test)]
mod tests {
    use super::{User, missing};
    use std::path::Path;

    #[test]
    fn a_user_is_found_by_name_and_not_by_a_part_of_it() {
        let users = "root:x:0:0::/:/bin/sh\nnobody2:x:1:1::/:/bin/sh\nnobody:x:65534:65533::/:/bin/false\n";
        assert_eq!(User::named("nobody", users), Some(User { uid: 65534, gid: 65533 }));
        assert_eq!(User::named("postgres", users), None);
    }

    #[test]
    fn a_folder_without_the_server_is_no_candidate() {
        assert_eq!(missing(Path::new("/nonexistent")), Some("postgres"));
    }
}
