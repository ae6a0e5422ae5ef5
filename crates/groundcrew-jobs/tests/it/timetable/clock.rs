use super::*;

/// Two plans that came on a clock that was forty days ahead; the second one is paused since.
async fn moved_on_by_a_clock_far_ahead(database: &Database) -> [Plan; 2] {
    let wrong = Desk::open(database, "2026-01-01T08:00:00Z").await;
    let daily = wrong.plan("daily", "0 9 * * *").await;
    let paused = wrong.plan("paused", "0 9 * * *").await;
    wrong.keep();
    wrong.now_is("2026-02-10T12:00:00Z");
    wrong.settled(2).await;
    wrong.timetable.pause(paused.id, "for a while").await.expect("paused");
    wrong.crew.land().await;
    assert_eq!(wrong.get(&daily).await.next, Some(at("2026-02-11T09:00:00Z")));
    [daily, paused]
}

/// A fault of the clock must not silence the plans of all users until its time comes.
pub(super) async fn a_plan_that_a_clock_far_ahead_has_moved_on_begins_anew(database: &Database) {
    let [daily, paused] = moved_on_by_a_clock_far_ahead(database).await;
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

/// It is seen to up to that clock's time, whoever resumes it.
pub(super) async fn a_plan_that_is_resumed_after_a_clock_far_ahead_begins_anew(database: &Database) {
    let [_, paused] = moved_on_by_a_clock_far_ahead(database).await;
    let right = Desk::open(database, "2026-01-01T12:00:00Z").await;
    right.timetable.resume(paused.id).await.expect("resumed");
    right.keep();
    let next = || async { right.get(&paused).await.next };
    until("it begins anew", || async { next().await == Some(at("2026-01-02T09:00:00Z")) }).await;
}

/// By ten minutes, as the clocks of two replicas may differ: what was done is not done again.
pub(super) async fn a_plan_does_not_come_twice_when_the_clock_is_put_back(database: &Database) {
    let before = Desk::open(database, "2026-01-01T08:00:00Z").await;
    let daily = before.plan("daily", "0 9 * * *").await;
    before.keep();
    before.now_is("2026-01-01T09:00:00Z");
    assert_eq!(before.settled(1).await, ["daily 2026-01-01T09:00:00Z"]);
    before.crew.land().await;

    let after = Desk::open(database, "2026-01-01T08:50:00Z").await;
    after.plan("pace", "*/5 * * * *").await;
    after.keep();
    // What a wrong clock has moved on is looked for before what is due.
    after.now_is("2026-01-01T08:55:00Z");
    assert_eq!(after.settled(1).await, ["pace 2026-01-01T08:55:00Z"]);
    after.now_is("2026-01-01T09:05:00Z");
    assert_eq!(after.settled(2).await, ["pace 2026-01-01T08:55:00Z", "pace 2026-01-01T09:05:00Z"]);
    let plan = after.get(&daily).await;
    assert_eq!((plan.fired, plan.next), (1, Some(at("2026-01-02T09:00:00Z"))));
}
