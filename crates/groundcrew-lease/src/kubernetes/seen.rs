use std::time::Duration;

use tokio::time::Instant;

use super::record::Record;

/// Somebody else's Lease, and since when nothing has changed in it: by our clock, since its own times are by another.
#[derive(Debug)]
pub(crate) struct Seen {
    version: String,
    at: Instant,
    /// How long its holder may believe in it.
    believed: Duration,
}

// === impl Seen ===

impl Seen {
    /// Looks at a record, and says whether nobody can believe to hold it.
    pub(crate) fn look(seen: &mut Option<Self>, record: &Record, own: Duration) -> bool {
        if record.holder().is_none() {
            *seen = None;
            return true;
        }
        // The holder may have another configuration.
        let believed = record.duration().unwrap_or_default().max(own);
        match seen {
            Some(known) if known.version == record.version() => known.believed = believed,
            _ => *seen = Some(Self { version: record.version().to_owned(), at: Instant::now(), believed }),
        }
        !seen.as_ref().is_some_and(Self::is_believed)
    }

    pub(crate) fn is_believed(&self) -> bool {
        self.at.elapsed() < self.believed
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    const OWN: Duration = Duration::from_secs(15);

    fn record(version: u64, holder: &str, seconds: u64) -> Record {
        let record = Record::first("parcels", "sweep", holder, Duration::from_secs(seconds));
        record.with_version(version)
    }

    #[tokio::test(start_paused = true)]
    async fn a_record_in_which_nothing_changes_is_free_after_its_duration_and_not_before() {
        let mut seen = None;
        assert!(!Seen::look(&mut seen, &record(1, "a", 15), OWN), "whatever its own times say");
        advance(Duration::from_millis(14_999)).await;
        assert!(!Seen::look(&mut seen, &record(1, "a", 15), OWN));
        advance(Duration::from_millis(1)).await;
        assert!(Seen::look(&mut seen, &record(1, "a", 15), OWN));
    }

    #[tokio::test(start_paused = true)]
    async fn any_change_is_a_sign_of_life() {
        let mut seen = None;
        for version in 1..5 {
            assert!(!Seen::look(&mut seen, &record(version, "a", 15), OWN));
            advance(Duration::from_secs(14)).await;
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_holder_that_asked_for_longer_is_believed_for_longer() {
        let mut seen = None;
        assert!(!Seen::look(&mut seen, &record(1, "a", 60), OWN));
        advance(Duration::from_secs(59)).await;
        assert!(!Seen::look(&mut seen, &record(1, "a", 60), OWN));
        advance(Duration::from_secs(1)).await;
        assert!(Seen::look(&mut seen, &record(1, "a", 60), OWN));
    }

    #[tokio::test]
    async fn one_that_was_given_back_is_free_at_once() {
        assert!(Seen::look(&mut None, &record(1, "a", 15).released(), OWN));
    }
}
