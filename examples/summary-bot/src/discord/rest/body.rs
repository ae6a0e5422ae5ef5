use serde::Serialize;
use serde_json::Value;

use crate::discord::reply::File;

/// What goes with a request.
#[derive(Debug, Clone, Default)]
pub(crate) enum Body {
    #[default]
    None,
    Json(Value),
    /// JSON, and files that it names by their position.
    Files(Value, Vec<File>),
}

/// Between the parts of a body. No text that people write holds a control character followed by it.
const BOUNDARY: &str = "groundcrew-7f1d0c0e5a9b4c3d";

// === impl Body ===

impl Body {
    pub(super) fn json(value: &impl Serialize) -> Self {
        serde_json::to_value(value).map_or(Self::None, Self::Json)
    }

    /// The value of `Content-Type`, and the bytes.
    pub(super) fn encoded(&self) -> Option<(String, Vec<u8>)> {
        match self {
            Self::None => None,
            Self::Json(value) => Some(("application/json".to_owned(), value.to_string().into_bytes())),
            Self::Files(value, files) if files.is_empty() => Self::Json(value.clone()).encoded(),
            Self::Files(value, files) => {
                Some((format!("multipart/form-data; boundary={BOUNDARY}"), parts(value, files)))
            }
        }
    }
}

fn parts(value: &Value, files: &[File]) -> Vec<u8> {
    let mut body = Vec::new();
    let mut part = |head: &str, bytes: &[u8]| {
        body.extend_from_slice(
            format!("--{BOUNDARY}\r\nContent-Disposition: form-data; {head}\r\n\r\n").as_bytes(),
        );
        body.extend_from_slice(bytes);
        body.extend_from_slice(b"\r\n");
    };
    part("name=\"payload_json\"\r\nContent-Type: application/json", value.to_string().as_bytes());
    for (index, file) in files.iter().enumerate() {
        let name: String =
            file.name.chars().filter(|letter| !letter.is_control() && *letter != '"').collect();
        let kind = "application/octet-stream";
        part(&format!("name=\"files[{index}]\"; filename=\"{name}\"\r\nContent-Type: {kind}"), &file.bytes);
    }
    body.extend_from_slice(format!("--{BOUNDARY}--\r\n").as_bytes());
    body
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_named_by_their_position_and_cannot_break_out_of_their_header() {
        let file = File { name: "a\"\r\nb.txt".to_owned(), bytes: b"hello".to_vec() };
        let (kind, bytes) = Body::Files(serde_json::json!({"content": "c"}), vec![file]).encoded().unwrap();
        assert!(kind.starts_with("multipart/form-data; boundary="));
        let text = String::from_utf8(bytes).unwrap();
        assert!(text.contains("name=\"files[0]\"; filename=\"ab.txt\""), "{text}");
        assert!(text.contains("\r\n\r\nhello\r\n--"), "{text}");
    }

    #[test]
    fn without_files_it_is_json() {
        let (kind, bytes) = Body::Files(serde_json::json!({"a": 1}), Vec::new()).encoded().unwrap();
        assert_eq!((kind.as_str(), bytes.as_slice()), ("application/json", &br#"{"a":1}"#[..]));
    }
}
