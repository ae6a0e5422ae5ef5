use groundcrew_client::ClientError;

/// Why nobody was signed in.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OAuthError {
    /// This browser did not begin the sign-in, began it too long ago, or another site made it up. Answer 400.
    #[error("this sign-in was not begun here, or more than ten minutes ago: begin it again")]
    NotStarted,
    /// The person said no, or the provider refuses. Answer 403.
    #[error("the sign-in was refused: {0}")]
    Refused(String),
    /// The provider cannot be reached. Answer 502 or 503.
    #[error("the provider of the sign-in does not answer")]
    Unavailable(#[from] ClientError),
    /// The provider's answer is not what it should be. Answer 502.
    #[error("the provider of the sign-in answers wrongly: {0}")]
    Answer(&'static str),
}

/// What somebody else wrote, short and on one line.
pub(super) fn tidy(text: &str) -> String {
    text.chars()
        .filter(|letter| letter.is_ascii_alphanumeric() || "_-. ".contains(*letter))
        .take(64)
        .collect()
}
