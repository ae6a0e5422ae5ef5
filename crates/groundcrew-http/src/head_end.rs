/// How many bytes of this read lie behind the end of a request head: a body, or the next request of a client
/// that pipelines. 0 where the head has not ended yet.
///
/// RFC 9112, section 2.2: an empty line ends the head, and a bare LF may stand for CRLF.
pub(crate) fn bytes_behind(read: &[u8]) -> usize {
    memchr::memchr_iter(b'\n', read)
        .find_map(|at| match &read[at + 1..] {
            [b'\r', b'\n', behind @ ..] | [b'\n', behind @ ..] => Some(behind.len()),
            _ => None,
        })
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::bytes_behind;

    #[test]
    fn nothing_lies_behind_a_lone_head() {
        assert_eq!(bytes_behind(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n"), 0);
        assert_eq!(bytes_behind(b"GET / HTTP/1.1\r\nhost: a\r\n"), 0);
    }

    #[test]
    fn a_second_request_lies_behind_the_first_head() {
        assert_eq!(bytes_behind(b"GET /a HTTP/1.1\r\n\r\nGET /b HTTP/1.1\r\n\r\n"), 19);
    }

    proptest! {
        #[test]
        fn what_follows_the_empty_line_is_counted(head in "[A-Za-z/:. ]{0,40}", rest in proptest::collection::vec(any::<u8>(), 0..40)) {
            let read = [head.as_bytes(), b"\r\n\r\n", &rest].concat();
            prop_assert_eq!(bytes_behind(&read), rest.len());
        }
    }
}
