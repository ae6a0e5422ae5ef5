//! A worker that falls silent between two of the statements by which it chooses.

use std::time::Duration;

use groundcrew_runtime::Crew;
use groundcrew_sql::SqlConfig;
use groundcrew_testkit::postgres::Postgres as Server;

use super::super::enqueue::enqueue;
use super::super::lanes::Lanes;
use super::*;
use crate::enqueue::new_job;
use crate::{Attempt, Enqueued, Job, JobError, NewJob};

#[derive(serde::Serialize, serde::Deserialize)]
struct Parcel;

impl Job for Parcel {
    const NAME: &'static str = "parcel";
    type Context = ();

    async fn run(self, (): (), _: Attempt) -> Result<(), JobError> {
        Ok(())
    }
}

fn job(key: Option<&str>) -> NewJob {
    let mut job = new_job(&Parcel).expect("a job");
    job.envelope.key = key.map(str::to_owned);
    job
}

#[tokio::test]
async fn a_worker_that_falls_silent_while_it_chooses_holds_up_the_others_for_a_moment_only() {
    let server = Server::start().await.expect("a server");
    let empty = server.database().await.expect("a database");
    let crew = Crew::builder("parcels", "1.0.0").build();
    let postgres = SqlConfig::of(empty.url()).connect_postgres(&crew).await.expect("Postgres");
    crate::migrate(&postgres.clone().into()).await.expect("tables");
    let enqueued = enqueue(&postgres, &[job(None), job(Some("k"))]).await;
    let ids: Vec<String> =
        enqueued.into_iter().map(|done| done.map(Enqueued::id).expect("enqueued").to_string()).collect();
    let (lease, worker) = (Duration::from_secs(60), "test".into());
    let ask = Ask { max: 9, known: vec![Known::new(Parcel::NAME, Parcel::VERSION)], lease, worker };
    let mut silent = postgres.begin().await.expect("a transaction");
    assert!(hold(&mut silent).await.expect("the lock"));

    let lanes = Lanes::default();
    let first = lanes.reserve(&postgres, &ask).await.expect("the other lane goes on");
    let first: Vec<&String> = first.iter().map(|row| &row.0).collect();
    assert_eq!(first, [&ids[0]], "it has not waited until the silent one was ended");
    let keyed = async {
        loop {
            let rows = lanes.reserve(&postgres, &ask).await.expect("an answer");
            if let Some(row) = rows.into_iter().next() {
                return row.0;
            }
        }
    };
    let keyed = tokio::time::timeout(Duration::from_secs(5), keyed).await.expect("within 5 s");
    assert_eq!(keyed, ids[1]);
}
