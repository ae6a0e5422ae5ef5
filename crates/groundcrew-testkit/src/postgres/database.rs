use super::Error;
use super::binaries::Binaries;
use std::fmt;
use std::process::{Command, Output, Stdio};
use std::sync::Arc;

/// An empty database for one test. On a server that is not ours it is dropped with this value.
pub struct Database {
    name: String,
    url: String,
    cleanup: Option<Cleanup>,
}

struct Cleanup {
    binaries: Arc<Binaries>,
    server: String,
}

impl Database {
    pub(super) async fn create(
        binaries: Arc<Binaries>,
        server: &str,
        name: String,
        borrowed: bool,
    ) -> Result<Self, Error> {
        let sql = format!("CREATE DATABASE {name}");
        let mut command = psql(&binaries, server, &sql);
        let output = crate::server::blocking(move || command.output(), "start psql").await?;
        succeeded("psql", &output)?;
        let cleanup = borrowed.then(|| Cleanup { binaries, server: server.to_owned() });
        Ok(Self { url: with_database(server, &name), name, cleanup })
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The URL to connect to it.
    pub fn url(&self) -> &str {
        &self.url
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        if let Some(Cleanup { binaries, server }) = &self.cleanup {
            let sql = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name);
            let _ = psql(binaries, server, &sql).status();
        }
    }
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Database").field("name", &self.name).finish_non_exhaustive()
    }
}

pub(super) fn succeeded(program: &'static str, output: &Output) -> Result<(), Error> {
    if output.status.success() {
        return Ok(());
    }
    Err(Error::Failed { program, output: String::from_utf8_lossy(&output.stderr).trim().to_owned() })
}

fn psql(binaries: &Binaries, server: &str, sql: &str) -> Command {
    let mut command = binaries.command("psql");
    command.args(["--no-psqlrc", "--quiet", "--no-password", "--set", "ON_ERROR_STOP=1"]);
    command.env("PGCONNECT_TIMEOUT", "10").args(["--dbname", server, "--command", sql]);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    command
}

/// The same URL with another database; query and credentials stay.
fn with_database(url: &str, name: &str) -> String {
    let (base, query) = url.split_once('?').map_or((url, None), |(base, query)| (base, Some(query)));
    let authority = base.find("://").map_or(0, |scheme| scheme + 3);
    let end = base[authority..].find('/').map_or(base.len(), |slash| authority + slash);
    let query = query.map(|query| format!("?{query}")).unwrap_or_default();
    format!("{}/{name}{query}", &base[..end])
}

#[cfg(test)]
mod tests {
    use super::with_database;

    #[test]
    fn the_database_of_a_url_is_exchanged_and_the_rest_stays() {
        assert_eq!(with_database("postgres://u:p@h:1/a?x=/y", "b"), "postgres://u:p@h:1/b?x=/y");
        assert_eq!(with_database("postgres://h", "b"), "postgres://h/b");
    }
}
