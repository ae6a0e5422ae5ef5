//! Who sent a request.

use groundcrew::http::axum::http::Extensions;

/// The name of who asks, where anybody was asked who they are.
pub(crate) fn asker(_extensions: &Extensions) -> Option<String> {
    None
}
