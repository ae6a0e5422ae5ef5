//! Keys that are the same in every process.

use std::fmt::Write;
use std::sync::Arc;

use serde::Serialize;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::KeyError;

/// The arguments of a load, hashed.
///
/// SHA-256 and not a quick hash: arguments come from users, and two users must not be able to meet in one entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Key([u8; 16]);

impl Key {
    pub(crate) fn of<A: Serialize + ?Sized>(cache: &Arc<str>, args: &A) -> Result<Self, KeyError> {
        let args = serde_json::to_value(args)
            .map_err(|error| KeyError { cache: cache.clone(), source: Arc::new(error) })?;
        let mut text = String::new();
        write_canonical(&args, &mut text);
        let digest: [u8; 32] = Sha256::digest(text).into();
        let (half, _) = digest.split_at(16);
        let mut key = [0; 16];
        key.copy_from_slice(half);
        Ok(Self(key))
    }

    /// To which of so many equal shares of all keys it belongs.
    pub(crate) fn share(self, of: usize) -> usize {
        let Self([first, ..]) = self;
        usize::from(first) % of
    }

    pub(crate) fn hex(self) -> String {
        self.0.iter().fold(String::with_capacity(32), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
    }
}

/// JSON without white space, members in the order of their names: the order in which they come otherwise hangs
/// on a feature of serde_json that anybody in the build may turn on.
fn write_canonical(value: &Value, text: &mut String) {
    match value {
        Value::Object(members) => {
            let mut members: Vec<_> = members.iter().collect();
            members.sort_unstable_by_key(|(name, _)| *name);
            text.push('{');
            for (at, (name, value)) in members.into_iter().enumerate() {
                text.push_str(if at == 0 { "" } else { "," });
                let _ = write!(text, "{}:", Value::String(name.clone()));
                write_canonical(value, text);
            }
            text.push('}');
        }
        Value::Array(items) => {
            text.push('[');
            for (at, item) in items.iter().enumerate() {
                text.push_str(if at == 0 { "" } else { "," });
                write_canonical(item, text);
            }
            text.push(']');
        }
        plain => {
            let _ = write!(text, "{plain}");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;

    fn key<A: Serialize>(args: A) -> Key {
        Key::of(&"parcels".into(), &args).expect("a key")
    }

    // A per-process hash, as `DefaultHasher` with random keys, would fail here in every other run.
    #[test]
    fn a_key_is_the_same_in_every_process_and_version() {
        assert_eq!(key(("north", 7)).hex(), GOLDEN);
    }

    /// `printf '["north",7]' | sha256sum`, the first half.
    const GOLDEN: &str = "087a1edef3b21d13c2a611aa6b220ca7";

    #[test]
    fn the_order_of_members_does_not_matter() {
        let mut text = String::new();
        write_canonical(&serde_json::json!({"b": [1, {"d": null, "c": "\""}], "a": 1.5}), &mut text);
        assert_eq!(text, r#"{"a":1.5,"b":[1,{"c":"\"","d":null}]}"#);
    }

    proptest! {
        #[test]
        fn a_map_gives_one_key_in_whichever_order_it_is_walked(
            pairs in proptest::collection::hash_map("\\PC{0,8}", any::<i64>(), 0..10),
        ) {
            let again: HashMap<_, _> = pairs.iter().collect();
            prop_assert_eq!(key(&pairs), key(&again));
        }

        #[test]
        fn other_arguments_are_another_key(a: (String, i32), b: (String, i32)) {
            prop_assert_eq!(key(&a) == key(&b), a == b);
        }
    }
}
