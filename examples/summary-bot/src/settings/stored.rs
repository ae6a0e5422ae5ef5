//! What people have set for a server, as the database keeps it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::key::Key;
use super::rules::Rule;

/// What is stored about a server.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Stored {
    /// Rises with each change; 0 where there was none.
    pub(crate) version: i64,
    pub(crate) values: Vec<StoredValue>,
    pub(crate) rules: Vec<Rule>,
}

/// A setting that somebody has set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct StoredValue {
    pub(crate) key: Key,
    pub(crate) value: Value,
    pub(crate) by: String,
    pub(crate) at: Timestamp,
}

/// What somebody wants to be different.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Change {
    /// `None` takes back what was set.
    pub(crate) values: Vec<(Key, Option<Value>)>,
    /// `None` takes the rule away.
    pub(crate) rules: Vec<(super::rules::Subject, Option<crate::discord::access::Level>)>,
}
