//! For which site's page a browser sent a request. What comes by itself (a cookie, being on this machine) counts only
//! for our own.

use std::net::{IpAddr, SocketAddr};

use axum::extract::ConnectInfo;
use http::Method;
use http::header::{HOST, ORIGIN};
use http::request::Parts;

use super::{Refusal, State};
use crate::Principal;
use crate::header::only;

const FETCH_SITE: &str = "sec-fetch-site";
/// Where proxies write for whom they ask.
const FORWARDED: [&str; 3] = ["forwarded", "x-forwarded-for", "x-real-ip"];

/// Whether a request may change something.
pub(super) fn changes(parts: &Parts) -> bool {
    !matches!(parts.method, Method::GET | Method::HEAD | Method::OPTIONS)
}

/// Whether a browser says that a page of ours sent it. What says nothing is not believed.
pub(super) fn is_ours(parts: &Parts) -> bool {
    said(parts) == Some(true)
}

/// Whether a browser says that a page of another site sent it.
pub(super) fn is_foreign(parts: &Parts) -> bool {
    said(parts) == Some(false)
}

/// Who is on this machine, unless a browser sent it for another site, or reached us by a name that another site has
/// turned into our address. Whoever comes through a proxy may be anywhere.
pub(super) fn local(parts: &Parts, who: &Principal) -> State {
    if is_remote(parts) || FORWARDED.iter().any(|name| parts.headers.contains_key(*name)) {
        State::Nobody
    } else if is_foreign(parts) || !is_local_name(parts) {
        State::Refused(Refusal::CrossSite)
    } else {
        State::Known(who.clone())
    }
}

/// Whether another machine is connected. On a Unix socket there is no address, and none is.
fn is_remote(parts: &Parts) -> bool {
    let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>();
    peer.is_some_and(|ConnectInfo(peer)| !peer.ip().to_canonical().is_loopback())
}

/// What the browser says; `None` from programs, and from very old browsers about links.
fn said(parts: &Parts) -> Option<bool> {
    if parts.headers.contains_key(FETCH_SITE) {
        let site = only(&parts.headers, FETCH_SITE);
        // `none`: the person themselves, by typing the address.
        return Some(matches!(site, Some("same-origin" | "none")));
    }
    if parts.headers.contains_key(ORIGIN) {
        let origin = only(&parts.headers, ORIGIN.as_str()).and_then(|origin| origin.split_once("://"));
        return Some(origin.is_some_and(|(_, authority)| host(parts) == Some(authority)));
    }
    None
}

fn is_local_name(parts: &Parts) -> bool {
    let Some(host) = host(parts) else { return false };
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.rsplit_once(':').map_or(host, |(name, _)| name),
    };
    name.parse::<IpAddr>().is_ok() || name.eq_ignore_ascii_case("localhost")
}

/// HTTP/2 has it in the address.
fn host(parts: &Parts) -> Option<&str> {
    match parts.uri.authority() {
        Some(authority) => Some(authority.as_str()),
        None => only(&parts.headers, HOST.as_str()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{PrincipalKind, Scopes};

    fn parts(lines: &[(&'static str, &str)]) -> Parts {
        let request = lines
            .iter()
            .fold(http::Request::post("/"), |request, (name, value)| request.header(*name, *value));
        request.body(()).expect("a request").into_parts().0
    }

    #[test]
    fn a_cookie_counts_for_our_own_pages_alone() {
        for (lines, ours) in [
            (&[("sec-fetch-site", "same-origin")][..], true),
            (&[("sec-fetch-site", "same-site")][..], false),
            (&[("sec-fetch-site", "cross-site")][..], false),
            (&[("sec-fetch-site", "same-origin"), ("sec-fetch-site", "cross-site")][..], false),
            (&[("host", "a.example:8443"), ("origin", "https://a.example:8443")][..], true),
            (&[("host", "a.example"), ("origin", "https://b.example")][..], false),
            (&[("host", "a.example"), ("origin", "null")][..], false),
            (&[("host", "a.example")][..], false),
        ] {
            assert_eq!(is_ours(&parts(lines)), ours, "{lines:?}");
        }
    }

    #[test]
    fn who_is_on_this_machine_is_no_other_sites_page() {
        let who = Principal::new("operator", Scopes::all(), PrincipalKind::Local);
        for (lines, known) in [
            (&[("host", "127.0.0.1:5000")][..], true),
            (&[("host", "[::1]:5000")][..], true),
            (&[("host", "localhost")][..], true),
            (&[("host", "localhost:5000"), ("sec-fetch-site", "same-origin")][..], true),
            (&[("host", "localhost:5000"), ("sec-fetch-site", "cross-site")][..], false),
            (&[("host", "127.0.0.1:5000"), ("origin", "https://evil.example")][..], false),
            // A name that leads to 127.0.0.1 only since the page was loaded.
            (&[("host", "evil.example:5000"), ("sec-fetch-site", "same-origin")][..], false),
            (&[("host", "localhost"), ("x-forwarded-for", "198.51.100.7")][..], false),
            (&[][..], false),
        ] {
            assert_eq!(matches!(local(&parts(lines), &who), State::Known(_)), known, "{lines:?}");
        }
    }

    #[test]
    fn who_is_connected_from_elsewhere_is_not_on_this_machine_whatever_they_write() {
        let who = Principal::new("operator", Scopes::all(), PrincipalKind::Local);
        for (peer, known) in [
            ("127.0.0.1:40000", true),
            ("[::1]:40000", true),
            ("[::ffff:127.0.0.1]:40000", true),
            ("198.51.100.7:40000", false),
            ("[::ffff:198.51.100.7]:40000", false),
            ("[2001:db8::7]:40000", false),
        ] {
            let mut parts = parts(&[("host", "localhost")]);
            parts.extensions.insert(ConnectInfo(peer.parse::<SocketAddr>().expect("an address")));
            assert_eq!(matches!(local(&parts, &who), State::Known(_)), known, "{peer}");
        }
    }
}
