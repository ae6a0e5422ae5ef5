//! Which hosts a client may call that takes its URLs from strangers.

mod address;
mod resolver;

use std::collections::HashSet;
use std::fmt;
use std::net::IpAddr;

use url::{Host, Url};

pub use self::address::is_public;
pub(crate) use self::resolver::{Checked, System};
pub use self::resolver::{Resolve, Resolving};

/// Why a guarded client does not call a host.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// Only `https` is allowed, or `http` where that was chosen.
    Scheme,
    /// The URL carries a user or a password.
    Credentials,
    /// The port is none of those that are allowed.
    Port(u16),
    /// The host is written as an address. Whatever it is, strangers have a name.
    Literal,
    /// The name leads to an address that is not public.
    Private(IpAddr),
}

/// What a guarded client allows.
#[derive(Debug, Clone, Default)]
pub(crate) struct Guard {
    pub(crate) http: bool,
    pub(crate) ports: Option<Vec<u16>>,
    pub(crate) exempt: HashSet<String>,
}

// === impl Refusal ===

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Scheme => f.write_str("the URL must begin with https://"),
            Self::Credentials => f.write_str("the URL must not carry a user or a password"),
            Self::Port(port) => write!(f, "port {port} is not allowed"),
            Self::Literal => f.write_str("the URL must name a host, not an address"),
            Self::Private(address) => write!(f, "the name leads to {address}, which is not a public address"),
        }
    }
}

impl std::error::Error for Refusal {}

// === impl Guard ===

impl Guard {
    /// Checks what the URL itself says; where the name leads is checked by the resolver that connects.
    pub(crate) fn check(&self, url: &Url) -> Result<(), Refusal> {
        let exempt = url.host_str().is_some_and(|host| self.is_exempt(host));
        let scheme = match url.scheme() {
            "https" => true,
            "http" => self.http || exempt,
            _ => false,
        };
        if !scheme {
            return Err(Refusal::Scheme);
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Refusal::Credentials);
        }
        match url.host() {
            Some(Host::Domain(_)) => {}
            _ if exempt => {}
            _ => return Err(Refusal::Literal),
        }
        match (&self.ports, url.port_or_known_default()) {
            (Some(ports), Some(port)) if !exempt && !ports.contains(&port) => Err(Refusal::Port(port)),
            _ => Ok(()),
        }
    }

    pub(crate) fn is_exempt(&self, host: &str) -> bool {
        self.exempt.contains(host)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(url: &str) -> Result<(), Refusal> {
        Guard::default().check(&Url::parse(url).unwrap())
    }

    #[test]
    fn addresses_are_refused_however_they_are_written() {
        for url in [
            "https://127.0.0.1/",
            "https://127.1/",
            "https://2130706433/",
            "https://0177.0.0.1/",
            "https://0x7f000001/",
            "https://0x7f.0.0.0x1/",
            "https://017700000001/",
            "https://127.0.0.1./",
            "https://169.254.169.254/latest/meta-data/",
            "https://[::1]/",
            "https://[::]/",
            "https://[::ffff:127.0.0.1]/",
            "https://[::ffff:7f00:1]/",
            "https://[64:ff9b::7f00:1]/",
            "https://[2002:7f00:1::]/",
            "https://[fd00:ec2::254]/",
            "https://①②⑦.⓪.⓪.①/",
            "https://93.184.216.34/",
        ] {
            assert_eq!(check(url), Err(Refusal::Literal), "{url}");
        }
    }

    #[test]
    fn only_https_without_credentials_is_let_through() {
        assert_eq!(check("https://hooks.example/x"), Ok(()));
        assert_eq!(check("http://hooks.example/x"), Err(Refusal::Scheme));
        assert_eq!(check("ftp://hooks.example/x"), Err(Refusal::Scheme));
        assert_eq!(check("https://a:b@hooks.example/x"), Err(Refusal::Credentials));
        assert_eq!(check("https://127.0.0.1@hooks.example/x"), Err(Refusal::Credentials));
    }

    #[test]
    fn other_ports_are_refused_where_ports_are_named() {
        let guard = Guard { ports: Some(vec![443, 8443]), ..Guard::default() };
        let check = |url: &str| guard.check(&Url::parse(url).unwrap());
        assert_eq!(check("https://hooks.example:8443/"), Ok(()));
        assert_eq!(check("https://hooks.example:22/"), Err(Refusal::Port(22)));
        assert_eq!(check("https://hooks.example/"), Ok(()));
    }
}
