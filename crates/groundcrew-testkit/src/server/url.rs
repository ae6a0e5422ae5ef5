use std::fmt;

/// The parts of a URL that a server is given by. Its `Debug` shows no credentials.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Url {
    pub(crate) scheme: String,
    pub(crate) user: String,
    pub(crate) password: String,
    pub(crate) host: String,
    pub(crate) port: Option<u16>,
    /// Without the slash before it.
    pub(crate) path: String,
}

impl Url {
    /// None for what is not a URL with a host.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (scheme, rest) = text.split_once("://")?;
        let rest = rest.split(['?', '#']).next()?;
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        let (credentials, address) = authority.rsplit_once('@').unwrap_or(("", authority));
        let (user, password) = credentials.split_once(':').unwrap_or((credentials, ""));
        let (host, port) = match address.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => (host, Some(port.parse().ok()?)),
            _ => (address, None),
        };
        let host = host.trim_matches(['[', ']']);
        if host.is_empty() {
            return None;
        }
        Some(Self {
            scheme: scheme.to_owned(),
            user: decoded(user)?,
            password: decoded(password)?,
            host: host.to_owned(),
            port,
            path: path.to_owned(),
        })
    }
}

impl fmt::Debug for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { scheme, host, port, path, .. } = self;
        write!(f, "{scheme}://…@{host}:{}/{path}", port.unwrap_or_default())
    }
}

/// Text with its `%41` as `A`.
fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        rest = after;
        if first == b'%' {
            let (hex, after) = rest.split_at_checked(2)?;
            bytes.push(u8::from_str_radix(std::str::from_utf8(hex).ok()?, 16).ok()?);
            rest = after;
        } else {
            bytes.push(first);
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::Url;

    #[test]
    fn every_part_is_found_and_credentials_are_decoded() {
        let url = Url::parse("amqp://us%40er:p%2Fw@localhost:5673/a%2Fb?x=1").expect("it is one");
        assert_eq!((url.user.as_str(), url.password.as_str()), ("us@er", "p/w"));
        assert_eq!((url.host.as_str(), url.port, url.path.as_str()), ("localhost", Some(5673), "a%2Fb"));
    }

    #[test]
    fn all_but_scheme_and_host_may_be_missing() {
        let url = Url::parse("redis://[::1]").expect("it is one");
        assert_eq!(
            (url.host.as_str(), url.port, url.user.as_str(), url.path.as_str()),
            ("::1", None, "", "")
        );
        assert_eq!(Url::parse("redis://"), None);
        assert_eq!(Url::parse("localhost:6379"), None);
    }

    #[test]
    fn no_credentials_are_shown() {
        let shown = format!("{:?}", Url::parse("redis://user:canary@h:1/0").expect("it is one"));
        assert!(!shown.contains("canary") && !shown.contains("user"), "{shown}");
    }
}
