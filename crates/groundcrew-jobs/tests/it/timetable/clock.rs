use super::*;

/// A fault of the clock must not silence the plans of all users until its time comes.
pub(super) async fn a_plan_that_a_clock_far_ahead_has_moved_on_begins_anew(database: &Database) {
    let wrong = Desk::open(database, "2026-01-01T08:00:00Z").await;
    let daily = wrong.plan("daily", "0 9 * * *").await;
    let paused = wrong.plan("paused", "0 9 * * *").await;
    wrong.keep();
    wrong.now_is("2026-02-10T12:00:00Z");
    wrong.settled(2).await;
    wrong.timetable.pause(paused.id, "for a while").await.expect("paused");
    wrong.crew.land().await;
    assert_eq!(wrong.get(&daily).await.next, Some(at("2026-02-11T09:00:00Z")));

    let right = Desk::open(database, "2026-01-01T12:00:00Z").await;
    right.keep();
    let next = async |plan: &Plan| right.get(plan).await.next;
    until("it begins anew", || async { next(&daily).await == Some(at("2026-01-02T09:00:00Z")) }).await;
    assert_eq!(next(&paused).await, None, "it waits for a person");
    right.now_is("2026-01-02T09:00:00Z");
    assert_eq!(right.settled(1).await, ["daily 2026-01-02T09:00:00Z"]);
    let plan = right.get(&daily).await;
    assert_eq!((plan.fired, plan.last), (2, Some(at("2026-01-02T09:00:00Z"))));
}
