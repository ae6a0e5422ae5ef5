use super::*;

pub(super) async fn the_jobs_of_plans_are_counted_as_enqueued(database: &Database) {
    let desk = Desk::open(database, "2026-01-01T08:00:00Z").await;
    let plan = desk.plan("daily", "0 9 * * *").await;
    desk.timetable.run_now(plan.id).await.expect("a job");
    let text = desk.crew.metrics().encode();
    assert!(text.contains(r#"jobs_enqueued_total{job="note",service="parcels"} 1"#), "{text}");
}
