use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};

use axum::extract::{ConnectInfo, OptionalFromRequestParts};
use http::request::Parts;
use http::{Extensions, HeaderMap};

use crate::Cidr;

/// Who asks: the address of the client, behind the proxies that `http.trusted_proxies` names.
///
/// A handler takes it as `Option<ClientAddress>`: on a Unix socket without such a proxy there is none.
///
/// ```
/// use groundcrew_http::ClientAddress;
///
/// async fn who(client: Option<ClientAddress>) -> String {
///     client.map_or("somebody here".to_owned(), |client| client.0.to_string())
/// }
/// # let _: axum::Router = axum::Router::new().route("/who", axum::routing::get(who));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ClientAddress(pub IpAddr);

/// Where proxies write for whom they ask.
pub(crate) const FORWARDED_FOR: &str = "x-forwarded-for";

// === impl ClientAddress ===

impl ClientAddress {
    /// What the server found out, or whoever is connected.
    pub(crate) fn of(extensions: &Extensions) -> Option<Self> {
        extensions.get::<Self>().copied().or_else(|| {
            let ConnectInfo(peer) = extensions.get::<ConnectInfo<SocketAddr>>()?;
            Some(Self(peer.ip().to_canonical()))
        })
    }

    /// Walks `X-Forwarded-For` from its end, where the nearest proxy wrote, for as long as those who wrote are
    /// trusted. Whatever stands before that, a client may have made up.
    ///
    /// Without a peer, on a Unix socket, the one who is connected is on this machine, and is trusted.
    pub(crate) fn behind(peer: Option<IpAddr>, headers: &HeaderMap, trusted: &[Cidr]) -> Option<Self> {
        let is_trusted = |address: IpAddr| trusted.iter().any(|network| network.contains(address));
        let mut client = peer.map(|peer| peer.to_canonical());
        let lines = headers.get_all(FORWARDED_FOR).iter().rev();
        let mut hops = lines.flat_map(|line| line.as_bytes().rsplit(|byte| *byte == b','));
        while client.is_none_or(is_trusted) {
            // What cannot be read ends the walk: the last one known is then the one who answers for it.
            match hops.next().and_then(address) {
                Some(hop) => client = Some(hop),
                None => break,
            }
        }
        client.map(Self)
    }
}

impl<S: Sync> OptionalFromRequestParts<S> for ClientAddress {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Option<Self>, Infallible> {
        Ok(Self::of(&parts.extensions))
    }
}

/// An address as proxies write it: perhaps with a port, an IPv6 one perhaps in brackets.
fn address(hop: &[u8]) -> Option<IpAddr> {
    let hop = std::str::from_utf8(hop).ok()?.trim();
    let address =
        hop.parse::<IpAddr>().or_else(|_| hop.parse::<SocketAddr>().map(|with_port| with_port.ip()));
    let address = address.or_else(|_| hop.trim_start_matches('[').trim_end_matches(']').parse());
    address.ok().map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use proptest::prelude::*;

    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    fn found(peer: &str, lines: &[&str]) -> Option<String> {
        let trusted: Vec<Cidr> =
            ["10.0.0.0/8", "fd00::/8"].map(|network| network.parse().expect("a network")).to_vec();
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(FORWARDED_FOR, HeaderValue::from_str(line).expect("a header"));
        }
        let peer = (!peer.is_empty()).then(|| ip(peer));
        ClientAddress::behind(peer, &headers, &trusted).map(|client| client.0.to_string())
    }

    // Field note: walk X-Forwarded-For from the right past trusted CIDRs only.
    #[test]
    fn the_client_is_the_first_from_the_right_that_is_not_a_trusted_proxy() {
        let cases: [(&str, &[&str], &str); 9] = [
            ("10.0.0.1", &["203.0.113.9"], "203.0.113.9"),
            ("10.0.0.1", &["203.0.113.9, 10.0.0.2"], "203.0.113.9"),
            ("10.0.0.1", &["198.51.100.1, 203.0.113.9, 10.0.0.2"], "203.0.113.9"),
            ("10.0.0.1", &["198.51.100.1", "203.0.113.9", "10.0.0.2"], "203.0.113.9"),
            ("10.0.0.1", &["10.0.0.9,10.0.0.2"], "10.0.0.9"),
            ("10.0.0.1", &[], "10.0.0.1"),
            ("::ffff:10.0.0.1", &["::ffff:203.0.113.9"], "203.0.113.9"),
            ("fd00::1", &["[2001:db8::7]:4711"], "2001:db8::7"),
            ("10.0.0.1", &["203.0.113.9:4711"], "203.0.113.9"),
        ];
        for (peer, lines, client) in cases {
            assert_eq!(found(peer, lines).as_deref(), Some(client), "{peer} {lines:?}");
        }
    }

    #[test]
    fn who_is_not_a_trusted_proxy_is_the_client_whatever_it_says() {
        assert_eq!(found("203.0.113.9", &["198.51.100.1, 10.0.0.2"]).as_deref(), Some("203.0.113.9"));
    }

    #[test]
    fn what_cannot_be_read_is_answered_for_by_the_proxy_that_passed_it_on() {
        for line in ["unknown", "", "203.0.113.9, unknown", "203.0.113.9,"] {
            assert_eq!(found("10.0.0.1", &[line]).as_deref(), Some("10.0.0.1"), "{line}");
        }
    }

    #[test]
    fn a_proxy_on_a_unix_socket_is_trusted() {
        assert_eq!(found("", &["198.51.100.1, 203.0.113.9"]).as_deref(), Some("203.0.113.9"));
        assert_eq!(found("", &[]), None);
    }

    proptest! {
        #[test]
        fn what_a_client_writes_before_the_proxys_entry_changes_nothing(made_up in "[ -~]{0,80}") {
            let line = format!("{made_up}, 203.0.113.9, 10.0.0.2");
            prop_assert_eq!(found("10.0.0.1", &[&line]), Some("203.0.113.9".to_owned()));
        }
    }
}
