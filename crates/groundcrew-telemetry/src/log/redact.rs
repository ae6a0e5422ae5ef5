//! What must not reach a log: values of fields with telling names, and passwords inside URLs.

/// What stands in the place of a secret.
pub(crate) const REDACTED: &str = "[redacted]";

/// A field whose name is one of these, or ends in one, is not printed. `-` counts as `_`, case does not count.
const TELLING: [&str; 12] = [
    "authorization",
    "cookie",
    "password",
    "passwd",
    "secret",
    "token",
    "api_key",
    "apikey",
    "private_key",
    "access_key",
    "credential",
    "credentials",
];

/// Whether the value of a field of this name must be kept out.
pub(crate) fn is_sensitive(name: &str) -> bool {
    // Nearly every name ends in another letter, and costs no more than this.
    let Some(b'n' | b'e' | b'd' | b't' | b'y' | b'l' | b's') = name.as_bytes().last().map(|b| b | 0x20)
    else {
        return false;
    };
    TELLING.iter().any(|telling| ends_in(name.as_bytes(), telling.as_bytes()))
}

fn ends_in(name: &[u8], telling: &[u8]) -> bool {
    let plain = |byte: u8| if byte == b'-' { b'_' } else { byte.to_ascii_lowercase() };
    // From the end, where two names differ first.
    name.len() >= telling.len() && telling.iter().rev().zip(name.iter().rev()).all(|(t, n)| *t == plain(*n))
}

/// Masks the password of every `scheme://user:password@host` in `line[start..]`.
pub(crate) fn mask_urls(line: &mut Vec<u8>, start: usize) {
    let mut from = start;
    while let Some(found) = line[from..].windows(3).position(|three| three == b"://") {
        let authority = from + found + 3;
        from = authority;
        if let Some((colon, at)) = password(&line[authority..]) {
            let masked = authority + colon + 1;
            line.splice(masked..authority + at, REDACTED.bytes());
            from = masked + REDACTED.len();
        }
    }
}

/// Where the password begins (its colon) and ends (the `@`) in what follows a `://`.
fn password(rest: &[u8]) -> Option<(usize, usize)> {
    let end = rest
        .iter()
        .position(|b| b.is_ascii_whitespace() || matches!(b, b'"' | b'<' | b'>'))
        .unwrap_or(rest.len());
    let url = &rest[..end];
    let host = url.iter().position(|b| matches!(b, b'/' | b'?' | b'#')).unwrap_or(url.len());
    let colon = url[..host].iter().position(|b| *b == b':')?;
    let is_port = url[..host].first() == Some(&b'[') || url[colon + 1..host].iter().all(u8::is_ascii_digit);
    // A password may hold an unescaped slash: unless what follows the colon is a port, the last `@` counts.
    let at_in_authority = url[..host].iter().rposition(|b| *b == b'@');
    let at = if is_port { at_in_authority } else { url.iter().rposition(|b| *b == b'@') }?;
    (colon < at).then_some((colon, at))
}

#[cfg(test)]
mod tests {
    use super::{is_sensitive, mask_urls};
    use proptest::prelude::*;

    fn masked(text: &str) -> String {
        let mut line = text.as_bytes().to_vec();
        mask_urls(&mut line, 0);
        String::from_utf8(line).expect("only ASCII is cut")
    }

    #[test]
    fn telling_names_are_known_alone_and_as_an_ending() {
        for name in
            ["password", "db_password", "Authorization", "x-api-key", "set-cookie", "JWT_SECRET", "token"]
        {
            assert!(is_sensitive(name), "{name}");
        }
        for name in ["method", "status", "max_tokens", "route", "broken", "key", "y", ""] {
            assert!(!is_sensitive(name), "{name}");
        }
    }

    #[test]
    fn a_password_in_a_url_is_masked_and_the_rest_stays() {
        assert_eq!(
            masked("to postgres://bot:pw@db:5432/x now"),
            "to postgres://bot:[redacted]@db:5432/x now"
        );
        assert_eq!(masked("redis://:pw@h amqp://u:a:b@h"), "redis://:[redacted]@h amqp://u:[redacted]@h");
        assert_eq!(masked("postgres://u:p/q@r?s@db/x"), "postgres://u:[redacted]@db/x");
    }

    #[test]
    fn a_url_without_a_password_is_left_alone() {
        for text in
            ["https://key@sentry.example/1", "http://[::1]:80/a@b", "http://h:80/?mail=a@b", "a://", "x: y"]
        {
            assert_eq!(masked(text), text);
        }
    }

    proptest! {
        #[test]
        fn no_password_survives(user in "[a-z]{0,8}", password in "[a-zA-Z/?#:@!]{1,12}", host in "[a-z]{1,8}") {
            let secret = format!("S3cr3t{password}");
            let text = masked(&format!("at {{postgres://{user}:{secret}@{host}:5432/db}}"));
            prop_assert!(!text.contains("S3cr3t"), "{text}");
        }

        #[test]
        fn any_text_is_survived(text: String) {
            masked(&text);
        }
    }
}
