//! What a request shows.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use http::header::{AUTHORIZATION, COOKIE};

use super::Refusal;
use crate::auth_metrics::Shown;

/// What somebody shows to prove who they are.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Credential<'r> {
    Nothing,
    Token(&'r str),
    Key(&'r str),
    /// An API key where programs know nothing but a name and a password, such as readers of feeds.
    Password(String),
    Session(&'r str),
}

/// The other header that API keys come in.
const API_KEY: &str = "x-api-key";
/// As `opaque` makes them; known here without a database, too.
const KEY_PREFIX: &str = "gck_";

/// Who shows two things might be taken for two people, and so is refused.
pub(crate) fn credential<'r>(
    headers: &'r HeaderMap,
    cookie: Option<&str>,
) -> Result<Credential<'r>, (Shown, Refusal)> {
    let (bearer, key) = (headers.contains_key(AUTHORIZATION), headers.contains_key(API_KEY));
    match (bearer, key) {
        (true, true) => Err((Shown::Key, Refusal::Malformed)),
        (true, false) => {
            let value = crate::header::only(headers, AUTHORIZATION.as_str());
            if let Some(key) = value.and_then(password) {
                return Ok(Credential::Password(key));
            }
            let token = value.and_then(bearer_token).ok_or((Shown::Token, Refusal::Malformed))?;
            Ok(if token.starts_with(KEY_PREFIX) { Credential::Key(token) } else { Credential::Token(token) })
        }
        (false, true) => {
            let key = crate::header::only(headers, API_KEY).ok_or((Shown::Key, Refusal::Malformed))?;
            Ok(Credential::Key(key.trim()))
        }
        (false, false) => match cookie {
            Some(name) => session(headers, name),
            None => Ok(Credential::Nothing),
        },
    }
}

/// The token of `Bearer token` (RFC 6750, 2.1).
fn bearer_token(value: &str) -> Option<&str> {
    let (scheme, token) = value.split_once(' ')?;
    let token = token.trim_matches(' ');
    let body = token.trim_end_matches('=');
    let is_token = !body.is_empty()
        && body.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~+/".contains(&byte));
    (scheme.eq_ignore_ascii_case("bearer") && is_token).then_some(token)
}

/// The key of `Basic base64(name:key)` or `Basic base64(key:)` (RFC 7617); no other password is any of ours.
fn password(value: &str) -> Option<String> {
    let (scheme, encoded) = value.split_once(' ')?;
    let decoded = scheme.eq_ignore_ascii_case("basic").then(|| STANDARD.decode(encoded.trim_matches(' ')));
    let text = String::from_utf8(decoded?.ok()?).ok()?;
    let (name, password) = text.split_once(':')?;
    let key = if password.is_empty() { name } else { password };
    key.starts_with(KEY_PREFIX).then(|| key.to_owned())
}

/// The one cookie of this name. Of two, one may have been set by a neighbouring host.
fn session<'r>(headers: &'r HeaderMap, name: &str) -> Result<Credential<'r>, (Shown, Refusal)> {
    let mut values = cookies(headers).filter(|(known, _)| *known == name).map(|(_, value)| value);
    match (values.next(), values.next()) {
        (None, _) => Ok(Credential::Nothing),
        (Some(value), None) => Ok(Credential::Session(value)),
        (Some(_), Some(_)) => Err((Shown::Session, Refusal::Malformed)),
    }
}

/// The names and values of all cookies.
pub(crate) fn cookies(headers: &HeaderMap) -> impl Iterator<Item = (&str, &str)> {
    let lines = headers.get_all(COOKIE).iter().filter_map(|line| line.to_str().ok());
    let pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.split_once('='));
    pairs.map(|(name, value)| (name.trim(), value.trim().trim_matches('"')))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn headers(lines: &[(&str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            let name: http::HeaderName = name.parse().expect("a name");
            headers.append(name, value.parse().expect("a value"));
        }
        headers
    }

    #[test]
    fn what_is_shown_is_told_apart() {
        for (lines, expected) in [
            (&[][..], Credential::Nothing),
            (&[("authorization", "Bearer a.b.c")][..], Credential::Token("a.b.c")),
            (&[("authorization", "bearer  a.b.c= ")][..], Credential::Token("a.b.c=")),
            (&[("authorization", "Bearer gck_1")][..], Credential::Key("gck_1")),
            (&[("x-api-key", "gck_1")][..], Credential::Key("gck_1")),
            (&[("authorization", "Basic cmVhZGVyOmdja18x")][..], Credential::Password("gck_1".into())),
            (&[("authorization", "basic Omdja18x")][..], Credential::Password("gck_1".into())),
            (&[("authorization", "Basic Z2NrXzE6")][..], Credential::Password("gck_1".into())),
            (&[("cookie", "a=1; s=gcs_1; b=2")][..], Credential::Session("gcs_1")),
            (&[("cookie", "as=1; b=s=2")][..], Credential::Nothing),
            (&[("cookie", "s=1"), ("authorization", "Bearer x")][..], Credential::Token("x")),
        ] {
            assert_eq!(credential(&headers(lines), Some("s")), Ok(expected), "{lines:?}");
        }
    }

    #[test]
    fn who_shows_two_things_or_none_that_is_understood_is_refused() {
        for lines in [
            &[("authorization", "Bearer a"), ("authorization", "Bearer b")][..],
            &[("authorization", "Bearer a"), ("x-api-key", "b")][..],
            &[("x-api-key", "a"), ("x-api-key", "b")][..],
            &[("authorization", "Basic YTpi")][..],
            &[("authorization", "Basic Z2NrXzE=")][..],
            &[("authorization", "Basic gck_1")][..],
            &[("authorization", "Bearer")][..],
            &[("authorization", "Bearer ")][..],
            &[("authorization", "Bearer a b")][..],
            &[("cookie", "s=1; s=2")][..],
            &[("cookie", "s=1"), ("cookie", "s=2")][..],
        ] {
            let headers = headers(lines);
            let refused = credential(&headers, Some("s"));
            assert!(matches!(refused, Err((_, Refusal::Malformed))), "{lines:?}: {refused:?}");
        }
    }

    proptest! {
        #[test]
        fn any_header_is_judged(value in "[ -~]{0,80}", cookie in "[ -~]{0,80}") {
            let lines = headers(&[("authorization", &value)]);
            if let Ok(Credential::Token(token) | Credential::Key(token)) = credential(&lines, None) {
                prop_assert!(!token.is_empty() && !token.contains([' ', ',', ';']));
            }
            let _ = credential(&headers(&[("cookie", &cookie)]), Some("s"));
        }

        #[test]
        fn a_cookie_is_found_among_others(name in "[a-z]{1,8}", value in "[A-Za-z0-9_]{1,40}", other in "[A-Z]{1,8}") {
            let line = format!("{other}=x; {name}={value}; {other}2=y");
            let lines = headers(&[("cookie", &line)]);
            prop_assert_eq!(credential(&lines, Some(&name)), Ok(Credential::Session(&value)));
        }
    }
}
