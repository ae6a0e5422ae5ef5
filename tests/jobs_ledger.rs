//! Jobs over RabbitMQ while the broker is cut off, killed and started again, and workers die by kill -9: what was
//! confirmed has its effect, once.
#![cfg(unix)]

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use groundcrew::Crew;
use groundcrew::amqp::{Amqp, AmqpConfig, Message, PublishError};
use groundcrew::jobs::{DeadQuery, Jobs, JobsConfig, Publisher};
use groundcrew::sql::{Postgres, SqlConfig, sqlx};
use groundcrew_testkit::ledger::{Ledger, Report};
use groundcrew_testkit::postgres;
use groundcrew_testkit::process::{Service, ServiceProcess, Signal};
use groundcrew_testkit::rabbitmq::RabbitMq;
use scenarios::ledger_job::{App, Count, SERVICE, TABLE};

/// How long anything may take that is not a fault.
const PATIENCE: Duration = Duration::from_secs(120);
/// Jobs that are enqueued together.
const CHUNK: usize = 200;

/// How much is done, and how much goes wrong meanwhile.
struct Plan {
    jobs: usize,
    cuts: usize,
    broker_kills: usize,
    worker_kills: usize,
    inbox: bool,
}

/// The system under test.
struct System {
    crew: Crew,
    rabbitmq: RabbitMq,
    _server: postgres::Postgres,
    _database: postgres::Database,
    postgres: Postgres,
    amqp: Amqp,
    publisher: Publisher,
    worker: Service,
}

#[tokio::test(flavor = "multi_thread")]
async fn confirmed_jobs_have_their_effect_once_while_broker_and_workers_die() {
    let plan = Plan { jobs: 4_000, cuts: 4, broker_kills: 1, worker_kills: 8, inbox: true };
    judge(&run(&plan).await, &plan);
}

/// The same for minutes: `cargo xtask test --long`.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes minutes"]
async fn a_hundred_thousand_confirmed_jobs_have_their_effect_once() {
    let plan = Plan { jobs: 100_000, cuts: 18, broker_kills: 4, worker_kills: 52, inbox: true };
    judge(&run(&plan).await, &plan);
}

/// The control: what the mark in the transaction is for.
#[tokio::test(flavor = "multi_thread")]
async fn without_the_inbox_effects_are_doubled() {
    let plan = Plan { jobs: 4_000, cuts: 4, broker_kills: 0, worker_kills: 8, inbox: false };
    let report = run(&plan).await;
    assert_eq!(report.lost, 0, "{report}");
    assert!(report.duplicated > 0, "a control that controls nothing: {report}");
}

fn judge(report: &Report, plan: &Plan) {
    assert!(report.acknowledged >= plan.jobs as u64, "{report}");
    assert_eq!((report.lost, report.unexpected, report.duplicated), (0, 0, 0), "{report}");
}

async fn run(plan: &Plan) -> Report {
    let mut system = System::start(plan).await;
    let ledger = Ledger::default();
    let over = AtomicBool::new(false);
    let workers = [system.work().await, system.work().await];

    let (publisher, amqp) = (system.publisher.clone(), system.amqp.clone());
    let enqueued = async {
        tokio::join!(enqueue(&publisher, &ledger, plan.jobs), tell_the_truth(&amqp, &over, &ledger)).0
    };
    let faulty = async {
        harm(&mut system, workers, plan, &ledger).await;
        over.store(true, Ordering::Release);
    };
    let (confirmed, ()) = tokio::join!(enqueued, faulty);

    system.settle(&confirmed).await;
    let report = system.judge(ledger).await;
    println!("{report}");
    report
}

/// Enqueues until so many are confirmed, and gives these. One that is not confirmed is let be: whether it is there
/// is not known.
async fn enqueue(publisher: &Publisher, ledger: &Ledger, jobs: usize) -> Vec<String> {
    let (mut next, mut confirmed) = (0, Vec::new());
    while confirmed.len() < jobs {
        let ids: Vec<String> = (next..next + CHUNK).map(|number| number.to_string()).collect();
        next += CHUNK;
        let enqueued = ids.iter().map(|id| async {
            ledger.attempted(id);
            publisher.enqueue(&Count { id: id.clone() }).await.ok()?;
            ledger.acknowledged(id);
            Some(id.clone())
        });
        confirmed.extend(futures_util::future::join_all(enqueued).await.into_iter().flatten());
    }
    confirmed
}

/// Unroutable messages on the same connection meanwhile: none of them may ever look delivered.
async fn tell_the_truth(amqp: &Amqp, over: &AtomicBool, ledger: &Ledger) {
    let mut returned = 0;
    while !over.load(Ordering::Acquire) {
        let told = amqp.publisher().publish(Message::to_queue("nowhere", "lost")).await;
        assert!(told.is_err(), "an unroutable message was confirmed as routed: {}", ledger.report());
        returned += u64::from(matches!(told, Err(PublishError::Unroutable { .. })));
        tokio::task::yield_now().await;
    }
    assert!(returned > 0, "none was ever returned");
}

/// The faults, evenly over the run.
async fn harm(system: &mut System, workers: [ServiceProcess; 2], plan: &Plan, ledger: &Ledger) {
    let mut workers = workers.map(Some);
    let faults = plan.cuts.max(plan.worker_kills);
    for fault in 0..faults {
        let due = (plan.jobs * (fault + 1) / (faults + 1)) as u64;
        while ledger.report().acknowledged < due {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let is_due = |count: usize| fault * count / faults != (fault + 1) * count / faults;
        if is_due(plan.worker_kills) {
            let worker = &mut workers[fault % 2];
            if let Some(mut victim) = worker.take() {
                victim.signal(Signal::Kill).expect("it runs");
                victim.wait_exit(PATIENCE).await.expect("it is dead");
            }
            *worker = Some(system.work().await);
        }
        if is_due(plan.cuts) {
            // Nobody may be connected at this moment, which is no reason to stop.
            let _closed = system.rabbitmq.close_all_connections().await;
        }
        if is_due(plan.broker_kills) {
            system.rabbitmq.kill().expect("ours");
            system.rabbitmq.restart().await.expect("it comes back");
        }
    }
    // They go on until everything is done; the guard ends them with the scenario.
    system.keep(workers);
}

// === impl System ===

impl System {
    async fn start(plan: &Plan) -> Self {
        let (rabbitmq, server) = tokio::join!(RabbitMq::private(), postgres::Postgres::start());
        let (rabbitmq, server) = (rabbitmq.expect("a broker"), server.expect("a server"));
        let database = server.database().await.expect("a database");
        let crew = Crew::builder(SERVICE, "1.0.0").in_kubernetes(false).build();
        let postgres = SqlConfig::of(database.url()).connect_postgres(&crew).await.expect("a database");
        sqlx::query(TABLE).execute(&postgres).await.expect("a table");
        let amqp = AmqpConfig::of(rabbitmq.url()).connect(&crew).await.expect("a broker");
        let jobs: Jobs<App> =
            JobsConfig::default().connect_through(&crew, Some(&amqp), &postgres).await.expect("jobs");
        let worker = Service::new(env!("CARGO_BIN_EXE_job-worker"))
            .env("DATABASE_URL", database.url())
            .env("RABBITMQ_URL", rabbitmq.url())
            .env("JOB_WORKER__ADMIN__ENABLED", "false")
            .env("JOB_WORKER__JOBS__CONCURRENCY", "16")
            .env("JOB_WORKER__INBOX", plan.inbox.to_string());
        let publisher = jobs.publisher();
        Self { crew, rabbitmq, _server: server, _database: database, postgres, amqp, publisher, worker }
    }

    async fn work(&self) -> ServiceProcess {
        let mut process = self.worker.start().expect("the worker starts");
        process.wait_for_line("works", PATIENCE).await.expect("it works");
        process
    }

    fn keep(&mut self, workers: [Option<ServiceProcess>; 2]) {
        self.crew.on_shutdown(groundcrew::runtime::Phase::Close, "workers", move |_scope| async move {
            drop(workers);
            groundcrew::runtime::Outcome::finished("")
        });
    }

    /// Waits until every confirmed job has had its effect and every queue is empty. What workers hold is in no
    /// queue, so that empty queues alone mean nothing.
    async fn settle(&self, confirmed: &[String]) {
        let empty = async {
            loop {
                let stats = self.publisher.backend().stats().await.unwrap_or_default();
                let open: u64 = stats.iter().map(|stat| stat.count).sum();
                let effects: HashSet<String> = self.effects().await.into_iter().collect();
                if !stats.is_empty() && open == 0 && confirmed.iter().all(|id| effects.contains(id)) {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        };
        if tokio::time::timeout(PATIENCE, empty).await.is_err() {
            let stats = self.publisher.backend().stats().await;
            println!("not all was done: {} effects, {stats:?}", self.effects().await.len());
        }
    }

    async fn effects(&self) -> Vec<String> {
        sqlx::query_scalar("SELECT id FROM effects").fetch_all(&self.postgres).await.expect("the effects")
    }

    async fn judge(self, ledger: Ledger) -> Report {
        let dead = self.publisher.dead_set().list(DeadQuery::default()).await.expect("the dead set");
        assert!(dead.is_empty(), "restarts alone killed jobs: {dead:?}");
        for id in self.effects().await {
            ledger.observed(&id);
        }
        self.crew.land().await;
        ledger.report()
    }
}
