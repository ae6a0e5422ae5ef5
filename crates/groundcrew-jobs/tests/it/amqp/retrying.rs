//! Jobs that come back while their ends are put on record.

use futures_util::FutureExt;
use groundcrew_amqp::{ConsumerOptions, Field};

use super::*;

const QUEUE: &str = "parcels.jobs.plain.normal.v1";

/// A batch of ends is looked at when all of it is confirmed, so a short delay may be over before that.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_retry_that_is_back_before_its_end_is_on_record_is_no_copy_and_is_not_lost() {
    bounded(async {
        let broker = Broker::shared().await;
        let process = broker.process().await;
        let stage = process.stage().await;
        let none = stage.backend.reserve(&ask(4, &["plain"])).await.expect("reserved");
        assert!(none.is_empty(), "from now on it is consumed, four at a time");
        let twice = envelope("plain");
        enqueue(&stage.backend, vec![twice.clone(), twice]).await;
        let first = next(&stage.backend, "plain").await;
        let ending = Ending::Retry { after: Duration::ZERO, failure: failure() };
        let settlement = Settlement { delivery: Arc::new(first), ending, checkpoint: None };
        let mut settling = stage.backend.settle(vec![settlement]);
        // It is sent, and nobody looks for its confirm yet.
        assert!((&mut settling).now_or_never().is_none());
        let retry = next(&stage.backend, "plain").await;
        assert_eq!(retry.envelope.attempts, 1, "the copy that came before it is no delivery");
        settling.await.expect("settled");
        let depth = || async { broker.vhost.queue_depth(QUEUE).await.expect("asked") };
        until("the first and its copy are acknowledged, and the retry is not", || async {
            depth().await == 1
        })
        .await;
        settle(&stage.backend, retry, Ending::Done).await;
        until("no message is left", || async { depth().await == 0 }).await;
    })
    .await;
}

/// A count that began anew would be too low: what follows would be taken for a copy.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_that_is_requeued_by_hand_was_moved_as_often_as_before() {
    bounded(Box::pin(async {
        let broker = Broker::shared().await;
        let (first, second) = (broker.process().await, broker.process().await);
        let stage = first.stage().await;
        enqueue(&stage.backend, vec![envelope("plain")]).await;
        let got = next(&stage.backend, "plain").await;
        settle(&stage.backend, got, Ending::Dead { failure: failure() }).await;
        let depth = || async { broker.vhost.queue_depth(QUEUE).await.expect("asked") };
        until("it is nowhere but among the dead", || async { depth().await == 0 }).await;
        // It consumes no more.
        land(&first.crew).await;
        let stage = second.stage().await;
        assert_eq!(stage.backend.requeue(Selection::all()).await, Ok(1));
        let queue = second.amqp.subscribe(QUEUE, ConsumerOptions::default()).expect("subscribed");
        let again = queue.recv().await.expect("the job");
        assert_eq!(again.header("job-moves"), Some(Field::Number(1)), "by its death");
        again.ack();
    }))
    .await;
}
