use groundcrew_runtime::Crew;
use groundcrew_sql::Database;

use crate::{Lease, LeaseConfig, LeaseError};

impl LeaseConfig {
    /// A lease in whichever database the service runs on.
    ///
    /// # Errors
    ///
    /// When the configuration cannot work, and when this process has a lease of that name already.
    pub fn database(&self, name: &str, crew: &Crew, database: &Database) -> Result<Lease, LeaseError> {
        match database {
            #[cfg(feature = "sqlite")]
            Database::Sqlite(sqlite) => self.sqlite(name, crew, sqlite),
            #[cfg(feature = "postgres")]
            Database::Postgres(postgres) => self.postgres(name, crew, postgres),
        }
    }
}
