use std::net::SocketAddr;

/// The same URL with another address: credentials, path and query stay.
pub(crate) fn through(url: &str, addr: SocketAddr) -> String {
    let (scheme, rest) = url.split_once("://").map_or(("", url), |(scheme, rest)| (scheme, rest));
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    let credentials = authority.rsplit_once('@').map(|(credentials, _)| format!("{credentials}@"));
    format!("{scheme}://{}{addr}{path}", credentials.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::through;

    #[test]
    fn only_the_address_of_a_url_is_exchanged() {
        let addr = ([127, 0, 0, 1], 2).into();
        assert_eq!(through("postgres://u:p@h:1/d?x=1", addr), "postgres://u:p@127.0.0.1:2/d?x=1");
        assert_eq!(through("redis://h", addr), "redis://127.0.0.1:2");
    }
}
