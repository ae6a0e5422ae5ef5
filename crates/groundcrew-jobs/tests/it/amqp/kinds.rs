//! Kinds of jobs whose queues somebody has declared in another way.

use groundcrew_amqp::{Queue, Topology};

use super::*;
use crate::stage::Other;

const QUEUE: &str = "parcels.jobs.other.normal.v1";

/// A worker for `plain` and `other`, of which the queue of `other` is none that it can declare.
async fn one_of_two_is_strange(broker: &Broker) -> (Process, Jobs<App>) {
    let strange = Topology::new().queue(Queue::classic(QUEUE).unversioned());
    broker.process().await.amqp.declare(strange).await.expect("declared");
    let process = broker.process().await;
    let jobs = process.jobs().await.register::<Plain>().register::<Other>();
    (process, jobs)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kind_whose_queue_is_another_one_holds_up_no_other_kind() {
    bounded(async {
        let broker = Broker::shared().await;
        let (_process, jobs) = one_of_two_is_strange(&broker).await;
        let (app, publisher) = (App::noting(), jobs.publisher());
        jobs.run(app.clone());
        publisher.enqueue(&Plain("x".to_owned())).await.expect("enqueued");
        until("it ran", || async { app.runs() == 1 }).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kind_whose_queue_was_another_one_is_consumed_when_that_is_gone() {
    bounded(async {
        let broker = Broker::shared().await;
        let (_process, jobs) = one_of_two_is_strange(&broker).await;
        let (app, publisher) = (App::noting(), jobs.publisher());
        jobs.run(app.clone());
        publisher.enqueue(&Plain("plain".to_owned())).await.expect("enqueued");
        until("the one ran", || async { app.runs() == 1 }).await;
        let refused = publisher.enqueue(&Other("other".to_owned())).await.expect_err("refused");
        assert!(refused.to_string().contains(QUEUE), "{refused}");
        assert!(broker.vhost.delete_queue(QUEUE).await.expect("asked"), "it was there");
        publisher.enqueue(&Other("other".to_owned())).await.expect("enqueued");
        until("the other ran", || async { app.runs() == 2 }).await;
    })
    .await;
}
