//! Who sent a request.

use groundcrew::auth::{Principal, PrincipalKind};
use groundcrew::http::axum::http::Extensions;

/// The name of who asks; `None` where nobody was asked who they are.
pub(crate) fn asker(extensions: &Extensions) -> Option<String> {
    let who = Principal::of(extensions).filter(|who| who.kind != PrincipalKind::Local)?;
    Some(who.subject.clone())
}
