//! SQLite has one writer: a transaction that keeps it for long keeps it from the worker, too.

use std::time::Duration;

use groundcrew_jobs::{Ask, Known};
use groundcrew_sql::SqlConfig;

use crate::database;
use crate::stage::{Plain, crew, until};

#[tokio::test]
async fn jobs_of_a_transaction_that_outlasts_the_wait_for_the_writer_are_looked_for_again_at_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let config = SqlConfig {
        acquire_timeout: Duration::from_millis(100),
        ..SqlConfig::of(format!("sqlite:{}", folder.path().join("jobs.db").display()))
    };
    let database = config.connect(&crew()).await.expect("SQLite");
    let stage = database::stage(&database, folder).await;
    let known = vec![Known::new("plain", 1)];
    let ask = Ask { max: 1, known, lease: Duration::from_secs(60), worker: "test".into() };
    // As a worker does that looks once in an hour.
    let look = async || {
        let told = stage.backend.wait(Duration::from_secs(3600));
        tokio::time::timeout(Duration::from_secs(30), told).await.expect("it is told to look");
        stage.backend.reserve(&ask).await.expect("that is no failure").len()
    };
    let mut transaction = database.begin().await.expect("begun");
    stage.publisher().enqueue_in(&mut transaction, &Plain("x".to_owned())).await.expect("enqueued");
    for _ in 0..3 {
        assert_eq!(look().await, 0, "it waits for the writer, in vain");
    }
    transaction.commit().await.expect("committed");
    until("the job is there", || async { look().await == 1 }).await;
}
