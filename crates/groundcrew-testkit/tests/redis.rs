//! A real Redis, asked by hand.
#![cfg(all(unix, feature = "redis"))]

use groundcrew_testkit::redis::{Error, Redis, Reply};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const SOON: Duration = Duration::from_secs(10);
const PING: &[u8] = b"PING\r\n";

async fn private() -> Redis {
    Redis::private().await.expect("it starts")
}

async fn connect(redis: &Redis) -> std::io::Result<TcpStream> {
    TcpStream::connect(("127.0.0.1", redis.port().expect("it is ours"))).await
}

/// A connection that has been answered once, so that the server knows of it.
async fn known(redis: &Redis) -> TcpStream {
    let mut stream = connect(redis).await.expect("it listens");
    stream.write_all(PING).await.expect("it is open");
    stream.read_exact(&mut [0; 7]).await.expect("it answers");
    stream
}

#[tokio::test]
async fn what_is_written_is_there_and_no_namespace_is_given_twice() {
    let redis = Redis::start().await.expect("it starts");
    let (one, other) = (redis.namespace() + "key", redis.namespace() + "key");
    redis.command(&["SET", &one, "1"]).await.expect("it answers");
    assert_eq!(redis.command(&["GET", &one]).await.expect("it answers"), Reply::Text("1".to_owned()));
    assert_eq!(redis.command(&["GET", &other]).await.expect("it answers"), Reply::Nil);
}

#[tokio::test]
async fn answers_of_every_kind_are_read() {
    let redis = private().await;
    redis.command(&["RPUSH", "list", "a", "b"]).await.expect("it answers");
    let text = |text: &str| Reply::Text(text.to_owned());
    let script = "return {1, {}, {{'x'}, 'y'}, false}";
    let inner = Reply::List(vec![Reply::List(vec![text("x")]), text("y")]);
    let nested = Reply::List(vec![Reply::Integer(1), Reply::List(Vec::new()), inner, Reply::Nil]);
    assert_eq!(redis.command(&["EVAL", script, "0"]).await.expect("it answers"), nested);
    let list = Reply::List(vec![text("a"), text("b")]);
    assert_eq!(redis.command(&["LRANGE", "list", "0", "-1"]).await.expect("it answers"), list);
    let error = redis.command(&["INCR", "list"]).await.expect_err("a list is no number");
    assert!(matches!(error, Error::Refused { answer, .. } if answer.starts_with("WRONGTYPE")));
}

#[tokio::test]
async fn after_a_kill_nobody_listens_and_a_restart_is_empty_on_the_same_port() {
    let mut redis = private().await;
    redis.command(&["SET", "key", "1"]).await.expect("it answers");
    redis.kill().expect("it is ours");
    assert!(connect(&redis).await.is_err());
    assert!(matches!(redis.pause(), Err(Error::NotRunning)));
    redis.restart().await.expect("it starts again");
    assert_eq!(redis.command(&["GET", "key"]).await.expect("it answers"), Reply::Nil);
}

#[tokio::test]
async fn a_paused_server_is_silent_until_it_is_resumed() {
    let mut redis = private().await;
    let mut stream = known(&redis).await;
    redis.pause().expect("it runs");
    stream.write_all(PING).await.expect("the kernel takes it");
    let mut answer = [0; 7];
    let silence = tokio::time::timeout(Duration::from_millis(100), stream.read_exact(&mut answer)).await;
    assert!(silence.is_err());
    redis.resume().expect("it is paused");
    let answered = tokio::time::timeout(SOON, stream.read_exact(&mut answer)).await;
    assert!(matches!(answered, Ok(Ok(_))));
    assert_eq!(&answer, b"+PONG\r\n");
}

#[tokio::test]
async fn closing_all_connections_closes_subscribers_too_and_keeps_the_data() {
    let redis = private().await;
    redis.command(&["SET", "key", "1"]).await.expect("it answers");
    let mut client = known(&redis).await;
    let mut subscriber = known(&redis).await;
    subscriber.write_all(b"SUBSCRIBE channel\r\n").await.expect("it is open");
    subscriber.read_u8().await.expect("it has subscribed");
    assert_eq!(redis.close_all_connections().await.expect("it answers"), 2);
    for stream in [&mut client, &mut subscriber] {
        let end = tokio::time::timeout(SOON, stream.read_to_end(&mut Vec::new())).await;
        assert!(end.is_ok(), "it is closed");
    }
    assert_eq!(redis.command(&["GET", "key"]).await.expect("it answers"), Reply::Text("1".to_owned()));
}

#[tokio::test]
async fn a_dropped_server_is_gone() {
    let redis = private().await;
    let port = redis.port().expect("it is ours");
    drop(redis);
    assert!(TcpStream::connect(("127.0.0.1", port)).await.is_err());
}
