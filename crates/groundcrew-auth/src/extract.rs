//! [`Principal`] as an extractor, and for middleware.

use axum::extract::{FromRequestParts, OptionalFromRequestParts};
use http::request::Parts;

use crate::auth::Identity;
use crate::{Denied, Principal};

impl Principal {
    /// Who an [`Auth`](crate::Auth) layer further out has found, for middleware of one's own; `None` also where what
    /// was shown is not good.
    pub fn of(extensions: &http::Extensions) -> Option<&Self> {
        Identity::of(extensions)
    }
}

impl<S: Sync> FromRequestParts<S> for Principal {
    type Rejection = Denied;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Denied> {
        Identity::known(&parts.extensions).cloned()
    }
}

impl<S: Sync> OptionalFromRequestParts<S> for Principal {
    type Rejection = Denied;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Option<Self>, Denied> {
        Ok(Identity::anybody(parts)?.cloned())
    }
}
