use axum::extract::ws::Message;
use flate2::write::ZlibEncoder;
use flate2::{Compress, Compression, FlushCompress};
use serde_json::Value;
use std::io::Write;

/// How a connection wants its payloads.
#[derive(Debug)]
pub(crate) enum Transport {
    /// As text.
    Plain,
    /// Each payload compressed by itself, as identifying with `compress` asks for it.
    Payload,
    /// One stream for the whole connection: `?compress=zlib-stream`.
    Stream(Box<Compress>),
}

// === impl Transport ===

impl Transport {
    pub(crate) fn of(compress: Option<&str>) -> Self {
        match compress {
            Some("zlib-stream") => Self::Stream(Box::new(Compress::new(Compression::default(), true))),
            _ => Self::Plain,
        }
    }

    /// On identifying with `compress`; a compressed stream stays what it is.
    pub(crate) fn compress_payloads(&mut self) {
        if matches!(self, Self::Plain) {
            *self = Self::Payload;
        }
    }

    pub(crate) fn message(&mut self, payload: &Value) -> Message {
        let text = payload.to_string();
        match self {
            Self::Plain => Message::text(text),
            Self::Payload => {
                let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
                // Writing to memory does not fail.
                let _ = encoder.write_all(text.as_bytes());
                Message::binary(encoder.finish().unwrap_or_default())
            }
            Self::Stream(stream) => Message::binary(deflate(stream, text.as_bytes())),
        }
    }
}

/// A piece of the stream, flushed so that it ends with `00 00 ff ff`.
fn deflate(stream: &mut Compress, mut input: &[u8]) -> Vec<u8> {
    let mut output = Vec::with_capacity(input.len() / 2 + 64);
    loop {
        output.reserve(input.len() + 64);
        let before = stream.total_in();
        if stream.compress_vec(input, &mut output, FlushCompress::Sync).is_err() {
            return output;
        }
        let taken = usize::try_from(stream.total_in() - before).unwrap_or(input.len());
        input = &input[taken..];
        // With room left everything was flushed.
        if input.is_empty() && output.len() < output.capacity() {
            return output;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::{Decompress, FlushDecompress};

    #[test]
    fn pieces_of_a_stream_end_flushed_and_read_back() {
        let mut transport = Transport::of(Some("zlib-stream"));
        let mut reader = Decompress::new(true);
        for text in ["one", &"two ".repeat(50_000), "three"] {
            let payload = Value::from(text);
            let Message::Binary(bytes) = transport.message(&payload) else { panic!("not binary") };
            assert!(bytes.ends_with(&[0, 0, 0xff, 0xff]));
            let mut output = Vec::with_capacity(400_000);
            reader.decompress_vec(&bytes, &mut output, FlushDecompress::Sync).unwrap();
            assert_eq!(output, payload.to_string().as_bytes());
        }
    }
}
