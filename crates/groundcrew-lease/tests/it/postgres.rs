//! The advisory lock in Postgres, under what ends leaders.

use std::time::{Duration, Instant};

use groundcrew_config::{Origin, Secret, Sourced};
use groundcrew_lease::{Leadership, LeaseConfig, LeaseStatus};
use groundcrew_runtime::Crew;
use groundcrew_sql::SqlConfig;
use groundcrew_sql::sqlx::{self, Connection, PgConnection};
use groundcrew_testkit::pgbouncer::PgBouncer;
use groundcrew_testkit::postgres::{Database, Postgres};
use groundcrew_testkit::proxy::{FaultProxy, Mode};

use crate::ledger::{Ledger, Line, Watch, now};
use crate::process::Process;
use crate::support::{bounded, crew, diligent, metric, until};

/// The promise for a leader that is killed; measured it is less than 2 s.
const FAILOVER: Duration = Duration::from_secs(15);

/// A replica behind a network of its own.
struct Replica {
    crew: Crew,
    proxy: FaultProxy,
    status: LeaseStatus,
    _watch: Watch,
}

impl Replica {
    async fn start(database: &Database, ledger: &Ledger) -> Self {
        let (proxy, url) = behind_a_proxy(database).await;
        let crew = crew();
        let status = replica(&url, &crew, ledger).await;
        let watch = ledger.watch(status.clone());
        Self { crew, proxy, status, _watch: watch }
    }
}

pub(crate) async fn replica(url: &str, crew: &Crew, ledger: &Ledger) -> LeaseStatus {
    let postgres = SqlConfig::of(url).connect_postgres(crew).await.expect("a database");
    let lease = LeaseConfig::default().postgres("sweep", crew, &postgres).expect("a lease");
    let ledger = ledger.clone();
    lease.run(move |leadership| diligent(leadership, ledger.clone()))
}

async fn behind_a_proxy(database: &Database) -> (FaultProxy, String) {
    let (head, name) = database.url().rsplit_once('/').expect("a name");
    let (user, target) = head.rsplit_once('@').map_or(("postgres://", head), |(user, target)| (user, target));
    let target = target.trim_start_matches("postgres://");
    let proxy = FaultProxy::to(target.parse().expect("an address")).await.expect("a proxy");
    let at = if head.contains('@') { "@" } else { "" };
    let url = format!("{user}{at}{}/{name}", proxy.addr());
    (proxy, url)
}

async fn server() -> (Postgres, Database) {
    let postgres = Postgres::start().await.expect("a server");
    let database = postgres.database().await.expect("a database");
    (postgres, database)
}

async fn admin(database: &Database) -> PgConnection {
    PgConnection::connect(database.url()).await.expect("a connection")
}

fn leader(replicas: &[Replica]) -> Option<usize> {
    replicas.iter().position(|replica| replica.status.is_leader())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_three_replicas_one_leads_and_a_rolling_restart_hands_over_at_once() {
    bounded(async {
        let ((_postgres, database), ledger) = (server().await, Ledger::default());
        let mut replicas = Vec::new();
        for _ in 0..3 {
            replicas.push(Replica::start(&database, &ledger).await);
        }
        for _ in 0..2 {
            until("one leads", || leader(&replicas).is_some()).await;
            let old = replicas.remove(leader(&replicas).expect("a leader"));
            let landing = tokio::spawn(async move { old.crew.land().await });
            until("the old one is none any more", || leader(&replicas).is_some()).await;
            let receipt = landing.await.expect("no panic");
            assert_eq!(receipt.cut().count(), 0, "{receipt}");
        }
        assert_eq!(replicas[0].status.epoch(), Some(3));
        let crew = &replicas[0].crew;
        assert_eq!(
            metric(crew, r#"lease_transitions_total{lease="sweep",transition="gained",service="parcels""#),
            1
        );
        ledger.assert_one_leader_at_a_time().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn handing_over_takes_less_than_a_second() {
    bounded(async {
        let ((_postgres, database), ledger) = (server().await, Ledger::default());
        let first = Replica::start(&database, &ledger).await;
        until("the first leads", || first.status.is_leader()).await;
        let second = Replica::start(&database, &ledger).await;
        first.crew.request_shutdown(groundcrew_runtime::Reason::Requested("a rolling restart".into()));
        let landing = tokio::spawn(async move { first.crew.land().await });
        let took = until("the second leads", || second.status.is_leader()).await;
        println!("handing over took {took:?}");
        assert!(took < Duration::from_secs(1), "{took:?}");
        landing.await.expect("no panic");
        ledger.assert_one_leader_at_a_time().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_the_leader_is_killed_another_leads_soon() {
    bounded(async {
        let ((_postgres, database), ledger) = (server().await, Ledger::default());
        let mut leader = Process::start(database.url(), &ledger);
        until("the process leads", || ledger.epoch() == 1).await;
        let heir = Replica::start(&database, &ledger).await;
        leader.kill();
        let took = until("the heir leads", || heir.status.is_leader()).await;
        println!("after kill -9 another led after {took:?}");
        assert!(took < FAILOVER, "{took:?}");
        ledger.assert_one_leader_at_a_time().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_leader_whose_process_is_stopped_is_followed_and_does_not_lead_when_it_goes_on() {
    bounded(async {
        let ((_postgres, database), ledger) = (server().await, Ledger::default());
        let leader = Process::start(database.url(), &ledger);
        until("the process leads", || ledger.epoch() == 1).await;
        let heir = Replica::start(&database, &ledger).await;
        leader.pause();
        let took = until("the heir leads", || heir.status.is_leader()).await;
        println!("after SIGSTOP another led after {took:?}");
        assert!(took < FAILOVER, "{took:?}");
        leader.resume();
        let term = heir.status.epoch();
        let began = Instant::now();
        until("the old one had time to err", || began.elapsed() > Duration::from_secs(2)).await;
        assert_eq!(heir.status.epoch(), term);
        ledger.assert_one_leader_at_a_time().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_black_holed_leader_steps_down_before_another_leads() {
    bounded(async {
        let ((_postgres, database), ledger) = (server().await, Ledger::default());
        let replicas = [Replica::start(&database, &ledger).await, Replica::start(&database, &ledger).await];
        for round in 1..=3 {
            until("one leads", || leader(&replicas).is_some()).await;
            let old = leader(&replicas).expect("a leader");
            let cut = Instant::now();
            replicas[old].proxy.set(Mode::BlackHole).await;
            until("it steps down", || !replicas[old].status.is_leader()).await;
            let down = cut.elapsed();
            assert!(down < Duration::from_millis(2500), "a deadline is 1.2 s: {down:?}");
            until("the other leads", || replicas[1 - old].status.is_leader()).await;
            println!("round {round}: down after {down:?}, another led after {:?}", cut.elapsed());
            assert!(cut.elapsed() < FAILOVER, "{:?}", cut.elapsed());
            replicas[old].proxy.heal().await;
        }
        ledger.assert_one_leader_at_a_time().await;
        let lost = r#"lease_transitions_total{lease="sweep",transition="lost",service="parcels""#;
        assert_eq!(metric(&replicas[0].crew, lost) + metric(&replicas[1].crew, lost), 3);
    })
    .await;
}

/// The naive lease: it has the lock, so it leads, until its connection says otherwise.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn control_without_a_heartbeat_a_black_holed_leader_goes_on_beside_its_successor() {
    bounded(async {
        let ((_postgres, database), ledger) = (server().await, Ledger::default());
        let (proxy, url) = behind_a_proxy(&database).await;
        let mut first = PgConnection::connect(&url).await.expect("a connection");
        sqlx::query("SET idle_session_timeout = '1s'").execute(&mut first).await.expect("a setting");
        let lock = "SELECT pg_try_advisory_lock(1)";
        assert!(sqlx::query_scalar::<_, bool>(lock).fetch_one(&mut first).await.expect("an answer"));
        proxy.set(Mode::BlackHole).await;
        let mut second = admin(&database).await;
        let began = Instant::now();
        while !sqlx::query_scalar::<_, bool>(lock).fetch_one(&mut second).await.expect("an answer") {
            assert!(began.elapsed() < Duration::from_secs(20), "the server keeps the lock");
            ledger.push(Line { at: now(), epoch: 1 });
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        ledger.push(Line { at: now(), epoch: 2 });
        // Nothing has told the first one: to ask gives no answer, and it does not ask.
        let asked = tokio::time::timeout(Duration::from_millis(500), first.ping()).await;
        assert!(asked.is_err(), "no error reaches it either: {asked:?}");
        ledger.push(Line { at: now(), epoch: 1 });
        assert_eq!(ledger.overlaps().len(), 1);
    })
    .await;
}

/// The lock is free at once, and its holder has not noticed: what the grace is for.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_successor_waits_for_a_leader_that_does_not_know_yet() {
    bounded(async {
        let ((_postgres, database), ledger) = (server().await, Ledger::default());
        let mut admin = admin(&database).await;
        let replicas = [Replica::start(&database, &ledger).await, Replica::start(&database, &ledger).await];
        until("one leads", || leader(&replicas).is_some()).await;
        let old = leader(&replicas).expect("a leader");
        replicas[old].proxy.set(Mode::BlackHole).await;
        let end = "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted";
        sqlx::query(end).execute(&mut admin).await.expect("an answer");
        // The control: the lock has changed hands while the old leader still believes.
        let began = Instant::now();
        let epoch = "SELECT epoch FROM groundcrew_leases WHERE name = 'sweep'";
        while sqlx::query_scalar::<_, i64>(epoch).fetch_one(&mut admin).await.expect("a row") < 2 {
            assert!(began.elapsed() < Duration::from_secs(10), "nobody takes the lock");
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        assert!(replicas[old].status.is_leader(), "otherwise this shows nothing");
        until("the other leads", || replicas[1 - old].status.is_leader()).await;
        ledger.assert_one_leader_at_a_time().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_postgres_that_is_killed_leaves_no_leader_until_it_is_back_and_then_one() {
    bounded(async {
        let ((mut postgres, database), ledger) = (server().await, Ledger::default());
        let replicas = [Replica::start(&database, &ledger).await, Replica::start(&database, &ledger).await];
        until("one leads", || leader(&replicas).is_some()).await;
        postgres.kill().expect("it runs");
        until("nobody leads", || leader(&replicas).is_none()).await;
        until("the check says why", || {
            let checks = replicas[0].crew.readiness().checks;
            checks.iter().any(|check| check.name == "lease sweep" && check.last_error.is_some())
        })
        .await;
        postgres.restart().await.expect("it starts");
        let took = until("one leads again", || leader(&replicas).is_some()).await;
        println!("after the restart one led after {took:?}");
        assert!(took < FAILOVER, "{took:?}");
        ledger.assert_one_leader_at_a_time().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_leader_of_an_earlier_term_is_refused_by_the_fence() {
    bounded(async {
        let ((_postgres, database), terms) =
            (server().await, std::sync::Arc::new(parking_lot::Mutex::new(Vec::new())));
        let crew = crew();
        let postgres = SqlConfig::of(database.url()).connect_postgres(&crew).await.expect("a database");
        let lease = LeaseConfig::default().postgres("sweep", &crew, &postgres).expect("a lease");
        let begun = terms.clone();
        let _status = lease.run(move |leadership: Leadership| {
            begun.lock().push(leadership.clone());
            async move {
                // The first term ends at once, the second stays.
                if leadership.epoch() > 1 {
                    leadership.ending().await;
                }
            }
        });
        until("the second term", || terms.lock().len() == 2).await;
        let [stale, present] = terms.lock().clone().try_into().expect("two terms");
        let mut admin = admin(&database).await;
        let mut transaction = admin.begin().await.expect("a transaction");
        assert!(!stale.confirm(&mut transaction).await.expect("an answer"));
        assert!(!stale.is_valid());
        assert!(present.confirm(&mut transaction).await.expect("an answer"));
        crew.land().await;
    })
    .await;
}

// Field note: PgBouncer in transaction mode, advisory locks leak there: they take a direct URL.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn behind_pgbouncer_the_lease_is_held_on_a_direct_connection_and_given_back() {
    bounded(async {
        let (postgres, database) = server().await;
        let bouncer = PgBouncer::in_front_of(&postgres).await.expect("a pooler");
        let config = SqlConfig {
            pgbouncer: true,
            direct_url: Some(Sourced::new(Secret::new(database.url().to_owned()), Origin::Set)),
            ..SqlConfig::of(bouncer.url_to(database.url()))
        };
        for term in 1..=2 {
            let crew = crew();
            let sql = config.connect_postgres(&crew).await.expect("a database");
            let lease = LeaseConfig::default().postgres("sweep", &crew, &sql).expect("a lease");
            let status = lease.run(|leadership| async move { leadership.ending().await });
            let took = until("it leads", || status.is_leader()).await;
            assert_eq!(status.epoch(), Some(term));
            assert!(term == 1 || took < Duration::from_secs(1), "nothing was left behind: {took:?}");
            crew.land().await;
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn control_a_lock_that_is_taken_through_pgbouncer_outlives_its_client() {
    bounded(async {
        let (postgres, database) = server().await;
        let bouncer = PgBouncer::in_front_of(&postgres).await.expect("a pooler");
        let lock = "SELECT pg_try_advisory_lock(1)";
        let mut through = PgConnection::connect(&bouncer.url_to(database.url())).await.expect("a connection");
        sqlx::raw_sql(lock).execute(&mut through).await.expect("an answer");
        through.close().await.expect("an orderly end");
        let free = sqlx::query_scalar::<_, bool>(lock).fetch_one(&mut admin(&database).await).await;
        assert!(!free.expect("an answer"), "the pooler's session still has it");
    })
    .await;
}
