//! The header `Prefer` (RFC 7240): what a client would rather have.

use groundcrew::http::axum::http::HeaderMap;

/// The preference to be answered at once, and served later.
pub(super) const RESPOND_ASYNC: &str = "respond-async";

/// Whether it would rather have 202 than wait.
pub(super) fn prefers_async(headers: &HeaderMap) -> bool {
    let given = headers.get_all("prefer").iter().filter_map(|value| value.to_str().ok());
    given.flat_map(|value| value.split(outside_of_quotes(','))).any(|preference| {
        let name = preference.split(['=', ';']).next().unwrap_or_default();
        name.trim().eq_ignore_ascii_case(RESPOND_ASYNC)
    })
}

/// Finds a separator where it separates: in a quoted string it is a character like any other.
fn outside_of_quotes(separator: char) -> impl FnMut(char) -> bool {
    let (mut quoted, mut escaped) = (false, false);
    move |c| {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            _ => return c == separator && !quoted,
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use groundcrew::http::axum::http::HeaderValue;

    use super::*;

    fn asks(values: &[&'static str]) -> bool {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append("prefer", HeaderValue::from_static(value));
        }
        prefers_async(&headers)
    }

    #[test]
    fn the_preference_is_found_among_others_in_any_case_and_with_parameters() {
        for values in [
            &["respond-async"][..],
            &["Respond-Async"],
            &["return=minimal, respond-async, wait=10"],
            &["respond-async; wait=10"],
            &["respond-async=\"\""],
            &["wait=10", " respond-async "],
            &["note=\"a, \\\"b\", respond-async"],
        ] {
            assert!(asks(values), "{values:?}");
        }
    }

    #[test]
    fn what_only_looks_like_it_is_another_preference() {
        for values in [
            &[][..],
            &[""],
            &["respond-async-please"],
            &["return=respond-async"],
            &["wait=10; respond-async"],
            &["note=\"later, respond-async, thanks\""],
        ] {
            assert!(!asks(values), "{values:?}");
        }
    }
}
