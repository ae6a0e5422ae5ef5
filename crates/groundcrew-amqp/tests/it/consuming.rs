use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use groundcrew_amqp::{Amqp, AmqpConfig, ConsumerOptions, Field, Message, Queue, Topology, Verdict};
use groundcrew_runtime::{Reason, Signals, supervise};
use groundcrew_telemetry::{Context, TraceContext, current};
use groundcrew_testkit::proxy::{Direction, Mode};
use lapin::options::{BasicConsumeOptions, BasicNackOptions, QueueDeclareOptions};
use lapin::types::{AMQPValue, FieldTable, LongString};
use parking_lot::Mutex;
use tokio::sync::Semaphore;

use crate::support::{Bench, bounded, eventually, metric};

/// Which messages were handled, and how often.
#[derive(Clone, Default)]
pub(crate) struct Ledger(Arc<Mutex<BTreeMap<String, usize>>>);

impl Ledger {
    pub(crate) fn note(&self, id: &str) {
        *self.0.lock().entry(id.to_owned()).or_default() += 1;
    }

    pub(crate) fn len(&self) -> usize {
        self.0.lock().len()
    }

    pub(crate) fn has(&self, id: &str) -> bool {
        self.0.lock().contains_key(id)
    }
}

pub(crate) async fn declared(amqp: &Amqp, queue: Queue) -> Queue {
    amqp.declare(Topology::new().queue(queue.clone())).await.expect("declared");
    queue
}

pub(crate) async fn publish(amqp: &Amqp, queue: &Queue, count: usize) {
    let messages =
        (0..count).map(|n| Message::to_queue(queue.name(), n.to_string()).with_id(&format!("m{n}")));
    for outcome in amqp.publisher().publish_all(messages).await {
        outcome.expect("confirmed");
    }
}

#[test]
fn every_message_is_handled_and_acknowledged_in_groups() {
    bounded(async {
        let bench = Bench::new().await;
        let amqp = bench.connect().await;
        let queue = declared(&amqp, Queue::quorum("all")).await;
        publish(&amqp, &queue, 2000).await;
        let ledger = Ledger::default();
        let handled = ledger.clone();
        let options = ConsumerOptions::default().prefetch(200).concurrency(4);
        amqp.consume(queue.name(), options, move |message| {
            handled.note(message.id().unwrap_or_default());
            async { Verdict::Ack }
        })
        .expect("a consumer");
        eventually("all are handled", async || ledger.len() == 2000).await;
        bench.depth_becomes(queue.name(), 0).await;
        assert_eq!(metric(&bench.crew, "amqp_redelivered_total"), "0");
    });
}

#[test]
fn a_rejected_message_and_one_whose_handler_panics_are_dead_letters_and_the_rest_goes_on() {
    bounded(async {
        let bench = Bench::new().await;
        let amqp = bench.connect().await;
        let queue = declared(&amqp, Queue::quorum("mixed")).await;
        let ledger = Ledger::default();
        let handled = ledger.clone();
        amqp.consume(queue.name(), ConsumerOptions::default(), move |message| {
            let number: usize =
                std::str::from_utf8(message.payload()).expect("a number").parse().expect("one");
            assert!(number != 3, "on purpose");
            handled.note(message.id().unwrap_or_default());
            async move { if number == 5 { Verdict::Reject } else { Verdict::Ack } }
        })
        .expect("a consumer");
        publish(&amqp, &queue, 10).await;
        eventually("all but one are handled", async || ledger.len() == 9).await;
        bench.depth_becomes(&queue.dead_letter_queue(), 2).await;
        bench.depth_becomes(queue.name(), 0).await;
        assert_eq!(metric(&bench.crew, "amqp_handler_panics_total"), "1");
        assert_eq!(metric(&bench.crew, "amqp_consumer_restarts_total"), "0");
    });
}

/// Field note: delivery limit, and always a dead-letter exchange.
#[test]
fn a_message_that_comes_back_again_and_again_is_a_dead_letter_at_the_limit() {
    bounded(async {
        let bench = Bench::new().await;
        let amqp = bench.connect().await;
        let queue = declared(&amqp, Queue::quorum("poison").delivery_limit(3)).await;
        publish(&amqp, &queue, 1).await;
        let counts = Arc::new(Mutex::new(Vec::new()));
        let seen = counts.clone();
        amqp.consume(queue.name(), ConsumerOptions::default(), move |message| {
            seen.lock().push(message.delivery_count());
            async { Verdict::Requeue }
        })
        .expect("a consumer");
        bench.depth_becomes(&queue.dead_letter_queue(), 1).await;
        assert_eq!(*counts.lock(), [0, 1, 2, 3]);
    });
}

/// The control of the test above: a queue that is declared by its name alone never ends it.
#[test]
fn without_a_limit_a_message_comes_back_for_ever() {
    bounded(async {
        let bench = Bench::new().await;
        let connection = bench.raw().await;
        let channel = connection.create_channel().await.expect("a channel");
        let mut arguments = FieldTable::default();
        arguments.insert("x-queue-type".into(), AMQPValue::LongString(LongString::from("quorum")));
        let options = QueueDeclareOptions { durable: true, ..QueueDeclareOptions::default() };
        channel.queue_declare("endless".into(), options, arguments).await.expect("declared");
        let amqp = bench.connect().await;
        amqp.publisher().publish(Message::to_queue("endless", "x")).await.expect("confirmed");
        let options = BasicConsumeOptions::default();
        let consumer =
            channel.basic_consume("endless".into(), "".into(), options, FieldTable::default()).await;
        let mut consumer = consumer.expect("a consumer");
        // RabbitMQ 3.x; 4.x drops it after 20.
        for _ in 0..15 {
            let delivery = consumer.next().await.expect("it comes again").expect("a delivery");
            let requeue = BasicNackOptions { requeue: true, ..BasicNackOptions::default() };
            delivery.nack(requeue).await.expect("given back");
        }
    });
}

/// Field note: one durable retry queue per delay step.
#[test]
fn a_message_in_a_retry_queue_comes_back_after_its_delay() {
    bounded(async {
        let bench = Bench::new().await;
        let amqp = bench.connect().await;
        let step = Duration::from_millis(700);
        let queue = declared(&amqp, Queue::quorum("later").retry_after([step])).await;
        let began = Instant::now();
        let message = Message::to_queue(&queue.retry_queue(step), "x").with_id("late").header("attempt", 2);
        amqp.publisher().publish(message).await.expect("confirmed");
        let subscription = amqp.subscribe(queue.name(), ConsumerOptions::default()).expect("a consumer");
        let held = subscription.recv().await.expect("a message");
        assert!(began.elapsed() >= step);
        assert_eq!((held.id(), held.header("attempt")), (Some("late"), Some(Field::Number(2))));
        held.ack();
        bench.depth_becomes(queue.name(), 0).await;
    });
}

#[test]
fn the_handler_works_in_the_publishers_trace() {
    bounded(async {
        let bench = Bench::new().await;
        let amqp = bench.connect().await;
        let queue = declared(&amqp, Queue::quorum("traced")).await;
        let seen: Arc<Mutex<Option<TraceContext>>> = Arc::default();
        let traced = seen.clone();
        amqp.consume(queue.name(), ConsumerOptions::default(), move |_| {
            let traced = traced.clone();
            async move {
                *traced.lock() = current().map(|context| *context.trace());
                Verdict::Ack
            }
        })
        .expect("a consumer");
        let context = Context::random().into_arc();
        let published = amqp.publisher().publish(Message::to_queue(queue.name(), "x"));
        context.clone().scope(published).await.expect("confirmed");
        eventually("it is handled", async || seen.lock().is_some()).await;
        assert_eq!(seen.lock().map(|trace| trace.trace_id), Some(context.trace().trace_id));
    });
}

/// Field note: `basic_qos` before consume.
#[test]
fn a_consumer_never_holds_more_than_its_prefetch() {
    bounded(async {
        let bench = Bench::new().await;
        let amqp = bench.connect().await;
        let queue = declared(&amqp, Queue::quorum("many")).await;
        publish(&amqp, &queue, 200).await;
        let subscription =
            amqp.subscribe(queue.name(), ConsumerOptions::default().prefetch(7)).expect("a consumer");
        let first = subscription.recv().await.expect("a message");
        eventually("it holds its prefetch", async || {
            bench
                .vhost
                .queue(queue.name())
                .await
                .is_ok_and(|queue| queue.is_some_and(|it| it.unacknowledged == 7))
        })
        .await;
        assert_eq!(metric(&bench.crew, "amqp_unsettled"), "7");
        drop(first);
        drop(subscription);
        eventually("everything is back", async || {
            bench.vhost.queue(queue.name()).await.is_ok_and(|queue| queue.is_some_and(|it| it.ready == 200))
        })
        .await;
    });
}

/// The control of the test above: a consumer without `basic_qos` is given everything at once.
#[test]
fn without_qos_a_consumer_is_given_everything() {
    bounded(async {
        let bench = Bench::new().await;
        let amqp = bench.connect().await;
        let queue = declared(&amqp, Queue::quorum("many")).await;
        publish(&amqp, &queue, 200).await;
        let channel = bench.raw().await.create_channel().await.expect("a channel");
        let options = BasicConsumeOptions::default();
        let consume = channel.basic_consume(queue.name().into(), "".into(), options, FieldTable::default());
        let _consumer = consume.await.expect("a consumer");
        eventually("it holds all", async || {
            bench
                .vhost
                .queue(queue.name())
                .await
                .is_ok_and(|queue| queue.is_some_and(|it| it.unacknowledged == 200))
        })
        .await;
    });
}

/// For queues that are consumed for one answer, a thousand times a minute.
#[test]
fn a_subscription_that_is_dropped_leaves_nothing_behind() {
    bounded(async {
        let bench = Bench::new().await;
        let amqp = bench.connect().await;
        let queue = declared(&amqp, Queue::quorum("answers")).await;
        publish(&amqp, &queue, 5).await;
        let tasks = || bench.crew.tasks().into_iter().filter(|task| task.name.starts_with("amqp:")).count();
        for _ in 0..5 {
            let subscription = amqp.subscribe(queue.name(), ConsumerOptions::default()).expect("a consumer");
            assert_eq!(tasks(), 1);
            subscription.recv().await.expect("a message").ack();
            drop(subscription);
            eventually("its task is gone", async || tasks() == 0).await;
        }
        let receipt = bench.crew.land().await;
        assert!(!receipt.summary().contains(" handed back"), "{receipt}");
    });
}

/// The library gives a consumer that is answered too late to nobody, and it would swallow its prefetch.
#[test]
fn a_subscription_that_is_dropped_while_its_consumer_starts_leaves_no_consumer_behind() {
    bounded(async {
        let bench = Bench::new().await;
        let proxy = bench.proxy().await;
        let amqp = AmqpConfig::of(proxy.url_to(bench.vhost.url())).connect(&bench.crew).await;
        let amqp = amqp.expect("a connection");
        let queue = declared(&amqp, Queue::quorum("abandoned")).await;
        let subscribe = || amqp.subscribe(queue.name(), ConsumerOptions::default()).expect("a consumer");
        let consumers =
            async || bench.vhost.queue(queue.name()).await.map(|queue| queue.map(|it| it.consumers));
        let tasks = || bench.crew.tasks().into_iter().filter(|task| task.name.starts_with("amqp:")).count();
        let warm = subscribe();
        eventually("it consumes", async || consumers().await.is_ok_and(|count| count == Some(1))).await;
        drop(warm);
        eventually("its task is gone", async || tasks() == 0).await;
        proxy.set(Mode::Slow { bytes_per_second: 1 << 20, latency: Duration::from_millis(30) }).await;
        for round in 0..20 {
            let sent = || (proxy.bytes(Direction::ToTarget), proxy.bytes(Direction::ToClient));
            let subscription = subscribe();
            // Each step of the start is one frame there, or one frame back.
            for _ in 0..round % 7 {
                let before = sent();
                eventually("the next frame", async || sent() != before).await;
            }
            drop(subscription);
            eventually("its task is gone", async || tasks() == 0).await;
            // Behind the good-bye of its channel, which would be taken for a frame of the next start.
            let last = amqp.channel().await.expect("a channel");
            last.close(200, "asked and answered".into()).await.expect("closed");
        }
        proxy.heal().await;
        let subscription = subscribe();
        publish(&amqp, &queue, 5).await;
        eventually("all have come", async || subscription.waiting() == 5).await;
        eventually("it is the only one", async || consumers().await.is_ok_and(|count| count == Some(1)))
            .await;
    });
}

#[test]
fn a_subscription_that_is_there_at_the_end_says_in_the_receipt_what_it_handed_back() {
    bounded(async {
        let bench = Bench::new().await;
        let amqp = bench.connect().await;
        let queue = declared(&amqp, Queue::quorum("untaken")).await;
        publish(&amqp, &queue, 5).await;
        let subscription = amqp.subscribe(queue.name(), ConsumerOptions::default()).expect("a consumer");
        eventually("all have come", async || subscription.waiting() == 5).await;
        let receipt = bench.crew.land().await;
        assert!(receipt.summary().contains("0 finished, 5 handed back"), "{receipt}");
        assert!(subscription.recv().await.is_none());
    });
}

/// Field note: drain: cancel → finish in flight → nack the buffered → close channel → close connection.
#[test]
fn a_drain_finishes_what_was_begun_and_hands_the_rest_back() {
    bounded(async {
        let bench = Bench::new().await;
        let amqp = bench.connect().await;
        let queue = declared(&amqp, Queue::quorum("drained")).await;
        publish(&amqp, &queue, 100).await;
        let (ledger, doors) = (Ledger::default(), Arc::new(Semaphore::new(10)));
        let begun = Arc::new(Semaphore::new(0));
        let handler = {
            let (ledger, doors, begun) = (ledger.clone(), doors.clone(), begun.clone());
            move |message: groundcrew_amqp::Delivery| {
                let (ledger, doors, begun) = (ledger.clone(), doors.clone(), begun.clone());
                async move {
                    begun.add_permits(1);
                    doors.acquire().await.expect("open").forget();
                    ledger.note(message.id().unwrap_or_default());
                    Verdict::Ack
                }
            }
        };
        amqp.consume(queue.name(), ConsumerOptions::default().prefetch(50).concurrency(4), handler)
            .expect("a consumer");
        // Ten are through, four wait at the door, the rest is buffered or in the queue.
        begun.acquire_many(14).await.expect("begun").forget();
        let signals = Signals::install().expect("signals");
        let landing = tokio::spawn({
            let crew = bench.crew.clone();
            async move { supervise(&crew, signals, async { Ok::<(), std::io::Error>(()) }).await }
        });
        bench.crew.request_shutdown(Reason::Requested("a test".to_owned()));
        eventually("what was buffered is back", async || {
            bench.vhost.queue(queue.name()).await.is_ok_and(|queue| queue.is_some_and(|it| it.ready == 86))
        })
        .await;
        doors.add_permits(4);
        let receipt = landing.await.expect("landed").receipt.expect("a receipt");
        assert_eq!(receipt.cut().count(), 0, "{receipt}");
        assert!(receipt.summary().contains(" handed back"), "{}", receipt.summary());
        // The queue works through what its channel had told it before the close.
        eventually("nothing is unsettled, and only the four are gone", async || {
            let left = bench.vhost.queue(queue.name()).await;
            left.is_ok_and(|left| left.is_some_and(|it| (it.ready, it.unacknowledged) == (86, 0)))
        })
        .await;
        assert_eq!(ledger.len(), 14);
    });
}

/// Field note: separate connections; a broker that blocks one that publishes would hold its acknowledgements too.
#[test]
fn acknowledgements_flow_while_the_broker_takes_no_messages() {
    bounded(async {
        let bench = Bench::private().await;
        let amqp = bench.connect().await;
        let queue = declared(&amqp, Queue::quorum("flowing")).await;
        publish(&amqp, &queue, 50).await;
        bench.broker.memory_alarm().await.expect("an alarm");
        let stuck = amqp.publisher().send(Message::to_queue(queue.name(), "stuck")).await.expect("sent");
        eventually("it is blocked", async || amqp.problem().is_some()).await;
        let ledger = Ledger::default();
        let handled = ledger.clone();
        amqp.consume(queue.name(), ConsumerOptions::default(), move |message| {
            handled.note(message.id().unwrap_or_default());
            async { Verdict::Ack }
        })
        .expect("a consumer");
        eventually("all are handled", async || ledger.len() == 50).await;
        bench.depth_becomes(queue.name(), 0).await;
        bench.broker.clear_memory_alarm().await.expect("no alarm");
        stuck.confirmed().await.expect("confirmed at last");
    });
}
