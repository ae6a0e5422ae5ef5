//! Postgres takes jobs with limits and jobs without in statements of their own: where one fails, the other goes on.

use std::time::Duration;

use groundcrew_jobs::{Ask, Enqueued, Envelope, Known, NewJob, State, When};
use groundcrew_sql::{Database, sqlx};

use crate::database;
use crate::stage::{Stage, envelope};

/// No job without a key can be taken.
const BREAK_PLAIN: [&str; 2] = [
    "CREATE FUNCTION broken() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''broken''; END'",
    "CREATE TRIGGER broken BEFORE UPDATE ON groundcrew_jobs FOR EACH ROW WHEN (NEW.key IS NULL)
        EXECUTE FUNCTION broken()",
];

async fn enqueue(stage: &Stage, key: Option<&str>) -> Enqueued {
    let job = Envelope { key: key.map(str::to_owned), ..envelope("a") };
    let job = NewJob { envelope: job, when: When::Now };
    stage.backend.enqueue(&[job]).await.remove(0).expect("enqueued")
}

#[tokio::test]
async fn what_one_lane_has_reserved_is_not_lost_when_the_other_fails() {
    let (database, keep) = database::postgres::database().await;
    let stage = database::stage(&database, keep).await;
    let Database::Postgres(postgres) = &database else { unreachable!("it is Postgres") };
    for sql in BREAK_PLAIN {
        sqlx::query(sql).execute(postgres).await.expect("done");
    }
    enqueue(&stage, None).await;
    let lease = Duration::from_secs(600);
    let ask = Ask { max: 9, known: vec![Known::new("a", 1)], lease, worker: "test".into() };
    // They take turns with which goes first.
    for key in ["first", "second"] {
        let keyed = enqueue(&stage, Some(key)).await.id();
        let got = stage.backend.reserve(&ask).await.expect("one lane goes on");
        let got: Vec<_> = got.iter().map(|job| (job.envelope.id, job.envelope.crashes)).collect();
        assert_eq!(got, [(keyed, 0)]);
    }
    let nothing_else = async {
        loop {
            match stage.backend.reserve(&ask).await {
                Err(error) => return error.to_string(),
                // The server tells of an error first, and lets go of the row after that.
                Ok(got) => assert_eq!(got.len(), 0),
            }
        }
    };
    let error = tokio::time::timeout(Duration::from_secs(30), nothing_else).await.expect("an error");
    assert!(error.contains("broken"), "{error}");
    assert_eq!((stage.count(State::Ready).await, stage.count(State::Running).await), (1, 2));
}
