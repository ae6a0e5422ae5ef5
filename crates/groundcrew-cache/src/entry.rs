//! How a value is written into a shared store.

use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::Stored;

/// `GC`, and the version of the format. What has another is not ours, or newer: a miss.
const MARK: [u8; 3] = [b'G', b'C', 1];
const HEADER: usize = MARK.len() + 4;
/// Larger values stay in the process: moving them takes longer than the budget.
const MAX_BYTES: usize = 1024 * 1024;

/// A value, for how long it is fresh, and for how long it is stale after that.
pub(crate) type Entry<T> = (T, (Duration, Duration));

/// The bytes to be stored for `fresh + stale`, if the value fits.
///
/// The header holds only for how long at its end the entry is stale: the rest follows from how much longer the
/// store will have it.
pub(crate) fn write<T: Serialize>(value: &T, stale: Duration) -> Option<Vec<u8>> {
    let stale = u32::try_from(stale.as_millis()).unwrap_or(u32::MAX);
    let mut bytes = Vec::with_capacity(128);
    bytes.extend(MARK);
    bytes.extend(stale.to_be_bytes());
    serde_json::to_writer(&mut bytes, value).ok()?;
    (bytes.len() <= MAX_BYTES).then_some(bytes)
}

/// What was stored; nothing if it cannot be read, whatever the reason.
pub(crate) fn read<T: DeserializeOwned>(stored: &Stored) -> Option<Entry<T>> {
    let (header, body) = stored.bytes.split_at_checked(HEADER)?;
    let stale = header.strip_prefix(&MARK)?.try_into().ok().map(u32::from_be_bytes)?;
    let stale = Duration::from_millis(stale.into()).min(stored.expires_in);
    let value = serde_json::from_slice(body).ok()?;
    Some((value, (stored.expires_in.saturating_sub(stale), stale)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    #[test]
    fn a_value_becomes_stale_when_the_store_holds_it_only_as_long() {
        let bytes = write(&"north", MINUTE).expect("it fits");
        let read =
            |expires_in| read::<String>(&Stored { bytes: bytes.clone(), expires_in }).expect("readable");
        assert_eq!(read(MINUTE * 5), ("north".to_owned(), (MINUTE * 4, MINUTE)));
        assert_eq!(read(MINUTE / 2).1, (Duration::ZERO, MINUTE / 2));
    }

    #[test]
    fn another_version_of_the_format_is_a_miss() {
        let mut bytes = write(&1, MINUTE).expect("it fits");
        bytes[2] = 2;
        assert_eq!(read::<u8>(&Stored { bytes, expires_in: MINUTE }), None);
    }

    #[test]
    fn a_value_that_is_too_large_is_not_stored() {
        assert_eq!(write(&"x".repeat(MAX_BYTES), MINUTE), None);
    }

    proptest! {
        #[test]
        fn no_bytes_whatsoever_are_an_error(
            mut bytes: Vec<u8>,
            marked: bool,
            expires_in in (0u64..1000).prop_map(Duration::from_millis),
        ) {
            if marked && bytes.len() >= MARK.len() {
                bytes[..MARK.len()].copy_from_slice(&MARK);
            }
            if let Some((_, (fresh, stale))) = read::<serde_json::Value>(&Stored { bytes, expires_in }) {
                prop_assert_eq!(fresh + stale, expires_in);
            }
        }
    }
}
