use axum::Router;
use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, VARY,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use tower_http::cors::{AllowOrigin, CorsLayer};

use crate::config::CorsConfig;

/// A CORS section that would not do what it says.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum CorsError {
    /// Browsers refuse credentials from everywhere, and rightly.
    #[error("http.cors.credentials cannot be on while http.cors.origins is `*`: name the origins")]
    CredentialsFromAnywhere,
    /// An origin is a scheme, a host and perhaps a port, without a path.
    #[error("http.cors.origins has {origin:?}, which is no origin: write it like https://app.example.com")]
    NotAnOrigin {
        /// What was configured.
        origin: String,
    },
}

/// The layer that the section describes.
pub(crate) fn layer(config: &CorsConfig) -> Result<CorsLayer, CorsError> {
    let anywhere = from_anywhere(config);
    if anywhere && config.credentials {
        return Err(CorsError::CredentialsFromAnywhere);
    }
    let origins = if anywhere {
        AllowOrigin::any()
    } else {
        AllowOrigin::list(config.origins.iter().map(|origin| parse(origin)).collect::<Result<Vec<_>, _>>()?)
    };
    let layer = CorsLayer::new()
        .allow_origin(origins)
        .allow_methods([Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE])
        .allow_headers(["authorization", "content-type", "idempotency-key"].map(HeaderName::from_static))
        .expose_headers([crate::REQUEST_ID])
        .max_age(config.max_age);
    Ok(if config.credentials { layer.allow_credentials(true) } else { layer })
}

/// Lets a page of an allowed origin read an answer that was made outside of the layer: a deadline that ran out, a panic,
/// a shutdown. Without it the browser would show the page a failure of the network.
pub(crate) fn admit(config: &CorsConfig, origin: &HeaderValue, headers: &mut HeaderMap) {
    let anywhere = from_anywhere(config);
    let is_allowed = anywhere || config.origins.iter().any(|allowed| allowed.as_bytes() == origin.as_bytes());
    if !is_allowed || headers.contains_key(ACCESS_CONTROL_ALLOW_ORIGIN) {
        return;
    }
    headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from(crate::REQUEST_ID));
    if anywhere {
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
        return;
    }
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
    headers.append(VARY, HeaderValue::from_static("origin"));
    if config.credentials {
        headers.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
    }
}

pub(crate) fn apply(routes: Router, layer: Option<CorsLayer>) -> Router {
    match layer {
        Some(layer) => routes.layer(layer),
        None => routes,
    }
}

fn from_anywhere(config: &CorsConfig) -> bool {
    config.origins.iter().any(|origin| origin == "*")
}

fn parse(origin: &str) -> Result<HeaderValue, CorsError> {
    let wrong = || CorsError::NotAnOrigin { origin: origin.to_owned() };
    let (scheme, host) = origin.split_once("://").ok_or_else(wrong)?;
    if !matches!(scheme, "http" | "https") || host.is_empty() || host.contains('/') {
        return Err(wrong());
    }
    HeaderValue::from_str(origin).map_err(|_| wrong())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn config(origins: &[&str], credentials: bool) -> CorsConfig {
        let origins = origins.iter().map(|&origin| origin.to_owned()).collect();
        CorsConfig { origins, credentials, max_age: Duration::from_secs(600) }
    }

    #[test]
    fn credentials_from_anywhere_are_refused() {
        assert_eq!(layer(&config(&["*"], true)).unwrap_err(), CorsError::CredentialsFromAnywhere);
    }

    #[test]
    fn an_origin_with_a_path_or_without_a_scheme_is_refused_by_name() {
        for wrong in ["example.com", "https://example.com/", "ftp://example.com"] {
            let error = layer(&config(&[wrong], false)).unwrap_err();
            assert_eq!(error, CorsError::NotAnOrigin { origin: wrong.into() });
        }
    }
}
