//! Where an HTTP/1.1 response ends: enough of the protocol to tell, and no more.

/// Longest head that is taken for one.
const MAX_HEAD: usize = 64 * 1024;

/// The bytes are no HTTP/1.1 response.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an HTTP/1.1 response: {0}")]
pub(crate) struct Malformed(pub(crate) &'static str);

/// How far a response has come. Feed it the whole buffer each time; it does not go over finished parts again.
#[derive(Debug)]
pub(crate) struct Answer {
    to_head: bool,
    start: usize,
    head: Option<Head>,
    chunk: usize,
}

/// What the head of the final response says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) status: u16,
    /// Offset of the body in the buffer.
    pub(crate) body: usize,
    /// Whether the connection ends with this response.
    pub(crate) close: bool,
    pub(crate) length: Length,
}

/// How the end of the body is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Length {
    Fixed(usize),
    Chunked,
    ToEnd,
}

// === impl Answer ===

impl Answer {
    /// An answer to a HEAD request has no body, whatever its head says.
    pub(crate) fn new(to_head: bool) -> Self {
        Self { to_head, start: 0, head: None, chunk: 0 }
    }

    /// Where the response ends in `buffer`; `None` while bytes are missing.
    pub(crate) fn end(&mut self, buffer: &[u8]) -> Result<Option<usize>, Malformed> {
        let Some(head) = self.read_head(buffer)? else { return Ok(None) };
        match head.length {
            Length::Fixed(length) => {
                let end = head.body.checked_add(length).ok_or(Malformed("content-length is too large"))?;
                Ok((buffer.len() >= end).then_some(end))
            }
            Length::Chunked => self.skip_chunks(buffer),
            Length::ToEnd => Ok(None),
        }
    }

    /// The head, once it is there.
    pub(crate) fn head(&self) -> Option<Head> {
        self.head
    }

    /// Whether an end of the stream right now ends the response properly.
    pub(crate) fn may_end(&self) -> bool {
        self.head.is_some_and(|head| head.length == Length::ToEnd)
    }

    fn read_head(&mut self, buffer: &[u8]) -> Result<Option<Head>, Malformed> {
        while self.head.is_none() {
            let Some(length) = head_length(&buffer[self.start..])? else { return Ok(None) };
            let body = self.start + length;
            let head = parse_head(&buffer[self.start..body], body, self.to_head)?;
            if (100..200).contains(&head.status) && head.status != 101 {
                self.start = body;
            } else {
                self.head = Some(head);
                self.chunk = body;
            }
        }
        Ok(self.head)
    }

    /// Passes every whole chunk, and stops behind the trailers.
    fn skip_chunks(&mut self, buffer: &[u8]) -> Result<Option<usize>, Malformed> {
        loop {
            let Some(line) = line_at(buffer, self.chunk)? else { return Ok(None) };
            let size = chunk_size(line)?;
            let data = self.chunk + line.len() + 2;
            if size == 0 {
                return trailers_end(buffer, data);
            }
            let end = data.checked_add(size).ok_or(Malformed("a chunk is too large"))?;
            match buffer.get(end..end + 2) {
                None => return Ok(None),
                Some(b"\r\n") => self.chunk = end + 2,
                Some(_) => return Err(Malformed("a chunk does not end where it says")),
            }
        }
    }
}

/// The data of a complete chunked body.
pub(crate) fn join_chunks(mut body: &[u8]) -> Result<Vec<u8>, Malformed> {
    let mut data = Vec::with_capacity(body.len());
    loop {
        let line = line_at(body, 0)?.ok_or(Malformed("a chunk is cut short"))?;
        let size = chunk_size(line)?;
        if size == 0 {
            return Ok(data);
        }
        let start = line.len() + 2;
        let chunk = body.get(start..start.saturating_add(size)).ok_or(Malformed("a chunk is cut short"))?;
        data.extend_from_slice(chunk);
        body = body.get(start + size + 2..).ok_or(Malformed("a chunk is cut short"))?;
    }
}

/// Name and value of each header line of a head, in order.
pub(crate) fn headers(head: &[u8]) -> impl Iterator<Item = (&str, &str)> {
    head.split(|byte| *byte == b'\n').skip(1).filter_map(|line| {
        let line = std::str::from_utf8(line.strip_suffix(b"\r").unwrap_or(line)).ok()?;
        let (name, value) = line.split_once(':')?;
        Some((name, value.trim()))
    })
}

fn head_length(buffer: &[u8]) -> Result<Option<usize>, Malformed> {
    let known = b"HTTP/1.";
    let shared = known.len().min(buffer.len());
    if buffer[..shared] != known[..shared] {
        return Err(Malformed("it does not start with HTTP/1"));
    }
    match buffer.windows(4).take(MAX_HEAD).position(|window| window == b"\r\n\r\n") {
        Some(position) => Ok(Some(position + 4)),
        None if buffer.len() > MAX_HEAD => Err(Malformed("the head has no end")),
        None => Ok(None),
    }
}

fn parse_head(head: &[u8], body: usize, to_head: bool) -> Result<Head, Malformed> {
    let status = head.get(9..12).and_then(|digits| std::str::from_utf8(digits).ok());
    let status: u16 = status.and_then(|digits| digits.parse().ok()).ok_or(Malformed("no status code"))?;
    let mut close = head.starts_with(b"HTTP/1.0");
    let mut length = Length::ToEnd;
    for (name, value) in headers(head) {
        if name.eq_ignore_ascii_case("content-length") {
            let fixed = value.parse().map_err(|_| Malformed("content-length is not a number"))?;
            if length != Length::Chunked {
                length = Length::Fixed(fixed);
            }
        } else if name.eq_ignore_ascii_case("transfer-encoding") && has_token(value, "chunked") {
            length = Length::Chunked;
        } else if name.eq_ignore_ascii_case("connection") {
            close = has_token(value, "close") || (close && !has_token(value, "keep-alive"));
        }
    }
    if to_head || status < 200 || status == 204 || status == 304 {
        length = Length::Fixed(0);
    }
    Ok(Head { status, body, close: close || length == Length::ToEnd, length })
}

fn has_token(value: &str, token: &str) -> bool {
    value.split(',').any(|item| item.trim().eq_ignore_ascii_case(token))
}

/// The line that starts at `start`, without its end; `None` while the end is missing.
fn line_at(buffer: &[u8], start: usize) -> Result<Option<&[u8]>, Malformed> {
    let rest = buffer.get(start..).unwrap_or_default();
    match rest.windows(2).take(MAX_HEAD).position(|window| window == b"\r\n") {
        Some(length) => Ok(Some(&rest[..length])),
        None if rest.len() > MAX_HEAD => Err(Malformed("a line has no end")),
        None => Ok(None),
    }
}

fn chunk_size(line: &[u8]) -> Result<usize, Malformed> {
    let digits = line.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii();
    let digits = std::str::from_utf8(digits).map_err(|_| Malformed("a chunk has no size"))?;
    usize::from_str_radix(digits, 16).map_err(|_| Malformed("a chunk has no size"))
}

fn trailers_end(buffer: &[u8], mut at: usize) -> Result<Option<usize>, Malformed> {
    loop {
        let Some(line) = line_at(buffer, at)? else { return Ok(None) };
        at += line.len() + 2;
        if line.is_empty() {
            return Ok(Some(at));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Answer, Length, Malformed, headers, join_chunks};
    use proptest::prelude::*;

    fn end(bytes: &[u8]) -> Result<Option<usize>, Malformed> {
        Answer::new(false).end(bytes)
    }

    #[test]
    fn a_response_with_a_length_ends_after_that_many_bytes() {
        let response = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
        assert_eq!(end(response), Ok(Some(response.len())));
        assert_eq!(end(&response[..response.len() - 1]), Ok(None));
    }

    #[test]
    fn a_chunked_response_ends_behind_its_trailers() {
        let response =
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\nA\r\n0123456789\r\n0\r\nt: 1\r\n\r\n";
        assert_eq!(end(response), Ok(Some(response.len())));
        let body = response.windows(4).position(|w| w == b"\r\n\r\n").expect("it has a head") + 4;
        assert_eq!(join_chunks(&response[body..]), Ok(b"abc0123456789".to_vec()));
    }

    #[test]
    fn a_response_without_a_length_ends_with_the_connection() {
        let mut answer = Answer::new(false);
        assert_eq!(answer.end(b"HTTP/1.1 200 OK\r\n\r\nabc"), Ok(None));
        assert!(answer.may_end());
        assert!(answer.head().is_some_and(|head| head.close && head.length == Length::ToEnd));
    }

    #[test]
    fn interim_responses_are_passed_over() {
        let response = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n";
        let mut answer = Answer::new(false);
        assert_eq!(answer.end(response), Ok(Some(response.len())));
        assert_eq!(answer.head().map(|head| head.status), Some(204));
    }

    #[test]
    fn an_answer_to_head_has_no_body() {
        let response = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n";
        assert_eq!(Answer::new(true).end(response), Ok(Some(response.len())));
    }

    #[test]
    fn the_end_of_the_connection_is_announced_by_header_or_version() {
        let close = |head: &str| {
            let mut answer = Answer::new(false);
            answer.end(head.as_bytes()).expect("it is a response");
            answer.head().expect("the head is complete").close
        };
        assert!(close("HTTP/1.1 200 OK\r\nConnection: foo, Close\r\ncontent-length: 0\r\n\r\n"));
        assert!(close("HTTP/1.0 200 OK\r\ncontent-length: 0\r\n\r\n"));
        assert!(!close("HTTP/1.0 200 OK\r\nconnection: keep-alive\r\ncontent-length: 0\r\n\r\n"));
        assert!(!close("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"));
    }

    #[test]
    fn other_protocols_are_told_at_the_first_bytes() {
        assert!(end(b"SSH-").is_err());
        assert!(end(b"HTTP/2").is_err());
        assert!(end(b"HTTP/1.1 abc\r\n\r\n").is_err());
    }

    #[test]
    fn header_lines_are_split_at_the_first_colon() {
        let head = b"HTTP/1.1 200 OK\r\nLocation: http://x/\r\nEmpty:\r\n\r\n";
        assert_eq!(headers(head).collect::<Vec<_>>(), [("Location", "http://x/"), ("Empty", "")]);
    }

    fn chunked(chunks: &[Vec<u8>]) -> Vec<u8> {
        let mut bytes = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n".to_vec();
        for chunk in chunks.iter().filter(|chunk| !chunk.is_empty()) {
            bytes.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
            bytes.extend_from_slice(chunk);
            bytes.extend_from_slice(b"\r\n");
        }
        bytes.extend_from_slice(b"0\r\n\r\n");
        bytes
    }

    proptest! {
        #[test]
        fn a_response_is_complete_at_its_last_byte_and_not_before(
            chunks in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..6),
            step in 1_usize..9,
        ) {
            let response = chunked(&chunks);
            let mut answer = Answer::new(false);
            let mut arrived = 0;
            while arrived < response.len() {
                prop_assert_eq!(answer.end(&response[..arrived]), Ok(None));
                arrived = (arrived + step).min(response.len());
            }
            prop_assert_eq!(answer.end(&response), Ok(Some(response.len())));
            let body = answer.head().map_or(0, |head| head.body);
            prop_assert_eq!(join_chunks(&response[body..]), Ok(chunks.concat()));
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = end(&bytes);
            let mut response = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n".to_vec();
            response.extend_from_slice(&bytes);
            let _ = end(&response);
            let _ = join_chunks(&bytes);
        }
    }
}
