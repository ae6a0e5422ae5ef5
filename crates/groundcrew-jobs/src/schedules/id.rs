//! The ids of scheduled jobs.

use jiff::Timestamp;
use uuid::Builder;

use crate::JobId;

/// The basis and the prime of FNV-1a with 128 bits: a hash that is the same in every process and every release.
const BASIS: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;

/// The id that the job of this moment has, whoever enqueues it: one of its effects is left by `begin_once` even where
/// it is delivered twice, as it may be over a broker. Like other ids they are sorted by time.
pub(crate) fn of(service: &str, schedule: &str, due: Timestamp) -> JobId {
    let nanosecond = due.as_nanosecond().to_be_bytes();
    let parts = [service.as_bytes(), schedule.as_bytes(), &nanosecond];
    // No name holds a byte of 255, which is none of UTF-8, so that it divides them.
    let bytes = parts.into_iter().flat_map(|part| part.iter().copied().chain([0xff]));
    let hash = bytes.fold(BASIS, |hash, byte| (hash ^ u128::from(byte)).wrapping_mul(PRIME));
    let mut id = hash.to_be_bytes();
    id[..6].copy_from_slice(&due.as_millisecond().to_be_bytes()[2..]);
    JobId::from(Builder::from_custom_bytes(id).into_uuid())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("a time")
    }

    /// Replicas of different releases must agree, so that the ids may never change.
    #[test]
    fn an_id_stays_what_it_is() {
        assert_eq!(
            of("parcels", "nightly", at(1_700_000_000)).to_string(),
            "018bcfe5-6800-8106-9771-69bd7d782a11"
        );
    }

    #[test]
    fn each_moment_of_each_schedule_has_its_own() {
        let ids: BTreeSet<JobId> = (0..100)
            .flat_map(|second| {
                [("a", "bc"), ("ab", "c"), ("a", "b")].map(|(service, name)| of(service, name, at(second)))
            })
            .collect();
        assert_eq!(ids.len(), 300);
        assert!(of("a", "z", at(7)) < of("a", "a", at(8)), "sorted by time");
    }
}
