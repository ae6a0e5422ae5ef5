use lapin::types::{AMQPValue, LongString};

/// The value of a message's header.
#[derive(Debug, Clone, PartialEq)]
pub enum Field {
    /// A text.
    Text(String),
    /// A number.
    Number(i64),
    /// Yes or no.
    Flag(bool),
}

// === impl Field ===

impl Field {
    /// Reads what others wrote, in any of the protocol's types for texts and whole numbers.
    pub(crate) fn read(value: &AMQPValue) -> Option<Self> {
        Some(match value {
            AMQPValue::LongString(text) => Self::Text(std::str::from_utf8(text.as_bytes()).ok()?.to_owned()),
            AMQPValue::ShortString(text) => Self::Text(text.as_str().to_owned()),
            AMQPValue::Boolean(flag) => Self::Flag(*flag),
            AMQPValue::ShortShortInt(number) => Self::Number((*number).into()),
            AMQPValue::ShortShortUInt(number) => Self::Number((*number).into()),
            AMQPValue::ShortInt(number) => Self::Number((*number).into()),
            AMQPValue::ShortUInt(number) => Self::Number((*number).into()),
            AMQPValue::LongInt(number) => Self::Number((*number).into()),
            AMQPValue::LongUInt(number) => Self::Number((*number).into()),
            AMQPValue::LongLongInt(number) => Self::Number(*number),
            AMQPValue::Timestamp(seconds) => Self::Number(i64::try_from(*seconds).ok()?),
            _ => return None,
        })
    }
}

impl From<Field> for AMQPValue {
    fn from(field: Field) -> Self {
        match field {
            Field::Text(text) => Self::LongString(LongString::from(text.into_bytes())),
            Field::Number(number) => Self::LongLongInt(number),
            Field::Flag(flag) => Self::Boolean(flag),
        }
    }
}

impl From<&str> for Field {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Field {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<i64> for Field {
    fn from(number: i64) -> Self {
        Self::Number(number)
    }
}

impl From<i32> for Field {
    fn from(number: i32) -> Self {
        Self::Number(number.into())
    }
}

impl From<u32> for Field {
    fn from(number: u32) -> Self {
        Self::Number(number.into())
    }
}

impl From<bool> for Field {
    fn from(flag: bool) -> Self {
        Self::Flag(flag)
    }
}
