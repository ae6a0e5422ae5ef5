//! What only a database can promise: one effect, and jobs in the user's own transaction.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use groundcrew_jobs::{
    Ask, Attempt, BackendError, Ending, Enqueued, Envelope, Failure, FailureKind, Jobs, JobsConfig, Known,
    Memory, NewJob, Publisher, Selection, Settlement, State, Unique, When,
};
use groundcrew_sql::{Database, statement};

use crate::database;
use crate::stage::{App, Other, Plain, Stage, config, crew, envelope, until};

async fn execute(database: &Database, sql: &'static str) {
    statement(sql).execute(database).await.expect(sql);
}

async fn number(database: &Database, query: &'static str) -> i64 {
    statement(query).scalar().fetch_one(database.read()).await.expect(query)
}

const ADD: &str = "INSERT INTO effects VALUES (1)";
const EFFECTS: &str = "SELECT count(*) FROM effects";

/// The effect as it should be written.
async fn once(database: Database, attempt: Attempt) -> Result<(), groundcrew_jobs::JobError> {
    let Some(mut transaction) = attempt.begin_once(&database).await? else { return Ok(()) };
    statement(ADD).execute(&mut transaction).await?;
    transaction.commit().await?;
    Ok(())
}

/// Runs a job three times whose end is never put on record in time: what a process does that dies after the effect.
async fn redelivered<F, Fut>(stage: &Stage, effect: F)
where
    F: Fn(Attempt) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = ()> + Send + 'static,
{
    let app = App::logging(move |_, attempt| {
        let done = effect(attempt.clone());
        async move {
            done.await;
            // Not an answer: the effect is there, and the job comes again.
            if attempt.number() < 3 {
                Err(groundcrew_jobs::JobError::retry("died after the effect"))
            } else {
                Ok(())
            }
        }
    });
    let jobs = stage.jobs();
    let publisher = jobs.publisher();
    jobs.register::<Plain>().run(app.clone());
    publisher.enqueue(&Plain("x".to_owned())).await.expect("enqueued");
    until("it ran three times", || async { app.runs() == 3 }).await;
    stage.idle().await;
}

async fn a_job_that_runs_again_has_one_effect(database: Database, keep: impl Send + 'static) {
    execute(&database, "CREATE TABLE effects (n INTEGER)").await;
    let stage = database::stage(&database, keep).await;
    let there = database.clone();
    redelivered(&stage, move |attempt| {
        let database = there.clone();
        async move { once(database, attempt).await.expect("the effect") }
    })
    .await;
    assert_eq!(number(&database, EFFECTS).await, 1);
}

/// The control: what the mark is for.
async fn without_the_mark_the_effect_doubles(database: Database, keep: impl Send + 'static) {
    execute(&database, "CREATE TABLE effects (n INTEGER)").await;
    let stage = database::stage(&database, keep).await;
    let there = database.clone();
    redelivered(&stage, move |_| {
        let database = there.clone();
        async move { execute(&database, ADD).await }
    })
    .await;
    assert_eq!(number(&database, EFFECTS).await, 3);
}

/// The mark goes with the effect: one that is rolled back may happen later.
async fn an_effect_that_is_rolled_back_happens_with_the_next_attempt(
    database: Database,
    keep: impl Send + 'static,
) {
    execute(&database, "CREATE TABLE effects (n INTEGER)").await;
    let stage = database::stage(&database, keep).await;
    let there = database.clone();
    redelivered(&stage, move |attempt| {
        let database = there.clone();
        async move {
            if attempt.number() == 1 {
                drop(attempt.begin_once(&database).await.expect("begun"));
                return;
            }
            once(database, attempt).await.expect("the effect");
        }
    })
    .await;
    assert_eq!(number(&database, EFFECTS).await, 1);
}

async fn enqueue_within(database: &Database, publisher: &Publisher, commit: bool) {
    let job = Plain("x".to_owned());
    let mut transaction = database.begin().await.expect("begun");
    statement(ADD).execute(&mut transaction).await.expect("added");
    publisher.enqueue_in(&mut transaction, &job).await.expect("enqueued");
    if commit { transaction.commit().await.expect("committed") } else { drop(transaction) }
}

async fn a_job_exists_exactly_if_the_transaction_commits(database: Database, keep: impl Send + 'static) {
    execute(&database, "CREATE TABLE effects (n INTEGER)").await;
    let stage = database::stage(&database, keep).await;
    let publisher = stage.publisher();
    enqueue_within(&database, &publisher, false).await;
    assert_eq!((number(&database, EFFECTS).await, stage.live().await), (0, 0), "both rolled back");
    enqueue_within(&database, &publisher, true).await;
    assert_eq!((number(&database, EFFECTS).await, stage.live().await), (1, 1), "both there");
}

async fn a_job_of_a_transaction_is_counted_if_it_is_new(database: Database, keep: impl Send + 'static) {
    let stage = database::stage(&database, keep).await;
    let publisher = stage.jobs().publisher();
    for _ in 0..2 {
        let mut transaction = database.begin().await.expect("begun");
        let job = publisher.enqueue(&Plain("x".to_owned())).unique_key("k");
        job.within(&mut transaction).await.expect("enqueued");
        transaction.commit().await.expect("committed");
    }
    let text = stage.crew.metrics().encode();
    assert!(text.contains(r#"jobs_enqueued_total{job="plain",service="parcels"} 1"#), "{text}");
}

/// Nobody sees it before the commit, and nobody looks again within the hour: each runs because the worker is told.
async fn a_job_runs_as_soon_as_its_transaction_commits(database: Database, keep: impl Send + 'static) {
    execute(&database, "CREATE TABLE effects (n INTEGER)").await;
    let stage = database::stage(&database, keep).await;
    let app = App::noting();
    let config = JobsConfig { poll_period: Duration::from_secs(3600), ..config() };
    let jobs = stage.jobs_in(&stage.crew, &config);
    let publisher = jobs.publisher();
    jobs.register::<Plain>().run(app.clone());
    for number in 1..=5 {
        let mut transaction = database.begin().await.expect("begun");
        publisher.enqueue_in(&mut transaction, &Plain("x".to_owned())).await.expect("enqueued");
        // Long enough for the worker to look in vain.
        for _ in 0..300 {
            statement(ADD).execute(&mut transaction).await.expect("added");
        }
        transaction.commit().await.expect("committed");
        until("it ran", || async { app.runs() == number }).await;
    }
}

/// With a broker (here: memory) the job goes through the outbox.
async fn the_outbox_sends_what_was_committed_and_nothing_else(database: Database, keep: impl Send + 'static) {
    execute(&database, "CREATE TABLE effects (n INTEGER)").await;
    let (memory, crew) = (Memory::new(), crew());
    let jobs: Jobs<App> =
        config().connect_beside(&crew, Arc::new(memory.clone()), &database).await.expect("jobs");
    let publisher = jobs.publisher();
    let app = App::noting();
    jobs.register::<Plain>().run(app.clone());
    enqueue_within(&database, &publisher, false).await;
    enqueue_within(&database, &publisher, true).await;
    until("the committed one ran", || async { app.runs() == 1 }).await;
    let left = || number(&database, "SELECT count(*) FROM groundcrew_jobs_outbox");
    until("the outbox is empty", || async { left().await == 0 }).await;
    memory.idle().await;
    assert_eq!((app.runs(), number(&database, EFFECTS).await), (1, 1));
    drop(keep);
}

async fn a_job_that_goes_through_the_outbox_is_counted_once(database: Database, keep: impl Send + 'static) {
    let (memory, crew) = (Memory::new(), crew());
    let jobs: Jobs<App> =
        config().connect_beside(&crew, Arc::new(memory.clone()), &database).await.expect("jobs");
    let mut transaction = database.begin().await.expect("begun");
    let job = Plain("x".to_owned());
    let id = jobs.publisher().enqueue_in(&mut transaction, &job).await.expect("enqueued");
    transaction.commit().await.expect("committed");
    until("it has left the outbox", || async { memory.job(id).is_some() }).await;
    let text = crew.metrics().encode();
    assert!(text.contains(r#"jobs_enqueued_total{job="plain",service="parcels"} 1"#), "{text}");
    drop(keep);
}

/// A broker does not know of the marks that lie in the database beside it.
async fn the_marks_of_effects_beside_a_broker_are_kept_for_a_while_and_no_longer(
    database: Database,
    keep: impl Send + 'static,
) {
    const MARKS: &str = "SELECT count(*) FROM groundcrew_jobs_effects";
    const OLD: &str = "SELECT count(*) FROM groundcrew_jobs_effects WHERE part = 'two hours old'";
    execute(&database, "CREATE TABLE effects (n INTEGER)").await;
    let (memory, first) = (Memory::new(), crew());
    let beside = async |crew: &groundcrew_runtime::Crew, config: JobsConfig| -> Jobs<App> {
        config.connect_beside(crew, Arc::new(memory.clone()), &database).await.expect("jobs")
    };
    let jobs = beside(&first, config()).await;
    let there = database.clone();
    let app = App::new(move |_, attempt| once(there.clone(), attempt));
    let publisher = jobs.publisher();
    jobs.register::<Plain>().run(app);
    publisher.enqueue(&Plain("x".to_owned())).await.expect("enqueued");
    memory.idle().await;
    assert_eq!((number(&database, EFFECTS).await, number(&database, MARKS).await), (1, 1));
    execute(
        &database,
        "INSERT INTO groundcrew_jobs_effects (job_id, part, at)
         SELECT job_id, 'two hours old', at - 7200000000 FROM groundcrew_jobs_effects",
    )
    .await;
    let hour = Duration::from_secs(3600);
    let as_long_as_the_dead = JobsConfig { keep_effects: Duration::ZERO, keep_dead: hour, ..config() };
    let _jobs = beside(&crew(), as_long_as_the_dead).await;
    until("the old mark is gone", || async { number(&database, OLD).await == 0 }).await;
    assert_eq!(number(&database, MARKS).await, 1, "a job that is dead may be run again");
    let brief = JobsConfig { keep_effects: Duration::ZERO, keep_dead: Duration::ZERO, ..config() };
    let _jobs = beside(&crew(), brief).await;
    until("the mark is gone", || async { number(&database, MARKS).await == 0 }).await;
    drop(keep);
}

/// Nobody looks for jobs within the hour.
async fn a_job_that_is_given_back_or_run_again_is_told_to_the_other_workers(
    database: Database,
    keep: impl Send + 'static,
) {
    let stage = database::stage(&database, keep).await;
    stage.publisher().enqueue_many(&[(); 2].map(|()| Plain("x".to_owned()))).await.expect("enqueued");
    let ask = Ask {
        max: 2,
        known: vec![Known::new("plain", 1)],
        lease: Duration::from_secs(600),
        worker: "test".into(),
    };
    let mut taken = stage.backend.reserve(&ask).await.expect("reserved");
    assert_eq!(taken.len(), 2);
    let config = JobsConfig { poll_period: Duration::from_secs(3600), ..config() };
    let app = App::noting();
    stage.jobs_in(&stage.crew, &config).register::<Plain>().run(app.clone());
    let settle = async |delivery, ending| {
        let settlement = Settlement { delivery: Arc::new(delivery), ending, checkpoint: None };
        stage.backend.settle(vec![settlement]).await.expect("settled");
    };
    settle(taken.remove(0), Ending::HandedBack { after: Duration::ZERO }).await;
    until("it ran", || async { app.runs() == 1 }).await;
    let at = jiff::Timestamp::now();
    let failure = Failure { attempt: 1, at, kind: FailureKind::Fail, cause: "hopeless".to_owned() };
    settle(taken.remove(0), Ending::Dead { failure }).await;
    assert_eq!(stage.backend.requeue(Selection::all()).await, Ok(1));
    until("it ran, too", || async { app.runs() == 2 }).await;
}

/// The first has run so many short ones that it fetches far ahead.
async fn long_jobs_are_shared_by_workers_that_have_places(database: Database, keep: impl Send + 'static) {
    let stage = database::stage(&database, keep).await;
    let work = |name: String| async move {
        if name == "long" {
            std::future::pending::<()>().await;
        }
        Ok(())
    };
    let (one, other) = (App::logging(move |tag, _| work(tag)), App::logging(move |tag, _| work(tag)));
    let jobs = stage.jobs();
    let publisher = jobs.publisher();
    jobs.register::<Plain>().register::<Other>().run(one.clone());
    publisher.enqueue_many(&vec![Plain("short".to_owned()); 500]).await.expect("enqueued");
    stage.idle().await;
    publisher.enqueue_many(&vec![Other("long".to_owned()); 20]).await.expect("enqueued");
    until("all its places are taken", || async { one.runs() == 504 }).await;
    stage.jobs_in(&crew(), &config()).register::<Other>().run(other.clone());
    until("the other one has as many", || async { other.runs() == 4 }).await;
    until("the rest waits for either", || async { stage.count(State::Ready).await == 12 }).await;
}

async fn tables_are_prepared_by_many_replicas_at_once(database: Database, keep: impl Send + 'static) {
    let connects = (0..4).map(|_| {
        let database = database.clone();
        async move { groundcrew_jobs::migrate(&database).await }
    });
    for prepared in futures_util::future::join_all(connects).await {
        prepared.expect("prepared");
    }
    assert_eq!(number(&database, "SELECT count(*) FROM groundcrew_jobs").await, 0);
    drop(keep);
}

/// A long backlog does not make one worker wait for another, nor hide what is urgent.
async fn a_job_of_an_unknown_kind_in_front_does_not_hold_up_the_rest(
    database: Database,
    keep: impl Send + 'static,
) {
    let stage = database::stage(&database, keep).await;
    let strangers: Vec<_> =
        (0..2000).map(|_| NewJob { envelope: envelope("stranger"), when: When::Now }).collect();
    let done = stage.backend.enqueue(&strangers).await;
    assert!(done.iter().all(|done| matches!(done, Ok(Enqueued::New(_)))));
    let app = App::noting();
    let config = JobsConfig { poll_period: Duration::from_millis(10), ..config() };
    let jobs = stage.jobs_in(&stage.crew, &config);
    let publisher = jobs.publisher();
    jobs.register::<Plain>().run(app.clone());
    publisher.enqueue(&Plain("x".to_owned())).await.expect("enqueued");
    until("it ran", || async { app.runs() == 1 }).await;
    assert_eq!(stage.count(State::Ready).await, 2000);
}

async fn a_key_that_no_row_can_hold_is_refused_and_the_rest_of_the_batch_is_not(
    database: Database,
    keep: impl Send + 'static,
) {
    let stage = database::stage(&database, keep).await;
    let bad = Envelope { key: Some("\0".to_owned()), ..envelope("a") };
    let jobs = [envelope("a"), bad, envelope("a")].map(|envelope| NewJob { envelope, when: When::Now });
    let done = stage.backend.enqueue(&jobs).await;
    let good: Vec<_> = done.iter().map(Result::is_ok).collect();
    assert_eq!(good, [true, false, true]);
    assert_eq!(stage.count(State::Ready).await, 2);
}

/// An index would not hold it, and whoever owes something for it could not write that down.
async fn a_key_that_is_too_long_is_refused_and_the_rest_of_the_batch_is_not(
    database: Database,
    keep: impl Send + 'static,
) {
    let stage = database::stage(&database, keep).await;
    let long = |bytes: usize| "k".repeat(bytes);
    let unique = |bytes| Some(Unique { key: long(bytes), window: None });
    let jobs = [
        Envelope { key: Some(long(512)), unique: unique(512), ..envelope("a") },
        Envelope { key: Some(long(513)), ..envelope("a") },
        Envelope { unique: unique(5_000), ..envelope("a") },
        envelope("a"),
    ];
    let jobs = jobs.map(|envelope| NewJob { envelope, when: When::Now });
    let done = stage.backend.enqueue(&jobs).await;
    let refused: Vec<_> = done.iter().map(|done| matches!(done, Err(BackendError::Refused { .. }))).collect();
    assert_eq!(refused, [false, true, true, false]);
    assert_eq!(stage.count(State::Ready).await, 2);
}

macro_rules! for_backend {
    ($backend:ident, $($test:ident),+ $(,)?) => {
        mod $backend {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $test() {
                    let test = async {
                        let (database, keep) = crate::database::$backend::database().await;
                        super::$test(database, keep).await;
                    };
                    let limit = std::time::Duration::from_secs(90);
                    tokio::time::timeout(limit, test).await.expect("the test ends in time");
                }
            )+
        }
    };
}

macro_rules! all_tests {
    ($backend:ident) => {
        for_backend!(
            $backend,
            a_job_that_runs_again_has_one_effect,
            without_the_mark_the_effect_doubles,
            an_effect_that_is_rolled_back_happens_with_the_next_attempt,
            a_job_exists_exactly_if_the_transaction_commits,
            a_job_of_a_transaction_is_counted_if_it_is_new,
            a_job_runs_as_soon_as_its_transaction_commits,
            the_outbox_sends_what_was_committed_and_nothing_else,
            a_job_that_goes_through_the_outbox_is_counted_once,
            the_marks_of_effects_beside_a_broker_are_kept_for_a_while_and_no_longer,
            a_job_that_is_given_back_or_run_again_is_told_to_the_other_workers,
            long_jobs_are_shared_by_workers_that_have_places,
            tables_are_prepared_by_many_replicas_at_once,
            a_job_of_an_unknown_kind_in_front_does_not_hold_up_the_rest,
            a_key_that_no_row_can_hold_is_refused_and_the_rest_of_the_batch_is_not,
            a_key_that_is_too_long_is_refused_and_the_rest_of_the_batch_is_not,
        );
    };
}

all_tests!(sqlite);
all_tests!(postgres);
