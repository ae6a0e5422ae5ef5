use groundcrew_sql::sqlx;

/// Why a session was not refreshed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RefreshError {
    /// It is no refresh token, or one that nobody knows.
    #[error("the refresh token is not known")]
    Unknown,
    /// It was used before; its session has ended now.
    #[error(
        "the refresh token was used before: it may have been stolen, so its session has ended; sign in again"
    )]
    Reused,
    /// The session has ended, or has not been used for too long.
    #[error("the session has ended; sign in again")]
    Ended,
    /// The database did not answer. Nothing is known about the token.
    #[error("the database did not say whether the refresh token is good")]
    Database(#[from] sqlx::Error),
}
