//! References to our handles and connections are sqlx executors.
//!
//! One backend at a time, and not `impl<DB> Executor for &Connections<DB>`: such a thing makes rustc go round in
//! circles in generic code of others that asks for `for<'a> &'a T: Executor<'a>`.

use futures_core::future::BoxFuture;
use futures_core::stream::BoxStream;
use sqlx::{Database, Describe, Either, Error, Execute, Executor, SqlStr};

use crate::stream::stream_from;
use crate::{Connections, Session};

/// `$handle` executes on the session that `$session` comes to.
macro_rules! executes_on {
    ($handle:ty, $backend:ty, |$me:ident| $session:expr) => {
        impl<'c> Executor<'c> for $handle {
            type Database = $backend;

            fn fetch_many<'e, 'q: 'e, E>(
                self,
                query: E,
            ) -> BoxStream<
                'e,
                Result<Either<<$backend as Database>::QueryResult, <$backend as Database>::Row>, Error>,
            >
            where
                'c: 'e,
                E: 'q + Execute<'q, $backend>,
            {
                let $me = self;
                stream_from(move |feed| async move { $session.stream(query, feed).await })
            }

            fn fetch_optional<'e, 'q: 'e, E>(
                self,
                query: E,
            ) -> BoxFuture<'e, Result<Option<<$backend as Database>::Row>, Error>>
            where
                'c: 'e,
                E: 'q + Execute<'q, $backend>,
            {
                let $me = self;
                Box::pin(async move { $session.optional(query).await })
            }

            fn prepare_with<'e>(
                self,
                sql: SqlStr,
                parameters: &'e [<$backend as Database>::TypeInfo],
            ) -> BoxFuture<'e, Result<<$backend as Database>::Statement, Error>>
            where
                'c: 'e,
            {
                let $me = self;
                Box::pin(async move { $session.prepared(sql, parameters).await })
            }

            fn describe<'e>(self, sql: SqlStr) -> BoxFuture<'e, Result<Describe<$backend>, Error>>
            where
                'c: 'e,
            {
                let $me = self;
                Box::pin(async move { $session.described(sql).await })
            }
        }
    };
}

#[cfg(feature = "sqlite")]
executes_on!(&'c crate::Sqlite, sqlx::Sqlite, |sqlite| sqlite.write().session().await?);
#[cfg(feature = "sqlite")]
executes_on!(&'c Connections<sqlx::Sqlite>, sqlx::Sqlite, |connections| connections.session().await?);
#[cfg(feature = "sqlite")]
executes_on!(&'c mut Session<sqlx::Sqlite>, sqlx::Sqlite, |session| session);

#[cfg(feature = "postgres")]
executes_on!(&'c crate::Postgres, sqlx::Postgres, |postgres| postgres.connections().session().await?);
#[cfg(feature = "postgres")]
executes_on!(&'c Connections<sqlx::Postgres>, sqlx::Postgres, |connections| connections.session().await?);
#[cfg(feature = "postgres")]
executes_on!(&'c mut Session<sqlx::Postgres>, sqlx::Postgres, |session| session);
