//! The fault proxy in front of a real echo server.
#![cfg(feature = "proxy")]

mod support;

use groundcrew_testkit::proxy::{Direction, FaultProxy, Mode};
use std::io::ErrorKind;
use std::time::{Duration, Instant};
use support::{Server, echo};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Long enough to tell silence from delay.
const SILENCE: Duration = Duration::from_millis(100);

async fn echo_behind_proxy() -> (Server, FaultProxy) {
    let server = Server::start(echo).await;
    let proxy = FaultProxy::to(server.addr).await.expect("a free port");
    (server, proxy)
}

async fn connected(proxy: &FaultProxy) -> TcpStream {
    let mut stream = TcpStream::connect(proxy.addr()).await.expect("it accepts");
    assert_eq!(ping(&mut stream).await.ok(), Some(*b"ping"));
    stream
}

async fn ping(stream: &mut TcpStream) -> std::io::Result<[u8; 4]> {
    stream.write_all(b"ping").await?;
    let mut back = [0; 4];
    stream.read_exact(&mut back).await?;
    Ok(back)
}

async fn is_silent(stream: &mut TcpStream) -> bool {
    tokio::time::timeout(SILENCE, stream.read(&mut [0; 1])).await.is_err()
}

#[tokio::test]
async fn it_passes_bytes_and_ends_and_counts_them() {
    let (_server, proxy) = echo_behind_proxy().await;
    let mut stream = connected(&proxy).await;
    stream.shutdown().await.expect("it is open");
    assert_eq!(stream.read(&mut [0; 1]).await.ok(), Some(0));
    assert_eq!(
        (proxy.accepted(), proxy.bytes(Direction::ToTarget), proxy.bytes(Direction::ToClient)),
        (1, 4, 4)
    );
}

#[tokio::test]
async fn a_cut_resets_every_connection_and_every_new_one() {
    let (_server, proxy) = echo_behind_proxy().await;
    let mut stream = connected(&proxy).await;
    proxy.set(Mode::Cut).await;
    let error = stream.read(&mut [0; 1]).await.expect_err("it was reset");
    assert_eq!((error.kind(), proxy.open()), (ErrorKind::ConnectionReset, 0));
    let next = TcpStream::connect(proxy.addr()).await;
    assert!(match next {
        Ok(mut next) => ping(&mut next).await.is_err(),
        Err(_) => true,
    });
}

#[tokio::test]
async fn a_single_cut_spares_those_that_come_after() {
    let (_server, proxy) = echo_behind_proxy().await;
    let mut stream = connected(&proxy).await;
    proxy.cut_once().await;
    assert!(ping(&mut stream).await.is_err());
    connected(&proxy).await;
}

#[tokio::test]
async fn a_proxy_that_refuses_keeps_what_is_connected_and_its_port() {
    let (_server, proxy) = echo_behind_proxy().await;
    let mut stream = connected(&proxy).await;
    proxy.set(Mode::Refuse).await;
    let error = TcpStream::connect(proxy.addr()).await.expect_err("nobody listens");
    assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
    assert!(ping(&mut stream).await.is_ok());
    proxy.heal().await;
    connected(&proxy).await;
}

#[tokio::test]
async fn a_slow_connection_takes_its_time() {
    let (_server, proxy) = echo_behind_proxy().await;
    let mut stream = connected(&proxy).await;
    proxy.set(Mode::Slow { bytes_per_second: 10_000, latency: Duration::from_millis(50) }).await;
    let start = Instant::now();
    stream.write_all(&[7; 2_000]).await.expect("it is open");
    stream.read_exact(&mut [0; 2_000]).await.expect("it comes back");
    let took = start.elapsed();
    assert!(took >= Duration::from_millis(250), "50 ms each way and 150 ms at least for the bytes: {took:?}");
}

#[tokio::test]
async fn a_limited_connection_carries_so_much_and_no_more() {
    let (_server, proxy) = echo_behind_proxy().await;
    let mut stream = connected(&proxy).await;
    proxy.set(Mode::Limit { bytes_per_second: 10_000 }).await;
    let start = Instant::now();
    stream.write_all(&[7; 3_000]).await.expect("it is open");
    stream.read_exact(&mut [0; 3_000]).await.expect("it comes back");
    let took = start.elapsed();
    assert!(took >= Duration::from_millis(200), "300 ms each way, overlapping, less the last rest: {took:?}");
    proxy.heal().await;
    assert!(tokio::time::timeout(Duration::from_secs(10), ping(&mut stream)).await.is_ok());
}

#[tokio::test]
async fn an_idle_connection_becomes_a_black_hole_too() {
    let (_server, proxy) = echo_behind_proxy().await;
    let mut stream = connected(&proxy).await;
    proxy.set(Mode::BlackHole).await;
    assert!(is_silent(&mut stream).await, "it is not closed");
    stream.write_all(b"ping").await.expect("it swallows");
    assert!(is_silent(&mut stream).await);
    assert_eq!(proxy.bytes(Direction::ToTarget), 4, "nothing came through");
    assert_eq!((proxy.swallowed(Direction::ToTarget), proxy.swallowed(Direction::ToClient)), (4, 0));
}

#[tokio::test]
async fn what_a_connection_loses_that_is_opened_in_a_black_hole_is_counted_too() {
    let (_server, proxy) = echo_behind_proxy().await;
    proxy.set(Mode::BlackHole).await;
    let mut stream = TcpStream::connect(proxy.addr()).await.expect("it accepts");
    stream.write_all(b"ping").await.expect("it swallows");
    let counted = async {
        while proxy.swallowed(Direction::ToTarget) < 4 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), counted).await.expect("it is counted");
    assert_eq!((proxy.swallowed(Direction::ToTarget), proxy.swallowed(Direction::ToClient)), (4, 0));
}

#[tokio::test]
async fn half_open_towards_the_target_holds_requests_back() {
    let (_server, proxy) = echo_behind_proxy().await;
    let mut stream = connected(&proxy).await;
    proxy.set(Mode::HalfOpen(Direction::ToTarget)).await;
    stream.write_all(b"late").await.expect("the proxy takes it");
    assert!(is_silent(&mut stream).await);
    assert_eq!(proxy.bytes(Direction::ToTarget), 4);
    proxy.heal().await;
    let mut late = [0; 4];
    stream.read_exact(&mut late).await.expect("it was held");
    assert_eq!(&late, b"late");
}

#[tokio::test]
async fn healing_ends_slowness() {
    let (_server, proxy) = echo_behind_proxy().await;
    let mut stream = connected(&proxy).await;
    proxy.set(Mode::Slow { bytes_per_second: 1, latency: Duration::from_mins(1) }).await;
    proxy.heal().await;
    assert!(tokio::time::timeout(Duration::from_secs(10), ping(&mut stream)).await.is_ok());
}

#[tokio::test]
async fn a_black_hole_swallows_and_what_fell_in_stays_silent() {
    let (_server, proxy) = echo_behind_proxy().await;
    let mut before = connected(&proxy).await;
    let mut untouched = connected(&proxy).await;
    proxy.set(Mode::BlackHole).await;
    let mut during = TcpStream::connect(proxy.addr()).await.expect("it accepts");
    for stream in [&mut before, &mut during] {
        stream.write_all(b"lost").await.expect("it swallows");
        assert!(is_silent(stream).await);
    }
    proxy.heal().await;
    assert!(is_silent(&mut before).await && is_silent(&mut during).await);
    assert!(ping(&mut untouched).await.is_ok());
    connected(&proxy).await;
}

#[tokio::test]
async fn half_open_holds_back_one_direction_and_delivers_it_after_healing() {
    let (_server, proxy) = echo_behind_proxy().await;
    let mut stream = connected(&proxy).await;
    proxy.set(Mode::HalfOpen(Direction::ToClient)).await;
    stream.write_all(b"late").await.expect("this direction is open");
    assert!(is_silent(&mut stream).await);
    assert_eq!(proxy.bytes(Direction::ToTarget), 8);
    proxy.heal().await;
    let mut late = [0; 4];
    stream.read_exact(&mut late).await.expect("it was held");
    assert_eq!(&late, b"late");
}

#[tokio::test]
async fn a_target_that_is_not_there_shows_as_a_reset() {
    let (server, proxy) = echo_behind_proxy().await;
    drop(server);
    while TcpStream::connect(proxy.addr()).await.is_ok_and(|_| proxy.accepted() < 3) {}
    let mut stream = TcpStream::connect(proxy.addr()).await.expect("the proxy still accepts");
    assert!(ping(&mut stream).await.is_err());
}
