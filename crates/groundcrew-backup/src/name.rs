use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

const STAMP: &str = "%Y%m%dT%H%M%S";

/// The name of a backup: whose it is and from when, as `parcels-20261121T030000.000Z`.
///
/// ```
/// let name: groundcrew_backup::Name = "parcels-20261121T030000.000Z".parse()?;
/// assert_eq!(name.service(), "parcels");
/// assert_eq!(name.time().to_string(), "2026-11-21T03:00:00Z");
/// # Ok::<(), groundcrew_backup::NotAName>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Name {
    // First, so that names sort by time.
    time: Timestamp,
    service: String,
}

/// A text that is not the name of a backup.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "this is not the name of a backup; one looks like parcels-20261121T030000.000Z, and `list` shows those there are"
)]
pub struct NotAName;

// === impl Name ===

impl Name {
    /// A backup of this service from this time, to the millisecond.
    pub fn new(service: &str, time: Timestamp) -> Self {
        let plain = |c: char| if is_plain(c) { c } else { '-' };
        let time = Timestamp::from_millisecond(time.as_millisecond()).unwrap_or(time);
        Self { time, service: service.chars().map(plain).collect() }
    }

    /// The service, as it stands in the name.
    pub fn service(&self) -> &str {
        &self.service
    }

    /// When the backup began.
    pub fn time(&self) -> Timestamp {
        self.time
    }

    /// The name of a file that belongs to this backup.
    pub(crate) fn file(&self, extension: &str) -> String {
        format!("{self}.{extension}")
    }

    /// The backup that a file belongs to.
    pub(crate) fn of_file(file: &str) -> Option<Self> {
        let end = file.rfind("Z.")?;
        file[..=end].parse().ok()
    }
}

fn is_plain(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '-' || c == '_'
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let millisecond = self.time.as_millisecond().rem_euclid(1000);
        write!(f, "{}-{}.{millisecond:03}Z", self.service, self.time.strftime(STAMP))
    }
}

impl FromStr for Name {
    type Err = NotAName;

    /// Nothing that could lead out of the folder is a name.
    fn from_str(text: &str) -> Result<Self, NotAName> {
        let (service, stamp) = text.rsplit_once('-').ok_or(NotAName)?;
        let (seconds, millisecond) =
            stamp.strip_suffix('Z').and_then(|s| s.split_once('.')).ok_or(NotAName)?;
        if service.is_empty() || !service.chars().all(is_plain) || millisecond.len() != 3 {
            return Err(NotAName);
        }
        let millisecond: u16 = millisecond.parse().map_err(|_| NotAName)?;
        let at = DateTime::strptime(STAMP, seconds).map_err(|_| NotAName)?;
        let at = at.with().millisecond(i16::try_from(millisecond).map_err(|_| NotAName)?).build();
        let time = at.and_then(|at| at.to_zoned(TimeZone::UTC)).map_err(|_| NotAName)?.timestamp();
        let name = Self { time, service: service.to_owned() };
        // One backup, one name.
        if name.to_string() == text { Ok(name) } else { Err(NotAName) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_leads_elsewhere_is_no_name() {
        for text in
            ["../x-20261121T030000.000Z", "a/b-20261121T030000.000Z", "x-20261121T030000.000Z.json", "latest"]
        {
            assert_eq!(text.parse::<Name>(), Err(NotAName), "{text}");
        }
    }

    #[test]
    fn a_file_tells_its_backup() {
        let name = Name::new("summary bot", Timestamp::UNIX_EPOCH);
        assert_eq!(name.to_string(), "summary-bot-19700101T000000.000Z");
        assert_eq!(Name::of_file(&name.file("db.gz")), Some(name));
        assert_eq!(Name::of_file("notes.Z.txt"), None);
    }

    proptest! {
        #[test]
        fn a_name_is_read_as_it_was_written(service in "[a-z][a-z0-9_-]{0,20}", ms in 0_i64..4_000_000_000_000) {
            let name = Name::new(&service, Timestamp::from_millisecond(ms).expect("a time"));
            prop_assert_eq!(name.to_string().parse::<Name>(), Ok(name));
        }
    }
}
