//! The load client against servers that behave well, and against controls that it must find guilty.
#![cfg(feature = "load")]

mod support;

use groundcrew_testkit::load::{Load, Pace, Report};
use std::sync::Arc;
use std::time::Duration;
use support::{OK, Server, answer_all, request};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

fn assert_all_accounted_for(report: &Report) {
    assert_eq!(report.sent, report.answered + report.lost.total() + report.after_fin, "{report}");
}

#[tokio::test]
async fn a_server_that_answers_everything_loses_nothing_when_saturated() {
    let server = Server::start(|stream| answer_all(stream, OK)).await;
    let report = Load::new(server.addr).connections(64).at_most(20_000).run().await;
    assert_eq!((report.answered, report.lost.total(), report.after_fin), (20_000, 0, 0), "{report}");
    assert_eq!((report.connections, report.closed_idle, report.refused), (64, 0, 0), "{report}");
    assert_eq!(report.by_status.get(&200), Some(&20_000));
    assert_all_accounted_for(&report);
}

#[tokio::test]
async fn a_paced_connection_sends_once_per_interval() {
    let server = Server::start(|stream| answer_all(stream, OK)).await;
    let load = Load::new(server.addr).connections(4).pace(Pace::Every(Duration::from_millis(20)));
    let report = load.at_most(40).run().await;
    assert_eq!((report.answered, report.lost.total()), (40, 0), "{report}");
    assert!(report.took >= Duration::from_millis(180), "{report}");
}

#[tokio::test]
async fn the_end_that_a_response_announces_is_no_failure() {
    const CLOSE: &[u8] = b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok";
    let server = Server::start(|mut stream| async move {
        request(&mut stream).await;
        let _ = stream.write_all(CLOSE).await;
    })
    .await;
    let report = Load::new(server.addr).connections(4).at_most(200).run().await;
    assert_eq!((report.answered, report.closed_idle), (200, 0), "{report}");
    assert!((200..204).contains(&report.connections), "{report}");
    assert_eq!(report.lost.total(), 0, "{report}");
}

#[tokio::test]
async fn a_connection_that_is_closed_before_the_next_request_is_opened_again() {
    let server = Server::start(|mut stream| async move {
        request(&mut stream).await;
        let _ = stream.write_all(OK).await;
    })
    .await;
    let report = Load::new(server.addr).pace(Pace::Every(Duration::from_millis(20))).at_most(10).run().await;
    assert_eq!((report.answered, report.closed_idle), (10, 9), "{report}");
    assert_eq!((report.lost.total(), report.after_fin), (0, 0), "{report}");
}

#[tokio::test]
async fn chunked_responses_and_other_statuses_are_answers() {
    const CHUNKED: &[u8] =
        b"HTTP/1.1 503 Service Unavailable\r\ntransfer-encoding: chunked\r\n\r\n2\r\nno\r\n0\r\n\r\n";
    let server = Server::start(|stream| answer_all(stream, CHUNKED)).await;
    let report = Load::new(server.addr).at_most(10).run().await;
    assert_eq!((report.by_status.get(&503), report.connections), (Some(&10), 1), "{report}");
}

// Controls: what the client must see.

#[tokio::test]
async fn a_request_that_is_read_and_never_answered_is_lost() {
    let server = Server::start(|mut stream| async move {
        request(&mut stream).await;
        let _ = stream.write_all(OK).await;
        request(&mut stream).await;
    })
    .await;
    let report = Load::new(server.addr).at_most(40).run().await;
    assert_eq!((report.answered, report.lost.total() + report.after_fin), (20, 20), "{report}");
    assert!(report.lost.closed >= 18, "nearly all are told from a crossing: {report}");
}

#[tokio::test]
async fn a_request_that_is_received_and_thrown_away_is_lost_by_a_reset() {
    let server = Server::start(|stream| async move {
        let _ = stream.peek(&mut [0]).await;
    })
    .await;
    let report = Load::new(server.addr).at_most(50).run().await;
    assert_eq!((report.sent, report.lost.reset), (50, 50), "{report}");
}

#[tokio::test]
async fn a_response_that_is_cut_short_is_lost() {
    let server = Server::start(|stream| answer_once(stream, &OK[..OK.len() - 1])).await;
    let report = Load::new(server.addr).at_most(5).run().await;
    assert_eq!((report.answered, report.lost.truncated), (0, 5), "{report}");
}

#[tokio::test]
async fn an_answer_that_is_no_http_is_lost() {
    let server = Server::start(|stream| answer_once(stream, b"220 mail.example.com ESMTP\r\n")).await;
    let report = Load::new(server.addr).at_most(5).run().await;
    assert_eq!(report.lost.malformed, 5, "{report}");
}

#[tokio::test]
async fn a_request_that_waits_too_long_is_lost() {
    let server = Server::start(|mut stream| async move { while request(&mut stream).await {} }).await;
    let report = Load::new(server.addr).timeout(Duration::from_millis(30)).at_most(3).run().await;
    assert_eq!((report.sent, report.lost.timed_out), (3, 3), "{report}");
}

#[tokio::test]
async fn a_restart_that_cuts_its_connections_loses_exactly_what_was_in_flight() {
    let answers = Arc::new(Semaphore::new(2_000));
    let server = Server::start(move |stream| answer_while_permitted(stream, Arc::clone(&answers))).await;
    let addr = server.addr;
    let mut load = Load::new(addr).connections(64).start();
    assert!(load.answered(2_000).await);
    until(|| load.snapshot().sent == 2_064).await;
    drop(server);
    until(|| load.snapshot().refused > 0).await;
    let listener = TcpListener::bind(addr).await.expect("the port is free again");
    let server = Server::on(listener, |stream| answer_all(stream, OK));
    assert!(load.answered(4_000).await, "it goes on after the restart");
    let report = load.stop().await;
    assert_eq!((report.lost.total(), report.after_fin), (64, 0), "{report}");
    assert!(report.connections == 128, "{report}");
    assert_all_accounted_for(&report);
    drop(server);
}

// Bounds.

#[tokio::test]
async fn it_stops_by_itself_when_its_time_is_up() {
    let server = Server::start(|stream| answer_all(stream, OK)).await;
    let report = Load::new(server.addr).connections(2).for_at_most(Duration::from_millis(50)).run().await;
    assert!(report.answered > 0 && report.took < Duration::from_secs(5), "{report}");
    assert_all_accounted_for(&report);
}

#[tokio::test]
async fn it_stops_by_itself_when_nobody_ever_listens() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let addr = listener.local_addr().expect("it is bound");
    drop(listener);
    let report = Load::new(addr).for_at_most(Duration::from_millis(50)).run().await;
    assert!(report.sent == 0 && report.refused > 0, "{report}");
}

#[tokio::test]
async fn the_report_is_a_small_table() {
    let server = Server::start(|stream| answer_all(stream, OK)).await;
    let table = Load::new(server.addr).at_most(3).run().await.to_string();
    let names: Vec<&str> = table.lines().filter_map(|line| line.split("  ").next()).collect();
    assert_eq!(names, ["sent", "answered", "lost", "after FIN", "connections", "latency"]);
}

async fn answer_while_permitted(mut stream: TcpStream, answers: Arc<Semaphore>) {
    while request(&mut stream).await {
        let Ok(permit) = answers.acquire().await else { return };
        permit.forget();
        let _ = stream.write_all(OK).await;
    }
}

async fn until(condition: impl Fn() -> bool) {
    while !condition() {
        tokio::task::yield_now().await;
    }
}

async fn answer_once(mut stream: TcpStream, answer: &'static [u8]) {
    request(&mut stream).await;
    let _ = stream.write_all(answer).await;
}
