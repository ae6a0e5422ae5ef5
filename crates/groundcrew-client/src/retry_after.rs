use std::time::{Duration, SystemTime};

use http::HeaderMap;

/// How long no server may make anybody wait: a year.
const LONGEST: Duration = Duration::from_secs(365 * 86_400);

/// When the server wants to be asked again: `retry-after-ms`, or `Retry-After` as seconds (a fraction is fine) or as
/// a date. What cannot be read is nothing; a date that has passed is now.
pub(crate) fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    let milliseconds = text("retry-after-ms").and_then(seconds).map(|time| time / 1000);
    milliseconds.or_else(|| {
        let value = text("retry-after")?;
        seconds(value).or_else(|| date(value, now))
    })
}

fn seconds(text: &str) -> Option<Duration> {
    // `f64` would also read `inf`, `nan`, `1e3` and `-0`.
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') {
        return None;
    }
    let seconds: f64 = text.parse().ok()?;
    Some(Duration::try_from_secs_f64(seconds).map_or(LONGEST, |time| time.min(LONGEST)))
}

fn date(text: &str, now: SystemTime) -> Option<Duration> {
    let at = jiff::fmt::rfc2822::parse(text).ok()?;
    let at = SystemTime::from(at.timestamp());
    Some(at.duration_since(now).unwrap_or_default().min(LONGEST))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use proptest::prelude::*;

    use super::*;

    fn read(name: &'static str, value: &str) -> Option<Duration> {
        let mut headers = HeaderMap::new();
        headers.insert(name, HeaderValue::from_str(value).ok()?);
        // Sun, 06 Nov 1994 08:49:37 GMT
        retry_after(&headers, SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777))
    }

    #[test]
    fn seconds_fractions_and_dates_are_understood() {
        assert_eq!(read("retry-after", "120"), Some(Duration::from_secs(120)));
        assert_eq!(read("retry-after", "0.5"), Some(Duration::from_millis(500)));
        assert_eq!(read("retry-after-ms", "250"), Some(Duration::from_millis(250)));
        assert_eq!(read("retry-after", "Sun, 06 Nov 1994 08:50:37 GMT"), Some(Duration::from_secs(60)));
        assert_eq!(read("retry-after", "Sun, 06 Nov 1994 08:00:00 GMT"), Some(Duration::ZERO));
    }

    #[test]
    fn nonsense_is_nothing() {
        for value in ["", "soon", "-1", "inf", "nan", "1e9", "1.2.3", "12 s"] {
            assert_eq!(read("retry-after", value), None, "{value:?}");
        }
    }

    proptest! {
        #[test]
        fn whole_seconds_are_read_as_they_are(seconds in 0u64..31_536_000) {
            prop_assert_eq!(read("retry-after", &seconds.to_string()), Some(Duration::from_secs(seconds)));
        }

        #[test]
        fn nothing_makes_anybody_wait_for_more_than_a_year(value in "[ -~]{0,40}|[0-9]{1,400}") {
            prop_assert!(read("retry-after", &value).is_none_or(|time| time <= LONGEST));
        }

        #[test]
        fn a_date_is_as_far_off_as_it_says(seconds in 0u32..31_536_000) {
            let at = jiff::Timestamp::from_second(784_111_777 + i64::from(seconds)).unwrap();
            let text = jiff::fmt::rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&at).unwrap();
            prop_assert_eq!(read("retry-after", &text), Some(Duration::from_secs(seconds.into())));
        }
    }
}
