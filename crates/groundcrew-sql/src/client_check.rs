use sqlx::{Error, PgConnection};

/// Of Postgres; versions before it do not know the setting.
const KNOWN_SINCE: u32 = 140_000;

const LOOK: &str = "SET client_connection_check_interval = '500ms'";

/// Lets Postgres look while a statement runs whether its client is still there. It notices only between two
/// statements otherwise: one whose caller was cut would run on beside those on the connection that takes its place,
/// and one of a process that was killed would hold its locks until it ends.
pub(crate) async fn look_for_the_client(connection: &mut PgConnection) -> Result<(), Error> {
    if connection.server_version_num().is_some_and(|version| version < KNOWN_SINCE) {
        return Ok(());
    }
    match sqlx::raw_sql(LOOK).execute(connection).await {
        // Not every system that Postgres runs on can tell.
        Err(Error::Database(error)) => {
            tracing::debug!(%error, "Postgres does not look whether its client is gone");
            Ok(())
        }
        other => other.map(drop),
    }
}
