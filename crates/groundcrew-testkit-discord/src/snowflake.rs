use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::str::FromStr;
use std::time::{SystemTime, UNIX_EPOCH};

/// Discord's epoch, 2015-01-01, in milliseconds of Unix time.
const EPOCH: u64 = 1_420_070_400_000;

/// An id as Discord gives them: it holds the time of its making, and JSON carries it as a string.
///
/// ```
/// use groundcrew_testkit_discord::Snowflake;
///
/// let id: Snowflake = "175928847299117063".parse().unwrap();
/// assert_eq!(id.unix_ms(), 1_462_015_105_796);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Snowflake(u64);

/// Makes ids that never repeat.
#[derive(Debug, Default)]
pub(crate) struct Ids {
    counter: u64,
}

// === impl Snowflake ===

impl Snowflake {
    /// The id with this number.
    pub const fn new(id: u64) -> Self {
        Self(id)
    }

    /// The number.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// When it was made, in milliseconds of Unix time.
    pub const fn unix_ms(self) -> u64 {
        (self.0 >> 22) + EPOCH
    }
}

impl fmt::Display for Snowflake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for Snowflake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for Snowflake {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self)
    }
}

impl From<u64> for Snowflake {
    fn from(id: u64) -> Self {
        Self(id)
    }
}

impl From<Snowflake> for u64 {
    fn from(id: Snowflake) -> Self {
        id.0
    }
}

impl Serialize for Snowflake {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Snowflake {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Either {
            Text(String),
            Number(u64),
        }
        match Either::deserialize(deserializer)? {
            Either::Text(text) => text.parse().map_err(serde::de::Error::custom),
            Either::Number(id) => Ok(Self(id)),
        }
    }
}

// === impl Ids ===

impl Ids {
    /// An id of now.
    pub(crate) fn next(&mut self) -> Snowflake {
        self.at(now_ms())
    }

    /// An id of the given time, for what is to look as if it had been there before.
    pub(crate) fn at(&mut self, unix_ms: u64) -> Snowflake {
        self.counter += 1;
        Snowflake((unix_ms.saturating_sub(EPOCH) << 22) | (self.counter & 0x3f_ffff))
    }
}

/// Milliseconds of Unix time.
pub(crate) fn now_ms() -> u64 {
    unix_ms(SystemTime::now())
}

/// A moment in milliseconds of Unix time.
pub(crate) fn unix_ms(moment: SystemTime) -> u64 {
    let since = moment.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// A time as Discord writes it: `2026-01-02T03:04:05.678000+00:00`.
pub(crate) fn timestamp(unix_ms: u64) -> String {
    let ms = i64::try_from(unix_ms).unwrap_or(i64::MAX);
    jiff::Timestamp::from_millisecond(ms)
        .unwrap_or(jiff::Timestamp::UNIX_EPOCH)
        .strftime("%Y-%m-%dT%H:%M:%S%.6f+00:00")
        .to_string()
}
