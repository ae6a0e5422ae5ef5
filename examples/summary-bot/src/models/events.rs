//! Server-sent events, as far as models' servers use them: the data of each.

/// Puts events together from chunks that end anywhere.
#[derive(Debug, Default)]
pub(crate) struct Events {
    line: Vec<u8>,
    data: String,
}

// === impl Events ===

impl Events {
    /// The events that end in this chunk.
    pub(crate) fn take(&mut self, chunk: &[u8]) -> Vec<String> {
        let mut events = Vec::new();
        for byte in chunk {
            if *byte != b'\n' {
                self.line.push(*byte);
                continue;
            }
            let line = String::from_utf8_lossy(&std::mem::take(&mut self.line)).into_owned();
            self.line_ended(line.trim_end_matches('\r'), &mut events);
        }
        events
    }

    fn line_ended(&mut self, line: &str, events: &mut Vec<String>) {
        if line.is_empty() {
            if !self.data.is_empty() {
                events.push(std::mem::take(&mut self.data));
            }
        } else if let Some(data) = line.strip_prefix("data:") {
            if !self.data.is_empty() {
                self.data.push('\n');
            }
            self.data.push_str(data.strip_prefix(' ').unwrap_or(data));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_come_together_from_any_pieces() {
        let text = "event: a\r\ndata: {\"ü\": 1}\r\n\r\n: ping\n\ndata: two\ndata:lines\n\ndata: [DONE]\n\n";
        for size in [1, 2, 3, 7, 1000] {
            let mut events = Events::default();
            let all: Vec<String> =
                text.as_bytes().chunks(size).flat_map(|chunk| events.take(chunk)).collect();
            assert_eq!(all, ["{\"ü\": 1}", "two\nlines", "[DONE]"], "in pieces of {size}");
        }
    }
}
