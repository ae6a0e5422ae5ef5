//! For which site's page a browser sent a request. Being on this machine counts for no page but our own.

use std::net::{IpAddr, SocketAddr};

use groundcrew_http::Problem;
use groundcrew_http::axum::extract::{ConnectInfo, Request, State};
use groundcrew_http::axum::http::header::{HOST, HeaderName, ORIGIN};
use groundcrew_http::axum::http::{HeaderMap, StatusCode, Uri};
use groundcrew_http::axum::middleware::Next;
use groundcrew_http::axum::response::Response;

const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// What the guard has to know of the listener.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Guard {
    /// Whether whoever changes something shows a token, which no other site's page has.
    pub(crate) has_token: bool,
}

/// Refuses what a browser sent for another site's page, and, where no token is asked for, what was sent to a name that
/// another site may have turned into our address. Programs such as curl say nothing of a site, and are let through.
pub(crate) async fn guard(
    State(guard): State<Guard>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let host = host(request.uri(), request.headers());
    if is_foreign(host, request.headers()) {
        let detail = "a browser sent this for a page of another site; open this address itself, or use curl";
        return Err(Problem::new(StatusCode::FORBIDDEN, "CROSS_SITE").detail(detail));
    }
    if !guard.has_token && !host.is_some_and(|host| is_ours(host, peer.ip())) {
        let detail =
            "this was sent to a name that may be anyone's; say 127.0.0.1 or localhost, or set admin.token";
        return Err(Problem::new(StatusCode::FORBIDDEN, "FOREIGN_HOST").detail(detail));
    }
    Ok(next.run(request).await)
}

/// Whether a browser says that a page of another site sent it.
fn is_foreign(host: Option<&str>, headers: &HeaderMap) -> bool {
    // `none`: the person themselves, by typing the address.
    let site = |site| matches!(site, Some("same-origin" | "none"));
    let origin = |origin: Option<&str>| {
        let authority = origin.and_then(|origin| origin.split_once("://")).map(|(_, authority)| authority);
        authority.is_some() && authority == host
    };
    headers.contains_key(FETCH_SITE) && !site(only(headers, &FETCH_SITE))
        || headers.contains_key(ORIGIN) && !origin(only(headers, &ORIGIN))
}

/// Whether `host` is this machine. Whoever comes from another one may use our address, which is nobody else's, but no
/// name: a name leads wherever its owner says.
fn is_ours(host: &str, peer: IpAddr) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.rsplit_once(':').map_or(host, |(name, _port)| name),
    };
    match name.parse::<IpAddr>() {
        Ok(address) => address.to_canonical().is_loopback() || !peer.to_canonical().is_loopback(),
        Err(_) => name.eq_ignore_ascii_case("localhost"),
    }
}

/// HTTP/2 has it in the address.
fn host<'a>(uri: &'a Uri, headers: &'a HeaderMap) -> Option<&'a str> {
    match uri.authority() {
        Some(authority) => Some(authority.as_str()),
        None => only(headers, &HOST),
    }
}

/// The value of a header that is there once.
fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?;
    if values.next().is_some() { None } else { value.to_str().ok() }
}

#[cfg(test)]
mod tests {
    use groundcrew_http::axum::http::HeaderValue;

    use super::*;

    const NEAR: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);
    const FAR: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));

    #[test]
    fn what_a_browser_sends_for_another_sites_page_is_foreign() {
        for (lines, foreign) in [
            (&[][..], false),
            (&[("sec-fetch-site", "same-origin")][..], false),
            (&[("sec-fetch-site", "none")][..], false),
            (&[("sec-fetch-site", "same-site")][..], true),
            (&[("sec-fetch-site", "cross-site")][..], true),
            (&[("sec-fetch-site", "none"), ("sec-fetch-site", "none")][..], true),
            (&[("origin", "http://localhost:8080")][..], false),
            (&[("origin", "http://localhost:3000")][..], true),
            (&[("origin", "https://evil.example")][..], true),
            (&[("origin", "null")][..], true),
            (&[("sec-fetch-site", "same-origin"), ("origin", "https://evil.example")][..], true),
        ] {
            let headers = lines.iter().map(|(name, value)| {
                (HeaderName::from_static(name), HeaderValue::from_str(value).expect("a header"))
            });
            let mut given = HeaderMap::new();
            headers.for_each(|(name, value)| _ = given.append(name, value));
            assert_eq!(is_foreign(Some("localhost:8080"), &given), foreign, "{lines:?}");
        }
    }

    #[test]
    fn only_localhost_and_addresses_are_this_machine() {
        for (host, near, far) in [
            ("127.0.0.1:8080", true, true),
            ("127.0.0.1", true, true),
            ("[::1]:8080", true, true),
            ("LocalHost:8080", true, true),
            ("192.0.2.7:8080", false, true),
            ("evil.example:8080", false, false),
            ("localhost.evil.example", false, false),
            ("127.0.0.1.evil.example", false, false),
            ("", false, false),
        ] {
            assert_eq!((is_ours(host, NEAR), is_ours(host, FAR)), (near, far), "{host}");
        }
    }
}
