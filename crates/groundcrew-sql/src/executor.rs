//! References to our handles are sqlx executors.

use futures_core::future::BoxFuture;
use futures_core::stream::BoxStream;
use sqlx::{Database, Describe, Either, Error, Execute, Executor, SqlStr};

use crate::stream::stream_from;
use crate::{Connections, Session};

impl<'c, DB: Database> Executor<'c> for &'c Connections<DB>
where
    for<'a> &'a mut DB::Connection: Executor<'a, Database = DB>,
{
    type Database = DB;

    fn fetch_many<'e, 'q: 'e, E>(
        self,
        query: E,
    ) -> BoxStream<'e, Result<Either<DB::QueryResult, DB::Row>, Error>>
    where
        'c: 'e,
        E: 'q + Execute<'q, DB>,
    {
        stream_from(move |feed| async move { self.session().await?.stream(query, feed).await })
    }

    fn fetch_optional<'e, 'q: 'e, E>(self, query: E) -> BoxFuture<'e, Result<Option<DB::Row>, Error>>
    where
        'c: 'e,
        E: 'q + Execute<'q, DB>,
    {
        Box::pin(async move { self.session().await?.optional(query).await })
    }

    fn prepare_with<'e>(
        self,
        sql: SqlStr,
        parameters: &'e [DB::TypeInfo],
    ) -> BoxFuture<'e, Result<DB::Statement, Error>>
    where
        'c: 'e,
    {
        Box::pin(async move { self.session().await?.prepared(sql, parameters).await })
    }

    fn describe<'e>(self, sql: SqlStr) -> BoxFuture<'e, Result<Describe<DB>, Error>>
    where
        'c: 'e,
    {
        Box::pin(async move { self.session().await?.described(sql).await })
    }
}

impl<'c, DB: Database> Executor<'c> for &'c mut Session<DB>
where
    for<'a> &'a mut DB::Connection: Executor<'a, Database = DB>,
{
    type Database = DB;

    fn fetch_many<'e, 'q: 'e, E>(
        self,
        query: E,
    ) -> BoxStream<'e, Result<Either<DB::QueryResult, DB::Row>, Error>>
    where
        'c: 'e,
        E: 'q + Execute<'q, DB>,
    {
        stream_from(move |feed| async move { self.stream(query, feed).await })
    }

    fn fetch_optional<'e, 'q: 'e, E>(self, query: E) -> BoxFuture<'e, Result<Option<DB::Row>, Error>>
    where
        'c: 'e,
        E: 'q + Execute<'q, DB>,
    {
        Box::pin(async move { self.optional(query).await })
    }

    fn prepare_with<'e>(
        self,
        sql: SqlStr,
        parameters: &'e [DB::TypeInfo],
    ) -> BoxFuture<'e, Result<DB::Statement, Error>>
    where
        'c: 'e,
    {
        Box::pin(async move { self.prepared(sql, parameters).await })
    }

    fn describe<'e>(self, sql: SqlStr) -> BoxFuture<'e, Result<Describe<DB>, Error>>
    where
        'c: 'e,
    {
        Box::pin(async move { self.described(sql).await })
    }
}

/// `&$handle` executes on the connections that `$connections` picks.
macro_rules! executes_on {
    ($handle:ty, $backend:ty, $connections:expr) => {
        impl<'c> Executor<'c> for &'c $handle {
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
                $connections(self).fetch_many(query)
            }

            fn fetch_optional<'e, 'q: 'e, E>(
                self,
                query: E,
            ) -> BoxFuture<'e, Result<Option<<$backend as Database>::Row>, Error>>
            where
                'c: 'e,
                E: 'q + Execute<'q, $backend>,
            {
                $connections(self).fetch_optional(query)
            }

            fn prepare_with<'e>(
                self,
                sql: SqlStr,
                parameters: &'e [<$backend as Database>::TypeInfo],
            ) -> BoxFuture<'e, Result<<$backend as Database>::Statement, Error>>
            where
                'c: 'e,
            {
                $connections(self).prepare_with(sql, parameters)
            }

            fn describe<'e>(self, sql: SqlStr) -> BoxFuture<'e, Result<Describe<$backend>, Error>>
            where
                'c: 'e,
            {
                $connections(self).describe(sql)
            }
        }
    };
}

#[cfg(feature = "sqlite")]
executes_on!(crate::Sqlite, sqlx::Sqlite, crate::Sqlite::write);
#[cfg(feature = "postgres")]
executes_on!(crate::Postgres, sqlx::Postgres, crate::Postgres::connections);
