use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::stream::{self, BoxStream, Stream, StreamExt};

use crate::ClientError;
use crate::deadline::Deadline;
use crate::response::Received;

/// The body of an answer as it comes. It ends after the first error.
///
/// The time for a chunk runs only while somebody waits for it.
pub struct Chunks {
    stream: BoxStream<'static, Result<Bytes, ClientError>>,
}

// === impl Chunks ===

impl Chunks {
    pub(crate) fn new(received: Received, whole: Option<Deadline>) -> Self {
        let stream = stream::unfold(Some(received), move |received| async move {
            let mut received = received?;
            let until = received.chunk_deadline(whole);
            match received.chunk(until).await {
                Ok(Some(chunk)) => Some((Ok(chunk), Some(received))),
                Ok(None) => None,
                Err(error) => Some((Err(error), None)),
            }
        });
        Self { stream: stream.boxed() }
    }

    /// The next chunk; `None` after the last.
    pub async fn next(&mut self) -> Option<Result<Bytes, ClientError>> {
        self.stream.next().await
    }
}

impl Stream for Chunks {
    type Item = Result<Bytes, ClientError>;

    fn poll_next(mut self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.stream.poll_next_unpin(task)
    }
}

impl fmt::Debug for Chunks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Chunks").finish_non_exhaustive()
    }
}
