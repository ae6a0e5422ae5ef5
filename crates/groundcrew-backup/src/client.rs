//! How PostgreSQL's programs reach a database: by variables alone, since a command line can be read by everybody.

use std::ffi::OsString;
use std::process::{ExitStatus, Stdio};

use groundcrew_config::Secret;
use groundcrew_sql::sqlx::ConnectOptions;
use groundcrew_sql::sqlx::postgres::{PgConnectOptions, PgSslMode};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::{Child, Command};

use crate::ToolError;
use crate::tools::Tool;

/// How much of what a program says is kept: the end of it.
const WORDS: usize = 4096;

/// A database, as libpq's variables.
pub(crate) struct Client {
    variables: Vec<(String, OsString)>,
    password: Option<Secret<String>>,
    database: String,
    pub(crate) target: String,
}

/// A program that runs; dropped, it is killed.
#[derive(Debug)]
pub(crate) struct Running {
    pub(crate) child: Child,
    program: &'static str,
}

// === impl Client ===

impl Client {
    pub(crate) fn of(options: &PgConnectOptions) -> Self {
        let database = options.get_database().unwrap_or(options.get_username()).to_owned();
        let host = options.get_socket().map_or_else(
            || OsString::from(options.get_host().trim_start_matches('[').trim_end_matches(']')),
            |socket| socket.clone().into_os_string(),
        );
        let target = format!("{}:{}/{database}", host.display(), options.get_port());
        let mut variables: Vec<(String, OsString)> = vec![
            ("PGHOST".into(), host),
            ("PGPORT".into(), options.get_port().to_string().into()),
            ("PGUSER".into(), options.get_username().into()),
            ("PGDATABASE".into(), database.clone().into()),
            ("PGSSLMODE".into(), ssl_mode(options.get_ssl_mode()).into()),
            ("PGCONNECT_TIMEOUT".into(), "10".into()),
            ("PGAPPNAME".into(), "groundcrew-backup".into()),
            // Messages that we recognise.
            ("LC_ALL".into(), "C".into()),
        ];
        // The options do not tell these two but in a URL, which is made of parts that cannot break it.
        let url = options.clone().host("localhost").username("user").database("name").to_url_lossy();
        for (key, value) in url.query_pairs() {
            // Certificates that stand in the URL itself are nothing that libpq takes.
            let file = value.strip_prefix("file:").map(str::trim_start);
            if let (Some(file), "sslrootcert" | "sslcert" | "sslkey") = (file, &*key) {
                variables.push((format!("PG{}", key.to_uppercase()), file.into()));
            }
        }
        let password = url.password().map(|password| Secret::new(decoded(password)));
        Self { variables, password, database, target }
    }

    /// The database's name as a connection string, in which nothing of it is an option.
    pub(crate) fn dbname(&self) -> String {
        let escaped = self.database.replace('\\', "\\\\").replace('\'', "\\'");
        format!("dbname='{escaped}'")
    }

    pub(crate) fn command(&self, tool: &Tool) -> Command {
        let mut command = Command::new(&tool.path);
        for inherited in ["PGSERVICE", "PGSERVICEFILE", "PGHOSTADDR"] {
            command.env_remove(inherited);
        }
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        if let Some(password) = &self.password {
            command.env("PGPASSWORD", password.expose());
        }
        command.arg("--no-password");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        command
    }

    /// Waits for the end; what it said is read meanwhile, or it could not end.
    pub(crate) async fn end(&self, mut running: Running) -> Result<(), ToolError> {
        let program = running.program;
        let failed = |cause| ToolError::Run { program, cause };
        let stderr = running.child.stderr.take();
        let (status, words) = tokio::join!(running.child.wait(), tail(stderr));
        self.judge(program, status.map_err(failed)?, &words)
    }

    /// What its end means.
    pub(crate) fn judge(
        &self,
        program: &'static str,
        status: ExitStatus,
        words: &str,
    ) -> Result<(), ToolError> {
        if status.success() {
            return Ok(());
        }
        let mut words = words.trim().to_owned();
        if let Some(password) = &self.password
            && !password.expose().is_empty()
        {
            words = words.replace(password.expose().as_str(), "[redacted]");
        }
        words.push_str(hint(&words));
        Err(ToolError::Failed { program, target: self.target.clone(), status, words })
    }
}

impl Running {
    pub(crate) fn start(mut command: Command, tool: &Tool) -> Result<Self, ToolError> {
        let program = tool.program;
        let child = command.spawn().map_err(|cause| ToolError::Run { program, cause })?;
        Ok(Self { child, program })
    }
}

/// The end of what a program says.
pub(crate) async fn tail(from: Option<impl AsyncRead + Unpin>) -> String {
    let Some(mut from) = from else { return String::new() };
    let (mut words, mut buffer) = (Vec::new(), [0; 1024]);
    while let Ok(read @ 1..) = from.read(&mut buffer).await {
        words.extend_from_slice(&buffer[..read]);
        let surplus = words.len().saturating_sub(WORDS);
        words.drain(..surplus);
    }
    String::from_utf8_lossy(&words).into_owned()
}

fn ssl_mode(mode: PgSslMode) -> &'static str {
    match mode {
        PgSslMode::Disable => "disable",
        PgSslMode::Allow => "allow",
        PgSslMode::Prefer => "prefer",
        PgSslMode::Require => "require",
        PgSslMode::VerifyCa => "verify-ca",
        PgSslMode::VerifyFull => "verify-full",
    }
}

fn hint(words: &str) -> &'static str {
    const HINTS: &[(&str, &str)] = &[
        ("password authentication failed", "; look at DATABASE_PASSWORD (database.password)"),
        ("no password supplied", "; set DATABASE_PASSWORD (database.password)"),
        (
            "permission denied",
            "; the user needs to read every table: grant it pg_read_all_data, or use the owner",
        ),
        ("row-level security", "; the user needs BYPASSRLS, or it would back up only the rows that it sees"),
        (
            "unsupported version",
            "; the backup was made by a newer pg_dump: install its version of pg_restore",
        ),
        (
            "other objects depend on it",
            "; what the backup does not know stands on what it replaces: restore into a \
                                        new database (--into) instead",
        ),
    ];
    HINTS.iter().find(|(sign, _)| words.contains(sign)).map_or("", |(_, hint)| hint)
}

/// Percent-encoding undone.
fn decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let (mut plain, mut at) = (Vec::with_capacity(bytes.len()), 0);
    while at < bytes.len() {
        let escaped = (bytes[at] == b'%').then(|| text.get(at + 1..at + 3)).flatten();
        let byte = escaped.and_then(|hex| u8::from_str_radix(hex, 16).ok());
        plain.push(byte.unwrap_or(bytes[at]));
        at += if byte.is_some() { 3 } else { 1 };
    }
    String::from_utf8_lossy(&plain).into_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn variable(client: &Client, name: &str) -> Option<String> {
        client
            .variables
            .iter()
            .find(|(variable, _)| variable == name)
            .map(|(_, value)| value.to_string_lossy().into_owned())
    }

    #[test]
    fn a_name_of_a_database_is_never_taken_for_options() {
        let options = PgConnectOptions::new_without_pgpass().database("x' host=evil \\");
        assert_eq!(Client::of(&options).dbname(), "dbname='x\\' host=evil \\\\'");
    }

    #[test]
    fn certificates_sockets_and_literal_addresses_arrive() {
        let options = PgConnectOptions::new_without_pgpass().host("[::1]").ssl_root_cert("/etc/ca.pem");
        let client = Client::of(&options);
        assert_eq!(variable(&client, "PGHOST").as_deref(), Some("::1"));
        assert_eq!(variable(&client, "PGSSLROOTCERT").as_deref(), Some("/etc/ca.pem"));
        let client = Client::of(&options.socket("/run/postgresql"));
        assert_eq!(variable(&client, "PGHOST").as_deref(), Some("/run/postgresql"));
    }

    proptest! {
        #[test]
        fn any_password_arrives_whole_and_nowhere_else(password in "\\PC{6,20}", user in "[ -~]{1,10}") {
            let options = PgConnectOptions::new_without_pgpass().username(&user).password(&password).database("d");
            let client = Client::of(&options);
            prop_assert_eq!(client.password.as_ref().map(|p| p.expose().clone()), Some(password.clone()));
            prop_assert!(!client.target.contains(&password) || user.contains(&password));
        }
    }
}
