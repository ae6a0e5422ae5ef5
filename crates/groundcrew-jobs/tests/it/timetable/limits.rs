use super::*;

pub(super) async fn what_cannot_be_planned_is_refused_in_words(database: &Database) {
    let desk = Desk::open(database, "2026-01-01T08:00:00Z").await;
    let create = |plan| desk.timetable.create(plan);
    for (owner, name, timing, words) in [
        ("", "x", "0 9 * * *", "owner of a plan cannot be this: it is empty"),
        ("guild", " ", "0 9 * * *", "name of a plan cannot be this: it is empty"),
        ("guild", "a\0b", "0 9 * * *", "NUL"),
        ("guild", &"x".repeat(201), "0 9 * * *", "longer than 200 bytes"),
        ("guild", "x", "* * * * * *", "more often than every 60s (timetable.least_pause)"),
        ("guild", "x", "@every 59s", "more often than every 60s"),
        ("guild", "x", "@once 2025-12-31T00:00:00Z", "does not come any more"),
    ] {
        let error = create(plan(owner, name, timing)).await.expect_err(words).to_string();
        assert!(error.contains(words), "{error}");
    }
    let (long, keyed) = ("k".repeat(513), || plan("guild", "x", "0 9 * * *"));
    for keyed in [keyed().key(&long), keyed().unique_key(&long)] {
        let error = create(keyed).await.expect_err("no row holds it").to_string();
        assert!(error.contains("its name or key is longer than 512 bytes"), "{error}");
    }
    create(plan("guild", "x", "0 9 * * *")).await.expect("a plan");
    let taken = create(plan("guild", "x", "0 10 * * *")).await.expect_err("it is taken");
    assert!(matches!(taken, PlanError::NameTaken { .. }), "{taken}");
    create(plan("another guild", "x", "0 9 * * *")).await.expect("names are of an owner");
    let large = NewPlan::new("guild", "large", timing("0 9 * * *"), &note(&"x".repeat(70_000)));
    assert!(matches!(create(large).await, Err(PlanError::TooLarge { .. })));
    let strict = NewPlan::new("guild", "strict", timing("0 9 * * *"), &Strict { tag: String::new() });
    let error = create(strict).await.expect_err("it has no room").to_string();
    assert!(error.contains("planned: Option<Planned>"), "{error}");
    assert_eq!(desk.timetable.list(PlanQuery::default()).await.expect("plans").plans.len(), 2);
}

/// It would be dead at each of its moments.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Strict {
    tag: String,
}

impl Job for Strict {
    const NAME: &'static str = "strict";
    type Context = App;

    async fn run(self, _: App, _: Attempt) -> Result<(), JobError> {
        Ok(())
    }
}

pub(super) async fn an_owner_has_so_many_plans_however_many_are_made_at_once(database: &Database) {
    let desk = Desk::with(database, "2026-01-01T08:00:00Z", 5).await;
    let mut making = tokio::task::JoinSet::new();
    for number in 0..20 {
        let timetable = desk.timetable.clone();
        let new = plan("guild", &format!("plan {number}"), "0 9 * * *");
        making.spawn(async move { timetable.create(new).await });
    }
    let made = making.join_all().await;
    assert_eq!(made.iter().filter(|made| made.is_ok()).count(), 5);
    let refused = made.into_iter().find_map(Result::err).expect("one is refused").to_string();
    assert!(refused.contains("5 plans") && refused.contains("timetable.per_owner"), "{refused}");
    desk.timetable.create(plan("another", "x", "0 9 * * *")).await.expect("it counts for an owner");
}

pub(super) async fn plans_are_listed_page_by_page(database: &Database) {
    let desk = Desk::open(database, "2026-01-01T08:00:00Z").await;
    for (owner, name) in [("a", "1"), ("b", "2"), ("a", "3"), ("a", "4")] {
        desk.timetable.create(plan(owner, name, "0 9 * * *")).await.expect("a plan");
    }
    let names = |plans: &[Plan]| plans.iter().map(|plan| plan.name.clone()).collect::<Vec<_>>();
    let query = || PlanQuery::default().owner("a").limit(2);
    let first = desk.timetable.list(query()).await.expect("plans");
    assert_eq!(names(&first.plans), ["1", "3"]);
    let second = desk.timetable.list(query().after(first.next.expect("more"))).await.expect("plans");
    assert_eq!((names(&second.plans), second.next), (vec!["4".to_owned()], None));
    let all = desk.timetable.list(PlanQuery::default().job("note")).await.expect("plans");
    assert_eq!(names(&all.plans), ["1", "2", "3", "4"]);
    assert_eq!(desk.timetable.list(PlanQuery::default().job("other")).await.expect("plans").plans.len(), 0);
}
