//! What a value has to look like, whoever says it.

use jiff::tz::TimeZone;

/// Whether a text is an id of Discord's.
pub(crate) fn is_id(text: &str) -> bool {
    (15..=20).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether a text is the code of a language, such as `de`, `pt-BR` or `zh-Hant`.
pub(crate) fn is_language(text: &str) -> bool {
    let mut parts = text.split('-');
    let letters = |part: &str, least, most| {
        (least..=most).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric())
    };
    parts.next().is_some_and(|part| letters(part, 2, 3) && !part.bytes().any(|byte| byte.is_ascii_digit()))
        && parts.clone().count() <= 2
        && parts.all(|part| letters(part, 2, 8))
}

/// Whether a text is the name of a time zone, such as `Europe/Berlin`.
pub(crate) fn is_time_zone(text: &str) -> bool {
    TimeZone::get(text).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_of_languages_are_known_from_other_texts() {
        for right in ["de", "pt-BR", "zh-Hant", "es-419", "haw"] {
            assert!(is_language(right), "{right}");
        }
        for wrong in ["", "d", "german", "de_DE", "de-", "12", "de-DE-x-y"] {
            assert!(!is_language(wrong), "{wrong}");
        }
    }
}
