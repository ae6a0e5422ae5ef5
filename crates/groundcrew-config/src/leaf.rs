//! Single values of the standard library.

use std::net::{IpAddr, SocketAddr};
use std::num::{NonZeroU16, NonZeroU32, NonZeroU64, NonZeroUsize};
use std::path::PathBuf;

use crate::value::ScalarKind;
use crate::{FromConfig, Node, Shape};

impl FromConfig for String {
    fn shape() -> Shape {
        Shape::text("a string")
    }

    /// The exact text: nothing is trimmed, unquoted or converted.
    fn from_config(node: &Node<'_>) -> Option<Self> {
        node.parse(|text| Some(text.to_owned()))
    }

    fn to_text(&self) -> Option<String> {
        Some(self.clone())
    }
}

impl FromConfig for bool {
    fn shape() -> Shape {
        Shape::boolean()
    }

    fn from_config(node: &Node<'_>) -> Option<Self> {
        node.read(&[ScalarKind::Untyped, ScalarKind::Boolean], |text| {
            match text.trim().to_lowercase().as_str() {
                "true" | "1" | "yes" | "on" => Some(true),
                "false" | "0" | "no" | "off" => Some(false),
                _ => None,
            }
        })
    }

    fn to_text(&self) -> Option<String> {
        Some(self.to_string())
    }
}

impl FromConfig for f64 {
    fn shape() -> Shape {
        Shape::number("a number such as `0.5`")
    }

    fn from_config(node: &Node<'_>) -> Option<Self> {
        node.read(&[ScalarKind::Untyped, ScalarKind::Integer, ScalarKind::Float], |text| {
            text.trim().parse().ok().filter(|number: &f64| number.is_finite())
        })
    }

    fn to_text(&self) -> Option<String> {
        Some(self.to_string())
    }
}

impl FromConfig for PathBuf {
    fn shape() -> Shape {
        Shape::text("a path")
    }

    fn from_config(node: &Node<'_>) -> Option<Self> {
        node.parse(|text| (!text.is_empty()).then(|| Self::from(text)))
    }

    fn to_text(&self) -> Option<String> {
        Some(self.display().to_string())
    }
}

/// Types whose own `FromStr` and `Display` are right.
macro_rules! textual {
    ($($type:ty: $expects:literal),* $(,)?) => {$(
        impl FromConfig for $type {
            fn shape() -> Shape {
                Shape::text($expects)
            }

            fn from_config(node: &Node<'_>) -> Option<Self> {
                node.parse(|text| text.trim().parse().ok())
            }

            fn to_text(&self) -> Option<String> {
                Some(self.to_string())
            }
        }
    )*};
}

textual! {
    IpAddr: "an IP address such as `0.0.0.0` or `::1`",
    SocketAddr: "an address with a port such as `127.0.0.1:5000` or `[::1]:5000`",
}

macro_rules! integers {
    ($($type:ty: $expects:expr),* $(,)?) => {$(
        impl FromConfig for $type {
            fn shape() -> Shape {
                Shape::integer($expects)
            }

            fn from_config(node: &Node<'_>) -> Option<Self> {
                node.read(&[ScalarKind::Untyped, ScalarKind::Integer], |text| text.trim().parse().ok())
            }

            fn to_text(&self) -> Option<String> {
                Some(self.to_string())
            }
        }
    )*};
}

integers! {
    u8: "a whole number from 0 to 255",
    u16: "a whole number from 0 to 65535",
    u32: "a whole number from 0 to 4294967295",
    u64: "a whole number, 0 or more",
    u128: "a whole number, 0 or more",
    usize: "a whole number, 0 or more",
    i8: "a whole number from -128 to 127",
    i16: "a whole number from -32768 to 32767",
    i32: "a whole number from -2147483648 to 2147483647",
    i64: "a whole number",
    i128: "a whole number",
    isize: "a whole number",
    NonZeroU16: "a whole number from 1 to 65535",
    NonZeroU32: "a whole number from 1 to 4294967295",
    NonZeroU64: "a whole number, 1 or more",
    NonZeroUsize: "a whole number, 1 or more",
}
