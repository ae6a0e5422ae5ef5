use sqlx::error::BoxDynError;
use sqlx::{Database, Execute, SqlStr};

/// A query whose statement is prepared for this once where `fleeting` says so: behind a transaction pooler the next
/// query may meet another server, and another client's statements. Without a cache, sqlx would still give it a
/// name, and leave it there.
pub(crate) struct Fleeting<E> {
    pub(crate) query: E,
    pub(crate) fleeting: bool,
}

impl<'q, DB: Database, E: Execute<'q, DB>> Execute<'q, DB> for Fleeting<E> {
    fn sql(self) -> SqlStr {
        self.query.sql()
    }

    fn statement(&self) -> Option<&DB::Statement> {
        self.query.statement()
    }

    fn take_arguments(&mut self) -> Result<Option<DB::Arguments>, BoxDynError> {
        self.query.take_arguments()
    }

    fn persistent(&self) -> bool {
        !self.fleeting && self.query.persistent()
    }
}
