//! Discord's ids: each says when it was made.

use jiff::Timestamp;

/// Milliseconds from 1970 to Discord's own first moment.
const EPOCH: i64 = 1_420_070_400_000;

/// When the thing with this id was made; `None` if it is no id.
pub(crate) fn made_at(id: &str) -> Option<Timestamp> {
    let id: u64 = id.parse().ok()?;
    Timestamp::from_millisecond(i64::try_from(id >> 22).ok()? + EPOCH).ok()
}

/// An id before every one that is made from this moment on.
pub(crate) fn before(moment: Timestamp) -> u64 {
    u64::try_from(moment.as_millisecond() - EPOCH).unwrap_or(0) << 22
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_says_when_it_was_made() {
        // The example of Discord's own documentation.
        let made = made_at("175928847299117063").unwrap();
        assert_eq!(made.to_string(), "2016-04-30T11:18:25.796Z");
    }

    #[test]
    fn an_id_of_a_moment_is_of_that_moment() {
        let moment: Timestamp = "2026-03-01T12:00:00.123Z".parse().unwrap();
        assert_eq!(made_at(&before(moment).to_string()), Some(moment));
    }

    #[test]
    fn a_moment_before_discord_is_before_every_id() {
        assert_eq!(before("1999-01-01T00:00:00Z".parse().unwrap()), 0);
    }
}
