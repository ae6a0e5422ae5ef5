use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;

use futures_core::stream::BoxStream;
use futures_util::{StreamExt, stream};

/// Where the body of a [`stream_from`] puts its items, one at a time.
pub(crate) struct Feed<T>(Arc<Mutex<Option<T>>>);

impl<T> Feed<T> {
    /// Hands one item to the reader, and goes on when it asks for the next.
    pub(crate) async fn send(&self, item: T) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(item);
        let mut handed_over = false;
        std::future::poll_fn(|_| {
            // No waker is needed: the reader takes the item at once and polls again for the next.
            if std::mem::replace(&mut handed_over, true) { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }

    fn take(&self) -> Option<T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// A stream whose items come from an async body that may own what they are read from, such as a connection
/// and the rows that borrow it.
pub(crate) fn stream_from<'e, T, E, F, Fut>(body: F) -> BoxStream<'e, Result<T, E>>
where
    T: Send + 'e,
    E: Send + 'e,
    F: FnOnce(Feed<T>) -> Fut,
    Fut: Future<Output = Result<(), E>> + Send + 'e,
{
    let slot = Arc::new(Mutex::new(None));
    let feed = Feed(slot.clone());
    let mut running: Option<Pin<Box<Fut>>> = Some(Box::pin(body(Feed(slot))));
    stream::poll_fn(move |cx| {
        let Some(future) = running.as_mut() else { return Poll::Ready(None) };
        match future.as_mut().poll(cx) {
            Poll::Ready(result) => {
                running = None;
                Poll::Ready(result.err().map(Err))
            }
            Poll::Pending => match feed.take() {
                Some(item) => Poll::Ready(Some(Ok(item))),
                None => Poll::Pending,
            },
        }
    })
    .boxed()
}

#[cfg(test)]
mod tests {
    use futures_util::TryStreamExt;

    use super::*;

    #[tokio::test]
    async fn items_come_in_order_and_an_error_is_the_last() {
        let mut stream = stream_from(|feed| async move {
            for number in 0..3 {
                tokio::task::yield_now().await;
                feed.send(number).await;
            }
            Err("broken")
        });
        for number in 0..3 {
            assert_eq!(stream.try_next().await, Ok(Some(number)));
        }
        assert_eq!(stream.try_next().await, Err("broken"));
        assert_eq!(stream.try_next().await, Ok(None));
    }
}
